"""Draw a result: on axes you give, on axes of its own in a notebook, or as inline SVG for a document."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from feedbackstudy.provenance import SIMULATED, is_simulated
from feedbackstudy.render import escape
from feedbackstudy.report.drawing import Drawing, drawing
from feedbackstudy.report.drawings import (
    answer,
    answers,
    consort,
    counts,
    diagnosis,
    forest,
    frequencies,
    intervals,
    levels,
    longitudinal,
    manipulation,
    marginal_means,
    mediation_paths,
    mediation_views,
    path_diagram,
    policy_disclosed,
    policy_effects,
    policy_events,
    policy_impact,
    policy_rollout,
    policy_schedules,
    posterior,
    power_curve,
    power_surface,
    prior_posterior,
    rating_shares,
    robustness,
    score_groups,
    specification_curve,
)
from feedbackstudy.report.style import MUTED, house_style
from feedbackstudy.report.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Picture", "alt_text", "figure", "picture"]

DRAWINGS = (
    answer,
    answers,
    consort,
    counts,
    diagnosis,
    forest,
    frequencies,
    intervals,
    levels,
    longitudinal,
    manipulation,
    marginal_means,
    mediation_paths,
    mediation_views,
    path_diagram,
    policy_disclosed,
    policy_effects,
    policy_events,
    policy_impact,
    policy_rollout,
    policy_schedules,
    posterior,
    power_curve,
    power_surface,
    prior_posterior,
    rating_shares,
    robustness,
    score_groups,
    specification_curve,
)
"""The modules that register a drawing when they are imported."""


def figure(result: object, ax: "Axes | None" = None) -> "Axes":
    """Draw a result and return the axes.

    Parameters
    ----------
    result : object
        A meta-analysis, a posterior, frequencies, estimates, a reproduction, a factor model, levels of invariance,
        the items of a scale ...
    ax : Axes, optional
        Where to draw; a new pyplot figure of fitting size by default, which a notebook shows by itself.

    Returns
    -------
    Axes
        The axes drawn on. Nothing is shown or saved.

    Raises
    ------
    InputError
        Where this kind of result has no picture.
    """
    plan = _marked(result)
    if ax is not None:
        with house_style():
            plan.draw(ax)
        return ax
    from matplotlib import pyplot as plt

    # Outside the style: pyplot loads its backend here, and a notebook's would lose its settings with the style.
    page = plt.figure(figsize=(plan.width, plan.height), layout="constrained")
    with house_style():
        own = page.subplots()
        plan.draw(own)
    return own


def alt_text(result: object) -> str:
    """Say in words what the picture of a result shows.

    Parameters
    ----------
    result : object
        Anything that `figure` draws.

    Returns
    -------
    str
        One or a few sentences with the main numbers.
    """
    return _marked(result).alt


def _marked(result: object) -> Drawing:
    """Return the picture of a result, with a line in its corner where the data were simulated."""
    plan = drawing(result)
    if not is_simulated(result):
        return plan

    def draw(ax: "Axes") -> None:
        plan.draw(ax)
        ax.set_title(SIMULATED, loc="right", fontsize=6.5, color=MUTED)

    return replace(
        plan, draw=draw, height=plan.height + 0.15, alt=f"{SIMULATED} {plan.alt}", caption=f"{SIMULATED} {plan.caption}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawn picture, ready for a page.

    Attributes
    ----------
    svg : str
        An ``<svg>`` element that carries its alternative text.
    caption : str
        How to read it.
    """

    svg: str
    caption: str

    def html(self) -> str:
        """Return the picture with its caption.

        Returns
        -------
        str
            A ``<figure>`` element.
        """
        return f"<figure>{self.svg}<figcaption>{escape(self.caption)}</figcaption></figure>"


def picture(result: object, *, prefix: str, margins: tuple[float, float, float, float] | None = None) -> Picture:
    """Draw a result as inline SVG, without touching pyplot.

    Parameters
    ----------
    result : object
        Anything that `figure` draws.
    prefix : str
        Put before every id of the SVG; must differ between pictures of one page.
    margins : tuple of float, optional
        Left, bottom, right and top of the axes as shares of the picture, where they are known: laying a picture out
        takes as long as drawing it.

    Returns
    -------
    Picture
        The picture and its caption.
    """
    from matplotlib.figure import Figure

    plan = _marked(result)
    with house_style():
        canvas = Figure(figsize=(plan.width, plan.height), layout="constrained" if margins is None else None)
        if margins is not None:
            canvas.subplots_adjust(*margins)
        plan.draw(canvas.add_subplot())
    return Picture(svg=inline_svg(canvas, alt=plan.alt, prefix=prefix), caption=plan.caption)
