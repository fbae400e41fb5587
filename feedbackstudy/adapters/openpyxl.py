"""The typed door to openpyxl: the cells of a sheet as text, formulas never evaluated."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

from feedbackstudy.errors import FileFormatError, MissingExtraError

__all__ = ["sheet_rows", "write_sheet"]

# What openpyxl and the standard library raise for workbooks that are cut or damaged.
_DAMAGED = (
    zipfile.BadZipFile,
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    SyntaxError,
    zlib.error,
)


class _Cell(Protocol):
    value: object
    data_type: str
    coordinate: str


class _Sheet(Protocol):
    def iter_rows(self) -> Iterable[Sequence[_Cell]]: ...


def _openpyxl() -> ModuleType:
    try:
        return import_module("openpyxl")
    except ImportError as fault:
        raise MissingExtraError("Reading .xlsx needs openpyxl: pip install feedbackstudy[excel].") from fault


def sheet_rows(data: bytes, where: str, sheet: str | None = None) -> tuple[str, list[list[str]], list[str]]:
    """Return the cells of a sheet.

    Parameters
    ----------
    data : bytes
        The workbook.
    where : str
        Its name, for messages.
    sheet : str, optional
        The sheet; the only one where left out.

    Returns
    -------
    tuple
        Name of the sheet, rows of text (``""`` for an empty cell), and the places of formulas, whose text is kept as it
        stands and never evaluated.

    Raises
    ------
    FileFormatError
        Where it is no workbook, or holds several sheets and none is named.
    MissingExtraError
        Where openpyxl is not installed.
    """
    openpyxl = _openpyxl()
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    except _DAMAGED as fault:
        raise FileFormatError(
            f"{where} looks like Excel but cannot be opened; save it again as .xlsx or CSV."
        ) from fault
    try:
        names = [str(name) for name in book.sheetnames]
        if sheet is None and len(names) != 1:
            raise FileFormatError(f"{where} has the sheets {', '.join(names)}; say which with sheet=.")
        chosen = sheet or names[0]
        if chosen not in names:
            raise FileFormatError(f"{where} has no sheet {chosen!r}; it has {', '.join(names)}.")
        rows, formulas = _cells(book[chosen])
    except _DAMAGED as fault:
        if isinstance(fault, FileFormatError):
            raise
        raise FileFormatError(f"{where} is a damaged workbook; save it again as .xlsx or CSV.") from fault
    finally:
        book.close()
    return chosen, rows, formulas


def _cells(sheet: "_Sheet") -> tuple[list[list[str]], list[str]]:
    """Return rows of text, and the places of formulas."""
    rows: list[list[str]] = []
    formulas: list[str] = []
    for row in sheet.iter_rows():
        formulas += [str(cell.coordinate) for cell in row if cell.data_type == "f"]
        rows.append([_text(cell.value) for cell in row])
    return rows, formulas


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)


def write_sheet(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write one sheet; text stays text, whatever it begins with.

    Parameters
    ----------
    path : Path
        The .xlsx file.
    header : sequence of str
        First row.
    rows : iterable of sequence
        Text, numbers, or None for an empty cell.

    Returns
    -------
    Path
        `path`.
    """
    openpyxl = _openpyxl()
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped, unused-ignore]

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("responses")

    def cell(value: object) -> object:
        made = WriteOnlyCell(sheet, value=value)
        if isinstance(value, str):
            made.data_type = "s"
        return made

    sheet.append([cell(name) for name in header])
    for row in rows:
        sheet.append([cell(value) for value in row])
    book.save(path)
    return path
