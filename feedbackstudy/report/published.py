"""The report on published analyses: cards in order of speed, the claims, the limits, and what made the numbers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.classes import NEAR_ZERO_UNITS, ReportClass
from feedbackstudy.literature.tables import WORDS
from feedbackstudy.provenance import versions
from feedbackstudy.render import Facts, Notice, counted, escape, number
from feedbackstudy.report.card import flags_cell, flags_chip
from feedbackstudy.report.claims import claims_section
from feedbackstudy.report.document import document
from feedbackstudy.report.result_tables import TONES
from feedbackstudy.report.sections import Section
from feedbackstudy.report.tables import Cell, Column, ReportTable

__all__ = ["LIMITS", "published_report"]

LIMITS: Final = (
    "No open data of real post-interview feedback, seen from the candidate's side, was found. The analyses here are "
    "the nearest that could be computed again: callbacks and interview invitations, the explanation of a hiring "
    "decision, effort after negative feedback, the timing of feedback in college classes, gain and loss framing.",
    "An analogue is called one. It is never counted as evidence for a claim about candidates and their feedback.",
    "A value that is reproduced has been computed correctly from the figures that the authors posted or printed. "
    "Whether the study was sound, and whether it would replicate, is another question.",
    "Most analyses start from published figures (counts, group means, class figures), not from the rows of people; "
    "where the rows are not on this machine, the card says so.",
)


def published_report(cards: Sequence[Reproduction], failed: Sequence[tuple[str, str]], *, to: Path) -> Path:
    """Write the report on published analyses.

    Parameters
    ----------
    cards : sequence of Reproduction
        In the order in which they were computed.
    failed : sequence of (str, str)
        Key and reason of each analysis that could not be computed.
    to : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    sections = [_overview(cards, failed), *cards, _reading(), claims_section(cards), _limits(), _versions()]
    return document(
        *sections,
        to=to,
        title="Published analyses, computed again",
        lead="Every value below stands as it was printed, beside the value computed on this machine from the figures "
        "that come with feedbackstudy. The rules of comparison were fixed before anything was computed.",
        foot="Written by feedbackstudy. This file loads nothing from outside and runs no script.",
    )


def _overview(cards: Sequence[Reproduction], failed: Sequence[tuple[str, str]]) -> Section:
    columns = (
        Column("Analysis"),
        Column("Values", "right"),
        Column("Classes"),
        Column("Decision flags"),
        Column("Independence"),
        Column("Seconds", "right"),
    )
    rows = tuple(_line(card) for card in cards)
    table = ReportTable(title="Analyses in order of speed", columns=columns, rows=rows)
    notices = "".join(Notice(f"{key} was not computed. {reason}", "error").html() for key, reason in failed)
    return Section(title="At a glance", body=lambda _: f"{_counts(cards)}{notices}{table.html()}")


def _counts(cards: Sequence[Reproduction]) -> str:
    total: Counter[ReportClass] = Counter()
    for card in cards:
        total.update(card.counts)
    chips = [Cell(f"{total[name]} {name}", "", TONES[name]).html() for name in ReportClass if total[name]]
    flagged = [grade for card in cards for grade in card.flagged]
    chips.append(flags_chip(flagged))
    items = "".join(f"<li>{chip}</li>" for chip in chips)
    words = f"{counted(len(cards), 'analysis', 'analyses')}, {counted(sum(total.values()), 'printed value')}."
    return f'<p>{escape(words)}</p><ul class="fs-counts">{items}</ul>'


def _line(card: Reproduction) -> tuple[str | Cell, ...]:
    return (
        Cell(card.published.title, card.key),
        number(len(card.grades)),
        ", ".join(f"{count} {name}" for name, count in card.counts.items()),
        flags_cell(card.flagged),
        str(card.published.independence),
        number(card.seconds, 1),
    )


def _reading() -> Section:
    rows = tuple((Cell(str(name), "", TONES[name]), name.meaning) for name in ReportClass)
    table = ReportTable(
        title="Classes, in the order in which they are tried; the first that applies holds",
        columns=(Column("Class"), Column("Rule")),
        rows=rows,
        notes=(
            f"A printed value below {NEAR_ZERO_UNITS} units of its last place is judged on the scale of its standard "
            "error.",
            f"Decision flag, independent of the class: {WORDS['decision flag']}",
            f"Conditional: {WORDS['conditional']}.",
        ),
    )
    return Section(title="How to read a card", body=lambda _: table.html())


def _limits() -> Section:
    items = "".join(f"<li>{escape(text)}</li>" for text in LIMITS)
    return Section(title="Limits", body=lambda _: f"<ul>{items}</ul>")


def _versions() -> Section:
    facts = Facts(tuple(versions().items()))
    return Section(title="Versions", body=lambda _: facts.html())
