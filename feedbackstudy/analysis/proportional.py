"""Whether the effect that is asked about is the same at every threshold between ordered categories."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.analysis.frequentist.cumulative import fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_tests import nominal_test
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.errors import DataError
from feedbackstudy.render import number, p_value

__all__ = ["DIFFERS", "ProportionalCheck", "effect_columns", "proportional_check"]

type Floats = NDArray[np.float64]

DIFFERS: Final = "the effect differs between thresholds"
"""How the note of a row says that the check speaks against its model; a sentence of the row says it too."""
_LINK = "probit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalCheck:
    """Whether one shift of the latent answer describes an effect.

    Attributes
    ----------
    words : str
        The outcome of the check, for a note.
    statistic, p : float or None
        Likelihood ratio test; None where it could not be made.
    df : int
        Its degrees of freedom; 0 without a test.
    differs : bool
        Whether p is below the plan's alpha.
    at_thresholds : tuple of float
        The latent effect at each threshold from the lowest on; empty where it does not differ or is several contrasts.
    """

    words: str
    statistic: float | None = None
    df: int = 0
    p: float | None = None
    differs: bool = False
    at_thresholds: tuple[float, ...] = ()


def proportional_check(problem: Problem) -> ProportionalCheck | None:
    r"""Check that one shift of the latent answer describes the contrasts of an ordinal question.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    ProportionalCheck or None
        The likelihood ratio test; where p is below the plan's alpha also the effect at each threshold. None for
        outcomes of other kinds, and for two categories, between which there is one threshold.

    Notes
    -----
    The model in which the contrasts :math:`\delta = L\beta` differ between thresholds, all else as in the cumulative
    probit model, against that model (as ``ordinal::nominal_test``): chi square on rank(L) times (categories - 2).
    Random effects are left out of both, which the note says.
    """
    if problem.question.family != "ordinal":
        return None
    given = problem.observed
    own, others = (columns[given] for columns in effect_columns(problem))
    values, codes = np.unique(problem.y[given], return_inverse=True)
    if values.size < 3:
        return None
    if not own.size:
        return ProportionalCheck(
            words="the effect was not checked for being alike at all thresholds, as it is no comparison"
        )
    aside = " (checked without random effects)" if problem.groups else ""
    aside += "" if given.all() else " (rows with a given outcome)"
    why = "the effect could not be checked for being alike at all thresholds"
    try:
        found = nominal_test(
            codes, np.hstack([own, others]), values.size, slice(0, own.shape[1]), term="contrast", link=_LINK
        )
    except DataError as fault:
        return ProportionalCheck(words=f"{why}: {fault}")
    if found.note:
        return ProportionalCheck(words=f"{why}{aside}: {found.note}")
    test = f"chi square({found.df}) = {number(found.statistic, 2)}, {p_value(found.p)}{aside}"
    differs = found.p < problem.question.plan.alpha
    each = _by_threshold(codes, own, others, values.size) if differs else ()
    said = f" (latent effect from the lowest threshold on: {', '.join(map(number, each))})" if each else ""
    words = (
        f"{DIFFERS}: {test}; one shift does not describe it{said}"
        if differs
        else f"one shift at all thresholds is not contradicted: {test}"
    )
    return ProportionalCheck(
        words=words, statistic=found.statistic, df=found.df, p=found.p, differs=differs, at_thresholds=each
    )


def effect_columns(problem: Problem) -> tuple[Floats, Floats]:
    """Return the columns whose coefficients are the contrasts, and those of all else, without a constant.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    tuple of (ndarray, ndarray)
        Shapes (n, rank of the contrasts) and (n, others); the first is empty where the question is no comparison.
    """
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


def _by_threshold(codes: NDArray[np.int64], own: Floats, others: Floats, categories: int) -> tuple[float, ...]:
    if own.shape[1] != 1:
        return ()
    fit = fit_cumulative(codes, others, categories, link=_LINK, nominal=own)
    return tuple(-float(g) for g in fit.nominal[:, 0])
