"""A factor model as a path diagram: factors as ellipses, items as boxes, standardised loadings on the paths."""

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, FIRST, INK, MUTED, SECOND, WIDTH, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["path_drawing"]

_ROW = 0.235  # inches between two items
_ITEM_LEFT, _ITEM_RIGHT = 0.655, 0.855  # the boxes, as shares of the width
_FACTOR, _HIGHER, _GENERAL = 0.33, -0.17, 1.30
_ELLIPSE_WIDE, _ELLIPSE_HIGH = 0.125, 0.36  # half axes: share of the width, rows
_WEAK = 0.30  # a loading below it is drawn in the second ink


type Path = tuple[str, str, float]
"""From, to, standardised value."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything stands: x as a share of the width, y in rows from below."""

    items: dict[str, float]
    factors: dict[str, tuple[float, float]]
    paths: list[Path]
    arcs: list[Path]
    rest: list[Path]


@drawing.register(CFA)
def path_drawing(result: CFA) -> Drawing:
    """Return the path diagram of a factor model, standardised.

    Parameters
    ----------
    result : CFA
        The fitted model; of several groups the first is drawn.

    Returns
    -------
    Drawing
        Its picture.
    """
    plan = _layout(result)
    group = f", group {result.groups[0]}" if len(result.groups) > 1 else ""
    fit = "" if result.fit_to_report else " Not fit to report: see the conditions of the model."
    return Drawing(
        draw=lambda ax: _draw(plan, ax),
        height=0.35 + _ROW * (len(plan.items) + 0.6),
        alt=_alt(result, plan),
        caption=f"Standardised solution ({result.fitted.estimator.name}, {result.n:,} people{group}). "
        "Ellipses: factors; boxes: items; numbers on arrows: loadings; on curves: correlations; at the right: "
        "unexplained variance. "
        f"Orange: loadings below {_WEAK:.2f} in size.{fit}",
        width=WIDTH + (0.4 if len({x for x, _ in plan.factors.values()}) == 1 else 1.1),
    )


def _layout(result: CFA) -> _Layout:
    frame = result.standardised
    frame = frame[frame["group"] == result.groups[0]]
    paths = frame[frame["op"] == "=~"]
    own = {f: list(paths.loc[paths["lhs"] == f, "rhs"]) for f in result.factors}
    general = _general(own, result.factors)
    lower = [f for f in result.factors if f not in general and not set(own[f]) & set(result.factors)]
    order = list(dict.fromkeys([*(item for f in lower for item in own[f]), *result.items]))
    items = {item: float(len(order) - 1 - k) for k, item in enumerate(order)}
    factors = {f: (_FACTOR, float(np.mean([items[i] for i in own[f] if i in items]))) for f in lower}
    middle = float(np.mean(list(items.values())))
    factors |= dict.fromkeys(general, (_GENERAL, middle))
    for f in result.factors:
        if f not in factors:
            factors[f] = (_HIGHER, float(np.mean([factors[c][1] for c in own[f] if c in factors] or [middle])))
    covariances = frame[(frame["op"] == "~~") & (frame["lhs"] != frame["rhs"]) & (frame["est"].abs() > 1e-12)]
    variances = frame[(frame["op"] == "~~") & (frame["lhs"] == frame["rhs"]) & frame["lhs"].isin(items)]
    return _Layout(
        items=items, factors=factors, paths=_values(paths), arcs=_values(covariances), rest=_values(variances)
    )


def _values(frame: pd.DataFrame) -> list[Path]:
    rows = frame[["lhs", "rhs", "est"]].to_numpy().tolist()
    return [(str(a), str(b), float(value)) for a, b, value in rows]


def _general(own: dict[str, list[str]], factors: tuple[str, ...]) -> list[str]:
    """Return the factors whose items are those of two others or more: they stand on the other side."""
    found = []
    for f in factors:
        inside = [g for g in factors if g != f and set(own[g]) < set(own[f])]
        if len(inside) > 1:
            found.append(f)
    return found


def _draw(plan: _Layout, ax: "Axes") -> None:
    for factor, indicator, value in plan.paths:
        _path(plan, factor, indicator, value, ax)
    for one, other, value in plan.arcs:
        _arc(plan, one, other, value, ax)
    for name, y in plan.items.items():
        _box(name, y, ax)
    for name, (x, y) in plan.factors.items():
        _ellipse(name, x, y, ax)
    at = [x for x, _ in plan.factors.values()]
    right, left = max(at) > 1, min(at) < 0
    for item, _, value in plan.rest if not right else ():
        ax.text(_ITEM_RIGHT + 0.022, plan.items[item], _short(value), fontsize=6.6, color=MUTED, va="center")
    ax.set_xlim(-0.31 if left else -0.07, 1.44 if right else 1.0)
    ax.set_ylim(-0.7, len(plan.items) - 0.3)
    ax.axis("off")


def _short(value: float) -> str:
    return number(value, 2, unit_interval=True) if abs(value) < 1 else number(value, 2)


def _box(name: str, y: float, ax: "Axes") -> None:
    from matplotlib.patches import Rectangle

    wide = _ITEM_RIGHT - _ITEM_LEFT
    ax.add_patch(
        Rectangle((_ITEM_LEFT, y - 0.36), wide, 0.72, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=3)
    )
    ax.text(_ITEM_LEFT + wide / 2, y, label(name, 15), ha="center", va="center", fontsize=6.8, zorder=4)


def _ellipse(name: str, x: float, y: float, ax: "Axes") -> None:
    from matplotlib.patches import Ellipse

    size = (2 * _ELLIPSE_WIDE, 2 * _ELLIPSE_HIGH * 1.5)
    ax.add_patch(Ellipse((x, y), *size, facecolor="white", edgecolor=FIRST, linewidth=1.2, zorder=3))
    ax.text(x, y, label(name, 14), ha="center", va="center", fontsize=7.2, color=FIRST, zorder=4)


def _path(plan: _Layout, factor: str, indicator: str, value: float, ax: "Axes") -> None:
    x0, y0 = plan.factors[factor]
    side = -1.0 if x0 > 1 else 1.0
    if indicator in plan.items:
        x1, y1 = (_ITEM_RIGHT if side < 0 else _ITEM_LEFT), plan.items[indicator]
    else:
        x1, y1 = plan.factors[indicator]
        x1 -= _ELLIPSE_WIDE
    start = x0 + side * _ELLIPSE_WIDE
    ink = SECOND if abs(value) < _WEAK else INK
    ax.annotate(
        "",
        xy=(x1, y1),
        xytext=(start, y0),
        arrowprops={"arrowstyle": "-|>", "color": ink, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
        zorder=2,
    )
    at = 0.70
    ax.text(
        start + at * (x1 - start),
        y0 + at * (y1 - y0),
        _short(value),
        ha="center",
        va="center",
        fontsize=6.6,
        color=ink,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _arc(plan: _Layout, one: str, other: str, value: float, ax: "Axes") -> None:
    if one in plan.factors and other in plan.factors:
        (x0, y0), (x1, y1) = plan.factors[one], plan.factors[other]
        order = sorted(plan.factors, key=lambda f: -plan.factors[f][1])
        steps = abs(order.index(one) - order.index(other))
        _curve((x0 - _ELLIPSE_WIDE, y0), (x1 - _ELLIPSE_WIDE, y1), -0.07 * steps - 0.03, value, ax)
    elif one in plan.items and other in plan.items:
        gap = abs(plan.items[one] - plan.items[other])
        x = _ITEM_RIGHT + 0.075
        _curve((x, plan.items[one]), (x, plan.items[other]), 0.03 + 0.008 * gap, value, ax)


def _curve(start: tuple[float, float], end: tuple[float, float], reach: float, value: float, ax: "Axes") -> None:
    """Draw a two-headed curve whose middle reaches out sideways, with its value in the middle."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    (x0, y0), (x1, y1) = start, end
    out = (x0 + x1) / 2 + 2 * reach
    path = Curve([(x0, y0), (out, (y0 + y1) / 2), (x1, y1)], [Curve.MOVETO, Curve.CURVE3, Curve.CURVE3])
    ax.add_patch(FancyArrowPatch(path=path, arrowstyle="<|-|>", mutation_scale=6, color=FAINT, linewidth=1.0, zorder=1))
    ax.text(
        (x0 + x1) / 4 + out / 2,
        (y0 + y1) / 2,
        _short(value),
        ha="center",
        va="center",
        fontsize=6.6,
        color=MUTED,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def _alt(result: CFA, plan: _Layout) -> str:
    parts = []
    for factor in result.factors:
        loads = ", ".join(f"{name} {_short(value)}" for f, name, value in plan.paths if f == factor)
        parts.append(f"{factor} by {loads}")
    known = {(a, b): value for a, b, value in plan.arcs}
    pairs = [
        f"{a} with {b} {_short(known.get((a, b), known.get((b, a), 0.0)))}"
        for a, b in combinations(result.factors, 2)
        if (a, b) in known or (b, a) in known
    ]
    related = f" Factor correlations: {', '.join(pairs)}." if pairs else ""
    return f"Path diagram of a factor model, standardised. Loadings: {'; '.join(parts)}.{related}"
