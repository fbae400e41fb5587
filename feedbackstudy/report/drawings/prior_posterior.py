"""Prior and posterior of a contrast on one axis, with a dot on each where there is no effect: the Bayes factor."""

from typing import TYPE_CHECKING

from feedbackstudy.analysis.prior_posterior import PriorPosterior
from feedbackstudy.render import number
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.style import FIRST, INK, MUTED, bare, ticks, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["prior_posterior_drawing"]

_VISIBLE = 4e-3  # of the highest density


@drawing.register(PriorPosterior)
def prior_posterior_drawing(result: PriorPosterior) -> Drawing:
    """Return the picture of a prior and a posterior.

    Parameters
    ----------
    result : PriorPosterior
        The densities.

    Returns
    -------
    Drawing
        Its picture.
    """
    factor = result.words
    return Drawing(
        draw=lambda ax: _draw(result, ax),
        height=2.7,
        alt=f"Prior ({result.prior_words}) and posterior density of {result.quantity}. At no effect the prior is "
        f"{number(result.prior_at_null)}, the posterior {number(result.posterior_at_null)}: {factor}.",
        caption=f"Dashed grey: prior ({result.prior_words}); blue: posterior; dots: densities where there is no "
        f"effect. Prior over posterior there is the Bayes factor for an effect: {factor}. {result.note}",
    )


def _draw(result: PriorPosterior, ax: "Axes") -> None:
    top = float(max(result.posterior.max(), result.prior_at_null))
    seen = result.grid[result.posterior > _VISIBLE * result.posterior.max()]
    low, high = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
    margin = 0.25 * (high - low)
    ax.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.plot(result.grid, result.prior, color=MUTED, linewidth=1.1, linestyle=(0, (4, 2)), zorder=2)
    ax.plot(result.grid, result.posterior, color=FIRST, linewidth=1.5, zorder=3)
    ax.fill_between(result.grid, result.posterior, color=FIRST, alpha=0.12, linewidth=0, zorder=2)
    ax.plot([0.0, 0.0], [result.prior_at_null, result.posterior_at_null], color=INK, linewidth=1.0, alpha=0.5, zorder=3)
    for height, ink in ((result.prior_at_null, MUTED), (result.posterior_at_null, FIRST)):
        ax.plot([0.0], [height], marker="o", color=ink, markersize=6, markeredgecolor="white", zorder=5)
    words = result.words
    left = float(result.grid[result.posterior.argmax()]) > 0
    at = (0.02, 0.97) if left else (0.98, 0.97)
    ax.text(*at, words, transform=ax.transAxes, ha="left" if left else "right", va="top", fontsize=8.5)
    ax.set_xlim(low - margin, high + margin)
    ax.set_ylim(0, 1.12 * top)
    ax.set_yticks([])
    ax.set_xlabel(wrapped(f"{result.quantity}; axis in {result.unit}", 58))
    ticks(ax)
    bare(ax)
