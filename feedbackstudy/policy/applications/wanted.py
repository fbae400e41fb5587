"""Which columns of an applications table are needed, in which form, and what is said where they cannot be had."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from feedbackstudy.errors import DataError, choices

__all__ = ["Wanted", "all_present", "no_name", "no_number", "no_time", "zoned"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One column that is needed.

    Attributes
    ----------
    alias : str
        Its name afterwards.
    columns : tuple of str
        Where it comes from; the first value that is there.
    form : {"name", "time", "number", "present"}
        As text, as microseconds, as a number, or 1 where there is a value and 0 where there is none.
    """

    alias: str
    columns: tuple[str, ...]
    form: Literal["name", "time", "number", "present"]


def all_present(present: Iterable[str], wanted: Sequence[Wanted]) -> None:
    """Refuse a table without a column that is needed.

    Parameters
    ----------
    present : iterable of str
        Columns of the table.
    wanted : sequence of Wanted
        What is needed.

    Raises
    ------
    DataError
        With the nearest names.
    """
    known = list(present)
    for want in wanted:
        for column in want.columns:
            if column not in known:
                raise DataError(choices("Column", column, known))


def no_number(column: str) -> str:
    """Say that text is used as a number.

    Parameters
    ----------
    column : str
        The column.

    Returns
    -------
    str
        What is wrong, and what to do.
    """
    return (
        f"Column {column!r} holds text and is used as a number. Convert it where it is read, so that nothing is "
        "guessed."
    )


def no_name(column: str) -> str:
    """Say that decimal numbers are used as a name.

    Parameters
    ----------
    column : str
        The column.

    Returns
    -------
    str
        What is wrong, and what to do.
    """
    return (
        f"Column {column!r} holds decimal numbers and is used as a name (pandas makes them of whole ones with gaps). "
        "Read it as text, so that 7 and 7.0 cannot be two."
    )


def no_time(column: str, kind: str) -> str:
    """Say that something else is used as a time.

    Parameters
    ----------
    column, kind : str
        The column, and what it holds.

    Returns
    -------
    str
        What is wrong, and what to do.
    """
    return f"Column {column!r} holds {kind} and is used as a time; convert it to dates or timestamps where it is read."


def zoned(column: str, zone: str | None) -> str:
    """Return the zone whose calendar counts.

    Parameters
    ----------
    column : str
        A column of times with a zone.
    zone : str or None
        As the plan says.

    Returns
    -------
    str
        The zone.

    Raises
    ------
    DataError
        Where the plan says none.
    """
    if zone is None:
        raise DataError(
            f"Column {column!r} has times with a zone. Say in the plan's columns which zone's calendar counts, as "
            "'zone: Europe/Berlin': a decision at night may belong to another month elsewhere."
        )
    return zone
