"""Disclosed adverse impact: impact ratios with their intervals, and the line of four fifths."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from feedbackstudy.policy.disclosure import DisclosedImpact
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FIRST, INK, MUTED, SECOND, bare, label, plain, ratio_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FOUR_FIFTHS", "impact_drawing"]

FOUR_FIFTHS: Final = 0.8
"""The rule of thumb of 29 CFR 1607.4D."""
_ROW, _FLOOR, _CEILING = 0.26, 0.02, 50.0


@drawing.register(DisclosedImpact)
def impact_drawing(result: DisclosedImpact) -> Drawing:
    """Return the picture of disclosed impact ratios.

    Parameters
    ----------
    result : DisclosedImpact
        Rates and ratios that have passed a disclosure rule.

    Returns
    -------
    Drawing
        A ratio with its score interval for each group that is shown; hidden groups are absent and named in the caption.
    """
    table = result.frame()
    hidden = [str(group) for i, group in enumerate(table["group"]) if result.is_hidden(i, "ratio")]
    rows = table[table["ratio"].notna() & table["score_low"].notna()]
    parts = [
        f"{row['group']}: ratio {number(row['ratio'])} {interval(row['score_low'], row['score_high'])}"
        for row in rows.to_dict("records")
    ]
    said = f" Hidden, because small counts stand behind them: {', '.join(hidden)}." if hidden else ""
    shown = "; ".join(parts) + "." if parts else "No ratio may be shown."
    return Drawing(
        draw=lambda ax: _draw(rows, result.reference, ax),
        height=0.75 + _ROW * max(1, len(rows)),
        alt=f"{result.title}. Ratios of rates to that of {result.reference}. {shown}{said}",
        caption=f"{result.title}. Ratio of each group's rate to that of {result.reference}, with its "
        f"{result.level:.0%} score interval. Dotted line: the same rate; orange line: four fifths, a "
        f"rule of thumb.{said}",
    )


def _draw(rows: pd.DataFrame, reference: str, ax: "Axes") -> None:
    if rows.empty:
        bare(ax, keep=())
        ax.set_xticks([])
        ax.set_yticks([])
        ax.text(0.5, 0.5, "no ratio may be shown", ha="center", va="center", transform=ax.transAxes)
        return
    across = ax.get_yaxis_transform()
    # A limit of 0 or infinity has no place on a logarithmic axis; its line runs to the edge.
    low, high = (np.clip(rows[name].astype(float), _FLOOR, _CEILING) for name in ("score_low", "score_high"))
    at = np.arange(len(rows))
    ax.hlines(at, low, high, color=FIRST, linewidth=1.5, zorder=2)
    ax.plot(np.clip(rows["ratio"].astype(float), _FLOOR, _CEILING), at, "o", color=FIRST, markersize=4.5, zorder=3)
    for y, row in zip(at, rows.to_dict("records"), strict=True):
        words = f"{number(row['ratio'], 2)} {interval(row['score_low'], row['score_high'], 2)}"
        ax.text(1.03, float(y), plain(words), transform=across, fontsize=7, color=INK, va="center")
    ax.axvline(1.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.axvline(FOUR_FIFTHS, color=SECOND, linewidth=1.1, zorder=1)
    ax.set_yticks(at, [label(group, 22) for group in rows["group"]])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    least, most = min(float(low.min()), FOUR_FIFTHS), max(float(high.max()), 1.0)
    ax.set_xlim(least / 1.06, most * 1.06)
    ax.set_xlabel(plain(f"rate as a multiple of that of {reference}"), color=MUTED)
    ratio_scale(ax)
    bare(ax, keep=("bottom",))
