"""Which rows a posterior rests on where values were missing."""

from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.errors import DataError

__all__ = ["resting"]


def resting(problem: Problem, what: str) -> Problem:
    """Return the rows that a posterior rests on.

    Parameters
    ----------
    problem : Problem
        The rows of a question.
    what : str
        What is asked of the model, with its verb: ``"Leaving rows out needs"``.

    Returns
    -------
    Problem
        The same; where outcomes were imputed for the frequentist engine only, the rows whose outcome was given.

    Raises
    ------
    DataError
        Where the posterior averages those of several completed tables.
    """
    if not isinstance(problem, ImputedProblem):
        return problem
    if problem.alone is None:
        raise DataError(
            f"{what} one table; this posterior averages those of completed tables, each with rows of its own. The same "
            "hypothesis with `missing: listwise` in its plan has it."
        )
    return problem.alone
