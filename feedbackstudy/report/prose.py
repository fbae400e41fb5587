"""Sentences made from results, after APA, so that no number in a text is typed by hand."""

from collections.abc import Iterable
from functools import singledispatch
from typing import TYPE_CHECKING, Final

from feedbackstudy.analysis.both_ways import differences, pairs
from feedbackstudy.analysis.estimate import NOT_AS_DECLARED, Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.own_estimate import MARK
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.proportional import DIFFERS
from feedbackstudy.errors import InputError
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.heterogeneity import TAU2_METHODS
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.provenance import SIMULATED, is_simulated
from feedbackstudy.render import bayes_factor, clean, counted, interval, number, p_value, probability
from feedbackstudy.report.drawings.forest import on_scale

if TYPE_CHECKING:
    from feedbackstudy.study import Study

__all__ = ["about", "sentence"]

_SITUATIONS: Final = {
    "hypothetical": "who imagined the situation",
    "enacted": "who acted the situation out",
    "field": "in the field",
}
_SMALL_LIMIT: Final = 0.005
"""Limits nearer to 0 are written as .00 with two decimals, as if they were 0."""


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
    return "" if study is None else _among(study.conduct.population, study.conduct.realism)


def _among(population: str, realism: str) -> str:
    from feedbackstudy.study.says import PEOPLE

    return f"Among {PEOPLE[population]} {_SITUATIONS[realism]}, " if population and realism else ""


def _begun(study: "Study | None", text: str) -> str:
    return _capital(about(study) + text)


def _capital(text: str) -> str:
    words = clean(text)
    return words[:1].upper() + words[1:]


@singledispatch
def sentence(result: object, *, study: "Study | None" = None, allow_failed: bool = False) -> str:  # noqa: ARG001
    """Say a result in a sentence that can stand in a manuscript.

    A result that is not fit to report gets a sentence that says so and gives no number, unless it is asked for. Only a
    row that holds the declared criterion is said to decide; every other row says that it does not.

    Parameters
    ----------
    result : object
        An estimate, estimates, a posterior, frequencies, a meta-analysis or a reproduction.
    study : Study, optional
        Where given, the sentence names its population and how real the situation was; rows made by `analyse` know.
    allow_failed : bool, default False
        Give the numbers of a result that is not fit to report, saying that it is not.

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
def _(result: Estimate, *, study: "Study | None" = None, allow_failed: bool = False) -> str:
    mark = f"{SIMULATED} " if SIMULATED in result.note else ""
    return mark + _row(result, study, allow_failed=allow_failed)


def _row(result: Estimate, study: "Study | None", *, allow_failed: bool, model: bool = True) -> str:
    if not result.fit_to_report and not allow_failed:
        kind = "confirmatory sentence" if result.decides else "sentence"
        why = result.unfit or result.note or "a gate of the analysis failed"
        return clean(f"No {kind} is written for {result.contrast} ({result.engine}): not fit to report. {why}")
    failed = "" if result.fit_to_report else f" Not fit to report: {result.unfit or result.note}"
    says = _frequentist if result.engine == "frequentist" else _bayesian
    among = about(study) or _among(result.population, result.realism)
    return _capital(f"{among}{says(result, model=model)}{_shift(result)}{_decision(result)}") + clean(failed)


def _shift(row: Estimate) -> str:
    """Say with an ordinal effect that it is not one, where the check of its model found so."""
    return f" One shift does not describe it: {DIFFERS}." if DIFFERS in row.note else ""


def _decision(row: Estimate) -> str:
    if row.decides:
        apart = "This is exploratory." if row.status == "exploratory" else NOT_AS_DECLARED.get(row.status, "")
        return f" By the declared criterion ({row.decides}): {row.decision}. {apart}".rstrip()
    if row.status == "exploratory":
        return " This is exploratory."
    if row.status == "not as declared":
        return " This answer was not made as the plan declares and does not decide the hypothesis."
    return " This answer does not decide the hypothesis." if row.status else ""


@sentence.register(Estimates)
def _(result: Estimates, *, study: "Study | None" = None, allow_failed: bool = False) -> str:
    said = [SIMULATED] if is_simulated(result) or any(SIMULATED in row.note for row in result) else []
    made = bool(result.answers)
    for pair in pairs(result.rows):
        rows = [row for row in pair if row is not None]
        said += [_row(row, study, allow_failed=allow_failed, model=not made) for row in rows]
        said += differences(rows)
    said += [issue.what for issue in result.issues if issue.code.startswith("analysis.unanswered")]
    whys = {name: answer.undeclared for name, answer in result.answers.items() if answer.undeclared}
    said += [f"Hypothesis {name!r} is not decided: {why}." for name, why in whys.items()]
    models = dict.fromkeys((row.engine, row.model) for row in result) if made else {}
    said += [f"{engine.capitalize()} model: {model}." for engine, model in models]
    return clean(" ".join(said))


def _frequentist(row: Estimate, *, model: bool) -> str:
    parts = [*_span(row), *_test(row)]
    parts += [p_value(row.p)] if row.p is not None else []
    parts += [f"adjusted {p_value(row.p_adjusted)}"] if row.p_adjusted is not None else []
    inferior = row.decides.startswith("non-inferiority") and row.p_noninferiority is not None
    parts += [f"non-inferiority {p_value(row.p_noninferiority)}"] if inferior else []
    parts += [f"equivalence {p_value(row.p_equivalence)}"] if row.p_equivalence is not None and not inferior else []
    parts += [_standardised(row)] if row.std_estimate is not None and row.std_estimate != row.estimate else []
    how = f"frequentist; {row.model}" if model else "frequentist"
    return f"{_whose(row, 'the estimate')} for {row.contrast} was {_joined(number(row.estimate), parts)} ({how})."


def _bayesian(row: Estimate, *, model: bool) -> str:
    parts = _span(row)
    shares = (("direction", row.prob_direction), ("beyond the SESOI", row.prob_sesoi), ("in the ROPE", row.prob_rope))
    parts += [f"P({name}) {probability(value)}" for name, value in shares if value is not None]
    parts += [bayes_factor(row.bayes_factor)] if row.bayes_factor is not None else []
    words = _joined(number(row.estimate), parts)
    how = f"Bayesian; {row.model}" if model else "Bayesian"
    return f"{_whose(row, 'the posterior median')} for {row.contrast} was {words} ({how})."


def _whose(row: Estimate, what: str) -> str:
    return f"{what} that the user brought, not made by this toolkit," if row.model.startswith(MARK) else what


def _span(row: Estimate) -> list[str]:
    return [f"{row.level:.0%} {row.interval} {interval(row.low, row.high)}"] if row.level is not None else []


def _test(row: Estimate) -> list[str]:
    if row.statistic is None:
        return []
    df = ", ".join(_degrees(value) for value in (row.df, row.df2) if value is not None)
    return [f"{row.statistic_name or 'statistic'}{f'({df})' if df else ''} = {number(row.statistic, 2)}"]


def _degrees(value: float) -> str:
    """Write degrees of freedom after APA: whole ones whole, others with two decimals."""
    return f"{value:g}" if value == round(value) else f"{value:.2f}"


def _standardised(row: Estimate) -> str:
    """Two decimals; three where a limit beside 0 would otherwise need an exponent."""
    limits = [limit for limit in (row.std_low, row.std_high) if limit]
    decimals = 3 if limits and min(map(abs, limits)) < _SMALL_LIMIT else 2
    span = f" {interval(row.std_low, row.std_high, decimals)}" if row.std_low is not None else ""
    return f"{row.std_kind} = {number(row.std_estimate, decimals, fixed=row.std_low is not None)}{span}"


def _joined(first: str, rest: Iterable[str]) -> str:
    return ", ".join([first, *rest])


@sentence.register(Posterior)
def _(result: Posterior, *, study: "Study | None" = None, allow_failed: bool = False) -> str:  # noqa: ARG001
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
def _(result: Frequencies, *, study: "Study | None" = None, allow_failed: bool = False) -> str:  # noqa: ARG001
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
def _(result: MetaAnalysis, *, study: "Study | None" = None, allow_failed: bool = False) -> str:  # noqa: ARG001
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
def _(result: Reproduction, *, study: "Study | None" = None, allow_failed: bool = False) -> str:  # noqa: ARG001
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items())
    flags = sum(not grade.explained for grade in result.flagged)
    words = f"of {counted(len(result.grades), 'printed value')} of {result.published.citation.rstrip('.')}: {counts}."
    decision = f" {len(result.flagged)} with a decision flag, {flags} of them unexplained." if result.flagged else ""
    decision = decision or " No decision changes."
    unfit = "" if result.fit_to_report else " Not fit to report as reproduced."
    return _begun(study, f"{words}{decision}{unfit}")
