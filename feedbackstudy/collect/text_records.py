"""Where the records and cells of a delimited text lie, by position: the check of its shape, and the second reading."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import FileFormatError

__all__ = ["Records", "delimiter_of", "scan"]

type Places = NDArray[np.int64]

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13
_DELIMITERS = (",", ";", "\t", "|")
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """The places of all cells.

    Attributes
    ----------
    ends : ndarray
        Place of the separator behind each cell, record by record.
    starts : ndarray
        Place of the first byte of each cell.
    widths : ndarray
        Number of cells of each record.
    lines : ndarray
        Line in which each record starts, from 1.
    """

    ends: Places
    starts: Places
    widths: Places
    lines: Places


def scan(data: bytes, delimiter: str, where: str) -> Records:
    """Find every cell, outside quotes only.

    Parameters
    ----------
    data : bytes
        UTF-8 text.
    delimiter : str
        What separates cells.
    where : str
        Name of the file.

    Returns
    -------
    Records
        Blank lines are left out.

    Raises
    ------
    FileFormatError
        For a quote that never closes or stands inside an unquoted cell.

    Notes
    -----
    A separator counts where the number of quotes before it is even; a doubled quote inside a quoted cell keeps it so.
    """
    buffer = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", dtype=np.uint8)
    breaks = buffer == _NEWLINE
    separators = (buffer == ord(delimiter)) | breaks
    quotes = buffer == _QUOTE
    if quotes.any():
        inside = np.cumsum(quotes, dtype=np.uint8) & np.uint8(1)
        _check_quotes(buffer, quotes, inside, ord(delimiter), where)
        separators &= inside == 0
    ends = np.flatnonzero(separators)
    closes = breaks[ends]
    last = np.flatnonzero(closes)
    widths = np.diff(last, prepend=-1)
    starts = np.concatenate([[0], ends[:-1] + 1])
    first = last - widths + 1
    lines = _lines_at(breaks, starts[first])
    blank = (widths == 1) & (_length(buffer, starts[first], ends[last]) == 0)
    if blank.any():
        keep = np.repeat(~blank, widths)
        ends, starts, widths, lines = ends[keep], starts[keep], widths[~blank], lines[~blank]
    return Records(ends=ends, starts=starts, widths=widths, lines=lines)


def _length(buffer: NDArray[np.uint8], starts: Places, ends: Places) -> Places:
    stop = ends - ((ends > starts) & (buffer[ends - 1] == _RETURN))
    return np.asarray(stop - starts)


def _lines_at(breaks: NDArray[np.bool_], places: Places) -> Places:
    return np.asarray(np.searchsorted(np.flatnonzero(breaks), places) + 1)


def _check_quotes(
    buffer: NDArray[np.uint8], quotes: NDArray[np.bool_], inside: NDArray[np.uint8], delimiter: int, where: str
) -> None:
    at = np.flatnonzero(quotes)
    opening = at[inside[at] == 1]
    before = np.where(opening == 0, _NEWLINE, buffer[opening - 1])
    stray = opening[~np.isin(before, (delimiter, _NEWLINE, _QUOTE))]
    breaks = buffer == _NEWLINE
    if stray.size:
        line = int(_lines_at(breaks, stray[:1])[0])
        raise FileFormatError(
            f"{where}, line {line}: a quotation mark stands inside a cell that does not begin with one, or a quoted "
            "cell before it never closes. Export the file again; in an edited file, double the marks and quote it."
        )
    if int(inside[-1]):
        line = int(_lines_at(breaks, opening[-1:])[0])
        raise FileFormatError(
            f"{where}: the quotation mark opened in line {line} never closes, so the rest of the file would be one "
            "cell. Was the file cut? Export it again."
        )


def delimiter_of(data: bytes, where: str) -> str:
    """Read the delimiter off the first records.

    Parameters
    ----------
    data : bytes
        UTF-8 text.
    where : str
        Name of the file.

    Returns
    -------
    str
        The one that gives all of the first records the same number of cells, and most of them; a comma where a table
        has one column.

    Raises
    ------
    FileFormatError
        Where two do equally well.
    """
    head = data[:200_000]
    found: dict[str, tuple[bool, int]] = {}
    for delimiter in _DELIMITERS:
        try:
            widths = scan(head, delimiter, where).widths[: 50 if len(head) < len(data) else None]
        except FileFormatError:
            continue  # the head may be cut inside a quoted cell
        if widths.size and widths[0] > 1:
            found[delimiter] = (bool((widths == widths[0]).all()), int(widths[0]))
    if not found:
        return ","
    best = max(found.values())
    winners = [delimiter for delimiter, value in found.items() if value == best]
    if len(winners) > 1:
        raise FileFormatError(
            f"{where} can be read with {' and '.join(map(repr, winners))} as delimiter, both giving {best[1]} columns. "
            "Give delimiter=."
        )
    return winners[0]
