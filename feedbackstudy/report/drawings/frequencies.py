"""Frequencies: one row of bars for each group, on one scale of shares, with the counts a model expects as dots."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, FIRST, MUTED, SECOND, bare, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["frequencies_drawing"]

_FEW = 2  # with two categories one share says all
_MOST_TICKS = 12


@drawing.register(Frequencies)
def frequencies_drawing(result: Frequencies) -> Drawing:
    """Return the picture of counts by group.

    Parameters
    ----------
    result : Frequencies
        Counts by group and category.

    Returns
    -------
    Drawing
        Its picture.
    """
    n_groups = len(result.groups)
    few = len(result.categories) <= _FEW and result.fitted is None
    rarer = f"Bars: share of each group with '{number(result.categories[_rarer(result)], 1)}'"
    how = rarer if few else "Columns: share of each group, all groups on one scale"
    dots = "; dots: what the model expects" if result.fitted is not None else ""
    return Drawing(
        draw=lambda ax: (_shares if few else _rows)(result, ax),
        height=0.45 + 0.36 * n_groups if few else 0.7 + 0.85 * n_groups,
        alt=_alt(result),
        caption=f"{result.title}. {how}{dots}.",
    )


def _proportions(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    values = counts.astype(np.float64)
    totals = values.sum(axis=1, keepdims=True)
    return values / np.where(totals > 0, totals, 1.0)


def _shares(result: Frequencies, ax: "Axes") -> None:
    event = _rarer(result)
    shares = _proportions(result.counts)[:, event]
    y = np.arange(len(result.groups))[::-1]
    ax.barh(y, shares, height=0.6, color=FIRST, alpha=0.85, linewidth=0)
    for row, share, counts in zip(y, shares, result.counts, strict=True):
        words = f"{share:.1%}  ({int(counts[event]):,} of {int(counts.sum()):,})"
        ax.annotate(words, (share, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5)
    ax.set_yticks(y, [label(group, 26) for group in result.groups])
    ax.set_xlim(0, (shares.max() or 1.0) * 1.75)
    ax.set_xticks([])
    ax.set_xlabel(wrapped(f"share: {number(result.categories[event], 1)}", 40))
    bare(ax, keep=("left",))
    ax.tick_params(axis="y", length=0)


def _rarer(result: Frequencies) -> int:
    return int(result.counts.sum(axis=0).argmin())


def _rows(result: Frequencies, ax: "Axes") -> None:
    shares = _proportions(result.counts)
    fitted = _proportions(result.fitted) if result.fitted is not None else None
    top = max(shares.max(), fitted.max() if fitted is not None else 0.0) or 1.0
    x = np.arange(len(result.categories))
    for i, group in enumerate(result.groups):
        base = (len(result.groups) - 1 - i) * 1.32
        ax.bar(x, shares[i] / top, bottom=base, width=0.78, color=FIRST, alpha=0.75, linewidth=0, zorder=2)
        ax.plot([-0.6, x[-1] + 0.6], [base, base], color=FAINT, linewidth=0.7, zorder=1)
        words = f"{label(group, 44)}  (n = {int(result.counts[i].sum()):,})"
        ax.text(x[-1] + 0.6, base + 0.98, words, ha="right", va="top", fontsize=7.5)
        ax.text(-0.75, base + 1, f"{top:.0%}", ha="right", va="center", fontsize=6.5, color=MUTED)
        ax.text(-0.75, base, "0", ha="right", va="center", fontsize=6.5, color=MUTED)
        if fitted is not None:
            ax.plot(
                *(x, base + fitted[i] / top),
                linestyle="none",
                marker="o",
                markersize=3.4,
                color=SECOND,
                markeredgecolor="white",
                markeredgewidth=0.5,
                zorder=3,
            )
    step = max(1, -(-len(x) // _MOST_TICKS))
    ax.set_xticks(x[::step], [label(number(c, 1), 14) for c in result.categories[::step]])
    ax.set_xlim(-0.8, x[-1] + 0.8)
    ax.set_yticks([])
    ax.set_xlabel(wrapped(result.category_label, 62))
    bare(ax, keep=())
    ax.tick_params(axis="x", length=0)


def _alt(result: Frequencies) -> str:
    parts = []
    for group, counts in zip(result.groups, result.counts, strict=True):
        total, peak = int(counts.sum()), int(counts.argmax())
        parts.append(f"{group}: n = {total:,}, most often {number(result.categories[peak], 1)} ({int(counts[peak]):,})")
    model = " The counts expected by the model are drawn as dots." if result.fitted is not None else ""
    return f"{result.title}, {result.category_label} by group. {'; '.join(parts)}.{model}"
