"""Items of a scale: how the answers of each are spread, as one bar of shares, with the item-rest correlation."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.psychometrics.items import ItemAnalysis
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, FIRST, INK, bare, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["answers_drawing"]

_ROW = 0.25


@drawing.register(ItemAnalysis)
def answers_drawing(result: ItemAnalysis) -> Drawing:
    """Return the picture of a scale's items.

    Parameters
    ----------
    result : ItemAnalysis
        The items.

    Returns
    -------
    Drawing
        Bars of shares for counted answers; median and middle half for others.
    """
    counted = len(result.shares) > 0
    low, high = result.range
    how = (
        f"Shares of the answers {low:g} (light) to {high:g} (dark), in the direction of the score"
        if counted
        else "Line: middle 90 % of the answers; bar: middle half; mark: median"
    )
    return Drawing(
        draw=lambda ax: (_shares if counted else _spans)(result, ax),
        height=0.55 + _ROW * len(result.statistics),
        alt=_alt(result),
        caption=f"{how}. At the right: correlation of the item with the rest of its scale.",
    )


def _rows(result: ItemAnalysis, ax: "Axes") -> list[float]:
    y = [float(k) for k in range(len(result.statistics))][::-1]
    for row, r in zip(y, result.statistics["item_rest"], strict=True):
        words = f"r {number(float(r), 2, unit_interval=True)}"
        ax.text(1.02, row, words, transform=ax.get_yaxis_transform(), va="center", fontsize=7)
    ax.set_yticks(y, [label(item, 22) for item in result.statistics["item"]])
    ax.tick_params(axis="y", length=0)
    return y


def _shares(result: ItemAnalysis, ax: "Axes") -> None:
    from matplotlib.colors import LinearSegmentedColormap

    y = _rows(result, ax)
    inks = LinearSegmentedColormap.from_list("answers", ["#e4ecf2", FIRST])(np.linspace(0, 1, result.shares.shape[1]))
    left = np.zeros(len(y))
    for k, name in enumerate(result.shares.columns):
        share = result.shares[name].to_numpy(dtype=np.float64)
        ax.barh(y, share, left=left, height=0.72, color=inks[k], edgecolor="white", linewidth=0.6)
        ink = INK if k < result.shares.shape[1] / 2 else "white"
        for row, start, width in zip(y, left, share, strict=True):
            if width >= 0.07:
                ax.text(start + width / 2, row, str(name), ha="center", va="center", fontsize=6.4, color=ink)
        left += share
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_xlabel("share of people")
    bare(ax)


def _spans(result: ItemAnalysis, ax: "Axes") -> None:
    y = _rows(result, ax)
    marks = np.nanquantile(result.matrix.answers, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    ax.hlines(y, marks[0], marks[4], color=FAINT, linewidth=1.2, zorder=1)
    ax.barh(y, marks[3] - marks[1], left=marks[1], height=0.45, color=FIRST, alpha=0.7, linewidth=0, zorder=2)
    ax.plot(marks[2], y, linestyle="none", marker="|", markersize=9, color=INK, zorder=3)
    ax.set_xlabel("answer")
    bare(ax)


def _alt(result: ItemAnalysis) -> str:
    rows = result.statistics[["item", "mean", "sd", "item_rest"]].to_numpy().tolist()
    parts = [
        f"{item}: mean {number(mean, 2)}, SD {number(sd, 2)}, item-rest {number(r, 2)}" for item, mean, sd, r in rows
    ]
    return f"Answers to {len(parts)} items. {'; '.join(parts)}."
