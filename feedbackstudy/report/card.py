"""The card of a reproduction: what matters first, then the values, the answers, the pictures, and what made them."""

from collections.abc import Sequence

from feedbackstudy.analysis.estimate import Estimate, Estimates
from feedbackstudy.literature.card import Reproduction
from feedbackstudy.literature.classes import Grade
from feedbackstudy.literature.meta import MetaAnalysis
from feedbackstudy.literature.published import Choice
from feedbackstudy.literature.tables import choice_table
from feedbackstudy.render import Facts, Notice, escape, number
from feedbackstudy.report.drawing import can_draw
from feedbackstudy.report.figures import picture
from feedbackstudy.report.prose import sentence
from feedbackstudy.report.result_tables import TONES, anchor_note
from feedbackstudy.report.sections import Section, section
from feedbackstudy.report.tables import Cell, Column, ReportTable, table

__all__ = ["flags_cell", "flags_chip", "verdict"]


@section.register(Reproduction)
def _card(result: Reproduction) -> Section:
    return Section(
        title=result.published.title,
        kicker=f"{result.key} \N{MIDDLE DOT} {result.published.kind}" if result.published.kind else result.key,
        key=result.key,
        contents_note=verdict(result),
        body=lambda prefix: _body(result, prefix),
        is_card=True,
    )


def verdict(result: Reproduction) -> str:
    """Return counts by class and the decision flags in one line.

    Parameters
    ----------
    result : Reproduction
        The reproduction.

    Returns
    -------
    str
        Such as ``"7 reproduced, 1 within rounding of inputs; decision flags: none"``.
    """
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items())
    return f"{counts}; decision flags: {flags_cell(result.flagged).text}"


def flags_cell(grades: Sequence[Grade]) -> Cell:
    """Return the number of decision flags and the worst of them.

    Parameters
    ----------
    grades : sequence of Grade
        The values that carry a flag.

    Returns
    -------
    Cell
        In words, with a shade.
    """
    if not grades:
        return Cell("none", "", "good")
    unexplained = [grade for grade in grades if not grade.explained]
    worst = (unexplained or list(grades))[0]
    state = "not explained" if unexplained else "explained"
    text = f"{len(grades)}, worst: {', '.join(worst.flags)} ({state})"
    return Cell(text, "", "poor" if unexplained else "fair")


def flags_chip(grades: Sequence[Grade]) -> str:
    """Return the decision flags as a chip for the head of a card.

    Parameters
    ----------
    grades : sequence of Grade
        The values that carry a flag.

    Returns
    -------
    str
        HTML.
    """
    cell = flags_cell(grades)
    return Cell(f"decision flags: {cell.text}", "", cell.tone).html()


def _body(result: Reproduction, prefix: str) -> str:
    parts = [_head(result), _meaning(result), table(result).html(), _choices(result)]
    estimates = result.findings.estimates
    parts += [_answers(estimates, prefix)] if estimates is not None else []
    parts += [_shown(thing, f"{prefix}-{i}") for i, thing in enumerate(result.findings.shows)]
    parts += [_in_words(estimates)] if estimates is not None else []
    parts.append(_provenance(result))
    return "".join(parts)


def _head(result: Reproduction) -> str:
    chips = [Cell(f"{count} {name}", "", TONES[name]).html() for name, count in result.counts.items()]
    items = "".join(f"<li>{chip}</li>" for chip in (*chips, flags_chip(result.flagged)))
    doi = f" doi:{result.published.doi}" if result.published.doi else ""
    notices = [Notice(note) for note in result.notes]
    if not result.fit_to_report:
        text = "Not fit to report as reproduced: a value is off by a major error, or a decision flag is unexplained."
        notices.insert(0, Notice(text, "error"))
    return (
        f'<p class="fs-lead">{escape(result.published.citation)}{escape(doi)}</p><ul class="fs-counts">{items}</ul>'
        f"{''.join(notice.html() for notice in notices)}"
    )


def _meaning(result: Reproduction) -> str:
    if not result.findings.claims:
        return ""
    named = f" ({', '.join(result.published.claims)})" if result.published.claims else ""
    return (
        f'<div class="fs-means"><p><strong>What it means for its claim{escape(named)}.</strong> '
        f"{escape(result.findings.claims)}</p></div>"
    )


def _choices(result: Reproduction) -> str:
    if not result.choices_made:
        return "<h3>Choices made to match</h3><p>None: the values come out by the method as it is described.</p>"
    return f"<h3>Choices made to match</h3>{''.join(_choice(choice, result) for choice in result.choices_made)}"


def _choice(choice: Choice, result: Reproduction) -> str:
    both = choice_table(choice, result.grades)
    said = f"<p><strong>{escape(choice.id.replace('_', ' '))}.</strong> {escape(choice.text)}</p>"
    if both is None:
        return said
    columns = tuple(Column(title.capitalize(), "right" if i else "left") for i, title in enumerate(both.head))
    return said + ReportTable(title=both.caption, columns=columns, rows=both.rows).html()


def _answers(estimates: Estimates, prefix: str) -> str:
    engines = {row.engine for row in estimates}
    title = "The same contrast answered both ways" if len(engines) > 1 else "Answers"
    drawn = picture(estimates, prefix=f"{prefix}-answers").html()
    return f"<h3>{title}</h3>{table(estimates).html()}{drawn}"


def _in_words(estimates: Estimates) -> str:
    said = "".join(f"<p>{escape(sentence(row))}</p>" for row in _leading(estimates))
    return f"<h3>In words</h3>{said}"


def _leading(estimates: Estimates) -> list[Estimate]:
    """Return the answers to the contrasts that decide, or to the first where none does; the table has them all."""
    deciding = {row.contrast for row in estimates if row.decides} or {row.contrast for row in estimates.rows[:1]}
    return [row for row in estimates if row.contrast in deciding]


def _shown(thing: object, prefix: str) -> str:
    if not can_draw(thing):
        return ""
    said = f"<p>{escape(sentence(thing))}</p>" if isinstance(thing, MetaAnalysis) else ""
    return said + picture(thing, prefix=prefix).html()


def _provenance(result: Reproduction) -> str:
    published, provenance = result.published, result.provenance
    anchors = dict.fromkeys(anchor_note(grade.published.anchor) for grade in result.grades)
    pairs = [
        ("method", published.method),
        ("printed values seen in", "; ".join(anchors)),
        ("independence", str(published.independence)),
        ("edition read", published.source_commit),
        ("authors", published.author_contact),
        ("SSRP level", str(published.ssrp_level or "not assigned")),
        ("time spent", f"{published.minutes_spent} minutes of work" if published.minutes_spent else "not recorded"),
        ("overall", str(result.overall)),
        ("computing time", f"{number(result.seconds, 1)} s"),
        *((label, text) for label, text in provenance.facts().pairs),
    ]
    return "<h3>Provenance</h3>" + Facts(tuple((label, text) for label, text in pairs if text)).html()
