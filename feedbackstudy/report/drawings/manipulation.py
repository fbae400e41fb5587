"""Manipulation checks: what every factor did to every check, both ways, the intended effect on top."""

from typing import TYPE_CHECKING

from feedbackstudy.analysis.check_effects import CheckEffect
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.manipulating import ManipulationChecks
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, SECOND, bare, label, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["manipulation_drawing"]

_ROW, _HEAD = 0.235, 0.22


@drawing.register(ManipulationChecks)
def manipulation_drawing(result: ManipulationChecks) -> Drawing:
    """Return the picture of manipulation checks.

    Parameters
    ----------
    result : ManipulationChecks
        The checks.

    Returns
    -------
    Drawing
        One block for each check, one line for each effect on it.
    """
    blocks = _blocks(result)
    rows = sum(map(len, blocks.values()))
    return Drawing(
        draw=lambda ax: _draw(blocks, ax),
        height=0.7 + _ROW * rows + _HEAD * len(blocks),
        alt=_alt(blocks),
        caption="Standardised effects of the factors on each manipulation check; blue circle with CI, open orange "
        "diamond with HDI. Shaded and bold: the effect that the check is there to show; all others should lie at 0.",
        width=5.6,
    )


def _blocks(result: ManipulationChecks) -> dict[str, list[CheckEffect]]:
    found: dict[str, list[CheckEffect]] = {}
    for effect in (*result.intended(), *result.unintended()):
        found.setdefault(effect.check, []).append(effect)
    return found


def _draw(blocks: dict[str, list[CheckEffect]], ax: "Axes") -> None:
    y, places, names, bold = 0.0, [], [], []
    for check, effects in blocks.items():
        ax.text(0.0, y + 0.1, label(check.replace("_", " "), 50), transform=ax.get_yaxis_transform(), va="center",
                fontsize=7.8, color=INK)  # fmt: skip
        y += _HEAD / _ROW
        for effect in effects:
            if effect.intended:
                ax.axhspan(y - 0.5, y + 0.5, color=BAND, linewidth=0, zorder=0)
            _mark(effect.classical, y - 0.17, "o", FIRST, ax)
            _mark(effect.bayesian, y + 0.17, "D", SECOND, ax)
            places.append(y)
            names.append(label(effect.name.replace("_", " "), 30))
            bold.append(effect.intended)
            y += 1.0
    ax.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.set_yticks(places, names, fontsize=6.8)
    for tick, heavy in zip(ax.get_yticklabels(), bold, strict=True):
        tick.set_fontweight("bold" if heavy else "normal")
        tick.set_color(INK if heavy else MUTED)
    ax.set_ylim(y - 0.4, -0.5)
    ax.set_xlabel("standardised effect on the check")
    ticks(ax)
    bare(ax)


def _mark(row: Estimate | None, y: float, marker: str, ink: str, ax: "Axes") -> None:
    if row is None or row.std_estimate is None:
        return
    if row.std_low is not None and row.std_high is not None:
        ax.plot([row.std_low, row.std_high], [y, y], color=ink, linewidth=1.5, zorder=2)
    face = ink if marker == "o" else "white"
    ax.plot([row.std_estimate], [y], marker=marker, color=ink, markerfacecolor=face, markersize=4.4, zorder=3)


def _alt(blocks: dict[str, list[CheckEffect]]) -> str:
    parts = []
    for check, effects in blocks.items():
        for effect in effects:
            row = effect.classical if effect.classical is not None else effect.bayesian
            if row is None or row.std_estimate is None:
                continue
            kind = "intended" if effect.intended else "not intended"
            span = f" {interval(row.std_low, row.std_high)}" if row.std_low is not None else ""
            parts.append(f"{check}, {effect.name} ({kind}): {row.std_kind} {number(row.std_estimate)}{span}")
    return f"Effects on manipulation checks. {'; '.join(parts)}."
