"""Whether the right things are asked of the right people: checks, arms, referents, sample."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.issues import Issue
from feedbackstudy.render import counted
from feedbackstudy.study.checks.finding import error, note, warning
from feedbackstudy.study.checks.names import contrasted, predictors_in, sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_asking"]

FEW_CLUSTERS = 12
NEEDS_A_MESSAGE = frozenset({"message", "feedback", "sender"})


def check_asking(study: "Study") -> Iterator[Issue]:
    """Yield what is asked of nobody, of the wrong people, or in an order that primes.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about measures and sample.
    """
    yield from _arms_asked(study)
    yield from _referents(study)
    yield from _priming(study)
    yield from _clusters(study)
    if not study.conduct.published:
        yield from _manipulation_checks(study)
        yield from _checks_of_nothing(study)
        yield from _unused(study)
        yield from _sample(study)


def _arms_asked(study: "Study") -> Iterator[Issue]:
    for arm in (FEEDBACK, *study.arms.names):
        if not any(measure.asks(arm) for measure in study.measures):
            yield error(
                study,
                ("measures",) if arm == FEEDBACK else ("arms", study.arms.names.index(arm)),
                "arm_without_measure",
                f"Nobody asks the arm {arm!r} anything.",
                why="An arm without a measure uses people up and answers nothing.",
                fix=f"Ask {arm!r} the outcome it should be compared on, or drop the arm.",
            )


def _referents(study: "Study") -> Iterator[Issue]:
    untold = [arm.name for arm in study.arms if arm.told == "nothing"]
    for i, measure in enumerate(study.measures):
        puzzled = [arm for arm in untold if measure.asks(arm)]
        if measure.referent in NEEDS_A_MESSAGE and puzzled:
            yield error(
                study,
                ("measures", i),
                "referent_absent",
                f"{measure.name!r} speaks about the {measure.referent} and is asked of {', '.join(puzzled)}, who heard "
                "nothing.",
                why="People would answer about something that did not happen.",
                fix="Leave these arms out of asked_of, or ask about something every arm has met, such as the process.",
            )


def _priming(study: "Study") -> Iterator[Issue]:
    effects = {"outcome", "mediator"}
    for i, measure in enumerate(study.measures):
        if measure.role not in {"manipulation_check", "awareness"} or measure.placement not in {"in_order", "first"}:
            continue
        rest = study.measures[i + 1 :] if measure.placement == "in_order" else study.measures
        primed = [m.name for m in rest if m.role in effects and set(m.waves) & set(measure.waves)]
        if primed:
            yield warning(
                study,
                ("measures", i),
                "check_may_prime",
                f"{measure.name!r} is asked before {', '.join(primed)}.",
                why="Asking about the manipulation tells people what the study is about before they answer.",
                fix="Use placement: last, half_sample or pilot.",
            )


def _clusters(study: "Study") -> Iterator[Issue]:
    for i, factor in enumerate(study.factors):
        unit = study.units.get(factor.assigned_to) if factor.assigned_to else None
        if unit is not None and unit.n is not None and unit.n < FEW_CLUSTERS:
            yield warning(
                study,
                ("factors", i),
                "few_clusters",
                f"{factor.name!r} is assigned to {counted(unit.n, 'unit')} of {unit.name!r}.",
                why=f"With fewer than {FEW_CLUSTERS} clusters ordinary standard errors are too small.",
                fix="Add clusters, or plan small-cluster corrections and randomisation inference.",
            )


def _manipulation_checks(study: "Study") -> Iterator[Issue]:
    checked = {name for measure in study.measures for name in measure.checks}
    tested = {name for _, h in sound_hypotheses(study) if h.confirmatory for name in contrasted(h.contrast)}
    for i, factor in enumerate(study.factors):
        if factor.name in tested - checked and factor.mode != "measured":
            yield warning(
                study,
                ("factors", i),
                "no_manipulation_check",
                f"No measure checks whether people notice {factor.name!r}.",
                why="If no effect is found, nobody can tell an effect that is absent from a manipulation that failed.",
                fix=f"Add a measure with role: manipulation_check and checks: [{factor.name}], in a pilot or last.",
            )


def _checks_of_nothing(study: "Study") -> Iterator[Issue]:
    """Yield scores of a manipulation check that belong to no factor, where others of the same measure do."""
    for i, measure in enumerate(study.measures):
        factors = [f for f in study.factors if f.name in (measure.checks or study.factors.names)]
        named = {word for factor in factors for word in (factor.name, factor.concept) if word}
        lost = [
            column
            for column in measure.columns
            if not named & {measure.scores.get(column, column), *column.split("_")}
            and not any(column.endswith(f"_{name}") for name in named)
        ]
        known = set(measure.checks) <= set(study.factors.names)  # an unknown factor is said already
        if measure.role != "manipulation_check" or not known or not 0 < len(lost) < len(measure.columns):
            continue
        yield warning(
            study,
            ("measures", i),
            "check_of_no_factor",
            f"{', '.join(map(repr, lost))} of {measure.name!r} {'checks' if len(lost) == 1 else 'check'} none of its "
            f"factors ({', '.join(factor.name for factor in factors)}).",
            why="It would be asked, and read as a check of all of them.",
            fix=f"Where its factor was removed, take {lost[0]!r} out of 'scores'; where it was renamed, let the score "
            "bear its name, or the factor's 'concept' that of the subscale.",
        )


def _unused(study: "Study") -> Iterator[Issue]:
    used = {h.outcome for h in study.hypotheses}
    used |= {step.score for h in study.hypotheses if h.path for step in h.path.through}
    used |= {name for h in study.hypotheses for name, _ in predictors_in(h)}
    for i, measure in enumerate(study.measures):
        if measure.role in {"outcome", "mediator"} and not used & set(measure.columns):
            yield note(
                study,
                ("measures", i),
                "unused_measure",
                f"{measure.name!r} is asked as {measure.role}, but no hypothesis uses it.",
                why="An outcome nobody predicted can only be explored, and every question costs people's time.",
                fix="Declare an exploratory hypothesis about it, give it the role description, or drop it.",
            )


def _sample(study: "Study") -> Iterator[Issue]:
    containers = {unit.nested_in for unit in study.units}
    lowest = [unit for unit in study.units if unit.name not in containers]
    if not lowest or lowest[0].n is None:
        yield note(
            study,
            ("units",),
            "no_sample_size",
            "The study does not say how many participants are planned.",
            why="A sample size that is not fixed beforehand can follow the result.",
            fix="Add units with n for the lowest level.",
        )
