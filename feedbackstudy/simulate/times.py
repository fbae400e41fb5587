"""When each cell is asked: days since the interview, and since the feedback."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.crossing import Cell
from feedbackstudy.design.waves import Wave
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["feedback_days", "wave_days"]

type Floats = NDArray[np.float64]


def feedback_days(study: Study, world: World, cells: tuple[Cell, ...]) -> Floats:
    """Return the day of the feedback in each cell, counted from the interview.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        Says when the decision falls.
    cells : tuple of Cell
        The cells.

    Returns
    -------
    ndarray
        One day for each cell; arms without feedback take the mean of the others, as their pseudo-dates do.
    """
    days = np.full(len(cells), np.nan)
    delays = [factor for factor in study.factors if factor.delay_from]
    for i, cell in enumerate(cells):
        if not cell.levels and study.factors:
            continue
        at = dict(cell.levels)
        starts = [
            (0.0 if f.delay_from == "interview" else world.decision_after_days) + f.scores[at[f.name]] for f in delays
        ]
        days[i] = max(starts, default=world.decision_after_days)
    known = days[~np.isnan(days)]
    return np.where(np.isnan(days), known.mean() if known.size else world.decision_after_days, days)


def wave_days(wave: Wave, world: World, feedback: Floats) -> Floats:
    """Return the day of a wave in each cell, counted from the interview, in the middle of its window.

    Parameters
    ----------
    wave : Wave
        The wave.
    world : World
        Says when the decision falls.
    feedback : ndarray
        Day of the feedback in each cell.

    Returns
    -------
    ndarray
        One day for each cell.
    """
    anchor = {"interview": 0.0 * feedback, "decision": 0.0 * feedback + world.decision_after_days, "feedback": feedback}
    return np.asarray(anchor[wave.anchor] + wave.offset_days + sum(wave.window_days) / 2)
