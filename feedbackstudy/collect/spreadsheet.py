"""Tables for spreadsheet programs: what such a program would run as a formula is written as text, and read back."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from feedbackstudy.collect.text_table import TextTable
from feedbackstudy.errors import InputError
from feedbackstudy.files import write_atomic
from feedbackstudy.issues import Issue, Severity

__all__ = ["MARKER", "safe_cell", "safe_csv", "unescaped", "write_spreadsheet"]

MARKER = "escaped_for_spreadsheets"
"""Last column of a table in which cells got an apostrophe; by it `collect.read` knows to take them off again."""

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDE = frozenset("\uff1d\uff0b\uff0d\uff20")


def _would_run(text: str) -> bool:
    first = text.lstrip("'").lstrip(" \u00a0")
    return first.startswith(_STARTS) or first[:1] in _WIDE


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet program takes for a formula.

    Parameters
    ----------
    value : object
        A cell.

    Returns
    -------
    object
        Text that begins with one of ``= + - @``, a tab or a line end (also after apostrophes or blanks, and in full
        width) gets an apostrophe before it (OWASP ASVS 1.2.10, CWE-1236); numbers and everything else stay.
    """
    return f"'{value}" if isinstance(value, str) and _would_run(value) else value


def safe_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV that a spreadsheet program may open.

    Parameters
    ----------
    frame : DataFrame
        The table; numbers stay numbers.

    Returns
    -------
    str
        The table, with a byte-order mark, by which spreadsheet programs know the encoding. Where a cell or a name had
        to be escaped (`safe_cell`), a last column ``escaped_for_spreadsheets`` says so.
    """
    names = [str(name) for name in frame.columns]
    safe = frame.set_axis([str(safe_cell(name)) for name in names], axis="columns")
    changed = list(safe.columns) != names
    for place, (_, column) in enumerate(frame.items()):
        if not pd.api.types.is_numeric_dtype(column):
            texts = column.astype(object)
            escaped = texts.map(safe_cell, na_action="ignore")
            changed |= any(a != b for a, b in zip(texts, escaped, strict=True) if isinstance(b, str))
            safe.isetitem(place, escaped.array)
    if changed:
        safe[MARKER] = "yes"
    return "\ufeff" + safe.to_csv(index=False)


def write_spreadsheet(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a table that people open in a spreadsheet program.

    Parameters
    ----------
    frame : DataFrame
        The table; numbers stay numbers.
    path : str or Path
        A CSV file, which must be new.

    Returns
    -------
    Path
        The file, in UTF-8 with a byte-order mark, readable by its owner alone. `collect.read` takes it back unchanged.

    Raises
    ------
    InputError
        Where the file is there already.

    Notes
    -----
    For people. What programs read is written raw, by `export_psychds`, `write_responses` and ``--raw``.
    """
    file = Path(path)
    if file.exists():
        raise InputError(f"{file} is there already; choose a new name, nothing is overwritten.")
    return write_atomic(file, safe_csv(frame), private=True)


def unescaped(names: Sequence[str], table: TextTable) -> tuple[tuple[str, ...], TextTable]:
    """Take the apostrophes off again that `safe_csv` has set; a table of any other origin stays as it is.

    Parameters
    ----------
    names : sequence of str
        Header of the table.
    table : TextTable
        The rows below.

    Returns
    -------
    tuple
        Names and rows as they were before they were written for a spreadsheet program; the table's findings say so.
    """
    if not names or names[-1] != MARKER:
        return tuple(names), table
    plain = table.without_columns([len(names) - 1]).with_texts(_plain)
    what = f"Cells that begin like a formula are read without the apostrophe before them (column {MARKER!r})."
    why = "We had set it, so that no spreadsheet program runs them; it is nobody's answer."
    note = Issue("collect.apostrophes_taken_off", Severity.NOTE, table.where, what, why, "Nothing to do.")
    return tuple(map(_plain, names[:-1])), replace(plain, issues=(*plain.issues, note))


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") and _would_run(text) else text
