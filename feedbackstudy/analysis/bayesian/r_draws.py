"""Sampled draws for R: how well their chains have mixed, computed anew from the draws themselves."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.carried import Way
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["EFFECTIVE", "draws_columns", "gates_script", "pooled_gates", "with_more"]

type Floats = NDArray[np.float64]

EFFECTIVE = """\
# R-hat and effective sample sizes as Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021) define them; `x` has one
# row a draw and one column a chain.
halves <- function(x) {
  half <- nrow(x) %/% 2
  cbind(x[seq_len(half), , drop = FALSE], x[nrow(x) - half + seq_len(half), , drop = FALSE])
}
scores <- function(x) { x[] <- qnorm((rank(x) - 3 / 8) / (length(x) + 1 / 4)); x }
mixed <- function(x) sqrt((nrow(x) * var(colMeans(x)) / mean(apply(x, 2, var)) + nrow(x) - 1) / nrow(x))
r_hat <- function(x) { x <- halves(x); max(mixed(scores(x)), mixed(scores(abs(x - median(x))))) }
effective <- function(x) {
  x <- x + 0; n <- nrow(x); total <- length(x)
  if (diff(range(x)) < 1e-15) return(total)
  size <- nextn(2 * n); padded <- rbind(sweep(x, 2, colMeans(x)), matrix(0, size - n, ncol(x)))
  covariance <- rowMeans(Re(mvfft(Mod(mvfft(padded))^2, inverse = TRUE))[seq_len(n), , drop = FALSE]) / size / n
  between <- if (ncol(x) > 1) var(colMeans(x)) else 0
  rho <- 1 - (covariance[1] * n / (n - 1) - covariance) / (covariance[1] + between); rho[1] <- 1
  # Geyer: pairs of lags up to the first that is not positive, made monotone
  last <- max(ceiling((n - 2) / 2) - 1, 0); even <- rho[2 * (0:last) + 1]; pairs <- even + rho[2 * (0:last) + 2]
  end <- which(is.nan(pairs) | pairs <= 0)[1]; if (is.na(end)) end <- last + 1
  rest <- if (pairs[end] >= 0) even[end] else max(even[end], 0)
  total / max(2 * sum(cummin(pairs[seq_len(end - 1)])) - 1 + rest, 1 / log10(total))
}
bulk <- function(x) effective(scores(halves(x)))
tails <- function(x) min(effective(halves(x <= quantile(x, 0.05))), effective(halves(x <= quantile(x, 0.95))))
"""
"""R functions `halves`, `r_hat`, `effective`, `bulk` and `tails`, in base R."""


_GATES = """\
# One row a transition, chain after chain; after the first five columns one column a quantity. Fits are the completed
# tables of multiple imputation, each judged by itself. A quantity that never moves has nothing to converge.
judge <- function(rows) {
  own <- rows[-seq_len(5)]; own <- own[!startsWith(names(own), "log density of row ")]
  own <- own[vapply(own, function(one) !anyNA(one) && diff(range(one)) > 0, TRUE)]
  chains <- length(unique(rows$chain)); over <- function(f) vapply(own, function(one) f(matrix(one, ncol = chains)), 0)
  energy <- split(rows$energy, rows$chain)
  found <- c(rhat = max(over(r_hat)), ess_bulk = min(over(bulk)), ess_tail = min(over(tails)),
             divergences = sum(rows$divergent),
             ebfmi = min(vapply(energy, function(e) sum(diff(e)^2) / sum((e - mean(e))^2), 0)))
  # rstan takes (rank - 1/2) / draws where ours, ArviZ and posterior take (rank - 3/8) / (draws + 1/4)
  if (requireNamespace("rstan", quietly = TRUE))
    found <- c(found, "rhat by rstan" = max(over(rstan::Rhat)), "ess_bulk by rstan" = min(over(rstan::ess_bulk)),
               "ess_tail by rstan" = min(over(rstan::ess_tail)))
  else message("Not computed a second time: that needs the R package rstan.")
  found
}
each <- vapply(split(responses, responses$fit), judge, judge(responses[responses$fit == responses$fit[1], ]))
for (name in rownames(each)) {
  fold <- if (name == "divergences") sum else if (grepl("^rhat", name)) max else min
  if (!anyNA(each[name, ])) show(name, fold(each[name, ]))
}
"""


def draws_columns(variables: Mapping[str, Floats]) -> pd.DataFrame:
    """Lay draws out as a table.

    Parameters
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Draws by variable.

    Returns
    -------
    DataFrame
        One row a draw, chain after chain; columns ``chain`` and ``draw`` from 1, then one column an element.
    """
    chains, draws = next(iter(variables.values())).shape[:2]
    found: dict[str, NDArray[np.generic]] = {
        "chain": np.repeat(np.arange(1, chains + 1), draws),
        "draw": np.tile(np.arange(1, draws + 1), chains),
    }
    for name, block in variables.items():
        for at in np.ndindex(block.shape[2:]):
            label = f"{name}[{','.join(map(str, at))}]" if at else name
            found[label] = block[(slice(None), slice(None), *at)].ravel()
    return pd.DataFrame(found)


def gates_script(variables: Mapping[str, Floats], divergent: Floats | None, energy: Floats | None) -> RScript:
    """Return the gates of draws for R.

    Parameters
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Draws that are judged, by variable.
    divergent : ndarray, shape (chains, draws), or None
        1 for a transition that diverged; None where that was not kept.
    energy : ndarray, shape (chains, draws), or None
        Energy of each transition.

    Returns
    -------
    RScript
        Shows ``rhat``, ``ess_bulk`` and ``ess_tail`` of the worst quantity in base R and by rstan; ``divergences``
        and ``ebfmi`` where these were kept.
    """
    data = draws_columns(variables)
    data.insert(2, "divergent", np.nan if divergent is None else divergent.astype(np.int64).ravel())
    data.insert(3, "energy", np.nan if energy is None else energy.ravel())
    data.insert(0, "fit", 1)
    return RScript(made_by="Gates", body=EFFECTIVE + _GATES, data=data, name="gates")


def pooled_gates(parts: Sequence[Way]) -> RScript:
    """Return the gates of several fits for R, each judged by itself.

    Parameters
    ----------
    parts : sequence of RScript or callable
        Scripts of the gates of each fit.

    Returns
    -------
    RScript
        Shows the worst over the fits; divergences are added.
    """
    scripts = [part() if callable(part) else part for part in parts]
    data = [script.data.assign(fit=i) for i, script in enumerate(filter(None, scripts), start=1)]
    return RScript(made_by="Gates", body=EFFECTIVE + _GATES, data=pd.concat(data, ignore_index=True), name="gates")


def with_more(way: Way, other: Callable[[], RScript]) -> RScript:
    """Return one script of the gates and of what rests on the same draws.

    Parameters
    ----------
    way : RScript, callable or None
        Script of the gates; None leaves it out.
    other : callable
        Makes the script of something else with one row for each draw in the same order, that needs `EFFECTIVE`.

    Returns
    -------
    RScript
        Shows the gates, then the rest.
    """
    first, second = way() if callable(way) else way, other()
    if first is None:
        return second
    own = second.data[[name for name in second.data.columns if name not in first.data.columns]]
    data = pd.concat([first.data, own], axis="columns")
    body = first.body + second.body.removeprefix(EFFECTIVE)
    return RScript(made_by=first.made_by, body=body, data=data, name=first.name)
