"""An event study: effects by time since the start, with the single and the joint interval."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.policy.rollouts.event_study import EventStudy
from feedbackstudy.render import interval, number, p_value
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, bare, plain, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["event_drawing"]


@drawing.register(EventStudy)
def event_drawing(result: EventStudy) -> Drawing:
    """Return the picture of an event study.

    Parameters
    ----------
    result : EventStudy
        Effects by time since the start.

    Returns
    -------
    Drawing
        Its picture.
    """
    after = result.effects[result.effects["time"] >= 0]
    pre = result.pre_trends
    tested = f" Test of pre-trends: p {p_value(pre.p)}." if pre is not None else ""
    steps = "; ".join(
        f"{int(row['time'])} after: {number(row['estimate'], 3)}, {interval(row['low'], row['high'], 3)}"
        for row in after.to_dict("records")
    )
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=2.7,
        alt=f"Effect on {result.label} by time since the start. {steps}.{tested}",
        caption=f"Effect on {result.label} by time since the start. Bars: {result.level:.0%} intervals; band: joint "
        f"interval of all of them; the period of reference is 0 by definition.{tested}",
    )


def _draw(result: EventStudy, ax: "Axes") -> None:
    known = result.effects[np.isfinite(result.effects["low"])]
    time, estimate = known["time"].to_numpy(dtype=np.float64), known["estimate"].to_numpy(dtype=np.float64)
    for side in (time < 0, time >= 0):
        own = known[side]
        ax.fill_between(own["time"], own["joint_low"], own["joint_high"], color=BAND, linewidth=0, zorder=0)
    ax.vlines(time, known["low"], known["high"], color=FIRST, linewidth=1.1, zorder=2)
    ax.plot(time[time >= 0], estimate[time >= 0], "o", color=FIRST, markersize=3.5, zorder=3)
    ax.plot(time[time < 0], estimate[time < 0], "o", color=FIRST, markerfacecolor="white", markersize=3.5, zorder=3)
    reference = result.effects[~np.isfinite(result.effects["low"])]
    ax.plot(reference["time"], reference["estimate"], "s", color=INK, markersize=3, zorder=3)
    ax.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.axvline(-0.5, color=MUTED, linewidth=0.6, zorder=1)
    ax.set_xlabel(plain("periods since the start"))
    ax.set_ylabel(plain("effect"))
    ticks(ax, 8)
    bare(ax, keep=("bottom", "left"))
