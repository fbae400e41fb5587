"""Free text: addresses and numbers that name somebody, found and blacked out; the text itself is never quoted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.render import counted

__all__ = ["TextScan", "redacted", "scan_text"]

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"']+@[^\s@<>()\[\],;:\"']+\.[^\W\d_]{2,}")
# Country, two digits, then 11 to 30 letters and digits, in groups or not.
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \u00a0\u202f.\-]?[A-Za-z0-9]{4}){2,7}"
                   r"(?:[ \u00a0\u202f.\-]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])")  # fmt: skip
_ACCOUNT_DIGITS = 8
# Seven digits at least, parted by up to three blanks, points, hyphens, strokes or brackets, however long the number is.
_PHONE = re.compile(r"(?<![\w.,])(?:\+|00)?\(?\d(?:[\s().\-/\u00a0\u202f\u2010-\u2015]{0,3}\d){6,40}(?![\w])")
_DAY = r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./-]\d{1,2}[./-]\d{1,2})"
_DATE = re.compile(rf"{_DAY}(?:\s?[\s/\-\u2013]\s?{_DAY})*\Z")
_IP = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")
_KINDS = (
    ("e-mail address", _EMAIL, "[e-mail]"),
    ("IP address", _IP, "[IP]"),
    ("bank account", _IBAN, "[IBAN]"),
    ("telephone number", _PHONE, "[number]"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScan:
    """What was found in a column of text.

    Attributes
    ----------
    column : str
        The column.
    cells : int
        Cells that hold text.
    found : tuple of (str, int)
        Kind -> cells that hold such a thing.
    who : tuple of str
        Up to ten participants.
    """

    column: str
    cells: int
    found: tuple[tuple[str, int], ...]
    who: tuple[str, ...] = ()

    def issues(self) -> Issues:
        """Return the finding, where there is one.

        Returns
        -------
        Issues
            One warning, without any of the text, or none.
        """
        if not self.found:
            return Issues()
        listed = ", ".join(
            f"{n} with an {kind}" if kind[0] in "aeiI" else f"{n} with a {kind}" for kind, n in self.found
        )
        issue = Issue(
            code="collect.identifying_text",
            severity=Severity.WARNING,
            where=f"column {self.column}",
            what=f"Of {counted(self.cells, 'text')}, {listed}, or what looks like it.",
            why="Whoever reads the table can tell who wrote this.",
            fix="Read these texts before they leave the house; `redacted` blacks out what the scan finds, not names.",
            who=self.who,
        )
        return Issues([issue])


def scan_text(column: pd.Series, participants: Iterable[str] = ()) -> TextScan:
    """Look for addresses and numbers in a column of text.

    Parameters
    ----------
    column : Series
        The texts; what is no text is passed over.
    participants : iterable of str, optional
        Whose texts they are, for the finding.

    Returns
    -------
    TextScan
        Counts by kind, never the text.
    """
    texts = [value if isinstance(value, str) else "" for value in column]
    names = list(participants)
    kinds = [_marked(text)[1] for text in texts]
    hit = {kind: [kind in those for those in kinds] for kind, _, _ in _KINDS}
    found = tuple((kind, sum(flags)) for kind, flags in hit.items() if any(flags))
    concerned = [name for at, name in enumerate(names) if any(flags[at] for flags in hit.values())]
    return TextScan(
        column=str(column.name), cells=sum(bool(text.strip()) for text in texts), found=found, who=tuple(concerned[:10])
    )


def redacted(text: str) -> str:
    """Black out e-mail addresses, IP addresses, bank accounts and telephone numbers.

    Parameters
    ----------
    text : str
        What somebody wrote.

    Returns
    -------
    str
        The text with ``[e-mail]``, ``[IP]``, ``[IBAN]`` and ``[number]`` in their place. Names of people stay.
    """
    return _marked(text)[0]


def _marked(text: str) -> tuple[str, frozenset[str]]:
    """Return the text with marks, and the kinds found; one thing is of one kind."""
    found = set()
    for kind, pattern, mark in _KINDS:
        marked = pattern.sub(partial(_mark, mark), text)
        if marked != text:
            found.add(kind)
        text = marked
    return text, frozenset(found)


def _mark(mark: str, match: re.Match[str]) -> str:
    words = mark == "[IBAN]" and sum(sign.isdigit() for sign in match[0]) < _ACCOUNT_DIGITS
    return match[0] if words or _DATE.match(match[0]) else mark
