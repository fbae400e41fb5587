"""A reproduction: how many values fell into each class."""

from typing import TYPE_CHECKING, Final

import numpy as np

from feedbackstudy.literature.card import Reproduction
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.result_tables import TONES
from feedbackstudy.report.style import FIRST, INK, MUTED, SECOND, bare, label
from feedbackstudy.report.tables import Tone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["counts_drawing"]

_INKS: Final[dict[Tone, str]] = {"good": FIRST, "fair": SECOND, "poor": INK, "quiet": MUTED, "": MUTED}


@drawing.register(Reproduction)
def counts_drawing(result: Reproduction) -> Drawing:
    """Return the picture of a reproduction's classes.

    Parameters
    ----------
    result : Reproduction
        The report card.

    Returns
    -------
    Drawing
        Its picture.
    """
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items())
    flags = f"{len(result.flagged)} with a decision flag" if result.flagged else "no decision flag"
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=0.35 + 0.26 * len(result.counts),
        alt=f"Printed values of {result.published.title} by class: {counts}; {flags}.",
        caption=f"{result.published.title}: printed values by class of the report card; {flags}.",
    )


def _draw(result: Reproduction, ax: "Axes") -> None:
    y = np.arange(len(result.counts))[::-1]
    inks = [_INKS[TONES[name]] for name in result.counts]
    bars = ax.barh(y, list(result.counts.values()), height=0.62, color=inks, linewidth=0)
    ax.bar_label(bars, padding=3, fontsize=7.5)
    ax.set_yticks(y, [label(name, 28) for name in result.counts])
    ax.set_xticks([])
    ax.margins(x=0.12)
    bare(ax, keep=("left",))
    ax.tick_params(axis="y", length=0)
