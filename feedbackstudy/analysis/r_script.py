"""The way out to R: the rows of one question and a script that computes the same estimate, error and p value."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.frequentist.assigned_clusters import compares_clusters, outermost
from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.proportional_script import proportional_code
from feedbackstudy.analysis.r_across import between_outermost
from feedbackstudy.analysis.r_bayes import bayesian_code
from feedbackstudy.analysis.r_columns import (
    cells_code,
    fixed_columns,
    head_of,
    matrix_code,
    random_columns,
    shown_code,
    value_of,
)
from feedbackstudy.analysis.r_full_information import full_information_code, incomplete_rows
from feedbackstudy.analysis.r_generalised import count_code, logistic_code, ordinal_code
from feedbackstudy.analysis.r_imputed import over_tables
from feedbackstudy.analysis.r_weighted import NO_WEIGHTED_MODEL, weighted_code
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["analysis_script", "means_script", "question_rows", "rows_of"]

type Floats = NDArray[np.float64]


def analysis_script(problem: Problem, posterior: CellPosterior | None = None) -> RScript:
    """Return a question as an R script with its data.

    Parameters
    ----------
    problem : Problem
        The arrays of a question that is no path; `path_script` writes these.
    posterior : CellMixture or CellDraws, optional
        The Bayesian model that answered; an exact one is integrated anew.

    Returns
    -------
    RScript
        Least squares with emmeans, weighted ones with stats and clubSandwich, mixed models with lmerTest, ordinal ones
        with ordinal, logistic and count models with stats, MASS and pscl. It prints estimate, standard error, degrees
        of freedom, p and confidence limits of each contrast, over completed tables pooled by Rubin's rules, of
        incomplete rows by lavaan's full information; then what the exact posterior says.
    """
    cells = problem.question.kind == "cells"
    whole = cells and compares_clusters(problem.weights, problem.cell, problem.groups)
    body, data = _classical(problem, whole=whole)
    if problem.question.family == "ordinal" and not isinstance(problem, ImputedProblem):
        body += proportional_code(problem)
    body += bayesian_code(problem, posterior)
    name = problem.question.hypothesis.name
    return RScript(made_by=f"analyse, hypothesis {name}", body=head_of(problem) + body, data=data, name=name)


def means_script(
    problem: Problem, weights: Floats, labels: tuple[str, ...], *, posterior: CellPosterior | None = None
) -> RScript:
    """Return means of cells as an R script with its data: weighted means in the model that answered a question.

    Parameters
    ----------
    problem : Problem
        The arrays of a question about cells.
    weights : ndarray, shape (means, cells)
        Weights of each mean.
    labels : tuple of str
        One for each mean, put before its numbers.
    posterior : CellMixture or CellDraws, optional
        The Bayesian model that answered; an exact one is integrated anew.

    Returns
    -------
    RScript
        Prints what `analysis_script` prints, of means instead of the question's contrasts, without Bayes factors.
    """
    whole = compares_clusters(problem.weights, problem.cell, problem.groups)
    asked = replace(problem, weights=weights, question=replace(problem.question, value=0.0))
    body, data = _classical(asked, whole=whole)
    body += bayesian_code(asked, posterior, factors=False)
    name = problem.question.hypothesis.name
    made_by = f"marginal_means, hypothesis {name}"
    return RScript(made_by=made_by, body=head_of(problem, labels) + body, data=data, name=f"{name}_means")


def _classical(problem: Problem, *, whole: bool) -> tuple[str, pd.DataFrame]:
    """Return code and rows of the frequentist answer; `whole` where whole clusters are compared."""
    asked = problem.question
    if isinstance(problem, ImputedProblem) and problem.incomplete is not None:
        rows = pd.concat([incomplete_rows(problem.incomplete), question_rows(problem)], ignore_index=True)
        return full_information_code(problem), rows
    scores = (asked.family or "gaussian") == "gaussian"
    if problem.case_weights is not None:
        if not scores:
            return NO_WEIGHTED_MODEL, question_rows(problem)
        body = weighted_code(problem)
    elif scores:
        body = _slopes(problem) if asked.kind in {"slope", "slopes"} else _linear(problem, whole=whole)
    else:
        body = _BODIES[str(asked.family)](problem)
    return (over_tables(body) if isinstance(problem, ImputedProblem) else body), question_rows(problem)


def question_rows(problem: Problem) -> pd.DataFrame:
    """Return the rows of a question, all completed tables one below the other.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    DataFrame
        As `rows_of`; with imputed rows also imputation, from 1, and observed, 1 where the outcome was given.
    """
    if not isinstance(problem, ImputedProblem):
        return rows_of(problem)
    observed = problem.observed.astype(int)
    tables = [rows_of(table).assign(imputation=i, observed=observed) for i, table in enumerate(problem.tables, start=1)]
    return pd.concat(tables, ignore_index=True)


def rows_of(problem: Problem) -> pd.DataFrame:
    """Return the rows of a question as its scripts read them.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    DataFrame
        Columns participant, y, cell, x1 and on for covariates, m1 and on for mediators, w, predictor, and group_ and
        has_ before the name of each random factor.
    """
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


def _linear(problem: Problem, *, whole: bool) -> str:
    if problem.groups:
        return (
            "suppressMessages(library(lmerTest))\n"
            + cells_code(problem)
            + f"fit <- lmer(y ~ 0 + {fixed_columns(problem)}{random_columns(problem)}, data = responses)\n"
            + matrix_code(problem, extra=problem.covariates.shape[1])
            + (_between(problem) if whole else _contest(problem))
        )
    return (
        "library(emmeans)\n"
        + cells_code(problem)
        + f"fit <- lm(y ~ {fixed_columns(problem)}, data = responses)\n"
        + matrix_code(problem)
        + 'found <- contrast(emmeans(fit, "cell"), lapply(seq_len(nrow(L)), function(i) L[i, ]), '
        + f"offset = -{value_of(problem)})\n"
        + "found <- summary(found, infer = c(TRUE, TRUE), level = level)\n"
        + 'for (i in seq_len(nrow(found))) {\n  show("estimate", found$estimate[i]); show("se", found$SE[i])\n'
        + '  show("df", found$df[i]); show("p", found$p.value[i])\n'
        + '  show("CI low", found$lower.CL[i]); show("CI high", found$upper.CL[i])\n}\n'
    )


def _between(problem: Problem) -> str:
    """Whole clusters compared: where lmer's variance is zero, the mean square between them is the error."""
    fixed, group = f"y ~ 0 + {fixed_columns(problem)}", outermost(problem.groups) or ""
    if len(problem.groups) > 1:
        shown = shown_code(problem)
        return between_outermost(problem.groups, group) + shown + "} else {\n" + _contest(problem) + "}\n"
    return (
        "if (isSingular(fit)) {\n"
        f"  free <- lm({fixed}, data = responses)\n"
        f"  held <- lm(update(formula(free), ~ . + factor(group_{group})), data = responses)\n"
        "  df <- df.residual(free) - df.residual(held)\n"
        "  b <- coef(free); V <- summary(free)$cov.unscaled * (deviance(free) - deviance(held)) / df\n"
        f"{shown_code(problem)}"
        "} else {\n" + _contest(problem) + "}\n"
    )


def _contest(problem: Problem) -> str:
    value = value_of(problem)
    return (
        "for (i in seq_len(nrow(L))) {\n"
        f"  found <- contest1D(fit, L[i, ], rhs = {value}, confint = TRUE, level = level)\n"
        f'  show("estimate", found[["Estimate"]] - {value}); show("se", found[["Std. Error"]])\n'
        '  show("df", found[["df"]]); show("p", found[["Pr(>|t|)"]])\n'
        f'  show("CI low", found[["lower"]] - {value}); show("CI high", found[["upper"]] - {value})\n}}\n'
    )


def _slopes(problem: Problem) -> str:
    k, q = len(problem.cells), problem.covariates.shape[1]
    fixed = f"y ~ 0 + {fixed_columns(problem)}"
    matrix = matrix_code(problem, before=k + q)
    head = cells_code(problem)
    if problem.groups:
        fit = f"suppressMessages(library(lmerTest))\nfit <- lmer({fixed}{random_columns(problem)}, data = responses)\n"
        return head + fit + matrix + _contest(problem)
    fit = f"fit <- lm({fixed}, data = responses)\nb <- coef(fit); V <- vcov(fit); df <- df.residual(fit)\n"
    return head + fit + matrix + shown_code(problem)


_BODIES: Mapping[str, Callable[[Problem], str]] = {
    "binary": logistic_code,
    "count": count_code,
    "ordinal": ordinal_code,
}
