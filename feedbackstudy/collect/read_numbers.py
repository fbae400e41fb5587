"""Numbers written as text: which mark is the decimal one is known, or asked for, and never guessed."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from feedbackstudy.collect.quoting import quoted
from feedbackstudy.issues import Issue, Severity

__all__ = ["Marks", "marks_of"]

_PLAIN = re.compile(r"[+-]?(\d+|\d+\.\d+|\.\d+)([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DOT = re.compile(r"[+-]?\d+\.\d+")
_LIKE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,]\d{3})+")
_BOTH = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d{1,3}(,\d{3})+\.\d+")
_FIX = 'Say decimal="," or decimal="." (and thousands= where the file groups digits), after looking at the file.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How a file writes numbers.

    Attributes
    ----------
    decimal : str
        The decimal mark.
    thousands : str
        The mark that groups digits; empty for none.
    """

    decimal: str = "."
    thousands: str = ""

    def number(self, text: str) -> float | None:
        """Read a number.

        Parameters
        ----------
        text : str
            A cell.

        Returns
        -------
        float or None
            None where the text is no number; blanks around it make it none.
        """
        plain = text
        if self.thousands and self.thousands in plain:
            mark = re.escape(self.thousands)
            if not re.fullmatch(rf"[+-]?\d{{1,3}}({mark}\d{{3}})+(\D\d+)?", plain):
                return None
            plain = plain.replace(self.thousands, "")
        if self.decimal == ",":
            if "." in plain:
                return None
            plain = plain.replace(",", ".")
        value = float(plain) if _PLAIN.fullmatch(plain) else math.nan
        return value if math.isfinite(value) else None


def marks_of(
    texts: Iterable[str], delimiter: str, where: str, *, decimal: str | None, thousands: str | None
) -> tuple[Marks, list[Issue]]:
    """Read off the numbers of a file how it writes them.

    Parameters
    ----------
    texts : iterable of str
        The different cells of all columns of numbers.
    delimiter : str
        What separates the file's cells.
    where : str
        Its name.
    decimal, thousands : str or None
        What was declared.

    Returns
    -------
    tuple
        The marks, and what was found; an error where ``1,234`` or ``1.234`` can mean two numbers.
    """
    if decimal is not None or thousands is not None:
        return Marks(decimal=decimal or ".", thousands=thousands or ""), []
    different = list(texts)
    commas = [text for text in different if _COMMA.fullmatch(text)]
    dots = [text for text in different if _DOT.fullmatch(text)]
    both = [text for text in different if _BOTH.fullmatch(text)]
    grouped = [text for text in dots if _LIKE_THOUSANDS.fullmatch(text)]
    if both or (commas and dots):
        what = f"numbers are written with commas and with points ({_some(both or commas[:2] + dots[:2])})."
        return Marks(), [_ambiguous(where, what)]
    if commas and all(_LIKE_THOUSANDS.fullmatch(text) for text in commas):
        what = f"{_some(commas)} can be one and a bit, or a thousand and more."
        return Marks(), [_ambiguous(where, what)]
    if commas:
        what = f"numbers with a decimal comma ({_some(commas)}) were read as such, {len(commas)} different."
        why = "Read otherwise, 1,5 becomes 15 or text."
        found = Issue("collect.decimal_comma", Severity.NOTE, where, what, why, "Nothing to do.")
        return Marks(decimal=","), [found]
    if grouped and delimiter == ";" and len(grouped) == len(dots):
        what = f"{_some(grouped)} can be one and a bit, or a thousand and more (';' often goes with decimal commas)."
        return Marks(), [_ambiguous(where, what)]
    return Marks(), []


def _some(texts: list[str]) -> str:
    return ", ".join(quoted(text).strip("'") for text in sorted(texts)[:3])


def _ambiguous(where: str, what: str) -> Issue:
    why = "A wrong guess multiplies answers by a thousand, and nothing shows it."
    return Issue("collect.ambiguous_number", Severity.ERROR, where, what, why, _FIX)
