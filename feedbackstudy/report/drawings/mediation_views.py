"""Pictures of one indirect effect: bootstrap beside posterior, over a moderator, under unmeasured confounding."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.confounding import Confounding
from feedbackstudy.analysis.mediation_views import ConditionalEffects, EffectDraws
from feedbackstudy.render import interval, number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FIRST, INK, MUTED, SECOND, bare, label, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["conditional_drawing", "confounding_drawing", "effect_draws_drawing"]

type Floats = NDArray[np.float64]

_BINS = 60


@drawing.register(EffectDraws)
def effect_draws_drawing(result: EffectDraws) -> Drawing:
    """Return the picture of one effect: histogram of bootstrap draws, posterior density, both intervals.

    Parameters
    ----------
    result : EffectDraws
        The draws.

    Returns
    -------
    Drawing
        Its picture.
    """
    post = result.posterior
    both = (
        f"{result.kind} {interval(result.low, result.high)} around {number(result.estimate)}; posterior median "
        f"{number(post.median)}, HDI {interval(post.low, post.high)}"
    )
    return Drawing(
        draw=lambda ax: _draw_density(result, ax),
        height=2.7,
        alt=f"{result.effect}: {both}.",
        caption="Grey bars: bootstrap draws, blue line below: their interval; orange curve: posterior density, orange "
        "line below: highest-density interval; dotted: no effect.",
    )


def _draw_density(result: EffectDraws, ax: "Axes") -> None:
    post = result.posterior
    low, high = np.quantile(result.draws, [0.001, 0.999])
    edges = np.linspace(min(low, post.low, 0.0), max(high, post.high, 0.0), _BINS + 1)
    heights, _ = np.histogram(result.draws, bins=edges, density=True)
    ax.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color="#c9d0d6", linewidth=0, zorder=1)
    ax.plot(post.grid, post.density, color=SECOND, linewidth=1.4, zorder=3)
    ax.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2)
    top = float(max(heights.max(), post.density.max()))
    for at, middle, span, ink in (
        (-0.06, result.estimate, (result.low, result.high), FIRST),
        (-0.13, post.median, (post.low, post.high), SECOND),
    ):
        ax.plot(span, [at * top] * 2, color=ink, linewidth=2.4, zorder=4)
        ax.plot([middle], [at * top], marker="o", color=ink, markersize=4.5, markeredgecolor="white", zorder=5)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-0.19 * top, 1.08 * top)
    ax.set_yticks([])
    ax.set_xlabel(wrapped(result.effect, 62))
    ticks(ax)
    bare(ax)


@drawing.register(ConditionalEffects)
def conditional_drawing(result: ConditionalEffects) -> Drawing:
    """Return the picture of an effect over its moderator.

    Parameters
    ----------
    result : ConditionalEffects
        Effects at the moderator's values.

    Returns
    -------
    Drawing
        Its picture.
    """
    ends = [
        f"{result.labels[i] if result.labels else number(float(result.at[i]))}: {number(float(result.estimate[i]))} "
        f"{interval(float(result.low[i]), float(result.high[i]))}, posterior {number(float(result.median[i]))} "
        f"{interval(float(result.hdi_low[i]), float(result.hdi_high[i]))}"
        for i in (range(len(result.at)) if result.labels else (0, len(result.at) - 1))
    ]
    return Drawing(
        draw=lambda ax: _draw_conditional(result, ax),
        height=2.9,
        alt=f"{result.effect} by {result.moderator}. {'; '.join(ends)}.",
        caption=f"Blue: estimate with {result.level:.0%} confidence interval; orange: posterior median with "
        f"{result.level:.0%} highest-density interval (pointwise); dotted: no effect.",
    )


def _draw_conditional(result: ConditionalEffects, ax: "Axes") -> None:
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    if result.labels:
        for side, ink, middle, low, high in (
            (-0.08, FIRST, result.estimate, result.low, result.high),
            (0.08, SECOND, result.median, result.hdi_low, result.hdi_high),
        ):
            ax.vlines(result.at + side, low, high, color=ink, linewidth=2.0, zorder=3)
            ax.plot(result.at + side, middle, "o", color=ink, markersize=5, markeredgecolor="white", zorder=4)
        ax.set_xticks(result.at, [label(name, 18) for name in result.labels])
        ax.set_xlim(-0.5, len(result.at) - 0.5)
    else:
        _bands(result.at, result, ax)
        ax.set_xlabel(wrapped(result.moderator, 40))
    ax.set_ylabel(wrapped(result.effect, 34), fontsize=7.5)
    bare(ax, keep=("bottom", "left"))


def _bands(at: Floats, result: ConditionalEffects | Confounding, ax: "Axes") -> None:
    """Draw both answers as lines with bands: the interval filled, the highest-density interval by its borders."""
    ax.fill_between(at, result.low, result.high, color=FIRST, alpha=0.16, linewidth=0, zorder=2)
    ax.plot(at, result.estimate, color=FIRST, linewidth=1.5, zorder=4)
    ax.plot(at, result.median, color=SECOND, linewidth=1.2, zorder=3)
    for border in (result.hdi_low, result.hdi_high):
        ax.plot(at, border, color=SECOND, linewidth=0.8, linestyle=(0, (3, 2)), zorder=3)


@drawing.register(Confounding)
def confounding_drawing(result: Confounding) -> Drawing:
    """Return the picture of an effect over the residual correlation that a common cause would make.

    Parameters
    ----------
    result : Confounding
        The curve.

    Returns
    -------
    Drawing
        Its picture.
    """
    return Drawing(
        draw=lambda ax: _draw_confounding(result, ax),
        height=2.9,
        alt=f"{result.effect} over the residual correlation of {result.leg}: 0 at {number(result.rho_zero)}; the "
        f"interval reaches 0 at {number(result.rho_interval)}, the HDI at {number(result.rho_hdi)}.",
        caption=f"Blue: estimate with {result.level:.0%} confidence band; orange: posterior median with "
        f"{result.level:.0%} highest-density borders. Vertical line: where the effect would vanish.",
    )


def _draw_confounding(result: Confounding, ax: "Axes") -> None:
    ax.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.axvline(result.rho_zero, color=MUTED, linewidth=0.9, zorder=1)
    _bands(result.rho, result, ax)
    ax.set_xlabel(wrapped(f"residual correlation ({result.leg})", 62))
    ax.set_ylabel(wrapped(result.effect, 34), fontsize=7.5)
    bare(ax, keep=("bottom", "left"))
