"""Memos as Word files, through python-docx; the library is imported inside functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feedbackstudy.errors import FileFormatError, MissingExtraError
from feedbackstudy.files import staged_file
from feedbackstudy.render import clean

if TYPE_CHECKING:
    from docx.table import Table

__all__ = ["Part", "write_memo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a memo.

    Attributes
    ----------
    title : str
        Heading.
    head : tuple of str
        Head of its table; empty for none.
    rows : tuple of tuple of str
        Its rows.
    texts : tuple of str
        Paragraphs after the table.
    """

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    texts: tuple[str, ...] = ()


def write_memo(path: Path, *, title: str, lead: Sequence[str], parts: Sequence[Part]) -> Path:
    """Write a memo, whole or not at all.

    Parameters
    ----------
    path : Path
        A file that does not exist yet.
    title : str
        Title of the memo.
    lead : sequence of str
        Paragraphs under the title.
    parts : sequence of Part
        In reading order.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MissingExtraError
        Where python-docx is not installed.
    FileFormatError
        Where the file exists or cannot be written.
    """
    try:
        import docx
    except ImportError as fault:
        raise MissingExtraError("Word memos need python-docx: pip install feedbackstudy[docx].") from fault
    if path.exists():
        raise FileFormatError(f"{path} exists; nothing is overwritten. Name another file.")
    memo = docx.Document()
    memo.core_properties.title = clean(title)
    memo.core_properties.author = "feedbackstudy"
    memo.add_heading(clean(title), level=0)
    for text in lead:
        memo.add_paragraph(clean(text))
    for part in parts:
        memo.add_heading(clean(part.title), level=1)
        if part.head:
            _fill(memo.add_table(rows=1, cols=len(part.head), style="Light Grid Accent 1"), part)
        for text in part.texts:
            memo.add_paragraph(clean(text))
    with staged_file(path) as staged, staged.open("wb") as stream:
        memo.save(stream)
    return path


def _fill(table: "Table", part: Part) -> None:
    for text, cell in zip(part.head, table.rows[0].cells, strict=True):
        cell.text = clean(text)
    for row in part.rows:
        cells = table.add_row().cells  # type: ignore[no-untyped-call]
        for text, cell in zip(row, cells, strict=True):
            cell.text = clean(text)
