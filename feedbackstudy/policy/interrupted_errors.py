"""Regressions whose errors remember the period before: Prais-Winsten, and restricted maximum likelihood."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from feedbackstudy.errors import DataError

__all__ = ["autoregressive_df", "prais_winsten", "reml_autoregression"]

type Floats = NDArray[np.float64]


def prais_winsten(y: Floats, X: Floats) -> tuple[Floats, Floats, float]:
    r"""Fit a regression with first-order autocorrelated errors.

    Parameters
    ----------
    y : ndarray, shape (T,)
        Outcome in the order of time.
    X : ndarray, shape (T, p)
        Design.

    Returns
    -------
    tuple of (ndarray, ndarray, float)
        Coefficients, covariance with residual variance on T - p, autocorrelation.

    Raises
    ------
    DataError
        Where the autocorrelation leaves (-1, 1).

    Notes
    -----
    Iterated: :math:`\rho = \sum e_t e_{t-1} / \sum e_{t-1}^2` of the residuals, the first row kept with weight
    :math:`\sqrt{1-\rho^2}`, until :math:`\rho` changes by less than 1e-10.
    """
    rho, beta = 0.0, np.linalg.lstsq(X, y, rcond=None)[0]
    for _ in range(500):
        e = y - X @ beta
        new = float(e[1:] @ e[:-1] / (e[:-1] @ e[:-1]))
        if not abs(new) < 1:
            raise DataError(f"The autocorrelation is {new:.3f}: the series has no stable level; difference it first.")
        done, rho = abs(new - rho) < 1e-10, new
        tx, ty = _transformed(X, rho), _transformed(y, rho)
        beta = np.linalg.lstsq(tx, ty, rcond=None)[0]
        if done:
            break
    left = ty - tx @ beta
    covariance = float(left @ left) / (len(y) - X.shape[1]) * np.linalg.inv(tx.T @ tx)
    return beta, covariance, rho


def _transformed(a: Floats, rho: float) -> Floats:
    """Take first-order autocorrelation off, the first row kept."""
    return np.concatenate([np.sqrt(1 - rho**2) * a[:1], a[1:] - rho * a[:-1]])


def reml_autoregression(y: Floats, X: Floats) -> tuple[Floats, Floats, float]:
    r"""Fit a regression with first-order autocorrelated errors by restricted maximum likelihood.

    Parameters
    ----------
    y : ndarray, shape (T,)
        Outcome in the order of time.
    X : ndarray, shape (T, p)
        Design.

    Returns
    -------
    tuple of (ndarray, ndarray, float)
        Coefficients, covariance with residual variance on T - p, autocorrelation.

    Notes
    -----
    Maximises :math:`\tfrac12\log(1-\rho^2) - \tfrac12\log|X'V^{-1}X| - \tfrac{T-p}{2}\log RSS_V` over
    :math:`\rho`, RSS and products of rows with the autocorrelation taken off (Cheang & Reinsel 2000).
    """
    criterion = _restricted(y, X)
    grid = np.linspace(-0.95, 0.98, 40)
    best = int(np.argmin([criterion(float(rho)) for rho in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    rho = float(optimize.minimize_scalar(criterion, bounds=(low, high), method="bounded").x)
    beta, covariance = _at(y, X, rho)
    return beta, covariance, rho


def _at(y: Floats, X: Floats, rho: float) -> tuple[Floats, Floats]:
    tx, ty = _transformed(X, rho), _transformed(y, rho)
    beta = np.linalg.lstsq(tx, ty, rcond=None)[0]
    variance = float(((ty - tx @ beta) ** 2).sum()) / (X.shape[0] - X.shape[1])
    return beta, variance * np.linalg.inv(tx.T @ tx)


def _restricted(y: Floats, X: Floats) -> Callable[[float], float]:
    """Return minus twice the restricted log likelihood by autocorrelation, the variance profiled out."""
    length, p = X.shape

    def criterion(rho: float) -> float:
        tx, ty = _transformed(X, rho), _transformed(y, rho)
        left = ty - tx @ np.linalg.lstsq(tx, ty, rcond=None)[0]
        log_det = float(np.linalg.slogdet(tx.T @ tx)[1])
        return float(-np.log(1 - rho**2) + log_det + (length - p) * np.log(left @ left))

    return criterion


def autoregressive_df(y: Floats, X: Floats, rho: float, contrast: Floats) -> float:
    r"""Return Satterthwaite's degrees of freedom of a contrast where the autocorrelation is estimated.

    Parameters
    ----------
    y : ndarray, shape (T,)
        Outcome in the order of time.
    X : ndarray, shape (T, p)
        Design.
    rho : float
        REML estimate of the autocorrelation.
    contrast : ndarray, shape (p,)
        Weights over the coefficients.

    Returns
    -------
    float
        :math:`2 / (2/(T-p) + (d\log v/d\rho)^2\,\mathrm{Var}(\hat\rho))`, v the contrast's variance with the residual
        variance profiled out, the derivatives numerical; at least 1.
    """
    step = min(1e-3, (1 - abs(rho)) / 4)
    criterion = _restricted(y, X)
    curve = (criterion(rho + step) - 2 * criterion(rho) + criterion(rho - step)) / step**2
    ends = [float(np.log(contrast @ _at(y, X, rho + side * step)[1] @ contrast)) for side in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    spread = 2 / curve if curve > 0 else np.inf
    return float(max(1.0, 2 / (2 / (X.shape[0] - X.shape[1]) + slope**2 * spread)))
