"""The way out to R of outcomes that are no scores: logistic, count and cumulative models of a question."""

from feedbackstudy.analysis.count_law import count_law
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_across import across_levels
from feedbackstudy.analysis.r_columns import (
    cells_code,
    fixed_columns,
    matrix_code,
    random_columns,
    shown_code,
    value_of,
)
from feedbackstudy.analysis.r_response import response_code
from feedbackstudy.analysis.thresholds import measured_by
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = ["count_code", "logistic_code", "ordinal_code"]

# clm has no cell means: the first cell is the reference. Latent means count from the mean threshold.
_LATENT = """\
cuts <- length(fit$alpha); k <- nlevels(responses$cell); at <- c(seq_len(cuts), match(CELLS, names(coef(fit))))
M <- cbind(matrix(-1 / cuts, k, cuts), rbind(0, diag(k - 1)))
b <- drop(M %*% coef(fit)[at]); V <- M %*% vcov(fit)[at, at] %*% t(M); df <- Inf
"""


def logistic_code(problem: Problem) -> str:
    """Return R code of a logistic question.

    Parameters
    ----------
    problem : Problem
        The arrays, named in R as `analysis_script` names them.

    Returns
    -------
    str
        glm, or glmer with random factors.
    """
    return _generalised(problem, "binomial")


def count_code(problem: Problem) -> str:
    """Return R code of a question about counts.

    Parameters
    ----------
    problem : Problem
        The arrays, named in R as `analysis_script` names them.

    Returns
    -------
    str
        glm, glm.nb of MASS or zeroinfl of pscl; glmer and glmer.nb with random factors. Where the negative binomial has
        its maximum at the Poisson, that of the Poisson: glm.nb and glmer.nb look for a size there that does not exist.
    """
    chosen = count_law(problem).name
    if chosen == "poisson":
        return _generalised(problem, "poisson")
    if problem.question.distribution == "zero-inflated":
        head = "suppressMessages(library(pscl))\n" + cells_code(problem)
        law = "poisson" if chosen == "zero-inflated poisson" else "negbin"
        fit = f'fit <- zeroinfl(y ~ 0 + {fixed_columns(problem)} | 0 + cell, data = responses, dist = "{law}",\n'
        fit += "  control = zeroinfl.control(reltol = 1e-14))\n"
        part = "at <- seq_along(fit$coefficients$count); b <- coef(fit)[at]; V <- vcov(fit)[at, at]; df <- Inf\n"
        return head + fit + part + _shown(problem, "zero-inflated")
    fixed = f"y ~ 0 + {fixed_columns(problem)}"
    if problem.groups:
        head = "suppressMessages(library(lme4))\n" + cells_code(problem)
        fit = f"fit <- glmer.nb({fixed}{random_columns(problem)}, data = responses)\n"
        return head + fit + "b <- fixef(fit); V <- as.matrix(vcov(fit))\n" + _shown(problem, "exp")
    fit = f"fit <- MASS::glm.nb({fixed}, data = responses, control = glm.control(epsilon = 1e-12, maxit = 100))\n"
    return cells_code(problem) + fit + "b <- coef(fit); V <- vcov(fit); df <- Inf\n" + _shown(problem, "exp")


def _generalised(problem: Problem, family: str) -> str:
    fixed, inverse = f"y ~ 0 + {fixed_columns(problem)}", "plogis" if family == "binomial" else "exp"
    if problem.groups:
        head = "suppressMessages(library(lme4))\n" + cells_code(problem)
        fit = f"fit <- glmer({fixed}{random_columns(problem)}, family = {family}, data = responses)\n"
        return head + fit + "b <- fixef(fit); V <- as.matrix(vcov(fit))\n" + _shown(problem, inverse)
    fit = f"fit <- glm({fixed}, family = {family}, data = responses, control = glm.control(epsilon = 1e-12))\n"
    return cells_code(problem) + fit + "b <- coef(fit); V <- vcov(fit); df <- Inf\n" + _shown(problem, inverse)


def _shown(problem: Problem, inverse: str) -> str:
    """Show the contrasts of coefficients, or of means on the scale of the outcome."""
    k, q = len(problem.cells), problem.covariates.shape[1]
    if problem.question.kind in {"slope", "slopes"}:
        return _tested(problem, matrix_code(problem, before=k + q), lme4=True)
    if measured_by(problem.question) in {"probability", "rate"}:
        return _tested(problem, response_code(problem, inverse) + matrix_code(problem), lme4=True)
    note = "# estimates are on the scale of the logarithm\n"
    return note + _tested(problem, matrix_code(problem, extra=q), lme4=True)


def _tested(problem: Problem, before: str, *, lme4: bool) -> str:
    if problem.groups:
        return before + across_levels(problem.groups, fixed_columns(problem), value_of(problem), lme4=lme4)
    return before + shown_code(problem)


def ordinal_code(problem: Problem, *, ratings: bool | None = None) -> str:
    """Return R code of a question about ordered categories.

    Parameters
    ----------
    problem : Problem
        The arrays, named in R as `analysis_script` names them.
    ratings : bool, optional
        Whether expected ratings are weighed instead of latent means; as the question measures its effect where left
        out.

    Returns
    -------
    str
        clm, or clmm with random factors, of package ordinal.
    """
    call = "clmm" if problem.groups else "clm"
    fixed = fixed_columns(problem) + random_columns(problem)
    code = (
        "suppressMessages(library(ordinal))\n"
        + cells_code(problem)
        + "ratings <- sort(unique(responses$y)); responses$y <- factor(responses$y, ordered = TRUE)\n"
        + f'fit <- {call}(y ~ {fixed}, link = "probit", data = responses)\n'
    )
    if problem.question.kind in {"slope", "slopes"}:
        names = [f"cell{key}:predictor" for key in problem.cells]
        names = ["predictor"] if problem.question.kind == "slope" else names
        zeros = len(problem.cells) + problem.covariates.shape[1]
        code += f"at <- match({r_vector(tuple(names))}, names(coef(fit)))\n"
        code += f"b <- c(rep(0, {zeros}), coef(fit)[at]); V <- matrix(0, length(b), length(b))\n"
        code += f"V[-seq_len({zeros}), -seq_len({zeros})] <- vcov(fit)[at, at]; df <- Inf\n"
        return code + _tested(problem, matrix_code(problem, before=zeros), lme4=False)
    if measured_by(problem.question) == "rating" if ratings is None else ratings:
        code += response_code(problem, "rating")
    else:
        code += _LATENT.replace("CELLS", r_vector(tuple("cell" + key for key in problem.cells[1:])))
    return code + _tested(problem, matrix_code(problem), lme4=False)
