"""Batched rows weighted by inverse probabilities of assignment, with HC3, in every replicate at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.rows import Fits

__all__ = ["weighted_contrast", "weighted_joint"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Weighted:
    """Weighted least squares: coefficients, their HC3 covariance, and what a fit is told by."""

    beta: Floats
    covariance: Floats
    sigma: Floats
    rows: Floats
    df: Floats
    bad: NDArray[np.bool_]

    @classmethod
    def of(cls, y: Floats, x: Floats, weight: Floats, used: NDArray[np.bool_]) -> "_Weighted":
        there = np.isfinite(y) & np.isfinite(x).all(axis=2)
        y0, x0 = np.where(there, y, 0.0), np.where(there[..., None], x, 0.0)
        w = np.where(there, weight, 0.0)
        rows = there.sum(axis=1).astype(np.float64)
        w = w * (rows / np.maximum(w.sum(axis=1), 1e-300))[:, None]
        wx = x0 * w[..., None]
        xx = np.swapaxes(wx, 1, 2) @ x0
        empty = np.einsum("rpp->rp", xx) <= 1e-12
        xx = xx + np.eye(x.shape[2]) * empty[:, None]
        scale = np.sqrt(np.einsum("rpp->rp", xx))
        singular = np.linalg.eigvalsh(xx / scale[:, :, None] / scale[:, None, :])[:, 0] < 1e-10
        inverse = np.linalg.inv(np.where(singular[:, None, None], np.eye(x.shape[2]), xx))
        beta = np.einsum("rpq,rnq,rn->rp", inverse, wx, y0, optimize=True)
        left = (y0 - (x0 @ beta[..., None])[..., 0]) * there
        aim = wx @ inverse
        open_ = 1 - (aim * x0).sum(axis=2)
        alone = (there & (open_ < 1e-8)).any(axis=1)  # a row that determines a coefficient alone has no HC3
        pull = aim * (left / np.maximum(open_, 1e-8))[..., None]
        df = rows - (x.shape[2] - empty.sum(axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma = np.sqrt((w * left**2).sum(axis=1) / df)
        bad = singular | (empty & used).any(axis=1) | (df < 1) | alone
        return cls(beta, np.swapaxes(pull, 1, 2) @ pull, sigma, rows, np.maximum(df, 1.0), bad)


def weighted_contrast(y: Floats, x: Floats, weights: Floats, weight: Floats) -> Fits:
    r"""Fit by weighted least squares in every replicate, and test a sum of coefficients with HC3.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, p)
        Design; a column that is 0 throughout may have no weight in the sum.
    weights : ndarray of shape (p,)
        The sum's weights over the coefficients.
    weight : ndarray of shape (n,)
        Inverse probability of assignment of each row.

    Returns
    -------
    Fits
        On rows minus rank degrees of freedom; failed where columns depend on each other, or a row determines a
        coefficient alone.

    Notes
    -----
    :math:`b = BX'Wy`, :math:`B = (X'WX)^{-1}`, variance
    :math:`\sum_i (l'Bx_i w_i)^2 e_i^2 / (1 - h_i)^2` with :math:`h_i = w_i x_i'Bx_i` (MacKinnon and White 1985).
    """
    made = _Weighted.of(y, x, weight, weights != 0)
    variance = np.einsum("p,rpq,q->r", weights, made.covariance, weights)
    bad = made.bad | ~(variance > 0)
    found = (made.beta @ weights, np.sqrt(np.maximum(variance, 0.0)), made.df, made.sigma)
    hidden = [np.where(bad, np.nan, values) for values in found]
    return Fits(estimate=hidden[0], se=hidden[1], df=hidden[2], sigma=hidden[3], n=made.rows)


def weighted_joint(y: Floats, x: Floats, weights: Floats, weight: Floats) -> Floats:
    """Test several sums of coefficients at once, as `weighted_contrast` does one.

    Parameters
    ----------
    y, x : ndarray
        As for `weighted_contrast`.
    weights : ndarray of shape (k, p)
        One row for each sum.
    weight : ndarray of shape (n,)
        As for `weighted_contrast`.

    Returns
    -------
    ndarray of shape (replicates,)
        p values of Wald's F on the sums' rank and rows minus rank; NaN where the fit failed.
    """
    made = _Weighted.of(y, x, weight, weights.any(axis=0))
    estimate = made.beta @ weights.T
    shape = np.einsum("kp,rpq,lq->rkl", weights, np.where(made.bad[:, None, None], 0.0, made.covariance), weights)
    k = int(np.linalg.matrix_rank(weights))
    f = np.einsum("rk,rkl,rl->r", estimate, np.linalg.pinv(shape, hermitian=True), estimate) / k
    return np.asarray(np.where(made.bad, np.nan, special.fdtrc(k, made.df, f)))
