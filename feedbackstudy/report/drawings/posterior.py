"""A posterior: its density, the interval, the region of practical equivalence, the prior in grey, and the null."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import BAND, FIRST, INK, MUTED, bare, ratio_scale, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["posterior_drawing"]

_WIDE_RATIO = 15.0  # an interval of ratios wider than this is drawn on a logarithmic axis
_VISIBLE = 2e-3  # of the highest density; further out the curve lies on the axis


@drawing.register(Posterior)
def posterior_drawing(result: Posterior) -> Drawing:
    """Return the picture of a posterior.

    Parameters
    ----------
    result : Posterior
        The posterior on its grid.

    Returns
    -------
    Drawing
        Its picture.
    """
    return Drawing(draw=lambda ax: _draw(result, ax), height=2.6, alt=_alt(result), caption=_caption(result), width=4.5)


def _is_wide_ratio(result: Posterior) -> bool:
    return result.null == 1.0 and result.grid[0] > 0 and result.low > 0 and result.high / result.low > _WIDE_RATIO


def _heights(result: Posterior, density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the density of the logarithm where the axis is logarithmic, so that areas stay probabilities."""
    return density * result.grid if _is_wide_ratio(result) else density


def _window(result: Posterior) -> tuple[float, float]:
    heights = _heights(result, result.density)
    visible = result.grid[heights > _VISIBLE * heights.max()]
    marks = [result.null, result.low, result.high, *(result.rope or ())]
    low, high = float(min(visible.min(), *marks)), float(max(visible.max(), *marks))
    if _is_wide_ratio(result):
        return low / 1.15, high * 1.15
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _draw(result: Posterior, ax: "Axes") -> None:
    top = float(_heights(result, result.density).max())
    low, high = _window(result)
    if result.rope is not None:
        ax.axvspan(*result.rope, color=BAND, zorder=0, linewidth=0)
        ax.text(
            *(float(np.mean(result.rope)), top * 1.16),
            "practically equivalent (ROPE)",
            ha="center",
            va="center",
            color=MUTED,
            fontsize=7,
        )
    ax.axvline(result.null, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    if result.prior_density is not None:
        ax.plot(
            result.grid,
            _heights(result, result.prior_density),
            color=MUTED,
            linewidth=0.9,
            linestyle=(0, (4, 2)),
            zorder=2,
        )
    _density(result, ax)
    ax.plot([result.low, result.high], [-0.045 * top] * 2, color=FIRST, linewidth=2.6, zorder=4)
    ax.plot([result.median], [-0.045 * top], marker="o", color=FIRST, markersize=5, markeredgecolor="white", zorder=5)
    ax.set_xlim(low, high)
    ax.set_ylim(-0.1 * top, top * (1.26 if result.rope is not None else 1.06))
    ax.set_yticks([])
    unit = f" ({result.unit})" if result.unit else ""
    ax.set_xlabel(wrapped(f"{result.quantity}{unit}", 62))
    (ratio_scale if _is_wide_ratio(result) else ticks)(ax)
    bare(ax)


def _density(result: Posterior, ax: "Axes") -> None:
    ax.plot(result.grid, _heights(result, result.density), color=FIRST, linewidth=1.4, zorder=3)
    inside, heights = _clipped(result)
    ax.fill_between(inside, heights, color=FIRST, alpha=0.22, linewidth=0, zorder=2)


def _clipped(result: Posterior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    within = (result.grid > result.low) & (result.grid < result.high)
    inside = np.concatenate([[result.low], result.grid[within], [result.high]])
    return inside, np.interp(inside, result.grid, _heights(result, result.density))


def _alt(result: Posterior) -> str:
    unit = f" {result.unit}" if result.unit else ""
    words = [
        f"Posterior density of {result.quantity}: median {number(result.median)}{unit},"
        f" {result.level:.0%} {result.interval_kind} interval {interval(result.low, result.high)}."
    ]
    where = "inside" if result.low <= result.null <= result.high else "outside"
    words.append(f"The null value {result.null:g} lies {where} the interval.")
    if result.rope is not None and result.prob_rope is not None:
        share = number(result.prob_rope, unit_interval=True)
        words.append(f"Probability {share} lies in the region of practical equivalence {interval(*result.rope)}.")
    return " ".join(words)


def _caption(result: Posterior) -> str:
    parts = [
        f"Posterior of {result.quantity}. Shaded: {result.level:.0%} {result.interval_kind} interval; "
        f"dot: median {number(result.median)}; dotted line: {result.null:g}"
    ]
    parts += ["logarithmic axis, density of the logarithm"] if _is_wide_ratio(result) else []
    parts += ["dashed grey: prior"] if result.prior_density is not None else []
    parts += [f"band: practically equivalent, {interval(*result.rope)}"] if result.rope is not None else []
    return "; ".join(parts) + (f". Computed by {result.engine}." if result.engine else ".")
