"""R code for full information about incomplete rows: lavaan fits all that was answered, contrasts are read off."""

import numpy as np
import pandas as pd

from feedbackstudy.analysis.missing.treating import Incomplete
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_columns import cells_code, matrix_code, shown_code

__all__ = ["full_information_code", "incomplete_rows"]

_FIT = """\
suppressMessages(library(lavaan))
# The rows as they were answered are number 0; the completed tables after them serve the posterior alone.
incomplete <- responses[responses$imputation == 0, ]; responses <- responses[responses$imputation > 0, ]
CELLS
X <- outer(as.character(incomplete$cell), levels(incomplete$cell)[-1], "==") + 0
indicators <- if (ncol(X)) paste0("d", seq_len(ncol(X))); incomplete[indicators] <- X
covariates <- grep("^x[0-9]+$", names(incomplete), value = TRUE)
helping <- grep("^a[0-9]+$", names(incomplete), value = TRUE); columns <- c("y", covariates, helping)
middle <- vapply(incomplete[columns], mean, 1, na.rm = TRUE); wide <- vapply(incomplete[columns], sd, 1, na.rm = TRUE)
incomplete[columns] <- scale(incomplete[columns], middle, wide)
# Given the cells, which are complete, all columns are jointly normal: auxiliary ones covary and adjust nothing
# (saturated correlates). Standard errors from observed information.
equation <- function(name, more = NULL) paste(name, "~", paste(c("1", indicators, more), collapse = " + "))
beside <- vapply(seq_along(c(covariates, helping)), function(j) {
  before <- c(if (columns[j + 1] %in% helping) "y", c(covariates, helping)[seq_len(j - 1)])
  if (length(before)) paste(columns[j + 1], "~~", paste(before, collapse = " + ")) else "" }, "")
model <- paste(c(equation("y", covariates), vapply(columns[-1], equation, ""), beside), collapse = "\\n")
fit <- sem(model, data = incomplete, missing = "fiml", fixed.x = TRUE, information = "observed",
           control = list(rel.tol = 1e-12, iter.max = 10000, eval.max = 20000))
theta <- coef(fit); at <- c("y~1", sprintf("y~%s", c(indicators, covariates))); k <- nlevels(incomplete$cell)
# Means of cells where every covariate has its estimated mean, which counts as known.
held <- matrix(fitted(fit)$mean[covariates], k, length(covariates), byrow = TRUE)
reading <- cbind(1, diag(k)[, -1, drop = FALSE], held) * wide[["y"]]
b <- drop(reading %*% theta[at]) + middle[["y"]]; V <- reading %*% vcov(fit)[at, at] %*% t(reading); df <- Inf
"""


def full_information_code(problem: Problem) -> str:
    """Return full information about a question's cells as R code for lavaan.

    Parameters
    ----------
    problem : Problem
        The question; its script reads `incomplete_rows` as imputation 0 above the completed tables.

    Returns
    -------
    str
        Shows what ``given`` shows of each contrast, by the normal distribution. It takes imputation 0 out of
        `responses`.
    """
    levels = cells_code(problem).rstrip().replace("responses$cell", "incomplete$cell")
    return _FIT.replace("CELLS", levels) + matrix_code(problem) + shown_code(problem)


def incomplete_rows(rows: Incomplete) -> pd.DataFrame:
    """Return incomplete rows as `full_information_code` reads them.

    Parameters
    ----------
    rows : Incomplete
        What was answered.

    Returns
    -------
    DataFrame
        Columns participant, y, cell, x1 and on for covariates, a1 and on for auxiliary columns, imputation 0, and
        observed, 1 where the outcome was given; NaN where a value is missing.
    """
    columns: dict[str, object] = {
        "participant": list(rows.participants),
        "y": rows.y,
        "cell": [rows.cells[i] for i in rows.cell],
    }
    columns |= {f"x{j + 1}": rows.covariates[:, j] for j in range(rows.covariates.shape[1])}
    columns |= {f"a{j + 1}": rows.auxiliary[:, j] for j in range(rows.auxiliary.shape[1])}
    return pd.DataFrame(columns).assign(imputation=0, observed=(~np.isnan(rows.y)).astype(int))
