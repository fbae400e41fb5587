"""Proportional odds from counts of ratings by cluster: the cumulative logit with cluster-robust errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError
from feedbackstudy.policy.inference.cell_regression import Correction

__all__ = ["ProportionalOdds", "proportional_odds"]

type Floats = NDArray[np.float64]

_STEPS = 100
_SMALLEST = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProportionalOdds:
    """A fitted cumulative logit.

    Attributes
    ----------
    thresholds : ndarray, shape (K - 1,)
        Log odds of a rating at or below each category, where all regressors are 0.
    beta : ndarray, shape (p,)
        Log odds ratios of a higher rating.
    naive : ndarray, shape (K - 1 + p, K - 1 + p)
        Inverse observed information, thresholds first: the covariance of independent ratings.
    covariance : ndarray, shape (K - 1 + p, K - 1 + p)
        Cluster-robust covariance.
    log_likelihood : float
        At the estimates.
    clusters : int
        Clusters.
    """

    thresholds: Floats
    beta: Floats
    naive: Floats
    covariance: Floats
    log_likelihood: float
    clusters: int


def proportional_odds(
    counts: ArrayLike, x: ArrayLike, cluster: ArrayLike, *, correction: Correction = "CR2"
) -> ProportionalOdds:
    r"""Fit the cumulative logit to counts.

    Parameters
    ----------
    counts : array_like, shape (cells, K)
        Ratings of each category, lowest first; every category occurs.
    x : array_like, shape (cells, p)
        Regressors without an intercept.
    cluster : array_like, shape (cells,)
        The cluster of each cell.
    correction : {"CR0", "CR1", "CR2", "CR3"}, default "CR2"
        Correction of the scores for leverage: none, :math:`G/(G-1)`, :math:`(I-B_g)^{-1/2}`, :math:`(I-B_g)^{-1}`.

    Returns
    -------
    ProportionalOdds
        Maximum likelihood.

    Raises
    ------
    DataError
        Where fewer than two categories occur, one occurs nowhere, or an odds ratio is infinite.

    Notes
    -----
    :math:`\mathrm{logit}\,P(Y \le k) = \alpha_k - x'\beta` (McCullagh 1980). Covariance
    :math:`J^{-1} \sum_g \tilde u_g \tilde u_g' J^{-1}`, J the observed information, :math:`u_g` the score of cluster g
    and :math:`\tilde u_g = I^{1/2} (1 - B_g)^{-1/2} I^{-1/2} u_g`, :math:`B_g = I^{-1/2} I_g I^{-1/2}` its share of
    the expected information: the correction of Kauermann & Carroll (2001) for an M-estimator, and that of Mancl &
    DeRouen (2001) with the power -1. For two categories it is CR2 (CR3) of shares on the logit scale.
    """
    table, design = np.asarray(counts, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if table.shape[1] < 2 or (table.sum(axis=0) <= 0).any():
        raise DataError("Proportional odds need at least two categories, each of which occurs.")
    cuts = table.shape[1] - 1
    parameters, value, information = _maximum(table, design)
    naive = np.linalg.inv(information)
    covariance, clusters = _robust(parameters, table, design, np.asarray(cluster), naive, correction)
    return ProportionalOdds(
        thresholds=parameters[:cuts], beta=parameters[cuts:], naive=naive, covariance=covariance,
        log_likelihood=value, clusters=clusters,
    )  # fmt: skip


def _maximum(table: Floats, design: Floats) -> tuple[Floats, float, Floats]:
    """Return the estimates with their log likelihood and observed information, by Newton steps."""
    start = special.logit(table.sum(axis=0).cumsum()[:-1] / table.sum())
    parameters, last = np.concatenate([start, np.zeros(design.shape[1])]), np.inf
    value, score, information = _likelihood(parameters, table, design)
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break
        parameters, (value, score, information) = _along(parameters, step, value, table, design)
        last = float(np.abs(step).max())
        if last < 1e-10:
            break
    if not last < 1e-6 or np.abs(parameters[start.size :]).max(initial=0.0) > 25:
        raise DataError("An odds ratio is infinite or not determined: the ratings of the arms do not overlap.")
    return parameters, value, information


def _along(
    parameters: Floats, step: Floats, value: float, table: Floats, design: Floats
) -> tuple[Floats, tuple[float, Floats, Floats]]:
    """Halve a Newton step until the thresholds rise and the likelihood does not fall."""
    cuts, size = table.shape[1] - 1, 1.0
    for _ in range(40):
        tried = parameters + size * step
        if (np.diff(tried[:cuts]) > 0).all():
            found = _likelihood(tried, table, design)
            if found[0] >= value - 1e-9 * abs(value):
                return tried, found
        size /= 2
    return parameters, _likelihood(parameters, table, design)


def _pieces(parameters: Floats, design: Floats, cuts: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return probabilities, their gradients, and density and slope of the logistic at every threshold."""
    eta = parameters[:cuts] - (design @ parameters[cuts:])[:, None]
    below = special.expit(eta)
    density = below * (1 - below)
    probability = np.diff(below, axis=1, prepend=0.0, append=1.0)
    direction = np.concatenate(
        [np.broadcast_to(np.eye(cuts), (len(design), cuts, cuts)), -np.repeat(design[:, None], cuts, axis=1)], axis=2
    )
    gradient = np.diff(density[:, :, None] * direction, axis=1, prepend=0.0, append=0.0)
    return probability, gradient, direction, density * (1 - 2 * below)


def _likelihood(parameters: Floats, table: Floats, design: Floats) -> tuple[float, Floats, Floats]:
    """Return log likelihood, score and observed information."""
    probability, gradient, direction, slope = _pieces(parameters, design, table.shape[1] - 1)
    ratio = table / np.maximum(probability, 1e-300)
    score = np.einsum("ik,ikp->p", ratio, gradient)
    first = np.einsum("ik,ikp,ikq->pq", ratio / np.maximum(probability, 1e-300), gradient, gradient)
    curved = (ratio[:, :-1] - ratio[:, 1:]) * slope
    second = np.einsum("ij,ijp,ijq->pq", curved, direction, direction)
    return float(special.xlogy(table, probability).sum()), score, first - second


def _robust(
    parameters: Floats,
    table: Floats,
    design: Floats,
    cluster: NDArray[np.generic],
    bread: Floats,
    correction: Correction,
) -> tuple[Floats, int]:
    probability, gradient, _, _ = _pieces(parameters, design, table.shape[1] - 1)
    labels, member = np.unique(cluster, return_inverse=True)
    if len(labels) < 2:
        raise DataError(f"Clusters say how much results vary, and there are {len(labels)}; two are the least.")
    scores = np.einsum("ik,ikp->ip", table / probability, gradient)
    expected = np.einsum("i,ik,ikp,ikq->ipq", table.sum(axis=1), 1 / probability, gradient, gradient)
    values, vectors = np.linalg.eigh(expected.sum(axis=0))
    root, back = (vectors * values**0.5) @ vectors.T, (vectors * values**-0.5) @ vectors.T
    meat = np.zeros_like(bread)
    for g in range(len(labels)):
        score = scores[member == g].sum(axis=0)
        if correction in {"CR2", "CR3"}:
            own, axes = np.linalg.eigh(np.eye(len(root)) - back @ expected[member == g].sum(axis=0) @ back)
            power = -0.5 if correction == "CR2" else -1.0
            raised = np.where(own > _SMALLEST, np.maximum(own, _SMALLEST) ** power, 0.0)
            score = root @ ((axes * raised) @ (axes.T @ (back @ score)))
        meat += np.outer(score, score)
    factor = len(labels) / (len(labels) - 1) if correction == "CR1" else 1.0
    return factor * bread @ meat @ bread, len(labels)
