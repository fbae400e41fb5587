"""The posterior of the constrained longitudinal model as R code: the same exact conditionals, drawn in base R."""

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.longitudinal_waves import MEDIAN_RATIO, TUNE
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.r_draws import EFFECTIVE
from feedbackstudy.analysis.r_bayes import prior_code
from feedbackstudy.analysis.r_evidence import POSTERIOR, evidence_functions

__all__ = ["waves_gibbs"]

_HEAD = """
# The Bayesian answer: the same model with priors on the scale, by Gibbs sampling in base R (Gelman et al., 2013,
# sections 3.6 and 18.4). Two runs agree within their Monte-Carlo errors, about posterior sd / sqrt(ess).
local({
"""

_MODEL = """\
y <- as.matrix(responses[WAVES]); kept <- rowSums(!is.na(y)) > 0; y <- y[kept, , drop = FALSE]; seen <- !is.na(y)
n <- nrow(y); waves <- ncol(y); arm <- match(responses$arm, ARMS)[kept]; cells <- 1 + length(ARMS) * (waves - 1)
place <- function(a, t) if (t == 1) rep(1, length(a)) else 1 + (t - 2) * length(ARMS) + a
beside <- as.matrix(responses[grep("^x[0-9]+$", names(responses))])
beside <- sweep(beside, 2, apply(beside, 2, sd), "/")[kept, , drop = FALSE]; q <- ncol(beside); p <- cells + q * waves
X <- lapply(seq_len(waves), function(t) {  # cells, then the slopes of each wave
  own <- matrix(0, n, p); own[cbind(seq_len(n), place(arm, t))] <- 1
  if (q) own[, cells + (t - 1) * q + seq_len(q)] <- beside
  own })
prior_cells <- level_sd^2 + diag(cell_sd^2, cells)
P <- diag(1 / slope_sd^2, p); P[1:cells, 1:cells] <- solve(prior_cells)
pull <- drop(P %*% rep(c(middle, 0), c(cells, p - cells))); scale <- diag(RATIO * residual_sd^2, waves)
# people by the waves they answered, with what the coefficients need of them
patterns <- lapply(split(seq_len(n), apply(seen, 1, paste, collapse = " ")), function(who) {
  at <- which(seen[who[1], ]); pairs <- expand.grid(s = at, t = at)
  own <- lapply(X, function(x) x[who, , drop = FALSE])
  products <- mapply(function(s, t) crossprod(own[[s]], own[[t]]), pairs$s, pairs$t)
  moments <- mapply(function(s, t) crossprod(own[[s]], y[who, t]), pairs$s, pairs$t)
  list(who = who, at = at, gone = setdiff(seq_len(waves), at), products = products, moments = moments)
})

chain <- function(sigma) {
  kept <- matrix(0, draws, p)
  for (turn in seq_len(tune + draws)) {
    # coefficients given the covariance, from the scores that were answered
    A <- P; b <- pull
    for (one in patterns) {
      weight <- c(solve(sigma[one$at, one$at]))
      A <- A + drop(one$products %*% weight); b <- b + drop(one$moments %*% weight)
    }
    R <- chol(A); beta <- backsolve(R, backsolve(R, b, transpose = TRUE) + rnorm(p))
    # missing scores given both
    left <- y - vapply(X, function(x) drop(x %*% beta), numeric(n))
    for (one in patterns) if (length(one$gone)) {
      slope <- solve(sigma[one$at, one$at], sigma[one$at, one$gone, drop = FALSE])
      spread <- chol(sigma[one$gone, one$gone] - crossprod(slope, sigma[one$at, one$gone, drop = FALSE]))
      noise <- matrix(rnorm(length(one$who) * length(one$gone)), length(one$who))
      left[one$who, one$gone] <- left[one$who, one$at, drop = FALSE] %*% slope + noise %*% spread
    }
    # covariance given complete scores
    sigma <- solve(rWishart(1, waves + 1 + n, solve(scale + crossprod(left)))[, , 1])
    if (turn > tune) kept[turn - tune, ] <- beta
  }
  kept
}
set.seed(SEED)
drawn <- lapply(seq_len(chains), function(k) chain(residual_sd^2 * diag(runif(1, 0.2, 1.5), waves)))
say <- show
told <- function(label, w, factor) {
  show <- function(name, value) say(paste(label, name), value)
  environment(show_posterior) <- environment(show_factor) <- environment()
  x <- vapply(drawn, function(one) drop(one[, 1:cells] %*% w), numeric(draws))
  show_posterior(c(x), interval, TRUE); show("ess", bulk(x)); show("R-hat", r_hat(x))
  if (factor) show_factor(c(x), list(mean = sum(w) * middle, sd = sqrt(drop(w %*% prior_cells %*% w))))
}
for (t in seq_len(waves)[-1]) for (a in setdiff(seq_along(ARMS), match(REFERENCE, ARMS))) {
  w <- rep(0, cells); w[c(place(a, t), place(match(REFERENCE, ARMS), t))] <- c(1, -1)
  told(paste(t - 1, a - 1, sep = "."), w, TRUE)
}
for (t in seq_len(waves)) for (a in seq_along(ARMS))
  told(paste("mean", paste(t - 1, a - 1, sep = ".")), replace(rep(0, cells), place(a, t), 1), FALSE)
})
"""
_SEED = 20260127


def waves_gibbs(prior: CellPrior, posterior: CellDraws, *, level: float) -> str:
    """Return R code that draws from the posterior of the constrained model and shows its comparisons.

    Parameters
    ----------
    prior : CellPrior
        Prior of cell means and slopes, from the scale.
    posterior : CellDraws
        Our draws, for how many there are.
    level : float
        Probability inside the intervals.

    Returns
    -------
    str
        Base R, after the data of `waves_script` and its ``WAVES``, ``ARMS`` and ``REFERENCE``: median, posterior sd,
        limits of the shortest interval, probability of direction, effective sample size, R-hat and log Bayes factor of
        each comparison; without the last also of each mean.
    """
    numbers = {
        "interval": level,
        "chains": posterior.chains,
        "draws": len(posterior.draws) // posterior.chains,
        "tune": TUNE,
    }
    said = "; ".join([prior_code(prior), *(f"{name} <- {number:.17g}" for name, number in numbers.items())])
    model = _MODEL.replace("RATIO", f"{MEDIAN_RATIO:.17g}").replace("SEED", str(_SEED))
    return f"{_HEAD}{said}\n{EFFECTIVE}{POSTERIOR}{evidence_functions()}{model}"
