"""Leave-one-out for R: the log densities of our draws, smoothed and summed by the package loo."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.r_draws import EFFECTIVE, draws_columns
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["TAIL", "comparison_script", "loo_script"]

type Floats = NDArray[np.float64]

TAIL = """\
# Draws in the tail that is smoothed, by the relative efficiency: ours rounds it down and loo up, so loo is handed the
# efficiency at which its own rule gives as many.
in_tail <- function(draws, r_eff) if (draws * r_eff > 225) floor(3 * sqrt(draws / r_eff)) else floor(draws / 5)
as_efficiency <- function(draws, tail) 9 * draws / (tail - 0.5)^2
"""
"""R functions `in_tail` and `as_efficiency`."""

_LOO = """\
# The relative efficiency is the mean over the cells of the effective sample size of their average, over the draws.
chains <- length(unique(responses$chain)); draws <- nrow(responses)
of_cells <- as.matrix(responses[startsWith(names(responses), "cells[")])
r_eff <- mean(apply(of_cells, 2, function(one) effective(halves(matrix(one, ncol = chains))))) / draws
tail <- in_tail(draws, r_eff); show("r_eff", r_eff); show("draws in the tail", tail)
log_density <- as.matrix(responses[startsWith(names(responses), "log density of row ")])
if (!requireNamespace("loo", quietly = TRUE)) {
  message("Rows are not left out: that needs the R package loo.")
} else {
  found <- loo::loo(log_density, r_eff = rep(as_efficiency(draws, tail), ncol(log_density)))
  show("elpd", found$estimates["elpd_loo", "Estimate"]); show("se", found$estimates["elpd_loo", "SE"])
  show("p", found$estimates["p_loo", "Estimate"]); show("pareto_k", max(found$diagnostics$pareto_k))
  show("elpd of each row", found$pointwise[, "elpd_loo"]); show("Pareto k of each row", found$diagnostics$pareto_k)
}
"""

_COMPARISON = """\
# One row a row of the study, one column a model: log density of the row when it is left out.
each <- as.matrix(responses); elpd <- colSums(each); first <- which.max(elpd)
gaps <- each - each[, first]
show("elpd", elpd); show("difference", colSums(gaps)); show("difference_se", sqrt(nrow(gaps) * apply(gaps, 2, var)))
score <- function(weight) sum(log(exp(each) %*% weight))
ours <- c(WEIGHTS); show("log score of our weights", score(ours))
if (!requireNamespace("loo", quietly = TRUE)) {
  message("Stacking weights are not computed anew: that needs the R package loo.")
} else {
  # Narrower limits than constrOptim takes of itself: the best weights often lie at 0 or 1.
  weight <- as.numeric(loo::stacking_weights(each, optim_control = list(reltol = 1e-12)))
  show("weight", weight); show("log score of these weights", score(weight))
}
"""


def loo_script(fit: SampledCells) -> RScript:
    """Return leave-one-out of a fitted model for R.

    Parameters
    ----------
    fit : SampledCells
        The fitted model, whose log density of every row is computed anew.

    Returns
    -------
    RScript
        Shows ``r_eff``, ``elpd``, ``se``, ``p``, ``pareto_k`` (the largest), and elpd and Pareto k of each row.
    """
    each = fit.model.log_likelihood(fit.values)
    names = [f"log density of row {i}" for i in range(1, each.shape[1] + 1)]
    own = draws_columns({"cells": fit.draws.variables["cells"]})
    data = pd.concat([own, pd.DataFrame(each, columns=names)], axis="columns")
    return RScript(made_by="Answer.loo", body=EFFECTIVE + TAIL + _LOO, data=data, name="loo")


def comparison_script(names: Sequence[str], each: Sequence[Floats], weight: Floats) -> RScript:
    """Return a comparison of models for R.

    Parameters
    ----------
    names : sequence of str
        Names of the models.
    each : sequence of ndarray, shape (n,)
        Expected log density of each row, model by model.
    weight : ndarray, shape (models,)
        Our stacking weights, whose score is laid beside that of loo's.

    Returns
    -------
    RScript
        Shows ``elpd``, ``difference``, ``difference_se`` and ``weight`` in the order of the names, and the sum of log
        scores under both sets of weights.
    """
    data = pd.DataFrame(np.column_stack(list(each)), columns=list(names))
    body = _COMPARISON.replace("WEIGHTS", ", ".join(f"{one:.17g}" for one in weight))
    return RScript(made_by="analysis.bayesian.comparison.compare", body=body, data=data, name="comparison")
