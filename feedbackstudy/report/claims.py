"""What is claimed and what is known: the register, with the figures that stand behind each piece of evidence."""

from collections.abc import Mapping, Sequence
from typing import Final

from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.design.claim import Claim, ClaimEvidence
from feedbackstudy.design.claims import ClaimRegister, list_claims
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.render import interval, number
from feedbackstudy.report.sections import Section
from feedbackstudy.report.tables import Cell, Column, ReportTable, table

__all__ = ["claims_section"]

_ENGINES: Final = {"frequentist": "frequentist", "bayesian": "Bayesian"}


def claims_section(cards: Sequence[Reproduction]) -> Section:
    """Return the claim register as a section, with figures computed in this run and figures of published reviews.

    Parameters
    ----------
    cards : sequence of Reproduction
        The analyses of this run.

    Returns
    -------
    Section
        A table: claim, evidence, analogues (never counted as evidence), tension.
    """
    register = list_claims().with_figures(_figures(cards))
    return Section(title="What is claimed, what is known", key="claims", body=lambda _: table(register).html())


@table.register(ClaimRegister)
def _register(result: ClaimRegister) -> ReportTable:
    rows = tuple(_row(claim, result.figures) for claim in result.claims)
    known = sum(any(e.bearing == "evidence" for e in claim.evidence) for claim in result.claims)
    only = sum(bool(claim.evidence) and all(e.bearing == "analogue" for e in claim.evidence) for claim in result.claims)
    return ReportTable(
        title="What is claimed about feedback after interviews, and what is known",
        columns=(Column("Claim"), Column("What is known"), Column("What only resembles it (no evidence)")),
        rows=rows,
        notes=(
            f"{len(rows)} claims of a practitioner article that gives almost no figures: something is known about "
            f"{known}, about the people named; for {only} there is only an analogue; for {len(rows) - known - only} "
            "nothing was found. Dataset meta_benchmarks says where figures of reviews were read, most in an abstract.",
        ),
    )


def _row(claim: Claim, figures: Mapping[str, str]) -> tuple[str | Cell, ...]:
    beside = [f"added by us: {', '.join(claim.by_us)}"] if claim.by_us else []
    beside += [f"in tension with {', '.join(claim.tension)}"] if claim.tension else []
    return (
        Cell(f"{claim.id}  {claim.text}", "; ".join(beside)),
        _told(claim, "evidence", figures) or Cell("nothing found", "", "quiet"),
        _told(claim, "analogue", figures) or "\N{EN DASH}",
    )


def _told(claim: Claim, bearing: str, figures: Mapping[str, str]) -> Cell | None:
    found = [evidence for evidence in claim.evidence if evidence.bearing == bearing]
    if not found:
        return None
    mark = "\N{BULLET} " if len(found) > 1 else ""
    lines = "\n".join(f"{mark}{_line(evidence, figures)}" for evidence in found)
    return Cell(lines, ", ".join(evidence.key for evidence in found))


def _line(evidence: ClaimEvidence, figures: Mapping[str, str]) -> str:
    people = f" ({evidence.people})" if evidence.people else ""
    figure = evidence.figure(figures)
    return f"{evidence.says}{people}" + (f" \N{RIGHTWARDS ARROW} {figure}" if figure else "")


def _figures(cards: Sequence[Reproduction]) -> dict[str, str]:
    wanted = {(evidence.source, evidence.key) for claim in list_claims().claims for evidence in claim.evidence}
    computed = {card.key: figure for card in cards if (figure := _computed(card))}
    return {key: text for key, text in (_benchmarks() | computed).items() if key in {name for _, name in wanted}}


def _computed(card: Reproduction) -> str:
    rows = card.findings.estimates.rows if card.findings.estimates is not None else ()
    leading = next((row for row in rows if row.decides), next(iter(rows), None))
    if leading is None:
        return ""
    both = [row for row in rows if row.contrast == leading.contrast and row.fit_to_report]
    return f"{leading.contrast}: {', '.join(map(_answer, both))}, computed here" if both else ""


def _answer(row: Estimate) -> str:
    span = f" {interval(row.low, row.high)}" if row.low is not None else ""
    return f"{number(row.estimate)}{span} ({_ENGINES[row.engine]})"


def _benchmarks() -> dict[str, str]:
    from feedbackstudy import datasets

    rows = datasets.load("meta_benchmarks").frame.to_dict(orient="records")
    return {str(row["key"]): _benchmark({str(name): value for name, value in row.items()}) for row in rows}


def _benchmark(row: Mapping[str, object]) -> str:
    low, high = row["ci_low"], row["ci_high"]
    has_interval = low == low and high == high  # NaN is not equal to itself
    span = f" [{number(low, 2)}, {number(high, 2)}]" if has_interval else ""
    return f"{row['relation']}, {row['metric']} {number(row['estimate'], 2)}{span} ({row['source']})"
