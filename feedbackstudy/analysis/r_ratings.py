"""The way out to R of ratings by cell: shares of the categories, and expected ratings of the cumulative model."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_columns import head_of
from feedbackstudy.analysis.r_generalised import ordinal_code
from feedbackstudy.analysis.r_script import rows_of
from feedbackstudy.psychometrics.rscript import RScript, r_numbers

__all__ = ["ratings_script"]

_SHARES = """\
seen <- responses[responses$seen == 1, ]; all <- sort(CATEGORIES)
counts <- table(factor(seen$cell, levels = labels), factor(seen$y, levels = all))
for (i in seq_along(labels)) for (k in seq_along(all)) {
  show(paste("rated", format(all[k], digits = 15)), counts[i, k]); show("share", counts[i, k] / sum(counts[i, ]))
}
"""


def ratings_script(problem: Problem) -> RScript:
    """Return the ratings behind an answer as an R script with its data.

    Parameters
    ----------
    problem : Problem
        The arrays of an ordinal question about cells.

    Returns
    -------
    RScript
        Shows by cell how often each category was given, its share, and the expected rating by maximum likelihood with
        standard error and limits, covariates at their mean.
    """
    k = len(problem.cells)
    asked = replace(problem, weights=np.eye(k), question=replace(problem.question, value=0.0))
    values = problem.metric.categories or tuple(np.unique(problem.y))
    shares = _SHARES.replace("CATEGORIES", r_numbers(values))
    body = head_of(problem, problem.cells) + shares + ordinal_code(asked, ratings=True)
    name = problem.question.hypothesis.name
    data = rows_of(problem).assign(seen=problem.observed.astype(int))
    return RScript(made_by=f"rating_shares, hypothesis {name}", body=body, data=data, name=f"{name}_ratings")
