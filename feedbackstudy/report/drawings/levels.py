"""Measurement invariance as a picture: what each level costs in CFI and RMSEA, against the limits of the rule."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.psychometrics.invariance.record import Invariance, Level
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, SECOND, bare, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["levels_drawing"]

_ROW = 0.34


@drawing.register(Invariance)
def levels_drawing(result: Invariance) -> Drawing:
    """Return the picture of the levels of invariance.

    Parameters
    ----------
    result : Invariance
        The comparison.

    Returns
    -------
    Drawing
        One row a level that was compared with another.
    """
    levels = [level for level in result.levels if level.against]
    places = ", ".join(place.name for place in result.places)
    return Drawing(
        draw=lambda ax: _draw(levels, result, ax),
        height=0.75 + _ROW * len(levels),
        alt=_alt(levels, result),
        caption=f"Change of fit at each level between {result.kind}s ({places}). Circle: fall of CFI; square: rise of "
        f"RMSEA; to the right is worse. Shaded: accepted by the rule ({result.rule.says}). Hollow: the level does not "
        "hold.",
    )


def _draw(levels: list[Level], result: Invariance, ax: "Axes") -> None:
    y = np.arange(len(levels))[::-1].astype(float)
    limits = [limit for limit in (result.rule.cfi, result.rule.rmsea) if np.isfinite(limit)]
    changes = [abs(v) for level in levels for v in (level.delta_cfi, level.delta_rmsea) if np.isfinite(v)]
    reach = max([*changes, *limits, 0.01]) * 1.15
    for limit, offset in ((result.rule.cfi, 0.17), (result.rule.rmsea, -0.17)):
        if np.isfinite(limit):
            for row in y:
                ax.fill_between([-reach, limit], row + offset - 0.15, row + offset + 0.15, color=BAND, linewidth=0)
    for row, level in zip(y, levels, strict=True):
        face = "white" if level.holds is False else None
        for value, offset, mark, ink in ((-level.delta_cfi, 0.17, "o", FIRST), (level.delta_rmsea, -0.17, "s", SECOND)):
            ax.plot([0, value], [row + offset] * 2, color=ink, linewidth=1.1, zorder=2)
            ax.plot(
                [value], [row + offset], marker=mark, markersize=5, color=ink, markerfacecolor=face or ink, zorder=3
            )
        word = {True: "holds", False: "does not hold", None: ""}[level.holds]
        ax.text(1.02, row, word, transform=ax.get_yaxis_transform(), va="center", fontsize=7, color=INK)
    ax.axvline(0, color=MUTED, linewidth=0.7, zorder=1)
    ax.set_yticks(y, [label(level.title, 22) for level in levels])
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-0.6, len(levels) - 0.4)
    ax.set_xlabel("fall of CFI (circle), rise of RMSEA (square)")
    bare(ax)


def _alt(levels: list[Level], result: Invariance) -> str:
    parts = [
        f"{level.title}: CFI changes by {number(level.delta_cfi)}, RMSEA by {number(level.delta_rmsea)}, "
        + {True: "holds", False: "does not hold", None: "nothing to decide"}[level.holds]
        for level in levels
    ]
    return f"Change of fit at each level of invariance. {'; '.join(parts)}. Reached: {result.reached or 'none'}."
