"""Batched rows of binary outcomes and counts: the logistic and negative binomial models of cells, in closed form."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.rows import Fits

__all__ = ["odds_contrast", "rates_contrast"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

_STEPS = 30
_LEAST, _MOST = 1e-8, 1e4  # dispersions beyond these are those of a Poisson distribution, or of no use


def _cells(y: Floats, cell: Ints, n_cells: int) -> tuple[Floats, Floats, Flags]:
    """Return counts and means of the cells, and who answered."""
    inside, there = np.eye(n_cells)[cell], np.isfinite(y)
    counts = there.astype(np.float64) @ inside
    return counts, np.where(there, y, 0.0) @ inside / np.maximum(counts, 1.0), there


def _wald(logs: Floats, spread: Floats, weights: Floats, *, failed: Flags, sigma: Floats, n: Floats) -> Fits:
    used = weights != 0
    none = np.where(failed, np.nan, 1.0)
    with np.errstate(invalid="ignore"):
        estimate = logs[:, used] @ weights[used]
        se = np.sqrt(spread[:, used] @ weights[used] ** 2)
    return Fits(estimate=estimate * none, se=se * none, df=1e9 * none, sigma=sigma * none, n=n)


def odds_contrast(y: Floats, cell: Ints, weights: Floats) -> Fits:
    r"""Estimate a contrast of the cells' log odds in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Two values, the higher one counted as success; NaN where there is none.
    cell : ndarray of shape (n,)
        Cell of each row.
    weights : ndarray of shape (cells,)
        The contrast, summing to 0.

    Returns
    -------
    Fits
        Wald tests on infinite degrees of freedom (1e9); failed where a needed cell answers with one voice.

    Notes
    -----
    Logistic regression on cells is saturated: :math:`\hat\eta_c = \mathrm{logit}(\bar y_c)` with variance
    :math:`1 / (n_c \bar y_c (1 - \bar y_c))`.
    """
    low, high = np.nanmin(y), np.nanmax(y)
    counts, share, there = _cells((y - low) / max(high - low, 1e-300), cell, len(weights))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs, spread = special.logit(share), 1 / (counts * share * (1 - share))
    failed = ~np.isfinite(np.where(weights != 0, logs + spread, 0.0)).all(axis=1)
    sigma = np.full(len(y), np.pi / np.sqrt(3))
    return _wald(logs, spread, weights, failed=failed, sigma=sigma, n=there.sum(axis=1).astype(np.float64))


def rates_contrast(y: Floats, cell: Ints, weights: Floats) -> Fits:
    r"""Estimate a contrast of the cells' log rates in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Counts; NaN where there is none.
    cell : ndarray of shape (n,)
        Cell of each row.
    weights : ndarray of shape (cells,)
        The contrast, summing to 0.

    Returns
    -------
    Fits
        Wald tests on infinite degrees of freedom (1e9); failed where a needed cell counts nothing.

    Notes
    -----
    Negative binomial regression on cells is saturated: :math:`\hat\mu_c = \bar y_c` whatever the dispersion
    :math:`\alpha`, which is common to all cells and estimated by maximum likelihood; the variance of
    :math:`\log\hat\mu_c` is :math:`(1/\mu_c + \alpha)/n_c`.
    """
    counts, mean, there = _cells(y, cell, len(weights))
    alpha = _dispersion(y, there, counts, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs, spread = np.log(mean), (1 / mean + alpha[:, None]) / counts
    failed = ~np.isfinite(np.where(weights != 0, logs + spread, 0.0)).all(axis=1)
    with np.errstate(divide="ignore"):
        sigma = np.sqrt(1 / np.where(there, mean[:, cell], np.nan).mean(axis=1, where=there) + alpha)
    return _wald(logs, spread, weights, failed=failed, sigma=sigma, n=there.sum(axis=1).astype(np.float64))


def _dispersion(y: Floats, there: Flags, counts: Floats, mean: Floats) -> Floats:
    """Return the maximum-likelihood dispersion: the root of the score, by halving between two bounds."""
    values, code = np.unique(np.where(there, y, 0.0), return_inverse=True)
    place = (np.arange(len(y))[:, None] * len(values) + code.reshape(y.shape))[there]
    seen = np.bincount(place, minlength=len(y) * len(values)).reshape(len(y), -1).astype(np.float64)
    low, high = np.full(len(y), np.log(_LEAST)), np.full(len(y), np.log(_MOST))
    at = np.zeros(len(y))
    for _ in range(_STEPS):
        r = np.exp(-at)[:, None]
        score = (seen * (special.digamma(r) - special.digamma(values + r))).sum(axis=1)
        rising = score + (counts * np.log1p(mean / r)).sum(axis=1) > 0  # residuals sum to 0 in every cell
        low, high = np.where(rising, at, low), np.where(rising, high, at)
        at = (low + high) / 2
    return np.asarray(np.where(at < np.log(_LEAST) + 0.1, 0.0, np.exp(at)))
