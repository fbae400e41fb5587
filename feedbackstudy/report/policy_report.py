"""The report of a policy: a page, a memo and a table of numbers, each made of what a disclosure rule let through."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from feedbackstudy.adapters.docx import Part, write_memo
from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.issues import Issues
from feedbackstudy.policy.assembling import PolicyResults
from feedbackstudy.policy.disclosure import Disclosed
from feedbackstudy.policy.disclosure.disclosed import HIDDEN
from feedbackstudy.report.document import document

__all__ = ["PolicyReport"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """A report that holds disclosed numbers and nothing else.

    Attributes
    ----------
    results : PolicyResults
        What `assemble` gave.
    issues : Issues
        What the check of the table said; shown without names of applications.
    """

    results: PolicyResults
    issues: Issues

    def __post_init__(self) -> None:
        for part in self.results.parts:
            if not isinstance(part, Disclosed):
                raise InputError(
                    f"A {type(part).__name__} has not passed a disclosure rule; give what DisclosurePolicy returns."
                )

    @property
    def lead(self) -> tuple[str, ...]:
        """The paragraphs before the numbers: what was not registered, question, plan, and what must be known."""
        plan, mark = self.results.plan, self.results.provenance.mark
        digest = f"Plan {plan.digest()[:16]}, decisions of {plan.window.first} to {plan.window.last}."
        # What an issue found may be a count of few people; where and why it matters is not.
        warned = [f"Warning about {issue.where} ({issue.code}): {issue.why}" for issue in self.issues.warnings]
        texts = (mark, self.results.standing, plan.question, digest, *self.results.said, *warned)
        return tuple(text for text in texts if text)

    def html(self, to: str | Path) -> Path:
        """Write one HTML file without scripts and outside addresses.

        Parameters
        ----------
        to : str or Path
            A file that does not exist yet.

        Returns
        -------
        Path
            The file.
        """
        return document(*self.results.parts, to=_new(to), title=self.results.plan.title, lead=" ".join(self.lead))

    def memo(self, to: str | Path) -> Path:
        """Write a Word memo.

        Parameters
        ----------
        to : str or Path
            A file that does not exist yet.

        Returns
        -------
        Path
            The file.
        """
        parts = []
        for part in self.results.parts:
            head, rows = part.lines()
            parts.append(Part(title=part.title, head=head, rows=rows, texts=(*part.notes, f"{part.words} {part.said}")))
        return write_memo(_new(to), title=self.results.plan.title, lead=self.lead, parts=parts)

    def csv(self, to: str | Path) -> Path:
        """Write the disclosed numbers as one long table.

        Parameters
        ----------
        to : str or Path
            A file that does not exist yet.

        Returns
        -------
        Path
            The file, with columns ``part, row, what, value``; a hidden number says ``hidden``, one that does not exist
            (the ratio of a reference, the standard error of a randomisation test) is empty, and a p value below .001
            says ``<0.001`` where p values are rounded.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("part", "row", "what", "value"))
        for part in self.results.parts:
            for i, row in enumerate(part.frame().itertuples(index=False), start=1):
                for name, value in zip(map(str, part.table.columns), row, strict=True):
                    text = HIDDEN if part.is_hidden(i - 1, name) else _text(value, name)
                    writer.writerow((_inert(part.title), i, name, _inert(text)))
        return write_atomic(_new(to), out.getvalue())


def _new(path: str | Path) -> Path:
    place = Path(path)
    if place.exists():
        raise FileFormatError(f"{place} exists; nothing is overwritten. Name another file.")
    return place


def _text(value: object, name: str) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    if value is None or value is pd.NA or value != value:
        return ""
    if value == 0 and (name == "p" or name.startswith("p_") or name.endswith("_p")):
        return "<0.001"
    return repr(value) if isinstance(value, float) and not hasattr(value, "dtype") else str(value)


def _inert(text: str) -> str:
    """Keep a spreadsheet from taking text for a formula; numbers stay numbers."""
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text.startswith(_FORMULA) else text
    return text
