"""A meta-analysis as a forest: a line for each study, a diamond for the pooled effect, a bar for a new study."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.literature.heterogeneity import TAU2_METHODS
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, SECOND, bare, label, ratio_scale, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["forest_drawing", "on_scale"]

_ROW = 0.162  # inches a study needs to be read on paper and on a phone
_MARK_AREA, _LEAST_AREA = 42.0, 4.0  # square points; below the least a square cannot be seen


@drawing.register(MetaAnalysis)
def forest_drawing(result: MetaAnalysis) -> Drawing:
    """Return the forest plot of a meta-analysis, the largest effect on top.

    Parameters
    ----------
    result : MetaAnalysis
        The meta-analysis.

    Returns
    -------
    Drawing
        Its picture.
    """
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=0.55 + _ROW * (result.k + 3.5),
        alt=_alt(result),
        caption=f"{result.k} effects ({result.measure}) with {result.level:.0%} intervals, largest first; area of a "
        f"square: weight. Diamond: random-effects estimate ({TAU2_METHODS[result.method][1]}); bar below: "
        f"{result.level:.0%} prediction interval for a new study, t on k \N{MINUS SIGN} 2 df. "
        "Dotted line: no effect; shaded: interval of the pooled effect.",
    )


def on_scale(result: MetaAnalysis, *values: float) -> list[float]:
    """Return effects on the scale on which the meta-analysis is shown.

    Parameters
    ----------
    result : MetaAnalysis
        The meta-analysis; its `scale` says how effects are shown.
    *values : float
        Effects as pooled.

    Returns
    -------
    list of float
        As they are, as ratios, or as correlations.
    """
    back: dict[str, Callable[[float], float]] = {"identity": float, "exp": math.exp, "tanh": math.tanh}
    return [back[result.scale](value) for value in values]


def _draw(result: MetaAnalysis, ax: "Axes") -> None:
    order = np.argsort(-result.yi, kind="stable")
    y = np.arange(result.k)[::-1] + 2.5
    low, high, effect = (
        np.array(on_scale(result, *values[order])) for values in (result.study_low, result.study_high, result.yi)
    )
    pooled_low, pooled_high = on_scale(result, result.low, result.high)
    ax.axvspan(pooled_low, pooled_high, color=BAND, linewidth=0, zorder=0)
    ax.hlines(y, low, high, color=FIRST, linewidth=0.9, zorder=2)
    areas = np.maximum(_LEAST_AREA, _MARK_AREA * result.weights[order] / result.weights.max())
    ax.scatter(effect, y, s=areas, marker="s", color=FIRST, linewidth=0, zorder=3)
    across = ax.get_yaxis_transform()
    for row, e, lo, hi in zip(y, effect, low, high, strict=True):
        words = f"{number(float(e), 2)} {interval(float(lo), float(hi), 2)}"
        ax.text(1.02, row, words, transform=across, va="center", fontsize=6.8)
    names = [label(result.labels[i], 26) for i in order]
    _pooled(result, ax)
    ax.set_yticks([*y, 1.0, 0.1], [*names, "pooled effect", "prediction interval"], fontsize=6.8)
    ax.get_yticklabels()[-2].set_fontweight("bold")
    ax.set_ylim(-0.8, result.k + 2.3)
    ax.set_xlabel(wrapped(result.measure, 44))
    (ratio_scale if result.scale == "exp" else ticks)(ax)
    bare(ax)


def _pooled(result: MetaAnalysis, ax: "Axes") -> None:
    null, estimate, low, high = on_scale(result, 0.0, result.estimate, result.low, result.high)
    across = ax.get_yaxis_transform()
    ax.fill([low, estimate, high, estimate], [1.0, 1.42, 1.0, 0.58], color=INK, linewidth=0, zorder=4)
    words = f"{number(estimate, 2)} {interval(low, high, 2)}"
    ax.text(1.02, 1.0, words, transform=across, va="center", fontsize=6.8, fontweight="bold")
    ahead_low, ahead_high = on_scale(result, *result.prediction_t)
    ax.plot([ahead_low, ahead_high], [0.1, 0.1], color=SECOND, linewidth=2.4, zorder=3)
    ax.text(1.02, 0.1, interval(ahead_low, ahead_high, 2), transform=across, va="center", fontsize=6.8)
    ax.axvline(null, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.axhline(1.85, color=FAINT, linewidth=0.7, zorder=1)


def _alt(result: MetaAnalysis) -> str:
    estimate, low, high, ahead_low, ahead_high = on_scale(
        result, result.estimate, result.low, result.high, *result.prediction_t
    )
    smallest, largest = result.labels[int(result.yi.argmin())], result.labels[int(result.yi.argmax())]
    return (
        f"Forest plot of {result.k} effects ({result.measure}). Pooled effect {number(estimate, 2)}, "
        f"{result.level:.0%} CI {interval(low, high, 2)}; prediction interval {interval(ahead_low, ahead_high, 2)}. "
        f"Smallest effect: {smallest}; largest: {largest}. "
        f"I squared {100 * result.i2:.0f} percent."
    )
