"""A mediation analysis as a path diagram: on every arrow the least-squares slope above the posterior median."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedbackstudy.analysis.mediation_answers import PathAnswer
from feedbackstudy.analysis.mediation_result import Mediation
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FAINT, FIRST, INK, MUTED, SECOND, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["mediation_drawing"]

_WIDE, _HIGH = 1.45, 0.58  # half width and half height of a box
_FIRST, _STEP = 2.8, 2.5  # height of the first mediator beside the direct arrow, and from one to the next
_LETTERS = 16  # to a line of a box, at the width of the picture
type Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Arrow:
    """From where to where, and what stands on it."""

    start: str
    end: str
    answer: PathAnswer


@drawing.register(Mediation)
def mediation_drawing(result: Mediation) -> Drawing:
    """Return the path diagram of a mediation analysis, with both estimates.

    Parameters
    ----------
    result : Mediation
        The analysis; effects within clusters are drawn where there are some.

    Returns
    -------
    Drawing
        Its picture.
    """
    arrows = _arrows(result)
    places = _places(result)
    stop = "" if result.fit_to_report else " Not fit to report."
    levels = " Legs that depend on the moderator are drawn at its mean or average." if result.design.moderation else ""
    high = max(y for _, y in places.values()) - min(y for _, y in places.values())
    return Drawing(
        draw=lambda ax: _draw(result, arrows, places, ax),
        height=1.4 + 0.5 * high,
        alt=_alt(result, arrows),
        caption="On each arrow: least-squares slope (blue) above the posterior median (orange), each with its "
        f"{result.level:.0%} interval; grey arrows: both hold 0. Below: the indirect effect.{levels}{stop}",
        width=5.6 if result.design.structure != "serial" else 7.4 + 1.9 * (len(result.design.mediators) - 2),
    )


def _arrows(result: Mediation) -> list[_Arrow]:
    design, suffix = result.design, _suffix(result)
    at = {answer.effect.name.removesuffix(suffix): answer for answer in result.answers}
    found = [_Arrow(design.x, m, at[f"a: {design.x} > {m}"]) for m in design.mediators]
    found += [
        _Arrow(one, other, at[f"d: {one} > {other}"])
        for i, one in enumerate(design.mediators)
        for other in design.mediators[i + 1 :]
        if f"d: {one} > {other}" in at
    ]
    found += [_Arrow(m, design.y, at[f"b: {m} > {design.y}"]) for m in design.mediators]
    direct = next(answer for name, answer in at.items() if name.split(" (")[0] == "direct")
    return [*found, _Arrow(design.x, design.y, direct)]


def _suffix(result: Mediation) -> str:
    """Return the ending of the effects that are drawn: within clusters, between them, or none."""
    names = [answer.effect.name for answer in result.answers]
    return next((end for end in (" (within)", " (between)") if any(name.endswith(end) for name in names)), "")


def _places(result: Mediation) -> dict[str, Place]:
    design = result.design
    count = len(design.mediators)
    if design.structure == "serial":
        step = 6.0
        width = step * (count + 1)
        found = {m: (step * (i + 1), 3.4) for i, m in enumerate(design.mediators)}
        return {design.x: (0.6, 0.0), design.y: (width - 0.6, 0.0)} | found
    # Half of the mediators stand below the direct arrow. No arrow to an outer one may touch the box inside it.
    above = (count + 1) // 2
    heights = [_FIRST + _STEP * (above - 1 - i) if i < above else -_FIRST - _STEP * (i - above) for i in range(count)]
    middle = max(5.2, _WIDE * max(heights) / (_STEP - _HIGH - 0.2))
    found = {m: (middle, height) for m, height in zip(design.mediators, heights, strict=True)}
    return {design.x: (0.0, 0.0), design.y: (2 * middle, 0.0)} | found


def _draw(result: Mediation, arrows: list[_Arrow], places: dict[str, Place], ax: "Axes") -> None:
    for name, (x, y) in places.items():
        _box(name, x, y, ax)
    for arrow in arrows:
        _arrow(arrow, places, ax, serial=result.design.structure == "serial")
    a = result.main
    words = (
        f"{a.effect.name}: {number(a.estimate)} {interval(a.low, a.high)}; posterior {number(a.posterior.median)} "
        f"{interval(a.posterior.low, a.posterior.high)}"
    )
    across = [x for x, _ in places.values()]
    low = min(y for _, y in places.values())
    ax.text(
        (min(across) + max(across)) / 2, low - 1.55, wrapped(words, 78), ha="center", va="top", fontsize=7.2, color=INK
    )
    ax.set_xlim(min(across) - _WIDE - 0.3, max(across) + _WIDE + 0.3)
    ax.set_ylim(low - 2.7, max(y for _, y in places.values()) + _HIGH + 0.9)
    ax.axis("off")


def _box(name: str, x: float, y: float, ax: "Axes") -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle(
            (x - _WIDE, y - _HIGH), 2 * _WIDE, 2 * _HIGH, facecolor="white", edgecolor=INK, linewidth=0.9, zorder=3
        )
    )
    ax.text(x, y, _in_lines(name), ha="center", va="center", fontsize=7.0, zorder=4)


def _in_lines(name: str) -> str:
    """Return a name on at most three lines, broken after underscores and spaces, then shortened."""
    lines = [""]
    for part in re.split(r"(?<=[_\s])", name):
        if not lines[-1] or len((lines[-1] + part).rstrip()) <= _LETTERS:
            lines[-1] += part
        else:
            lines.append(part)
    return "\n".join(label(line, _LETTERS) for line in [*lines[:2], "".join(lines[2:])] if line)


def _arrow(arrow: _Arrow, places: dict[str, Place], ax: "Axes", *, serial: bool) -> None:
    (x0, y0), (x1, y1) = places[arrow.start], places[arrow.end]
    start, end = _edge((x0, y0), (x1, y1)), _edge((x1, y1), (x0, y0))
    a = arrow.answer
    open_both = a.low <= 0 <= a.high and a.posterior.low <= 0 <= a.posterior.high
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": FAINT if open_both else INK,
            "linewidth": 1.0,
            "shrinkA": 0,
            "shrinkB": 0,
        },
        zorder=2,
    )
    x, y = _where(arrow, places, serial=serial)
    lines = (
        (f"{number(a.estimate, 2)} {interval(a.low, a.high, 2)}", FIRST, 0.20),
        (f"{number(a.posterior.median, 2)} {interval(a.posterior.low, a.posterior.high, 2)}", SECOND, -0.20),
    )
    for words, ink, lift in lines:
        ax.text(
            x,
            y + lift,
            words,
            ha="center",
            va="center",
            fontsize=6.2,
            color=MUTED if open_both else ink,
            zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )


def _where(arrow: _Arrow, places: dict[str, Place], *, serial: bool) -> Place:
    """Return where the numbers of an arrow stand: on it, clear of the boxes and of each other."""
    one, other = places[arrow.start], places[arrow.end]
    # Diagonals that cross carry their numbers at different heights: short ones above, long ones below.
    up = 0.66 if abs(other[0] - one[0]) < 7 else 0.24
    (x0, y0), (x1, y1) = (_edge(one, other), _edge(other, one)) if serial else (one, other)
    up = 0.5 if one[1] == other[1] else up if serial else 0.46
    share = up if abs(other[1]) >= abs(one[1]) else 1 - up
    return x0 + share * (x1 - x0), y0 + share * (y1 - y0)


def _edge(inside: Place, towards: Place) -> Place:
    """Return where the line between two boxes leaves the first."""
    dx, dy = towards[0] - inside[0], towards[1] - inside[1]
    share = min(_WIDE / abs(dx) if dx else 9.0, _HIGH / abs(dy) if dy else 9.0)
    return inside[0] + share * dx, inside[1] + share * dy


def _alt(result: Mediation, arrows: list[_Arrow]) -> str:
    parts = [
        f"{arrow.start} to {arrow.end} {number(a.estimate)} {interval(a.low, a.high)}, posterior "
        f"{number(a.posterior.median)} {interval(a.posterior.low, a.posterior.high)}"
        for arrow, a in ((arrow, arrow.answer) for arrow in arrows)
    ]
    return f"Path diagram of {result.design.structure} mediation. {'; '.join(parts)}. {result.sentence()}"
