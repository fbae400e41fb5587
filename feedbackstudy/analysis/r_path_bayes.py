"""The exact posterior of a path as R code: each equation integrated over its variances, effects multiplied by draws."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.missing_paths import MixedPathPosterior
from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.analysis.r_path_estimates import sum_of, v_names
from feedbackstudy.psychometrics.rscript import r_numbers

__all__ = ["path_posterior_code"]

type Floats = NDArray[np.float64]

# Given the residual sd and the ratio of the variance between clusters to the residual one, coefficients are normal;
# one decomposition for each ratio serves all residual sds. The ratio's grid is even in the arc sine of the intraclass
# correlation's root, so that d tau = sigma (1 + ratio) d u.
_EQUATION = """
# The Bayesian answer: the posterior of each equation on a grid of its variances, normal given them; the equations are
# independent of each other, so effects are products of their draws.
equation <- function(X, y, P, residual_sd, group_sd, cluster) {
  n <- nrow(X); p <- ncol(X); shift <- mean(y); y <- y - shift; between <- !is.null(cluster)
  sizes <- if (between) as.vector(table(cluster)) else 0
  sums <- if (between) rowsum(X, cluster) else matrix(0, 1, p); totals <- if (between) rowsum(y, cluster)[, 1] else 0
  ratios <- if (between) { s <- sin(seq(0, 1, length.out = 122)[-122] * pi / 2)^2; s / (1 - s) } else 0
  parts <- lapply(ratios, function(ratio) {
    take <- ratio / (1 + ratio * sizes); XX <- crossprod(X) - crossprod(sums * sqrt(take))
    Xy <- crossprod(X, y) - crossprod(sums, take * totals); R <- chol(XX); half <- backsolve(R, diag(p))
    turned <- eigen(crossprod(half, P %*% half), symmetric = TRUE); penalty <- pmax(turned$values, 0)
    root <- half %*% turned$vectors; z <- drop(crossprod(root, Xy)); rest <- sum(y^2) - sum(take * totals^2) - sum(z^2)
    log_sd <- log(rest / (n - p)) / 2 + seq(-7, 9, length.out = 401) / sqrt(2 * (n - p)); s2 <- exp(2 * log_sd)
    loss <- 1 + outer(s2, penalty)
    height <- -(n - p) * log_sd - (rest / s2 + rowSums(sweep(1 / loss, 2, z^2 * penalty, "*")) + rowSums(log(loss))) / 2
    height <- height - sum(log1p(ratio * sizes)) / 2 - sum(log(diag(R)))
    if (!is.null(residual_sd)) height <- height + log_sd - s2 / residual_sd^2 / 2
    if (between) height <- height + log_sd + log1p(ratio) - log(2) * (ratio == 0)
    if (between) height <- height - if (is.null(group_sd)) 0 else ratio * s2 / group_sd^2 / 2
    list(height = height, mean = sweep(1 / loss, 2, z, "*") %*% t(root), root = root, shrink = s2 / loss)
  })
  height <- unlist(lapply(parts, `[[`, "height")); weight <- exp(height - max(height))
  level <- qr.coef(qr(X), rep(shift, n))
  list(weight = weight / sum(weight), mean = sweep(do.call(rbind, lapply(parts, `[[`, "mean")), 2, level, "+"),
       shrink = do.call(rbind, lapply(parts, `[[`, "shrink")), roots = lapply(parts, `[[`, "root"), P = P,
       of = rep(seq_along(parts), each = 401))
}
drawn <- function(found, draws) {
  at <- findInterval((seq_len(draws) - runif(draws)) / draws, cumsum(found$weight)) + 1
  at <- sample(pmin(at, length(found$weight))); noise <- matrix(rnorm(draws * ncol(found$mean)), draws)
  noise <- noise * sqrt(found$shrink[at, , drop = FALSE]); beta <- found$mean[at, , drop = FALSE]
  for (ratio in unique(found$of[at])) {
    rows <- found$of[at] == ratio
    beta[rows, ] <- beta[rows, , drop = FALSE] + noise[rows, , drop = FALSE] %*% t(found$roots[[ratio]])
  }
  beta
}
# Bayes factor of one leg: prior over posterior density at 0
leg_factor <- function(found, leg) {
  e <- eigen(found$P, symmetric = TRUE); along <- drop(crossprod(e$vectors, leg))
  held <- e$values > 1e-12 * max(e$values)
  variance <- rep(0, length(found$weight))
  for (k in seq_along(found$roots)) {
    rows <- found$of == k
    variance[rows] <- found$shrink[rows, , drop = FALSE] %*% drop(crossprod(found$roots[[k]], leg))^2
  }
  dnorm(0, 0, sqrt(sum(along[held]^2 / e$values[held]))) /
    sum(found$weight * dnorm(0, found$mean %*% leg, sqrt(variance)))
}
both <- function(factors) {  # all legs there against at least one absent, each with prior probability one half
  if (length(factors) == 1) return(factors)
  there <- prod(factors / (1 + factors)); apart <- 1 - there
  if (apart < 1e-12) apart <- sum(1 / (1 + factors))
  there / apart * (2^length(factors) - 1)
}
summarised <- function(values, suffix, level) {
  sorted <- sort(values); held <- ceiling(level * length(sorted)); ends <- seq_len(length(sorted) - held + 1)
  from <- ends[which.min(sorted[ends + held - 1] - sorted[ends])]; middle_of <- median(values)
  show(paste0("median", suffix), middle_of); show(paste0("posterior sd", suffix), sd(values))
  show(paste0("low", suffix), sorted[from]); show(paste0("high", suffix), sorted[from + held - 1])
  show(paste0("P(direction)", suffix), if (middle_of < 0) mean(values < 0) else mean(values > 0))
}
tables <- if (is.null(responses$imputation)) list(responses) else split(responses, responses$imputation)
solved <- function(responses, table, draws) {
  theta <- matrix(0, draws, SIZE); equations <- list()
EQUATIONS
  list(theta = theta, equations = equations)
}
# Completed tables have equal shares.
set.seed(SEED); found <- lapply(seq_along(tables), function(i) solved(tables[[i]], i, DRAWS %/% length(tables)))
theta <- do.call(rbind, lapply(found, `[[`, "theta"))
factor_of <- function(k, leg) 1 / mean(1 / vapply(found, function(one) leg_factor(one$equations[[k]], leg), 1))
"""


def path_posterior_code(
    system: PathSystem,
    posterior: PathPosterior,
    effects: Sequence[tuple[str, Effect]],
    *,
    level: float,
    seed: int = 1,
    draws: int = 200_000,
) -> str:
    """Return R code that computes the posterior of effects of a path.

    Parameters
    ----------
    system : PathSystem
        Columns and equations; column j is ``v{j}`` of `responses`, as `path_columns` lays them out.
    posterior : PathPosterior
        For its priors, its clusters (column ``cluster``), and the equations with correlated residuals; that of
        completed tables has equal shares of theirs.
    effects : sequence of (str, Effect)
        What is put behind the names of an effect's numbers, and the effect.
    level : float
        Probability inside the shortest interval.
    seed, draws : int
        Of R's own draws.

    Returns
    -------
    str
        Shows median, posterior sd, low, high and P(direction) of each effect from draws, and by the grid the log Bayes
        factor of each that is one product whose legs have a proper prior.
    """
    lines = [line for k in range(len(system.equations)) for line in _equation(system, posterior, k)]
    code = _EQUATION.replace("SEED", str(seed)).replace("DRAWS", str(draws)).replace("SIZE", str(system.size))
    code = code.replace("EQUATIONS", "\n".join(f"  {line}" for line in lines))
    for suffix, effect in effects:
        code += f'\nsummarised(drop({sum_of(effect)}), "{suffix}", {level!r})\n'
        if posterior.bayes_factor(effect)[0] is not None:
            code += f'show("log_bayes_factor{suffix}", log(both(c({", ".join(_factors(system, effect))}))))\n'
    return code


def _equation(system: PathSystem, posterior: PathPosterior, k: int) -> list[str]:
    """Write the draws of one equation, those of mediators with correlated residuals given the ones before it."""
    equation = system.equations[k]
    before = [j for j in posterior.together if j < k] if k in posterior.together else []
    cluster = "NULL" if posterior.cluster is None else "responses$cluster"
    parts = posterior.parts if isinstance(posterior, MixedPathPosterior) else (posterior,)
    priors = [part.priors[k] if part.priors else None for part in parts]
    call = f"responses$v{equation.response}, P, {_prior(priors[0])}, {cluster})"
    lines = [
        f"P <- {_precisions(priors, len(equation.predictors), 0)}",
        f"equations[[{k + 1}]] <- equation({_matrix(equation.predictors)}, {call}",
        f"at <- {system.offsets[k] + 1}:{system.offsets[k + 1]}",
    ]
    if not before:
        return [*lines, f"theta[, at] <- drawn(equations[[{k + 1}]], draws)"]
    more = _matrix((*equation.predictors, *(system.equations[j].response for j in before)))
    lines += [
        f"P <- {_precisions(priors, len(equation.predictors), len(before))}",
        f"beta <- drawn(equation({more}, {call}, draws)",
        "theta[, at] <- beta[, seq_along(at)]",
    ]
    for i, j in enumerate(before, start=1):
        block = f"{system.offsets[j] + 1}:{system.offsets[j + 1]}"
        lines.append(f"theta[, at] <- theta[, at] + beta[, length(at) + {i}] * theta[, {block}]")
    return lines


def _matrix(at: Sequence[int]) -> str:
    return f"as.matrix(responses[{v_names(at)}])"


def _prior(prior: EquationPrior | None) -> str:
    scales = (None, None) if prior is None else (prior.residual_sd, prior.group_sd)
    return ", ".join("NULL" if scale is None else f"{scale:.17g}" for scale in scales)


def _precisions(priors: Sequence[EquationPrior | None], size: int, flat: int) -> str:
    """Write the prior's precision; that of a slope counts in the spread of its column, which tables may differ in."""
    each = [_precision(prior, size, flat) for prior in priors]
    return each[0] if len(set(each)) == 1 else f"list({', '.join(each)})[[table]]"


def _precision(prior: EquationPrior | None, size: int, flat: int) -> str:
    matrix = np.zeros((size + flat, size + flat))
    if prior is not None:
        matrix[:size, :size] = prior.precision
    return f"matrix({r_numbers(matrix.ravel())}, {size + flat})"


def _factors(system: PathSystem, effect: Effect) -> list[str]:
    blocks = [(k, leg[system.block(k)]) for leg in effect.single for k in range(len(system.equations))]
    return [f"factor_of({k + 1}, {r_numbers(own)})" for k, own in blocks if own.any()]
