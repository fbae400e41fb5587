"""The negative binomial distribution (NB2): its derivatives, and its size found with the coefficients."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

__all__ = ["fit_theta", "negative_binomial_terms"]

_Floats = NDArray[np.float64]

_LEAST = 1e-5  # moment estimate of 1 / theta below which the distribution is a Poisson to five digits
_MOST = 12.0  # log of theta beyond which it is one, too


def negative_binomial_terms(y: _Floats, eta: _Floats, log_theta: float) -> tuple[_Floats, _Floats, _Floats]:
    """Return log P(y) of the negative binomial with its derivatives.

    Parameters
    ----------
    y : ndarray
        Counts.
    eta : ndarray
        Log means.
    log_theta : float
        Log of the size.

    Returns
    -------
    tuple of ndarray
        Log probability; gradient, shape (2, ...), and Hessian, shape (2, 2, ...), in log mean and log theta.
    """
    theta, mu = np.exp(log_theta), np.exp(eta)
    total = theta + mu
    log_p = (
        gammaln(y + theta)
        - gammaln(theta)
        - gammaln(y + 1)
        + theta * (log_theta - np.log(total))
        + y * (eta - np.log(total))
    )
    by_mean = theta * (y - mu) / total
    slope = digamma(y + theta) - digamma(theta) + log_theta - np.log(total) + 1 - (y + theta) / total
    curve = polygamma(1, y + theta) - polygamma(1, theta) + 1 / theta - 1 / total - (mu - y) / total**2
    by_theta = theta * slope
    mixed = theta * (y - mu) * mu / total**2
    first = np.stack(np.broadcast_arrays(by_mean, by_theta))
    mean_mean = -mu * theta * (y + theta) / total**2
    second = np.stack(
        [
            np.stack(np.broadcast_arrays(mean_mean, mixed)),
            np.stack(np.broadcast_arrays(mixed, by_theta + theta**2 * curve)),
        ]
    )
    return np.asarray(log_p, dtype=np.float64), first, second


def fit_theta(y: _Floats, X: _Floats, start: _Floats) -> tuple[_Floats, float, float] | None:
    """Find coefficients and size of a negative binomial together, by Newton's method.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Counts.
    X : ndarray, shape (n, p)
        Columns.
    start : ndarray, shape (p,)
        Coefficients of the Poisson model.

    Returns
    -------
    tuple of (ndarray, float, float) or None
        Coefficients, log of the size, and its standard error from the observed information; None where the counts vary
        no more than a Poisson does, so that the likelihood rises with the size for ever: the maximum is the Poisson's.
    """
    p = X.shape[1]

    def derivatives(at: _Floats) -> tuple[float, _Floats, _Floats]:
        value, first, second = negative_binomial_terms(y, X @ at[:p], float(at[p]))
        hessian = np.empty((p + 1, p + 1))
        hessian[:p, :p] = (X.T * second[0, 0]) @ X
        hessian[:p, p] = hessian[p, :p] = X.T @ second[0, 1]
        hessian[p, p] = second[1, 1].sum()
        return float(value.sum()), np.append(X.T @ first[0], first[1].sum()), hessian

    mean = np.exp(X @ start)
    moment = float(np.sum((y - mean) ** 2 - mean) / np.sum(mean**2))
    if moment <= _LEAST:
        return None
    at = np.append(start, -np.log(moment))
    value, slope, hessian = derivatives(at)
    for _ in range(200):
        values, vectors = np.linalg.eigh(-hessian)
        bound = np.maximum(np.abs(values), 1e-8 * np.abs(values).max())
        step = vectors @ ((vectors.T @ slope) / bound)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        for halving in range(30):
            trial = at + step / 2**halving
            new = derivatives(trial)
            if new[0] >= value - 1e-10 * abs(value):
                break
        at, (value, slope, hessian) = trial, new
        if np.abs(step).max() < 1e-11 * (1 + np.abs(at).max()):
            break
    if at[p] > _MOST or np.linalg.eigvalsh(-hessian)[0] <= 0:
        return None
    return at[:p], float(at[p]), float(np.sqrt(np.linalg.inv(-hessian)[p, p]))
