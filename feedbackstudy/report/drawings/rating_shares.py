"""Ratings by cell: one stacked bar each, what the model predicts below it, and the expected rating both ways."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.analysis.rating_shares import RatingShares
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FIRST, INK, MUTED, SECOND, bare, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["rating_shares_drawing"]

_ROW, _BAR, _WRITTEN = 0.5, 0.44, 0.07


@drawing.register(RatingShares)
def rating_shares_drawing(result: RatingShares) -> Drawing:
    """Return the picture of ratings by cell.

    Parameters
    ----------
    result : RatingShares
        Shares seen and predicted.

    Returns
    -------
    Drawing
        Stacked bars at the left, expected ratings at the right.
    """
    total = result.counts.size
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=0.9 + _ROW * len(result.cells),
        alt=_alt(result),
        caption=f"Bars: shares of the ratings {result.categories[0]:g} (light) to {result.categories[-1]:g} (dark). "
        "Orange lines below, one for each border between categories: the middle 95 % of where it lies in studies "
        "drawn from the posterior; the black tick is the border seen. Right: expected rating, blue circle by maximum "
        "likelihood with "
        f"{result.level:.0%} CI, orange diamond posterior median with HDI. {result.outside} of {total} shares seen lie "
        "outside the middle 95 % of their prediction.",
        width=6.2,
    )


def _draw(result: RatingShares, ax: "Axes") -> None:
    ax.set_axis_off()
    left = ax.inset_axes((0.0, 0.0, 0.66, 1.0))
    right = ax.inset_axes((0.70, 0.0, 0.30, 1.0))
    y = np.arange(len(result.cells), dtype=np.float64)[::-1]
    _bars(result, y, left)
    _expected(result, y, right)


def _bars(result: RatingShares, y: np.ndarray, ax: "Axes") -> None:
    from matplotlib.colors import LinearSegmentedColormap

    count = len(result.categories)
    inks = LinearSegmentedColormap.from_list("ratings", ["#e4ecf2", FIRST])(np.linspace(0, 1, count))
    start = np.zeros(y.size)
    for k, value in enumerate(result.categories):
        share = result.shares[:, k]
        ax.barh(y, share, left=start, height=_BAR, color=inks[k], edgecolor="white", linewidth=0.5, zorder=2)
        for row, at, wide in zip(y, start, share, strict=True):
            if wide >= _WRITTEN:
                ink = INK if k < count / 2 else "white"
                ax.text(at + wide / 2, row, f"{value:g}", ha="center", va="center", fontsize=6.6, color=ink, zorder=4)
        start = start + share
    low, high = result.borders
    seen = result.shares.cumsum(axis=1)
    for k in range(count - 1):
        step = 0.30 + 0.22 * k / max(count - 2, 1)
        ax.hlines(y - step, low[:, k], high[:, k], color=SECOND, linewidth=1.2, zorder=3)
        ax.plot(seen[:, k], y - step, linestyle="none", marker="|", markersize=4.0, color=INK, zorder=4)
    names = [f"{cell.replace(':', ', ').replace('_', ' ')} (n = {int(n)})" for cell, n in
             zip(result.cells, result.counts.sum(axis=1), strict=True)]  # fmt: skip
    ax.set_yticks(y, [wrapped(name, 30) for name in names], fontsize=6.8)
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.65, y.size - 0.6)
    ax.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    ax.set_xlabel("share of ratings")
    bare(ax)


def _expected(result: RatingShares, y: np.ndarray, ax: "Axes") -> None:
    for row, one in zip(y, result.expected, strict=True):
        ax.plot([one.low, one.high], [row + 0.12] * 2, color=FIRST, linewidth=1.7, zorder=2)
        ax.plot([one.estimate], [row + 0.12], marker="o", color=FIRST, markersize=4.8, zorder=3)
        ax.plot([one.hdi_low, one.hdi_high], [row - 0.14] * 2, color=SECOND, linewidth=1.7, zorder=2)
        ax.plot([one.median], [row - 0.14], marker="D", color=SECOND, markersize=4.2, markerfacecolor="white", zorder=3)
    for row in y[:-1]:
        ax.axhline(row - 0.62, color=MUTED, linewidth=0.2, zorder=1)
    ax.set_ylim(-0.65, y.size - 0.6)
    ax.set_yticks([])
    ax.set_xlabel("expected rating")
    ticks(ax, 3)
    bare(ax)


def _alt(result: RatingShares) -> str:
    parts = []
    for cell, counts, one in zip(result.cells, result.counts, result.expected, strict=True):
        most = result.categories[int(counts.argmax())]
        parts.append(
            f"{cell}: n = {int(counts.sum())}, most often {most:g}, expected rating {number(one.estimate)} "
            f"{interval(one.low, one.high)}, posterior {number(one.median)} {interval(one.hdi_low, one.hdi_high)}"
        )
    return (
        f"Ratings of {result.outcome} by cell. {'; '.join(parts)}. {result.outside} of {result.counts.size} shares lie "
        "outside what the model predicts."
    )
