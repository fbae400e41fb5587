"""Contrasts of group means from the figures of groups: exact posterior and Bayes factor by quadrature."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import logsumexp

from feedbackstudy.analysis.bayesian.densities import GridDensity
from feedbackstudy.analysis.tables import group_figures
from feedbackstudy.errors import DataError

__all__ = ["ContrastPosterior", "contrast"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContrastPosterior:
    """Posterior of a weighted sum of group means.

    Attributes
    ----------
    density : GridDensity
        Posterior and prior density.
    sd : float
        Posterior standard deviation.
    n : int
        People.
    """

    density: GridDensity
    sd: float
    n: int


def contrast(n: ArrayLike, mean: ArrayLike, sd: ArrayLike, *, weights: ArrayLike, prior_sd: float) -> ContrastPosterior:
    r"""Compute the posterior of a contrast of group means.

    Parameters
    ----------
    n, mean, sd : array_like, shape (groups,)
        Size, mean and standard deviation of each group.
    weights : array_like, shape (groups,)
        The contrast.
    prior_sd : float
        Standard deviation of the normal prior of the contrast around 0, in units of the measure (never from the data).

    Returns
    -------
    ContrastPosterior
        Exact up to quadrature.

    Raises
    ------
    DataError
        For impossible figures, weights that do not fit, groups without any spread, or a prior that is not positive.

    Notes
    -----
    Same likelihood as the pooled t test: :math:`\hat L \mid \sigma \sim N(L, \sigma^2 \sum w_j^2 / n_j)` and
    :math:`(N - k) s_p^2 / \sigma^2 \sim \chi^2`. Prior :math:`L \sim N(0, s_0^2)`, flat on the other contrasts,
    :math:`p(\sigma) \propto 1/\sigma`. :math:`\sigma` is integrated on 401 points of its logarithm.
    """
    sizes, means, sds = group_figures(n, mean, sd)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != sizes.shape or not w.any():
        raise DataError(f"Give one weight for each of the {sizes.size} groups, not all zero; given {w.tolist()}.")
    if not (np.isfinite(prior_sd) and prior_sd > 0):
        raise DataError(f"The prior's standard deviation must be positive and finite; given {prior_sd}.")
    df = float(sizes.sum() - sizes.size)
    pooled = float(((sizes - 1) * sds**2).sum() / df)
    if pooled == 0:
        raise DataError("No group has any spread (all standard deviations are 0): the error variance is unknown.")
    estimate, scale = float(w @ means), float((w**2 / sizes).sum())
    log_sigma = 0.5 * np.log(pooled) + np.linspace(-8, 8, 401) / np.sqrt(2 * df)
    within = np.exp(2 * log_sigma) * scale
    marginal = stats.norm.logpdf(estimate, 0, np.sqrt(within + prior_sd**2))
    log_weight = marginal - df * log_sigma - df * pooled / 2 * np.exp(-2 * log_sigma)
    weight = np.exp(log_weight - logsumexp(log_weight))
    shrink = prior_sd**2 / (prior_sd**2 + within)
    centre, variance = shrink * estimate, shrink * within
    overall = float(weight @ centre)
    spread = float(np.sqrt(weight @ (variance + centre**2) - overall**2))
    grid = np.linspace(min(overall - 12 * spread, -spread), max(overall + 12 * spread, spread), 2001)
    density: NDArray[np.float64] = stats.norm.pdf(grid[:, None], centre, np.sqrt(variance)) @ weight
    before = np.asarray(stats.norm.pdf(grid, 0, prior_sd), dtype=np.float64)
    return ContrastPosterior(
        density=GridDensity(grid=grid, density=density, prior=before), sd=spread, n=int(sizes.sum())
    )
