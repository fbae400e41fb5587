"""The tables of a validation, a factor model and the levels of invariance, and the section of a validation."""

import numpy as np

from feedbackstudy.provenance import SIMULATED, is_simulated
from feedbackstudy.psychometrics.cfa.compare import index_kind
from feedbackstudy.psychometrics.cfa.result import CFA
from feedbackstudy.psychometrics.evidence_page import level_rows
from feedbackstudy.psychometrics.evidence_record import EvidenceLine, ScaleEvidence
from feedbackstudy.psychometrics.invariance.record import Invariance
from feedbackstudy.render import interval, number, p_value
from feedbackstudy.report.sections import Section, drawn, page_html, section
from feedbackstudy.report.tables import Cell, Column, ReportTable, Tone, table

__all__: list[str] = []

_DASH = "\N{EN DASH}"

_TONES: dict[str, Tone] = {
    "agrees": "good",
    "equal": "good",
    "fair": "fair",
    "cannot tell": "fair",
    "lower": "poor",
    "higher": "poor",
    "different": "poor",
    "not tested": "quiet",
}


@table.register(ScaleEvidence)
def _evidence(result: ScaleEvidence) -> ReportTable:
    columns = (
        Column("Quantity"),
        Column("Here", "right"),
        Column("n", "right"),
        Column("Published", "right"),
        Column("N", "right"),
        Column("Verdict"),
    )
    lines = [line for line in result.lines if line.part != "score"]
    notes = [SIMULATED] if is_simulated(result) else []
    notes += [
        f"{result.n:,} people asked; intervals in brackets. To agree, the interval of the difference must lie "
        "inside the margin; a large p value is not enough.",
        "Published: values that were seen at a source; none from memory.",
    ]
    notes += [f"Not here: {o.part} ({o.why})." for o in result.omissions]
    return ReportTable(
        title=f"Evidence that {result.title} holds here",
        columns=columns,
        rows=tuple(_line(line) for line in lines),
        notes=tuple(notes),
    )


def _line(line: EvidenceLine) -> tuple[str | Cell, ...]:
    span = interval(line.low, line.high) if np.isfinite(line.low) and np.isfinite(line.high) else ""
    published = _published(line)
    tone = _TONES.get(line.verdict, "")
    why = line.why + (f", {p_value(line.p)}" if np.isfinite(line.p) else "")
    return (
        line.what,
        Cell(number(line.here) if np.isfinite(line.here) else _DASH, span),
        number(line.n),
        Cell(published, line.sample) if line.sample else "none seen",
        number(line.published_n) if line.published_n is not None else _DASH,
        Cell(line.verdict, why, tone) if line.verdict else _DASH,
    )


def _published(line: EvidenceLine) -> str:
    if np.isfinite(line.published):
        return number(line.published)
    if np.isfinite(line.published_low):
        return f"{number(line.published_low)} to {number(line.published_high)}"
    return _DASH


@section.register
def _(result: ScaleEvidence) -> Section:
    page = result.marked_page()
    pictures = [*result.models.values(), *result.invariance.values()]

    def body(prefix: str) -> str:
        return page_html(page) + "".join(drawn(x, f"{prefix}-{k}") for k, x in enumerate(pictures))

    return Section(title=page.title, body=body, is_card=True)


@table.register(CFA)
def _model(result: CFA) -> ReportTable:
    several = len(result.groups) > 1
    columns = (
        Column("Indicator"),
        Column("Factor"),
        *((Column("Group"),) if several else ()),
        Column("Loading", "right"),
        Column("Standardised", "right"),
        Column("p", "right"),
    )
    frame = result.estimates
    rows = []
    for row in frame[frame["op"] == "=~"].itertuples():
        free = bool(row.free)
        cells: list[str | Cell] = [str(row.rhs), str(row.lhs)]
        cells += [str(row.group)] if several else []
        cells += [
            Cell(number(row.est), f"SE {number(row.se)}" if free else "fixed"),
            Cell(number(row.std), f"SE {number(row.std_se)}"),
            p_value(float(str(row.p))) if free else _DASH,
        ]
        rows.append(tuple(cells))
    notes = (
        _fit_note(result),
        *(f"{issue.what} {issue.why}" for issue in result.conditions if issue.severity != "note"),
    )
    return ReportTable(title="Confirmatory factor analysis", columns=columns, rows=tuple(rows), notes=notes)


def _fit_note(result: CFA) -> str:
    f, suffix = result.fit, index_kind(result)
    scaled = ".scaled" if "chisq.scaled" in f else ""
    kind = {".robust": "robust ", ".scaled": "scaled ", "": ""}[suffix]
    span = interval(f.get(f"rmsea.ci.lower{suffix}"), f.get(f"rmsea.ci.upper{suffix}"))
    return (
        f"{result.fitted.estimator.name}, {result.n:,} people. Chi-square({number(f[f'df{scaled}'], 0)}) = "
        f"{number(f[f'chisq{scaled}'], 2)}, {p_value(f[f'pvalue{scaled}'])}; {kind}CFI "
        f"{number(f[f'cfi{suffix}'])}, {kind}RMSEA {number(f[f'rmsea{suffix}'])} {span}, SRMR {number(f['srmr'])}."
    )


@table.register(Invariance)
def _levels(result: Invariance) -> ReportTable:
    tones: dict[object, Tone] = {"holds": "good", "does not hold": "poor"}
    columns = (
        Column("Level"),
        Column("Chi-square (df)", "right"),
        Column("CFI", "right"),
        Column("RMSEA", "right"),
        Column("Test against the level before"),
        Column("Change of CFI", "right"),
        Column("Change of RMSEA", "right"),
        Column("Decision"),
    )
    rows = []
    for row in level_rows(result):
        freed = "" if row["freed"] == _DASH else f"freed: {row['freed']}"
        rows.append(
            (
                Cell(str(row["level"]), freed),
                str(row["chi-square (df)"]),
                number(row["CFI"]),
                number(row["RMSEA"]),
                Cell(str(row["change of chi-square (df)"]), "" if row["against"] == _DASH else f"vs {row['against']}"),
                number(row["change of CFI"]),
                number(row["change of RMSEA"]),
                Cell(str(row["decision"]), "", tones.get(row["decision"], "")),
            )
        )
    places = ", ".join(place.name for place in result.places)
    return ReportTable(
        title=f"Measurement invariance between {result.kind}s ({places})",
        columns=columns,
        rows=tuple(rows),
        notes=(f"Rule: {result.rule.says}.", f"Reached: {result.reached or 'none'}."),
    )
