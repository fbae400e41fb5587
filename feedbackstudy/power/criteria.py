"""What a criterion reads of an answer: the smallest effect on its scale, and the p value that decides."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.thresholds import Thresholds, thresholds
from feedbackstudy.design.plan import ByEquivalence, Criterion
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked

__all__ = ["deciding_p", "limits_of"]

type Floats = NDArray[np.float64]


def limits_of(asked: Asked) -> Thresholds:
    """Return the smallest effect and the region of equivalence on the scale of the estimate, as `analyse` has them.

    Parameters
    ----------
    asked : Asked
        The hypothesis.

    Returns
    -------
    Thresholds
        Empty for an omnibus test.
    """
    if asked.kind == "omnibus":
        return Thresholds()
    question = asked.question
    if asked.measured == "points":
        question = replace(question, family="gaussian")
    return thresholds(question, sd=asked.sd, sd_x=asked.sd_x)


def deciding_p(asked: Asked, found: Answers, criterion: Criterion | None) -> Floats:
    """Return the p values that the criterion reads, as the families of `analyse` adjust them.

    Parameters
    ----------
    asked : Asked
        The hypothesis.
    found : Answers
        Its answers.
    criterion : Criterion or None
        What decides it.

    Returns
    -------
    ndarray
        Of two one-sided tests, or of non-inferiority, where equivalence decides; else `found.p` itself.
    """
    bound = limits_of(asked).sesoi
    if not isinstance(criterion, ByEquivalence) or bound is None:
        return found.p
    with np.errstate(invalid="ignore"):
        too_large = special.stdtr(found.df, (found.estimate - bound) / found.se)
        too_small = special.stdtr(found.df, -(found.estimate + bound) / found.se)
    if criterion.kind == "non_inferiority":
        return np.asarray(too_large if asked.hypothesis.direction == "negative" else too_small)
    return np.asarray(np.maximum(too_large, too_small))
