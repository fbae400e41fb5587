"""The Bayesian answer as R code: an exact one integrated anew from the rows in base R, a sampled one in Stan."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian_model import CellPosterior, gaussian_prior
from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.posterior_rows import prior_scale
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_columns import GIVEN_ROWS
from feedbackstudy.analysis.r_stan_answer import sampled_code
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["CONTRAST", "FACTOR", "MODEL", "bayesian_code", "exact_model", "is_exact", "prior_code"]

type Floats = NDArray[np.float64]

_SAMPLED = """
# The Bayesian model of this question was sampled, and its draws came without the model or rest on other rows than
# these: nothing of it can be computed anew here. answer.pymc_model() is the model, answer.save_draws(...) its draws.
"""
_OTHER_ROWS = """
# The posterior rests on other rows than these; answer.pymc_model() is its model.
"""

_HEAD = """
# The Bayesian answer. No function of BayesFactor has this prior (cells on the metric of the scale, a Cauchy prior of
# the one contrast only), so the same integral is computed here: given the standard deviations the model is linear and
# normal; these are integrated by Gauss-Legendre rules over the region that holds the posterior.
"""

MODEL = """
y <- responses$y - middle; n <- length(y); prior_cells <- level_sd^2 + diag(cell_sd^2, length(cells))
B <- cbind(slopes, outer(as.character(responses$cell), cells, "==") + 0, beside)
P <- matrix(0, ncol(B), ncol(B)); first <- seq_len(NCOL(slopes) * !is.null(slopes))
if (length(first)) P[first, first] <- solve(prior_slopes)
last <- length(first) + seq_along(cells); P[last, last] <- solve(prior_cells)
others <- setdiff(seq_len(ncol(B)), c(first, last)); P[cbind(others, others)] <- 1 / slope_sd^2
Z <- lapply(factors, function(name) {
  has <- responses[[paste0("has_", name)]]; level <- responses[[paste0("group_", name)]]
  if (is.null(has)) has <- rep(1, n)
  z <- outer(as.character(level), unique(as.character(level[has == 1])), "==") * has
  z })
sizes <- vapply(Z, ncol, 1L); share <- vapply(Z, function(z) mean(rowSums(z)), 1)
X <- do.call(cbind, c(list(B), Z)); C <- crossprod(X); Cy <- drop(crossprod(X, y)); yy <- sum(y^2)
unit <- group_sd / 20

legendre <- function(nodes, low, high) {
  i <- seq_len(nodes - 1); b <- i / sqrt(4 * i^2 - 1); J <- matrix(0, nodes, nodes)
  J[cbind(i, i + 1)] <- b; J[cbind(i + 1, i)] <- b; e <- eigen(J, symmetric = TRUE)
  list(x = low + (high - low) * (e$values + 1) / 2, w = (high - low) * e$vectors[1, ]^2)
}
# one point: log residual sd, then asinh(group sd / unit); random effects are scaled, so a group sd of 0 is no limit
solved <- function(point) {
  tau <- unit * sinh(point[-1]); d <- c(rep(1, ncol(B)), rep(tau, sizes)); s2 <- exp(2 * point[1])
  A <- outer(d, d) * C / s2; diag(A) <- diag(A) + c(rep(0, ncol(B)), rep(1, sum(sizes)))
  at <- seq_len(ncol(B)); A[at, at] <- A[at, at] + P
  R <- chol(A); h <- backsolve(R, d * Cy / s2, transpose = TRUE)
  fit <- -n * log(2 * pi) / 2 - n * point[1] - (yy / s2 - sum(h^2)) / 2 - sum(log(diag(R)))
  fit <- fit + as.numeric(determinant(P)$modulus) / 2
  half <- function(x, scale) log(2) + dnorm(x, 0, scale, log = TRUE)
  prior <- half(exp(point[1]), residual_sd) + point[1] + sum(half(tau, group_sd) + log(unit * cosh(point[-1])))
  list(height = fit + prior, R = R, h = h, d = d, sd = sqrt(s2 + sum(share * tau^2)))
}
grid <- function(axes) as.matrix(expand.grid(axes))
heights <- function(axes) apply(grid(axes), 1, function(point) solved(point)$height)
few <- if (length(factors) > 1) 9 else 15
spread <- sd(resid(lm(y ~ X)))
axes <- c(list(seq(log(spread / 4), log(sd(y)) + 1.5, length.out = 2 * few)),
          lapply(factors, function(name) seq(0, asinh(8 * sd(y) / unit), length.out = few)))
for (step in 1:3) {
  high <- array(heights(axes), lengths(axes)); reached <- high > max(high) - 60
  axes <- lapply(seq_along(axes), function(k) {
    on <- range(which(apply(reached, k, any))); axis <- axes[[k]]
    seq(axis[max(on[1] - 1, 1)], axis[min(on[2] + 1, length(axis))], length.out = few) })
}
nodes <- c(64, 40, 16)[length(axes)]
rules <- lapply(axes, function(axis) legendre(nodes, axis[1], axis[length(axis)]))
points <- grid(lapply(rules, `[[`, "x")); mass <- apply(grid(lapply(rules, `[[`, "w")), 1, prod)
all <- apply(points, 1, solved)
log_weight <- vapply(all, `[[`, 1, "height") + log(mass); weight <- exp(log_weight - max(log_weight))
weight <- weight / sum(weight); kept <- weight > 1e-25; all <- all[kept]; weight <- weight[kept] / sum(weight[kept])
sds <- vapply(all, `[[`, 1, "sd"); target <- if (length(first)) first else last
prior_target <- if (length(first)) prior_slopes else prior_cells; centre <- if (length(first)) 0 else middle
"""

_TABLES = """
# The posterior averages those of the completed tables.
solved_tables <- lapply(split(responses, responses$imputation), function(responses) {
MODEL
  list(all = all, weight = weight, sds = sds, X = X, target = target, prior_target = prior_target, centre = centre)
})
taken <- function(name) lapply(solved_tables, `[[`, name)
all <- do.call(c, taken("all")); weight <- unlist(taken("weight")) / length(solved_tables); sds <- unlist(taken("sds"))
X <- taken("X")[[1]]; target <- taken("target")[[1]]; prior_target <- taken("prior_target")[[1]]
centre <- taken("centre")[[1]]
"""

CONTRAST = """
for (i in seq_len(nrow(W))) {
  found <- vapply(all, function(one) {
    l <- rep(0, ncol(X)); l[target] <- W[i, ]
    u <- backsolve(one$R, l * one$d, transpose = TRUE); c(sum(u * one$h), sqrt(sum(u^2))) }, c(0, 0))
  m <- found[1, ] + centre * sum(W[i, ]) - value; s <- found[2, ]
  below <- function(x) sum(weight * pnorm(x, m, s))
  reach <- range(m - 12 * s, m + 12 * s)
  quantile_at <- function(p) uniroot(function(x) below(x) - p, reach, tol = 1e-12 * diff(reach))$root
  middle_of <- quantile_at(0.5); mean_of <- sum(weight * m)
  show("median", middle_of); show("posterior sd", sqrt(sum(weight * (s^2 + (m - mean_of)^2))))
  tail <- (1 - level) / 2
  if (shortest) tail <- optimize(function(p) quantile_at(p + level) - quantile_at(p), (1 - level) * c(1e-4, 1 - 1e-4),
                                 tol = 1e-9)$minimum
  show("low", quantile_at(tail)); show("high", quantile_at(tail + level))
  show("P(direction)", if (middle_of < 0) below(0) else 1 - below(0))
"""

FACTOR = """\
  # likelihood of the contrast, all else integrated out: the posterior without the model's own normal prior of it
  before <- drop(W[i, ] %*% prior_target %*% W[i, ]); p0 <- centre * sum(W[i, ]) - value
  lambda <- pmax(1 / s^2 - 1 / before, 1e-300); h <- m / s^2 - p0 / before
  none <- log(weight) + dnorm(0, m, s, log = TRUE); none <- none - max(none); none <- exp(none) / sum(exp(none))
  z <- seq(-12, 12, length.out = 2401)
  parts <- vapply(which(none > 0), function(k) {
    x <- h[k] / lambda[k] + z / sqrt(lambda[k])
    terms <- h[k] * x - lambda[k] * x^2 / 2 + dcauchy(x, 0, r * sds[k], TRUE)
    log(none[k]) + max(terms) + log(sum(exp(terms - max(terms))) * (x[2] - x[1])) }, 1)
  show("log_bayes_factor", max(parts) + log(sum(exp(parts - max(parts)))))
"""

_JOINT = """
# all contrasts at once against none: ratio of prior to posterior density at no effect, under the model's own prior
free <- qr(t(W)); free <- W[free$pivot[seq_len(free$rank)], , drop = FALSE]
at_none <- function(m, V) { R <- chol(V); e <- backsolve(R, rep(value, nrow(free)) - m, transpose = TRUE)
  -sum(log(diag(R))) - sum(e^2) / 2 }
after <- vapply(all, function(one) {
  l <- matrix(0, ncol(X), nrow(free)); l[target, ] <- t(free)
  u <- backsolve(one$R, l * one$d, transpose = TRUE)
  at_none(drop(crossprod(u, one$h)) + centre * rowSums(free), crossprod(u)) }, 1)
before <- at_none(centre * rowSums(free), free %*% prior_target %*% t(free))
show("joint log_bayes_factor", before - max(after) - log(sum(weight * exp(after - max(after)))))
"""


def bayesian_code(problem: Problem, posterior: CellPosterior | None, *, factors: bool = True) -> str:
    """Return R code that computes a question's posterior anew: the exact one with its Bayes factor, or by Stan.

    Parameters
    ----------
    problem : Problem
        The rows, named in R as `analysis_script` names them.
    posterior : CellMixture, CellDraws or None
        The Bayesian model that answered.
    factors : bool, default True
        Whether with Bayes factors.

    Returns
    -------
    str
        Shows median, posterior sd, limits, probability of direction and log Bayes factor of each contrast, and of
        several all at once; a sampled model is sampled anew in Stan. Empty without that engine; a comment that says why
        where the draws came without their model or its rows are not those of the script.
    """
    if posterior is None:
        return ""
    if not isinstance(posterior, CellMixture):
        return sampled_code(problem, posterior, factors=factors) or _SAMPLED
    if not is_exact(problem, posterior):
        return _OTHER_ROWS
    code = exact_model(problem, posterior) + CONTRAST
    if not factors:
        return code + "}\n"
    return code + FACTOR + "}\n" + (_JOINT if len(problem.weights) > 1 else "")


def is_exact(problem: Problem, posterior: CellPosterior | None) -> bool:
    """Say whether a posterior can be integrated anew from the rows of a question.

    Parameters
    ----------
    problem : Problem
        The rows.
    posterior : CellMixture, CellDraws or None
        The Bayesian model that answered.

    Returns
    -------
    bool
        Where it was solved exactly on these rows, on the completed tables, or on the rows whose outcome was given.
    """
    if not isinstance(posterior, CellMixture):
        return False
    if np.isnan(posterior.log_marginal):
        return isinstance(problem, ImputedProblem) and posterior.n == problem.n
    return posterior.n == int(problem.observed.sum())


def exact_model(problem: Problem, posterior: CellPosterior | None = None, prior: CellPrior | None = None) -> str:
    """Return R code that integrates the exact model of a question.

    Parameters
    ----------
    problem : Problem
        The rows, named in R as `analysis_script` names them.
    posterior : CellMixture, optional
        The posterior: that of completed tables mixes theirs in equal shares.
    prior : CellPrior, optional
        The prior; that of the scale where left out.

    Returns
    -------
    str
        Leaves components ``all`` with ``weight`` and ``sds``, and the contrasts ``W``.
    """
    own = gaussian_prior(problem.metric, change=problem.question.minus is not None) if prior is None else prior
    code, model = _HEAD + _given(problem, own), _columns(problem) + MODEL
    if not isinstance(problem, ImputedProblem):
        return code + model
    if isinstance(posterior, CellMixture) and np.isnan(posterior.log_marginal):
        return code + _TABLES.replace("MODEL", model.rstrip())
    return code + GIVEN_ROWS + model


def prior_code(prior: CellPrior) -> str:
    """Return R code that names the numbers of a prior as the exact model does.

    Parameters
    ----------
    prior : CellPrior
        The prior.

    Returns
    -------
    str
        One line.
    """
    numbers = {
        "middle": prior.middle,
        "level_sd": prior.middle_sd,
        "cell_sd": prior.effect_sd,
        "residual_sd": prior.residual_sd,
        "group_sd": prior.group_sd,
        "slope_sd": prior.slope_sd,
    }
    return "; ".join(f"{name} <- {number:.17g}" for name, number in numbers.items())


def _given(problem: Problem, prior: CellPrior) -> str:
    asked = problem.question
    numbers = {"value": asked.value, "r": prior_scale(problem), "level": asked.plan.interval_level}
    said = "; ".join([prior_code(prior), *(f"{name} <- {number:.17g}" for name, number in numbers.items())])
    weights = ", ".join(f"{weight:.17g}" for weight in problem.weights.ravel())
    return (
        f"{said}\nshortest <- {'FALSE' if asked.plan.interval_kind == 'equal_tailed' else 'TRUE'}\n"
        f"W <- matrix(c({weights}), nrow = {len(problem.weights)}, byrow = TRUE)\n"
    )


def _columns(problem: Problem) -> str:
    """Name the columns of the design; covariates count in their own standard deviations, as their prior does."""
    names = r_vector(tuple(f"x{j + 1}" for j in range(problem.covariates.shape[1])))
    code = f"cells <- {r_vector(problem.cells)}; factors <- {r_vector(tuple(problem.groups))}\n"
    code += f"beside <- if (length({names})) scale(as.matrix(responses[{names}]), center = FALSE,\n"
    code += f"  scale = apply(responses[{names}], 2, sd))\n"
    if problem.question.kind == "slope":
        return code + "slopes <- cbind(responses$predictor); prior_slopes <- diag((slope_sd / sd(slopes))^2, 1)\n"
    if problem.question.kind == "slopes":
        return code + (
            'slopes <- (outer(as.character(responses$cell), cells, "==") + 0) * responses$predictor\n'
            "k <- length(cells); prior_slopes <- (slope_sd / sd(responses$predictor))^2 * (1 + diag(k) - 1 / k)\n"
        )
    return code + "slopes <- NULL\n"
