"""Values of a table without a plan: those that a metric cannot have are refused, missing ones are counted."""

from collections.abc import Mapping
from typing import Any

from feedbackstudy.errors import DataError

__all__ = ["checked_values"]

_ALLOWED = {"proportion": "0 or 1", "nps": "whole numbers from 0 to 10"}


def checked_values(table: object, kind: str, columns: Mapping[str, str], *, units: Mapping[str, str]) -> dict[str, int]:
    """Refuse what would be averaged by mistake, and count the rows that say nothing.

    Parameters
    ----------
    table : object
        A frame of any engine, or a Narwhals frame.
    kind : {"proportion", "mean", "ratio", "nps"}
        What is computed of ``m_outcome``.
    columns : mapping of str to str
        Column of a number -> what the table of the user calls it; ``m_outcome`` and, of ratios, ``m_outcome_per``.
    units : mapping of str to str
        Column of units -> what the user calls it.

    Returns
    -------
    dict
        Reason -> rows that are left out.

    Raises
    ------
    DataError
        For values that the kind does not have, a denominator below 0, or rows that name no unit.
    """
    import narwhals as nw

    frame: Any = nw.from_native(table, pass_through=True)
    value = nw.col("m_outcome")
    odd = {
        "proportion": (value != 0.0) & (value != 1.0),
        "nps": (value < 0.0) | (value > 10.0) | (value != value.round(0)),
    }
    asks = {f"null:{name}": nw.col(name).is_null() for name in (*columns, *units)}
    asks |= {"odd": odd[kind] & ~value.is_null()} if kind in odd else {}
    asks |= {"below": nw.col("m_outcome_per") < 0.0} if "m_outcome_per" in columns else {}
    names = list(asks)
    counts = frame.select(
        nw.len().alias("n"),
        *(asks[a].fill_null(value=False).cast(nw.Int64).sum().alias(f"a{i}") for i, a in enumerate(names)),
    )
    if isinstance(counts, nw.LazyFrame):
        counts = counts.collect() if counts.implementation.is_polars() else counts.collect(backend="pandas")
    row = counts.to_pandas().iloc[0]
    seen = {name: int(row[f"a{i}"] or 0) for i, name in enumerate(names)} if int(row["n"]) else dict.fromkeys(names, 0)
    _refuse(seen, kind, columns, units)
    return {f"no value of {column!r}": seen[f"null:{name}"] for name, column in columns.items() if seen[f"null:{name}"]}


def _refuse(seen: Mapping[str, int], kind: str, columns: Mapping[str, str], units: Mapping[str, str]) -> None:
    if seen.get("odd"):
        raise DataError(
            f"Column {columns['m_outcome']!r} holds values that are not {_ALLOWED[kind]}, which a {kind} is made of, "
            f"in {seen['odd']:,} of its rows. Set codes for a missing answer to missing, or choose another kind."
        )
    if seen.get("below"):
        raise DataError(f"The denominator {columns['m_outcome_per']!r} is below 0 in {seen['below']:,} rows.")
    for name, column in units.items():
        if seen[f"null:{name}"]:
            raise DataError(
                f"Column {column!r} does not name the unit of {seen[f'null:{name}']:,} rows; complete it, or take the "
                "rows out and say so."
            )
