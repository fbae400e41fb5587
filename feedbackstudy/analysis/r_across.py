"""R code for contrasts across levels of random factors, where the mixed model knows the normal distribution only."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["across_levels", "between_outermost"]

# lme4 and ordinal print z. `reference` gives the levels left over between and what turns maximum likelihood's variance
# of a contrast across levels into that by restricted likelihood.
_CODE = """\
X <- model.matrix(~ 0 + FIXED, data = responses)
in_rows <- function(M, l) qr(rbind(M, l))$rank == qr(M)$rank
reference <- function(l) {
  df <- Inf; scale <- 1
  for (name in FACTORS) {
    level <- responses[[paste0("group_", name)]]; has <- responses[[paste0("has_", name)]]
    here <- if (is.null(has)) rep(TRUE, nrow(X)) else has == 1
    within <- X
    within[here, ] <- apply(X[here, , drop = FALSE], 2, function(x) x - ave(x, level[here]))
    if (in_rows(within, c(l, rep(0, ncol(X) - length(l))))) next
    levels <- length(unique(level[here])); left <- levels - (qr(X)$rank - qr(within)$rank)
    df <- min(df, left)
    if (VARIANCE > 1e-8) scale <- max(scale, levels / left)
  }
  list(df = df, scale = scale)
}
for (i in seq_len(nrow(L))) {
  against <- reference(L[i, ])
  estimate <- sum(L[i, ] * b) - VALUE
  given(estimate, sqrt(drop(L[i, ] %*% V %*% L[i, ]) * against$scale), against$df)
}
"""

# `free` are rows of no effect of the outermost unit: the others' variances as lmer estimates them.
_BETWEEN = """\
parts <- VarCorr(fit); s2 <- sigma(fit)^2
if (parts[["group_OUTER"]][1] < 1e-8 * s2) {
  levels <- function(name) model.matrix(~ 0 + factor(responses[[paste0("group_", name)]]))
  free <- diag(nrow(responses))
  for (name in INNER) free <- free + parts[[paste0("group_", name)]][1] / s2 * tcrossprod(levels(name))
  W <- solve(free); X <- getME(fit, "X"); y <- responses$y; bread <- solve(crossprod(X, W %*% X))
  P <- W - W %*% X %*% bread %*% crossprod(X, W); Z <- levels("OUTER")
  parts <- eigen(crossprod(Z, P %*% Z), symmetric = TRUE); used <- parts$values > 1e-9 * max(parts$values)
  seen <- crossprod(parts$vectors[, used, drop = FALSE], crossprod(Z, P %*% y))
  df <- sum(used); b <- drop(bread %*% crossprod(X, W %*% y)); V <- bread * sum(seen^2 / parts$values[used]) / df
"""


def between_outermost(groups: Mapping[str, NDArray[np.int64]], outer: str) -> str:
    """Return R code that opens a branch for an outermost variance of zero: its mean square between is the error.

    Parameters
    ----------
    groups : mapping of str to ndarray of int
        The random factors, nested in each other.
    outer : str
        The outermost.

    Returns
    -------
    str
        R code after a ``fit`` of lmer; it leaves ``b``, ``V`` and ``df``, and the branch open.
    """
    inner = r_vector(tuple(name for name in groups if name != outer))
    return _BETWEEN.replace("OUTER", outer).replace("INNER", inner)


def across_levels(groups: Mapping[str, NDArray[np.int64]], fixed: str, value: str, *, lme4: bool) -> str:
    """Return R code that prints each row of `L` with its reference distribution (`BetweenWithin`).

    Parameters
    ----------
    groups : mapping of str to ndarray of int
        The random factors.
    fixed : str
        Fixed columns, as a sum of names in R; those that `L` weighs come first.
    value : str
        The fixed value that is subtracted.
    lme4 : bool
        Whether `fit` is of lme4, else of ordinal.

    Returns
    -------
    str
        R code after ``fit``, ``b``, ``V`` and ``L``; it shows by ``given``.
    """
    of_level = 'paste0("group_", name)'
    variance = f"as.numeric(lme4::VarCorr(fit)[[{of_level}]])[1]" if lme4 else f"c(fit$ST[[{of_level}]])[1]^2"
    code = _CODE.replace("FIXED", fixed).replace("FACTORS", r_vector(tuple(groups)))
    return code.replace("VARIANCE", variance).replace("VALUE", value)
