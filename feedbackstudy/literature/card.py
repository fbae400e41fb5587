"""The report card of a reproduction: every printed value, its class, its decision flag, and what made it."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from feedbackstudy.analysis.both_ways import answers
from feedbackstudy.literature.classes import Grade, ReportClass
from feedbackstudy.literature.findings import Findings
from feedbackstudy.literature.published import Anchor, Choice, Published
from feedbackstudy.literature.tables import choice_table, value_blocks
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, Text, number

__all__ = ["Overall", "Reproduction"]


class Overall(StrEnum):
    """One word for the whole, after the reports of the AEA Data Editor."""

    FULL = "full reproduction"
    MINOR_ISSUES = "full reproduction with minor issues"
    PARTIAL = "partial reproduction"
    NOT_ABLE = "not able to reproduce most of the results"


_HELD = frozenset(
    {
        ReportClass.REPRODUCED,
        ReportClass.WITHIN_ROUNDING,
        ReportClass.WITHIN_MONTE_CARLO,
        ReportClass.DIRECTION_ONLY,
    }
)
_MINOR_ISSUES = _HELD | {
    ReportClass.OTHER_DEFINITION,
    ReportClass.NEGLIGIBLE,
    ReportClass.MINOR,
    ReportClass.SOURCE_ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction(Rendered):
    """A published analysis, recomputed and compared value by value.

    Attributes
    ----------
    published : Published
        What was printed, and the terms fixed before computing.
    grades : tuple of Grade
        One for each printed value, in the order of the card.
    findings : Findings
        What the analysis returned.
    seconds : float
        Time that the analysis took.
    notes : tuple of str
        What else a reader must know: optional data that were absent, a declared choice that was not made.
    provenance : Provenance
        Data hashes, seed, versions, design hash.
    """

    published: Published
    grades: tuple[Grade, ...]
    findings: Findings
    seconds: float
    notes: tuple[str, ...] = ()
    provenance: Provenance

    @property
    def key(self) -> str:
        """The key of the analysis."""
        return self.published.key

    @property
    def counts(self) -> dict[ReportClass, int]:
        """How many values fell into each class, in the order of the rules; empty classes left out."""
        found = Counter(grade.report_class for grade in self.grades)
        return {report_class: found[report_class] for report_class in ReportClass if found[report_class]}

    @property
    def flagged(self) -> tuple[Grade, ...]:
        """The values on which a reader would decide differently."""
        return tuple(grade for grade in self.grades if grade.flags)

    @property
    def fit_to_report(self) -> bool:
        """No value is off by a major error and no decision flag is left unexplained."""
        major = any(grade.report_class is ReportClass.MAJOR for grade in self.grades)
        return not major and all(grade.explained for grade in self.grades)

    @property
    def overall(self) -> Overall:
        """The whole in one word.

        Full: every scored value holds (reproduced, within rounding or Monte-Carlo error, direction) and no decision
        flag is unexplained. With minor issues: besides these only other definitions, source errors, negligible and
        minor differences. Partial: at least half of the values are of these kinds. Otherwise not able.
        """
        scored = [grade for grade in self.grades if grade.report_class is not ReportClass.NOT_SCORED]
        good = sum(grade.report_class in _MINOR_ISSUES and grade.explained for grade in scored)
        if scored and good == len(scored):
            held = all(grade.report_class in _HELD for grade in scored)
            return Overall.FULL if held else Overall.MINOR_ISSUES
        return Overall.PARTIAL if scored and 2 * good >= len(scored) else Overall.NOT_ABLE

    @property
    def choices_made(self) -> tuple[Choice, ...]:
        """The declared choices that this run made to match."""
        return tuple(choice for choice in self.published.choices if choice.id in self.findings.choices)

    def grade(self, value_id: str) -> Grade:
        """Return the row of one printed value.

        Parameters
        ----------
        value_id : str
            Its id in ``published.yaml``.

        Returns
        -------
        Grade
            Class, reason, flags.

        Raises
        ------
        KeyError
            Where no such value was declared.
        """
        return {grade.published.id: grade for grade in self.grades}[value_id]

    def to_dict(self) -> dict[str, object]:
        """Return the card as plain data for ``--json``.

        Returns
        -------
        dict
            Key, overall word, counts, and one mapping for each value.
        """
        return {
            "key": self.key,
            "title": self.published.title,
            "overall": str(self.overall),
            "fit_to_report": self.fit_to_report,
            "seconds": self.seconds,
            "seed": self.provenance.seed,
            "data_sha256": dict(self.provenance.data_sha256),
            "versions": self.provenance.versions,
            "counts": {str(name): count for name, count in self.counts.items()},
            "choices_made": list(self.findings.choices),
            "values": [_row(grade) for grade in self.grades],
            "notes": list(self.notes),
        }

    def page(self) -> Page:
        """Return the report card.

        Returns
        -------
        Page
            Head, warnings, what it means, values, choices with both results, the answers of both engines, provenance.
        """
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        blocks: list[Block] = [self._head(), *self._notices()]
        blocks += [Text(f"What it means. {self.findings.claims}")] if self.findings.claims else []
        blocks += value_blocks(self.grades)
        for choice in self.choices_made:
            blocks.append(Text(f"Choice made to match ({choice.id}): {choice.text}"))
            both = choice_table(choice, self.grades)
            blocks += [both] if both is not None else []
        if self.findings.estimates is not None:
            blocks += answers(self.findings.estimates.rows, caption="The same contrasts answered both ways")
        blocks += [Text(note) for note in self.notes]
        blocks.append(self.provenance.facts())
        return Page(f"{self.key}: {self.published.title}", f"{self.overall}; {counts}", tuple(blocks))

    def _head(self) -> Facts:
        published = self.published
        anchors = ", ".join(f"{a}: {a.meaning}" for a in Anchor if any(g.published.anchor is a for g in self.grades))
        pairs = [
            ("source", published.citation),
            ("kind", published.kind),
            ("method", published.method),
            ("anchor grades", anchors),
            ("independence", str(published.independence)),
            ("edition read", published.source_commit),
            ("authors", published.author_contact),
            ("SSRP level", str(published.ssrp_level or "")),
            ("time spent", f"{published.minutes_spent} minutes of work" if published.minutes_spent else ""),
            ("computing time", f"{number(self.seconds, 1)} s"),
        ]
        return Facts(tuple((label, text) for label, text in pairs if text))

    def _notices(self) -> list[Notice]:
        notices = []
        for grade in self.flagged:
            why = grade.value.flag_explained if grade.value and grade.value.flag_explained else "not explained"
            tone = "warning" if grade.explained else "error"
            text = f"Decision flag on {grade.published.quantity}: {', '.join(grade.flags)}. {why}"
            notices.append(Notice(text, "warning" if tone == "warning" else "error"))
        if not self.fit_to_report:
            text = "Not fit to report as reproduced: a value is off by a major error, or a flag is unexplained."
            notices.append(Notice(text, "error"))
        return notices


def _row(grade: Grade) -> dict[str, object]:
    scored = grade.report_class is not ReportClass.NOT_SCORED
    return {
        "id": grade.published.id,
        "quantity": grade.published.quantity,
        "published": grade.published.published if scored else None,
        "reproduced": grade.value.value if grade.value else None,
        "other_choice": dict(grade.value.other_choice) if grade.value else {},
        "class": str(grade.report_class),
        "reason": grade.reason,
        "difference": grade.difference,
        "relative_error": grade.relative_error,
        "flags": list(grade.flags),
        "explained": grade.explained,
        "conditional_on": list(grade.published.conditional_on),
        "anchor": str(grade.published.anchor),
        "seen_in": grade.published.seen_in,
    }
