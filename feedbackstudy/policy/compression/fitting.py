"""Least squares from cross-products: coefficients, what cannot be told apart, and clustered covariance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.policy.compression.model import Column

__all__ = ["Gram", "MarginFit", "Solved", "solved"]

type Floats = NDArray[np.float64]

_ALIASED = 1e-9  # share of a column's sum of squares that the columns before it leave


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gram:
    """Cross-products of a model, numerics and outcome less their centres.

    Attributes
    ----------
    columns : tuple of Column
        Columns of the design, the intercept first.
    xx : ndarray, shape (p, p)
        Cross-products.
    xy : ndarray, shape (p,)
        With the outcome.
    yy : float
        Sum of squares of the outcome.
    rows : int
        Rows that entered.
    """

    columns: tuple[Column, ...]
    xx: Floats
    xy: Floats
    yy: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Solution of the normal equations.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients; 0 for aliased columns.
    inverse : ndarray, shape (p, p)
        Inverse of the cross-products of the columns kept; 0 elsewhere.
    kept : ndarray of bool, shape (p,)
        False for columns that the ones before them already explain.
    rss : float
        Residual sum of squares.
    """

    beta: Floats
    inverse: Floats
    kept: NDArray[np.bool_]
    rss: float


def solved(gram: Gram) -> Solved:
    r"""Solve the normal equations, setting aside columns that depend on earlier ones.

    Parameters
    ----------
    gram : Gram
        Cross-products.

    Returns
    -------
    Solved
        Coefficients by Cholesky decomposition of the scaled cross-products.

    Raises
    ------
    DataError
        Where no column is left.

    Notes
    -----
    A column is aliased where the columns kept before it leave less than 1e-9 of its sum of squares, as found by a
    Cholesky decomposition in the order of the columns; so a later term loses, as in R.
    """
    scale = np.sqrt(np.maximum(np.diag(gram.xx), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    kept = _independent(gram.xx / np.outer(safe, safe)) & (scale > 0)
    if not kept.any():
        raise DataError("No column of the model varies: there is nothing to estimate.")
    index = np.flatnonzero(kept)
    scaled = gram.xx[np.ix_(index, index)] / np.outer(safe[index], safe[index])
    factor = linalg.cho_factor(scaled, lower=True)
    right = gram.xy[index] / safe[index]
    solution = linalg.cho_solve(factor, right)
    solution += linalg.cho_solve(factor, right - scaled @ solution)  # one step of refinement
    inverse = np.zeros_like(gram.xx)
    inverse[np.ix_(index, index)] = linalg.cho_solve(factor, np.eye(index.size)) / np.outer(safe[index], safe[index])
    beta = np.zeros(len(gram.xy))
    beta[index] = solution / safe[index]
    rss = gram.yy - 2 * float(beta @ gram.xy) + float(beta @ gram.xx @ beta)
    return Solved(beta=beta, inverse=inverse, kept=kept, rss=max(rss, 0.0))


def _independent(scaled: Floats) -> NDArray[np.bool_]:
    """Return which columns of a correlation-like matrix the columns before them do not explain."""
    p = len(scaled)
    left = scaled.copy()
    kept = np.zeros(p, dtype=bool)
    for j in range(p):
        if left[j, j] > _ALIASED:
            kept[j] = True
            pivot = left[j, j:] / left[j, j]
            left[j + 1 :, j:] -= np.outer(left[j + 1 :, j], pivot)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginFit:
    """A linear model fitted from grouped sums.

    Attributes
    ----------
    columns : tuple of Column
        Columns of the design, by their own names; the intercept first.
    beta : ndarray, shape (p,)
        Coefficients; NaN for aliased columns.
    inverse : ndarray, shape (p, p)
        Inverse cross-products; 0 in rows and columns of aliased ones.
    rows : int
        Rows that entered.
    rank : int
        Columns estimated.
    rss : float
        Residual sum of squares.
    scores : mapping of str to ndarray, shape (groups, p)
        Clustering -> sums of residual times column within each cluster.
    groups : mapping of str to tuple
        Clustering -> the clusters, in the order of the rows of its scores.
    dropped : mapping of str to int
        Column of the table -> rows left out because it holds no value there; a row may count in several.
    rows_left_out : int
        Rows left out in all.
    engine : str
        What grouped.
    notes : tuple of str
        Aliased columns, factors with one level, rows left out.
    """

    columns: tuple[Column, ...]
    beta: Floats
    inverse: Floats
    rows: int
    rank: int
    rss: float
    scores: Mapping[str, Floats]
    groups: Mapping[str, tuple[object, ...]]
    dropped: Mapping[str, int]
    rows_left_out: int
    engine: str
    notes: tuple[str, ...] = ()

    def position(self, label: str) -> int:
        """Return where a column stands.

        Parameters
        ----------
        label : str
            Its label, such as ``"policy"`` or ``"site[7]"``.

        Returns
        -------
        int
            Index into `beta`.

        Raises
        ------
        NotFoundError
            With the nearest label.
        """
        labels = [column.label for column in self.columns]
        if label not in labels:
            raise NotFoundError(choices("Column of the model", label, labels))
        return labels.index(label)

    def clustered(self, by: str) -> Floats:
        r"""Return the cluster-robust covariance (CR1S, Stata's and pyfixest's small-sample factor).

        Parameters
        ----------
        by : str
            A clustering of the model.

        Returns
        -------
        ndarray, shape (p, p)
            :math:`\frac{G}{G-1}\frac{N-1}{N-k}\,A S'S A`, k the rank.

        Raises
        ------
        DataError
            For a clustering with a single cluster.
        """
        if by not in self.scores:
            raise NotFoundError(choices("Clustering", by, self.scores))
        score = self.scores[by]
        g = len(score)
        if g < 2:
            raise DataError(f"There is one cluster of {by!r}: nothing says how much clusters differ.")
        factor = g / (g - 1) * (self.rows - 1) / (self.rows - self.rank)
        half = score @ self.inverse
        return np.asarray(factor * (half.T @ half), dtype=np.float64)

    def classical(self) -> Floats:
        """Return the covariance that takes residuals as independent and of one variance.

        Returns
        -------
        ndarray, shape (p, p)
            Residual variance on rows - rank degrees of freedom, times the inverse cross-products.
        """
        return np.asarray(self.rss / (self.rows - self.rank) * self.inverse, dtype=np.float64)
