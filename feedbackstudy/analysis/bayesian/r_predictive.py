"""Drawn studies for R: shares of values, and statistics beside those that were seen."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_rows import CellRows
from feedbackstudy.psychometrics.rscript import RScript, r_vector

__all__ = ["predictive_script", "prior_shares_script"]

type Floats = NDArray[np.float64]

_BARS = """\
# One row a person, one column a drawn study. Bars are the whole numbers from the smallest to the largest (the last one
# open above), or equal bins over the middle 99 % of all drawn outcomes and of what the bars are laid beside.
whole <- WHOLE; bins <- BINS; most <- MOST
limits <- function(beside, drawn) {
  low <- min(beside, quantile(drawn, 0.005)); high <- max(beside, quantile(drawn, 0.995))
  if (whole) seq(floor(low), min(ceiling(high), floor(low) + most))
  else low + (high - low) / bins * seq_len(bins - 1)
}
shares <- function(values, at) {
  place <- if (whole) pmin(pmax(values - at[1], 0), length(at) - 1) else findInterval(values, at)
  tabulate(place + 1, length(at) + !whole) / length(values)
}
bars <- function(name, seen, drawn, at) {
  each <- matrix(apply(drawn, 2, shares, at), ncol = ncol(drawn))
  if (length(seen)) show(paste(name, "seen"), shares(seen, at))
  show(paste(name, "mean"), rowMeans(each))
  for (one in c(0.025, 0.975)) show(paste(name, if (one < 0.5) "lower" else "upper"), apply(each, 1, quantile, one))
}
"""

_CHECK = """\
groups <- GROUPS; seen <- responses$seen; cell <- responses$cell
drawn <- as.matrix(responses[-seq_len(2 + length(groups))]); at <- limits(seen, drawn)
bars("share", seen, drawn, at)
for (j in sort(unique(cell))) bars(paste("share in cell", j), seen[cell == j], drawn[cell == j, , drop = FALSE], at)
statistic <- function(name, seen, drawn) {  # shows what was seen, the middle 95 % of drawn studies, and p
  tie <- 1e-12 * max(abs(seen), abs(drawn))  # a sum in another order is the same number
  p <- mean(drawn > seen + tie) + mean(abs(drawn - seen) <= tie) / 2
  show(name, c(seen, quantile(drawn, c(0.025, 0.975)), p))
}
for (j in sort(unique(cell))) {
  own <- drawn[cell == j, , drop = FALSE]
  statistic(paste("mean of cell", j), mean(seen[cell == j]), colMeans(own))
  if (nrow(own) > 1) statistic(paste("sd of cell", j), sd(seen[cell == j]), apply(own, 2, sd))
}
statistic("smallest", min(seen), apply(drawn, 2, min)); statistic("largest", max(seen), apply(drawn, 2, max))
for (k in seq_along(groups)) {
  member <- responses[[2 + k]]; has <- !is.na(member); size <- as.vector(table(member))
  spread <- function(values) apply(rowsum(values[has, , drop = FALSE], member[has]) / size, 2, sd)
  statistic(paste("sd of means of", groups[k]), spread(as.matrix(seen)), spread(drawn))
}
"""

_PRIOR = """\
drawn <- t(as.matrix(responses[startsWith(names(responses), "study ")])); at <- limits(drawn[1, ], drawn)
bars("share", numeric(0), t(drawn), at)
"""
_ANEW = """\
bars("share anew", numeric(0), t(y), at)
"""


def _studies(drawn: Floats, *, whole: bool) -> pd.DataFrame:
    columns = [f"study {i}" for i in range(1, drawn.shape[0] + 1)]
    return pd.DataFrame(drawn.T.astype(np.int64) if whole else drawn.T, columns=columns)


def _groups(rows: CellRows) -> dict[str, Floats]:
    return {f"group {k}": np.where(g.held, g.member + 1.0, np.nan) for k, g in enumerate(rows.groups, start=1)}


def _bars(bins: int, most: int, *, whole: bool) -> str:
    said = _BARS.replace("WHOLE", "TRUE" if whole else "FALSE")
    return said.replace("BINS", str(bins)).replace("MOST", str(most))


def predictive_script(rows: CellRows, drawn: Floats, *, whole: bool, bins: int, most: int) -> RScript:
    """Return drawn studies beside the rows that were seen for R.

    Parameters
    ----------
    rows : CellRows
        The rows.
    drawn : ndarray, shape (studies, n)
        Outcomes of the same rows in drawn studies.
    whole : bool
        Whether outcomes are whole numbers.
    bins, most : int
        Bins of a continuous outcome; most values of a whole one above its smallest.

    Returns
    -------
    RScript
        Shows the shares (``share seen``, ``share mean``, ``share lower``, ``share upper``), the same within each cell,
        and each statistic by its name: seen, limits of the middle 95 % of drawn studies, p.
    """
    own = {"cell": rows.cell + 1, "seen": rows.y}
    data = pd.concat([pd.DataFrame(own | _groups(rows)), _studies(drawn, whole=whole)], axis="columns")
    code = _CHECK.replace("GROUPS", r_vector(tuple(group.name for group in rows.groups)))
    body = _bars(bins, most, whole=whole) + code
    return RScript(made_by="Answer.predictive_check", body=body, data=data, name="predictive_check")


def prior_shares_script(rows: CellRows, drawn: Floats, *, whole: bool, bins: int, most: int, anew: str = "") -> RScript:
    """Return studies drawn from a prior for R.

    Parameters
    ----------
    rows : CellRows
        The rows, whose outcome is not used.
    drawn : ndarray, shape (studies, n)
        Outcomes in drawn studies.
    whole : bool
        Whether outcomes are whole numbers.
    bins, most : int
        Bins of a continuous outcome; most values of a whole one above its smallest.
    anew : str, default ""
        R code of `r_prior.anew`.

    Returns
    -------
    RScript
        Shows ``share mean``, ``share lower`` and ``share upper`` of our studies; then, under ``share anew mean`` and so
        on, those of as many studies that R draws from the prior.
    """
    own = {"cell": rows.cell + 1} | {f"x {i}": column for i, column in enumerate(rows.covariates.T, start=1)}
    data = pd.concat([pd.DataFrame(own | _groups(rows)), _studies(drawn, whole=whole)], axis="columns")
    body = _bars(bins, most, whole=whole) + _PRIOR + anew + _ANEW * bool(anew)
    return RScript(made_by="Answer.prior_check", body=body, data=data, name="prior_check")
