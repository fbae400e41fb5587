"""Scores by group: every person as a point, the middle half as a box, and groups that were not asked said to be."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.adapters import quiet
from feedbackstudy.frames.groups import ScoreGroups
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, FIRST, INK, MUTED, bare, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["score_groups_drawing"]

_MOST_POINTS = 400
"""More points a group than this hide each other; the box then stands alone."""


@drawing.register(ScoreGroups)
def score_groups_drawing(result: ScoreGroups) -> Drawing:
    """Return the picture of a score by group.

    Parameters
    ----------
    result : ScoreGroups
        Values by group.

    Returns
    -------
    Drawing
        Its picture.
    """
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=0.9 + 0.42 * len(result.groups),
        alt=_alt(result),
        caption=(
            f"{result.score} at {result.occasion} by group. Dots: people, spread sideways so that equal scores can be "
            "told apart; box: middle half, with the median; grey words: not asked, so nothing is missing."
        ),
    )


def _draw(result: ScoreGroups, ax: "Axes") -> None:
    rows = list(range(len(result.groups)))
    if max((len(values) for values in result.scored), default=0) <= _MOST_POINTS:
        _points(result, ax)
    boxes = [values for values in result.scored if len(values)]
    ax.boxplot(
        boxes,
        positions=[row for row, values in enumerate(result.scored) if len(values)],
        orientation="horizontal",
        widths=0.5,
        showfliers=False,
        boxprops={"color": INK, "linewidth": 0.8},
        medianprops={"color": INK, "linewidth": 1.4},
        whiskerprops={"color": INK, "linewidth": 0.8},
        capprops={"color": INK, "linewidth": 0.8},
    )
    for row, (values, asked) in enumerate(zip(result.scored, result.asked, strict=True)):
        if asked == 0 or len(values) == 0:
            words = "not asked" if asked == 0 else "no score"
            ax.annotate(words, (0.5, row), xycoords=("axes fraction", "data"), ha="center", va="center", color=MUTED)
    if np.isfinite([result.low, result.high]).all():
        pad = 0.03 * (result.high - result.low)
        ax.set_xlim(result.low - pad, result.high + pad)
        for end in (result.low, result.high):
            ax.axvline(end, color=FAINT, linewidth=0.7, zorder=0)
    counts = [f"{label(g, 40)}\n(n = {len(v)})" for g, v in zip(result.groups, result.scored, strict=True)]
    ax.set_yticks(rows, counts)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_ylabel("")
    ax.set_xlabel(wrapped(f"{result.score} (high: {result.high_means})" if result.high_means else result.score, 62))
    bare(ax, keep=("bottom",))
    ax.tick_params(axis="y", length=0)


def _points(result: ScoreGroups, ax: "Axes") -> None:
    """Draw every person; the one typed door to seaborn, whose sideways spread draws from the global generator."""
    import seaborn as sns  # type: ignore[import-untyped]

    frame = pd.DataFrame(
        {
            "value": np.concatenate(result.scored),
            "group": np.repeat(np.arange(len(result.groups)), [len(values) for values in result.scored]),
        }
    )
    order = list(range(len(result.groups)))
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.set_state(np.random.RandomState(1).get_state())  # noqa: NPY002
        with quiet("seaborn"):
            sns.stripplot(
                frame,
                x="value",
                y="group",
                order=order,
                orient="h",
                ax=ax,
                color=FIRST,
                alpha=0.35,
                size=2.4,
                jitter=0.22,
                linewidth=0,
            )
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _alt(result: ScoreGroups) -> str:
    parts = []
    for row in result.frame().to_dict("records"):
        if row["rows"] == row["not_asked"]:
            parts.append(f"{row['group']}: not asked")
        else:
            middle = (
                f"median {number(row['median'], 2)}, middle half {number(row['q25'], 2)} to {number(row['q75'], 2)}"
            )
            parts.append(f"{row['group']}: n = {row['scored']}, {middle}")
    return f"Distribution of {result.score} at {result.occasion} by group. {'; '.join(parts)}."
