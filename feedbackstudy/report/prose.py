"""Sentences made from results, after APA, so that no number in a text is typed by hand."""

from collections.abc import Iterable
from functools import singledispatch
from typing import TYPE_CHECKING, Final

from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import InputError
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.heterogeneity import TAU2_METHODS
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.provenance import SIMULATED, is_simulated
from feedbackstudy.render import bayes_factor, clean, interval, number, p_value, probability
from feedbackstudy.report.drawings.forest import on_scale

if TYPE_CHECKING:
    from feedbackstudy.study import Study

__all__ = ["about", "sentence"]

_SITUATIONS: Final = {
    "hypothetical": "who imagined the situation",
    "enacted": "who acted the situation out",
    "field": "in the field",
}


def about(study: "Study | None") -> str:
    """Say whom a study speaks about and how real the situation was.

    Parameters
    ----------
    study : Study or None
        The study; None gives the empty string.

    Returns
    -------
    str
        Such as ``"Among students who imagined the situation, "``.
    """
    if study is None:
        return ""
    from feedbackstudy.study.says import PEOPLE

    return f"Among {PEOPLE[study.conduct.population]} {_SITUATIONS[study.conduct.realism]}, "


def _begun(study: "Study | None", text: str) -> str:
    words = clean(about(study) + text)
    return words[:1].upper() + words[1:]


@singledispatch
def sentence(result: object, *, study: "Study | None" = None) -> str:  # noqa: ARG001 - the registered ones use it
    """Say a result in a sentence that can stand in a manuscript.

    A result that is not fit to report gets a sentence that says so and gives no number.

    Parameters
    ----------
    result : object
        An estimate, estimates, a posterior, frequencies, a meta-analysis or a reproduction.
    study : Study, optional
        Where given, the sentence names its population and how real the situation was.

    Returns
    -------
    str
        One sentence or a few.

    Raises
    ------
    InputError
        Where this kind of result has no sentence.
    """
    kinds = ", ".join(sorted(kind.__name__ for kind in sentence.registry if kind is not object))
    raise InputError(f"There is no sentence for a {type(result).__name__}; there is one for: {kinds}.")


@sentence.register(Estimate)
def _(result: Estimate, *, study: "Study | None" = None) -> str:
    mark = f"{SIMULATED} " if SIMULATED in result.note else ""
    return mark + _row(result, study)


def _row(result: Estimate, study: "Study | None") -> str:
    if not result.fit_to_report:
        kind = "confirmatory sentence" if result.decides else "sentence"
        why = result.note or "a gate of the analysis failed"
        return clean(f"No {kind} is written for {result.contrast} ({result.engine}): not fit to report. {why}")
    says = _frequentist if result.engine == "frequentist" else _bayesian
    decision = f" By the declared criterion ({result.decides}): {result.decision}." if result.decides else ""
    return _begun(study, f"{says(result)}{decision}")


@sentence.register(Estimates)
def _(result: Estimates, *, study: "Study | None" = None) -> str:
    mark = [SIMULATED] if is_simulated(result) or any(SIMULATED in row.note for row in result) else []
    return " ".join([*mark, *(_row(row, study) for row in result.rows)])


def _frequentist(row: Estimate) -> str:
    parts = [*_span(row), *_test(row)]
    parts += [p_value(row.p)] if row.p is not None else []
    parts += [f"adjusted {p_value(row.p_adjusted)}"] if row.p_adjusted is not None else []
    parts += [f"equivalence {p_value(row.p_equivalence)}"] if row.p_equivalence is not None else []
    parts += [_standardised(row)] if row.std_estimate is not None else []
    return f"the estimate for {row.contrast} was {_joined(number(row.estimate), parts)} (frequentist; {row.model})."


def _bayesian(row: Estimate) -> str:
    parts = _span(row)
    shares = (("direction", row.prob_direction), ("beyond the SESOI", row.prob_sesoi), ("in the ROPE", row.prob_rope))
    parts += [f"P({name}) {probability(value)}" for name, value in shares if value is not None]
    parts += [bayes_factor(row.bayes_factor)] if row.bayes_factor is not None else []
    words = _joined(number(row.estimate), parts)
    return f"the posterior median for {row.contrast} was {words} (Bayesian; {row.model})."


def _span(row: Estimate) -> list[str]:
    return [f"{row.level:.0%} {row.interval} {interval(row.low, row.high)}"] if row.level is not None else []


def _test(row: Estimate) -> list[str]:
    if row.statistic is None:
        return []
    df = ", ".join(f"{value:g}" for value in (row.df, row.df2) if value is not None)
    return [f"statistic{f'({df})' if df else ''} = {number(row.statistic, 2)}"]


def _standardised(row: Estimate) -> str:
    span = f" {interval(row.std_low, row.std_high, 2)}" if row.std_low is not None else ""
    return f"{row.std_kind} = {number(row.std_estimate, 2)}{span}"


def _joined(first: str, rest: Iterable[str]) -> str:
    return ", ".join([first, *rest])


@sentence.register(Posterior)
def _(result: Posterior, *, study: "Study | None" = None) -> str:
    unit = f" {result.unit}" if result.unit else ""
    parts = [f"{result.level:.0%} {result.interval_kind} interval {interval(result.low, result.high)}"]
    if result.prob_direction is not None:
        side = "above" if result.median >= result.null else "below"
        parts.append(f"P({side} {result.null:g}) {probability(result.prob_direction)}")
    if result.prob_rope is not None and result.rope is not None:
        parts.append(f"P(within {interval(*result.rope, 2)}) {probability(result.prob_rope)}")
    words = _joined(f"{number(result.median)}{unit}", parts)
    return _begun(study, f"the posterior median of {result.quantity} was {words}.")


@sentence.register(Frequencies)
def _(result: Frequencies, *, study: "Study | None" = None) -> str:
    if len(result.categories) == 2:
        event = int(result.counts.sum(axis=0).argmin())
        parts = [
            f"{int(counts[event]):,} of {int(counts.sum()):,} ({counts[event] / max(1, counts.sum()):.1%}) for {group}"
            for group, counts in zip(result.groups, result.counts, strict=True)
        ]
        return _begun(study, f"the share of {number(result.categories[event], 1)} was {', '.join(parts)}.")
    rows = zip(result.groups, result.counts.sum(axis=1), strict=True)
    sizes = ", ".join(f"{group} n = {int(n):,}" for group, n in rows)
    return _begun(study, f"the counts of {result.category_label} come from {sizes}.")


@sentence.register(MetaAnalysis)
def _(result: MetaAnalysis, *, study: "Study | None" = None) -> str:
    estimate, low, high, ahead_low, ahead_high = on_scale(
        result, result.estimate, result.low, result.high, *result.prediction_t
    )
    return _begun(
        study,
        f"pooled over {result.k} effects, {result.measure} was {number(estimate, 2)}, {result.level:.0%} CI "
        f"{interval(low, high, 2)}, {p_value(result.p)} ({TAU2_METHODS[result.method][1]}; I squared "
        f"{100 * result.i2:.0f}%); a new study is expected within {interval(ahead_low, ahead_high, 2)}.",
    )


@sentence.register(Reproduction)
def _(result: Reproduction, *, study: "Study | None" = None) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items())
    flags = sum(not grade.explained for grade in result.flagged)
    words = f"of {len(result.grades)} printed values of {result.published.citation.rstrip('.')}: {counts}."
    decision = f" {len(result.flagged)} with a decision flag, {flags} of them unexplained." if result.flagged else ""
    decision = decision or " No decision changes."
    unfit = "" if result.fit_to_report else " Not fit to report as reproduced."
    return _begun(study, f"{words}{decision}{unfit}")
