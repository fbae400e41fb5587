"""The proof that parsed cells are the file's cells: a second reading by position, byte for byte."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.text_records import Records
from feedbackstudy.errors import FileFormatError

__all__ = ["prove_cells"]

_QUOTE = 34
_WORD = 8
_MASKS = np.array([(1 << (8 * k)) - 1 for k in range(_WORD)] + [2**64 - 1], dtype=np.uint64)


def prove_cells(data: bytes, records: Records, columns: Sequence[pd.Categorical], where: str) -> int:
    """Compare every cell with the bytes of the file.

    Parameters
    ----------
    data : bytes
        UTF-8 text.
    records : Records
        Where its cells lie.
    columns : sequence of Categorical
        What the parser made of them.
    where : str
        Name of the file.

    Returns
    -------
    int
        Number of cells compared.

    Raises
    ------
    FileFormatError
        Where a cell differs, naming line and column.

    Notes
    -----
    Each cell is compared by its length and its first and last eight bytes, which is the whole of every cell of up to 16
    bytes; quotation marks around a cell are taken off, and cells with doubled quotation marks compared in full.
    """
    width, n = len(columns), len(records.widths)
    buffer = np.frombuffer(b"\n" * _WORD + data + b"\n" * (_WORD + 1), dtype=np.uint8)
    words = np.lib.stride_tricks.sliding_window_view(buffer, _WORD)
    starts = (records.starts + _WORD).reshape(n, width)
    ends = (records.ends + _WORD).reshape(n, width)
    any_quoted = b'"' in data
    for j, column in enumerate(columns):
        begin, end = starts[:, j].copy(), ends[:, j].copy()
        texts = [text.encode("utf-8") for text in column.categories.to_numpy(dtype=object)]
        codes = np.asarray(column.codes)
        lengths = np.array([len(text) for text in texts], dtype=np.int64)[codes]
        doubled = np.zeros(n, dtype=bool)
        if any_quoted:
            quoted = (end > begin) & (buffer[begin] == _QUOTE)
            begin[quoted] += 1
            end[quoted] -= 1
            doubled = np.array([b'"' in text for text in texts], dtype=bool)[codes] & quoted
        same = (lengths == end - begin) | doubled
        short = bool(lengths.max(initial=0) <= _WORD)
        for from_end in (False,) if short else (False, True):
            expected = np.array([_word(t, last=from_end) for t in texts], dtype=np.uint64)[codes]
            same &= (_found(words, begin, end, last=from_end) == expected) | doubled
        for i in np.flatnonzero(doubled):
            same[i] &= bytes(buffer[begin[i] : end[i]]).replace(b'""', b'"') == texts[codes[i]]
        if not same.all():
            line = int(records.lines[np.flatnonzero(~same)[0]])
            raise FileFormatError(
                f"{where}, line {line}, column {j + 1}: two readings of the cell differ. The file was left alone; look "
                "at quotation marks there, or export it again."
            )
    return width * n


def _word(text: bytes, *, last: bool) -> int:
    part = text[-_WORD:] if last else text[:_WORD]
    return int.from_bytes(part, "little")


def _found(
    words: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64], *, last: bool
) -> NDArray[np.uint64]:
    """Return the first or last eight bytes of each cell as one number."""
    size = np.minimum(end - begin, _WORD)
    at = end - size if last else begin
    raw = np.ascontiguousarray(words[at]).view("<u8")[:, 0]
    return np.asarray(raw & _MASKS[np.maximum(size, 0)])
