"""Hiding small cells so that no shown cell or margin gives them back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from feedbackstudy.errors import InputError

__all__ = ["Suppressed", "bounds_of", "relations_of", "suppress"]

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suppressed:
    """A table with its margins, and what of it may be shown.

    Attributes
    ----------
    counts : ndarray
        Counts with margins: one longer than the table in every dimension, totals last.
    hidden : ndarray of bool
        Cells and margins that are not shown.
    small : ndarray of bool
        Those hidden because they are small; the others protect them.
    """

    counts: Floats
    hidden: Flags
    small: Flags


def relations_of(shape: Sequence[int]) -> Floats:
    """Return what everybody knows: that cells add up to margins.

    Parameters
    ----------
    shape : sequence of int
        Shape of the table with margins.

    Returns
    -------
    ndarray, shape (relations, cells)
        Rows of 1 for cells and -1 for their total; every row times the cells is 0.
    """
    index = np.arange(int(np.prod(shape))).reshape(tuple(shape))
    rows = []
    for axis, length in enumerate(shape):
        lines = np.moveaxis(index, axis, -1).reshape(-1, length)
        for line in lines:
            row = np.zeros(index.size)
            row[line[:-1]], row[line[-1]] = 1.0, -1.0
            rows.append(row)
    return np.array(rows)


def bounds_of(counts: ArrayLike, hidden: ArrayLike, cell: int) -> tuple[float, float]:
    """Return the smallest and largest value of a hidden cell that fit everything shown.

    Parameters
    ----------
    counts : array_like
        Counts with margins.
    hidden : array_like of bool
        What is not shown.
    cell : int
        Index of the cell in the flattened table.

    Returns
    -------
    tuple of float
        What somebody who knows only the shown numbers can say about it, by linear programming.
    """
    values, out = np.asarray(counts, dtype=np.float64), np.asarray(hidden, dtype=bool).ravel()
    relations = relations_of(values.shape)
    flat = values.ravel()
    right = -relations[:, ~out] @ flat[~out]
    at = int(np.flatnonzero(np.flatnonzero(out) == cell)[0])
    goal = np.zeros(int(out.sum()))
    goal[at] = 1.0
    ends = []
    for sign in (1.0, -1.0):
        found = optimize.linprog(sign * goal, A_eq=relations[:, out], b_eq=right, bounds=(0, None), method="highs")
        value = found.fun
        ends.append(-sign * np.inf if value is None or found.status != 0 else sign * float(value))
    return float(ends[0]), float(ends[1])


def suppress(table: ArrayLike, *, min_cell: int, complementary: bool = True) -> Suppressed:
    r"""Choose the cells of a table of counts that are not shown.

    Parameters
    ----------
    table : array_like
        Counts of people, in one or more dimensions, without margins.
    min_cell : int
        Counts from 1 to one below this are hidden, and so are such margins.
    complementary : bool, default True
        Whether further cells are hidden until no small one follows from the rest.

    Returns
    -------
    Suppressed
        The table with margins and what is hidden.

    Raises
    ------
    InputError
        For negative or broken counts.

    Notes
    -----
    Shown cells and margins leave every small cell an interval; it must be at least `min_cell` wide. Where one sum has a
    single hidden part, its smallest other part is hidden as well; then linear programming finds each small cell's
    interval, and the smallest cell beside one that is too narrow is hidden, until none is. Zeros are shown unless they
    are needed to hide others.
    """
    inner = np.asarray(table, dtype=np.float64)
    if (inner < 0).any() or (inner != np.round(inner)).any():
        raise InputError("Counts of people are whole numbers of at least 0.")
    counts = inner
    for axis in range(inner.ndim):
        counts = np.concatenate([counts, counts.sum(axis=axis, keepdims=True)], axis=axis)
    small = (counts > 0) & (counts < min_cell)
    hidden = small.ravel().copy()
    if complementary:
        relations = relations_of(counts.shape)
        while True:
            line = _open_line(counts, small, hidden, relations, min_cell)
            if line is None:
                break
            flat = counts.ravel()
            free = np.flatnonzero((relations[line] != 0) & ~hidden)
            hidden[min(free, key=lambda i: _cost(int(i), flat, hidden, relations))] = True
    return Suppressed(counts=counts, hidden=hidden.reshape(counts.shape), small=small)


def _cost(cell: int, flat: Floats, hidden: Flags, relations: Floats) -> tuple[bool, int, float]:
    """Prefer people over zeros, cells that close another open sum at once, then the smallest."""
    lines = relations[relations[:, cell] != 0] != 0
    open_lines = int(((lines & hidden).sum(axis=1) == 1).sum())
    return bool(flat[cell] == 0), -open_lines, float(flat[cell])


def _open_line(counts: Floats, small: Flags, hidden: Flags, relations: Floats, min_cell: int) -> int | None:
    """Return a sum through which a hidden cell can be found or narrowed; None where everything is safe."""
    parts = (relations != 0) & hidden
    alone = np.flatnonzero(parts.sum(axis=1) == 1)
    if len(alone):
        return int(alone[0])
    for cell in np.flatnonzero(small.ravel()):
        low, high = bounds_of(counts, hidden, int(cell))
        if high - low < min_cell - 1e-6:
            lines = np.flatnonzero(relations[:, cell] != 0)
            room = [line for line in lines if ((relations[line] != 0) & ~hidden).any()]
            if room:
                return int(min(room, key=lambda line: int(parts[line].sum())))
            beyond = [i for i in range(len(relations)) if ((relations[i] != 0) & ~hidden).any()]
            return beyond[0] if beyond else None
    return None
