"""Whether the effect that is asked about is the same at every threshold between ordered categories."""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.analysis.frequentist.cumulative import fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_tests import nominal_test
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.errors import DataError
from feedbackstudy.render import number, p_value

__all__ = ["DIFFERS", "proportional_note"]

type Floats = NDArray[np.float64]

DIFFERS = "the effect differs between thresholds"
"""How the note of a violation begins."""

_LINK = "probit"


def proportional_note(problem: Problem) -> str:
    r"""Check that one shift of the latent answer describes the contrasts of an ordinal question.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    str
        The likelihood ratio test in words; where p is below the plan's alpha also the effect at each threshold. Empty
        for outcomes of other kinds, and for two categories, between which there is one threshold.

    Notes
    -----
    The model in which the contrasts :math:`\delta = L\beta` differ between thresholds, all else as in the cumulative
    probit model, against that model (as ``ordinal::nominal_test``): chi square on rank(L) times (categories - 2).
    Random effects are left out of both, which the note says.
    """
    if problem.question.family != "ordinal":
        return ""
    given = problem.observed
    own, others = (columns[given] for columns in _columns(problem))
    values, codes = np.unique(problem.y[given], return_inverse=True)
    if values.size < 3:
        return ""
    if not own.size:
        return "the effect was not checked for being alike at all thresholds, as it is no comparison"
    aside = " (checked without random effects)" if problem.groups else ""
    aside += "" if given.all() else " (rows with a given outcome)"
    try:
        found = nominal_test(
            codes, np.hstack([own, others]), values.size, slice(0, own.shape[1]), term="contrast", link=_LINK
        )
    except DataError as fault:
        return f"the effect could not be checked for being alike at all thresholds: {fault}"
    if found.note:
        return f"the effect could not be checked for being alike at all thresholds{aside}: {found.note}"
    test = f"chi square({found.df}) = {number(found.statistic, 2)}, {p_value(found.p)}{aside}"
    if found.p >= problem.question.plan.alpha:
        return f"one shift at all thresholds is not contradicted: {test}"
    return f"{DIFFERS}: {test}; one shift does not describe it{_by_threshold(codes, own, others, values.size)}"


def _columns(problem: Problem) -> tuple[Floats, Floats]:
    """Return the columns whose coefficients are the contrasts, and those of all else, without a constant."""
    indicators = np.eye(len(problem.cells))[problem.cell]
    if problem.question.kind == "slope" and problem.predictor is not None:
        return problem.predictor[:, None], np.hstack([indicators[:, 1:], problem.covariates])
    if problem.question.kind == "slopes" and problem.predictor is not None:
        base, rest = indicators * problem.predictor[:, None], indicators[:, 1:]
        left = linalg.null_space(problem.weights)
    else:
        base, rest = indicators, np.empty((problem.n, 0))
        left = linalg.null_space(np.vstack([problem.weights, np.ones(len(problem.cells))]))
        if np.abs(problem.weights.sum(axis=1)).max() > 1e-9:
            return np.empty((problem.n, 0)), rest
    rows = problem.weights if len(problem.weights) == 1 else linalg.orth(problem.weights.T).T
    return base @ np.linalg.pinv(rows), np.hstack([base @ left, rest, problem.covariates])


def _by_threshold(codes: NDArray[np.int64], own: Floats, others: Floats, categories: int) -> str:
    if own.shape[1] != 1:
        return ""
    fit = fit_cumulative(codes, others, categories, link=_LINK, nominal=own)
    return f" (latent effect from the lowest threshold on: {', '.join(number(-float(g)) for g in fit.nominal[:, 0])})"
