"""Least squares of a path and its bootstrap as base R code, over completed tables where there are several."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.missing_paths import MixedPathPosterior
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.psychometrics.rscript import r_numbers, r_vector

__all__ = ["path_columns", "path_estimates_code", "sum_of", "v_names"]

type Floats = NDArray[np.float64]

_ESTIMATES = """
# Least squares, and the bootstrap of rows or of whole clusters
coefficients <- function(M) c(FITS)
effects <- function(theta) cbind(SUMS)
level <- LEVEL; suffixes <- SUFFIXES; set.seed(SEED)
tables <- if (is.null(responses$imputation)) list(responses) else split(responses, responses$imputation)
each <- lapply(tables, function(responses) {
  M <- as.matrix(responses[grep("^v[0-9]+$", names(responses))]); units <- split(seq_len(nrow(M)), UNIT)
  again <- t(replicate(DRAWS %/% length(tables),
    coefficients(M[unlist(units[sample(length(units), replace = TRUE)], use.names = FALSE), ])))
  without <- if (BCA) t(sapply(units, function(unit) coefficients(M[-unit, ])))
  list(theta = coefficients(M), again = again[complete.cases(again), , drop = FALSE], without = without)
})
# Draws lie around the mean of all tables, each table's distance from it widened: their variance is Rubin's total.
hats <- do.call(rbind, lapply(each, `[[`, "theta")); middle_of <- colMeans(hats); m <- nrow(hats)
wider <- if (m > 1) sqrt((m + 1) / (m - 1)) else 1
again <- do.call(rbind, lapply(each, function(one) sweep(one$again, 2, (wider - 1) * (one$theta - middle_of), "+")))
shown <- effects(rbind(middle_of)); drawn <- effects(again); B <- nrow(drawn)
for (k in seq_along(suffixes)) {
  sorted <- sort(drawn[, k]); bias <- 0; skew <- 0
  if (BCA) {
    gap <- effects(each[[1]]$without)[, k]; gap <- mean(gap) - gap; skew <- sum(gap^3) / (6 * sum(gap^2)^1.5)
    bias <- qnorm((mean(sorted < shown[k]) + mean(sorted <= shown[k])) / 2)
  }
  at <- function(p) { z <- bias + qnorm(p); pnorm(bias + z / (1 - skew * z)) }
  ranks <- floor((B + 1) * c(at((1 - level) / 2), 1 - at((1 + level) / 2)) + 1e-9)
  show(paste0("estimate", suffixes[k]), shown[k]); show(paste0("se", suffixes[k]), sd(sorted))
  show(paste0("CI low", suffixes[k]), if (ranks[1] < 1) -Inf else sorted[ranks[1]])
  show(paste0("CI high", suffixes[k]), if (ranks[2] < 1) Inf else sorted[B - ranks[2] + 1])
  if (!BCA) show(paste0("p", suffixes[k]), min(1, 2 * (1 + min(sum(sorted <= 0), sum(sorted >= 0))) / (B + 1)))
}
"""


def path_estimates_code(
    system: PathSystem,
    effects: Sequence[tuple[str, Effect]],
    *,
    level: float,
    draws: int,
    seed: int,
    clusters: bool,
    bca: bool = False,
) -> str:
    """Return R code of least-squares estimates of effects with intervals from the bootstrap.

    Parameters
    ----------
    system : PathSystem
        Columns and equations; column j is ``v{j}`` of `responses`, which may hold completed tables below each other,
        told apart by ``imputation``.
    effects : sequence of (str, Effect)
        What is put behind the names of an effect's numbers, and the effect.
    level : float
        Level of the intervals.
    draws, seed : int
        Of the bootstrap in R; draws in all, shared among the tables.
    clusters : bool
        Whether whole clusters, of column ``cluster``, are drawn.
    bca : bool, default False
        Bias-corrected and accelerated limits, of one table; percentiles and the p of their inversion otherwise.

    Returns
    -------
    str
        Shows ``estimate``, ``se`` of the draws, ``CI low``, ``CI high`` and ``p`` of each effect.
    """
    fits = ", ".join(
        f'qr.coef(qr(M[, {v_names(e.predictors)}, drop = FALSE]), M[, "v{e.response}"])' for e in system.equations
    )
    sums = ", ".join(f"drop({sum_of(effect)})" for _, effect in effects)
    unit = "responses$cluster" if clusters else "seq_len(nrow(M))"
    code = _ESTIMATES.replace("FITS", fits).replace("SUMS", sums).replace("UNIT", unit)
    code = code.replace("SUFFIXES", r_vector(tuple(suffix for suffix, _ in effects))).replace("DRAWS", str(draws))
    return code.replace("LEVEL", f"{level!r}").replace("SEED", str(seed)).replace("BCA", "TRUE" if bca else "FALSE")


def path_columns(system: PathSystem, posterior: PathPosterior) -> pd.DataFrame:
    """Return the columns that the code of a path reads.

    Parameters
    ----------
    system : PathSystem
        Columns and equations.
    posterior : PathPosterior
        For its clusters, and for the completed tables where it averages over several.

    Returns
    -------
    DataFrame
        ``v{j}`` for every column that an equation uses, and ``cluster`` where there are clusters; completed tables
        below each other, with ``imputation`` from 1.
    """
    if isinstance(posterior, MixedPathPosterior):
        tables = zip(posterior.systems, posterior.parts, strict=True)
        each = [_columns(own, part).assign(imputation=i) for i, (own, part) in enumerate(tables, start=1)]
        return pd.concat(each, ignore_index=True)
    return _columns(system, posterior)


def _columns(system: PathSystem, posterior: PathPosterior) -> pd.DataFrame:
    used = sorted({j for e in system.equations for j in (e.response, *e.predictors)})
    data = pd.DataFrame({f"v{j}": system.matrix[:, j] for j in used})
    return data if posterior.cluster is None else data.assign(cluster=posterior.cluster)


def v_names(at: Sequence[int]) -> str:
    """Name columns of a path as an R vector.

    Parameters
    ----------
    at : sequence of int
        Positions among the system's columns.

    Returns
    -------
    str
        ``c("v0", "v3")``.
    """
    return r_vector(tuple(f"v{j}" for j in at))


def sum_of(effect: Effect) -> str:
    """Write an effect as R code over draws of the coefficients.

    Parameters
    ----------
    effect : Effect
        A sum of products of legs.

    Returns
    -------
    str
        Reads ``theta``, one row a draw.
    """
    terms = []
    for term in effect.terms:
        used = [(leg, np.flatnonzero(leg)) for leg in term.legs]
        legs = [f"(theta[, {r_numbers(at + 1)}, drop = FALSE] %*% {r_numbers(leg[at])})" for leg, at in used]
        terms.append(" * ".join([f"({term.weight:.17g})", *legs]))
    return " + ".join(terms)
