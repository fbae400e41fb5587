"""Parts that every R script of a question shares: its columns, its contrasts as a matrix, how an answer is shown."""

import numpy as np

from feedbackstudy.analysis.problem import Problem
from feedbackstudy.psychometrics.rscript import r_vector

__all__ = [
    "GIVEN_ROWS",
    "cells_code",
    "fixed_columns",
    "head_of",
    "matrix_code",
    "random_columns",
    "shown_code",
    "value_of",
]

GIVEN_ROWS = """
# Rows without an outcome say nothing about this model: it rests on the others, covariates counted from their mean.
responses <- responses[responses$imputation == 1 & responses$observed == 1, ]
for (name in grep("^(x[0-9]+|predictor)$", names(responses), value = TRUE))
  responses[[name]] <- responses[[name]] - mean(responses[[name]])
"""
"""R code, with its reason, that takes the rows with an outcome out of completed tables."""

_GIVEN = """\
level <- LEVEL
given <- function(estimate, se, df) {
  tail <- (1 + level) / 2; half <- se * (if (is.finite(df)) qt(tail, df) else qnorm(tail)); t <- -abs(estimate / se)
  show("estimate", estimate); show("se", se); show("df", df)
  show("p", 2 * (if (is.finite(df)) pt(t, df) else pnorm(t)))
  show("CI low", estimate - half); show("CI high", estimate + half)
}
"""

# Every loop over contrasts counts with `i`, at the level where `show` is defined.
_LABELS = """\
labels <- LABELS; unnamed <- show
show <- function(name, value) unnamed(paste0(labels[i], ": ", name), value)
"""

_SHOW_T = """
for (i in seq_len(nrow(L))) {
  estimate <- sum(L[i, ] * b) - VALUE
  given(estimate, sqrt(drop(L[i, ] %*% V %*% L[i, ])), df)
}
"""


def head_of(problem: Problem, labels: tuple[str, ...] = ()) -> str:
    """Return R code that says how an answer is shown.

    Parameters
    ----------
    problem : Problem
        The question, for the level of its intervals.
    labels : tuple of str
        One for each contrast, put before every number; none where left out.

    Returns
    -------
    str
        Defines ``level`` and ``given(estimate, se, df)``.
    """
    code = _GIVEN.replace("LEVEL", f"{problem.question.plan.interval_level:.17g}")
    return code + (_LABELS.replace("LABELS", r_vector(labels)) if labels else "")


def cells_code(problem: Problem) -> str:
    """Return R code that orders the cells as the contrasts do.

    Parameters
    ----------
    problem : Problem
        The rows.

    Returns
    -------
    str
        One line.
    """
    return f"responses$cell <- factor(responses$cell, levels = {r_vector(problem.cells)})\n"


def fixed_columns(problem: Problem) -> str:
    """Return the fixed columns as a sum in R: cells, covariates and the predictor of slopes.

    Parameters
    ----------
    problem : Problem
        The rows.

    Returns
    -------
    str
        Names that are ours, none from the data.
    """
    covariates = "".join(f" + x{j + 1}" for j in range(problem.covariates.shape[1]))
    slope = {"slope": " + predictor", "slopes": " + cell:predictor"}.get(problem.question.kind, "")
    return f"cell{covariates}{slope}"


def random_columns(problem: Problem) -> str:
    """Return the random intercepts as lme4 and ordinal write them.

    Parameters
    ----------
    problem : Problem
        The rows.

    Returns
    -------
    str
        Terms to add to a formula; empty without random factors.
    """
    return "".join(
        f" + (0 + has_{name} | group_{name})" if (codes < 0).any() else f" + (1 | group_{name})"
        for name, codes in problem.groups.items()
    )


def matrix_code(problem: Problem, extra: int = 0, before: int = 0) -> str:
    """Return R code of the contrasts.

    Parameters
    ----------
    problem : Problem
        The question.
    extra, before : int
        Columns of zeros after and before the weights.

    Returns
    -------
    str
        Defines ``L``.
    """
    rows = np.pad(problem.weights, ((0, 0), (before, extra)))
    numbers = ", ".join(f"{value:.17g}" for value in rows.ravel())
    return f"L <- matrix(c({numbers}), nrow = {len(rows)}, byrow = TRUE)\n"


def value_of(problem: Problem) -> str:
    """Return the fixed value that is subtracted, as R writes it.

    Parameters
    ----------
    problem : Problem
        The question.

    Returns
    -------
    str
        In full precision.
    """
    return f"{problem.question.value:.17g}"


def shown_code(problem: Problem) -> str:
    """Return R code that shows each row of ``L`` from coefficients, covariance and degrees of freedom.

    Parameters
    ----------
    problem : Problem
        The question.

    Returns
    -------
    str
        After ``b``, ``V``, ``df`` and ``L``.
    """
    return _SHOW_T.replace("VALUE", value_of(problem)).lstrip()
