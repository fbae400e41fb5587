"""The Savage-Dickey ratio of draws, with its Monte-Carlo error and what it rests on."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import EffectFactor
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.spline_density import density_at, log_spline

__all__ = ["OUTER", "log_prior_at", "savage_dickey_of_draws"]

type Floats = NDArray[np.float64]

OUTER = 0.01
"""Share of the draws beyond the quantile whose density bounds that at a point still further out."""


def savage_dickey_of_draws(prior: NormalCells | Floats, row: Floats, found: Floats, value: float) -> EffectFactor:
    """Return the Bayes factor of a contrast under the model's own prior, from draws.

    Parameters
    ----------
    prior : NormalCells or ndarray of shape (t, cells)
        Prior over the cells, as a mixture or as forward draws.
    row : ndarray, shape (cells,)
        Weights over the cell means.
    found : ndarray, shape (s,)
        Posterior draws of the contrast, chain after chain.
    value : float
        The fixed value that is subtracted.

    Returns
    -------
    EffectFactor
        Prior density over posterior density at 0 (Dickey, 1971), the latter by a log-spline. Where 0 lies outside the
        central 98 % of the draws, a posterior density that falls towards 0 is at most that at the quantile on its
        side: a bound that rests on many draws.
    """
    after = density_at(found, 0.0)
    if isinstance(prior, NormalCells):
        before = prior.project(row, value=value)
        log_prior, error = before.log_density(0.0), after.error
        words = f"prior of the contrast of mean {before.mean:.4g} and standard deviation {before.sd:.4g}"
    else:
        drawn = density_at(prior @ row - value, 0.0)
        log_prior, error = drawn.log_density, float(np.hypot(after.error, drawn.error))
        words = "prior of the contrast by forward draws"
    note = f"{words}; Savage-Dickey ratio, log-spline density of the draws, Monte-Carlo error {error:.1%}"
    note += "; 0 lies beyond every draw, so the tail is extrapolated" if after.beyond else ""
    shortfall = max(_outer(found) - after.log_density, 0.0)
    return EffectFactor(log_bayes_factor=log_prior - after.log_density, error=error, note=note, shortfall=shortfall)


def _outer(found: Floats) -> float:
    """Return the log density at the outer quantile between the draws and 0; infinite where 0 is among the draws."""
    low, high = np.quantile(found, [OUTER, 1 - OUTER])
    if low <= 0 <= high:
        return float("inf")
    return density_at(found, float(low if low > 0 else high)).log_density


def log_prior_at(prior: NormalCells | Floats, row: Floats, x: Floats, value: float) -> Floats:
    """Return the log density of the model's own prior of a contrast.

    Parameters
    ----------
    prior : NormalCells or ndarray of shape (t, cells)
        Prior over the cells, as a mixture or as forward draws.
    row : ndarray, shape (cells,)
        Weights over the cell means.
    x : ndarray, shape (m,)
        Where.
    value : float
        The fixed value that is subtracted.

    Returns
    -------
    ndarray, shape (m,)
        Log density.
    """
    if not isinstance(prior, NormalCells):
        return log_spline(np.asarray(prior @ row - value, dtype=np.float64), x)
    before = prior.project(row, value=value)
    if before.weights.size == 1:
        z = (x - before.means) / before.sds
        return np.asarray(-0.5 * z**2 - np.log(before.sds) - 0.5 * np.log(2 * np.pi), dtype=np.float64)
    return np.array([before.log_density(float(at)) for at in x])
