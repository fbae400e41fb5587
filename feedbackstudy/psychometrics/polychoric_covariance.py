"""Asymptotic covariance of thresholds and polychoric correlations: the two-step sandwich from casewise scores."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.special import ndtr

from feedbackstudy.psychometrics.contingency import PairTables
from feedbackstudy.psychometrics.ordinal import Ordinal
from feedbackstudy.psychometrics.polychoric_fit import cell_probabilities

__all__ = ["asymptotic_covariance"]

type Floats = NDArray[np.float64]


def asymptotic_covariance(ordinal: Ordinal, tables: PairTables, rho: Floats) -> Floats:
    r"""Return the covariance of sqrt(n) times (thresholds, correlations).

    Parameters
    ----------
    ordinal : Ordinal
        Answers as positions.
    tables : PairTables
        Their cross tables.
    rho : ndarray of shape (n_pairs,)
        Estimated correlations.

    Returns
    -------
    ndarray of shape (q, q)
        In the order thresholds by item, then pairs of the upper triangle row by row.

    Notes
    -----
    With casewise scores :math:`s_i` of the margins (for thresholds) and of the pairs (for correlations),
    :math:`\Gamma = n A^{-1} B A^{-\top}`, :math:`B = \sum_i s_i s_i^\top`, and :math:`A` lower block triangular: the
    cross-products of threshold scores within items, of each pair's correlation score with its threshold scores, and
    the squared correlation scores (Muthén 1984). A missing answer has a score of zero.
    """
    n = len(ordinal.positions)
    P, dP = cell_probabilities(tables.tau[tables.first], tables.tau[tables.second], rho)
    ratio = dP / P
    item_scores = [_threshold_scores(ordinal, tables, j) for j in range(len(ordinal.items))]
    pair_scores = _pair_scores(ordinal, tables, ratio)
    scores = np.hstack([*item_scores, pair_scores])
    B = scores.T @ scores
    A11 = block_diag(*(part.T @ part for part in item_scores))
    A22 = np.einsum("ij,ij->j", pair_scores, pair_scores)
    A21 = _cross_block(tables, P, ratio, rho)
    nt = len(A11)
    inverse = np.zeros_like(B)
    inverse[:nt, :nt] = np.linalg.inv(A11)
    inverse[nt:, nt:] = np.diag(1.0 / A22)
    inverse[nt:, :nt] = -(A21 / A22[:, None]) @ inverse[:nt, :nt]
    return np.asarray(n * inverse @ B @ inverse.T)


def _density(x: Floats) -> Floats:
    return np.asarray(np.exp(-x * x / 2.0) / np.sqrt(2.0 * np.pi))


def _threshold_scores(ordinal: Ordinal, tables: PairTables, item: int) -> Floats:
    """Return the casewise derivative of the log margin by the item's thresholds."""
    tau = tables.thresholds[item]
    m = len(tau)
    share = tables.margins[item, : m + 1] / tables.margins[item].sum()
    by_category = np.zeros((m + 2, m))  # the last row stands for a missing answer (position -1)
    at = np.arange(m)
    by_category[at, at] = _density(tau) / share[:-1]
    by_category[at + 1, at] = -_density(tau) / share[1:]
    return np.asarray(by_category[ordinal.positions[:, item]])


def _pair_scores(ordinal: Ordinal, tables: PairTables, ratio: Floats) -> Floats:
    pairs, width, _ = ratio.shape
    # One padded row and column of zeros for missing answers, addressed as position -1.
    padded = np.zeros((pairs, width + 1, width + 1))
    padded[:, :width, :width] = ratio
    x = np.where(ordinal.positions < 0, width, ordinal.positions)
    cell = x[:, tables.first] * (width + 1) + x[:, tables.second]
    return np.asarray(np.take_along_axis(padded.reshape(pairs, -1), cell.T, axis=1).T)


def _cross_block(tables: PairTables, P: Floats, ratio: Floats, rho: Floats) -> Floats:
    """Return the cross-products of each pair's correlation score with its scores by the thresholds of both items."""
    sizes = [len(t) for t in tables.thresholds]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    block = np.zeros((len(rho), offsets[-1]))
    rows = np.arange(len(rho))
    sides = (
        (tables.first, tables.second, P, ratio, tables.counts),
        (tables.second, tables.first, *(x.transpose(0, 2, 1) for x in (P, ratio, tables.counts))),
    )
    for own, other, p, s, n in sides:
        change = _probability_by_threshold(tables.tau[own], tables.tau[other], rho)
        weighted = n * s / p
        value = ((weighted[:, :-1] - weighted[:, 1:]) * change).sum(axis=2)
        for t in range(value.shape[1]):
            has = np.array(sizes)[own] > t
            block[rows[has], offsets[own[has]] + t] = value[has, t]
    return block


def _probability_by_threshold(own: Floats, other: Floats, rho: Floats) -> Floats:
    """Return the derivative of P(X <= tau, Y in category) by tau, for every threshold and category."""
    finite = np.isfinite(own)
    tau = np.where(finite, own, 0.0)
    conditional = ndtr((other[:, None, :] - rho[:, None, None] * tau[:, :, None]) / np.sqrt(1 - rho**2)[:, None, None])
    edges = np.concatenate([np.zeros_like(conditional[:, :, :1]), conditional, np.ones_like(conditional[:, :, :1])], 2)
    return np.asarray(np.diff(edges, axis=2) * np.where(finite, _density(tau), 0.0)[:, :, None])
