"""Batched rows of a graded answer: a cumulative probit of the cells, from counts."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.batched.counts import fit_counts
from feedbackstudy.power.rows import Fits

__all__ = ["cumulative_contrast", "cumulative_truth"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

_MANY = 1e6


def _contrast(counts: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return estimate and variance of a contrast of the cells' places on the latent variable."""
    used = np.flatnonzero(weights != 0)
    design = np.eye(len(used))[:, 1:]
    beta, covariance, failed = fit_counts(counts[:, used], design, link="probit")
    row = weights[used][1:]
    estimate = np.where(failed, np.nan, np.nan_to_num(beta) @ row)
    variance = np.einsum("p,rpq,q->r", row, covariance, row)
    return estimate, np.where(failed, np.nan, variance)


def cumulative_contrast(y: Floats, cell: Ints, weights: Floats) -> Fits:
    """Estimate a contrast of latent means, in latent standard deviations, in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Places of the answers in their order; NaN where there is none.
    cell : ndarray of shape (n,)
        Cell of each row.
    weights : ndarray of shape (cells,)
        The contrast, summing to 0.

    Returns
    -------
    Fits
        Wald tests, with infinite degrees of freedom as 1e9; failed where a cell is empty or separated.
    """
    values = np.unique(y[np.isfinite(y)])
    code = np.searchsorted(values, np.nan_to_num(y, nan=values[0]))
    reps, n_cells, k = len(y), len(weights), len(values)
    flat = (np.arange(reps)[:, None] * n_cells + cell) * k + code
    counts = np.bincount(flat[np.isfinite(y)], minlength=reps * n_cells * k).reshape(reps, n_cells, k)
    estimate, variance = _contrast(counts.astype(np.float64), weights)
    rows = np.isfinite(y).sum(axis=1).astype(np.float64)
    bad = ~(variance > 0) | (counts.sum(axis=2)[:, weights != 0] < 1).any(axis=1)
    none = np.where(bad, np.nan, 1.0)
    with np.errstate(invalid="ignore"):
        se = np.sqrt(variance) * none
    return Fits(estimate=estimate * none, se=se, df=1e9 * none, sigma=none, n=rows)


def cumulative_truth(chances: Floats, weights: Floats) -> float:
    """Return the contrast that the model would find in endless data.

    Parameters
    ----------
    chances : ndarray of shape (cells, categories)
        Probabilities of the answers.
    weights : ndarray of shape (cells,)
        The contrast.

    Returns
    -------
    float
        In latent standard deviations; where thresholds differ between cells, what maximum likelihood tends to.
    """
    return float(_contrast(chances[None] * _MANY, weights)[0][0])
