"""From cells to codes: each different text is read once, by declared codes and labels; what cannot be is named."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.collect.read_items import ItemSpec, code_text
from feedbackstudy.collect.read_numbers import Marks
from feedbackstudy.collect.text_table import folded_name
from feedbackstudy.errors import DataError
from feedbackstudy.frames import MissingReason

__all__ = ["MAX_TEXTS", "Misread", "ReadColumn", "counted_texts", "read_column", "refuse_many"]

MAX_TEXTS = 10_000
"""Different texts that a column of codes may hold; more are free text, or another column."""

type Codes = NDArray[np.int8]

_SHOWN = 10
_TRUE = {"true": 1.0, "false": 0.0}


@dataclass(slots=True)
class Misread:
    """What stood in a column besides declared codes.

    Attributes
    ----------
    outside : dict
        Number outside the declared codes -> cells.
    unknown : dict
        Text that is neither code nor label -> cells; for messages only by `quoted_texts`.
    known : tuple of str
        Codes and labels that were looked for.
    at : tuple of int
        The first ten rows that hold an unknown text.
    n_codes, n_labels : int
        Cells read as codes, and as labels.
    truths : int
        TRUE and FALSE read as 1 and 0.
    missing : dict
        Reason -> cells with a declared missing code.
    half : bool
        Whether the same code stands there as a number and as a label, or a number where every code has a label.
    """

    outside: dict[float, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    at: tuple[int, ...] = ()
    n_codes: int = 0
    n_labels: int = 0
    truths: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadColumn:
    """A column of answers.

    Attributes
    ----------
    answers : ndarray
        Float, or object where codes are words.
    reasons : ndarray of int8
        `MissingReason` codes; skipped where a cell is empty.
    misread : Misread
        What else stood there.
    table : mapping of str to tuple
        Text -> what it was read as, and its number of cells.
    """

    answers: NDArray[np.float64] | NDArray[np.object_]
    reasons: Codes
    misread: Misread
    table: Mapping[str, tuple[object, int]]


def counted_texts(column: pd.Categorical) -> list[tuple[int, str, int]]:
    """Return the different texts of a column.

    Parameters
    ----------
    column : Categorical
        Cells.

    Returns
    -------
    list of (int, str, int)
        Place among the categories, text, number of cells; those that occur.
    """
    counts = np.bincount(np.asarray(column.codes), minlength=len(column.categories))
    texts = [str(text) for text in column.categories.to_numpy(dtype=object)]
    return [(int(k), texts[k], int(counts[k])) for k in np.flatnonzero(counts)]


def read_column(
    column: pd.Categorical,
    spec: ItemSpec,
    marks: Marks,
    *,
    labels: Mapping[str, str],
    missing: Mapping[float, MissingReason],
    where: str = "",
) -> ReadColumn:
    """Read a column of answers.

    Parameters
    ----------
    column : Categorical
        Its cells.
    spec : ItemSpec
        What the study declares.
    marks : Marks
        How the file writes numbers.
    labels : mapping of str to str
        Further labels -> code, of the file or declared for it.
    missing : mapping of float to MissingReason
        Codes that mean no answer.
    where : str, default ""
        Name of the file, for errors.

    Returns
    -------
    ReadColumn
        Values in the order of the rows.

    Raises
    ------
    DataError
        Where a column of codes holds more than `MAX_TEXTS` different texts.
    """
    refuse_many(column, spec, where)
    known = _known_labels(spec, labels)
    n = len(column.categories)
    words = spec.kind != "numbers"
    value: NDArray[np.object_] = np.full(n, None, dtype=object)
    reason = np.zeros(n, dtype=np.int8)
    misread = Misread()
    table: dict[str, tuple[object, int]] = {}
    for k, text, count in counted_texts(column):
        if spec.kind == "open":
            value[k], reason[k] = (text, 0) if text else (None, MissingReason.SKIPPED)
            continue
        value[k], reason[k] = _read(text, count, spec, marks, known, missing, misread)
        table[text] = (value[k], count)
    codes = np.asarray(column.codes)
    if misread.unknown:
        misread.known = (*spec.words, *spec.labels.values(), *labels)
        unknown = np.array([str(text) in misread.unknown for text in column.categories], dtype=bool)
        misread.at = tuple(int(i) for i in np.flatnonzero(unknown[codes])[:_SHOWN])
    misread.half = not words and bool(misread.n_labels and misread.n_codes) and _is_half(table, spec, marks)
    if words:
        return ReadColumn(answers=value[codes], reasons=reason[codes], misread=misread, table=table)
    numbers = np.array([np.nan if v is None else float(v) for v in value], dtype=np.float64)
    return ReadColumn(answers=numbers[codes], reasons=reason[codes], misread=misread, table=table)


def refuse_many(column: pd.Categorical, spec: ItemSpec, where: str) -> None:
    """Refuse a column of codes with more different texts than any list of codes has.

    Parameters
    ----------
    column : Categorical
        Its cells.
    spec : ItemSpec
        What the study declares.
    where : str
        Name of the file.

    Raises
    ------
    DataError
        For more than `MAX_TEXTS`.
    """
    declared = len(spec.words) or len(spec.codes)
    different = np.unique(np.asarray(column.codes)).size if declared and len(column.categories) > MAX_TEXTS else 0
    if different > MAX_TEXTS:
        raise DataError(
            f"{where}: {spec.name} holds {different:,} different texts, and the study declares {declared} "
            f"codes; at most {MAX_TEXTS:,} are read. Is it another column, or free text? Say columns={{'name in the "
            f"file': '{spec.name}'}}."
        )


def _is_half(table: Mapping[str, tuple[object, int]], spec: ItemSpec, marks: Marks) -> bool:
    numbers = {value for text, (value, _) in table.items() if marks.number(text) is not None}
    labelled = {value for text, (value, _) in table.items() if marks.number(text) is None}
    return bool((numbers & labelled) - {None}) or (bool(spec.codes) and len(spec.labels) == len(spec.codes))


def _known_labels(spec: ItemSpec, labels: Mapping[str, str]) -> dict[str, str]:
    """Return label -> code; a label that is itself a code of the study is left out."""
    codes = set(spec.words) | {code_text(value) for value in spec.codes}
    found = {folded_name(label): code for code, label in spec.labels.items()}
    found |= {folded_name(label): code for label, code in labels.items()}
    return {label: code for label, code in found.items() if label not in codes or found[label] == label}


def _read(
    text: str,
    count: int,
    spec: ItemSpec,
    marks: Marks,
    known: Mapping[str, str],
    missing: Mapping[float, MissingReason],
    misread: Misread,
) -> tuple[object, int]:
    if text == "":
        return None, MissingReason.SKIPPED
    number = marks.number(text)
    meant = number if number is not None else marks.number(known.get(folded_name(text), ""))
    if meant is not None and meant in missing:
        why = missing[meant]
        misread.missing[why.label] = misread.missing.get(why.label, 0) + count
        return None, why
    if spec.kind == "words":
        return _word(text, count, spec, known, misread, number)
    if number is None and folded_name(text) in _TRUE and set(spec.codes) == {0.0, 1.0}:
        misread.truths += count
        return _TRUE[folded_name(text)], MissingReason.ANSWERED
    if number is None and folded_name(text) in known:
        misread.n_labels += count
        number = float(known[folded_name(text)])
    elif number is None:
        misread.unknown[text] = count
        return None, MissingReason.SKIPPED
    else:
        misread.n_codes += count
    if not _inside(number, spec):
        misread.outside[number] = misread.outside.get(number, 0) + count
    return number, MissingReason.ANSWERED


def _word(
    text: str, count: int, spec: ItemSpec, known: Mapping[str, str], misread: Misread, number: float | None
) -> tuple[object, int]:
    plain = text.strip()
    code = plain if plain in spec.words else known.get(folded_name(text), "")
    if not code and number is not None:
        code = next((word for word in spec.words if word.lstrip("-").isdigit() and float(word) == number), "")
    if not code:
        misread.unknown[text] = count
        return None, MissingReason.SKIPPED
    misread.n_codes, misread.n_labels = (
        misread.n_codes + count * (code == plain),
        misread.n_labels + count * (code != plain),
    )
    return code, MissingReason.ANSWERED


def _inside(number: float, spec: ItemSpec) -> bool:
    if spec.codes:
        return number in spec.codes
    above = spec.low is None or number >= spec.low
    below = spec.high is None or number <= spec.high
    return above and below and (not spec.whole or number.is_integer())
