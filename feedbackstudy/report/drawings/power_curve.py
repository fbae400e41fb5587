"""Power over one argument: lines in bands of their Monte-Carlo error, and where they meet the target."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power import PowerGrid, Solution
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.drawings.power_surface import surface_drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, MUTED, SECOND, bare, label, plain, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Curve", "crossing", "grid_drawing", "shown", "solution_drawing"]

type Floats = NDArray[np.float64]

_LINES: Final = (
    (FIRST, "-", "o"),
    (SECOND, (0, (5, 1.2)), "D"),
    (INK, (0, (1, 1)), "s"),
    (MUTED, (0, (4, 1, 1, 1)), "^"),
    (FIRST, (0, (2, 1)), "v"),
    (SECOND, (0, (1, 2)), "P"),
)
_Z95: Final = 1.959964
_BOUNDED: Final = frozenset(
    {"power", "power_adjusted", "decided", "equivalence", "coverage", "in_rope", "failed", "type_s"}
    | {"assurance", "all_decided", "any_decided"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line: its name, where it was computed, its values and their Monte-Carlo errors."""

    name: str
    x: Floats
    y: Floats
    error: Floats


def crossing(curve: Curve, target: float) -> float | None:
    """Return where a line first meets a target, straight between the points computed.

    Parameters
    ----------
    curve : Curve
        The line.
    target : float
        The height.

    Returns
    -------
    float or None
        None where it does not meet it.
    """
    over = curve.y - target
    for i in range(len(over)):
        if over[i] == 0:
            return float(curve.x[i])
        if i and over[i - 1] * over[i] < 0:
            share = over[i - 1] / (over[i - 1] - over[i])
            return float(curve.x[i - 1] + share * (curve.x[i] - curve.x[i - 1]))
    return None


def shown(value: float) -> str:
    """Return a value of what varies, with three digits that count.

    Parameters
    ----------
    value : float
        The value.

    Returns
    -------
    str
        Whole numbers in full.
    """
    if not np.isfinite(value):
        return number(value)
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"


@drawing.register(PowerGrid)
def grid_drawing(result: PowerGrid) -> Drawing:
    """Return the picture of a grid: a curve over one argument, a surface over two.

    Parameters
    ----------
    result : PowerGrid
        The grid. What varies beyond two arguments is drawn at its first value, and the caption says so.

    Returns
    -------
    Drawing
        Its picture.
    """
    if len(result.vary) > 1:
        return surface_drawing(result)
    path = result.vary[0]
    curves = [_curve(result, name, path) for name in result.names[: len(_LINES)]]
    left = result.names[len(_LINES) :]
    also = f" In the table only: {', '.join(left)}." if left else ""
    words = result.figure.replace("_", " ")
    band = " Band: 95% Monte-Carlo range." if any(c.error.any() for c in curves) else ""
    return Drawing(
        draw=lambda ax: _draw(curves, ax, path=path, figure=result.figure, target=result.target),
        height=2.7,
        alt=_alt(curves, path, words, result.target),
        caption=f"{words.capitalize()} over {path}{_of(curves)}.{band} Dotted: the target, "
        f"{number(result.target, 2)}. {result.engine}.{also}",
    )


def _of(curves: list[Curve]) -> str:
    return f" of {curves[0].name}" if len(curves) == 1 else ""


def _curve(result: PowerGrid, name: str, path: str) -> Curve:
    rows = result[name].frame().sort_values(path)
    error = rows[f"{result.figure}_mcse"].to_numpy(dtype=np.float64)
    return Curve(name, rows[path].to_numpy(np.float64), rows[result.figure].to_numpy(np.float64), np.nan_to_num(error))


def _draw(curves: list[Curve], ax: "Axes", *, path: str, figure: str, target: float) -> None:
    for curve, (ink, line, marker) in zip(curves, _LINES, strict=False):
        low, high = curve.y - _Z95 * curve.error, curve.y + _Z95 * curve.error
        if figure in _BOUNDED:
            low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        ax.fill_between(curve.x, low, high, color=ink, alpha=0.16, linewidth=0, zorder=1)
        few = marker if len(curve.x) <= 25 else ""
        ax.plot(curve.x, curve.y, color=ink, linestyle=line, marker=few, markersize=3.2, linewidth=1.4, zorder=3)
    ax.axhline(target, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2)
    if figure in _BOUNDED:
        ax.set_ylim(0, 1.02)
    _meeting(curves, target, ax)
    if len(curves) > 1:
        _ends(curves, ax)
    ax.set_xlabel(plain(path))
    ax.set_ylabel(plain(figure.replace("_", " ")))
    ax.grid(visible=True, axis="y", color=BAND, linewidth=0.6)
    ax.set_axisbelow(True)
    ticks(ax, 6)
    bare(ax, keep=("bottom", "left"))


def _meeting(curves: list[Curve], target: float, ax: "Axes") -> None:
    """Mark where the only line meets the target; with several lines the table says it."""
    where = crossing(curves[0], target) if len(curves) == 1 else None
    if where is None:
        return
    ax.plot([where, where], [ax.get_ylim()[0], target], color=FAINT, linewidth=0.9, zorder=1)
    ax.annotate(
        shown(where), (where, target), xytext=(4, -10), textcoords="offset points", fontsize=7.5, color=INK, zorder=5
    )


def _ends(curves: list[Curve], ax: "Axes") -> None:
    """Write each line's name at its right end, moved apart so that no two names meet."""
    drawn = curves[: len(_LINES)]
    low, high = ax.get_ylim()
    least = 0.068 * (high - low)
    order = sorted(range(len(drawn)), key=lambda i: float(drawn[i].y[-1]))
    at = [float(drawn[i].y[-1]) for i in order]
    for j in range(1, len(at)):
        at[j] = max(at[j], at[j - 1] + least)
    at[-1] = min(at[-1], high)
    for j in range(len(at) - 2, -1, -1):
        at[j] = min(at[j], at[j + 1] - least)
    for place, i in zip(at, order, strict=True):
        ink = _LINES[i][0]
        ax.text(
            1.02, place, label(drawn[i].name, 26), transform=ax.get_yaxis_transform(), color=ink, fontsize=7.5,
            va="center",
        )  # fmt: skip


def _alt(curves: list[Curve], path: str, words: str, target: float) -> str:
    parts = []
    for curve in curves:
        where = crossing(curve, target)
        meets = f"meets {number(target, 2)} at {path} = {shown(where)}" if where is not None else (
            f"does not meet {number(target, 2)}"
        )  # fmt: skip
        parts.append(
            f"{curve.name} goes from {number(curve.y[0])} at {shown(curve.x[0])} to {number(curve.y[-1])} at "
            f"{shown(curve.x[-1])} and {meets}"
        )
    return f"{words.capitalize()} over {path}. {'; '.join(parts)}."


@drawing.register(Solution)
def solution_drawing(result: Solution) -> Drawing:
    """Return the picture of a search: the values tried, and the answer with its Monte-Carlo range.

    Parameters
    ----------
    result : Solution
        The search.

    Returns
    -------
    Drawing
        Its picture.
    """
    curve = _tried(result)
    low, high = result.interval
    return Drawing(
        draw=lambda ax: _solution(result, curve, ax),
        height=2.7,
        alt=f"{result.goal} of {result.hypothesis or 'all'} over {result.vary}: {number(result.reached)} at "
        f"{shown(result.value)}, where {number(result.target)} was wanted; Monte-Carlo range of the answer "
        f"{shown(low)} to {shown(high)}.",
        caption=f"{result.goal.capitalize()} of {result.hypothesis or 'all'} over {result.vary}. Band: 95% Monte-Carlo "
        "range of each value tried; shaded column: values that it leaves possible; dotted: the target. "
        f"{result.engine}.",
    )


def _tried(result: Solution) -> Curve:
    """Return the values tried near the answer, each with its largest number of simulations."""
    frame = result.frame().sort_values(["value", "n_simulations"]).drop_duplicates("value", keep="last")
    x, y = frame["value"].to_numpy(np.float64), frame["reached"].to_numpy(np.float64)
    flat = (y < 0.02) | (y > 0.995) if result.goal in _BOUNDED else np.zeros(len(y), dtype=bool)
    inside = np.flatnonzero(~flat)
    span = slice(max(0, inside[0] - 1), inside[-1] + 2) if len(inside) else slice(None)
    return Curve(result.vary, x[span], y[span], np.nan_to_num(frame["mcse"].to_numpy(np.float64))[span])


def _solution(result: Solution, curve: Curve, ax: "Axes") -> None:
    if np.isfinite(result.interval).all():
        ax.axvspan(*result.interval, color=BAND, linewidth=0, zorder=0)
    _draw([curve], ax, path=result.vary, figure=result.goal, target=result.target)
    for text in list(ax.texts):
        text.remove()
    if not np.isfinite(result.value):
        return
    ax.plot([result.value], [result.reached], marker="o", markersize=7, color=SECOND, zorder=6)
    ax.annotate(
        shown(result.value), (result.value, result.reached), xytext=(6, -11), textcoords="offset points",
        fontsize=8, color=INK, zorder=6,
    )  # fmt: skip
