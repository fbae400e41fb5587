"""The tables of estimates, posteriors, frequencies and reproductions."""

from collections.abc import Iterator, Mapping

from feedbackstudy.analysis.both_ways import DECISIONS, differences, pairs, probabilities, tests, what_decides
from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.classes import Grade, ReportClass
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.literature.published import Anchor
from feedbackstudy.literature.tables import meanings, places, printed, recomputed
from feedbackstudy.provenance import SIMULATED, is_simulated
from feedbackstudy.render import interval, number, p_value, probability, unbroken
from feedbackstudy.report.tables import Cell, Column, ReportTable, Tone, table

__all__ = ["TONES", "anchor_note"]

_DASH = "\N{EN DASH}"

TONES: dict[ReportClass, Tone] = {
    ReportClass.NOT_COMPUTABLE: "fair",
    ReportClass.SOURCE_ERROR: "fair",
    ReportClass.REPRODUCED: "good",
    ReportClass.WITHIN_ROUNDING: "good",
    ReportClass.WITHIN_MONTE_CARLO: "good",
    ReportClass.OTHER_DEFINITION: "fair",
    ReportClass.NEGLIGIBLE: "fair",
    ReportClass.MINOR: "fair",
    ReportClass.MAJOR: "poor",
    ReportClass.DIRECTION_ONLY: "good",
    ReportClass.NOT_SCORED: "quiet",
}
"""How each class of the report card is shaded; the word itself is always written out."""


@table.register(Estimates)
def _estimates(result: Estimates) -> ReportTable:
    columns = (
        Column("Contrast"),
        Column("n", "right"),
        Column("Frequentist"),
        Column("Test"),
        Column("Bayesian"),
        Column("Probability"),
        Column("Decision"),
    )
    decided = what_decides(result)
    rows = tuple(_pair(*pair, decided) for pair in pairs(result))
    return ReportTable(title=result.title, columns=columns, rows=rows, notes=tuple(_notes(result)))


def _pair(
    classical: Estimate | None, bayesian: Estimate | None, decided: set[tuple[str, str]]
) -> tuple[str | Cell, ...]:
    rows = [row for row in (classical, bayesian) if row is not None]
    return (
        Cell(rows[0].contrast, f"{rows[0].hypothesis}, {rows[0].status}" if rows[0].status else rows[0].outcome),
        "\n".join(dict.fromkeys(number(row.n) for row in rows)),
        _value(classical),
        _test(classical),
        _value(bayesian),
        _lines(probabilities(bayesian)) if bayesian is not None else _DASH,
        _decision(rows, decided),
    )


def _value(row: Estimate | None) -> str | Cell:
    if row is None:
        return _DASH
    span = f"{row.level:.0%} {row.interval}\n{interval(row.low, row.high)}" if row.level is not None else ""
    return Cell(number(row.estimate), unbroken(span))


def _test(row: Estimate | None) -> str | Cell:
    if row is None:
        return _DASH
    standardised = row.std_estimate is not None and row.std_estimate != row.estimate
    return Cell(_lines(tests(row)), f"{row.std_kind} {number(row.std_estimate)}" if standardised else "")


def _lines(parts: list[str]) -> str:
    return "\n".join(map(unbroken, parts)) or _DASH


def _decision(rows: list[Estimate], decided: set[tuple[str, str]]) -> Cell:
    unfit = [row for row in rows if not row.fit_to_report]
    if unfit:
        return Cell("not fit to report", "; ".join(f"{row.engine}: {row.unfit or row.note}" for row in unfit), "poor")
    row = next((row for row in rows if row.decides), None)
    if row is not None:
        return Cell(row.decision, f"decides: {unbroken(row.decides) if len(row.decides) < 12 else row.decides}")
    if rows[0].status == "exploratory":
        return Cell("exploratory")
    if rows[0].status == "not as declared":
        return Cell("not decided", "not made as declared")
    return Cell("robustness" if (rows[0].hypothesis, rows[0].term) in decided else _DASH)


def _notes(result: Estimates) -> Iterator[str]:
    if is_simulated(result):
        yield SIMULATED
    yield from (f"{issue.what} {issue.fix}" for issue in result.issues if issue.code.startswith("analysis."))
    yield from _earlier([issue for issue in result.issues if not issue.code.startswith("analysis.")])
    yield from differences(result)
    for engine in dict.fromkeys(row.engine for row in result):
        models = dict.fromkeys(row.model for row in result if row.engine == engine)
        yield f"{engine.capitalize()}: {'; '.join(models)}."
    contrasts = {row.contrast for row in result}
    for note in dict.fromkeys(row.note for row in result if row.note and row.fit_to_report):
        about = list(dict.fromkeys(row.contrast for row in result if row.note == note))
        where = f" ({'; '.join(about)})" if len(about) < len(contrasts) else ""
        yield f"{note.rstrip('.')}{where}."
    if any(row.decides for row in result):
        yield DECISIONS


def _earlier(found: list[Issue]) -> Iterator[str]:
    """Say what must be read of the time before the analysis, and how much was noted besides."""
    serious = [issue for issue in found if issue.severity is not Severity.NOTE]
    yield from (f"Before the analysis: {issue.what}" for issue in serious)
    if notes := len(found) - len(serious):
        yield f"Before the analysis {notes} {'thing was' if notes == 1 else 'things were'} noted; see the findings."


@table.register(Posterior)
def _posterior(result: Posterior) -> ReportTable:
    columns = (
        Column("Quantity"),
        Column("Median", "right"),
        Column("Interval"),
        Column("P(direction)", "right"),
        Column("P(in ROPE)", "right"),
        Column("R-hat", "right"),
        Column("ESS", "right"),
    )
    rope = f" [{result.rope[0]:g}, {result.rope[1]:g}]" if result.rope else ""
    row = (
        result.quantity + (f" ({result.unit})" if result.unit else ""),
        number(result.median),
        Cell(unbroken(interval(result.low, result.high)), f"{result.level:.0%} {result.interval_kind}"),
        probability(result.prob_direction) if result.prob_direction is not None else _DASH,
        Cell(probability(result.prob_rope) if result.prob_rope is not None else _DASH, rope),
        number(result.rhat, 4),
        number(result.ess, 0),
    )
    notes = (f"Computed by {result.engine}.",) if result.engine else ()
    return ReportTable(title=f"Posterior of {result.quantity}", columns=columns, rows=(row,), notes=notes)


@table.register(MetaAnalysis)
def _meta(result: MetaAnalysis) -> ReportTable:
    columns = (Column("Study"), Column("Effect", "right"), Column("Interval"), Column("Weight", "right"))
    studies = zip(result.labels, result.yi, result.study_low, result.study_high, result.weights, strict=True)
    rows: list[tuple[str | Cell, ...]] = [
        (name, number(float(y)), unbroken(interval(float(low), float(high))), f"{100 * weight:.1f}%")
        for name, y, low, high, weight in studies
    ]
    rows.append(("pooled", number(result.estimate), unbroken(interval(result.low, result.high)), "100%"))
    notes = (
        f"Intervals: {result.level:.0%}. tau squared {number(result.tau2, 4)} ({result.method}), I squared "
        f"{100 * result.i2:.1f}% (from tau squared), "
        f"Q({result.q_df:g}) = {number(result.q, 2)}, {p_value(result.q_p)}.",
    )
    title = f"Meta-analysis of {result.k} effects: {result.measure}"
    return ReportTable(title=title, columns=columns, rows=tuple(rows), notes=notes, on_phone="keep")


@table.register(Frequencies)
def _frequencies(result: Frequencies) -> ReportTable:
    columns = (Column("Group"), *(Column(number(c, 1), "right") for c in result.categories), Column("All", "right"))
    rows: list[tuple[str | Cell, ...]] = []
    for i, group in enumerate(result.groups):
        cells = []
        for j, count in enumerate(result.counts[i]):
            expected = number(float(result.fitted[i, j]), 1) if result.fitted is not None else ""
            cells.append(Cell(number(int(count)), expected))
        rows.append((group, *cells, number(int(result.counts[i].sum()))))
    notes = [f"Columns: {result.category_label}."]
    notes += ["Small: what the model expects."] if result.fitted is not None else []
    return ReportTable(title=result.title, columns=columns, rows=tuple(rows), notes=tuple(notes))


@table.register(Issues)
def _issues(result: Issues) -> ReportTable:
    columns = (Column("Where"), Column("Severity"), Column("What"), Column("Why it matters"), Column("What to do"))
    tones: dict[Severity, Tone] = {Severity.ERROR: "poor", Severity.WARNING: "fair", Severity.NOTE: "quiet"}
    rows = []
    for issue in result:
        who = f"participants {', '.join(issue.who)}" if issue.who else ""
        severity = Cell(str(issue.severity), "", tones[issue.severity])
        rows.append((Cell(issue.where, who), severity, Cell(issue.what, issue.code), issue.why, issue.fix))
    return ReportTable(title="Findings of the check", columns=columns, rows=tuple(rows))


@table.register(Reproduction)
def _reproduction(result: Reproduction) -> ReportTable:
    columns = (
        Column("Quantity"),
        Column("Printed", "right"),
        Column("Reproduced", "right"),
        Column("Class"),
        Column("Decision flag"),
        Column("Where printed"),
    )
    where = places(result.grades)
    rows = tuple(_grade(grade, where) for grade in result.grades)
    anchors = [a for a in Anchor if any(grade.published.anchor is a for grade in result.grades)]
    notes = (
        f"Anchor grade, the place where the printed value was read: {'; '.join(map(anchor_note, anchors))}.",
        f"Independence of the recomputation: {result.published.independence}.",
        *(f"{letter} {place}." for place, letter in where.items()),
        *(f"{word.capitalize()}: {meaning}" for word, meaning in meanings(result.grades).items()),
    )
    return ReportTable(title="Values as printed and as reproduced", columns=columns, rows=rows, notes=notes)


def anchor_note(anchor: Anchor) -> str:
    """Return an anchor grade with its meaning.

    Parameters
    ----------
    anchor : Anchor
        The grade.

    Returns
    -------
    str
        Such as ``"A article or table seen"``.
    """
    return f"{anchor} {anchor.meaning}"


def _grade(grade: Grade, where: Mapping[str, str]) -> tuple[str | Cell, ...]:
    paper, value = grade.published, grade.value
    said = (paper.note, value.note if value and value.note != grade.reason else "")
    notes = " ".join(text.strip() for text in said if text.strip())
    conditional = f"conditional on: {', '.join(paper.conditional_on)}" if grade.conditional else ""
    return (
        Cell(paper.quantity + (f" ({paper.unit})" if paper.unit else ""), notes),
        Cell(printed(grade), _printed_beside(grade)),
        Cell(recomputed(grade, value.value if value else None), _reproduced_beside(grade)),
        Cell(str(grade.report_class), "; ".join(part for part in (_why(grade), conditional) if part), _tone(grade)),
        _flag(grade),
        Cell(where.get(paper.seen_in, paper.seen_in), f"anchor {paper.anchor}"),
    )


def _printed_beside(grade: Grade) -> str:
    printed = grade.published
    if grade.report_class is ReportClass.NOT_SCORED:
        return ""
    parts = [f"[{printed.low}, {printed.high}]".replace("-", "\N{MINUS SIGN}")] if printed.low is not None else []
    parts += [f"p {printed.p if printed.p[0] in '<>=' else f'= {printed.p}'}"] if printed.p is not None else []
    return "\n".join(map(unbroken, parts))


def _reproduced_beside(grade: Grade) -> str:
    value = grade.value
    if value is None:
        return ""
    parts = [interval(value.low, value.high)] if value.low is not None and value.high is not None else []
    parts += [p_value(value.p)] if value.p is not None else []
    return "\n".join(map(unbroken, parts))


def _why(grade: Grade) -> str:
    return "" if grade.report_class is ReportClass.REPRODUCED else grade.reason


def _tone(grade: Grade) -> Tone:
    if grade.report_class is ReportClass.DIRECTION_ONLY and grade.flags:
        return "poor"
    return TONES[grade.report_class]


def _flag(grade: Grade) -> str | Cell:
    if not grade.flags:
        return "none"
    why = grade.value.flag_explained if grade.value and grade.value.flag_explained else "not explained"
    return Cell(", ".join(grade.flags), why, "fair" if grade.explained else "poor")
