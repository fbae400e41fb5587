"""What every check returns: an `Issue` says what, where, who, why and how to mend it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Protocol, SupportsIndex

from feedbackstudy.render import Block, Page, Rendered, Table, Text

__all__ = ["Issue", "Issues", "Severity"]


class Severity(StrEnum):
    """How much an issue matters: an error stops, a warning must be read, a note is for the record."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of a check.

    Attributes
    ----------
    code : str
        Stable name of the kind of finding, ``room.what`` in lower case: ``"study.arm_not_asked"``.
    severity : Severity
        Error, warning or note.
    where : str
        File and line, column, hypothesis or cell.
    what : str
        The finding, with the values given.
    why : str
        Why it matters for the study's conclusions.
    fix : str
        What to do.
    who : tuple of str
        Participants concerned, by pseudonym; empty where nobody is.
    """

    code: str
    severity: Severity
    where: str
    what: str
    why: str
    fix: str
    who: tuple[str, ...] = ()

    def __str__(self) -> str:
        who = f" (participants {', '.join(self.who)})" if self.who else ""
        return f"{self.severity.upper()} {self.code} at {self.where}{who}: {self.what} Why: {self.why} Fix: {self.fix}"

    def to_dict(self) -> dict[str, object]:
        """Return the issue as plain data for ``--json``.

        Returns
        -------
        dict
            One key per attribute; `who` as a list.
        """
        return {**asdict(self), "severity": str(self.severity), "who": list(self.who)}


class _Printer(Protocol):
    """IPython's printer, as far as it is used."""

    def text(self, text: str) -> None: ...


class Issues(list[Issue], Rendered):
    """A list of issues that renders itself, worst first.

    Parameters
    ----------
    issues : iterable of Issue, optional
        The findings.
    """

    def __init__(self, issues: Iterable[Issue] = ()) -> None:
        order = list(Severity)
        super().__init__(sorted(issues, key=lambda issue: order.index(issue.severity)))

    def __getitem__(self, index: SupportsIndex | slice) -> "Issue | Issues":  # type: ignore[override]
        if isinstance(index, slice):
            return Issues(list.__getitem__(self, index))
        return list.__getitem__(self, index)

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:  # noqa: ARG002
        """Show the page: IPython has a printer of its own for lists, which would come before `Rendered`."""
        printer.text(str(self))

    @property
    def errors(self) -> "Issues":
        """The issues that stop the work."""
        return Issues(issue for issue in self if issue.severity is Severity.ERROR)

    @property
    def warnings(self) -> "Issues":
        """The issues that must be read before going on."""
        return Issues(issue for issue in self if issue.severity is Severity.WARNING)

    def page(self) -> Page:
        """Return the issues as a page: one row each, worst first.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        named = any(i.who for i in self)
        rows = tuple((str(i.severity), i.where, i.what, i.why, i.fix, *([", ".join(i.who)] * named)) for i in self)
        head = ("severity", "where", "what", "why", "fix", *(["who"] * named))
        body: Block = Table(head, rows) if rows else Text("Nothing found.")
        numbers = {s: sum(i.severity is s for i in self) for s in Severity}
        counts = ", ".join(f"{n} {s}{'' if n == 1 else 's'}" for s, n in numbers.items())
        return Page(title="Issues", subtitle=counts, blocks=(body,))
