"""The exact posterior of a path as R code: each equation integrated over its variances, effects multiplied by draws."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["path_columns", "path_estimates_code", "path_posterior_code", "with_path"]

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
set.seed(SEED); draws <- DRAWS; theta <- matrix(0, draws, SIZE); equations <- list()
"""


_ESTIMATES = """
# Least squares, and the bootstrap of rows or of whole clusters
coefficients <- function(rows) c(FITS)
effects <- function(theta) cbind(SUMS)
level <- LEVEL; suffixes <- c(SUFFIXES); units <- split(seq_len(nrow(responses)), UNIT); set.seed(SEED)
again <- t(replicate(DRAWS, coefficients(responses[unlist(units[sample(length(units), replace = TRUE)]), ])))
shown <- effects(rbind(coefficients(responses)))
limits <- apply(effects(again), 2, quantile, c(1 - level, 1 + level) / 2)
for (k in seq_along(suffixes)) {
  show(paste0("estimate", suffixes[k]), shown[k])
  show(paste0("CI low", suffixes[k]), limits[1, k]); show(paste0("CI high", suffixes[k]), limits[2, k])
}
"""

_COMPLETED = """
# The posterior of the path averages over the completed tables; answer.pymc_model() is its model.
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
        Columns and equations; column j is ``v{j}`` of `responses`.
    posterior : PathPosterior
        For its priors, its clusters (column ``cluster``), and the equations with correlated residuals.
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
    code = _EQUATION.replace("SEED", str(seed)).replace("DRAWS", str(draws)).replace("SIZE", str(system.size))
    cluster = "NULL" if posterior.cluster is None else "responses$cluster"
    priors = posterior.priors or (None,) * len(system.equations)
    for k, (equation, prior) in enumerate(zip(system.equations, priors, strict=True)):
        before = [j for j in posterior.together if j < k] if k in posterior.together else []
        call = f"responses$v{equation.response}, PRIOR, {_prior(prior)}, {cluster})"
        own = _columns(equation.predictors)
        code += f"P <- {_precision(prior, len(equation.predictors), 0)}\n"
        code += f"equations[[{k + 1}]] <- equation({own}, {call.replace('PRIOR', 'P')}\n"
        code += f"at <- {system.offsets[k] + 1}:{system.offsets[k + 1]}\n"
        if not before:
            code += f"theta[, at] <- drawn(equations[[{k + 1}]], draws)\n"
            continue
        more = _columns((*equation.predictors, *(system.equations[j].response for j in before)))
        code += f"P <- {_precision(prior, len(equation.predictors), len(before))}\n"
        code += f"beta <- drawn(equation({more}, {call.replace('PRIOR', 'P')}, draws)\n"
        code += "theta[, at] <- beta[, seq_along(at)]\n"
        for i, j in enumerate(before, start=1):
            block = f"{system.offsets[j] + 1}:{system.offsets[j + 1]}"
            code += f"theta[, at] <- theta[, at] + beta[, length(at) + {i}] * theta[, {block}]\n"
    for suffix, effect in effects:
        code += f'\nsummarised(drop({_sum(effect)}), "{suffix}", {level!r})\n'
        if posterior.bayes_factor(effect)[0] is not None:
            code += f'show("log_bayes_factor{suffix}", log(both(c({", ".join(_factors(system, effect))}))))\n'
    return code


def path_estimates_code(
    system: PathSystem, effects: Sequence[tuple[str, Effect]], *, level: float, draws: int, seed: int, clusters: bool
) -> str:
    """Return R code of least-squares estimates of effects with percentile intervals.

    Parameters
    ----------
    system : PathSystem
        Columns and equations; column j is ``v{j}`` of `responses`.
    effects : sequence of (str, Effect)
        What is put behind the names of an effect's numbers, and the effect.
    level : float
        Level of the intervals.
    draws, seed : int
        Of the bootstrap in R.
    clusters : bool
        Whether whole clusters, of column ``cluster``, are drawn.

    Returns
    -------
    str
        Shows ``estimate``, ``CI low`` and ``CI high`` of each effect.
    """
    fits = ", ".join(
        f"qr.coef(qr({_columns(e.predictors).replace('responses', 'rows')}), rows$v{e.response})"
        for e in system.equations
    )
    sums = ", ".join(f"drop({_sum(effect)})" for _, effect in effects)
    suffixes = ", ".join(f'"{suffix}"' for suffix, _ in effects)
    code = _ESTIMATES.replace("FITS", fits).replace("SUMS", sums).replace("SUFFIXES", suffixes)
    unit = "responses$cluster" if clusters else "seq_len(nrow(responses))"
    return (
        code.replace("UNIT", unit)
        .replace("SEED", str(seed))
        .replace("DRAWS", str(draws))
        .replace("LEVEL", f"{level!r}")
    )


def with_path(script: RScript, problem: Problem, path: DeclaredPath | None) -> RScript:
    """Add the posterior of a declared path to the script of its question.

    Parameters
    ----------
    script : RScript
        What computes the frequentist answer, one row for each row of the path.
    problem : Problem
        The rows; where they are completed tables the posterior averages over them, and the script says that it stops.
    path : DeclaredPath or None
        The answers; None for a question of another kind, or without the Bayesian engine.

    Returns
    -------
    RScript
        It shows median, posterior sd, low, high, P(direction) and log Bayes factor of the main effect too.
    """
    if path is None:
        return script
    if isinstance(problem, ImputedProblem):
        return replace(script, body=script.body + _COMPLETED)
    system = path.design.system
    code = path_posterior_code(system, path.posterior, [("", path.main.effect)], level=path.main.level)
    data = pd.concat([script.data.reset_index(drop=True), path_columns(system, path.posterior)], axis=1)
    return replace(script, body=script.body + code, data=data)


def path_columns(system: PathSystem, posterior: PathPosterior) -> pd.DataFrame:
    """Return the columns that `path_posterior_code` reads.

    Parameters
    ----------
    system : PathSystem
        Columns and equations.
    posterior : PathPosterior
        For its clusters.

    Returns
    -------
    DataFrame
        ``v{j}`` for every column that an equation uses, and ``cluster`` where there are clusters.
    """
    used = sorted({j for e in system.equations for j in (e.response, *e.predictors)})
    data = pd.DataFrame({f"v{j}": system.matrix[:, j] for j in used})
    return data if posterior.cluster is None else data.assign(cluster=posterior.cluster)


def _columns(at: Sequence[int]) -> str:
    return f"as.matrix(responses[c({', '.join(f'"v{j}"' for j in at)})])"


def _prior(prior: EquationPrior | None) -> str:
    scales = (None, None) if prior is None else (prior.residual_sd, prior.group_sd)
    return ", ".join("NULL" if scale is None else f"{scale:.17g}" for scale in scales)


def _precision(prior: EquationPrior | None, size: int, flat: int) -> str:
    matrix = np.zeros((size + flat, size + flat))
    if prior is not None:
        matrix[:size, :size] = prior.precision
    numbers = ", ".join(f"{value:.17g}" for value in matrix.ravel())
    return f"matrix(c({numbers}), {size + flat})"


def _sum(effect: Effect) -> str:
    terms = []
    for term in effect.terms:
        used = [(leg, np.flatnonzero(leg)) for leg in term.legs]
        legs = [f"(theta[, {_numbers(at + 1)}, drop = FALSE] %*% {_numbers(leg[at])})" for leg, at in used]
        terms.append(" * ".join([f"({term.weight:.17g})", *legs]))
    return " + ".join(terms)


def _factors(system: PathSystem, effect: Effect) -> list[str]:
    blocks = [(k, leg[system.block(k)]) for leg in effect.single for k in range(len(system.equations))]
    return [f"leg_factor(equations[[{k + 1}]], {_numbers(own)})" for k, own in blocks if own.any()]


def _numbers(values: Floats | NDArray[np.int64]) -> str:
    return f"c({', '.join(f'{value:.17g}' for value in values.tolist())})"
