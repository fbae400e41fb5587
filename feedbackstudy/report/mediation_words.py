"""A mediation analysis as a table and as a sentence for a manuscript."""

from typing import TYPE_CHECKING

from feedbackstudy.analysis.mediation_answers import PathAnswer
from feedbackstudy.analysis.mediation_result import Mediation
from feedbackstudy.render import bayes_factor, clean, interval, number, p_value, probability, unbroken
from feedbackstudy.report.prose import about, sentence
from feedbackstudy.report.tables import Cell, Column, ReportTable, table

if TYPE_CHECKING:
    from feedbackstudy.study import Study

__all__ = ["mediation_sentence", "mediation_table"]

_DASH = "\N{EN DASH}"


@table.register(Mediation)
def mediation_table(result: Mediation) -> ReportTable:
    """Return every effect, both ways, as a table.

    Parameters
    ----------
    result : Mediation
        The analysis.

    Returns
    -------
    ReportTable
        One row an effect; assumptions stand below.
    """
    columns = (
        Column("Effect"),
        Column("Estimate", "right"),
        Column("Test"),
        Column("Standardised", "right"),
        Column("Posterior median", "right"),
        Column("Evidence"),
    )
    notes = (
        f"Intervals: {result.level:.0%}, {result.interval} ({len(result.draws.theta):,} draws of {result.draws.units}) "
        "and highest density.",
        f"Standardised: {result.standardised}.",
        f"Posterior: {result.posterior.model}.",
        *(f"{note[0].upper()}{note[1:]}." for note in result.notes),
        *(f"Not fit to report: {text}." for text in result.failures),
    )
    design = result.design
    return ReportTable(
        title=f"{design.structure.capitalize()} mediation of {design.x} on {design.y} (n = {result.n:,})",
        columns=columns,
        rows=tuple(_row(answer) for answer in result.answers),
        notes=notes,
    )


def _row(a: PathAnswer) -> tuple[str | Cell, ...]:
    evidence = f"P(direction) {probability(a.posterior.prob_direction)}" if a.posterior.prob_direction else _DASH
    standardised = _DASH if a.standardised is None else number(a.standardised)
    return (
        a.effect.name,
        Cell(number(a.estimate), unbroken(interval(a.low, a.high))),
        p_value(a.p),
        Cell(standardised, "" if a.standardised is None else unbroken(interval(a.std_low, a.std_high))),
        Cell(number(a.posterior.median), unbroken(interval(a.posterior.low, a.posterior.high))),
        Cell(evidence, bayes_factor(a.bayes_factor) if a.bayes_factor is not None else ""),
    )


@sentence.register(Mediation)
def mediation_sentence(result: Mediation, *, study: "Study | None" = None, allow_failed: bool = False) -> str:
    """Say the main effect in a sentence; never as proof of mediation.

    Parameters
    ----------
    result : Mediation
        The analysis.
    study : Study, optional
        Names the population.
    allow_failed : bool, default False
        Give the numbers of an analysis that is not fit to report.

    Returns
    -------
    str
        Both answers, and what they are consistent with.
    """
    why = "; ".join(result.failures)
    if not result.fit_to_report and not allow_failed:
        return clean(f"No sentence is written for {result.main.effect.name}: not fit to report. {why}")
    failed = "" if result.fit_to_report else f" Not fit to report: {why}"
    mark = f"{result.provenance.mark} " if result.provenance.mark else ""
    return f"{mark}{about(study)}{result.sentence()}" + clean(failed)
