"""Estimates: the frequentist and the Bayesian interval of each contrast side by side, on the band of the SESOI."""

from typing import TYPE_CHECKING, Final

from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, SECOND, bare, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["estimates_drawing"]

_MARKS: Final = {"frequentist": ("o", FIRST, "-"), "bayesian": ("D", SECOND, (0, (5, 1.2)))}
_ROW, _LABEL = 0.24, 0.26  # inches


@drawing.register(Estimates)
def estimates_drawing(result: Estimates) -> Drawing:
    """Return the picture of a table of estimates.

    Parameters
    ----------
    result : Estimates
        The rows.

    Returns
    -------
    Drawing
        Its picture.
    """
    groups = _by_contrast(result)
    height = 0.75 + sum(_LABEL + _ROW * len(rows) for rows in groups.values())
    band = " Band: the smallest effect of interest." if any(row.sesoi is not None for row in result) else ""
    return Drawing(
        draw=lambda ax: _draw(groups, ax),
        height=height,
        alt=_alt(result),
        caption=f"{result.title}. Filled circle: frequentist; open diamond: Bayesian, each with its interval.{band}",
    )


def _by_contrast(result: Estimates) -> dict[str, list[Estimate]]:
    groups: dict[str, list[Estimate]] = {}
    for row in result:
        groups.setdefault(row.contrast, []).append(row)
    return groups


def _draw(groups: dict[str, list[Estimate]], ax: "Axes") -> None:
    y = 0.0
    for contrast, rows in groups.items():
        words = wrapped(contrast, 70)
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        ax.text(0, y, words, transform=ax.get_yaxis_transform(), va="center", fontsize=8, color=INK, bbox=paper)
        top = y + _LABEL / 2
        for row in rows:
            y += _ROW
            _mark(row, y, ax)
        sesoi = next((row.sesoi for row in rows if row.sesoi is not None), None)
        if sesoi is not None:
            ax.fill_betweenx([top, y + _ROW / 2], -abs(sesoi), abs(sesoi), color=BAND, linewidth=0, zorder=0)
        y += _LABEL
    ax.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.set_ylim(y, -_LABEL)
    ax.set_yticks([])
    ax.margins(x=0.06)
    ticks(ax)
    bare(ax)


def _mark(row: Estimate, y: float, ax: "Axes") -> None:
    marker, ink, line = _MARKS[row.engine]
    if row.low is not None and row.high is not None:
        ax.plot([row.low, row.high], [y, y], color=ink, linewidth=1.6, linestyle=line, zorder=2)
    face = ink if row.engine == "frequentist" else "white"
    ax.plot([row.estimate], [y], marker=marker, color=ink, markerfacecolor=face, markersize=5.2, zorder=3)
    words = number(row.estimate) + (f" {interval(row.low, row.high)}" if row.low is not None else "")
    ax.text(1.02, y, words, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5, color=INK)
    if not row.fit_to_report:
        ax.text(1.02, y + 0.11, "not fit to report", transform=ax.get_yaxis_transform(), fontsize=6.5, color=MUTED)


def _alt(result: Estimates) -> str:
    parts = []
    for row in result:
        span = f", {row.level:.0%} {row.interval} {interval(row.low, row.high)}" if row.level is not None else ""
        parts.append(f"{row.contrast}, {row.engine}: {number(row.estimate)}{span}")
    return f"{result.title}: estimates with intervals. " + "; ".join(parts) + "."
