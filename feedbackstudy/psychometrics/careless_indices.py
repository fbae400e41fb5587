"""The indices of careless answering, each a plain function of the answers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = [
    "average_string",
    "even_odd",
    "invariability",
    "long_string",
    "mahalanobis",
    "pair_consistency",
    "person_total",
]

type Floats = NDArray[np.float64]

_FEWEST = 3  # points that a within-person correlation needs


def long_string(X: Floats) -> NDArray[np.intp]:
    """Return the longest run of identical consecutive answers; a missing answer ends a run.

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers in the order of presentation.

    Returns
    -------
    ndarray of int
        0 for a person without any answer.
    """
    run = (~np.isnan(X[:, 0])).astype(np.intp)
    longest = run.copy()
    for j in range(1, X.shape[1]):
        run = np.where(X[:, j] == X[:, j - 1], run + 1, (~np.isnan(X[:, j])).astype(np.intp))
        longest = np.maximum(longest, run)
    return longest


def average_string(X: Floats) -> Floats:
    """Return the mean length of runs of identical consecutive answers.

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers in the order of presentation.

    Returns
    -------
    ndarray
        Answers divided by runs; NaN for a person without any answer.
    """
    seen = ~np.isnan(X)
    starts = seen[:, 0].astype(np.intp) + (seen[:, 1:] & (X[:, 1:] != X[:, :-1])).sum(axis=1)
    return np.where(starts > 0, seen.sum(axis=1) / np.maximum(starts, 1), np.nan)


def invariability(X: Floats) -> Floats:
    """Return the standard deviation of each person's answers, divisor answers - 1 (Dunn et al. 2018).

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers.

    Returns
    -------
    ndarray
        NaN for a person with fewer than two answers.
    """
    n = (~np.isnan(X)).sum(axis=1)
    total = np.nansum(X, axis=1)
    mean = total / np.maximum(n, 1)
    squares = np.nansum((X - mean[:, None]) ** 2, axis=1)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)


def mahalanobis(X: Floats) -> tuple[Floats, Floats]:
    r"""Return each person's squared Mahalanobis distance and its tail probability.

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers.

    Returns
    -------
    tuple of ndarray
        :math:`D^2` on the answers there are, and the chi-square tail with as many degrees of freedom.

    Notes
    -----
    Means and covariances (divisor n - 1) come from the people with complete answers where these outnumber the items,
    otherwise from all available pairs. Persons with the same answered items are computed together.
    """
    seen = ~np.isnan(X)
    whole = seen.all(axis=1)
    if whole.sum() > X.shape[1] + 1:
        mean = X[whole].mean(axis=0)
        S = np.cov(X[whole].T)
    else:
        mean = np.nanmean(X, axis=0)
        filled = np.where(seen, X - mean, 0.0)
        n = seen.T.astype(np.float64) @ seen
        S = filled.T @ filled / np.maximum(n - 1.0, 1.0)
    distance = np.full(len(X), np.nan)
    patterns, member = np.unique(seen, axis=0, return_inverse=True)
    for at, pattern in enumerate(patterns):
        rows = np.flatnonzero(member.ravel() == at)
        if pattern.any():
            deviation = (X[rows] - mean)[:, pattern]
            inverse = np.linalg.pinv(S[np.ix_(pattern, pattern)], hermitian=True)
            distance[rows] = np.einsum("ij,jk,ik->i", deviation, inverse, deviation)
    return distance, np.where(seen.any(axis=1), stats.chi2.sf(distance, seen.sum(axis=1)), np.nan)


def even_odd(X: Floats, scales: Sequence[Sequence[int]]) -> Floats:
    """Return the consistency of even and odd items over subscales, stepped up by Spearman-Brown.

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers.
    scales : sequence of sequence of int
        Column positions of each subscale; those with one item are passed over.

    Returns
    -------
    ndarray
        NaN where fewer than three subscales have both halves, or a half does not vary.
    """
    long_enough = [list(scale) for scale in scales if len(scale) > 1]
    if len(long_enough) < _FEWEST:
        return np.full(len(X), np.nan)
    odd = np.column_stack([_row_mean(X[:, scale[0::2]]) for scale in long_enough])
    even = np.column_stack([_row_mean(X[:, scale[1::2]]) for scale in long_enough])
    r = _row_correlation(odd, even)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A negative r stepped up leaves the range of a correlation below r = -1/3; R's careless keeps -1 as its floor.
        return np.asarray(np.maximum(2 * r / (1 + r), -1.0))


def pair_consistency(X: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Return each person's correlation over item pairs that go together in the sample.

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers.
    pairs : sequence of (int, int)
        Column positions.

    Returns
    -------
    ndarray
        NaN where fewer than three pairs are answered or one side does not vary.
    """
    if len(pairs) < _FEWEST:
        return np.full(len(X), np.nan)
    first, second = np.array(pairs).T
    return _row_correlation(X[:, first], X[:, second])


def person_total(X: Floats) -> Floats:
    """Return each person's correlation with the item means of the sample (Donlon & Fischer 1968).

    Parameters
    ----------
    X : ndarray of shape (n_people, n_items)
        Answers.

    Returns
    -------
    ndarray
        NaN where a person's answers do not vary.
    """
    return _row_correlation(X, np.broadcast_to(np.nanmean(X, axis=0), X.shape))


def _row_mean(X: Floats) -> Floats:
    n = (~np.isnan(X)).sum(axis=1)
    return np.where(n > 0, np.nansum(X, axis=1) / np.maximum(n, 1), np.nan)


def _row_correlation(A: Floats, B: Floats) -> Floats:
    seen = ~(np.isnan(A) | np.isnan(B))
    n = seen.sum(axis=1)
    a, b = (np.where(seen, x, np.nan) for x in (A, B))
    a, b = (np.where(seen, x - _row_mean(x)[:, None], 0.0) for x in (a, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.where((n >= _FEWEST) & np.isfinite(r), np.clip(r, -1.0, 1.0), np.nan)
