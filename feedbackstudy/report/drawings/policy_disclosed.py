"""Disclosed effects of a policy: what the plan reads of each metric, with its interval and a guardrail's margin."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from feedbackstudy.policy.disclosure import DisclosedEffects
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, SECOND, bare, plain, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["disclosed_effects_drawing"]

type Row = dict[Hashable, Any]

# Inches: a row with its label, the title of a panel, and its axis.
_ROW, _LINE, _TITLE, _AXIS = 0.2, 0.14, 0.2, 0.3
_LABEL: Final = 62


@drawing.register(DisclosedEffects)
def disclosed_effects_drawing(result: DisclosedEffects) -> Drawing:
    """Return the picture of disclosed effects.

    Parameters
    ----------
    result : DisclosedEffects
        Effects that have passed a disclosure rule; the first of each metric and contrast on the absolute scale is
        drawn, which is the one that decides.

    Returns
    -------
    Drawing
        Its picture; hidden effects are absent from it, and named in its caption.
    """
    rows = _first(result)
    shown, hidden = rows[rows["low"].notna() & rows["high"].notna()], rows[rows["out"]]
    panels = [(str(label), own) for label, own in shown.groupby("label", sort=False)]
    gone = "; ".join(dict.fromkeys(f"{row['label']}, {row['contrast']}" for row in hidden.to_dict("records")))
    said = f" Hidden, because too few people stand behind them: {gone}." if gone else ""
    margins = " Shaded: beyond a guardrail's margin." if any(m in result.margins for m in shown["metric"]) else ""
    parts = [_in_words(row, result) for row in shown.to_dict("records")]
    return Drawing(
        draw=lambda ax: _draw(panels, result, ax),
        height=0.2 + sum(_height(own) for _, own in panels) if panels else 1.0,
        alt=(" ".join(parts) if parts else "No effect with an interval may be shown.") + said,
        caption=f"{result.title}. Point and interval of the row that is read first; filled: what the plan decides by. "
        f"Dotted line: no effect.{margins}{said} Other rows stand in the table.",
    )


def _first(result: DisclosedEffects) -> pd.DataFrame:
    """Return the first row of each metric and contrast on the absolute scale, and whether it is hidden."""
    table = result.frame()
    table["out"] = [result.is_hidden(i, "estimate") for i in range(len(table))]
    own = table[table["scale"] == "absolute"]
    return own[~own.duplicated(["metric", "contrast"])]


def _in_words(row: Row, result: DisclosedEffects) -> str:
    text = f"{row['label']}, {row['contrast']}: {_number(row['estimate'])} {_limits(row)}"
    margin = result.margins.get(str(row["metric"]))
    text += f", margin {_number(margin)}" if margin is not None else ""
    return f"{text}, {row['verdict']}." if row["verdict"] else f"{text}."


def _number(value: object) -> str:
    """Write a rounded number with the decimals that it has."""
    return number(float(f"{value:.6g}"), len(f"{value:.6f}".rstrip("0").partition(".")[2]))


def _limits(row: Row) -> str:
    decimals = max(len(f"{row[side]:.6f}".rstrip("0").partition(".")[2]) for side in ("low", "high"))
    return interval(float(str(row["low"])), float(str(row["high"])), decimals)


def _height(rows: pd.DataFrame) -> float:
    lines = sum(_lines(row) for row in rows.to_dict("records"))
    return _TITLE + _AXIS + _ROW * len(rows) + _LINE * lines


def _label(row: Row) -> str:
    return wrapped(f"{row['contrast']}: {row['method']}", _LABEL)


def _lines(row: Row) -> int:
    return len(_label(row).splitlines())


def _draw(panels: list[tuple[str, pd.DataFrame]], result: DisclosedEffects, ax: "Axes") -> None:
    bare(ax, keep=())
    ax.set_xticks([])
    ax.set_yticks([])
    if not panels:
        ax.text(0.5, 0.5, "no effect with an interval may be shown", ha="center", transform=ax.transAxes)
        return
    total, top = sum(_height(own) for _, own in panels), 1.0
    for name, own in panels:
        share = _height(own) / total
        axis = ax.inset_axes((0.0, top - share + _AXIS / total, 0.72, share - (_AXIS + _TITLE) / total))
        _panel(name, own, result, axis)
        top -= share


def _panel(name: str, rows: pd.DataFrame, result: DisclosedEffects, ax: "Axes") -> None:
    margin = result.margins.get(str(rows["metric"].iloc[0]))
    low, high = _reach(rows, margin)
    ax.set_xlim(low, high)
    at = 0.0
    for row in rows.to_dict("records"):
        ax.text(0.0, at, _label(row), transform=ax.get_yaxis_transform(), fontsize=6, color=MUTED, va="top")
        top = at + _LINE * _lines(row)
        at = top + _ROW
        # No effect and margin are marked beside the interval only, so that they cross no words.
        ax.plot([0, 0], [top, at], color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        if margin is not None:
            ax.fill_betweenx([top, at], margin, low if margin < 0 else high, color=BAND, linewidth=0, zorder=0)
            ax.plot([margin, margin], [top, at], color=SECOND, linewidth=0.9, zorder=1)
        _mark(row, top + _ROW / 2, ax)
    ax.set_ylim(at, -0.02)
    ax.set_yticks([])
    ax.set_title(plain(name), loc="left", fontsize=8)
    ticks(ax, 5)
    bare(ax, keep=("bottom",))


def _mark(row: Row, at: float, ax: "Axes") -> None:
    across = ax.get_yaxis_transform()
    ax.plot([row["low"], row["high"]], [at, at], color=FIRST, linewidth=1.5, zorder=2)
    face = FIRST if row["decides"] else "white"
    ax.plot(row["estimate"], at, "o", color=FIRST, markersize=4.5, markerfacecolor=face, zorder=3)
    words = f"{_number(row['estimate'])} {_limits(row)}"
    ax.text(1.03, at, plain(words), transform=across, fontsize=7, color=INK, va="center")
    if row["verdict"]:
        ax.text(1.03, at + 0.13, plain(row["verdict"]), transform=across, fontsize=6.5, color=MUTED, va="center")


def _reach(rows: pd.DataFrame, margin: float | None) -> tuple[float, float]:
    """Return the ends of an axis that holds no effect, every interval and the margin."""
    ends = [0.0, *rows["low"], *rows["high"], *([margin] if margin is not None else [])]
    low, high = float(np.min(ends)), float(np.max(ends))
    room = 0.08 * (high - low or 1.0)
    return low - room, high + room
