"""Vectors of moments and their derivatives: what least squares and the robust corrections work on.

Continuous items: means (where they are modelled), then the lower triangle of covariances with its diagonal. Ordinal
items:
thresholds by item, then the correlations of the upper triangle row by row, the order of `Polychorics.elements`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.implied import Implied, Pairs, implied, pairs
from feedbackstudy.psychometrics.cfa.structure import GroupStructure, Structure

__all__ = ["ImpliedVector", "continuous_vector", "fourth_moments", "normal_weight", "ordinal_vector", "sample_vector"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ImpliedVector:
    """Implied moments of one group as a vector.

    Attributes
    ----------
    sigma : ndarray of shape (r,)
        The moments.
    delta : ndarray of shape (r, n_active)
        Their derivatives in the group's active parameters.
    state : Implied
        The moments as matrices.
    d : Pairs
        Their derivatives as pairs.
    """

    sigma: Floats
    delta: Floats
    state: Implied
    d: Pairs


def sample_vector(mean: Floats, cov: Floats, *, means: bool) -> Floats:
    """Return sample moments in the order of `continuous_vector`.

    Parameters
    ----------
    mean : ndarray of shape (p,)
        Means.
    cov : ndarray of shape (p, p)
        Covariances.
    means : bool
        Whether means stand before the covariances.

    Returns
    -------
    ndarray of shape (r,)
        The moments.
    """
    part = cov[np.tril_indices(len(cov))]
    return np.concatenate([mean, part]) if means else part


def _slopes(d: Pairs, i: NDArray[np.intp], j: NDArray[np.intp]) -> Floats:
    return np.asarray(d.a[i] * d.b[j] + d.a[j] * d.b[i])


def continuous_vector(structure: Structure, group: GroupStructure, x: Floats, *, means: bool) -> ImpliedVector:
    """Return a group's implied moments of continuous items.

    Parameters
    ----------
    structure : Structure
        The model.
    group : GroupStructure
        The group.
    x : ndarray
        All parameters.
    means : bool
        Whether means stand before the covariances.

    Returns
    -------
    ImpliedVector
        Moments and derivatives.
    """
    state = implied(structure, group, x)
    d = pairs(state, group)
    i, j = np.tril_indices(state.p)
    sigma, delta = state.sigma[i, j], _slopes(d, i, j)
    if means:
        sigma, delta = np.concatenate([state.mu, sigma]), np.vstack([d.m, delta])
    return ImpliedVector(sigma, delta, state, d)


def ordinal_vector(structure: Structure, group: GroupStructure, x: Floats) -> ImpliedVector:
    """Return a group's implied thresholds and correlations of ordinal items.

    Parameters
    ----------
    structure : Structure
        The model.
    group : GroupStructure
        The group.
    x : ndarray
        All parameters.

    Returns
    -------
    ImpliedVector
        Moments and derivatives.

    Notes
    -----
    With scales D (free or one under delta, the inverse standard deviation of the latent response under theta):
    threshold ``D_j (tau_jc - mu_j)``, correlation ``D_i D_j Sigma_ij``.
    """
    state = implied(structure, group, x)
    d = pairs(state, group)
    p, k = state.p, d.a.shape[1]
    T, D = group.active["T"], group.active["D"]
    width = k + len(T) + len(D)
    scale, slope = np.ones(p), np.zeros((p, width))
    cells = group.all["D"]
    if structure.table.options.parameterization == "theta":
        variance = np.diag(state.sigma)
        scale = 1.0 / np.sqrt(variance)
        slope[:, :k] = -(d.a * d.b) / variance[:, None]
    else:
        scale[cells.i] = x[cells.rows]
        slope[D.i, k + len(T) + np.arange(len(D))] = 1.0 / scale[D.i]
    all_t = group.all["T"]
    order = np.lexsort((all_t.j, all_t.i))
    item, tau = all_t.i[order], x[all_t.rows[order]]
    thresholds = scale[item] * (tau - state.mu[item])
    row_of = np.empty(len(structure.c), dtype=np.intp)
    row_of[all_t.rows[order]] = np.arange(len(order))
    delta_t = thresholds[:, None] * slope[item]
    delta_t[:, :k] -= scale[item, None] * d.m[item]
    at = row_of[T.rows]
    delta_t[at, k + np.arange(len(T))] += scale[T.i]
    i, j = np.triu_indices(p, 1)
    rho = scale[i] * scale[j] * state.sigma[i, j]
    delta_r = rho[:, None] * (slope[i] + slope[j])
    delta_r[:, :k] += (scale[i] * scale[j])[:, None] * _slopes(d, i, j)
    return ImpliedVector(np.concatenate([thresholds, rho]), np.vstack([delta_t, delta_r]), state, d)


def normal_weight(P: Floats, *, means: bool) -> Floats:
    """Return the normal-theory weight of the moments: ``D'(P x P)D / 2`` and, for means, ``P``.

    Parameters
    ----------
    P : ndarray of shape (p, p)
        Inverse covariance.
    means : bool
        Whether means stand before the covariances.

    Returns
    -------
    ndarray
        Symmetric weight matrix.
    """
    p = len(P)
    i, j = np.tril_indices(p)
    double = np.where(i == j, 1.0, 2.0)
    W = 0.25 * (P[np.ix_(i, i)] * P[np.ix_(j, j)] + P[np.ix_(i, j)] * P[np.ix_(j, i)]) * np.outer(double, double)
    if not means:
        return np.asarray(W)
    out = np.zeros((p + len(i), p + len(i)))
    out[:p, :p], out[p:, p:] = P, W
    return out


def fourth_moments(values: Floats, *, means: bool) -> Floats:
    """Return the distribution-free covariance of sqrt(n) times the sample moments, divisor n.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        Complete rows.
    means : bool
        Whether means stand before the covariances.

    Returns
    -------
    ndarray
        Gamma.
    """
    Z = values - values.mean(axis=0)
    i, j = np.tril_indices(Z.shape[1])
    products = Z[:, i] * Z[:, j]
    products -= products.mean(axis=0)
    if means:
        products = np.hstack([Z, products])
    return np.asarray(products.T @ products / len(Z))
