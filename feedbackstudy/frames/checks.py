"""The checks that a table keeps the column grammar."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.frames.reasons import MissingReason

__all__ = ["IDENTITY", "check_grammar", "check_reasons", "identified"]

IDENTITY = ("participant", "arm", "occasion")


def check_grammar(frame: pd.DataFrame, kinds: Mapping[str, Sequence[str]]) -> None:
    """Refuse a table whose columns are absent, doubled or of no declared kind.

    Parameters
    ----------
    frame : DataFrame
        The table.
    kinds : mapping
        Kind (factors, clusters, ...) -> column names.

    Raises
    ------
    DataError
        Naming the column and what is allowed.
    """
    present = [str(name) for name in frame.columns]
    doubled = sorted({name for name in present if present.count(name) > 1})
    if doubled:
        raise DataError(f"Column {doubled[0]!r} stands in the table more than once; keep one and rename the other.")
    owner: dict[str, str] = dict.fromkeys(IDENTITY, "identity")
    for kind, names in kinds.items():
        for name in names:
            if name in owner:
                raise DataError(f"Column {name!r} is declared as {owner[name]} and as {kind}; it can be one of them.")
            owner[name] = kind
    absent = [name for name in owner if name not in present]
    if absent:
        raise DataError(f"{choices(f'Column of kind {owner[absent[0]]}', absent[0], present)} The table lacks it.")
    extra = [name for name in present if name not in owner]
    if extra:
        raise DataError(
            f"Column {extra[0]!r} has no declared kind ({len(extra)} such columns). Name it among items, factors, "
            "clusters or covariates, or leave it out of the table."
        )


def identified(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its identity columns as text, none null and no row twice.

    Parameters
    ----------
    frame : DataFrame
        A table of our own, which may be changed column by column.

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    DataError
        For a null participant, arm or occasion, or a participant twice at an occasion.
    """
    for name in IDENTITY:
        column = frame[name]
        if column.isna().any():
            row = int(np.flatnonzero(column.isna())[0]) + 1
            raise DataError(f"Column {name!r} is empty in row {row}; every row needs a {name}.")
        frame[name] = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype(str)
    twice = frame.duplicated(["participant", "occasion"])
    if twice.any():
        first = frame.loc[twice, ["participant", "occasion"]].iloc[0]
        raise DataError(
            f"Participant {first['participant']!r} stands at occasion {first['occasion']!r} more than once "
            f"({int(twice.sum())} such rows). Declare which answer counts, and drop the others with a ledger entry."
        )
    return frame


def check_reasons(
    frame: pd.DataFrame,
    items: Sequence[str],
    reasons: Mapping[str, Sequence[int] | NDArray[np.int8]] | pd.DataFrame | None,
) -> NDArray[np.int8]:
    """Return the reason codes, one row per item: an NA without a code is skipped.

    Parameters
    ----------
    frame : DataFrame
        The table.
    items : sequence of str
        Item columns.
    reasons : mapping or DataFrame or None
        Item -> codes.

    Returns
    -------
    ndarray of int8
        Shape (items, rows), read-only.

    Raises
    ------
    DataError
        For an unknown item or code, or a reason beside an answer.
    """
    given = {} if reasons is None else {str(name): np.asarray(codes) for name, codes in reasons.items()}
    for name in given:
        if name not in items:
            raise DataError(choices("Reasons for item", name, items))
    codes = np.zeros((len(items), len(frame)), dtype=np.int8)
    for row, item in enumerate(items):
        missing = frame[item].isna().to_numpy()
        codes[row, missing] = MissingReason.SKIPPED
        if item in given:
            _lay_over(codes[row], given[item], missing, item)
    codes.setflags(write=False)
    return codes


def _lay_over(codes: NDArray[np.int8], given: NDArray[np.int8], missing: NDArray[np.bool_], item: str) -> None:
    if given.shape != codes.shape:
        raise DataError(f"Item {item!r} has {given.shape[0]} reasons for {codes.shape[0]} rows; give one a row.")
    known = np.isin(given, list(MissingReason))
    if not known.all():
        raise DataError(f"Item {item!r}: {choices('Reason code', given[~known][0], map(str, map(int, MissingReason)))}")
    beside = (given != MissingReason.ANSWERED) & ~missing
    if beside.any():
        raise DataError(
            f"Item {item!r} holds an answer and a missing reason in {int(beside.sum())} rows (first: row "
            f"{int(np.flatnonzero(beside)[0]) + 1}). Empty the cell or drop the reason."
        )
    codes[missing] = np.where(given == MissingReason.ANSWERED, MissingReason.SKIPPED, given)[missing]
