"""Estimates: the frequentist and the Bayesian interval of each contrast side by side, on the band of the SESOI."""

from typing import TYPE_CHECKING, Final

from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, SECOND, bare, ratio_scale, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["estimates_drawing"]

type Contrasts = dict[str, list[Estimate]]

_MARKS: Final = {"frequentist": ("o", FIRST, "-"), "bayesian": ("D", SECOND, (0, (5, 1.2)))}
# Inches: a row, a line of a contrast's label, and the axis of a panel.
_ROW, _LINE, _AXIS = 0.23, 0.165, 0.42
_LABEL_WIDTH = 72


@drawing.register(Estimates)
def estimates_drawing(result: Estimates) -> Drawing:
    """Return the picture of a table of estimates: one panel for each outcome and scale.

    Parameters
    ----------
    result : Estimates
        The rows.

    Returns
    -------
    Drawing
        Its picture.
    """
    panels = list(_panels(result).values())
    rows = [row for panel in panels for drawn in panel.values() for row in drawn]
    notes = [" Dotted line: no effect."] if any(row.null is not None for row in rows) else []
    notes += (
        [" Band: smaller than the smallest effect of interest."] if any(row.sesoi is not None for row in rows) else []
    )
    notes += [" Contrasts without an interval stand in the table only."] if len(rows) < len(result) else []
    return Drawing(
        draw=lambda ax: _draw(panels, ax),
        height=0.25 + sum(map(_height, panels)),
        alt=_alt(result),
        caption=f"{result.title}. Filled circle: frequentist; open diamond: Bayesian; each with its interval."
        + "".join(notes),
    )


def _panels(result: Estimates) -> dict[tuple[str, float | None, str], Contrasts]:
    """Return the contrasts that have an interval (all, where none has) by outcome, by null value, and by scale."""
    spanned = {row.contrast for row in result if row.low is not None} or {row.contrast for row in result}
    panels: dict[tuple[str, float | None, str], Contrasts] = {}
    for row in result:
        if row.contrast in spanned:
            panels.setdefault((row.outcome, row.null, _scale_of(row)), {}).setdefault(row.contrast, []).append(row)
    return panels


def _scale_of(row: Estimate) -> str:
    """Return the scale that `analyse` puts at the end of a contrast; slopes and differences share no axis."""
    return row.contrast.rpartition(" (")[2] if row.status else ""


def _height(panel: Contrasts) -> float:
    return _AXIS + sum(_label_height(contrast) + _ROW * len(rows) for contrast, rows in panel.items())


def _label_height(contrast: str) -> float:
    return 0.12 + _LINE * (1 + wrapped(contrast, _LABEL_WIDTH).count("\n"))


def _draw(panels: list[Contrasts], ax: "Axes") -> None:
    if len(panels) == 1:
        _panel(panels[0], ax)
        return
    ax.set_axis_off()
    heights = [_height(panel) for panel in panels]
    top = 1.0
    for panel, height in zip(panels, heights, strict=True):
        share = height / sum(heights)
        axis = _AXIS / sum(heights)
        _panel(panel, ax.inset_axes((0.0, top - share + axis, 1.0, share - axis)))
        top -= share


def _panel(panel: Contrasts, ax: "Axes") -> None:
    y = 0.0
    null = next(iter(panel.values()))[0].null
    for contrast, rows in panel.items():
        words, height = wrapped(contrast, _LABEL_WIDTH), _label_height(contrast)
        across = ax.get_yaxis_transform()
        ax.text(0, y + height - 0.05, words, transform=across, va="bottom", fontsize=8, color=INK, zorder=5)
        y += height
        sesoi = next((row.sesoi for row in rows if row.sesoi is not None), None)
        bottom = y + _ROW * len(rows)
        if sesoi is not None and null is not None:
            ax.fill_betweenx([y, bottom], *_negligible(null, abs(sesoi)), color=BAND, linewidth=0, zorder=0)
        if null is not None:
            ax.plot([null, null], [y, bottom], color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        for row in rows:
            _mark(row, y + _ROW / 2, ax)
            y += _ROW
    ax.set_ylim(y + 0.04, 0)
    ax.set_yticks([])
    _scale(panel, null, ax)
    bare(ax)


def _negligible(null: float, sesoi: float) -> tuple[float, float]:
    if null == 1.0 and sesoi > 0:
        return min(sesoi, 1 / sesoi), max(sesoi, 1 / sesoi)
    return null - sesoi, null + sesoi


def _scale(panel: Contrasts, null: float | None, ax: "Axes") -> None:
    lows = [row.low if row.low is not None else row.estimate for rows in panel.values() for row in rows]
    if null == 1.0 and min(lows) > 0:
        ratio_scale(ax)
    else:
        ax.margins(x=0.06)
        ticks(ax)


def _mark(row: Estimate, y: float, ax: "Axes") -> None:
    marker, ink, line = _MARKS[row.engine]
    if row.low is not None and row.high is not None:
        ax.plot([row.low, row.high], [y, y], color=ink, linewidth=1.6, linestyle=line, zorder=2)
    face = ink if row.engine == "frequentist" else "white"
    ax.plot([row.estimate], [y], marker=marker, color=ink, markerfacecolor=face, markersize=5.2, zorder=3)
    words = number(row.estimate) + (f" {interval(row.low, row.high)}" if row.low is not None else "")
    across = ax.get_yaxis_transform()
    if not row.fit_to_report:
        ax.text(1.02, y, "not fit to report", transform=across, va="center", fontsize=7.5, color=MUTED)
        return
    ax.text(1.02, y, words, transform=across, va="center", fontsize=7.5, color=INK)


def _alt(result: Estimates) -> str:
    parts = []
    for row in result:
        span = f", {row.level:.0%} {row.interval} {interval(row.low, row.high)}" if row.level is not None else ""
        parts.append(f"{row.contrast}, {row.engine}: {number(row.estimate)}{span}")
    return f"{result.title}: estimates with intervals. " + "; ".join(parts) + "."
