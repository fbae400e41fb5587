"""Every name in a study must exist: factors, levels, arms, units, waves, scores, hypotheses, claims."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.claims import claim_ids
from feedbackstudy.design.comparisons import (
    ArmVsArm,
    Association,
    CellsVsArm,
    Comparison,
    FeedbackVsArm,
    Interaction,
    MainEffect,
    MeanVsValue,
    Moderation,
    SimpleEffect,
    Trend,
    WeightedCells,
)
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.design.plan import PARADATA
from feedbackstudy.issues import Issue
from feedbackstudy.study.checks.finding import Location, absent, error

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["arms_in", "check_names", "contrasted", "predictors_in", "sound_hypotheses", "uses_levels"]


def arms_in(comparison: Comparison) -> tuple[str, ...]:
    """Return the arms whose people a comparison needs, ``"feedback"`` standing for the crossing.

    Parameters
    ----------
    comparison : Comparison
        What is compared.

    Returns
    -------
    tuple of str
        Arm names.
    """
    match comparison:
        case FeedbackVsArm() | CellsVsArm():
            return (FEEDBACK, comparison.arm)
        case ArmVsArm():
            return (comparison.arm, comparison.against)
        case WeightedCells():
            return tuple(dict.fromkeys(cell.arm or FEEDBACK for cell in comparison.cells))
        case MeanVsValue():
            return (comparison.arm or FEEDBACK,)
        case _:
            return (FEEDBACK,)


def uses_levels(comparison: Comparison) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each factor that a comparison names, with the levels it names.

    Parameters
    ----------
    comparison : Comparison
        What is compared.

    Yields
    ------
    tuple of (str, tuple of str)
        Factor and levels; no level where all are meant.
    """
    match comparison:
        case MainEffect() | SimpleEffect() | Moderation():
            yield comparison.factor, tuple(filter(None, (comparison.level, comparison.against)))
        case Trend():
            yield comparison.factor, ()
        case Interaction():
            yield from ((factor, ()) for factor in comparison.factors)
            yield from comparison.levels.items()
        case WeightedCells():
            for cell in comparison.cells:
                yield from ((factor, (level,)) for factor, level in cell.at.items())
    at: Mapping[str, str] = getattr(comparison, "at", {})
    yield from ((factor, (level,)) for factor, level in at.items())


def contrasted(comparison: Comparison) -> tuple[str, ...]:
    """Return the factors whose levels a comparison sets against each other, without those it only holds.

    Parameters
    ----------
    comparison : Comparison
        What is compared.

    Returns
    -------
    tuple of str
        Factor names.
    """
    match comparison:
        case MainEffect() | SimpleEffect() | Moderation() | Trend():
            return (comparison.factor,)
        case Interaction():
            return comparison.factors or tuple(comparison.levels)
        case WeightedCells():
            named: dict[str, set[str]] = {}
            for factor, levels in uses_levels(comparison):
                named.setdefault(factor, set()).update(levels)
            return tuple(factor for factor, levels in named.items() if len(levels) > 1)
        case _:
            return ()


def predictors_in(hypothesis: Hypothesis) -> Iterator[tuple[str, str | None]]:
    """Yield the measured predictors and moderators of a hypothesis with their waves.

    Parameters
    ----------
    hypothesis : Hypothesis
        The hypothesis.

    Yields
    ------
    tuple of (str, str or None)
        Score or covariate, and wave.
    """
    match hypothesis.contrast:
        case Association():
            yield hypothesis.contrast.predictor, hypothesis.contrast.occasion
        case Moderation():
            yield hypothesis.contrast.by, hypothesis.contrast.occasion
        case _:
            return


def sound_hypotheses(study: "Study") -> Iterator[tuple[Location, Hypothesis]]:
    """Yield the hypotheses whose names all exist, so that other checks can look at what they say.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    tuple of (Location, Hypothesis)
        Where it stands, and the hypothesis.
    """
    waves = set(study.waves.names)
    for i, hypothesis in enumerate(study.hypotheses):
        if any(True for _ in _hypothesis(study, ("hypotheses", i), hypothesis)):
            continue
        steps = hypothesis.path.through if hypothesis.path else ()
        asked = [study.measure_of(score) for score in (hypothesis.outcome, *(step.score for step in steps))]
        if all(waves.issuperset(measure.waves) for measure in asked):
            yield ("hypotheses", i), hypothesis


def check_names(study: "Study") -> Iterator[Issue]:
    """Yield an error for every name that does not exist.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        ``study.unknown_*``.
    """
    yield from _design(study)
    yield from _measures(study)
    for i, hypothesis in enumerate(study.hypotheses):
        yield from _hypothesis(study, ("hypotheses", i), hypothesis)
    yield from _plan(study)


def _scores(study: "Study") -> list[str]:
    return [column for measure in study.measures for column in measure.columns]


def _levels(study: "Study", at: Location, factor: str, levels: tuple[str, ...]) -> Iterator[Issue]:
    yield from absent(study, at, "factor", [factor], study.factors.names)
    found = study.factors.get(factor)
    if found is not None:
        yield from absent(study, at, "level", levels, found.levels)


def _design(study: "Study") -> Iterator[Issue]:
    for i, unit in enumerate(study.units):
        yield from absent(study, ("units", i), "unit", filter(None, [unit.nested_in]), study.units.names)
    yield from _nesting(study)
    for i, factor in enumerate(study.factors):
        yield from absent(study, ("factors", i), "unit", filter(None, [factor.assigned_to]), study.units.names)
    for i, combination in enumerate(study.forbidden):
        for name, level in combination.items():
            yield from _levels(study, ("forbidden", i), name, (level,))
    for i, covariate in enumerate(study.covariates):
        yield from absent(study, ("covariates", i), "wave", [covariate.known_from], ("roster", *study.waves.names))


def _nesting(study: "Study") -> Iterator[Issue]:
    containers = {unit.nested_in for unit in study.units}
    lowest = [unit.name for unit in study.units if unit.name not in containers]
    if study.units and len(lowest) != 1:
        yield error(
            study,
            ("units",),
            "units_not_nested",
            f"The units {', '.join(lowest) or ', '.join(study.units.names)} do not end in one lowest level.",
            why="One row is one participant; the study must know which unit that is and what contains it.",
            fix="Say for each unit but the highest which one it is nested in ('nested_in'), without a circle.",
        )


def _measures(study: "Study") -> Iterator[Issue]:
    for i, measure in enumerate(study.measures):
        yield from absent(study, ("measures", i), "wave", measure.waves, study.waves.names)
        yield from absent(study, ("measures", i), "arm", measure.asked_of, (FEEDBACK, *study.arms.names))
        yield from absent(study, ("measures", i), "factor", measure.checks, study.factors.names)


def _hypothesis(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    scores, measured = _scores(study), [*_scores(study), *study.covariates.names]
    yield from absent(study, at, "score", [hypothesis.outcome], scores)
    waves = [hypothesis.occasion, hypothesis.baseline, hypothesis.change_since]
    for factor, levels in uses_levels(hypothesis.contrast):
        yield from _levels(study, at, factor, levels)
    yield from absent(study, at, "arm", arms_in(hypothesis.contrast), (FEEDBACK, *study.arms.names))
    for predictor, wave in predictors_in(hypothesis):
        yield from absent(study, at, "score", [predictor], measured)
        waves.append(wave)
    if hypothesis.path is not None:
        yield from absent(study, at, "score", [step.score for step in hypothesis.path.through], scores)
        waves += [step.occasion for step in hypothesis.path.through]
        moderator = [hypothesis.path.moderator.by] if hypothesis.path.moderator else []
        yield from absent(study, at, "score", moderator, [*measured, *study.factors.names])
    yield from absent(study, at, "wave", dict.fromkeys(filter(None, waves)), study.waves.names)
    if hypothesis.claim is not None:
        yield from absent(study, at, "claim", [hypothesis.claim], claim_ids())


def _plan(study: "Study") -> Iterator[Issue]:
    plan = study.plan
    yield from absent(study, ("plan", "decides"), "hypothesis", plan.decides, study.hypotheses.names)
    for family in plan.families:
        yield from absent(study, ("plan", "families"), "hypothesis", family.hypotheses, study.hypotheses.names)
    measured = [*_scores(study), *study.measures.names, *study.covariates.names]
    yield from absent(study, ("plan", "covariates"), "covariate", plan.covariates, measured)
    for i, rule in enumerate(plan.exclusions):
        at: Location = ("plan", "exclusions", i)
        yield from absent(study, at, "variable", [rule.variable], [*measured, *sorted(PARADATA)])
        yield from absent(study, at, "wave", filter(None, [rule.occasion]), study.waves.names)
