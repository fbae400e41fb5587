"""Maximum likelihood for the correlation of every pair, all pairs at once."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from feedbackstudy.psychometrics.bivariate import bivariate_cdf, bivariate_pdf
from feedbackstudy.psychometrics.contingency import PairTables

__all__ = ["BOUNDARY", "cell_probabilities", "fisher_scoring"]

type Floats = NDArray[np.float64]

BOUNDARY = 0.9999
_STEPS = 100
_CLOSE = 1e-9  # the last step is smaller than this, and convergence is quadratic near the optimum
_SMALLEST = 1e-12  # cell probabilities below this carry no information and would divide by zero


def fisher_scoring(tables: PairTables) -> tuple[Floats, int]:
    """Maximise every pair's likelihood; pairs that stand still leave the batch.

    Parameters
    ----------
    tables : PairTables
        Counts, thresholds and starting values.

    Returns
    -------
    tuple of (ndarray, int)
        Correlations and the number of steps of the slowest pair.
    """
    rho = np.clip(tables.start, -0.9, 0.9)
    first, second = tables.tau[tables.first], tables.tau[tables.second]
    active = np.arange(len(rho))
    steps = 0
    while len(active) and steps < _STEPS:
        steps += 1
        counts = tables.counts[active]
        P, dP = cell_probabilities(first[active], second[active], rho[active])
        ratio = dP / P
        score = (counts * ratio).sum(axis=(1, 2))
        information = counts.sum(axis=(1, 2)) * (dP * ratio).sum(axis=(1, 2))
        step = score / np.maximum(information, _SMALLEST)
        # At most nine tenths of the way to the boundary: a full step over it would lose the pair.
        room = np.where(step > 0, BOUNDARY - rho[active], BOUNDARY + rho[active])
        step = np.sign(step) * np.minimum(np.abs(step), 0.9 * room)
        rho[active] += step
        active = active[np.abs(step) > _CLOSE]
    return rho, steps


def cell_probabilities(first: Floats, second: Floats, rho: Floats) -> tuple[Floats, Floats]:
    """Return the cell probabilities of every pair and their derivative by the correlation.

    Parameters
    ----------
    first, second : ndarray of shape (n_pairs, n_thresholds)
        Thresholds; padded with +inf where an item has fewer.
    rho : ndarray of shape (n_pairs,)
        Correlations.

    Returns
    -------
    tuple of ndarray
        Probabilities (never below 1e-12) and derivatives, each of shape (n_pairs, n_categories, n_categories).

    Notes
    -----
    The derivative of the bivariate distribution function by its correlation is its density.
    """
    pairs, m = first.shape
    h, k, r = first[:, :, None], second[:, None, :], rho[:, None, None]
    distribution = np.zeros((pairs, m + 2, m + 2))
    distribution[:, 1:-1, 1:-1] = bivariate_cdf(h, k, r)
    distribution[:, 1:-1, -1] = ndtr(first)
    distribution[:, -1, 1:-1] = ndtr(second)
    distribution[:, -1, -1] = 1.0
    density = np.zeros_like(distribution)
    finite = np.isfinite(h) & np.isfinite(k)
    inner = bivariate_pdf(np.where(finite, h, 0.0), np.where(finite, k, 0.0), r)
    density[:, 1:-1, 1:-1] = np.where(finite, inner, 0.0)
    P = np.diff(np.diff(distribution, axis=1), axis=2)
    return np.maximum(P, _SMALLEST), np.diff(np.diff(density, axis=1), axis=2)
