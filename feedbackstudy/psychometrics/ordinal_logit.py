"""The proportional odds model by Newton steps: small, dense, many fits a second."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["OrdinalLogit", "ordinal_logit"]

type Floats = NDArray[np.float64]

_STEPS = 100
_CLOSE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinalLogit:
    """A fitted proportional odds model.

    Attributes
    ----------
    slopes : ndarray
        One a predictor; a positive one goes with higher categories.
    thresholds : ndarray
        Ascending cut points.
    covariance : ndarray
        Of (thresholds, slopes), from the expected information.
    log_likelihood : float
        At the maximum.
    converged : bool
        Whether the gradient vanished.
    """

    slopes: Floats
    thresholds: Floats
    covariance: Floats
    log_likelihood: float
    converged: bool


def ordinal_logit(y: NDArray[np.intp], X: Floats) -> OrdinalLogit:
    r"""Fit :math:`P(Y \le c) = \mathrm{logit}^{-1}(\tau_c - x^\top\beta)` by maximum likelihood.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Categories 0, 1, ..., each in use.
    X : ndarray of shape (n, k)
        Predictors without a constant; may have no column.

    Returns
    -------
    OrdinalLogit
        Estimates (McCullagh 1980), by Fisher scoring with halved steps where the likelihood would fall.
    """
    n, k = len(y), X.shape[1]
    m = int(y.max())
    shares = np.cumsum(np.bincount(y, minlength=m + 1))[:-1] / n
    theta = np.concatenate([np.log(shares / (1 - shares)), np.zeros(k)])
    centre = X.mean(axis=0) if k else np.zeros(0)
    Z = X - centre
    value, gradient, information = _derivatives(theta, y, Z, m)
    converged = False
    for _ in range(_STEPS):
        step = np.linalg.solve(information, gradient)
        if float(gradient @ step) < _CLOSE:
            converged = True
            break
        for _half in range(30):
            tried = theta + step
            if (np.diff(tried[:m]) > 0).all():
                new = _derivatives(tried, y, Z, m)
                if new[0] >= value:
                    theta, (value, gradient, information) = tried, new
                    break
            step = step / 2.0
        else:
            break
    slopes = theta[m:]
    return OrdinalLogit(
        slopes=slopes,
        thresholds=theta[:m] + centre @ slopes,
        covariance=np.linalg.inv(information),
        log_likelihood=value,
        converged=converged,
    )


def _derivatives(theta: Floats, y: NDArray[np.intp], Z: Floats, m: int) -> tuple[float, Floats, Floats]:
    """Return log-likelihood, gradient and expected information."""
    n = len(y)
    F = expit(theta[:m] - (Z @ theta[m:])[:, None])
    padded = np.column_stack([np.zeros(n), F, np.ones(n)])
    P = np.maximum(np.diff(padded, axis=1), 1e-300)
    f = F * (1.0 - F)
    # Derivative of each category's probability by each threshold, and by the linear predictor.
    by_threshold = np.zeros((n, m + 1, m))
    at = np.arange(m)
    by_threshold[:, at, at] = f
    by_threshold[:, at + 1, at] = -f
    by_predictor = -by_threshold.sum(axis=2)
    rows = np.arange(n)
    own = P[rows, y]
    scores = np.column_stack([by_threshold[rows, y] / own[:, None], Z * (by_predictor[rows, y] / own)[:, None]])
    tt = np.einsum("nct,ncs,nc->ts", by_threshold, by_threshold, 1.0 / P)
    te = np.einsum("nct,nc,nc->nt", by_threshold, by_predictor, 1.0 / P)
    ee = (by_predictor**2 / P).sum(axis=1)
    information = np.block([[tt, te.T @ Z], [Z.T @ te, (Z * ee[:, None]).T @ Z]])
    return float(np.log(own).sum()), scores.sum(axis=0), information
