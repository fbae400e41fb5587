"""Effects of a policy side by side: one line for each estimator, the deciding one filled."""

from typing import TYPE_CHECKING, Final

from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FIRST, INK, MUTED, bare, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NOT_DISCLOSED", "effects_drawing"]

NOT_DISCLOSED: Final = "It has passed no disclosure rule: for the house only."
"""What a picture says of numbers that may rest on few people."""

_ROW, _LINE, _LABEL = 0.2, 0.16, 70


@drawing.register(Effects)
def effects_drawing(result: Effects) -> Drawing:
    """Return the picture of answers about a policy.

    Parameters
    ----------
    result : Effects
        The answers; those on the absolute scale are drawn, a panel for each metric.

    Returns
    -------
    Drawing
        Its picture.
    """
    panels: dict[str, list[EffectEstimate]] = {}
    for row in result.rows:
        if row.scale == "absolute" and row.low is not None:
            panels.setdefault(row.label, []).append(row)
    lines = sum(len(_label(row).splitlines()) for rows in panels.values() for row in rows)
    count = sum(map(len, panels.values()))
    parts = [
        f"{row.label}, {row.contrast}, {row.method}: {number(row.estimate, 4)}, {_limits(row)}"
        for rows in panels.values()
        for row in rows
    ]
    return Drawing(
        draw=lambda ax: _draw(panels, ax),
        height=0.3 + _ROW * count + _LINE * lines + 0.42 * max(1, len(panels)),
        alt=". ".join(parts) + "." if parts else "No answer has an interval.",
        caption=f"{result.title}. Filled: what the plan decides by; open: robustness. Dotted line: no effect. "
        f"{NOT_DISCLOSED}",
    )


def _limits(row: EffectEstimate) -> str:
    return interval(row.low, row.high, 4) if row.low is not None and row.high is not None else "no interval"


def _label(row: EffectEstimate) -> str:
    return wrapped(f"{row.contrast}: {row.method}; {row.covariance}", _LABEL)


def _draw(panels: dict[str, list[EffectEstimate]], ax: "Axes") -> None:
    if not panels:
        bare(ax, keep=())
        ax.text(0.5, 0.5, "no answer has an interval", ha="center", transform=ax.transAxes)
        return
    bare(ax, keep=())
    ax.set_xticks([])
    ax.set_yticks([])
    heights = [_height(rows) for rows in panels.values()]
    top, total = 1.0, sum(heights)
    for (name, rows), height in zip(panels.items(), heights, strict=True):
        share = height / total
        own = ax.inset_axes((0.0, top - share + 0.42 / total * 0.75, 1.0, share - 0.42 / total))
        _panel(name, rows, own)
        top -= share


def _height(rows: list[EffectEstimate]) -> float:
    return _ROW * len(rows) + sum(_LINE * len(_label(row).splitlines()) for row in rows) + 0.42


def _panel(name: str, rows: list[EffectEstimate], ax: "Axes") -> None:
    at = 0.0
    for row in rows:
        text = _label(row)
        ax.text(0.0, at, text, transform=ax.get_yaxis_transform(), fontsize=6.5, color=MUTED, va="top")
        at += _LINE * len(text.splitlines()) + _ROW / 2
        low, high = (limit if limit is not None else row.estimate for limit in (row.low, row.high))
        ax.plot([low, high], [at, at], color=FIRST, linewidth=1.3)
        ax.plot(row.estimate, at, "o", color=FIRST, markersize=4.5, markerfacecolor=FIRST if row.decides else "white")
        at += _ROW / 2
    ax.axvline(0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
    ax.set_ylim(at, -0.02)
    ax.set_yticks([])
    ax.set_title(name, loc="left", fontsize=8)
    ticks(ax, 6)
    bare(ax, keep=("bottom",))
