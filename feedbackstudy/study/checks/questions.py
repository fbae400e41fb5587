"""Whether each hypothesis can be answered: asked then, asked there, estimable, and of the evidence it claims."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.comparisons import (
    Association,
    CellsVsArm,
    Comparison,
    Interaction,
    MainEffect,
    Moderation,
    SimpleEffect,
)
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import InputError
from feedbackstudy.issues import Issue
from feedbackstudy.study.checks.finding import Location, error, warning
from feedbackstudy.study.checks.names import arms_in, contrasted, predictors_in, sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_questions"]

_ASK_INSTEAD = {
    "nominal": "Declare the category of interest as a measure of its own (kind: binary) and ask about that.",
    "time_to_event": "Declare whether it happened by a set time as a measure of its own (kind: binary) and ask about "
    "that.",
}


def check_questions(study: "Study") -> Iterator[Issue]:
    """Yield what keeps a hypothesis from being answered.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about single hypotheses.
    """
    for at, hypothesis in sound_hypotheses(study):
        yield from _modelled(study, at, hypothesis)
        yield from _occasions(study, at, hypothesis)
        yield from _arms(study, at, hypothesis)
        yield from _estimable(study, at, hypothesis)
        yield from _assigned(study, at, hypothesis)


def _modelled(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    steps = [(step.score, "mediator") for step in hypothesis.path.through] if hypothesis.path else []
    for score, part in ((hypothesis.outcome, "outcome"), *steps):
        kind = study.measure_of(score).kind
        if kind in _ASK_INSTEAD:
            yield (error if hypothesis.confirmatory else warning)(
                study,
                at,
                "no_model",
                f"The {part} {score!r} of {hypothesis.name!r} is {kind.replace('_', ' ')}, and no engine has a model "
                "for that.",
                why="The hypothesis would stay without an answer.",
                fix=_ASK_INSTEAD[kind],
            )


def _occasions(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    waves = study.measure_of(hypothesis.outcome).waves
    if hypothesis.occasion is None and len(waves) > 1:
        yield error(
            study,
            at,
            "no_occasion",
            f"The outcome {hypothesis.outcome!r} is asked at {', '.join(waves)}, and the hypothesis names none.",
            why="Choosing the wave after seeing the numbers would be a second chance for the hypothesis.",
            fix=f"Add 'occasion: {waves[-1]}', or whichever wave is meant.",
        )
    steps = hypothesis.path.through if hypothesis.path else ()
    looked_at = [(hypothesis.outcome, wave) for wave in (hypothesis.occasion, hypothesis.change_since)]
    looked_at += [(hypothesis.outcome, hypothesis.baseline)]
    looked_at += [(step.score, step.occasion or hypothesis.occasion) for step in steps]
    looked_at += [pair for pair in predictors_in(hypothesis) if pair[0] not in study.covariates.names]
    for score, wave in looked_at:
        asked = study.measure_of(score).waves
        if wave is not None and wave not in asked:
            yield error(
                study,
                at,
                "not_asked_then",
                f"{score!r} is asked at {', '.join(asked)}, not at {wave!r}.",
                why="There will be no numbers at that wave.",
                fix=f"Name a wave that asks it, or add {wave!r} to the waves of its measure.",
            )


def _arms(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    steps = hypothesis.path.through if hypothesis.path else ()
    for score in (hypothesis.outcome, *(step.score for step in steps)):
        measure = study.measure_of(score)
        for arm in arms_in(hypothesis.contrast):
            if not measure.asks(arm):
                yield error(
                    study,
                    at,
                    "arm_not_asked",
                    f"The hypothesis needs {score!r} of the arm {arm!r}, but {measure.name!r} is asked only of "
                    f"{', '.join(measure.asked_of)}.",
                    why="Not asked is not missing: nothing can be estimated or imputed for people who never saw the "
                    "question.",
                    fix=f"Ask {measure.name!r} of {arm!r} with a wording that makes sense there, or compare arms on an "
                    "outcome that all of them are asked.",
                )


def _estimable(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    if isinstance(hypothesis.contrast, Association):
        return
    try:
        weights(hypothesis.contrast, study.crossing)
    except InputError as fault:
        yield error(
            study,
            at,
            "not_estimable",
            str(fault),
            why="No analysis could compute this contrast from the cells that the study has.",
            fix="Change the contrast, or the factors, levels and cells it rests on.",
        )
        return
    if _all_at_once(hypothesis.contrast) and hypothesis.direction in {"positive", "negative"}:
        yield error(
            study,
            at,
            "directed_omnibus",
            f"The hypothesis expects a {hypothesis.direction} difference, but its contrast names no two levels and "
            "compares all at once.",
            why="Without a level and what it is compared with, a difference has no sign; the result could be "
            "significant the wrong way round.",
            fix="Name level and against (two levels), use a trend or weights, or set direction: either.",
        )


def _all_at_once(comparison: Comparison) -> bool:
    match comparison:
        case MainEffect() | SimpleEffect() | Moderation():
            return comparison.level is None
        case Interaction():
            return bool(comparison.factors)
        case _:
            return isinstance(comparison, CellsVsArm)


def _assigned(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    used = [study.factors[name] for name in contrasted(hypothesis.contrast)]
    measured = [factor.name for factor in used if factor.mode == "measured"]
    outside = [arm for arm in arms_in(hypothesis.contrast) if arm != FEEDBACK]
    found_only = isinstance(hypothesis.contrast, Association) or (measured and len(measured) == len(used))
    if hypothesis.evidence == "experimental" and found_only and not outside:
        yield error(
            study,
            at,
            "not_assigned",
            f"The hypothesis claims experimental evidence, but {', '.join(measured) or 'its predictor'} is measured, "
            "not assigned.",
            why="People who differ in it differ in other things as well, so the contrast is no effect.",
            fix="Set evidence: observational, or assign the levels (mode: described or enacted).",
        )
