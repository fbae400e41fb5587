"""Covariance of a cumulative model over clusters."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.frequentist.cumulative import CumulativeFit
from feedbackstudy.analysis.frequentist.links import link_of
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Integers
from feedbackstudy.errors import DataError

__all__ = ["clustered_cumulative", "cumulative_scores"]


def cumulative_scores(fit: CumulativeFit, y: Integers, X: Floats) -> Floats:
    r"""Return the derivatives of each answer's log likelihood by the parameters.

    Parameters
    ----------
    fit : CumulativeFit
        A model without nominal and scale effects.
    y : ndarray of int, shape (n,)
        Categories, as fitted.
    X : ndarray, shape (n, p)
        Columns, as fitted.

    Returns
    -------
    ndarray, shape (n, parameters)
        Thresholds first; columns sum to zero at the maximum.

    Notes
    -----
    With :math:`a, b` the latent cuts above and below an answer, by the upper threshold :math:`f(a)/P`, by the lower
    :math:`-f(b)/P`, by the coefficients :math:`-x\{f(a) - f(b)\}/P`.
    """
    if fit.nominal.size or fit.zeta.size:
        raise DataError("Scores by answer are for models without nominal and scale effects.")
    cuts, link = fit.thresholds.size, link_of(fit.link)
    edges = np.concatenate([[-np.inf], fit.thresholds, [np.inf]])
    latent = X @ fit.beta
    above, below = edges[y + 1] - latent, edges[y] - latent
    p = link.between(below, above)
    upper, lower = (
        np.where(np.isfinite(cut), link.density(np.where(np.isfinite(cut), cut, 0.0)), 0.0) / p
        for cut in (above, below)
    )
    made = np.zeros((y.size, cuts + fit.beta.size))
    rows = np.arange(y.size)
    held = y < cuts
    made[rows[held], y[held]] = upper[held]
    held = y > 0
    made[rows[held], y[held] - 1] = -lower[held]
    made[:, cuts:] = -X * (upper - lower)[:, None]
    return made


def clustered_cumulative(fit: CumulativeFit, y: Integers, X: Floats, cluster: Integers) -> CumulativeFit:
    r"""Give a cumulative model a covariance that holds where answers of a cluster depend on each other.

    Parameters
    ----------
    fit : CumulativeFit
        The model as if answers were independent.
    y : ndarray of int, shape (n,)
        Categories.
    X : ndarray, shape (n, p)
        Columns.
    cluster : ndarray of int, shape (n,)
        Cluster of each answer.

    Returns
    -------
    CumulativeFit
        With the sandwich, and t on clusters - 1 degrees of freedom.

    Raises
    ------
    DataError
        For a single cluster, or fewer clusters than coefficients and two.

    Notes
    -----
    CR1: :math:`\frac{G}{G-1}\frac{n-1}{n-k}\, V\left(\sum_g s_g s_g'\right)V` with the inverse observed information V
    and summed scores :math:`s_g`, the factor of ``sandwich::vcovCL``. CR2 and CR3 rest on a working linear model and
    are not defined for thresholds.
    """
    codes = np.unique(cluster, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    if groups < 2:
        raise DataError("All rows lie in one cluster, so the covariance over clusters cannot be estimated.")
    if groups < fit.beta.size + 2:
        raise DataError(
            f"{groups} clusters cannot carry a covariance of {fit.beta.size} effects; leave terms out, or use random "
            "intercepts."
        )
    sums = np.zeros((groups, fit.parameters))
    np.add.at(sums, codes, cumulative_scores(fit, y, X))
    factor = groups / (groups - 1) * (fit.n - 1) / (fit.n - fit.parameters)
    covariance = factor * fit.covariance @ (sums.T @ sums) @ fit.covariance
    return replace(fit, covariance=covariance, clusters=groups)
