"""The largest of several correlated t statistics: tail and quantile by a fixed lattice, identical run to run."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from feedbackstudy.errors import DataError

__all__ = ["beyond_any", "simultaneous_quantile"]

type Floats = NDArray[np.float64]

_POINTS = 16384
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)
_ZERO = 1e-9
_EDGE = 1e-16


def beyond_any(size: float, correlation: ArrayLike, df: float) -> float:
    r"""Return the probability that at least one of several t statistics is larger than a size.

    Parameters
    ----------
    size : float
        The size, without sign.
    correlation : array_like, shape (m, m)
        Correlations of the statistics; may be of deficient rank.
    df : float
        Their common degrees of freedom; infinity for normal statistics.

    Returns
    -------
    float
        :math:`P(\max_i |T_i| > c)`; the p value adjusted by the single-step method of Hothorn, Bretz & Westfall.

    Raises
    ------
    DataError
        For more than 20 linearly independent contrasts.

    Notes
    -----
    The event is split by the first statistic that exceeds: :math:`\sum_i P(|T_i| > c, |T_j| \le c, j < i)`, so that
    small probabilities keep their digits. Each term is integrated by separation of variables (Genz & Bretz, 2009,
    Computation of Multivariate Normal and t Probabilities) on a Richtmyer lattice of 16,384 points.
    """
    R = np.asarray(correlation, dtype=np.float64)
    tail = special.ndtr(-size) if np.isinf(df) else special.stdtr(df, -size)
    total = 0.0
    for i in range(len(R)):
        total += 2 * float(tail) * (_none_before(size, R[: i + 1, : i + 1], df) if i else 1.0)
    return min(1.0, total)


def simultaneous_quantile(level: float, correlation: ArrayLike, df: float) -> float:
    """Return the size that no statistic exceeds with this probability.

    Parameters
    ----------
    level : float
        Joint level, such as .95.
    correlation : array_like, shape (m, m)
        Correlations of the statistics.
    df : float
        Their common degrees of freedom.

    Returns
    -------
    float
        Half width of simultaneous intervals in standard errors.
    """
    R = np.asarray(correlation, dtype=np.float64)

    def single(tests: int) -> float:
        tail = 1 - (1 - level) / 2 / tests
        return float(special.ndtri(tail) if np.isinf(df) else special.stdtrit(df, tail))

    low, high = single(1), single(len(R))
    if high - low < _ZERO:
        return low
    return float(
        optimize.brentq(lambda c: beyond_any(c, R, df) - (1 - level), low - 1e-6, high + 1e-6, xtol=1e-9, rtol=1e-10)
    )


def _none_before(size: float, R: Floats, df: float) -> float:
    """Return the probability that no statistic but the last exceeds, given that the last does."""
    last = len(R) - 1
    slope = R[:last, last]
    L, pivots = _triangle(R[:last, :last] - np.outer(slope, slope))
    rank = L.shape[1]
    if rank + 2 > len(_PRIMES):
        raise DataError(f"{rank + 1} linearly independent contrasts are too many for 'mvt'; use 'holm'.")
    u = _lattice(rank + 2)
    if np.isinf(df):
        value = -special.ndtri(u[0] * special.ndtr(-size))
        scale = np.ones(_POINTS)
    else:
        value = -special.stdtrit(df, u[0] * special.stdtr(df, -size))
        scale = np.sqrt(2 * special.gammaincinv((df + 1) / 2, u[1]) / (df + value**2))
    centre, reach = np.outer(slope, value * scale), size * scale
    chance, y = np.ones(_POINTS), np.zeros((rank, _POINTS))
    free = pivots < 0
    chance *= (np.abs(centre[free]) <= reach).all(axis=0)
    for k in range(rank):
        rows = np.flatnonzero(pivots == k)
        middle = -(centre[rows] + L[rows, :k] @ y[:k]) / L[rows, k : k + 1]
        half = reach / np.abs(L[rows, k : k + 1])
        low, high = special.ndtr((middle - half).max(axis=0)), special.ndtr((middle + half).min(axis=0))
        width = np.maximum(high - low, 0.0)
        chance *= width
        y[k] = special.ndtri(np.clip(low + u[k + 2] * width, _EDGE, 1 - _EDGE))
    return float(chance.mean())


def _triangle(covariance: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return L with L L' = covariance and, for each row, its last column that is not zero (-1 for none)."""
    rest, columns = covariance.copy(), []
    while True:
        k = int(np.argmax(np.diag(rest)))
        if rest[k, k] < _ZERO:
            break
        column = rest[:, k] / np.sqrt(rest[k, k])
        rest = rest - np.outer(column, column)
        columns.append(column)
    L = np.column_stack(columns) if columns else np.empty((len(covariance), 0))
    L[np.abs(L) < 1e-7] = 0.0
    filled = L != 0
    pivots = (
        np.where(filled.any(axis=1), L.shape[1] - 1 - np.argmax(filled[:, ::-1], axis=1), -1)
        if columns
        else np.full(len(L), -1)
    )
    return L, pivots.astype(np.int64)


@lru_cache(maxsize=32)
def _lattice(dimensions: int) -> Floats:
    """Return points in the unit cube: multiples of roots of primes, folded so that the integrand is periodic."""
    steps = np.arange(1, _POINTS + 1)
    points = np.mod(np.outer(np.sqrt(_PRIMES[:dimensions]), steps), 1.0)
    return np.asarray(np.clip(1 - np.abs(2 * points - 1), _EDGE, 1 - _EDGE), dtype=np.float64)
