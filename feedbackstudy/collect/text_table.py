"""Text tables: every cell as text, only an empty cell is missing, and every cell proved equal to the file."""

import io
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.text_bytes import Content
from feedbackstudy.collect.text_decoding import to_utf8
from feedbackstudy.collect.text_proof import prove_cells
from feedbackstudy.collect.text_records import Records, delimiter_of, scan
from feedbackstudy.errors import FileFormatError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.render import counted

__all__ = ["TextTable", "categorical", "folded_name", "refuse_alike", "text_table"]

_SHOWN = 5
_WORDS = "cells are text"
MAX_COLUMNS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextTable:
    """A table whose cells are text.

    Attributes
    ----------
    where : str
        Name of the file.
    columns : tuple of Categorical
        Cells by column, each text stored once.
    lines : ndarray
        Line or row of the file in which each record starts.
    encoding, delimiter : str
        How the file was written; empty where it is no text file.
    n_proved : int
        Cells that were compared with the bytes of the file.
    issues : tuple of Issue
        What was found while reading.
    """

    where: str
    columns: tuple[pd.Categorical, ...]
    lines: NDArray[np.int64]
    encoding: str = ""
    delimiter: str = ""
    n_proved: int = 0
    issues: tuple[Issue, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def texts(self, column: int) -> NDArray[np.object_]:
        """Return the cells of a column.

        Parameters
        ----------
        column : int
            Its place.

        Returns
        -------
        ndarray of object
            Text; ``""`` is missing.
        """
        return np.asarray(self.columns[column].astype(object), dtype=object)

    def row(self, i: int) -> tuple[str, ...]:
        """Return one record.

        Parameters
        ----------
        i : int
            Its place.

        Returns
        -------
        tuple of str
            Its cells.
        """
        return tuple(str(column[i]) for column in self.columns)

    def rows(self, keep: slice | NDArray[np.bool_]) -> "TextTable":
        """Return some records.

        Parameters
        ----------
        keep : slice or ndarray of bool
            Which ones.

        Returns
        -------
        TextTable
            A shorter table.
        """
        return replace(self, columns=tuple(column[keep] for column in self.columns), lines=self.lines[keep])

    def without_columns(self, gone: Sequence[int]) -> "TextTable":
        """Return the table without some columns.

        Parameters
        ----------
        gone : sequence of int
            Places.

        Returns
        -------
        TextTable
            A narrower table.
        """
        return replace(self, columns=tuple(c for i, c in enumerate(self.columns) if i not in set(gone)))

    def with_texts(self, change: Callable[[str], str]) -> "TextTable":
        """Return the table with every cell changed by a rule.

        Parameters
        ----------
        change : callable
            Text -> text.

        Returns
        -------
        TextTable
            The same shape.
        """
        made = []
        for column in self.columns:
            changed = [change(str(text)) for text in column.categories]
            places = {text: place for place, text in enumerate(dict.fromkeys(changed))}
            codes = np.array([places[text] for text in changed], dtype=np.int64)
            made.append(
                pd.Categorical.from_codes(codes[np.asarray(column.codes)], pd.Index(list(places), dtype=object))
            )
        return replace(self, columns=tuple(made))


def text_table(
    content: Content, *, encoding: str | None = None, delimiter: str | None = None, allow_ragged: bool = False
) -> TextTable:
    """Read a delimited text.

    Parameters
    ----------
    content : Content
        The file.
    encoding : str, optional
        What it is in; by its byte-order mark, else UTF-8.
    delimiter : str, optional
        What separates cells; read off the file where left out.
    allow_ragged : bool, default False
        Whether records that are shorter than the header are filled up, with a warning.

    Returns
    -------
    TextTable
        The header is its first record.

    Raises
    ------
    FileFormatError
        For a file of another kind, a wrong encoding, open quotes, or records longer or shorter than the header.

    Notes
    -----
    Line ends are brought to one form (line feed), also within cells.
    """
    where = content.name
    text = to_utf8(content.data, where, encoding)
    if not text.data.strip():
        raise FileFormatError(f"{where}: the file is empty but for blanks. Export it again.")
    mark = delimiter or delimiter_of(text.data, where)
    data = text.data.replace(b"\r\n", b"\n") if b"\r\n" in text.data else text.data
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    records = scan(data, mark, where)
    width = int(records.widths[0])
    if width > MAX_COLUMNS:
        raise FileFormatError(
            f"{where} has {width:,} columns; at most {MAX_COLUMNS:,} are read. Is the delimiter right?"
        )
    issues = (*text.issues, *_shape(records, width, where, allow_ragged=allow_ragged))
    columns = _parsed(data, mark, width, len(records.widths), where)
    proved = prove_cells(data, records, columns, where) if not (records.widths != width).any() else 0
    return TextTable(
        where=where,
        columns=columns,
        lines=records.lines,
        encoding=text.encoding,
        delimiter=mark,
        n_proved=proved,
        issues=issues,
    )


def _parsed(data: bytes, delimiter: str, width: int, n: int, where: str) -> tuple[pd.Categorical, ...]:
    # pandas turns categories that all look like numbers or truth values into these; a record of words keeps them text.
    words = delimiter.join([_WORDS] * width).encode("utf-8") + b"\n"
    # A carriage return within quotes would end a line for pandas, unless it is told what ends lines here.
    ends = "\n" if b"\r" in data and b"\r\n" not in data and b"\n" in data else None
    frame = pd.read_csv(
        io.BytesIO(words + data),
        sep=delimiter,
        header=None,
        names=range(width),
        index_col=False,
        dtype="category",
        na_filter=False,
        low_memory=False,
        skip_blank_lines=True,
        encoding="utf-8",
        engine="c",
        lineterminator=ends,
    )
    if len(frame) != n + 1:
        raise FileFormatError(
            f"{where}: one reader finds {counted(len(frame) - 1, 'record')} and another {n}. Lines that end in "
            "different ways, or stray quotation marks, do that; export the file again."
        )
    return tuple(frame[i].array[1:] for i in range(width))


def _shape(records: Records, width: int, where: str, *, allow_ragged: bool) -> list[Issue]:
    longer, shorter = records.widths > width, records.widths < width
    if longer.any():
        raise FileFormatError(
            f"{where}: {counted(int(longer.sum()), 'record is', 'records are')} longer than the header ({width} "
            "cells); the first at "
            f"{_places(records, longer)}. A delimiter inside a cell that is not quoted does that, and would shift "
            "answers into the wrong columns. Export the file again."
        )
    if not shorter.any():
        return []
    what = f"{counted(int(shorter.sum()), 'record is', 'records are')} shorter than the header ({width} cells): "
    what += f"{_places(records, shorter)}."
    if not allow_ragged:
        raise FileFormatError(
            f"{where}: {what} It cannot be known which answers are absent. Export the file again, or give "
            "allow_ragged=True where their last cells were left out because they are empty."
        )
    why = "Their last cells are taken as empty; were cells lost in the middle, answers stand in wrong columns."
    fix = "Compare one such record with the platform before you go on."
    return [Issue("collect.ragged", Severity.WARNING, where, what, why, fix)]


def _places(records: Records, which: NDArray[np.bool_]) -> str:
    at = np.flatnonzero(which)
    shown = ", ".join(f"line {records.lines[i]} ({records.widths[i]} cells)" for i in at[:_SHOWN])
    return shown + (" ..." if at.size > _SHOWN else "")


def categorical(texts: Sequence[str] | NDArray[np.object_]) -> pd.Categorical:
    """Return texts as a column that stores each once.

    Parameters
    ----------
    texts : sequence of str
        Cells.

    Returns
    -------
    Categorical
        The column.
    """
    codes, different = pd.factorize(np.asarray(texts, dtype=object))
    return pd.Categorical.from_codes(codes, categories=pd.Index(different, dtype=object))


def folded_name(name: str) -> str:
    """Return a column name as people would call it the same.

    Parameters
    ----------
    name : str
        A header cell.

    Returns
    -------
    str
        Unicode form NFKC, without case and blanks.
    """
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def refuse_alike(names: Sequence[str], where: str) -> None:
    """Refuse headers that are the same, or the same but for case, blanks or Unicode form.

    Parameters
    ----------
    names : sequence of str
        The header.
    where : str
        Name of the file.

    Raises
    ------
    FileFormatError
        Naming both.
    """
    seen: dict[str, tuple[int, str]] = {}
    for i, name in enumerate(names, start=1):
        key = folded_name(name)
        if not key:
            raise FileFormatError(f"{where}: column {i} has no name; every column needs one.")
        if key in seen:
            place, other = seen[key]
            same = "have the same name" if other == name else "differ only in case, blanks or Unicode form"
            raise FileFormatError(
                f"{where}: the columns {place} ({other!r}) and {i} ({name!r}) {same}. It cannot be known which holds "
                "the answers; rename one in the platform or in a copy of the file."
            )
        seen[key] = (i, name)
