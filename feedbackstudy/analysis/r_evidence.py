"""Bayes factors of draws as R code: the Savage-Dickey ratio by a log-spline in base R, weighted to a Cauchy prior."""

from collections.abc import Sequence

from feedbackstudy.analysis.bayesian.cell_contrast import MOST_ERROR
from feedbackstudy.analysis.bayesian.savage_dickey import OUTER
from feedbackstudy.analysis.bayesian.spline_density import BATCHES, GRID, KNOTS, STEPS
from feedbackstudy.psychometrics.rscript import r_numbers

__all__ = ["POSTERIOR", "evidence_functions", "factor_call"]

POSTERIOR = """\
show_posterior <- function(draws, interval, shortest) {
  sorted <- sort(draws); n <- length(sorted); middle <- median(sorted); inside <- floor(interval * n)
  start <- which.min(sorted[(inside + 1):n] - sorted[1:(n - inside)])
  limits <- if (shortest) sorted[c(start, start + inside)] else quantile(sorted, c(1 - interval, 1 + interval) / 2)
  show("median", middle); show("posterior sd", sd(sorted)); show("low", limits[1]); show("high", limits[2])
  show("P(direction)", if (middle < 0) mean(sorted < 0) else mean(sorted > 0))
}
"""
"""R function `show_posterior`: what draws of a contrast say of it, its interval the shortest or equal-tailed."""

_FUNCTIONS = """\
# The Bayes factor of a contrast is prior over posterior density at no effect (Dickey, 1971). The density of draws is a
# log-spline fitted by maximum likelihood, with knots at fixed quantiles and normal tails; its Monte-Carlo error comes
# from the spread over consecutive batches of the draws.
log_mean <- function(terms) max(terms) + log(mean(exp(terms - max(terms))))
batches <- function(size) rep(seq_len(BATCHES), size %/% BATCHES + (seq_len(BATCHES) <= size %% BATCHES))
log_spline <- function(draws, x) {
  m <- mean(draws); s <- sd(draws); z <- (draws - m) / s; at <- (x - m) / s
  knots <- quantile(z, KNOTS, names = FALSE); last <- length(knots)
  basis <- function(z) {
    cubes <- outer(z, knots, function(z, knot) pmax(z - knot, 0)^3)
    slopes <- sweep(cubes[, -last, drop = FALSE] - cubes[, last], 2, knots[last] - knots[-last], "/")
    cbind(z, z^2, slopes[, 1 - last, drop = FALSE] - slopes[, last - 1])
  }
  reach <- max(REACH, max(abs(at)) + 4); grid <- seq(-reach, reach, length.out = POINTS); step <- grid[2] - grid[1]
  on_grid <- basis(grid); observed <- colMeans(basis(z)); theta <- replace(rep(0, last), 2, -1 / 2)
  likelihood <- function(theta) {
    terms <- drop(on_grid %*% theta); weight <- exp(terms - max(terms)); area <- max(terms) + log(sum(weight) * step)
    list(height = sum(observed * theta) - area, area = area, share = weight / sum(weight))
  }
  now <- likelihood(theta)
  for (turn in seq_len(STEPS)) {
    expected <- drop(crossprod(on_grid, now$share)); gap <- observed - expected
    e <- eigen(crossprod(on_grid * now$share, on_grid) - tcrossprod(expected), symmetric = TRUE)
    held <- e$values > last * .Machine$double.eps * e$values[1]; axes <- e$vectors[, held, drop = FALSE]
    move <- drop(axes %*% (crossprod(axes, gap) / e$values[held])); reached <- 1
    while ((new <- likelihood(theta + reached * move))$height < now$height && reached > 1e-8) reached <- reached / 2
    theta <- theta + reached * move; now <- new
    if (sum(move * gap) < 1e-12) break
  }
  if (theta[2] >= 0) return(dnorm(at, log = TRUE) - log(s))  # tails that would rise
  drop(basis(at) %*% theta) - now$area - log(s)
}
density_at <- function(draws, x) {
  parts <- vapply(split(draws, batches(length(draws))), log_spline, 1, x)
  list(log = log_spline(draws, x), error = sd(parts) / sqrt(BATCHES))
}
# `before` is the prior of the contrast, normal (mean, sd) or as draws. Without `scales` the Bayes factor is that under
# this prior; else it is weighted from it to a Cauchy prior of the contrast over `units`, once for each scale.
show_factor <- function(draws, before, units = 1, scales = NULL) {
  normal <- is.null(before$draws); after <- density_at(draws, 0)
  first <- if (normal) list(log = dnorm(0, before$mean, before$sd, log = TRUE), error = 0) else
    density_at(before$draws, 0)
  ratio <- first$log - after$log; error <- sqrt(after$error^2 + first$error^2)
  ends <- quantile(draws, c(OUTER, 1 - OUTER), names = FALSE); beyond <- ends[1] > 0 || ends[2] < 0
  told <- function(value, error) {
    show("log_bayes_factor error", error)
    if (error <= MOST_ERROR) return(show("log_bayes_factor", value))
    # little more than Monte-Carlo error is no number; a tail that falls towards 0 bounds it
    if (beyond) show("log_bayes_factor at least",
                     value - max(density_at(draws, if (ends[1] > 0) ends[1] else ends[2])$log - after$log, 0))
  }
  if (is.null(scales)) return(told(ratio, error))
  own <- if (normal) dnorm(draws, before$mean, before$sd, log = TRUE) else log_spline(before$draws, draws)
  for (r in scales) {
    if (length(scales) > 1) show("width", r)
    terms <- dcauchy(draws, 0, r * units, log = TRUE) - own
    spread <- vapply(split(terms, batches(length(terms))), log_mean, 1)
    told(ratio + log_mean(terms), sqrt(error^2 + var(spread) / BATCHES))
  }
}
"""


def evidence_functions() -> str:
    """Return R functions that turn draws of a contrast into its Bayes factor.

    Returns
    -------
    str
        Base R. ``show_factor(draws, before, units, scales)`` shows ``log_bayes_factor error`` and
        ``log_bayes_factor``; where the error is above the limit of our own tables, ``log_bayes_factor at least`` if the
        draws support one. The estimate is that of `savage_dickey_of_draws` and `DrawsEvidence.cauchy`.
    """
    numbers = {
        "MOST_ERROR": f"{MOST_ERROR:.17g}",
        "BATCHES": str(BATCHES),
        "KNOTS": r_numbers(KNOTS),
        "REACH": f"{GRID[-1]:.17g}",
        "POINTS": str(GRID.size),
        "STEPS": str(STEPS),
        "OUTER": f"{OUTER:.17g}",
    }
    code = _FUNCTIONS
    for name, number in numbers.items():
        code = code.replace(name, number)
    return code


def factor_call(scales: Sequence[float]) -> str:
    """Return the R code that shows the Bayes factor of a contrast.

    Parameters
    ----------
    scales : sequence of float
        Scales of the Cauchy prior; none for the model's own prior.

    Returns
    -------
    str
        Takes ``draws``, ``before`` and ``units``.
    """
    asked = r_numbers(scales) if len(scales) else "NULL"
    return f"show_factor(draws, before, units, {asked})\n"
