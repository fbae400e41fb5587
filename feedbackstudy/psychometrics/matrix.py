"""The one way into every psychometric estimator: a table of people by items, checked and named."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.issues import Issue, Severity

__all__ = ["Items", "Matrix", "item_matrix"]

type Items = pd.DataFrame | ArrayLike
"""What a public function accepts: a DataFrame with one column an item, or an array of people by items."""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Answers of people to items, as numbers.

    Attributes
    ----------
    answers : ndarray of shape (n_people, n_items)
        NaN where missing. Read-only.
    items : tuple of str
        Column names.
    people : Index
        Row labels as given.
    issues : tuple of Issue
        What the checks found and did not refuse: rows set aside, duplicate items, fewer people than items.
    """

    answers: NDArray[np.float64]
    items: tuple[str, ...]
    people: pd.Index
    issues: tuple[Issue, ...] = ()

    @property
    def n_people(self) -> int:
        """Number of rows."""
        return int(self.answers.shape[0])

    @property
    def n_items(self) -> int:
        """Number of columns."""
        return int(self.answers.shape[1])

    @cached_property
    def complete(self) -> "Matrix":
        """The rows without a missing answer, with an issue that counts the rows set aside."""
        keep = ~np.isnan(self.answers).any(axis=1)
        dropped = int((~keep).sum())
        if not dropped:
            return self
        if keep.sum() < 2:
            raise DataError(
                f"Only {int(keep.sum())} of {self.n_people} people answered all {self.n_items} items; "
                'listwise deletion leaves nothing to estimate from. Use missing="pairwise" or fewer items.'
            )
        found = Issue(
            code="psychometrics.rows_set_aside",
            severity=Severity.NOTE,
            where=f"{self.n_items} items",
            what=f"{dropped} of {self.n_people} people have a missing answer and were set aside (listwise deletion).",
            why="Estimates hold for the people who answered every item.",
            fix="Compare with pairwise or full-information estimates if the share is large.",
        )
        return Matrix(
            answers=_frozen(self.answers[keep]),
            items=self.items,
            people=self.people[keep],
            issues=(*self.issues, found),
        )

    def without(self, position: int) -> "Matrix":
        """Return the matrix without one item.

        Parameters
        ----------
        position : int
            Column to leave out.

        Returns
        -------
        Matrix
            All other columns.
        """
        keep = [j for j in range(self.n_items) if j != position]
        return Matrix(answers=self.answers[:, keep], items=tuple(self.items[j] for j in keep), people=self.people)

    def frame(self) -> pd.DataFrame:
        """Return the answers as a DataFrame."""
        return pd.DataFrame(self.answers, columns=list(self.items), index=self.people)


def item_matrix(
    data: "Items | Matrix",
    *,
    items: Sequence[str] | None = None,
    minimum: int = 2,
    constant: str = "refuse",
) -> Matrix:
    """Read and check a table of answers.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        One row a person, one column an item. A Matrix is passed through.
    items : sequence of str, optional
        Columns to use, in this order; all columns by default.
    minimum : int, default 2
        Fewest items that make sense for the caller.
    constant : {"refuse", "accept"}
        What to do with an item that everybody answers alike.

    Returns
    -------
    Matrix
        Checked answers.

    Raises
    ------
    DataError
        For text, infinite values, an item without any answer, a constant item, repeated names or too few items.
    """
    if isinstance(data, Matrix):
        return data
    frame = _as_frame(data, items)
    if frame.shape[1] < minimum:
        raise DataError(
            f"{frame.shape[1]} item(s) given ({', '.join(map(str, frame.columns))}); at least {minimum} are needed."
        )
    names = tuple(str(name) for name in frame.columns)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"Column name {repeated[0]!r} occurs more than once; give every item a name of its own.")
    values = _values(frame, names)
    _refuse_unusable(values, names, frame.index, constant=constant)
    return Matrix(answers=_frozen(values), items=names, people=frame.index, issues=_remarks(values, names))


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values.flags.writeable = False
    return values


def _as_frame(data: Items, items: Sequence[str] | None) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        if items is None:
            return data
        missing = [name for name in items if name not in data.columns]
        if missing:
            raise DataError(choices("Item", missing[0], map(str, data.columns)))
        return data[list(items)]
    array = np.asarray(data)
    if array.ndim != 2:
        raise DataError(f"Answers have {array.ndim} dimension(s); give a table of people by items (two dimensions).")
    names = [f"item{j + 1}" for j in range(array.shape[1])] if items is None else list(items)
    if len(names) != array.shape[1]:
        raise DataError(f"{len(names)} item names for {array.shape[1]} columns; give one name a column.")
    return pd.DataFrame(array, columns=pd.Index(names))


def _values(frame: pd.DataFrame, names: tuple[str, ...]) -> NDArray[np.float64]:
    if all(isinstance(kind, np.dtype) and kind.kind in "fiub" for kind in frame.dtypes):
        return np.array(frame.to_numpy(dtype=np.float64), copy=True)
    columns = [_column(frame.iloc[:, j], name) for j, name in enumerate(names)]
    return np.column_stack(columns)


def _column(column: pd.Series, name: str) -> NDArray[np.float64]:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan), copy=True)
    if pd.api.types.is_object_dtype(column.dtype):
        numbers = pd.to_numeric(column, errors="coerce")
        bad = column[numbers.isna() & column.notna()]
        text = column[[isinstance(value, str) for value in column]]
        bad = bad if len(bad) else text
        if not len(bad):
            return np.array(numbers.to_numpy(dtype=np.float64), copy=True)
    else:
        bad = column[column.notna()]
    shown = f"{bad.iloc[0]!r} in row {bad.index[0]!r}" if len(bad) else f"type {column.dtype}"
    raise DataError(
        f"Item {name!r} holds text or categories ({shown}), not numbers. Score or recode it to numeric codes first, "
        "or leave the column out."
    )


def _refuse_unusable(values: NDArray[np.float64], names: tuple[str, ...], people: pd.Index, *, constant: str) -> None:
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        i, j = infinite[0]
        raise DataError(
            f"Item {names[j]!r} is infinite for person {people[i]!r} ({len(infinite)} such value(s)). "
            "Mend the calculation that made it, or set it missing."
        )
    answered = ~np.isnan(values)
    empty = np.flatnonzero(~answered.any(axis=0))
    if len(empty):
        raise DataError(f"Item {names[empty[0]]!r} has no answer at all; leave it out.")
    if constant == "accept":
        return
    span = np.where(answered, values, -np.inf).max(axis=0) - np.where(answered, values, np.inf).min(axis=0)
    same = np.flatnonzero(span == 0)
    if len(same):
        j = int(same[0])
        value = values[answered[:, j], j][0]
        raise DataError(
            f"Item {names[j]!r} is constant: everybody who answered gave {value:g}. It has no variance, so no "
            "correlation with it exists. Leave it out."
        )


def _remarks(values: NDArray[np.float64], names: tuple[str, ...]) -> tuple[Issue, ...]:
    n, k = values.shape
    found = [_duplicate(names[a], names[b]) for a, b in _identical_columns(values)]
    if n < k:
        found.append(
            Issue(
                code="psychometrics.fewer_people_than_items",
                severity=Severity.WARNING,
                where=f"{n} people, {k} items",
                what=f"There are fewer people ({n}) than items ({k}).",
                why="The covariance matrix cannot be of full rank; every estimate from it is unstable.",
                fix="Use fewer items or more people.",
            )
        )
    return tuple(found)


def _identical_columns(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    seen: dict[bytes, int] = {}
    pairs: list[tuple[int, int]] = []
    for j, column in enumerate(np.ascontiguousarray(values.T)):
        first = seen.setdefault(column.tobytes(), j)
        if first != j:
            pairs.append((first, j))
    return pairs


def _duplicate(first: str, second: str) -> Issue:
    return Issue(
        code="psychometrics.duplicate_item",
        severity=Severity.WARNING,
        where=f"{first}, {second}",
        what=f"Items {first!r} and {second!r} hold identical answers for everybody.",
        why="A copied item inflates reliability and makes the correlation matrix singular.",
        fix="Leave one of the two out.",
    )
