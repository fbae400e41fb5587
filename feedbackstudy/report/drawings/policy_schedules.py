"""Randomisation inference: the estimate among those of other schedules."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.policy.rollouts.permuting import Reshuffled
from feedbackstudy.render import number, p_value
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, SECOND, bare, plain, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["schedules_drawing"]


@drawing.register(Reshuffled)
def schedules_drawing(result: Reshuffled) -> Drawing:
    """Return the picture of a randomisation test.

    Parameters
    ----------
    result : Reshuffled
        The test with its statistics.

    Returns
    -------
    Drawing
        Its picture.
    """
    low, high = np.quantile(result.statistics, [0.025, 0.975])
    said = f"{number(result.test.estimate, 4)}, p {p_value(result.test.p)}"
    whole = "all " if result.test.exact else ""
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=2.2,
        alt=f"Estimates for {result.label} under {whole}{result.test.draws:,} schedules; 95% lie between "
        f"{number(float(low), 4)} and {number(float(high), 4)}. Observed: {said}.",
        caption=f"{result.label}: estimates under {whole}{result.test.draws:,} schedules that could have been drawn, "
        f"if the policy did nothing. Line: what was observed ({said}).",
    )


def _draw(result: Reshuffled, ax: "Axes") -> None:
    ax.hist(result.statistics, bins=60, color=FAINT, linewidth=0)
    ax.axvline(result.test.estimate, color=SECOND, linewidth=1.6)
    ax.set_xlabel(plain("estimate if another schedule had been drawn"))
    ax.set_yticks([])
    ticks(ax, 6)
    bare(ax, keep=("bottom",))
