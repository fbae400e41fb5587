"""What helps to tell a missing answer: the same scores at other waves; and who was never asked."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Column, Question
from feedbackstudy.analysis.material import Material
from feedbackstudy.analysis.waves import Rows, Waves
from feedbackstudy.frames import Scores

__all__ = ["auxiliary_columns", "never_asked"]

type Floats = NDArray[np.float64]


def auxiliary_columns(asked: Question, material: Material, scores: Scores) -> dict[str, Floats]:
    """Return the scores of outcome and mediators at the waves that the question does not use.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Its rows.
    scores : Scores
        The scores.

    Returns
    -------
    dict of str to ndarray
        Name -> values; only waves at which all these people were asked.
    """
    waves, rows = Waves(scores), _rows(material)
    used = {Column(asked.hypothesis.outcome, asked.occasion), *asked.covariates, *asked.steps}
    used |= {column for column in (asked.predictor, asked.minus) if column is not None}
    names = dict.fromkeys((asked.hypothesis.outcome, *(step.name for step in asked.steps)))
    found: dict[str, Floats] = {}
    for name in names:
        for occasion in _occasions(scores, name):
            column = Column(name, occasion)
            if column in used or not waves.asked(name, occasion, rows).all():
                continue
            values = waves.values(column, rows)
            if not np.isnan(values).all() and np.nanstd(values) > 0:
                found[str(column)] = values
    return found


def never_asked(asked: Question, material: Material, scores: Scores) -> NDArray[np.bool_]:
    """Say who was not asked for a mediator, covariate or predictor that the question needs.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Its rows.
    scores : Scores
        The scores.

    Returns
    -------
    ndarray of bool, shape (n,)
        One flag a row.
    """
    waves, rows = Waves(scores), _rows(material)
    columns = [*asked.covariates, *asked.steps, *((asked.predictor,) if asked.predictor is not None else ())]
    lost = np.zeros(len(material), dtype=np.bool_)
    for column in columns:
        if column.occasion is not None and column.name in scores.names:
            lost |= ~waves.asked(column.name, column.occasion, rows)
    return lost


def _rows(material: Material) -> Rows:
    stories = material.stories or ("",) * len(material)
    return Rows(
        participant=np.array(material.participants, dtype=np.str_),
        story=np.array(stories, dtype=np.str_),
        condition=np.array([material.cells[i] for i in material.cell], dtype=np.str_),
    )


def _occasions(scores: Scores, name: str) -> tuple[str, ...]:
    """Return the waves that hold the score, stories apart."""
    known = scores.about[name].occasions if name in scores.about else ()
    if known:
        return known
    held = scores.frame.loc[scores.frame[name].notna(), "occasion"].astype("str")
    return tuple(str(value) for value in pd.unique(held) if "." not in str(value))
