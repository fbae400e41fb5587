"""Bootstrap covariance matrices of people drawn with replacement, from cross-products weighted by draw counts."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["bootstrap_covariances", "percentile_limits"]

type Floats = NDArray[np.float64]

_CHUNK = 250  # draws at a time: a chunk of counts stays small beside the data


def bootstrap_covariances(rows: Floats, *, draws: int, seed: int) -> Floats:
    """Return the covariance matrix (divisor n - 1) of each bootstrap sample of people.

    Parameters
    ----------
    rows : ndarray of shape (n, k)
        Complete answers.
    draws : int
        Number of samples.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray of shape (draws, k, k)
        Covariances.
    """
    n, k = rows.shape
    first, second = np.tril_indices(k)
    centred = rows - rows.mean(axis=0)
    moments = np.hstack([centred, centred[:, first] * centred[:, second]])
    sums = np.concatenate([counts @ moments for counts in _draw_counts(n, draws, seed)]) / n
    mean = sums[:, :k]
    S = np.empty((draws, k, k))
    S[:, first, second] = S[:, second, first] = sums[:, k:] - mean[:, first] * mean[:, second]
    return np.asarray(S * (n / (n - 1)))


def _draw_counts(n: int, draws: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        size = min(_CHUNK, draws - start)
        drawn = rng.integers(0, n, (size, n), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * np.int32(n)
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def percentile_limits(values: Floats, level: float) -> tuple[float, float]:
    """Return the percentile interval of bootstrap values.

    Parameters
    ----------
    values : ndarray
        One value a draw; NaN where a draw gave none.
    level : float
        Coverage.

    Returns
    -------
    tuple of float
        Lower and upper limit.
    """
    tail = (1.0 - level) / 2.0
    low, high = np.nanquantile(values, [tail, 1.0 - tail])
    return float(low), float(high)
