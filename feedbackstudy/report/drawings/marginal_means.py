"""Means both ways over the raw points: the confidence interval beside the highest-density interval in each cell."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.analysis.marginal_means import MarginalMeans, MeanRow
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, FIRST, INK, MUTED, SECOND, bare, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["marginal_means_drawing"]

_STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 1.5, 1, 1.5)))
_SIDE, _SLOT = 0.09, 0.62
_MOST_POINTS = 4000


@drawing.register(MarginalMeans)
def marginal_means_drawing(result: MarginalMeans) -> Drawing:
    """Return the interaction plot of a question.

    Parameters
    ----------
    result : MarginalMeans
        The means.

    Returns
    -------
    Drawing
        Its picture: the first factor on the axis, the others as lines that are told apart by their stroke.
    """
    over = f"; averaged evenly over {', '.join(result.averaged)}" if result.averaged else ""
    held = f"; {', '.join(result.adjusted)} at the mean" if result.adjusted else ""
    raw = any(row.points.size for row in result.rows)
    points = " Grey points: single answers, moved sideways to be seen." if raw else ""
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=3.6,
        alt=_alt(result),
        caption=f"Means of {result.outcome} by {' and '.join(result.factors) or 'condition'}{over}{held}. Blue circle: "
        f"mean with {result.level:.0%} CI; orange diamond: posterior median with {result.level:.0%} "
        f"{result.interval_kind}. The intervals are of means, not of differences.{points}",
        width=5.2,
    )


def _draw(result: MarginalMeans, ax: "Axes") -> None:
    first, lines = _ordered(result)
    slot = _SLOT / max(len(lines), 1)
    for k, (name, rows) in enumerate(lines.items()):
        shift = (k - (len(lines) - 1) / 2) * slot
        style = _STYLES[k % len(_STYLES)]
        places = [first.index(row.levels[0]) + (shift if len(row.levels) > 1 else 0.0) for row in rows]
        for side, ink, middles in (
            (-_SIDE, FIRST, [row.estimate for row in rows]),
            (_SIDE, SECOND, [row.median for row in rows]),
        ):
            joined = [(x + side, y) for x, y in zip(places, middles, strict=True) if y is not None]
            if len(joined) > 1 and result.factors:
                ax.plot(*zip(*joined, strict=True), color=ink, linewidth=0.9, linestyle=style, alpha=0.8, zorder=3)
        for x, row in zip(places, rows, strict=True):
            _points(row, x, slot, ax)
            _marks(row, x, ax)
        if name:
            ax.plot([], [], color=INK, linewidth=1.0, linestyle=style, label=label(name, 40))
    _axes(result, first, lines, ax)


def _ordered(result: MarginalMeans) -> tuple[list[str], dict[str, list[MeanRow]]]:
    """Return the labels on the axis and the rows of each line; arms outside the crossing are lines of one point."""
    first = list(dict.fromkeys(row.levels[0] for row in result.rows))
    lines: dict[str, list[MeanRow]] = {}
    for row in result.rows:
        lines.setdefault(", ".join(row.levels[1:]), []).append(row)
    return first, lines


def _points(row: MeanRow, x: float, slot: float, ax: "Axes") -> None:
    if not row.points.size:
        return
    rng = np.random.default_rng(row.points.size)
    shown = row.points if row.points.size <= _MOST_POINTS else rng.choice(row.points, _MOST_POINTS, replace=False)
    wide = 0.40 * slot
    steps = np.diff(np.unique(row.points))
    lift = 0.15 * float(steps.min()) if steps.size else 0.0
    jitter = rng.uniform(-wide, wide, shown.size)
    up = rng.uniform(-lift, lift, shown.size)
    ax.scatter(x + jitter, shown + up, s=5, color=FAINT, linewidth=0, alpha=0.75, zorder=1)


def _marks(row: MeanRow, x: float, ax: "Axes") -> None:
    if row.estimate is not None and row.low is not None and row.high is not None:
        ax.plot([x - _SIDE] * 2, [row.low, row.high], color=FIRST, linewidth=2.0, zorder=4)
        ax.plot([x - _SIDE], [row.estimate], marker="o", color=FIRST, markersize=5.4, markeredgecolor="white", zorder=5)
    if row.median is not None and row.hdi_low is not None and row.hdi_high is not None:
        ax.plot([x + _SIDE] * 2, [row.hdi_low, row.hdi_high], color=SECOND, linewidth=2.0, zorder=4)
        ax.plot([x + _SIDE], [row.median], marker="D", color=SECOND, markersize=4.6, markerfacecolor="white", zorder=5)


def _axes(result: MarginalMeans, first: list[str], lines: dict[str, list[MeanRow]], ax: "Axes") -> None:
    ax.set_xticks(range(len(first)), [wrapped(name, max(10, 48 // len(first))) for name in first])
    ax.set_xlim(-0.55, len(first) - 0.45)
    ax.set_ylabel(wrapped(f"{result.outcome} ({result.scale})", 44))
    if result.factors:
        ax.set_xlabel(label(result.factors[0], 50))
    if any(lines):
        title = ", ".join(result.factors[1:])
        legend = ax.legend(title=label(title, 50), loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
        legend.get_title().set_fontsize(7.5)
        legend.get_title().set_color(MUTED)
    bare(ax, keep=("bottom", "left"))
    ax.tick_params(axis="x", length=0)


def _alt(result: MarginalMeans) -> str:
    parts = []
    for row in result.rows:
        words = [f"{', '.join(row.levels)} (n = {row.n})"]
        if row.estimate is not None and row.low is not None and row.high is not None:
            words.append(f"mean {number(row.estimate)} {interval(row.low, row.high)}")
        if row.median is not None and row.hdi_low is not None and row.hdi_high is not None:
            words.append(f"posterior {number(row.median)} {interval(row.hdi_low, row.hdi_high)}")
        parts.append(", ".join(words))
    return f"Means of {result.outcome} ({result.scale}). {'; '.join(parts)}."
