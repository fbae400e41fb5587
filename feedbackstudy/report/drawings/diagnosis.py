"""A diagnosis: power and the plan's own decision of every hypothesis, with the error of both."""

from typing import TYPE_CHECKING, Final

import numpy as np

from feedbackstudy.power import Diagnosis, HypothesisDiagnosis
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, MUTED, SECOND, bare, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["diagnosis_drawing"]

_ROW: Final = 0.36
_Z95: Final = 1.959964


@drawing.register(Diagnosis)
def diagnosis_drawing(result: Diagnosis) -> Drawing:
    """Return the picture of a diagnosis.

    Parameters
    ----------
    result : Diagnosis
        The diagnosis.

    Returns
    -------
    Drawing
        One row for each hypothesis.
    """
    failed = " Grey bar: power with failed fits counted as missed and as found." if _lost(result) else ""
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=0.75 + _ROW * len(result.rows),
        alt=_alt(result),
        caption="Share of invented studies in which each hypothesis is significant (filled circle) and in which it is "
        "decided as expected by the plan's own criterion (open diamond), with 95% Monte-Carlo ranges. Beside it: "
        "coverage of the interval, and the factor by which significant results exaggerate (type M); of a true zero, "
        f"the circle is the rate of false alarms.{failed} {result.engine}.",
    )


def _lost(result: Diagnosis) -> bool:
    return any(row.failed > 0 for row in result.rows)


def _draw(result: Diagnosis, ax: "Axes") -> None:
    for y, row in enumerate(result.rows):
        ax.plot([0, 1], [y, y], color=BAND, linewidth=0.8, zorder=0)
        if row.failed > 0:
            ax.plot([row.power_low, row.power_high], [y - 0.14] * 2, color=FAINT, linewidth=6, zorder=1)
        _mark(ax, row.power, row.power_mcse, y - 0.14, marker="o", ink=FIRST, face=FIRST)
        _mark(ax, row.decided, row.decided_mcse, y + 0.14, marker="D", ink=SECOND, face="white")
        across = ax.get_yaxis_transform()
        ax.text(1.03, y, _beside(row), transform=across, va="center", fontsize=7, color=INK)
    for share in (result.alpha, 0.8):
        ax.axvline(share, color=MUTED, linewidth=0.6, linestyle=(0, (1, 2)), zorder=0)
    ax.set_yticks(range(len(result.rows)), [label(row.hypothesis, 22) for row in result.rows])
    ax.set_ylim(len(result.rows) - 0.5, -0.5)
    ax.set_xlim(-0.01, 1.01)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".50", ".75", "1"])
    ax.set_xlabel("share of invented studies")
    bare(ax)


def _mark(ax: "Axes", value: float, error: float, y: float, *, marker: str, ink: str, face: str) -> None:
    if not np.isfinite(value):
        return
    half = _Z95 * np.nan_to_num(error)
    ax.plot([max(0.0, value - half), min(1.0, value + half)], [y, y], color=ink, linewidth=1.3, zorder=2)
    ax.plot([value], [y], marker=marker, color=ink, markerfacecolor=face, markersize=4.6, zorder=3)


def _beside(row: HypothesisDiagnosis) -> str:
    parts = [f"cov. {number(row.coverage, 2)}"] if np.isfinite(row.coverage) else []
    parts += [f"M {number(row.type_m, 2)}"] if np.isfinite(row.type_m) else []
    parts += [f"{row.failed:.0%} failed"] if row.failed > 0 else []
    return ", ".join(parts)


def _alt(result: Diagnosis) -> str:
    parts = [
        f"{row.hypothesis}: power {number(row.power)}, decided as expected {number(row.decided)}, coverage "
        f"{number(row.coverage)}, type M {number(row.type_m, 2)}, failed {number(row.failed)}"
        for row in result.rows
    ]
    return f"Diagnosis of {len(result.rows)} hypotheses. {'; '.join(parts)}."
