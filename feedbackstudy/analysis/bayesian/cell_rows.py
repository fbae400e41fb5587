"""Rows as models of cells take them: outcome, cell, covariates, groups, and what varies within a group."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["CellRows", "Grouping", "cell_rows", "in_units"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grouping:
    """One grouping factor of the rows.

    Attributes
    ----------
    name : str
        Its name.
    member : ndarray of int, shape (n,)
        Position of each row's group.
    count : int
        Groups.
    slopes : ndarray, shape (n, k)
        Columns whose coefficients vary over the groups, beside the intercept.
    held : ndarray of bool, shape (n,)
        False for a row that belongs to no group and carries no effect; its `member` is 0.
    """

    name: str
    member: Integers
    count: int
    slopes: Floats
    held: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Random effects of a group: intercept and slopes."""
        return 1 + int(self.slopes.shape[1])

    @property
    def rows_per_group(self) -> float:
        """Median rows of a group."""
        return float(np.median(self.sizes))

    @property
    def sizes(self) -> Integers:
        """Rows of each group."""
        return np.bincount(self.member[self.held], minlength=self.count).astype(np.int64)

    @property
    def whole(self) -> bool:
        """Whether every row belongs to a group."""
        return bool(self.held.all())

    @property
    def share(self) -> float:
        """Share of the rows that belong to a group."""
        return float(self.held.mean())

    @property
    def indicators(self) -> Floats:
        """One column a group, shape (n, groups); rows of no group are zero."""
        return np.asarray(np.eye(self.count)[self.member] * self.held[:, None], dtype=np.float64)

    def sums(self, columns: Floats) -> Floats:
        """Return sums of columns over the rows of each group.

        Parameters
        ----------
        columns : ndarray, shape (n, m)
            The columns.

        Returns
        -------
        ndarray, shape (groups, m)
            Sums.
        """
        found = np.zeros((self.count, columns.shape[1]))
        np.add.at(found, self.member[self.held], columns[self.held])
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellRows:
    """Checked rows.

    Attributes
    ----------
    y : ndarray, shape (n,)
        Outcome.
    cell : ndarray of int, shape (n,)
        Position of each row's cell.
    n_cells : int
        Cells.
    covariates : ndarray, shape (n, q)
        Covariates, centred by the caller; cell quantities are those at zero.
    groups : tuple of Grouping
        Grouping factors.
    """

    y: Floats
    cell: Integers
    n_cells: int
    covariates: Floats
    groups: tuple[Grouping, ...] = ()

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.cell.size)

    def with_outcome(self, y: ArrayLike) -> "CellRows":
        """Return the same rows with another outcome.

        Parameters
        ----------
        y : array_like, shape (n,)
            The outcome.

        Returns
        -------
        CellRows
            New rows.
        """
        return replace(self, y=np.asarray(y, dtype=np.float64))


def cell_rows(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    covariates: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    slopes: Mapping[str, ArrayLike] | None = None,
) -> CellRows:
    """Check the rows of a model of cells.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell, from 0.
    n_cells : int
        Cells.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    groups : mapping of str to array_like of int, shape (n,), optional
        Position of each row's group, by grouping factor; -1 for a row that carries no effect of the factor.
    slopes : mapping of str to array_like, shape (n,) or (n, k), optional
        Columns whose coefficients vary over the groups of a factor.

    Returns
    -------
    CellRows
        The rows.

    Raises
    ------
    DataError
        For shapes that do not fit, values that are not finite, a cell without rows, or a factor with one group.
    NotFoundError
        For slopes of a grouping factor that is not given.
    """
    outcome, position = np.asarray(y, dtype=np.float64), np.asarray(cell, dtype=np.int64)
    if outcome.ndim != 1 or outcome.shape != position.shape or outcome.size < 2 or not np.isfinite(outcome).all():
        raise DataError(
            f"Give one finite outcome and one cell for each of at least two rows; given {outcome.shape} and "
            f"{position.shape}. Leave out, by name, the rows without an outcome."
        )
    _positions(position, n_cells)
    q = np.zeros((outcome.size, 0)) if covariates is None else _columns("covariates", covariates, outcome.size)
    factors, varying = groups or {}, slopes or {}
    unknown = [name for name in varying if name not in factors]
    if unknown:
        raise NotFoundError(choices("Grouping factor", unknown[0], factors))
    return CellRows(
        y=outcome,
        cell=position,
        n_cells=n_cells,
        covariates=q,
        groups=tuple(_grouping(name, member, varying.get(name), outcome.size) for name, member in factors.items()),
    )


def in_units(rows: CellRows, covariate_sd: ArrayLike | None = None) -> CellRows:
    """Measure covariates in the spread that their priors refer to.

    Parameters
    ----------
    rows : CellRows
        The rows.
    covariate_sd : array_like, shape (q,), optional
        Spread of each covariate, such as a quarter of its declared range; its standard deviation in these rows where
        left out (the outcome has no part in it).

    Returns
    -------
    CellRows
        The same rows, covariates divided.

    Raises
    ------
    DataError
        For a covariate without spread.
    """
    q = rows.covariates.shape[1]
    spread = rows.covariates.std(axis=0, ddof=1) if covariate_sd is None else np.asarray(covariate_sd, dtype=np.float64)
    if spread.shape != (q,) or not (np.isfinite(spread).all() and (spread > 0).all()):
        raise DataError(
            f"Each of the {q} covariates needs a positive spread; found {spread.tolist()}. A constant covariate says "
            "nothing; leave it out."
        )
    return replace(rows, covariates=rows.covariates / spread)


def _positions(cell: Integers, n_cells: int) -> None:
    if cell.min() < 0 or cell.max() >= n_cells:
        raise DataError(f"Cells are positions from 0 to {n_cells - 1}; given {cell.min()} to {cell.max()}.")
    empty = np.flatnonzero(np.bincount(cell, minlength=n_cells) == 0)
    if empty.size:
        raise DataError(
            f"{empty.size} cell(s) hold no rows (positions {empty.tolist()}): a sampled model would answer for them "
            "from the prior alone. Leave these cells out and number the others anew."
        )


def _columns(what: str, given: ArrayLike, n: int) -> Floats:
    values = np.asarray(given, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] != n or not np.isfinite(values).all():
        raise DataError(f"The {what} must be finite, with one row for each of the {n} rows; given {values.shape}.")
    return values


def _grouping(name: str, member: ArrayLike, slopes: ArrayLike | None, n: int) -> Grouping:
    if not name.isidentifier():
        raise DataError(f"Grouping factor {name!r} needs a name of letters, digits and '_', such as 'interviewer'.")
    found = np.asarray(member)
    if found.shape != (n,) or not np.issubdtype(found.dtype, np.integer) or found.min() < -1:
        raise DataError(
            f"Grouping factor {name!r} needs the position (from 0) of a group for each of the {n} rows, or -1 for a "
            "row of no group."
        )
    held = found >= 0
    values, position = np.unique(found[held], return_inverse=True)
    if values.size < 2:
        raise DataError(f"Grouping factor {name!r} has one group: spread between groups cannot be told from the level.")
    columns = np.zeros((n, 0)) if slopes is None else _columns(f"slopes of {name!r}", slopes, n)
    member = np.zeros(n, dtype=np.int64)
    member[held] = position
    return Grouping(name=name, member=member, count=int(values.size), slopes=columns, held=held)
