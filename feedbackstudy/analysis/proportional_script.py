"""The check of one shift at all thresholds as R code: cumulative models with one effect and with one each."""

from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.proportional import effect_columns
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["proportional_code"]

_CODE = """
# Is the effect the same at every threshold? Its column against all else, without random effects.
W <- matrix(c(WEIGHTS), nrow = ROWS, byrow = TRUE)
rows <- qr(t(W)); rows <- W[rows$pivot[seq_len(rows$rank)], , drop = FALSE]
C <- outer(as.character(responses$cell), CELLS, "==") + 0
rest <- qr.Q(qr(t(rbind(rows, 1))), complete = TRUE)[, -seq_len(nrow(rows) + 1), drop = FALSE]
responses$own <- C %*% t(rows) %*% solve(tcrossprod(rows))
others <- cbind(C %*% rest, as.matrix(responses[COVARIATES]))
others <- others[, apply(others, 2, function(x) diff(range(x)) > 1e-12), drop = FALSE]
responses$others <- others; formulas <- list(y ~ own + others, y ~ others)
if (!ncol(others)) formulas <- list(y ~ own, y ~ 1)
one <- clm(formulas[[1]], link = "probit", data = responses)
each <- clm(formulas[[2]], nominal = ~ own, link = "probit", data = responses)
show("alike chi square", 2 * (logLik(each) - logLik(one))); show("alike df", length(coef(each)) - length(coef(one)))
show("alike p", pchisq(2 * (logLik(each) - logLik(one)), length(coef(each)) - length(coef(one)), lower.tail = FALSE))
if (ncol(responses$own) == 1) show("latent effect at threshold", -each$alpha[-seq_len(nlevels(responses$y) - 1)])
"""


def proportional_code(problem: Problem) -> str:
    """Return R code that checks an ordinal contrast of cells for being alike at all thresholds.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    str
        Shows the likelihood ratio test and the effect at each threshold; empty for two categories, and where the
        question is no comparison of cells.
    """
    asked = problem.question
    if asked.kind != "cells" or len(set(problem.y.tolist())) < 3 or not effect_columns(problem)[0].size:
        return ""
    covariates = tuple(f"x{j + 1}" for j in range(problem.covariates.shape[1]))
    code = _CODE.replace("WEIGHTS", ", ".join(f"{weight:.17g}" for weight in problem.weights.ravel()))
    code = code.replace("ROWS", str(len(problem.weights))).replace("COVARIATES", r_vector(covariates))
    return code.replace("CELLS", r_vector(problem.cells))
