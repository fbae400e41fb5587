"""Counts of an event in independent groups, answered both ways by base R."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.proportions import BetaPrior
from feedbackstudy.psychometrics.rscript import RScript, r_number

__all__ = ["odds_script", "proportions_script"]

type Floats = NDArray[np.float64]

_COMMON = """\
x <- responses$events; n <- responses$people; w <- responses$weight; a <- A + x; b <- B + n - x; level <- 0.95
tail <- (1 - level) / 2; z <- qnorm(1 - tail)
# a ratio from its logarithm
ratio <- function(name, l, se) {
  show(paste(name, c("estimate", "low", "high")), exp(l + c(0, -z, z) * se))
  show(paste(name, "p"), 2 * pnorm(-abs(l / se))) }
# density of a weighted sum of log odds of beta variables, by convolution over one grid
sum_of_log_odds <- function(a, b, w) {
  step <- 0.005; size <- 2 * ceiling(60 * max(abs(w)) / min(1, a, b) / step) + 1
  grid <- (seq_len(size) - (size + 1) / 2) * step
  total <- 1; long <- nextn(length(w) * size)
  for (j in which(w != 0)) {
    y <- grid / w[j]; f <- a[j] * y - (a[j] + b[j]) * (pmax(y, 0) + log1p(exp(-abs(y)))) - lbeta(a[j], b[j])
    f <- exp(f) / abs(w[j])
    total <- total * fft(c(f, rep(0, long - size))) }
  k <- sum(w != 0); d <- Re(fft(total, inverse = TRUE)) / long * step^(k - 1)
  d <- d[seq_len(k * (size - 1) + 1)]; list(x = (seq_along(d) - 1) * step + k * grid[1], d = pmax(d, 0), step = step)
}
log_odds <- function(name, factor) {
  after <- sum_of_log_odds(a, b, w); mass <- cumsum(after$d) * after$step - after$d * after$step / 2
  inside <- mass > 1e-9 & mass < 1 - 1e-9
  show(paste(name, c("low", "median", "high")), exp(approx(mass[inside], after$x[inside], c(tail, 0.5, 1 - tail))$y))
  if (factor) {
    before <- sum_of_log_odds(rep(A, length(w)), rep(B, length(w)), w); at <- function(s) s$d[which.min(abs(s$x))]
    show(paste(name, "log_bayes_factor"), log(at(before)) - log(at(after))) }
}
"""

_TWO = """\
q <- x / n
ratio("ratio", log(q[1] / q[2]), sqrt(sum(1 / x - 1 / n)))
show("fisher p", fisher.test(cbind(x, n - x))$p.value)
ends <- sapply(1:2, function(k) prop.test(x[k], n[k], conf.level = level, correct = FALSE)$conf.int)
show("difference estimate", q[1] - q[2])
show("difference p", suppressWarnings(prop.test(x, n, correct = FALSE))$p.value)
show("difference low", q[1] - q[2] - sqrt((q[1] - ends[1, 1])^2 + (ends[2, 2] - q[2])^2))
show("difference high", q[1] - q[2] + sqrt((ends[2, 1] - q[1])^2 + (q[2] - ends[1, 2])^2))
ratio("odds ratio", sum(c(1, -1) * log(x / (n - x))), sqrt(sum(1 / x + 1 / (n - x))))
# independent proportions; a Bayes factor of two against one common, in closed form (contingencyTableBF of BayesFactor
# has another prior of the common one)
separate <- sum(lbeta(a, b) - lbeta(A, B)); together <- lbeta(A + sum(x), B + sum(n - x)) - lbeta(A, B)
show("posterior ratio log_bayes_factor", separate - together)
limits <- function(name, below, reach, back) show(paste("posterior", name, c("low", "median", "high")), back(vapply(
  c(tail, 0.5, 1 - tail), function(p) uniroot(function(v) below(v) - p, reach, tol = 1e-12)$root, 1)))
over <- function(f) integrate(function(u) f(qbeta(u, a[2], b[2])), 0, 1, rel.tol = 1e-10, subdivisions = 2000L)$value
limits("ratio", function(l) over(function(v) pbeta(pmin(exp(l) * v, 1), a[1], b[1])), c(-10, 10), exp)
limits("difference", function(d) over(function(v) pbeta(pmin(pmax(d + v, 0), 1), a[1], b[1])), c(-1, 1), identity)
w <- c(1, -1); log_odds("posterior odds ratio", FALSE)
"""

_ODDS = """\
used <- w != 0; ratio("odds ratio", sum(w[used] * log(x[used] / (n[used] - x[used]))),
                      sqrt(sum(w[used]^2 * (1 / x[used] + 1 / (n[used] - x[used])))))
# likelihood ratio against log odds whose weighted sum is zero
free <- qr.Q(qr(w[used]), complete = TRUE)[, -1, drop = FALSE]
fit <- glm(cbind(x[used], n[used] - x[used]) ~ 0 + free, family = binomial, control = glm.control(1e-14, 100))
show("chi square", deviance(fit)); show("p", pchisq(deviance(fit), 1, lower.tail = FALSE))
if (sum(used) == 2) show("fisher p", fisher.test(cbind(x, n - x)[used, ])$p.value)
log_odds("posterior odds ratio", TRUE)
"""


def proportions_script(events: Floats, people: Floats, prior: BetaPrior) -> RScript:
    """Return a script for two groups: ratio, difference and odds ratio, both ways.

    Parameters
    ----------
    events, people : ndarray, shape (2,)
        Events and people, the group with the positive weight first.
    prior : BetaPrior
        Prior of each proportion.

    Returns
    -------
    RScript
        Shows estimates, limits and p, posterior limits and medians, and the log Bayes factor.
    """
    return _script(events, people, np.array([1.0, -1.0]), prior, _TWO)


def odds_script(events: Floats, people: Floats, weights: Floats, prior: BetaPrior) -> RScript:
    """Return a script for a weighted sum of log odds, both ways.

    Parameters
    ----------
    events, people, weights : ndarray, shape (k,)
        Events, people and weight of each group.
    prior : BetaPrior
        Prior of each proportion.

    Returns
    -------
    RScript
        Shows the ratio with limits, the likelihood-ratio test, posterior limits and median, and the log Bayes factor.
    """
    return _script(events, people, weights, prior, _ODDS)


def _script(events: Floats, people: Floats, weights: Floats, prior: BetaPrior, code: str) -> RScript:
    data = pd.DataFrame({"events": events, "people": people, "weight": weights})
    head = f"A <- {r_number(prior.a)}; B <- {r_number(prior.b)}\n"
    return RScript(
        made_by="compare_proportions, compare_odds", body=head + _COMMON + code, data=data, name="proportions"
    )
