"""What each factor did to each manipulation check: the intended effect, and those that were not."""

from collections.abc import Iterator
from dataclasses import dataclass

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.answering import Setting, answer_question
from feedbackstudy.analysis.compile import compiled
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.design.comparisons import Interaction, MainEffect
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.hypotheses import Hypothesis
from feedbackstudy.errors import InputError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study

__all__ = ["CheckEffect", "check_effects", "intended_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckEffect:
    """One effect on one manipulation check, both ways.

    Attributes
    ----------
    check : str
        Score column of the check.
    occasion : str
        The wave that asks it.
    factors : tuple of str
        The factor, or the two that interact.
    intended : bool
        Whether the check is there to show this effect.
    placement : str
        Where the check stands in the study.
    classical, bayesian : Estimate or None
        The answers; for a factor with several levels all at once.
    answer : Answer
        What stands behind them.
    """

    check: str
    occasion: str
    factors: tuple[str, ...]
    intended: bool
    placement: str
    classical: Estimate | None
    bayesian: Estimate | None
    answer: Answer

    @property
    def name(self) -> str:
        """The factor, or both joined by a cross."""
        return " x ".join(self.factors)


def intended_for(study: Study, measure: Measure, column: str) -> tuple[str, ...]:
    """Return the factors that a column of a manipulation check should tell apart.

    Parameters
    ----------
    study : Study
        The study.
    measure : Measure
        A manipulation check.
    column : str
        One of its score columns.

    Returns
    -------
    tuple of str
        The declared factor that bears the name or concept of the column's subscale; all declared ones where none does.
    """
    subscale = measure.scores.get(column, column)
    declared = measure.checks or study.factors.names
    named = tuple(
        name for name in declared if subscale in {name, study.factors[name].concept} or name in column.split("_")
    )
    return named or tuple(declared)


def check_effects(study: Study, setting: Setting) -> tuple[tuple[CheckEffect, ...], tuple[Issue, ...]]:
    """Answer for every manipulation check what each factor, and each interaction with the intended one, did to it.

    Parameters
    ----------
    study : Study
        The study.
    setting : Setting
        Scores and engines.

    Returns
    -------
    tuple of (tuple of CheckEffect, tuple of Issue)
        Intended effects first for each check; checks that could not be answered.
    """
    effects: list[CheckEffect] = []
    issues: list[Issue] = []
    for measure in study.measures:
        if measure.role != "manipulation_check":
            continue
        for column in measure.columns:
            for wave in measure.waves:
                try:
                    effects += _of_column(study, setting, measure, column, wave)
                except InputError as fault:
                    issues.append(_unanswered(study, measure, column, wave, str(fault)))
    return tuple(effects), tuple(issues)


def _of_column(study: Study, setting: Setting, measure: Measure, column: str, wave: str) -> Iterator[CheckEffect]:
    intended = intended_for(study, measure, column)
    names = [factor.name for factor in study.factors if factor.varies == "between"]
    ordered = sorted(names, key=lambda name: (name not in intended, names.index(name)))
    pairs = [(one, other) for one in intended for other in names if other not in intended]
    for factors in [*((name,) for name in ordered), *pairs]:
        yield _effect(
            study, setting, measure, column, wave, factors, intended=factors[0] in intended and len(factors) == 1
        )


def _effect(
    study: Study,
    setting: Setting,
    measure: Measure,
    column: str,
    wave: str,
    factors: tuple[str, ...],
    *,
    intended: bool,
) -> CheckEffect:
    hypothesis = Hypothesis(
        name="check",
        text="What the factor did to the check.",
        outcome=column,
        occasion=wave,
        contrast=_comparison([study.factors[name] for name in factors]),
        direction="either",
        role="exploratory",
    )
    answer = answer_question(compiled(study, hypothesis), setting)
    of = {row.engine: row for row in reversed(answer.rows)}
    return CheckEffect(
        check=column,
        occasion=wave,
        factors=factors,
        intended=intended,
        placement=measure.placement,
        classical=of.get("frequentist"),
        bayesian=of.get("bayesian"),
        answer=answer,
    )


def _comparison(factors: list[Factor]) -> MainEffect | Interaction:
    """Return the main effect or interaction; of two levels each as one difference, else of all at once."""
    pairs = {factor.name: _pair(factor) for factor in factors}
    single = all(len(factor.levels) == 2 for factor in factors)
    if len(factors) > 1:
        return Interaction.model_validate({"levels": pairs} if single else {"factors": tuple(pairs)})
    (name, (level, against)), *_ = pairs.items()
    return MainEffect(factor=name, level=level, against=against) if single else MainEffect(factor=name)


def _pair(factor: Factor) -> tuple[str, str]:
    base = factor.reference or min(factor.codes())
    return next(code for code in sorted(factor.codes()) if code != base), base


def _unanswered(study: Study, measure: Measure, column: str, wave: str, why: str) -> Issue:
    return Issue(
        code="analysis.check_unanswered",
        severity=Severity.WARNING,
        where=study.where("measures", study.measures.names.index(measure.name)),
        what=f"The manipulation check {column!r} at {wave} is not answered. {why}",
        why="Whether the manipulation worked is then not shown.",
        fix="Mend what the finding names, or say that the check was not evaluated.",
    )
