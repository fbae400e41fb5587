"""Whether a scale can hold the smallest effect of interest, and whether anybody would expect one of that size."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from feedbackstudy.design.comparisons import Trend
from feedbackstudy.design.contrasts import difference_unit, weights
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import InputError
from feedbackstudy.issues import Issue
from feedbackstudy.scales.jobs import jobs_of
from feedbackstudy.scales.libraries import library
from feedbackstudy.study.checks.finding import Location, error, warning
from feedbackstudy.study.checks.names import sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_sizes", "reach_of"]

_LARGE = 1.5
_SPREAD = 0.2  # of the range: the standard deviation that World.assumed takes


def check_sizes(study: "Study") -> Iterator[Issue]:
    """Yield smallest effects that no answers could show, and those that are hardly meant.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        ``study.sesoi_beyond_scale`` and ``study.sesoi_very_large``.
    """
    for at, hypothesis in sound_hypotheses(study):
        if hypothesis.sesoi is not None and hypothesis.path is None:
            yield from _size(study, (*at, "sesoi"), hypothesis)


def reach_of(study: "Study", score: str) -> tuple[float, float] | None:
    """Return the smallest and the largest value that a score can have.

    Parameters
    ----------
    study : Study
        The study.
    score : str
        Score column.

    Returns
    -------
    tuple of (float, float) or None
        None where there are no limits, or a scale does not say them.
    """
    measure = study.measure_of(score)
    if measure.kind in {"binary", "proportion"}:
        return 0.0, 1.0
    if measure.kind != "scale":
        return measure.range if measure.kind in {"rating", "continuous"} else None
    try:
        job = jobs_of(measure, library(study.folder))[0][0]
        form = job.scale.form(job.form)
        method, answers = job.scale.scoring.method, form.likert_options
        if answers is None or job.scale.scoring.value_map:
            return None
        low, high = float(answers.min), float(answers.max)
        if method == "sum":
            items = len(form.subscale(job.parts[score]).items or ()) if score in job.parts else 0
            return (low * items, high * items) if items else None
    except InputError:  # said by the check of measures
        return None
    return (0.0, 100.0) if method == "pomp" else (low, high)


def _size(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    if hypothesis.sesoi is None or hypothesis.sesoi.unit not in {"sd", "raw", "percentage_points"}:
        return
    value, unit = hypothesis.sesoi.value, hypothesis.sesoi.unit
    reach = reach_of(study, hypothesis.outcome)
    words = f"{value:g} {'points' if unit == 'raw' else unit.replace('_', ' ')}"
    if reach is not None:
        span = reach[1] - reach[0]
        points = {"sd": value * _SPREAD * span, "raw": value, "percentage_points": value / 100}[unit]
        most = span * _steps(study, hypothesis)
        if points >= most:
            assumed = (
                f" (with a standard deviation of {_SPREAD * span:g}, a fifth of the range)" if unit == "sd" else ""
            )
            yield error(
                study,
                at,
                "sesoi_beyond_scale",
                f"The smallest effect of {hypothesis.name!r} is {words}, but {hypothesis.outcome!r} lies between "
                f"{reach[0]:g} and {reach[1]:g}: this comparison cannot reach "
                f"{most:.3g}{assumed}{_per_unit(hypothesis)}.",
                why="No answers could show such an effect; nothing can be simulated or planned with it.",
                fix="Give a size that somebody could see, such as value: 0.3, unit: sd; unit: raw means points of the "
                "score.",
            )
            return
    in_sd = value if unit == "sd" else (points / (_SPREAD * span) if reach is not None and unit == "raw" else 0.0)
    if in_sd > _LARGE:
        yield warning(
            study,
            at,
            "sesoi_very_large",
            f"The smallest effect of {hypothesis.name!r} is {words}"
            + ("." if unit == "sd" else f", about {in_sd:.1f} standard deviations."),
            why="Effects of messages are mostly below half a standard deviation; the number of people that follows "
            "from this one will be far too small for anything else that matters.",
            fix="Give the smallest effect that would matter to somebody, not the one hoped for; see "
            "power.suggest_sesoi.",
        )


def _per_unit(hypothesis: Hypothesis) -> str:
    trend = isinstance(hypothesis.contrast, Trend)
    return (
        ", because the size of a trend counts for one unit of the factor's scores, and not from first to last" * trend
    )


def _steps(study: "Study", hypothesis: Hypothesis) -> float:
    """Return how many ranges of the score the contrast can span: 1 for a difference, 2 for one of two differences."""
    try:
        matrix = weights(hypothesis.contrast, study.crossing).matrix
    except (InputError, TypeError):
        return 1.0
    if isinstance(hypothesis.contrast, Trend):
        return difference_unit(hypothesis.contrast, matrix[0])
    return max(float(np.abs(matrix).sum(axis=1).max()) / 2, 0.5) if matrix.size else 1.0
