"""R code for rows weighted by the inverse probability of assignment: robust errors, of rows or of clusters."""

from feedbackstudy.analysis.frequentist.assigned_clusters import independent_unit
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_columns import cells_code, fixed_columns, matrix_code, shown_code, value_of

__all__ = ["NO_WEIGHTED_MODEL", "weighted_code"]

NO_WEIGHTED_MODEL = """
# The frequentist engine combines weights by the probability of assignment with models of scores only: no answer.
"""

_HC3 = """\
X <- model.matrix(fit); w <- responses$w; bread <- solve(crossprod(X * sqrt(w)))
V <- bread %*% crossprod(X * (w * resid(fit) / (1 - hatvalues(fit)))) %*% bread
b <- coef(fit); df <- fit$df.residual
"""

# linear_contrast of clubSandwich stops at weighted models: the contrast is made a coefficient instead.
_CR2 = """\
# CR2 with clubSandwich's working model for lm, equal variances; a row of no level is a cluster of its own.
cluster <- as.character(responses[["group_UNIT"]]); has <- responses[["has_UNIT"]]; X <- model.matrix(fit)
if (!is.null(has)) cluster[has == 0] <- paste("row", which(has == 0))
for (i in seq_len(nrow(L))) {
  turn <- diag(ncol(L)); at <- which.max(abs(L[i, ])); turn[at, ] <- L[i, ]; turned <- X %*% solve(turn)
  again <- lm(y ~ 0 + turned, data = responses, weights = w)
  found <- clubSandwich::coef_test(again, vcov = "CR2", cluster = cluster, test = "Satterthwaite")[at, ]
  given(found$beta - VALUE, found$SE, found$df_Satt)
}
"""


def weighted_code(problem: Problem) -> str:
    """Return weighted least squares of a question's scores as R code.

    Parameters
    ----------
    problem : Problem
        The rows; their weights are column ``w``.

    Returns
    -------
    str
        HC3 in R's own functions; with random factors CR2 and Satterthwaite's degrees of freedom by clubSandwich.
    """
    k, q = len(problem.cells), problem.covariates.shape[1]
    slopes = problem.question.kind in {"slope", "slopes"}
    code = cells_code(problem) + f"fit <- lm(y ~ 0 + {fixed_columns(problem)}, data = responses, weights = w)\n"
    matrix = matrix_code(problem, before=k + q) if slopes else matrix_code(problem, extra=q)
    unit = independent_unit(problem.groups)
    if unit is None:
        return code + _HC3 + matrix + shown_code(problem)
    return code + matrix + _CR2.replace("UNIT", unit).replace("VALUE", value_of(problem))
