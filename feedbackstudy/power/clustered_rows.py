"""Batched rows of least squares with standard errors that clusters make: the legs of paths among people in groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.cross_products import group_sums
from feedbackstudy.power.rows import Fits

__all__ = ["Solved", "clustered_fit", "least_squares"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Least squares in every replicate.

    Attributes
    ----------
    x : ndarray of shape (replicates, n, p)
        Design, 0 in rows with a gap.
    there : ndarray of bool, shape (replicates, n)
        Rows without a gap.
    inverse : ndarray of shape (replicates, p, p)
        Of the cross-products.
    beta : ndarray of shape (replicates, p)
        Coefficients.
    left : ndarray of shape (replicates, n)
        Residuals.
    rows : ndarray of shape (replicates,)
        Rows that entered.
    rank : ndarray of shape (replicates,)
        Columns that are not 0 throughout.
    bad : ndarray of bool, shape (replicates,)
        Where the fit failed.
    """

    x: Floats
    there: NDArray[np.bool_]
    inverse: Floats
    beta: Floats
    left: Floats
    rows: Floats
    rank: Ints
    bad: NDArray[np.bool_]

    @classmethod
    def of(cls, y: Floats, x: Floats, used: NDArray[np.bool_]) -> "Solved":
        """Fit.

        Parameters
        ----------
        y : ndarray of shape (replicates, n)
            Outcome; NaN where there is none.
        x : ndarray of shape (replicates, n, p)
            Design.
        used : ndarray of bool, shape (p,)
            Columns that may not be 0 throughout.

        Returns
        -------
        Solved
            Failed where columns depend on each other, or nothing is left for error.
        """
        there = np.isfinite(y) & np.isfinite(x).all(axis=2)
        y0, x0 = np.where(there, y, 0.0), np.where(there[..., None], x, 0.0)
        xx = np.swapaxes(x0, 1, 2) @ x0
        empty = np.einsum("rpp->rp", xx) <= 1e-12
        xx = xx + np.eye(x.shape[2]) * empty[:, None]
        scale = np.sqrt(np.einsum("rpp->rp", xx))
        singular = np.linalg.eigvalsh(xx / scale[:, :, None] / scale[:, None, :])[:, 0] < 1e-10
        inverse = np.linalg.inv(np.where(singular[:, None, None], np.eye(x.shape[2]), xx))
        beta = np.einsum("rpq,rq->rp", inverse, (np.swapaxes(x0, 1, 2) @ y0[..., None])[..., 0])
        left = (y0 - (x0 @ beta[..., None])[..., 0]) * there
        rows, rank = there.sum(axis=1).astype(np.float64), x.shape[2] - empty.sum(axis=1)
        bad = singular | (empty & used).any(axis=1) | (rows <= rank)
        return cls(x0, there, inverse, beta, left, rows, rank, bad)

    def fits(self, weights: Floats, variance: Floats, df: Floats) -> Fits:
        """Return a weighted sum of the coefficients as fits.

        Parameters
        ----------
        weights : ndarray of shape (p,)
            The weights.
        variance, df : ndarray of shape (replicates,)
            Its sampling variance and degrees of freedom.

        Returns
        -------
        Fits
            NaN where the fit failed.
        """
        bad = self.bad | ~(variance > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            sigma = np.sqrt((self.left**2).sum(axis=1) / (self.rows - self.rank))
            found = (self.beta @ weights, np.sqrt(variance), df, sigma)
        hidden = [np.where(bad, np.nan, values) for values in found]
        return Fits(estimate=hidden[0], se=hidden[1], df=hidden[2], sigma=hidden[3], n=self.rows)


def least_squares(y: Floats, x: Floats, weights: Floats) -> Fits:
    """Fit by least squares in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design; a column that is 0 throughout may have no weight.
    weights : ndarray of shape (p,)
        Weights over the coefficients.

    Returns
    -------
    Fits
        On rows minus rank degrees of freedom.
    """
    solved = Solved.of(y, x, weights != 0)
    df = np.maximum(solved.rows - solved.rank, 1.0)
    spread = np.einsum("p,rpq,q->r", weights, solved.inverse, weights)
    return solved.fits(weights, spread * (solved.left**2).sum(axis=1) / df, df)


def clustered_fit(y: Floats, x: Floats, weights: Floats, cluster: Ints) -> Fits:
    r"""Fit by least squares in every replicate, with a cluster-robust variance.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design; a column that is 0 throughout may have no weight.
    weights : ndarray of shape (p,)
        Weights over the coefficients.
    cluster : ndarray of shape (n,)
        Cluster of each row, from 0.

    Returns
    -------
    Fits
        On clusters minus 1 degrees of freedom.

    Notes
    -----
    CR1: :math:`\frac{G}{G-1}\frac{n-1}{n-p} (X'X)^{-1} \sum_g X_g'e_g e_g'X_g (X'X)^{-1}` (Liang and Zeger 1986).
    """
    solved = Solved.of(y, x, weights != 0)
    aim = (solved.x @ (solved.inverse @ weights)[..., None])[..., 0]
    size = int(cluster.max()) + 1
    scores = group_sums(solved.left * aim, cluster, size)
    g = (group_sums(solved.there.astype(np.float64), cluster, size) > 0).sum(axis=1)
    n, k = solved.rows, solved.rank
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (scores**2).sum(axis=1) * g / (g - 1) * (n - 1) / (n - k)
    return solved.fits(weights, variance, np.asarray(g - 1, dtype=np.float64))
