"""An event study: effects by time since the start, with the single and the joint interval."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.policy.disclosure import DisclosedEvents
from feedbackstudy.policy.rollouts.event_study import EventStudy
from feedbackstudy.render import interval, number, p_value
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.drawings.policy_effects import NOT_DISCLOSED
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, bare, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["disclosed_events_drawing", "event_drawing"]


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
    tested = f" Test of pre-trends: {p_value(pre.p)}." if pre is not None else ""
    steps = "; ".join(
        f"{int(row['time'])} after: {number(row['estimate'], 3)}, {interval(row['low'], row['high'], 3)}"
        for row in after.to_dict("records")
    )
    return Drawing(
        draw=lambda ax: _draw(result.effects, ax),
        height=2.7,
        alt=f"Effect on {result.label} by time since the start. {steps}.{tested}",
        caption=f"Effect on {result.label} by time since the start. Bars: {result.level:.0%} intervals; band: joint "
        f"interval of all of them; the period of reference is 0 by definition.{tested} {NOT_DISCLOSED}",
    )


@drawing.register(DisclosedEvents)
def disclosed_events_drawing(result: DisclosedEvents) -> Drawing:
    """Return the picture of an event study that has passed a disclosure rule.

    Parameters
    ----------
    result : DisclosedEvents
        Effects by time since the start.

    Returns
    -------
    Drawing
        Its picture; hidden times are absent from it, and named in its caption.
    """
    table = result.frame()
    hidden = [str(time) for i, time in enumerate(table["time"]) if result.is_hidden(i, "estimate")]
    said = f" Hidden, because too few people stand behind them: time {', '.join(hidden)}." if hidden else ""
    steps = "; ".join(
        f"{int(row['time'])} after: {number(row['estimate'], 4)}, {interval(row['low'], row['high'], 4)}"
        for row in table[(table["time"] >= 0) & table["low"].notna()].to_dict("records")
    )
    return Drawing(
        draw=lambda ax: _draw(table, ax),
        height=2.7,
        alt=f"Effect on {result.label} by time since the start. {steps or 'No effect may be shown'}.{said}",
        caption=f"Effect on {result.label} by time since the start. Bars: {result.level:.0%} intervals; band: joint "
        f"interval of all of them; the period of reference is 0 by definition.{said}",
    )


def _draw(effects: pd.DataFrame, ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    known = effects[np.isfinite(effects["low"])]
    time, estimate = known["time"].to_numpy(dtype=np.float64), known["estimate"].to_numpy(dtype=np.float64)
    for side in (time < 0, time >= 0):
        own = known[side]
        ax.fill_between(own["time"], own["joint_low"], own["joint_high"], color=BAND, linewidth=0, zorder=0)
    ax.vlines(time, known["low"], known["high"], color=FIRST, linewidth=1.1, zorder=2)
    ax.plot(time[time >= 0], estimate[time >= 0], "o", color=FIRST, markersize=3.5, zorder=3)
    ax.plot(time[time < 0], estimate[time < 0], "o", color=FIRST, markerfacecolor="white", markersize=3.5, zorder=3)
    reference = effects[~np.isfinite(effects["low"]) & np.isfinite(effects["estimate"])]
    ax.plot(reference["time"], reference["estimate"], "s", color=INK, markersize=3, zorder=3)
    ax.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.axvline(-0.5, color=MUTED, linewidth=0.6, zorder=1)
    ax.set_xlabel(plain("periods since the start"))
    ax.set_ylabel(plain("effect"))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    bare(ax, keep=("bottom", "left"))
