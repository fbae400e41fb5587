"""The way out to R: the rows of one question and a script that computes the same estimate, error and p value."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.frequentist.assigned_clusters import compares_clusters, outermost
from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.proportional_script import proportional_code
from feedbackstudy.analysis.r_across import across_levels, between_outermost
from feedbackstudy.analysis.r_bayes import bayesian_code
from feedbackstudy.analysis.r_imputed import over_tables
from feedbackstudy.analysis.r_path import path_code
from feedbackstudy.analysis.thresholds import measured_by
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript, r_vector

__all__ = ["analysis_script"]


def analysis_script(problem: Problem, posterior: CellPosterior | None = None) -> RScript:
    """Return a question as an R script with its data.

    Parameters
    ----------
    problem : Problem
        The arrays.
    posterior : CellMixture or CellDraws, optional
        The Bayesian model that answered; an exact one is integrated anew.

    Returns
    -------
    RScript
        Least squares with emmeans, mixed models with lmerTest, ordinal ones with ordinal, logistic and count models
        with stats and MASS, paths with lavaan. It prints estimate, standard error, degrees of freedom and p of each
        contrast, over completed tables pooled by Rubin's rules; then what the exact posterior says.

    Raises
    ------
    DataError
        For weights by the probability of assignment together with clusters or slopes, and for full information about
        incomplete rows, whose completed tables are no data to pool.
    """
    if problem.case_weights is not None and (problem.groups or problem.question.kind != "cells"):
        raise DataError("There is no R script for weights by the probability of assignment with clusters or slopes.")
    asked = problem.question
    key = (
        "path"
        if asked.kind == "path"
        else "slopes"
        if asked.kind in {"slope", "slopes"}
        else (asked.family or "gaussian")
    )
    body, data = _BODIES[key](problem), _table(problem)
    if isinstance(problem, ImputedProblem):
        if asked.plan.missing == "fiml":
            raise DataError(
                "There is no R script for full information about incomplete rows; the same question with missing: "
                "listwise or multiple_imputation has one."
            )
        tables = [_table(table).assign(imputation=i) for i, table in enumerate(problem.tables, start=1)]
        body, data = over_tables(body), pd.concat(tables, ignore_index=True)
    else:
        body += bayesian_code(problem, posterior)
    return RScript(
        made_by=f"analyse, hypothesis {asked.hypothesis.name}", body=body, data=data, name=asked.hypothesis.name
    )


def _table(problem: Problem) -> pd.DataFrame:
    columns: dict[str, object] = {
        "participant": list(problem.participants),
        "y": problem.y,
        "cell": [problem.cells[i] for i in problem.cell],
    }
    columns |= {f"x{j + 1}": problem.covariates[:, j] for j in range(problem.covariates.shape[1])}
    columns |= {f"m{j + 1}": problem.steps[:, j] for j in range(problem.steps.shape[1])}
    columns |= {} if problem.case_weights is None else {"w": problem.case_weights}
    columns |= {} if problem.predictor is None else {"predictor": problem.predictor}
    for name, codes in problem.groups.items():
        columns[f"group_{name}"] = [problem.group_levels[name][max(i, 0)] for i in codes]
        if (codes < 0).any():
            columns[f"has_{name}"] = (codes >= 0).astype(int)
    return pd.DataFrame(columns)


def _terms(problem: Problem) -> str:
    return "".join(f" + x{j + 1}" for j in range(problem.covariates.shape[1]))


def _random(problem: Problem) -> str:
    return "".join(
        f" + (0 + has_{name} | group_{name})" if (codes < 0).any() else f" + (1 | group_{name})"
        for name, codes in problem.groups.items()
    )


def _cells(problem: Problem) -> str:
    return f"responses$cell <- factor(responses$cell, levels = {r_vector(problem.cells)})\n"


def _matrix(problem: Problem, extra: int = 0, before: int = 0) -> str:
    rows = np.hstack(
        [np.zeros((len(problem.weights), before)), problem.weights, np.zeros((len(problem.weights), extra))]
    )
    numbers = ", ".join(f"{value:.17g}" for value in rows.ravel())
    return f"L <- matrix(c({numbers}), nrow = {len(rows)}, byrow = TRUE)\n"


def _value(problem: Problem) -> str:
    return f"{problem.question.value:.17g}"


_SHOW_T = """
for (i in seq_len(nrow(L))) {
  estimate <- sum(L[i, ] * b) - VALUE
  se <- sqrt(drop(L[i, ] %*% V %*% L[i, ]))
  show("estimate", estimate); show("se", se); show("df", df)
  show("p", if (is.finite(df)) 2 * pt(-abs(estimate / se), df) else 2 * pnorm(-abs(estimate / se)))
}
"""


_HC3 = """
X <- model.matrix(fit); w <- responses$w; bread <- solve(crossprod(X * sqrt(w)))
V <- bread %*% crossprod(X * (w * resid(fit) / (1 - hatvalues(fit)))) %*% bread
b <- coef(fit); df <- fit$df.residual
"""


def _weighted(problem: Problem) -> str:
    """Weighted least squares with HC3, in R's own functions."""
    return (
        _cells(problem)
        + f"fit <- lm(y ~ 0 + cell{_terms(problem)}, data = responses, weights = w)\n"
        + _HC3.lstrip()
        + _matrix(problem, extra=problem.covariates.shape[1])
        + _SHOW_T.replace("VALUE", _value(problem)).lstrip()
    )


def _linear(problem: Problem) -> str:
    if problem.case_weights is not None:
        return _weighted(problem)
    if problem.groups:
        return (
            "suppressMessages(library(lmerTest))\n"
            + _cells(problem)
            + f"fit <- lmer(y ~ 0 + cell{_terms(problem)}{_random(problem)}, data = responses)\n"
            + _matrix(problem, extra=problem.covariates.shape[1])
            + (_between(problem) if _compares_clusters(problem) else _contest(problem))
        )
    return (
        "library(emmeans)\n"
        + _cells(problem)
        + f"fit <- lm(y ~ cell{_terms(problem)}, data = responses)\n"
        + _matrix(problem)
        + 'found <- contrast(emmeans(fit, "cell"), lapply(seq_len(nrow(L)), function(i) L[i, ]), '
        + f"offset = -{_value(problem)})\n"
        + "found <- summary(found, infer = c(FALSE, TRUE))\n"
        + 'for (i in seq_len(nrow(found))) {\n  show("estimate", found$estimate[i]); show("se", found$SE[i])\n'
        + '  show("df", found$df[i]); show("p", found$p.value[i])\n}\n'
    )


def _compares_clusters(problem: Problem) -> bool:
    return compares_clusters(problem.weights, problem.cell, problem.groups)


def _between(problem: Problem) -> str:
    """Whole clusters compared: where lmer's variance is zero, the mean square between them is the error."""
    fixed, group = f"y ~ 0 + cell{_terms(problem)}", outermost(problem.groups) or ""
    if len(problem.groups) > 1:
        shown = _SHOW_T.replace("VALUE", _value(problem)).lstrip()
        return between_outermost(problem.groups, group) + shown + "} else {\n" + _contest(problem) + "}\n"
    return (
        "if (isSingular(fit)) {\n"
        f"  free <- lm({fixed}, data = responses)\n"
        f"  held <- lm(update(formula(free), ~ . + factor(group_{group})), data = responses)\n"
        "  df <- df.residual(free) - df.residual(held)\n"
        "  b <- coef(free); V <- summary(free)$cov.unscaled * (deviance(free) - deviance(held)) / df\n"
        f"{_SHOW_T.replace('VALUE', _value(problem)).lstrip()}"
        "} else {\n" + _contest(problem) + "}\n"
    )


def _contest(problem: Problem) -> str:
    return (
        "for (i in seq_len(nrow(L))) {\n"
        f"  found <- contest1D(fit, L[i, ], rhs = {_value(problem)}, confint = FALSE)\n"
        f'  show("estimate", found[["Estimate"]] - {_value(problem)}); show("se", found[["Std. Error"]])\n'
        '  show("df", found[["df"]]); show("p", found[["Pr(>|t|)"]])\n}\n'
    )


def _slopes(problem: Problem) -> str:
    k, q = len(problem.cells), problem.covariates.shape[1]
    common = problem.question.kind == "slope"
    term = "predictor" if common else "cell:predictor"
    fixed = f"y ~ 0 + cell{_terms(problem)} + {term}"
    matrix = _matrix(problem, before=k + q)
    head = _cells(problem)
    if problem.groups:
        fit = f"suppressMessages(library(lmerTest))\nfit <- lmer({fixed}{_random(problem)}, data = responses)\n"
        return head + fit + matrix + _contest(problem)
    fit = f"fit <- lm({fixed}, data = responses)\nb <- coef(fit); V <- vcov(fit); df <- df.residual(fit)\n"
    return head + fit + matrix + _SHOW_T.replace("VALUE", _value(problem))


def _logistic(problem: Problem) -> str:
    return _generalised(problem, "binomial")


def _count(problem: Problem) -> str:
    if problem.question.distribution == "poisson":
        return _generalised(problem, "poisson")
    if problem.question.distribution == "zero-inflated":
        head = "suppressMessages(library(pscl))\n" + _cells(problem)
        fit = f'fit <- zeroinfl(y ~ 0 + cell{_terms(problem)} | 0 + cell, data = responses, dist = "negbin")\n'
        part = "k <- length(fit$coefficients$count)\nb <- coef(fit)[1:k]; V <- vcov(fit)[1:k, 1:k]; df <- Inf\n"
        return head + fit + part + _shown(problem)
    if problem.groups:
        head = "suppressMessages(library(lme4))\n" + _cells(problem)
        fit = f"fit <- glmer.nb(y ~ 0 + cell{_terms(problem)}{_random(problem)}, data = responses)\n"
        return head + fit + "b <- fixef(fit); V <- as.matrix(vcov(fit))\n" + _across(problem)
    head = "suppressMessages(library(MASS))\n" + _cells(problem)
    fit = f"fit <- glm.nb(y ~ 0 + cell{_terms(problem)}, data = responses)\n"
    return head + fit + "b <- coef(fit); V <- vcov(fit); df <- Inf\n" + _shown(problem)


def _generalised(problem: Problem, family: str) -> str:
    if problem.groups:
        head = "suppressMessages(library(lme4))\n" + _cells(problem)
        fit = f"fit <- glmer(y ~ 0 + cell{_terms(problem)}{_random(problem)}, family = {family}, data = responses)\n"
        return head + fit + "b <- fixef(fit); V <- as.matrix(vcov(fit))\n" + _across(problem)
    fit = f"fit <- glm(y ~ 0 + cell{_terms(problem)}, family = {family}, data = responses)\n"
    return _cells(problem) + fit + "b <- coef(fit); V <- vcov(fit); df <- Inf\n" + _shown(problem)


def _log_note(problem: Problem) -> str:
    return "# estimates are on the scale of the logarithm\n" if measured_by(problem.question).startswith("log") else ""


def _across(problem: Problem) -> str:
    code = across_levels(problem.groups, f"cell{_terms(problem)}", _value(problem), lme4=True)
    return _log_note(problem) + _matrix(problem, extra=problem.covariates.shape[1]) + code


def _shown(problem: Problem) -> str:
    return (
        _log_note(problem)
        + _matrix(problem, extra=problem.covariates.shape[1])
        + _SHOW_T.replace("VALUE", _value(problem))
    )


def _ordinal(problem: Problem) -> str:
    mixed = bool(problem.groups)
    call = "clmm" if mixed else "clm"
    link = "probit"
    k = len(problem.cells)
    # clm has no cell means: the first cell is the reference, and a contrast of means is one of the differences.
    return (
        "suppressMessages(library(ordinal))\n"
        + _cells(problem)
        + "responses$y <- factor(responses$y, ordered = TRUE)\n"
        + f'fit <- {call}(y ~ cell{_terms(problem)}{_random(problem)}, link = "{link}", data = responses)\n'
        + _matrix(problem)
        + f"at <- match({r_vector(tuple('cell' + key for key in problem.cells[1:]))}, names(coef(fit)))\n"
        + f"b <- c(0, coef(fit)[at]); V <- matrix(0, {k}, {k}); V[-1, -1] <- vcov(fit)[at, at]; df <- Inf\n"
        + (
            across_levels(problem.groups, f"cell{_terms(problem)}", _value(problem), lme4=False)
            if mixed
            else _SHOW_T.replace("VALUE", _value(problem))
        )
        + proportional_code(problem)
    )


_BODIES: Mapping[str, Callable[[Problem], str]] = {
    "gaussian": _linear,
    "slopes": _slopes,
    "binary": _logistic,
    "count": _count,
    "ordinal": _ordinal,
    "path": path_code,
}
