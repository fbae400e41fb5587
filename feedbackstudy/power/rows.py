"""Batched rows: a linear model's answer to a contrast in every replicate, missing rows allowed, without a loop.

Within cells everything is sums, so least squares with cells and covariates needs no more than the cells' means and the
pooled cross-products of what is left (Frisch, Waugh and Lovell).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Fits", "cell_contrast", "joint_f", "slope_contrast"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fits:
    """One contrast in every replicate.

    Attributes
    ----------
    estimate, se, df : ndarray of shape (replicates,)
        Estimate, standard error, degrees of freedom; NaN where the fit failed.
    sigma : ndarray of shape (replicates,)
        Residual standard deviation.
    n : ndarray of shape (replicates,)
        Rows that entered.
    """

    estimate: Floats
    se: Floats
    df: Floats
    sigma: Floats
    n: Floats

    @property
    def p(self) -> Floats:
        """Two-sided p values; NaN where the fit failed."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * special.stdtr(self.df, -np.abs(self.estimate / self.se)))


@dataclass(frozen=True, slots=True, eq=False)
class _Within:
    """Cell means, and what is left within cells."""

    counts: Floats
    present: Floats
    means: Floats
    y: Floats
    x_means: Floats
    x: Floats
    cross: Floats
    xy: Floats


def _within(y: Floats, x: Floats, cell: Ints, n_cells: int) -> _Within:
    """Take cell means off; `y` is (replicates, n), `x` (replicates, n, q); rows with a gap do not enter."""
    inside = np.eye(n_cells)[cell]
    present = (np.isfinite(y) & np.isfinite(x).all(axis=2)).astype(np.float64)
    counts = present @ inside
    safe = np.maximum(counts, 1.0)
    y0, x0 = np.where(present > 0, y, 0.0), np.where(present[..., None] > 0, x, 0.0)
    means = (y0 @ inside) / safe
    x_means = np.einsum("rnq,nc->rcq", x0, inside) / safe[..., None]
    y_left, x_left = (y0 - means[:, cell]) * present, (x0 - x_means[:, cell]) * present[..., None]
    cross = np.einsum("rnp,rnq->rpq", x_left, x_left)
    return _Within(counts, present, means, y_left, x_means, x_left, cross, np.einsum("rnq,rn->rq", x_left, y_left))


def _solved(within: _Within) -> tuple[Floats, Floats, Floats]:
    """Return slopes, the inverse cross-products, and the residuals."""
    q = within.cross.shape[1]
    if not q:
        return np.zeros((len(within.y), 0)), within.cross, within.y
    scale = np.einsum("rqq->rq", within.cross)
    singular = (scale <= 1e-12).any(axis=1) | (np.linalg.det(within.cross / np.maximum(scale, 1e-300)[:, None]) < 1e-10)
    cross = np.where(singular[:, None, None], np.eye(q), within.cross)
    inverse = np.where(singular[:, None, None], np.nan, np.linalg.inv(cross))
    slopes = np.einsum("rpq,rq->rp", inverse, within.xy)
    return slopes, inverse, within.y - np.einsum("rnq,rq->rn", within.x, slopes) * within.present


def cell_contrast(y: Floats, x: Floats, cell: Ints, weights: Floats, *, robust: bool) -> Fits:
    r"""Estimate a contrast of cell means, adjusted for covariates, in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where there is none.
    x : ndarray of shape (replicates, n, q)
        Covariates.
    cell : ndarray of shape (n,)
        Cell of each row.
    weights : ndarray of shape (cells,)
        The contrast.
    robust : bool
        Whether each cell has its own variance (Welch), or all have one.

    Returns
    -------
    Fits
        Failed where a needed cell is empty, nothing is left for error, or covariates are collinear.

    Notes
    -----
    :math:`L'(\bar y_c - \bar x_c b)` with the pooled slope b; variance
    :math:`s^2 [\sum L_c^2/n_c + d' S_{xx}^{-1} d]`, :math:`d = L'\bar x_c`, on n - cells - q degrees of freedom; with a
    variance for each cell :math:`\sum L_c^2 s_c^2/n_c + s^2 d' S_{xx}^{-1} d` on Satterthwaite's degrees of freedom.
    """
    within = _within(y, x, cell, len(weights))
    slopes, inverse, left = _solved(within)
    q = x.shape[2]
    rows = within.counts.sum(axis=1)
    df = rows - (within.counts > 0).sum(axis=1) - q
    grand = np.einsum("rc,rcq->rq", within.counts, within.x_means) / np.maximum(rows, 1.0)[:, None]
    apart = np.einsum("c,rcq->rq", weights, within.x_means) - weights.sum() * grand
    estimate = within.means @ weights - np.einsum("rq,rq->r", apart, slopes)
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma2 = (left**2).sum(axis=1) / np.where(df > 0, df, np.nan)
        extra = sigma2 * np.einsum("rp,rpq,rq->r", apart, inverse, apart)
        if robust:
            each = (left**2) @ np.eye(len(weights))[cell] / np.maximum(within.counts - 1, np.nan_to_num(1e-9))
            parts = np.where(weights != 0, weights**2 * each / within.counts, 0.0)
            variance = parts.sum(axis=1) + extra
            df = np.minimum(df, variance**2 / (parts**2 / np.maximum(within.counts - 1, 1e-9)).sum(axis=1))
        else:
            variance = sigma2 * (weights**2 / within.counts)[:, weights != 0].sum(axis=1) + extra
    failed = (within.counts[:, weights != 0] < 1 + robust).any(axis=1) | ~(variance > 0)
    return _fits(estimate, variance, df, sigma2, rows, failed)


def _fits(estimate: Floats, variance: Floats, df: Floats, sigma2: Floats, n: Floats, failed: NDArray[np.bool_]) -> Fits:
    def hidden(values: Floats) -> Floats:
        return np.asarray(np.where(failed, np.nan, values))

    with np.errstate(invalid="ignore"):
        return Fits(
            estimate=hidden(estimate), se=hidden(np.sqrt(variance)), df=hidden(df), sigma=hidden(np.sqrt(sigma2)), n=n
        )


def slope_contrast(y: Floats, x: Floats, cell: Ints, weights: Floats | None) -> Fits:
    """Estimate a slope within cells, or a contrast of the cells' slopes.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome.
    x : ndarray of shape (replicates, n, q)
        Predictors; the first one's slope is asked for.
    cell : ndarray of shape (n,)
        Cell of each row; cells differ in level.
    weights : ndarray of shape (cells,) or None
        Contrast of the cells' slopes (moderation); None for the slope common to all cells.

    Returns
    -------
    Fits
        Failed where the predictor does not vary.
    """
    n_cells = int(cell.max()) + 1 if weights is None else len(weights)
    within = _within(y, x if weights is None else x[..., :1], cell, n_cells)
    rows = within.counts.sum(axis=1)
    used = (within.counts > 0).sum(axis=1)
    if weights is None:
        slopes, inverse, left = _solved(within)
        df = rows - used - x.shape[2]
        sigma2 = (left**2).sum(axis=1) / np.where(df > 0, df, np.nan)
        variance = sigma2 * inverse[:, 0, 0]
        return _fits(slopes[:, 0], variance, df, sigma2, rows, ~(variance > 0))
    inside = np.eye(n_cells)[cell]
    spread = (within.x[..., 0] ** 2) @ inside
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(spread > 1e-12, ((within.x[..., 0] * within.y) @ inside) / spread, np.nan)
        left = within.y - np.nan_to_num(each)[:, cell] * within.x[..., 0]
        df = rows - 2 * used
        sigma2 = (left**2).sum(axis=1) / np.where(df > 0, df, np.nan)
        variance = sigma2 * np.where(weights != 0, weights**2 / spread, 0.0).sum(axis=1)
        estimate = np.where(weights != 0, weights * each, 0.0).sum(axis=1)
    return _fits(estimate, variance, df, sigma2, rows, ~((variance > 0) & np.isfinite(variance)))


def joint_f(y: Floats, x: Floats, cell: Ints, weights: Floats) -> Floats:
    """Return the p value of the F test of several contrasts at once, in every replicate.

    Parameters
    ----------
    y, x, cell : ndarray
        As for `cell_contrast`.
    weights : ndarray of shape (k, cells)
        The contrasts.

    Returns
    -------
    ndarray
        p values; NaN where the fit failed.
    """
    within = _within(y, x, cell, weights.shape[1])
    slopes, inverse, left = _solved(within)
    df = within.counts.sum(axis=1) - (within.counts > 0).sum(axis=1) - x.shape[2]
    used = (weights != 0).any(axis=0)
    apart = np.einsum("kc,rcq->rkq", weights, within.x_means)
    estimate = within.means @ weights.T - np.einsum("rkq,rq->rk", apart, slopes)
    failed = (within.counts[:, used] < 1).any(axis=1) | (df < 1)
    counts = np.maximum(within.counts, 1.0)
    shape = np.einsum("kc,rc,lc->rkl", weights, 1 / counts, weights)
    shape += np.einsum("rkp,rpq,rlq->rkl", apart, inverse, apart)
    sigma2 = (left**2).sum(axis=1) / np.maximum(df, 1.0)
    k = np.linalg.matrix_rank(weights)
    f = np.einsum("rk,rkl,rl->r", estimate, np.linalg.pinv(np.nan_to_num(shape)), estimate) / (k * sigma2)
    return np.where(failed, np.nan, special.fdtrc(k, np.maximum(df, 1.0), f))
