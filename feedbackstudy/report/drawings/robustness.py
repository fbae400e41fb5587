"""The Bayes factor over widths of the prior: a curve, the declared width on it, and where verdicts change."""

from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.analysis.bayesian.robustness import Robustness
from feedbackstudy.render import bayes_factor, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, MUTED, bare, label, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["robustness_drawing"]

_MARKS = (1 / 100, 1 / 30, 1 / 10, 1 / 3, 1.0, 3.0, 10.0, 30.0, 100.0)
_LOG_TEN, _MOST = float(np.log(10.0)), 6.0
_UNITS = {"cauchy": "Cauchy prior of the standardised effect", "normal": "normal prior of the effect",
          "stretched beta": "stretched beta prior of the correlation"}  # fmt: skip


@drawing.register(Robustness)
def robustness_drawing(result: Robustness) -> Drawing:
    """Return the picture of a Bayes factor over prior widths.

    Parameters
    ----------
    result : Robustness
        The curve.

    Returns
    -------
    Drawing
        Its picture.
    """
    factors = result.bayes_factors
    width, largest = result.largest
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=2.8,
        alt=f"Bayes factor of {result.quantity} over the width of the prior: {bayes_factor(float(factors[0]))} at "
        f"{number(float(result.scales[0]))}, {bayes_factor(result.bayes_factor)} at the declared "
        f"{number(result.declared)}, {bayes_factor(float(factors[-1]))} at {number(float(result.scales[-1]))}; largest "
        f"{bayes_factor(largest)} at {number(width)}. Verdicts at a threshold of 3: {', '.join(result.verdicts(3.0))}.",
        caption=f"Bayes factor for an effect over the width of the {_UNITS[result.family]} ({result.alternative}). "
        "Dot: the declared width; grey band: between 1/3 and 3, hardly any evidence. Both axes logarithmic.",
    )


def _draw(result: Robustness, ax: "Axes") -> None:
    tens = np.asarray(result.log_bayes_factors) / _LOG_TEN
    at = result.log_declared / _LOG_TEN
    ax.axhspan(-np.log10(3), np.log10(3), color=BAND, linewidth=0, zorder=0)
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.plot(result.scales, tens, color=FIRST, linewidth=1.6, zorder=3)
    ax.plot([result.declared] * 2, [0.0, at], color=FAINT, linewidth=0.9, zorder=2)
    ax.plot([result.declared], [at], marker="o", color=FIRST, markersize=6.5, markeredgecolor="white", zorder=4)
    words = f"declared width {result.declared:g}: {bayes_factor(result.bayes_factor)}"
    late = result.declared > np.sqrt(result.scales[0] * result.scales[-1]) * 1.5
    ax.annotate(
        words, (result.declared, at), xytext=(-6 if late else 6, 7), textcoords="offset points", fontsize=7.5,
        ha="right" if late else "left",
    )  # fmt: skip
    low, high = min(float(tens.min()), -0.6), max(float(tens.max()), 0.6)
    ax.set_ylim(low - 0.15, high + 0.3)
    _heights(low, high, ax)
    ax.set_xscale("log")
    _widths(result, ax)
    ax.set_ylabel("BF10", color=MUTED)
    ax.set_xlabel(wrapped(f"width of the prior; {label(result.quantity, 90)}", 56))
    bare(ax, keep=("bottom", "left"))


def _heights(low: float, high: float, ax: "Axes") -> None:
    if max(-low, high) > _MOST:
        return
    marks = [mark for mark in _MARKS if low - 0.1 <= np.log10(mark) <= high + 0.3]
    whole = [10.0**power for power in range(int(np.floor(low)), int(np.ceil(high)) + 1) if abs(power) > 2]
    chosen = sorted({*marks, *whole}) if high - low < 4 else sorted(m for m in {1.0, 10, 100, 0.1, 0.01, *whole})
    names = [f"{mark:g}" if mark >= 1 else f"1/{1 / mark:.0f}" for mark in chosen]
    ax.set_yticks([float(np.log10(mark)) for mark in chosen], names)
    ax.set_ylim(low - 0.15, high + 0.3)


def _widths(result: Robustness, ax: "Axes") -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    inside = [w for w in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
              if result.scales[0] <= w <= result.scales[-1]]  # fmt: skip
    if len(inside) >= 2:
        ax.xaxis.set_major_locator(FixedLocator(inside))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
