"""Power-scaling for R: the weights of a changed prior or likelihood, and how far they move the posterior."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.r_draws import EFFECTIVE
from feedbackstudy.analysis.bayesian.r_loo import TAIL
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["power_scaling_script"]

type Floats = NDArray[np.float64]

_SCALED = """\
# Kallioinen, Paananen, Buerkner and Vehtari (2024): prior or likelihood to the powers .99 and 1.01 by importance
# weights, whose tail is smoothed; how fast the distribution of the contrast moves per doubling of the power.
weights <- function(log_density, power) {
  draws <- length(log_density); r_eff <- tails(as.matrix(log_density)) / draws
  tail <- max(5, min(in_tail(draws, r_eff), draws %/% 2))
  smoothed <- suppressWarnings(loo::psis((power - 1) * log_density, r_eff = as_efficiency(draws, tail)))
  as.vector(stats::weights(smoothed, log = FALSE))
}
# cumulative Jensen-Shannon distance of a weighted and an unweighted empirical distribution
distance <- function(values, weight) {
  at <- order(values); step <- diff(values[at]); n <- length(values)
  p <- seq(1 / n, 1 - 1 / n, length.out = n - 1); q <- cumsum(weight[at] / sum(weight))[-n]
  part <- function(a, b)
    max(0, sum(step * ifelse(a > 0, a * log2(a / ((a + b) / 2)), 0)) + sum(step * (b - a)) / (2 * log(2)))
  sqrt((part(p, q) + part(q, p)) / sum(step * (p + q)))
}
sensitivity <- function(log_density) {
  moved <- function(power) {
    weight <- weights(log_density, power)
    max(distance(responses$contrast, weight), distance(-responses$contrast, weight)) / abs(log2(power))
  }
  (moved(0.99) + moved(1.01)) / 2
}
if (!requireNamespace("loo", quietly = TRUE)) {
  message("Sensitivity is not computed: that needs the R package loo.")
} else {
  show("to the prior", sensitivity(responses$log_prior))
  show("to the likelihood", sensitivity(responses$log_likelihood))
}
"""


def power_scaling_script(contrast: Floats, log_prior: Floats, log_likelihood: Floats) -> RScript:
    """Return the sensitivity of a contrast to prior and likelihood for R.

    Parameters
    ----------
    contrast, log_prior, log_likelihood : ndarray, shape (draws,)
        The contrast, and both log densities, in every draw, chain after chain.

    Returns
    -------
    RScript
        Shows the sensitivity ``to the prior`` and ``to the likelihood``.
    """
    data = pd.DataFrame({"contrast": contrast, "log_prior": log_prior, "log_likelihood": log_likelihood})
    body = EFFECTIVE + TAIL + _SCALED
    return RScript(made_by="Answer.prior_sensitivity", body=body, data=data, name="prior_sensitivity")
