"""Arms over waves, both ways over the raw points; and the difference for a range of deltas, with its tipping point."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.analysis.longitudinal_result import Longitudinal, WaveMean
from feedbackstudy.analysis.missing.delta import DeltaCurve
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, MUTED, SECOND, bare, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["delta_drawing", "longitudinal_drawing"]

_STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 1.5, 1, 1.5)))
_SLOT, _SIDE = 0.7, 0.045
_MOST_POINTS = 3000


@drawing.register(Longitudinal)
def longitudinal_drawing(result: Longitudinal) -> Drawing:
    """Return the picture of the means of arms over waves.

    Parameters
    ----------
    result : Longitudinal
        Several waves.

    Returns
    -------
    Drawing
        Its picture.
    """
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=3.6,
        alt=_alt(result),
        caption=f"Mean {_words(result.data.outcome)} by wave and arm in the constrained longitudinal model. Blue "
        f"circle: REML mean with {result.data.level:.0%} CI; orange diamond: posterior median with HDI; grey points: "
        f"single scores, moved sideways to be seen. At {result.data.waves[0]} all arms share one mean; "
        "n counts answers.",
        width=5.2,
    )


@drawing.register(DeltaCurve)
def delta_drawing(result: DeltaCurve) -> Drawing:
    """Return the picture of a difference over a range of deltas.

    Parameters
    ----------
    result : DeltaCurve
        Delta-adjusted answers.

    Returns
    -------
    Drawing
        Its picture.
    """
    return Drawing(
        draw=lambda ax: _draw_delta(result, ax),
        height=3.0,
        alt=_alt_delta(result),
        caption=f"{result.first} minus {result.second} at {result.wave} (line) with {result.level:.0%} CI (band), "
        f"where {result.imputed} imputed scores in {_whose(result)} are shifted by delta; {result.m} imputations."
        " At 0 they are missing at random. Orange: where the conclusion tips over.",
        width=5.0,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _whose(result: DeltaCurve) -> str:
    return {"first": result.first, "second": result.second, "both": "both arms"}[result.shifted]


def _draw(result: Longitudinal, ax: "Axes") -> None:
    data = result.data
    slot = _SLOT / len(data.arms)
    means = {(row.arm, row.wave): row for row in result.means()}
    for a, arm in enumerate(data.arms):
        rows = [means[arm, wave] for wave in data.waves]
        places = np.arange(len(rows)) + (a - (len(data.arms) - 1) / 2) * slot
        style = _STYLES[a % len(_STYLES)]
        _points(result, a, places, slot, ax)
        ax.plot(places, [row.estimate for row in rows], color=FIRST, linewidth=1.0, linestyle=style, zorder=3)
        ax.plot([], [], color=INK, linewidth=1.0, linestyle=style, label=label(_words(arm), 30))
        for x, row in zip(places, rows, strict=True):
            _marks(row, float(x), ax)
    ax.set_xticks(
        range(len(data.waves)), [_tick(wave, [means[arm, wave].n for arm in data.arms]) for wave in data.waves]
    )
    ax.set_xlim(-0.55, len(data.waves) - 0.45)
    ax.set_ylabel(wrapped(_words(data.outcome), 44))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=min(len(data.arms), 3))
    bare(ax, keep=("bottom", "left"))
    ax.tick_params(axis="x", length=0)


def _tick(wave: str, counts: list[int]) -> str:
    return f"{label(wave, 20)}\nn = {', '.join(map(str, counts))}"


def _points(result: Longitudinal, a: int, places: np.ndarray, slot: float, ax: "Axes") -> None:
    scores = result.data.Y[result.data.arm == a]
    if np.isfinite(result.data.Y).sum() > _MOST_POINTS:
        return
    rng = np.random.default_rng(len(scores))
    for t, x in enumerate(places):
        known = scores[~np.isnan(scores[:, t]), t]
        side = rng.uniform(-0.4 * slot, 0.4 * slot, known.size)
        ax.scatter(x + side, known, s=5, color=FAINT, linewidth=0, alpha=0.75, zorder=1)


def _marks(row: WaveMean, x: float, ax: "Axes") -> None:
    ax.plot([x - _SIDE] * 2, [row.low, row.high], color=FIRST, linewidth=2.0, zorder=4)
    ax.plot([x - _SIDE], [row.estimate], marker="o", color=FIRST, markersize=5.2, markeredgecolor="white", zorder=5)
    if row.median is not None and row.hdi_low is not None and row.hdi_high is not None:
        ax.plot([x + _SIDE] * 2, [row.hdi_low, row.hdi_high], color=SECOND, linewidth=2.0, zorder=4)
        ax.plot([x + _SIDE], [row.median], marker="D", color=SECOND, markersize=4.4, markerfacecolor="white", zorder=5)


def _alt(result: Longitudinal) -> str:
    parts = []
    for row in result.means():
        words = f"{row.arm} at {row.wave} (n = {row.n}): mean {number(row.estimate)} {interval(row.low, row.high)}"
        if row.median is not None and row.hdi_low is not None and row.hdi_high is not None:
            words += f", posterior {number(row.median)} {interval(row.hdi_low, row.hdi_high)}"
        parts.append(words)
    return f"Mean {_words(result.data.outcome)} by wave and arm. {'; '.join(parts)}."


def _draw_delta(result: DeltaCurve, ax: "Axes") -> None:
    ax.fill_between(result.deltas, result.low, result.high, color=BAND, linewidth=0, zorder=1)
    ax.plot(result.deltas, result.estimate, color=FIRST, linewidth=1.6, zorder=3)
    ax.axhline(0, color=MUTED, linewidth=0.8, zorder=2)
    at = result.at_zero
    ax.plot([0], [result.estimate[at]], marker="o", color=FIRST, markersize=5.4, markeredgecolor="white", zorder=5)
    low, _ = ax.get_ylim()
    for value in result.tipping:
        if value is not None:
            ax.axvline(value, color=SECOND, linewidth=1.2, linestyle=(0, (4, 2)), zorder=2)
            ax.annotate(
                number(value),
                (value, low),
                xytext=(3 if value < 0 else -3, 3),
                textcoords="offset points",
                ha="left" if value < 0 else "right",
                color=INK,
                fontsize=7.5,
            )
    ax.set_xlabel(wrapped(f"delta: shift of imputed scores in {_words(_whose(result))}", 60))
    ax.set_ylabel(wrapped(f"{_words(result.first)} minus {_words(result.second)}, {_words(result.outcome)}", 34))
    bare(ax, keep=("bottom", "left"))


def _alt_delta(result: DeltaCurve) -> str:
    at = result.at_zero
    found = [number(value) for value in result.tipping if value is not None]
    tips = f"the conclusion tips over at delta {' and '.join(found)}" if found else "the conclusion never tips over"
    return (
        f"{result.first} minus {result.second} at {result.wave}: {number(result.estimate[at])} "
        f"{interval(result.low[at], result.high[at])} at delta 0; from {number(result.estimate[0])} at delta "
        f"{number(result.deltas[0])} to {number(result.estimate[-1])} at {number(result.deltas[-1])}; {tips}."
    )
