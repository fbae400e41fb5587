"""Effects of a path with normal-theory errors as base R code: the delta method, and Monte-Carlo intervals."""

from collections.abc import Sequence

import numpy as np

from feedbackstudy.analysis.frequentist.path_fit import PathFit
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.analysis.r_path_estimates import sum_of, v_names
from feedbackstudy.psychometrics.rscript import r_numbers, r_vector

__all__ = ["path_normal_code"]

_FIT = """
# Least squares, equation by equation; the covariance of all coefficients together is KIND
M <- as.matrix(responses[grep("^v[0-9]+$", names(responses))]); n <- nrow(M)
parts <- list(PARTS)
pulls <- lapply(parts, function(one) one$X %*% solve(crossprod(one$X)))
left <- lapply(parts, function(one) qr.resid(qr(one$X), one$y))
theta <- unlist(lapply(parts, function(one) qr.coef(qr(one$X), one$y)), use.names = FALSE)
sizes <- sapply(parts, function(one) ncol(one$X))
V <- COVARIANCE
df <- DF
effects <- function(theta) cbind(SUMS)
level <- LEVEL; suffixes <- SUFFIXES; shown <- c(effects(rbind(theta)))
"""
_MODEL = """{
  together <- TOGETHER
  do.call(rbind, lapply(seq_along(parts), function(j) do.call(cbind, lapply(seq_along(parts), function(k) {
    shared <- if (j == k || (j %in% together && k %in% together)) sum(left[[j]] * left[[k]]) / (REST) else 0
    shared * crossprod(pulls[[j]], pulls[[k]]) }))))
}"""
_HC3 = """{
  leverage <- lapply(seq_along(parts), function(k) rowSums(pulls[[k]] * parts[[k]]$X))
  crossprod(do.call(cbind, lapply(seq_along(parts), function(k) pulls[[k]] * left[[k]] / (1 - leverage[[k]]))))
}"""
_CR1 = """{
  scores <- lapply(seq_along(parts), function(k) pulls[[k]] * left[[k]] * sqrt((n - 1) / (n - sizes[k])))
  sums <- rowsum(do.call(cbind, scores), responses$cluster)
  crossprod(sums) * nrow(sums) / (nrow(sums) - 1)
}"""
_DELTA = """\
slopes <- matrix(sapply(seq_along(theta), function(i) {  # exact for products: each coefficient enters a leg once
  step <- replace(0 * theta, i, 1e-3); c(effects(rbind(theta + step)) - effects(rbind(theta - step))) / 2e-3
}), nrow = length(shown))
single <- SINGLE  # coefficients of effects that are one leg, whose errors have degrees of freedom
for (k in seq_along(suffixes)) {
  se <- sqrt(c(slopes[k, ] %*% V %*% slopes[k, ])); own <- if (length(single[[k]])) min(df[single[[k]]]) else Inf
  show(paste0("estimate", suffixes[k]), shown[k]); show(paste0("se", suffixes[k]), se)
  bound <- qt((1 + level) / 2, own) * se
  show(paste0("CI low", suffixes[k]), shown[k] - bound); show(paste0("CI high", suffixes[k]), shown[k] + bound)
  show(paste0("p", suffixes[k]), 2 * pt(-abs(shown[k] / se), own))
}
"""
_MONTE_CARLO = """\
set.seed(SEED); B <- DRAWS
roots <- eigen(V, symmetric = TRUE); root <- t(roots$vectors) * sqrt(pmax(roots$values, 0))
drawn <- effects(sweep(matrix(rnorm(B * length(theta)), B) %*% root, 2, theta, "+"))
for (k in seq_along(suffixes)) {
  sorted <- sort(drawn[, k]); rank <- floor((B + 1) * (1 - level) / 2 + 1e-9)
  show(paste0("estimate", suffixes[k]), shown[k]); show(paste0("se", suffixes[k]), sd(sorted))
  show(paste0("CI low", suffixes[k]), sorted[rank]); show(paste0("CI high", suffixes[k]), sorted[B - rank + 1])
  show(paste0("p", suffixes[k]), min(1, 2 * (1 + min(sum(sorted <= 0), sum(sorted >= 0))) / (B + 1)))
}
"""


def path_normal_code(
    system: PathSystem,
    effects: Sequence[tuple[str, Effect]],
    fit: PathFit,
    *,
    level: float,
    together: Sequence[int] = (),
    draws: int = 0,
    seed: int = 0,
) -> str:
    """Return R code of effects with errors from the covariance of the coefficients.

    Parameters
    ----------
    system : PathSystem
        Columns and equations; column j is ``v{j}`` of `responses`, clusters are its column ``cluster``.
    effects : sequence of (str, Effect)
        What is put behind the names of an effect's numbers, and the effect.
    fit : PathFit
        Says which covariance; its numbers are not used.
    level : float
        Level of the intervals.
    together : sequence of int, optional
        Equations whose residuals may be correlated.
    draws, seed : int
        Of a Monte-Carlo interval; the delta method with 0 draws.

    Returns
    -------
    str
        Shows ``estimate``, ``se``, ``CI low``, ``CI high`` and ``p`` of each effect.
    """
    parts = ", ".join(
        f'list(X = M[, {v_names(e.predictors)}, drop = FALSE], y = M[, "v{e.response}"])' for e in system.equations
    )
    rest = "n" if fit.vcov == "ml" else "n - max(sizes[c(j, k)])"
    model = _MODEL.replace("TOGETHER", r_numbers(np.array(together, dtype=np.int64) + 1)).replace("REST", rest)
    covariance = {"HC3": _HC3, "CR1": _CR1}.get(fit.vcov, model)
    df = {"CR1": "rep(length(unique(responses$cluster)) - 1, sum(sizes))", "ml": "rep(Inf, sum(sizes))"}
    head = _FIT.replace("PARTS", parts).replace("COVARIANCE", covariance).replace("KIND", fit.vcov)
    head = head.replace("DF", df.get(fit.vcov, "rep(n - sizes, sizes)"))
    head = head.replace("SUMS", ", ".join(f"drop({sum_of(effect)})" for _, effect in effects))
    head = head.replace("LEVEL", f"{level!r}").replace("SUFFIXES", r_vector(tuple(suffix for suffix, _ in effects)))
    if draws:
        return head + _MONTE_CARLO.replace("SEED", str(seed)).replace("DRAWS", str(draws))
    single = ", ".join(r_numbers(np.flatnonzero(_leg(effect)) + 1) for _, effect in effects)
    return head + _DELTA.replace("SINGLE", f"list({single})")


def _leg(effect: Effect) -> np.ndarray:
    return effect.single[0] if len(effect.single) == 1 else np.zeros(1)
