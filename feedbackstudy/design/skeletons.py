"""From a claim to a hypothesis: the skeleton that a study can test, or what it still needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from feedbackstudy.design.claim import Claim
from feedbackstudy.design.claims import register
from feedbackstudy.design.comparisons import Comparison
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.factors import Covariate, Factor
from feedbackstudy.design.feedback import FACTORS
from feedbackstudy.design.hypotheses import Hypothesis, Mediator, Path
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered

__all__ = ["Asked", "Skeleton", "skeletons"]


class Asked(Protocol):
    """What a skeleton must know of a measure: its score columns and its scale."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The score columns."""

    @property
    def scale(self) -> str | None:
        """Key of the scale, None for a single column."""

    @property
    def scores(self) -> Mapping[str, str]:
        """Score column -> subscale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton(Rendered):
    """One outcome of a claim as a hypothesis to complete.

    Attributes
    ----------
    claim : str
        The claim's id.
    outcome : str
        The construct it is about.
    hypothesis : Hypothesis or None
        The hypothesis, exploratory and without a smallest effect: both are the researcher's to decide.
    needs : tuple of str
        What the study must declare before the claim can be tested whole; beside a hypothesis, what its path lacks.
    """

    claim: str
    outcome: str
    hypothesis: Hypothesis | None
    needs: tuple[str, ...]

    def page(self) -> Page:
        """Return the hypothesis, or what is needed.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks: list[Block] = [Notice(need) for need in self.needs]
        if self.hypothesis is not None:
            h = self.hypothesis
            path = ", ".join(step.score for step in h.path.through) if h.path else ""
            pairs = [("text", h.text), ("outcome", h.outcome), ("contrast", str(h.contrast.kind)), ("through", path)]
            pairs += [("direction", str(h.direction)), ("yours to add", "role, smallest effect of interest, occasion")]
            blocks.append(Facts(tuple((key, text) for key, text in pairs if text)))
        return Page(title=f"Claim {self.claim} on {self.outcome}", blocks=tuple(blocks))


def skeletons(
    claim: Claim,
    crossing: Crossing | None = None,
    *,
    measures: Sequence[Asked] | None = None,
    covariates: Sequence[Covariate] = (),
) -> tuple[Skeleton, ...]:
    """Turn a claim into one hypothesis for each of its outcomes, or say what is still needed.

    Parameters
    ----------
    claim : Claim
        The claim.
    crossing : Crossing, optional
        The study's factors and arms; without one, the ready-made factors count as declared.
    measures : sequence of Measure, optional
        What the study asks; without them, every construct that has a measure counts as asked.
    covariates : sequence of Covariate
        What is known of people besides.

    Returns
    -------
    tuple of Skeleton
        One for each outcome.
    """
    known = {covariate.name for covariate in covariates} | {c for m in measures or () for c in m.columns}
    factor, design_needs = _factor(claim, crossing, known)
    made = []
    for outcome in claim.outcomes:
        column, outcome_needs = _score(outcome, measures)
        steps = [_score(name, measures) for name in claim.through]
        path_needs = tuple(need for _, step_needs in steps for need in step_needs)
        mediators = () if path_needs else tuple(score for score, _ in steps if score)
        testable = not design_needs and not outcome_needs
        hypothesis = _hypothesis(claim, factor, column or outcome, mediators, outcome) if testable else None
        needs = (*design_needs, *outcome_needs, *path_needs)
        made.append(Skeleton(claim=claim.id, outcome=outcome, hypothesis=hypothesis, needs=needs))
    return tuple(made)


def _factor(claim: Claim, crossing: Crossing | None, known: set[str]) -> tuple[Factor | None, tuple[str, ...]]:
    """Find the factor that the claim varies, or say what is missing."""
    if claim.any_factor:
        return None, (f"Claim {claim.id} is about any feedback factor: choose one and give its contrast.",)
    if claim.how == "measured":
        need = f"Declare the measured predictor {claim.factor!r} as a covariate or measure."
        return None, () if claim.factor in known else (need,)
    needs = [*_arm_needs(claim, crossing)]
    declared = crossing.factors if crossing is not None else FACTORS
    found = next((f for f in declared if claim.factor is not None and claim.factor in {f.concept, f.name}), None)
    if claim.factor is not None and found is None:
        needs.append(_missing_factor(claim))
    if found is not None:
        lacking = [code for code in claim.levels if code not in found.levels]
        needs += [f"Give the factor {found.name!r} the level {code!r}." for code in lacking]
    return found, tuple(needs)


def _arm_needs(claim: Claim, crossing: Crossing | None) -> Iterator[str]:
    if claim.arm is not None and crossing is not None and claim.arm not in crossing.arms.names:
        yield f"Declare the arm {claim.arm!r} outside the crossing."


def _missing_factor(claim: Claim) -> str:
    ready = "take the ready-made one" if claim.factor in FACTORS.names else "there is no ready-made one"
    cluster = f", assigned to the unit {claim.clusters!r}" if claim.clusters else ""
    return f"Declare the factor {claim.factor!r} with the levels {', '.join(claim.levels)}{cluster} ({ready})."


def _score(construct: str, measures: Sequence[Asked] | None) -> tuple[str | None, tuple[str, ...]]:
    """Find the score column of a construct, or say what is missing."""
    declared = register().constructs[construct]
    key = f" with the scale {declared.measure!r}" if declared.measure else ""
    if measures is None:
        return construct, () if declared.measure else (f"There is no measure yet of {declared.label} ({construct}).",)
    named = [column for measure in measures for column in measure.columns if column == construct]
    by_scale = [
        column
        for measure in measures
        if measure.scale is not None and measure.scale == declared.measure
        for column in measure.columns
        if measure.scores.get(column) == declared.subscale or len(measure.columns) == 1
    ]
    found = next(iter([*named, *by_scale]), None)
    need = f"Declare a measure of {declared.label}{key}, or name its score {construct!r}."
    return found, () if found else (need,)


def _hypothesis(
    claim: Claim, factor: Factor | None, score: str, mediators: tuple[str, ...], outcome: str
) -> Hypothesis | None:
    if claim.contrast is None:
        return None
    structure: Literal["simple", "parallel"] = "simple" if len(mediators) == 1 else "parallel"
    return Hypothesis(
        name=claim.id.lower() + (f"_{outcome}" if len(claim.outcomes) > 1 else ""),
        text=claim.text,
        outcome=score,
        contrast=_renamed(claim.contrast, claim.factor, factor),
        path=Path(through=tuple(Mediator(score=m) for m in mediators), structure=structure) if mediators else None,
        direction=_direction(claim, outcome),
        role="exploratory",
        claim=claim.id,
        evidence="experimental" if claim.how == "assigned" and _assigned(factor) else "observational",
    )


def _direction(claim: Claim, outcome: str) -> Literal["positive", "negative", "either"]:
    expected = claim.expects.get(outcome, "positive")
    if not register().constructs[outcome].reversed or expected == "either":
        return expected
    return "negative" if expected == "positive" else "positive"


def _assigned(factor: Factor | None) -> bool:
    return factor is None or factor.mode != "measured"


def _renamed(contrast: Comparison, concept: str | None, factor: Factor | None) -> Comparison:
    """Put the study's own name of the factor where the claim names the concept."""
    if factor is None or factor.name == concept or concept is None:
        return contrast
    data = {key: getattr(contrast, key) for key in type(contrast).model_fields}
    if data.get("factor") == concept:
        data["factor"] = factor.name
    if concept in (data.get("at") or {}):
        data["at"] = {(factor.name if key == concept else key): code for key, code in data["at"].items()}
    return type(contrast).model_validate(data)
