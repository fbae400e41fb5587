"""R code for means of the cells on the scale of the outcome: probabilities, expected counts, expected ratings."""

from feedbackstudy.analysis.problem import Problem
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["response_code"]

_HEAD = """\
# Means of the cells on the scale of the outcome, averaged over the population of random effects; their covariance by
# the delta method from that of all parameters.
k <- nlevels(responses$cell); shared <- as.matrix(responses[COVARIATES]); p <- k + ncol(shared)
over <- eigen(with(list(J = diag(0, 40)), { J[cbind(1:39, 2:40)] <- J[cbind(2:40, 1:39)] <- sqrt(1:39); J }))
averaged <- function(f, x, sd) {
  if (!length(sd)) return(f(x))
  moved <- outer(as.vector(x), sqrt(sum(sd^2)) * over$values, `+`); drop(f(moved) %*% over$vectors[1, ]^2)
}
"""

_LINKED = """\
inverse <- INVERSE; at <- b
means <- function(at) {
  moved <- if (ncol(shared)) drop(shared %*% at[(k + 1):p]) else 0
  vapply(seq_len(k), function(j) mean(averaged(inverse, at[j] + moved, at[-seq_len(p)])), 1)
}
"""

# The Hessian of lme4 is of the deviance, standard deviations first.
_LME4 = """\
sds <- getME(fit, "theta"); here <- c(length(sds) + seq_len(p), which(sds > 1e-4))
V <- solve(fit@optinfo$derivs$Hessian[here, here] / 2); at <- c(b, sds[sds > 1e-4])
"""

_INFLATED = """\
at <- coef(fit); V <- vcov(fit)
means <- function(at) plogis(-at[p + seq_len(k)]) * exp(at[seq_len(k)]) *
  (if (ncol(shared)) mean(exp(shared %*% at[(k + 1):p])) else 1)
"""

# Random effects of clmm stand as logarithms of their standard deviations; covariates at their mean.
_RATING = """\
cuts <- length(fit$alpha); own <- match(CELLS, names(coef(fit)))
sds <- if (inherits(fit, "clmm")) vapply(fit$ST, function(s) s[1, 1], 1) else numeric(0)
kept <- which(sds > 1e-4); here <- c(seq_len(cuts), own, length(coef(fit)) + kept)
at <- c(fit$alpha, coef(fit)[own], log(sds[kept])); df <- Inf; V <- vcov(fit)[here, here]
means <- function(at) {
  sd <- exp(at[-seq_len(cuts + k - 1)]); latent <- c(0, at[cuts + seq_len(k - 1)])
  vapply(latent, function(x) ratings[1] + sum(diff(ratings) * averaged(pnorm, x - at[seq_len(cuts)], sd)), 1)
}
"""

_DELTA = """\
J <- numDeriv::jacobian(means, at); V <- J %*% V %*% t(J); b <- means(at)
"""


def response_code(problem: Problem, inverse: str) -> str:
    """Return R code that turns the parameters of a model into means of the cells.

    Parameters
    ----------
    problem : Problem
        The rows; covariates of logistic and count models are averaged over, those of ratings held at their mean.
    inverse : {"plogis", "exp", "zero-inflated", "rating"}
        The inverse link of ``fit``, or what else its means are made of.

    Returns
    -------
    str
        After ``fit`` and its ``b`` and ``V``; replaces both by those of the means, shape (cells,) and (cells, cells).
    """
    covariates = r_vector(tuple(f"x{j + 1}" for j in range(problem.covariates.shape[1])))
    if inverse == "rating":
        made = _RATING.replace("CELLS", r_vector(tuple("cell" + key for key in problem.cells[1:])))
    elif inverse == "zero-inflated":
        made = _INFLATED
    else:
        made = _LINKED.replace("INVERSE", inverse) + (_LME4 if problem.groups else "")
    return _HEAD.replace("COVARIATES", covariates) + made + _DELTA
