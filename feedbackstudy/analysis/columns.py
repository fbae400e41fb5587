"""What a user's table must be before anything is computed from it: the one home of these checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["Columns", "FactorColumn", "Kind", "as_factor", "as_number", "column", "read_columns"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Kind = Literal["number", "binary", "count", "ordered"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactorColumn:
    """One column of categories.

    Attributes
    ----------
    name : str
        Its name.
    levels : tuple of str
        Levels that occur: in the declared order of a categorical column, else sorted.
    codes : ndarray, shape (n,)
        Position of each row's level; -1 where missing.
    """

    name: str
    levels: tuple[str, ...]
    codes: Integers

    def at(self, rows: Integers | NDArray[np.bool_]) -> "FactorColumn":
        """Return the factor at some rows; levels that no longer occur are dropped.

        Parameters
        ----------
        rows : ndarray
            Positions or a mask.

        Returns
        -------
        FactorColumn
            With codes renumbered.
        """
        codes = self.codes[rows]
        present = np.unique(codes[codes >= 0])
        places = np.full(len(self.levels) + 1, -1, dtype=np.int64)
        places[present] = np.arange(present.size)
        return FactorColumn(name=self.name, levels=tuple(self.levels[i] for i in present), codes=places[codes])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The checked columns of one analysis, complete rows only.

    Attributes
    ----------
    outcome : str
        Name of the outcome.
    y : ndarray, shape (n,)
        The outcome; for an ordered one the position of its category, from 0.
    outcome_levels : tuple of str
        Categories of an ordered outcome; empty for a number.
    factors : Mapping of str to FactorColumn
        Columns of categories that vary, with at least two levels each.
    covariates : Mapping of str to ndarray, shape (n,)
        Columns of numbers, as given (not centred).
    groups : Mapping of str to FactorColumn
        Columns that name participants, clusters or vignettes.
    kept : ndarray, shape (n,)
        Position in the given table of each row that entered.
    n_given : int
        Rows of the given table.
    notes : tuple of str
        What was left out, and why; empty where nothing was.
    """

    outcome: str
    y: Floats
    outcome_levels: tuple[str, ...]
    factors: Mapping[str, FactorColumn]
    covariates: Mapping[str, Floats]
    groups: Mapping[str, FactorColumn]
    kept: Integers
    n_given: int
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """Rows that entered."""
        return int(self.y.size)

    @property
    def covariate_matrix(self) -> Floats:
        """The covariates, each minus its mean, shape (n, q)."""
        if not self.covariates:
            return np.empty((self.n, 0))
        matrix = np.column_stack(list(self.covariates.values()))
        return np.asarray(matrix - matrix.mean(axis=0), dtype=np.float64)


def column(data: pd.DataFrame, name: str, *, role: str = "Column") -> "pd.Series[Any]":
    """Return one column of a table, by its name.

    Parameters
    ----------
    data : DataFrame
        The table.
    name : str
        Name of the column.
    role : str, default "Column"
        What it is wanted for, for the error.

    Returns
    -------
    Series
        The column.

    Raises
    ------
    NotFoundError
        Where the table has no such column; the message names the nearest.
    DataError
        Where `data` is no table, or holds two columns of this name.
    """
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"Give the data as a pandas DataFrame; given {type(data).__name__}.")
    if name not in data.columns:
        raise NotFoundError(choices(role, name, map(str, data.columns)))
    found = data[name]
    if isinstance(found, pd.DataFrame):
        raise DataError(f"{found.shape[1]} columns are called {name!r}; rename them, so that one is meant.")
    return found


def as_number(data: pd.DataFrame, name: str, *, role: str = "Column") -> Floats:
    """Return a column of numbers; missing values become NaN.

    Parameters
    ----------
    data : DataFrame
        The table.
    name : str
        Name of the column.
    role : str, default "Column"
        What it is wanted for, for the error.

    Returns
    -------
    ndarray, shape (rows,)
        The numbers.

    Raises
    ------
    DataError
        For text, dates, truth values or infinite values: nothing is converted silently.
    """
    found = column(data, name, role=role)
    if not pd.api.types.is_numeric_dtype(found) or pd.api.types.is_bool_dtype(found):
        shown = found.dropna().unique()[:3].tolist()
        raise DataError(
            f"{role} {name!r} must hold numbers; it holds {found.dtype} such as {shown}. Convert it yourself "
            "(pandas.to_numeric, or .astype(int) for true and false), so that every conversion is seen."
        )
    values: Floats = np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    if (infinite := np.flatnonzero(np.isinf(values))).size:
        raise DataError(
            f"{role} {name!r} holds {infinite.size} infinite value(s), first in row {int(infinite[0])}; "
            "set them to missing or mend them."
        )
    return values


def as_factor(data: pd.DataFrame, name: str, *, role: str = "Factor") -> FactorColumn:
    """Return a column as categories.

    Parameters
    ----------
    data : DataFrame
        The table.
    name : str
        Name of the column.
    role : str, default "Factor"
        What it is wanted for, for the error.

    Returns
    -------
    FactorColumn
        Levels in the declared order of a categorical column, otherwise sorted; unused levels are dropped.

    Raises
    ------
    DataError
        For a column without any value, or values of kinds that cannot be sorted among each other.
    """
    found = column(data, name, role=role)
    if isinstance(found.dtype, pd.CategoricalDtype):
        levels = tuple(str(level) for level in found.cat.categories)
        codes: Integers = np.asarray(found.cat.codes, dtype=np.int64)
    else:
        if pd.api.types.infer_dtype(found, skipna=True) in ("mixed", "mixed-integer"):
            raise DataError(f"{role} {name!r} mixes kinds of values; give text or numbers only.")
        placed, uniques = pd.factorize(found, sort=True)
        levels, codes = tuple(str(level) for level in uniques), placed.astype(np.int64)
    if len(set(levels)) < len(levels):
        raise DataError(f"{role} {name!r} has levels that read alike: {', '.join(levels)}; rename them.")
    if (codes < 0).all():
        raise DataError(f"{role} {name!r} has no value in any row.")
    return FactorColumn(name=name, levels=levels, codes=codes).at(np.arange(codes.size))


def read_columns(
    data: pd.DataFrame,
    outcome: str,
    *,
    factors: Sequence[str] = (),
    covariates: Sequence[str] = (),
    groups: Sequence[str] = (),
    kind: Kind = "number",
    limits: tuple[float, float] | None = None,
) -> Columns:
    """Check the columns of one analysis and keep its complete rows, naming what was left out.

    Parameters
    ----------
    data : DataFrame
        The table; it is not changed.
    outcome : str
        Name of the outcome.
    factors, covariates, groups : sequence of str
        Columns of categories, of numbers, and of names of participants or clusters.
    kind : {"number", "binary", "count", "ordered"}, default "number"
        What the outcome must be: any number; 0 and 1 (or false and true); whole and not negative; ordered categories
        (a categorical column in its order, or numbers).
    limits : tuple of float, optional
        Lowest and highest possible value of the outcome's scale.

    Returns
    -------
    Columns
        Checked, complete rows.

    Raises
    ------
    DataError
        For a name twice; an outcome that is text, infinite, outside its limits, all missing or constant; a factor
        with one level; a constant covariate; no complete row.
    NotFoundError
        For a column that does not exist.
    """
    _named_once(outcome, factors, covariates, groups)
    y, levels = _outcome(data, outcome, kind, limits)
    read = {name: as_factor(data, _one_name(name, role="Factor")) for name in factors}
    numbers = {name: as_number(data, _one_name(name, role="Covariate"), role="Covariate") for name in covariates}
    named = {name: as_factor(data, _one_name(name, role="Group"), role="Group") for name in groups}
    absent = {outcome: np.isnan(y)} | {name: np.isnan(x) for name, x in numbers.items()}
    absent |= {name: found.codes < 0 for name, found in (read | named).items()}
    kept, notes = _complete(absent, len(data))
    found = Columns(
        outcome=outcome,
        y=y[kept],
        outcome_levels=levels,
        factors={name: factor.at(kept) for name, factor in read.items()},
        covariates={name: x[kept] for name, x in numbers.items()},
        groups={name: factor.at(kept) for name, factor in named.items()},
        kept=kept,
        n_given=len(data),
        notes=notes,
    )
    _varying(found)
    return found


def _one_name(name: str, *, role: str) -> str:
    if not isinstance(name, str) or not name:
        raise DataError(f"{role} is given by the name of its column; formulas are not evaluated. Given {name!r}.")
    return name


def _named_once(outcome: str, *roles: Sequence[str]) -> None:
    for role in roles:
        if isinstance(role, str):
            raise DataError(f"Give a list of names, such as [{role!r}], not the bare text {role!r}.")
    names = [_one_name(outcome, role="The outcome"), *(name for role in roles for name in role)]
    if twice := sorted({str(name) for name in names if names.count(name) > 1}):
        raise DataError(f"{', '.join(map(repr, twice))} is named twice; a column has one part in an analysis.")


def _outcome(
    data: pd.DataFrame, name: str, kind: Kind, limits: tuple[float, float] | None
) -> tuple[Floats, tuple[str, ...]]:
    if bool((found := column(data, name, role="Outcome")).isna().all()):
        raise DataError(f"Outcome {name!r} is missing in all {len(data)} rows.")
    if kind == "ordered" and isinstance(found.dtype, pd.CategoricalDtype):
        if not found.cat.ordered:
            raise DataError(f"Outcome {name!r} is categorical without an order; use .cat.as_ordered() or set one.")
        factor = as_factor(data, name, role="Outcome")
        return np.where(factor.codes < 0, np.nan, factor.codes.astype(np.float64)), factor.levels
    if kind == "binary" and pd.api.types.is_bool_dtype(found):
        return np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64), ()
    y = as_number(data, name, role="Outcome")
    _possible(name, y[~np.isnan(y)], kind, limits)
    if kind != "ordered":
        return y, ()
    categories, codes = np.unique(y[~np.isnan(y)], return_inverse=True)
    ordered = np.full(y.shape, np.nan)
    ordered[~np.isnan(y)] = codes
    return ordered, tuple(f"{value:g}" for value in categories)


def _possible(name: str, y: Floats, kind: Kind, limits: tuple[float, float] | None) -> None:
    values = np.unique(y)
    outside = values[(values < limits[0]) | (values > limits[1])] if limits is not None else values[:0]
    if limits is not None and outside.size:
        raise DataError(
            f"Outcome {name!r} must lie between {limits[0]:g} and {limits[1]:g}; it holds {outside[:5].tolist()}. "
            "Mend the values, or declare the scale's real range."
        )
    if kind == "binary" and not np.isin(values, (0.0, 1.0)).all():
        hint = " Subtract 1 where 2 is the event." if np.array_equal(values, [1.0, 2.0]) else ""
        raise DataError(f"A binary outcome is 0 or 1 (or false, true); {name!r} holds {values[:6].tolist()}.{hint}")
    if kind == "count" and ((values < 0).any() or (values != np.floor(values)).any()):
        raise DataError(f"Counts are whole and not negative; {name!r} holds {values[:6].tolist()}.")


def _complete(absent: Mapping[str, NDArray[np.bool_]], n: int) -> tuple[Integers, tuple[str, ...]]:
    lost: NDArray[np.bool_] = np.logical_or.reduce(list(absent.values()))
    if lost.all():
        raise DataError(f"None of the {n} rows has a value in every column used ({', '.join(absent)}).")
    if not lost.any():
        return np.arange(n, dtype=np.int64), ()
    where = ", ".join(f"{name} {int(mask.sum())}" for name, mask in absent.items() if mask.any())
    note = f"{int(lost.sum())} of {n} rows left out because a value is missing (listwise): {where}."
    return np.flatnonzero(~lost).astype(np.int64), (note,)


def _varying(found: Columns) -> None:
    if found.n < 2 or np.ptp(found.y) == 0:
        shown = found.outcome_levels[int(found.y[0])] if found.outcome_levels else f"{found.y[0]:g}"
        raise DataError(f"Outcome {found.outcome!r} is {shown} in all {found.n} complete rows; nothing varies.")
    for name, factor in ((name, factor) for name, factor in found.factors.items() if len(factor.levels) < 2):
        raise DataError(f"Factor {name!r} has one level ({factor.levels[0]}) in the rows used; it needs two.")
    for name in (name for name, x in found.covariates.items() if np.ptp(x) == 0):
        raise DataError(f"Covariate {name!r} is {found.covariates[name][0]:g} in all rows used; leave it out.")
