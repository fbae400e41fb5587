"""Whether causes come before effects: mediators, moderators, baselines and covariates in the order of time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.issues import Issue
from feedbackstudy.study.checks.finding import Location, error, note, warning
from feedbackstudy.study.checks.names import predictors_in, sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["asked_after_feedback", "check_paths"]


def check_paths(study: "Study") -> Iterator[Issue]:
    """Yield what is measured too early or too late for its part.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about the order of causes and effects.
    """
    for at, hypothesis in sound_hypotheses(study):
        if hypothesis.path is not None:
            yield from _mediators(study, at, hypothesis)
        yield from _moderators(study, at, hypothesis)
        yield from _baseline(study, at, hypothesis)
    for name in study.plan.covariates:
        if asked_after_feedback(study, name):
            yield warning(
                study,
                ("plan", "covariates"),
                "covariate_after_feedback",
                f"The covariate {name!r} is asked after the feedback only.",
                why="Feedback may have changed it; adjusting for it removes part of the effect or creates one.",
                fix="Adjust for what was known before the feedback, or treat it as a mediator or outcome.",
            )


def asked_after_feedback(study: "Study", name: str, occasion: str | None = None) -> bool:
    """Say whether a covariate, measure or score is known only after the feedback.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        A covariate, measure or score; an unknown name is not.
    occasion : str or None
        Look at this wave alone.

    Returns
    -------
    bool
        Whether every wave that asks it comes after the feedback.
    """
    covariate = study.covariates.get(name)
    measure = study.measures.get(name) or next((m for m in study.measures if name in m.columns), None)
    asked = (covariate.known_from,) if covariate else (measure.waves if measure else ())
    waves = [study.waves.get(wave) for wave in ((occasion,) if occasion else asked)]
    return bool(waves) and all(wave is not None and wave.phase == "after" for wave in waves)


def _wave_index(study: "Study", hypothesis: Hypothesis, score: str, occasion: str | None) -> int:
    waves = study.measure_of(score).waves
    named = occasion or hypothesis.occasion or waves[-1]
    return study.waves.names.index(named)


def _mediators(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    steps = hypothesis.path.through if hypothesis.path else ()
    at_outcome = _wave_index(study, hypothesis, hypothesis.outcome, None)
    times = [_wave_index(study, hypothesis, step.score, step.occasion) for step in steps]
    for step, when in zip(steps, times, strict=True):
        yield from _mediator(study, at, (step.score, when), (hypothesis.outcome, at_outcome))
    if hypothesis.path and hypothesis.path.structure == "serial" and times != sorted(times):
        yield error(
            study,
            at,
            "mediators_out_of_order",
            f"The serial path {' -> '.join(step.score for step in steps)} runs against the order of its waves.",
            why="An earlier answer cannot be the effect of a later one.",
            fix="List the mediators in the order of time, or use structure: parallel.",
        )


def _mediator(study: "Study", at: Location, mediator: tuple[str, int], outcome: tuple[str, int]) -> Iterator[Issue]:
    score, when = mediator
    if when > outcome[1]:
        yield error(
            study,
            at,
            "mediator_after_outcome",
            f"The mediator {score!r} is asked at {study.waves[when].name}, after the outcome {outcome[0]!r} at "
            f"{study.waves[outcome[1]].name}.",
            why="What comes later cannot carry an effect to what came earlier.",
            fix="Take the mediator from an earlier wave, or the outcome from a later one.",
        )
    elif study.waves[when].phase == "before":
        yield error(
            study,
            at,
            "mediator_before_feedback",
            f"The mediator {score!r} is asked at {study.waves[when].name}, before the feedback.",
            why="Feedback cannot act through what was settled before it came.",
            fix="Ask it after the feedback, or use it as a moderator or covariate.",
        )
    elif when == outcome[1]:
        yield note(
            study,
            at,
            "mediator_with_outcome",
            f"Mediator {score!r} and outcome {outcome[0]!r} are asked at the same wave.",
            why="The order of cause and effect then rests on theory alone; shared mood inflates their relation.",
            fix="Report it as consistent with mediation; better, ask the outcome at a later wave as well.",
        )


def _moderators(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    moderators = list(predictors_in(hypothesis))
    if hypothesis.path and hypothesis.path.moderator:
        moderators.append((hypothesis.path.moderator.by, None))
    for name, occasion in moderators:
        if hypothesis.contrast.kind == "association" or not asked_after_feedback(study, name, occasion):
            continue
        yield warning(
            study,
            at,
            "moderator_after_feedback",
            f"The moderator {name!r} is asked after the feedback.",
            why="Feedback may have changed the moderator, so groups formed by it are no longer comparable.",
            fix="Ask the moderator before the feedback.",
        )


def _baseline(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    if hypothesis.baseline and study.waves[hypothesis.baseline].phase == "after":
        yield error(
            study,
            at,
            "baseline_after_feedback",
            f"The baseline {hypothesis.baseline!r} comes after the feedback.",
            why="Adjusting for an answer that the feedback already changed removes part of the effect.",
            fix="Name a wave before the feedback, or use change_since for the change between two later waves.",
        )
