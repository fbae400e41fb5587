"""Cross tables of all pairs of ordinal items in one matrix product, with thresholds and sparse cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics.ordinal import Ordinal

__all__ = ["PairTables", "pair_tables"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTables:
    """Cross tables of every pair, padded to the largest number of categories.

    Attributes
    ----------
    first, second : ndarray of int, shape (n_pairs,)
        Positions of the two items: the upper triangle, row by row.
    counts : ndarray of shape (n_pairs, n_categories, n_categories)
        Frequencies; zero in padded cells.
    margins : ndarray of shape (n_items, n_categories)
        Frequencies of each category among all answers to the item.
    thresholds : tuple of ndarray
        Per item.
    tau : ndarray of shape (n_items, n_categories - 1)
        The same, padded with +inf.
    start : ndarray of shape (n_pairs,)
        Pearson correlations of the positions.
    corrected : ndarray of bool, shape (n_pairs,)
        Two-by-two tables whose empty cell was corrected.
    empty : ndarray of int, shape (n_pairs,)
        Empty cells, padding not counted, before any correction.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    counts: Floats
    margins: Floats
    thresholds: tuple[Floats, ...]
    tau: Floats
    start: Floats
    corrected: NDArray[np.bool_]
    empty: NDArray[np.intp]

    def issues(self, items: tuple[str, ...]) -> list[Issue]:
        """Say which tables are sparse and what was done.

        Parameters
        ----------
        items : tuple of str
            Item names.

        Returns
        -------
        list of Issue
            One for tables with empty cells, one for corrected tables.
        """
        found = []
        sparse = np.flatnonzero((self.empty > 0) & ~self.corrected)
        if len(sparse):
            what = (
                f"{len(sparse)} of {len(self.first)} pairs have an empty cell in their table and were used as they are"
            )
            found.append(self._issue("sparse_table", items, sparse, what))
        fixed = np.flatnonzero(self.corrected)
        if len(fixed):
            what = f"The one empty cell of {len(fixed)} two-by-two table(s) was corrected, with the margins kept"
            found.append(self._issue("empty_cell_corrected", items, fixed, what))
        return found

    def _issue(self, code: str, items: tuple[str, ...], pairs: NDArray[np.intp], what: str) -> Issue:
        named = [f"{items[self.first[q]]} with {items[self.second[q]]}" for q in pairs[:5]]
        more = f" and {len(pairs) - 5} more" if len(pairs) > 5 else ""
        return Issue(
            code=f"psychometrics.{code}",
            severity=Severity.NOTE,
            where=", ".join(named) + more,
            what=f"{what}: {', '.join(named)}{more}.",
            why="Correlations from sparse tables are imprecise; near empty corners they drift towards one.",
            fix="Join rare categories, or use more people.",
        )


def pair_tables(ordinal: Ordinal, *, correct: float) -> PairTables:
    """Count all pairs.

    Parameters
    ----------
    ordinal : Ordinal
        Answers as positions.
    correct : float
        Added to the single empty cell of a two-by-two table.

    Returns
    -------
    PairTables
        Tables, thresholds and starting values.

    Raises
    ------
    DataError
        Where nobody answered both items of a pair.
    """
    n, p = ordinal.positions.shape
    width = int(ordinal.counts.max())
    hot = (ordinal.positions[:, :, None] == np.arange(width)).reshape(n, p * width).astype(np.float64)
    joint = (hot.T @ hot).reshape(p, width, p, width)
    first, second = np.triu_indices(p, 1)
    counts = joint[first, :, second, :]
    _refuse_disjoint(counts, first, second, ordinal.items)
    margins = hot.sum(axis=0).reshape(p, width)
    thresholds = tuple(_thresholds(margins[j], int(ordinal.counts[j])) for j in range(p))
    tau = np.full((p, width - 1), np.inf)
    for j, values in enumerate(thresholds):
        tau[j, : len(values)] = values
    real = np.arange(width) < ordinal.counts[:, None]
    cells = real[first][:, :, None] & real[second][:, None, :]
    empty = ((counts == 0) & cells).sum(axis=(1, 2))
    start = _pearson(counts)
    corrected = (empty == 1) & (cells.sum(axis=(1, 2)) == 4) & (correct > 0)
    counts[corrected] = _fill_single_empty(counts[corrected], correct)
    return PairTables(
        first=first,
        second=second,
        counts=counts,
        margins=margins,
        thresholds=thresholds,
        tau=tau,
        start=start,
        corrected=corrected,
        empty=empty,
    )


def _refuse_disjoint(counts: Floats, first: NDArray[np.intp], second: NDArray[np.intp], items: tuple[str, ...]) -> None:
    rows, columns = (counts.sum(axis=axis) > 0 for axis in (2, 1))
    bad = np.flatnonzero((rows.sum(axis=1) < 2) | (columns.sum(axis=1) < 2))
    if len(bad):
        a, b = items[first[bad[0]]], items[second[bad[0]]]
        raise DataError(
            f"Among the people who answered both {a!r} and {b!r}, one of the two has fewer than two categories; no "
            "correlation of the pair exists. Leave one item out."
        )


def _thresholds(margin: Floats, categories: int) -> Floats:
    shares = np.cumsum(margin[:categories])[:-1] / margin.sum()
    values = np.asarray(ndtri(shares))
    values.flags.writeable = False
    return values


def _pearson(counts: Floats) -> Floats:
    position = np.arange(counts.shape[1], dtype=np.float64)
    n = counts.sum(axis=(1, 2))
    row, column = counts.sum(axis=2), counts.sum(axis=1)
    mean_row, mean_column = row @ position / n, column @ position / n
    cov = np.einsum("qab,a,b->q", counts, position, position) / n - mean_row * mean_column
    var = (row @ position**2 / n - mean_row**2) * (column @ position**2 / n - mean_column**2)
    return np.asarray(cov / np.sqrt(var))


def _fill_single_empty(counts: Floats, correct: float) -> Floats:
    # The margins fix the thresholds: what one cell gains, its neighbours lose and the opposite cell gains.
    filled = counts.copy()
    corner = filled[:, :2, :2]
    on_diagonal = (corner[:, 0, 0] == 0) | (corner[:, 1, 1] == 0)
    sign = np.where(on_diagonal, 1.0, -1.0)[:, None, None]
    filled[:, :2, :2] = corner + sign * correct * np.array([[1.0, -1.0], [-1.0, 1.0]])
    return filled
