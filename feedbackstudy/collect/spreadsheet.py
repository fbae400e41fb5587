"""Tables for spreadsheet programs: text that such a program would run as a formula is written as text."""

from pathlib import Path

import pandas as pd

from feedbackstudy.errors import InputError
from feedbackstudy.files import write_atomic

__all__ = ["safe_cell", "write_spreadsheet"]

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet program takes for a formula.

    Parameters
    ----------
    value : object
        A cell.

    Returns
    -------
    object
        Text that begins with one of ``= + - @``, a tab or a line end (also after blanks, and in full width) gets an
        apostrophe before it (OWASP ASVS 1.2.10, CWE-1236); numbers and everything else stay.
    """
    if not isinstance(value, str):
        return value
    first = value.lstrip(" \u00a0")
    wide = first[:1] in {"\uff1d", "\uff0b", "\uff0d", "\uff20"}
    return f"'{value}" if first.startswith(_STARTS) or wide else value


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
        The file, in UTF-8 with a byte-order mark, by which spreadsheet programs know the encoding.

    Raises
    ------
    InputError
        Where the file is there already.

    Notes
    -----
    For people. What programs read is written raw by `export_psychds`.
    """
    file = Path(path)
    if file.exists():
        raise InputError(f"{file} is there already; choose a new name, nothing is overwritten.")
    safe = frame.rename(columns=lambda name: str(safe_cell(str(name))))
    for place, (_, column) in enumerate(frame.items()):
        if not pd.api.types.is_numeric_dtype(column):
            safe.isetitem(place, column.astype(object).map(safe_cell, na_action="ignore").array)
    return write_atomic(file, "\ufeff" + safe.to_csv(index=False), private=True)
