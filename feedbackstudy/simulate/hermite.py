"""Scores as Hermite series of a normal latent variable: exact means, variances and correlations without simulation."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["ORDER", "growth_coefficients", "latent_correlation", "step_coefficients"]

type Floats = NDArray[np.float64]

ORDER = 40
"""Terms of the series; with latent correlations below .95 the rest is below 1e-3 of a variance, mostly far below."""


def step_coefficients(cuts: Floats, values: Floats, loading: float) -> Floats:
    r"""Return the coefficients of E[v(y) | z] for a step function v of y = loading z + error.

    Parameters
    ----------
    cuts : ndarray
        Where the steps are.
    values : ndarray
        The values between them.
    loading : float
        Correlation of y with z.

    Returns
    -------
    ndarray
        Coefficients of order 0 to `ORDER` in orthonormal Hermite polynomials of z.

    Notes
    -----
    :math:`a_n = \lambda^n \sum_j (v_{j+1} - v_j)\, \varphi(\tau_j)\, He_{n-1}(\tau_j) / \sqrt{n!}`.
    """
    gains = np.diff(values)
    found = np.empty(ORDER + 1)
    found[0] = values[0] + gains @ ndtr(-cuts)
    inside = np.abs(cuts) < 12
    points, heights = cuts[inside], gains[inside] * np.exp(-(cuts[inside] ** 2) / 2) / math.sqrt(2 * math.pi)
    before, now = np.zeros_like(points), np.ones_like(points)
    for n in range(1, ORDER + 1):
        found[n] = loading**n * (heights @ now) / math.sqrt(n)
        before, now = now, (points * now - math.sqrt(n - 1) * before) / math.sqrt(n)
    return found


def growth_coefficients(mean: float, rate: float) -> Floats:
    r"""Return the coefficients of :math:`m\,e^{\sigma z - \sigma^2/2}`.

    Parameters
    ----------
    mean : float
        Its mean m.
    rate : float
        Its rate sigma.

    Returns
    -------
    ndarray
        Coefficients of order 0 to `ORDER`: :math:`m \sigma^n / \sqrt{n!}`.
    """
    found = np.empty(ORDER + 1)
    found[0] = mean
    for n in range(1, ORDER + 1):
        found[n] = found[n - 1] * rate / math.sqrt(n)
    return found


def latent_correlation(first: Floats, second: Floats, target: Floats) -> Floats:
    r"""Return the correlations of latent variables that give their scores a covariance.

    Parameters
    ----------
    first, second : ndarray of shape (pairs, order + 1)
        Coefficients of the two scores.
    target : ndarray of shape (pairs,)
        Covariances of the scores.

    Returns
    -------
    ndarray
        Latent correlations; NaN where none between -1 and 1 does.

    Notes
    -----
    By Mehler's formula :math:`Cov = \sum_n a_n b_n \rho^n`; solved by bisection between -1 and 1.
    """
    weights = first[:, 1:] * second[:, 1:]
    powers = np.arange(1, weights.shape[1] + 1)

    def covariance(rho: Floats) -> Floats:
        return np.asarray((weights * rho[:, None] ** powers).sum(axis=1))

    low, high = np.full(len(target), -0.9999), np.full(len(target), 0.9999)
    falls = weights[:, 0] < 0
    out = np.where(
        falls,
        (target > covariance(low)) | (target < covariance(high)),
        (target < covariance(low)) | (target > covariance(high)),
    )
    for _ in range(60):
        middle = (low + high) / 2
        above = (covariance(middle) > target) != falls
        high, low = np.where(above, middle, high), np.where(above, low, middle)
    return np.where(out, np.nan, np.where(target == 0, 0.0, (low + high) / 2))
