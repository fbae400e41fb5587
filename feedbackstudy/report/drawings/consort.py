"""The CONSORT flow as a picture: a trunk of boxes, and a column for each condition."""

from typing import TYPE_CHECKING, Final

from feedbackstudy.collect.accounting import Accounting
from feedbackstudy.report.consort import Box, boxes
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import INK, MUTED, WIDTH, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["consort_drawing"]

_LINE: Final = 0.135
"""Height of a line of text, in inches."""

_PAD, _GAP = 0.1, 0.2
_COLUMN: Final = 1.5
"""Least width of a condition's column, in inches."""

type _Placed = tuple[float, float, float, float, str]
"""Centre, top, width, height (inches from above), text."""

type _Arrow = tuple[float, float, float, float]
"""From x and y, to x and y."""


@drawing.register(Accounting)
def consort_drawing(result: Accounting) -> Drawing:
    """Return the flow of participants as boxes.

    Parameters
    ----------
    result : Accounting
        Who became what.

    Returns
    -------
    Drawing
        Its picture.
    """
    trunk, arms = boxes(result)
    width = max(WIDTH, _COLUMN * max(len(arms), 1))
    placed, arrows, height = _layout(trunk, arms, width)
    return Drawing(
        draw=lambda ax: _draw(placed, arrows, width, height, ax),
        height=height + 0.1,
        width=width,
        alt=_alt(trunk, arms),
        caption="Flow of participants. Every number is counted from one list of people, in which each has one fate; "
        "people lost may be analysed, where the plan treats missing answers."
        + "".join(f" {note}" for note in result.notes()),
    )


def _wrapped(line: str, width: float) -> str:
    return wrapped(line, max(int(width * 17), 12))


def _text(box: Box, width: float) -> str:
    return "\n".join(_wrapped(line, width) for line in box.lines())


def _high(text: str) -> float:
    return _LINE * (text.count("\n") + 1) + _PAD


def _layout(
    trunk: tuple[Box, ...], arms: dict[str, tuple[Box, ...]], width: float
) -> tuple[list[_Placed], list[_Arrow], float]:
    """Return boxes and arrows, measured in inches from the upper left corner."""
    placed, arrows, bottom = _trunk(trunk, width)
    middle, column = width / 2, width / max(len(arms), 1)
    wide = column * 0.92
    texts = [[_text(box, wide) for box in arm] for arm in arms.values()]
    for name, arm in zip(arms, texts, strict=True):
        arm[0] = f"{_wrapped(name.replace(':', ', ').replace('_', ' '), wide)}\n{arm[0]}"
    tops = [bottom + 2 * _GAP]
    for row in zip(*texts, strict=True):
        tops.append(tops[-1] + max(map(_high, row)) + _GAP)
    for k, arm in enumerate(texts):
        x = column * (k + 0.5)
        ends = [(middle, bottom), *((x, top + _high(text)) for top, text in zip(tops, arm, strict=False))]
        placed += [(x, top, wide, _high(text), text) for top, text in zip(tops, arm, strict=False)]
        arrows += [(*end, x, top) for end, top in zip(ends, tops[: len(arm)], strict=False)]
    return placed, arrows, max(top + high for _, top, _, high, _ in placed) + 0.05


def _trunk(trunk: tuple[Box, ...], width: float) -> tuple[list[_Placed], list[_Arrow], float]:
    placed: list[_Placed] = []
    arrows: list[_Arrow] = []
    middle, wide, y, last = width / 2, width * 0.34, 0.05, 0.0
    for box in trunk:
        aside = box.title == "Not randomised"
        if aside and not box.n:
            continue
        text = _text(box, wide)
        high = _high(text)
        placed.append((middle + wide * 0.98 if aside else middle, y, wide, high, text))
        if aside:
            arrows.append((middle, y + high / 2, middle + wide * 0.48, y + high / 2))
        else:
            arrows += [(middle, last, middle, y)] if last else []
            last = y + high
        y += high + _GAP
    return placed, arrows, last


def _draw(placed: list[_Placed], arrows: list[_Arrow], width: float, height: float, ax: "Axes") -> None:
    from matplotlib.patches import Rectangle

    for x0, y0, x1, y1 in arrows:
        ax.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "-|>", "color": MUTED, "lw": 0.7, "shrinkA": 0,
                                                        "shrinkB": 0})  # fmt: skip
    for x, top, wide, high, text in placed:
        ax.add_patch(Rectangle((x - wide / 2, top), wide, high, facecolor="white", edgecolor=INK, linewidth=0.7))
        ax.text(x, top + high / 2, text, ha="center", va="center", fontsize=6.6, linespacing=1.25)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.axis("off")


def _alt(trunk: tuple[Box, ...], arms: dict[str, tuple[Box, ...]]) -> str:
    said = [_said(box) for box in trunk if box.n]
    said += [f"{name}: {', '.join(_said(box) for box in arm)}" for name, arm in arms.items()]
    return f"Flow of participants. {'; '.join(said)}."


def _said(box: Box) -> str:
    parts = ", ".join(f"{reason} {n}" for reason, n in box.reasons)
    return f"{box.title.lower()} {box.n}" + (f" ({parts})" if parts else "")
