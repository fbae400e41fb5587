"""Whether taking people out can bias the comparison."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.plan import PARADATA, Exclusion
from feedbackstudy.issues import Issue
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study.checks.finding import Location, error, warning
from feedbackstudy.study.checks.paths import asked_after_feedback

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_exclusions"]


def check_exclusions(study: "Study") -> Iterator[Issue]:
    """Yield exclusion rules that can bias the comparison or cannot be applied.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about exclusions.
    """
    for i, rule in enumerate(study.plan.exclusions):
        at: Location = ("plan", "exclusions", i)
        measure = next((m for m in study.measures if rule.variable in {m.name, *m.columns}), None)
        if measure is not None and measure.role == "manipulation_check":
            yield _by_manipulation_check(study, at, rule)
            continue
        yield from _applies(study, at, rule, measure)
        yield from _one_sided(study, at, rule, measure)
        yield from _after_feedback(study, at, rule, measure)


def _by_manipulation_check(study: "Study", at: Location, rule: Exclusion) -> Issue:
    raise_finding = warning if study.conduct.published else error
    return raise_finding(
        study,
        at,
        "check_excludes",
        f"Exclusion {rule.name!r} takes people out by the manipulation check {rule.variable!r}.",
        why="Who notices a manipulation depends on the manipulation, so the groups that remain cannot be compared.",
        fix="Keep everyone; report the check by factor, and at most a sensitivity analysis without those who failed.",
    )


def _applies(study: "Study", at: Location, rule: Exclusion, measure: Measure | None) -> Iterator[Issue]:
    is_attention_check = measure is not None and measure.role == "attention_check"
    if (rule.exclude_if == "fails") != is_attention_check and (rule.exclude_if == "fails" or is_attention_check):
        yield error(
            study,
            at,
            "fails_what",
            f"Exclusion {rule.name!r}: {rule.variable!r} with exclude_if: {rule.exclude_if}.",
            why="Only an attention check can be failed, and failing is all it can do.",
            fix="Use 'fails' with a measure of role attention_check, and a comparison with everything else.",
        )
    if rule.variable in PARADATA and rule.occasion is None and len(study.waves) > 1:
        yield error(
            study,
            at,
            "no_occasion",
            f"Exclusion {rule.name!r} looks at {rule.variable!r} without naming a wave.",
            why="Every wave has its own; the rule could be applied in several ways.",
            fix=f"Add 'occasion', one of: {', '.join(study.waves.names)}.",
        )


def _one_sided(study: "Study", at: Location, rule: Exclusion, measure: Measure | None) -> Iterator[Issue]:
    unasked = [arm for arm in (FEEDBACK, *study.arms.names) if measure is not None and not measure.asks(arm)]
    if unasked:
        yield warning(
            study,
            at,
            "exclusion_by_arm",
            f"Exclusion {rule.name!r} looks at {rule.variable!r}, which {', '.join(unasked)} are not asked.",
            why="Only some arms can lose people by this rule, so arms are no longer comparable.",
            fix="Exclude by something that every arm is asked.",
        )


def _after_feedback(study: "Study", at: Location, rule: Exclusion, measure: Measure | None) -> Iterator[Issue]:
    known = rule.variable in PARADATA or measure is not None or rule.variable in study.covariates.names
    occasion = rule.occasion or (study.waves[-1].name if rule.variable in PARADATA else None)
    if study.factors and known and occasion in {None, *study.waves.names}:
        if not asked_after_feedback(study, rule.variable, occasion):
            return
        yield warning(
            study,
            at,
            "exclusion_after_feedback",
            f"Exclusion {rule.name!r} looks at {rule.variable!r} after the feedback.",
            why="Feedback may change who is excluded; groups that were comparable by assignment then are not.",
            fix="Exclude by what came before the feedback; else show exclusions by arm, and results without the rule.",
        )
