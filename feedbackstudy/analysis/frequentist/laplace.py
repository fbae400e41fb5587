"""Random intercepts beside a non-normal likelihood: Laplace's approximation and adaptive Gauss-Hermite quadrature.

Derivatives are exact: the approximation is evaluated at a tiny imaginary step of each parameter, after one Newton step
of the random effects, which carries their response to the parameter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy import optimize

from feedbackstudy.analysis.frequentist.links import Array
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Integers, RandomFactor
from feedbackstudy.errors import DataError

__all__ = ["RowLikelihood", "RowTerms", "SumFit", "fit_random_intercepts", "log_likelihood_at", "row_order"]

_STEP = 1e-20
_SECOND_STEP = 1e-4
_MOST_RANDOM = 3000


class RowTerms(NamedTuple):
    """Log likelihood of each row with its first two derivatives by the linear predictor."""

    log_likelihood: Array
    first: Array
    second: Array


class RowLikelihood(Protocol):
    """Likelihood of rows given fixed parameters and what the random effects add to their linear predictor."""

    def terms(self, fixed: Array, added: Array) -> RowTerms:
        """Return the rows' terms for several settings at once.

        Parameters
        ----------
        fixed : ndarray, shape (settings, parameters)
            Fixed parameters, perhaps complex.
        added : ndarray, shape (settings, n)
            Sum of the random effects of each row.

        Returns
        -------
        RowTerms
            Arrays of shape (settings, n).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SumFit:
    """Maximum of the approximated likelihood.

    Attributes
    ----------
    fixed : ndarray
        Fixed parameters.
    sd : ndarray, shape (factors,)
        Standard deviation of each factor's intercepts, in the order given.
    covariance : ndarray
        Of the fixed parameters, then the standard deviations that are not zero.
    log_likelihood : float
        Approximated, at the maximum.
    effects : tuple of ndarray
        Modes of the random intercepts of each factor.
    singular : bool
        Whether a standard deviation is zero.
    converged : bool
        Whether the gradient vanished.
    quadrature : int
        Nodes; 1 is Laplace's approximation.
    """

    fixed: Floats
    sd: Floats
    covariance: Floats
    log_likelihood: float
    effects: tuple[Floats, ...]
    singular: bool
    converged: bool
    quadrature: int


class _Structure:
    """Sums over levels, and the curvature of the random effects: the largest factor diagonal, the others dense."""

    def __init__(self, factors: Sequence[RandomFactor]) -> None:
        self.order = sorted(range(len(factors)), key=lambda k: -factors[k].levels)
        head, *rest = (factors[k] for k in self.order)
        self.sizes = [factors[k].levels for k in self.order]
        if sum(self.sizes[1:]) > _MOST_RANDOM:
            raise DataError(f"The smaller grouping factors have {sum(self.sizes[1:])} levels; at most {_MOST_RANDOM}.")
        self.rows = np.argsort(head.codes, kind="stable")
        self.codes = [factors[k].codes[self.rows] for k in self.order]
        self.starts = np.searchsorted(self.codes[0], np.arange(head.levels))
        self.held = [factors[k].design[self.rows, 0] for k in self.order]
        parts = [np.eye(f.levels)[f.codes[self.rows]] * f.design[self.rows, :1] for f in rest]
        self.rest = np.hstack([np.empty((head.codes.size, 0)), *parts])
        self.place = np.repeat(np.arange(len(factors)), self.sizes)

    def added(self, effects: Array, sd: Array) -> Array:
        """Return each row's sum of scaled random effects."""
        scaled, at = effects * sd[:, self.place], 0
        total = np.zeros((effects.shape[0], self.rows.size), dtype=scaled.dtype)
        for size, codes, held in zip(self.sizes, self.codes, self.held, strict=True):
            total = total + scaled[:, at : at + size][:, codes] * held
            at += size
        return total

    def sums(self, values: Array) -> Array:
        """Return the sums of rows over the levels of every factor."""
        head = np.add.reduceat(values * self.held[0], self.starts, axis=1)
        return np.hstack([head, values @ self.rest])

    def newton(self, weights: Array, sd: Array, slope: Array) -> tuple[Array, Array, Array]:
        """Return the Newton step, the log determinant of the curvature, and its diagonal for the largest factor."""
        g = self.sizes[0]
        diagonal = 1 + sd[:, :1] ** 2 * np.add.reduceat(weights * self.held[0], self.starts, axis=1)
        if len(self.sizes) == 1:
            return slope / diagonal, np.log(diagonal).sum(axis=1), diagonal
        steps, dets = [], []
        for w, d, s, right in zip(weights, diagonal, sd, slope, strict=True):
            spread = s[self.place[g:]]
            weighted = w[:, None] * self.rest
            across = np.add.reduceat(weighted * self.held[0][:, None], self.starts, axis=0) * (s[0] * spread)
            dense = np.eye(spread.size) + (self.rest.T @ weighted) * np.outer(spread, spread)
            reduced = dense - (across / d[:, None]).T @ across
            low = np.linalg.solve(reduced, right[g:] - across.T @ (right[:g] / d))
            steps.append(np.concatenate([(right[:g] - across @ low) / d, low]))
            sign, size = np.linalg.slogdet(reduced)
            dets.append(np.log(d).sum() + size + (1j * np.angle(sign) if np.iscomplexobj(sign) else 0.0))
        return np.array(steps), np.array(dets), diagonal


class _Marginal:
    """The approximated marginal log likelihood."""

    def __init__(self, rows: RowLikelihood, structure: _Structure, p: int, nodes: int) -> None:
        self.rows, self.structure, self.p = rows, structure, p
        self.effects = np.zeros((1, sum(structure.sizes)))
        x, w = np.polynomial.hermite.hermgauss(nodes)
        self.nodes, self.log_weights = np.sqrt(2) * x, np.log(w) + x**2
        self.quadrature = nodes

    def _joint(self, at: Array, effects: Array) -> tuple[Array, RowTerms]:
        terms = self.rows.terms(at[:, : self.p], self.structure.added(effects, at[:, self.p :]))
        return terms.log_likelihood.sum(axis=1) - (effects * effects).sum(axis=1) / 2, terms

    def _step(self, at: Array, effects: Array, terms: RowTerms) -> tuple[Array, Array, Array]:
        sd = at[:, self.p :]
        slope = self.structure.sums(terms.first) * sd[:, self.structure.place] - effects
        return self.structure.newton(-terms.second, sd, slope)

    def settle(self, at: Floats) -> bool:
        """Bring the random effects to their mode; False where the parameters are impossible."""
        point, effects = at[None], self.effects
        value, terms = self._joint(point, effects)
        if not np.isfinite(value).all():
            effects = np.zeros_like(effects)
            value, terms = self._joint(point, effects)
            if not np.isfinite(value).all():
                return False
        for _ in range(100):
            step, _, _ = self._step(point, effects, terms)
            if np.abs(step).max() < 1e-11:
                break
            for halving in range(30):
                trial = effects + step / 2**halving
                new, new_terms = self._joint(point, trial)
                if np.isfinite(new).all() and new[0] >= value[0] - 1e-11 * abs(value[0]):
                    break
            effects, value, terms = trial, new, new_terms
        self.effects = effects
        return True

    def value(self, at: Array) -> Array:
        """Return the log likelihood at several settings near those that the effects were settled at."""
        effects = np.repeat(self.effects, at.shape[0], axis=0)
        _, terms = self._joint(at, effects)
        effects = effects + self._step(at, effects, terms)[0]
        joint, terms = self._joint(at, effects)
        _, log_det, diagonal = self._step(at, effects, terms)
        if self.quadrature == 1:
            return np.asarray(joint - log_det / 2)
        return self._quadrature(at, effects, diagonal)

    def _quadrature(self, at: Array, effects: Array, diagonal: Array) -> Array:
        sd = at[:, self.p :]
        logs = []
        for node, log_weight in zip(self.nodes, self.log_weights, strict=True):
            there = effects + node / np.sqrt(diagonal)
            rows = self.rows.terms(at[:, : self.p], self.structure.added(there, sd)).log_likelihood
            by_level = np.add.reduceat(rows, self.structure.starts, axis=1)
            logs.append(log_weight + by_level - there * there / 2)
        stacked = np.stack(logs)
        top = np.real(stacked).max(axis=0)
        each = top + np.log(np.exp(stacked - top).sum(axis=0)) - np.log(diagonal) / 2
        return np.asarray(each.sum(axis=1) - np.log(np.pi) / 2 * diagonal.shape[1])

    def gradient(self, at: Floats) -> Floats:
        """Return the exact gradient where the effects are settled."""
        moved = at + 1j * _STEP * np.eye(at.size)
        return np.asarray(np.imag(self.value(moved)) / _STEP, dtype=np.float64)


def row_order(factors: Sequence[RandomFactor]) -> Integers:
    """Return the order in which the rows of a likelihood must stand: by the levels of the largest factor.

    Parameters
    ----------
    factors : sequence of RandomFactor
        Grouping factors.

    Returns
    -------
    ndarray, shape (n,)
        Positions.
    """
    return np.asarray(np.argsort(max(factors, key=lambda f: f.levels).codes, kind="stable"), dtype=np.int64)


def fit_random_intercepts(
    rows: RowLikelihood, factors: Sequence[RandomFactor], fixed: Floats, covariance: Floats, *, nodes: int = 1
) -> SumFit:
    r"""Maximise the marginal likelihood over fixed parameters and standard deviations.

    Parameters
    ----------
    rows : RowLikelihood
        The likelihood given the random effects; its rows in the order of the largest factor, see `row_order`.
    factors : sequence of RandomFactor
        Grouping factors with random intercepts.
    fixed : ndarray
        Fixed parameters of the model without random effects, as the start.
    covariance : ndarray
        Their covariance there, which scales the search.
    nodes : int, default 1
        Nodes of the adaptive Gauss-Hermite quadrature; 1 is Laplace's approximation. More need a single factor.

    Returns
    -------
    SumFit
        Estimates, with the inverse of the Hessian of the approximated likelihood.

    Raises
    ------
    DataError
        For quadrature over several factors, random slopes, or a likelihood without maximum.

    Notes
    -----
    :math:`\ell = \sum_g \log\int \exp\{h_g(u)\}du`; Laplace takes :math:`h(\hat u) - \frac12\log|H|`, quadrature sums
    over nodes around the mode at the scale of the curvature (Pinheiro & Chao, 2006, Journal of Computational and
    Graphical Statistics 15, 58-81).
    """
    if nodes > 1 and len(factors) > 1:
        raise DataError("Quadrature is for one grouping factor; with several use Laplace's approximation (1 node).")
    structure = _Structure(factors)
    marginal = _Marginal(rows, structure, fixed.size, nodes)
    scaling = np.eye(fixed.size + len(factors)) * 0.3
    scaling[: fixed.size, : fixed.size] = np.linalg.cholesky(covariance)
    start = np.concatenate([fixed, np.full(len(factors), 0.5)])

    def negative(z: Floats) -> tuple[float, Floats]:
        at = start + scaling @ z
        if not marginal.settle(at):
            return 1e10, np.zeros_like(z)
        value = float(marginal.value(at[None])[0])
        return (-value, -scaling.T @ marginal.gradient(at)) if np.isfinite(value) else (1e10, np.zeros_like(z))

    found = optimize.minimize(negative, np.zeros(start.size), jac=True, method="BFGS", options={"gtol": 1e-5})
    z, inverse = np.asarray(found.x, dtype=np.float64), np.asarray(found.hess_inv, dtype=np.float64)
    for _ in range(20):
        step = inverse @ negative(z)[1]
        if np.abs(step).max() < 1e-7:
            break
        z = z - step
    hessian = _hessian(negative, z)
    z = z - np.linalg.lstsq(hessian, negative(z)[1], rcond=1e-10)[0]
    value, slope = negative(z)
    return _fit(marginal, start + scaling @ z, scaling, hessian, -value, float(np.abs(slope).max()))


def log_likelihood_at(
    rows: RowLikelihood, factors: Sequence[RandomFactor], fixed: Floats, sd: Floats, *, nodes: int = 1
) -> float:
    """Return the approximated marginal log likelihood at given parameters.

    Parameters
    ----------
    rows : RowLikelihood
        Likelihood of the rows given their effects.
    factors : sequence of RandomFactor
        The grouping factors.
    fixed : ndarray
        Fixed parameters.
    sd : ndarray, shape (factors,)
        Standard deviations of the random intercepts.
    nodes : int, default 1
        Nodes of quadrature, as in `fit_random_intercepts`.

    Returns
    -------
    float
        The log likelihood; minus infinity where the parameters are impossible.
    """
    structure = _Structure(factors)
    marginal = _Marginal(rows, structure, fixed.size, nodes)
    at = np.concatenate([fixed, sd[structure.order]])
    return float(marginal.value(at[None])[0]) if marginal.settle(at) else float("-inf")


def _hessian(function: Callable[[Floats], tuple[float, Floats]], z: Floats) -> Floats:
    columns = []
    for unit in np.eye(z.size):
        up, down = function(z + _SECOND_STEP * unit)[1], function(z - _SECOND_STEP * unit)[1]
        columns.append((up - down) / (2 * _SECOND_STEP))
    return np.asarray((np.array(columns) + np.array(columns).T) / 2, dtype=np.float64)


def _fit(marginal: _Marginal, at: Floats, scaling: Floats, hessian: Floats, value: float, slope: float) -> SumFit:
    p, structure = marginal.p, marginal.structure
    marginal.settle(at)
    sd = np.abs(at[p:])
    turned = np.linalg.inv(scaling)
    information = turned.T @ hessian @ turned
    kept = np.concatenate([np.ones(p, dtype=np.bool_), sd > 1e-4])
    used = information[np.ix_(kept, kept)]
    if np.linalg.eigvalsh(used)[0] <= 0:
        raise DataError(
            "The likelihood with random intercepts has no maximum (separation, or too few rows for each level). Merge "
            "cells, leave the random factor out, or use the Bayesian model."
        )
    ends = np.cumsum(structure.sizes)[:-1]
    modes = np.split(marginal.effects[0] * at[p:][structure.place], ends)
    back = np.argsort(structure.order)
    return SumFit(
        fixed=at[:p],
        sd=sd[back],
        covariance=np.linalg.inv(used),
        log_likelihood=value,
        effects=tuple(modes[k] for k in back),
        singular=bool((sd <= 1e-4).any()),
        converged=slope < 1e-4,
        quadrature=marginal.quadrature,
    )
