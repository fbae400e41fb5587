"""Whether the plan decides: one criterion per confirmatory hypothesis, smallest effects, families, intervals."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from feedbackstudy.design.hypotheses import Hypothesis, Path
from feedbackstudy.design.plan import ByRope, Criterion
from feedbackstudy.issues import Issue
from feedbackstudy.render import counted
from feedbackstudy.study.checks.finding import Location, error, note, warning
from feedbackstudy.study.checks.names import sound_hypotheses

if TYPE_CHECKING:
    from feedbackstudy.study.declared import Study

__all__ = ["check_deciding"]

ENGINE = {"p": "frequentist", "equivalence": "frequentist", "rope": "bayesian", "bayes_factor": "bayesian"}
UNIT_NEEDS = {
    "odds_ratio": {"binary", "ordinal", "proportion"},
    "rate_ratio": {"count"},
    "hazard_ratio": {"time_to_event"},
    "percentage_points": {"binary", "proportion"},
    "sd": {"scale", "continuous", "rating", "ordinal"},
}


def check_deciding(study: "Study") -> Iterator[Issue]:
    """Yield what keeps the plan from deciding.

    Parameters
    ----------
    study : Study
        The study.

    Yields
    ------
    Issue
        Findings about criteria, smallest effects and families.
    """
    for i, hypothesis in enumerate(study.hypotheses):
        criterion = study.plan.decides.get(hypothesis.name)
        yield from _criterion(study, ("hypotheses", i), hypothesis, criterion)
        if criterion is not None:
            yield from _can_decide(study, ("hypotheses", i), hypothesis, criterion)
    for at, hypothesis in sound_hypotheses(study):
        yield from _unit(study, at, hypothesis)
    yield from _families(study)
    if abs(1 - study.plan.interval_level - study.plan.alpha) > 1e-9:
        yield warning(
            study,
            ("plan",),
            "interval_and_alpha_differ",
            f"alpha is {study.plan.alpha:g} but intervals have level {study.plan.interval_level:g}.",
            why="A reader will see an interval that excludes zero beside a test that does not reject, or the reverse.",
            fix=f"Use interval_level: {1 - study.plan.alpha:g}, or say in the report why they differ.",
        )


def _criterion(study: "Study", at: Location, hypothesis: Hypothesis, criterion: Criterion | None) -> Iterator[Issue]:
    if hypothesis.confirmatory and criterion is None:
        yield error(
            study,
            at,
            "no_criterion",
            f"Hypothesis {hypothesis.name!r} is confirmatory, but nothing decides it.",
            why="With several answers to choose from after the fact, one of them will please.",
            fix=f"Add plan.decides.{hypothesis.name} with by: p, equivalence, rope or bayes_factor; or make it "
            "exploratory.",
        )
    if not hypothesis.confirmatory and criterion is not None:
        yield warning(
            study,
            at,
            "criterion_for_exploratory",
            f"Hypothesis {hypothesis.name!r} is exploratory, yet a criterion decides it.",
            why="An exploratory result is a lead, not a decision.",
            fix="Make it confirmatory, or drop it from plan.decides.",
        )
    if hypothesis.confirmatory and hypothesis.sesoi is None and not study.conduct.published:
        yield warning(
            study,
            at,
            "no_smallest_effect",
            f"Hypothesis {hypothesis.name!r} states no smallest effect of interest.",
            why="Power, equivalence and practical importance cannot be judged without one.",
            fix="Add sesoi: {value, unit, because}: the size below which nobody would decide otherwise.",
        )


def _can_decide(study: "Study", at: Location, hypothesis: Hypothesis, criterion: Criterion) -> Iterator[Issue]:
    if ENGINE[criterion.by] not in study.plan.engines:
        yield error(
            study,
            at,
            "criterion_without_engine",
            f"Hypothesis {hypothesis.name!r} is decided by {criterion.by}, but the plan runs only "
            f"{', '.join(study.plan.engines)}.",
            why="The deciding number would never be computed.",
            fix=f"Add {ENGINE[criterion.by]} to plan.engines, or choose another criterion.",
        )
    region = isinstance(criterion, ByRope) and (criterion.rope or study.plan.rope)
    if criterion.by in {"equivalence", "rope"} and hypothesis.sesoi is None and not region:
        yield error(
            study,
            at,
            "no_sesoi",
            f"Hypothesis {hypothesis.name!r} is decided by {criterion.by}, but states no smallest effect of interest.",
            why="Equivalence means smaller than something; without that something there is no test.",
            fix="Add sesoi: {value, unit} to the hypothesis" + (" or a rope." if criterion.by == "rope" else "."),
        )
    yield from _region(study, at, hypothesis, criterion)
    if criterion.by == "bayes_factor" and hypothesis.path is not None and not _one_product(hypothesis.path):
        yield error(
            study,
            at,
            "no_factor_of_path",
            f"Hypothesis {hypothesis.name!r} is decided by a Bayes factor, but is about a sum of several paths.",
            why="A Bayes factor of a path sets all its legs against at least one absent; a sum has no such pair.",
            fix="Decide by p or rope; or ask for the direct effect, or for an indirect one through one chain.",
        )
    if hypothesis.direction == "negligible" and criterion.by == "p":
        yield error(
            study,
            at,
            "p_cannot_show_absence",
            f"Hypothesis {hypothesis.name!r} expects a negligible effect and is decided by p.",
            why="A large p value is no evidence that an effect is absent.",
            fix="Decide by equivalence, rope or bayes_factor.",
        )


def _one_product(path: Path) -> bool:
    """Say whether the effect is one product of legs: neither a sum over mediators nor a difference over a moderator."""
    if path.moderator is not None or path.effect not in {"direct", "indirect"}:
        return False
    return path.effect == "direct" or path.structure != "parallel"


def _region(study: "Study", at: Location, hypothesis: Hypothesis, criterion: Criterion) -> Iterator[Issue]:
    rope = (criterion.rope or study.plan.rope) if isinstance(criterion, ByRope) else None
    if rope is None or hypothesis.sesoi is None or rope.unit != hypothesis.sesoi.unit:
        return
    smallest = abs(hypothesis.sesoi.value)
    beyond = (hypothesis.direction != "negative" and rope.high > smallest) or (
        hypothesis.direction != "positive" and -rope.low > smallest
    )
    if beyond:
        yield error(
            study,
            at,
            "region_beyond_sesoi",
            f"The region of practical equivalence of {hypothesis.name!r} is [{rope.low:g}, {rope.high:g}], but effects "
            f"from {smallest:g} on are of interest.",
            why="One and the same effect would count as large enough to matter and as none.",
            fix=f"Give the region limits within {smallest:g}, or a larger smallest effect of interest.",
        )


def _unit(study: "Study", at: Location, hypothesis: Hypothesis) -> Iterator[Issue]:
    if hypothesis.sesoi is None:
        return
    unit, kind = hypothesis.sesoi.unit, study.measure_of(hypothesis.outcome).kind
    fits = kind in UNIT_NEEDS.get(unit, {kind})
    if (unit == "standardised_path") != (hypothesis.path is not None) and unit not in {"raw", "sd"}:
        fits = False
    if not fits:
        yield error(
            study,
            at,
            "sesoi_unit",
            f"The smallest effect is given in {unit!r}, which does not suit the outcome {hypothesis.outcome!r} ({kind})"
            f"{' on a mediation path' if hypothesis.path else ''}.",
            why="An effect and its smallest size must be in one unit to be compared.",
            fix="Use a unit of the outcome's kind: sd for scales, odds_ratio or percentage_points for binary, "
            "rate_ratio for counts, hazard_ratio for times, standardised_path for indirect effects, or raw.",
        )


def _families(study: "Study") -> Iterator[Issue]:
    tested = [
        hypothesis.name
        for hypothesis in study.hypotheses
        if hypothesis.confirmatory and getattr(study.plan.decides.get(hypothesis.name), "by", "") == "p"
    ]
    covered = {member for family in study.plan.families for member in family.hypotheses}
    alone = [name for name in tested if name not in covered]
    if len(tested) > 1 and alone:
        yield warning(
            study,
            ("plan", "families"),
            "no_family",
            f"{counted(len(tested), 'hypothesis is', 'hypotheses are')} decided by p, and {', '.join(alone)} belong "
            f"to no family.",
            why=f"With {counted(len(tested), 'test')} at {study.plan.alpha:g}, one may reject by chance with a "
            f"probability "
            f"of up to {1 - (1 - study.plan.alpha) ** len(tested):.0%}.",
            fix="Put them into a family with a method such as holm, or into families of one each on purpose.",
        )
    for family in study.plan.families:
        others = [name for name in family.hypotheses if name not in tested and name in study.hypotheses.names]
        loose = [name for name in others if getattr(study.plan.decides.get(name), "by", "") != "equivalence"]
        if loose:
            yield note(
                study,
                ("plan", "families"),
                "family_without_p",
                f"Family {family.name!r} holds {', '.join(loose)}, which p does not decide.",
                why="Corrections of p do not touch Bayesian criteria or exploratory results, yet the family grows.",
                fix="Keep in the family only what p decides, unless the larger family is meant.",
            )
