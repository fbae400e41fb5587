"""Marginal maximum likelihood for the graded response model: quadrature, EM, then Newton-like steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from feedbackstudy.psychometrics.ordinal import Ordinal

__all__ = ["GradedFit", "category_probabilities", "fit_graded"]

type Floats = NDArray[np.float64]

_EM_CYCLES = 25
_STEPS = 200
_CLOSE = 1e-8  # gain in log-likelihood that the next step promises
_DIFFERENCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedFit:
    r"""Slopes and intercepts of a graded response model.

    Attributes
    ----------
    slopes : ndarray of shape (n_items,)
        Discriminations.
    intercepts : tuple of ndarray
        Falling, one array an item: :math:`P(X \ge c) = \mathrm{logit}^{-1}(a\\theta + d_c)`.
    covariance : ndarray
        Of all parameters, item by item: slope, then intercepts; from the observed information.
    log_likelihood : float
        At the estimates.
    posterior : ndarray of shape (n_people, n_nodes)
        Posterior weights of the trait at the nodes.
    nodes : ndarray of shape (n_nodes,)
        Trait values.
    cycles : int
        EM cycles and steps taken.
    converged : bool
        Whether a further step would gain nothing.
    """

    slopes: Floats
    intercepts: tuple[Floats, ...]
    covariance: Floats
    log_likelihood: float
    posterior: Floats
    nodes: Floats
    cycles: int
    converged: bool


@dataclass(frozen=True, slots=True)
class _Problem:
    """Answers and quadrature; parameters travel as one vector, item by item: slope, then intercepts."""

    positions: NDArray[np.intp]
    hot: tuple[Floats, ...]
    nodes: Floats
    log_weights: Floats
    sizes: NDArray[np.intp]

    @classmethod
    def of(cls, ordinal: Ordinal, nodes: int, width: float) -> "_Problem":
        theta = np.linspace(-width, width, nodes)
        log_weights = -0.5 * theta**2
        hot = tuple(
            (ordinal.positions[:, j, None] == np.arange(count)).astype(np.float64)
            for j, count in enumerate(ordinal.counts)
        )
        return cls(ordinal.positions, hot, theta, log_weights - np.log(np.exp(log_weights).sum()), ordinal.counts)

    def split(self, parameters: Floats) -> list[Floats]:
        """Return each item's part of the parameters."""
        return list(np.split(parameters, np.cumsum(self.sizes)[:-1]))

    def expect(self, parameters: Floats) -> tuple[float, Floats]:
        """Return the log-likelihood and everybody's posterior weights at the nodes."""
        log_joint = np.tile(self.log_weights, (len(self.positions), 1))
        for hot, part in zip(self.hot, self.split(parameters), strict=True):
            log_joint += hot @ np.log(category_probabilities(part[0], part[1:], self.nodes))
        top = log_joint.max(axis=1, keepdims=True)
        weights = np.exp(log_joint - top)
        total = weights.sum(axis=1, keepdims=True)
        return float((np.log(total) + top).sum()), weights / total

    def person_scores(self, parameters: Floats, posterior: Floats) -> Floats:
        """Return each person's derivative of the log-likelihood (Fisher's identity)."""
        columns = []
        for j, part in enumerate(self.split(parameters)):
            slope_by_category = _log_derivatives(part[0], part[1:], self.nodes)  # parameters, categories, nodes
            known = self.positions[:, j] >= 0
            scores = np.zeros((len(posterior), len(part)))
            for c in range(int(self.sizes[j])):
                rows = known & (self.positions[:, j] == c)
                scores[rows] = posterior[rows] @ slope_by_category[:, c].T
            columns.append(scores)
        return np.hstack(columns)

    def gradient(self, parameters: Floats) -> Floats:
        """Return the derivative of the log-likelihood from expected counts."""
        _, posterior = self.expect(parameters)
        parts = [
            np.einsum("pcq,cq->p", _log_derivatives(part[0], part[1:], self.nodes), hot.T @ posterior)
            for hot, part in zip(self.hot, self.split(parameters), strict=True)
        ]
        return np.concatenate(parts)


def category_probabilities(slope: float, intercepts: Floats, nodes: Floats) -> Floats:
    """Return the probability of each category at each trait value.

    Parameters
    ----------
    slope : float
        Discrimination.
    intercepts : ndarray
        Falling.
    nodes : ndarray
        Trait values.

    Returns
    -------
    ndarray of shape (n_categories, n_nodes)
        Never below 1e-300.
    """
    above = expit(slope * nodes[None, :] + intercepts[:, None])
    edges = np.concatenate([np.ones((1, len(nodes))), above, np.zeros((1, len(nodes)))])
    return np.maximum(-np.diff(edges, axis=0), 1e-300)


def _log_derivatives(slope: float, intercepts: Floats, nodes: Floats) -> Floats:
    above = expit(slope * nodes[None, :] + intercepts[:, None])
    density = above * (1.0 - above)
    m, q = density.shape
    P = category_probabilities(slope, intercepts, nodes)
    padded = np.concatenate([np.zeros((1, q)), density, np.zeros((1, q))])
    out = np.zeros((m + 1, m + 1, q))
    out[0] = (padded[:-1] - padded[1:]) * nodes / P
    at = np.arange(m)
    out[1 + at, at + 1] = density / P[1:]
    out[1 + at, at] = -density / P[:-1]
    return out


def fit_graded(ordinal: Ordinal, *, nodes: int, width: float) -> GradedFit:
    """Fit a graded response model with a standard normal trait.

    Parameters
    ----------
    ordinal : Ordinal
        Answers as positions; -1 where missing.
    nodes : int
        Quadrature nodes.
    width : float
        They reach from minus to plus this value.

    Returns
    -------
    GradedFit
        Estimates (Samejima 1969; Bock & Aitkin 1981).

    Notes
    -----
    EM cycles bring the parameters near, steps with the cross-product of person scores finish (Berndt, Hall, Hall &
    Hausman 1974). The observed information is the central difference of the analytic gradient.
    """
    problem = _Problem.of(ordinal, nodes, width)
    parameters = _start(ordinal)
    for _ in range(_EM_CYCLES):
        _, posterior = problem.expect(parameters)
        parameters = _maximise(problem, parameters, posterior)
    value, posterior = problem.expect(parameters)
    converged, steps = False, 0
    while steps < _STEPS and not converged:
        scores = problem.person_scores(parameters, posterior)
        gradient = scores.sum(axis=0)
        direction = np.linalg.solve(scores.T @ scores, gradient)
        if float(gradient @ direction) < _CLOSE:
            converged = True
            break
        parameters, value, posterior, moved = _advance(problem, parameters, value, posterior, direction)
        steps += 1
        if not moved:
            break
    parts = problem.split(parameters)
    return GradedFit(
        slopes=np.array([part[0] for part in parts]),
        intercepts=tuple(part[1:] for part in parts),
        covariance=np.linalg.pinv(_observed_information(problem, parameters), hermitian=True),
        log_likelihood=value,
        posterior=posterior,
        nodes=problem.nodes,
        cycles=_EM_CYCLES + steps,
        converged=converged,
    )


def _advance(
    problem: _Problem, parameters: Floats, value: float, posterior: Floats, direction: Floats
) -> tuple[Floats, float, Floats, bool]:
    """Halve the step until the likelihood rises and every item's intercepts still fall."""
    size = 1.0
    for _ in range(30):
        tried = parameters + size * direction
        if all((np.diff(part[1:]) < 0).all() for part in problem.split(tried)):
            new, weights = problem.expect(tried)
            if new > value:
                return tried, new, weights, True
        size /= 2.0
    return parameters, value, posterior, False


def _start(ordinal: Ordinal) -> Floats:
    parts = []
    for j, count in enumerate(ordinal.counts):
        column = ordinal.positions[:, j]
        tallies = np.bincount(column[column >= 0], minlength=count)
        above = 1.0 - np.cumsum(tallies)[:-1] / tallies.sum()
        parts.append(np.concatenate([[1.0], 1.2 * np.log(above / (1.0 - above))]))
    return np.concatenate(parts)


def _maximise(problem: _Problem, parameters: Floats, posterior: Floats) -> Floats:
    """One M step: for each item a few scoring steps on its expected counts."""
    out = []
    for hot, part in zip(problem.hot, problem.split(parameters), strict=True):
        counts = hot.T @ posterior
        current = part
        for _ in range(3):
            derivatives = _log_derivatives(current[0], current[1:], problem.nodes)
            P = category_probabilities(current[0], current[1:], problem.nodes)
            gradient = np.einsum("pcq,cq->p", derivatives, counts)
            weighted = derivatives * (P * counts.sum(axis=0))
            information = np.einsum("pcq,rcq->pr", weighted, derivatives)
            step = np.linalg.solve(information, gradient)
            while not (np.diff((current + step)[1:]) < 0).all():
                step = step / 2.0
            current = current + step
        out.append(current)
    return np.concatenate(out)


def _observed_information(problem: _Problem, parameters: Floats) -> Floats:
    k = len(parameters)
    information = np.empty((k, k))
    for j in range(k):
        up, down = parameters.copy(), parameters.copy()
        up[j] += _DIFFERENCE
        down[j] -= _DIFFERENCE
        information[j] = (problem.gradient(down) - problem.gradient(up)) / (2 * _DIFFERENCE)
    return (information + information.T) / 2.0
