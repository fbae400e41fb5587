"""Full-information maximum likelihood: rows grouped by which answers they have.

Every pattern enters with its own mean and covariance, so the cost grows with the number of patterns, not of people
(Arbuckle, 1996). Matrices are zero-padded to all items, so one set of derivatives serves every pattern.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.evaluation import Evaluation
from feedbackstudy.psychometrics.cfa.implied import Pairs, curvature, implied, pairs
from feedbackstudy.psychometrics.cfa.likelihood import Moments, information, log_determinant, second
from feedbackstudy.psychometrics.cfa.structure import GroupStructure, Structure

__all__ = [
    "FullInformation",
    "Patterns",
    "Spread",
    "expectation_maximisation",
    "pattern_scores",
    "saturated_pairs",
    "spread_out",
]

type Floats = NDArray[np.float64]

_EM_STEPS = 10_000
_EM_CHANGE = 1e-11


@dataclass(frozen=True, kw_only=True, eq=False)
class Patterns:
    """The rows of one group by pattern of missing answers.

    Attributes
    ----------
    answers : ndarray of shape (n, p)
        Answers, NaN where missing; no row is wholly missing.
    masks : ndarray of bool, shape (k, p)
        Which items a pattern has.
    counts : ndarray of int, shape (k,)
        Rows per pattern.
    rows : tuple of ndarray
        Their positions.
    means : ndarray of shape (k, p)
        Means, zero where missing.
    covs : ndarray of shape (k, p, p)
        Covariances with divisor n of the pattern, zero where missing.
    """

    answers: Floats
    masks: NDArray[np.bool_]
    counts: NDArray[np.intp]
    rows: tuple[NDArray[np.intp], ...]
    means: Floats
    covs: Floats

    @classmethod
    def of(cls, values: Floats) -> "Patterns":
        """Group the rows of a table.

        Parameters
        ----------
        values : ndarray of shape (n, p)
            Answers, NaN where missing; no row is wholly missing.
        """
        seen = ~np.isnan(values)
        masks, inverse, counts = np.unique(seen, axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        rows = tuple(np.split(order, np.cumsum(counts)[:-1]))
        filled = np.where(seen, values, 0.0)
        means = np.array([filled[r].mean(axis=0) for r in rows])
        covs = np.empty((len(rows), values.shape[1], values.shape[1]))
        for k, r in enumerate(rows):
            centred = (filled[r] - means[k]) * masks[k]
            covs[k] = centred.T @ centred / len(r)
        return cls(answers=values, masks=masks, counts=counts, rows=rows, means=means, covs=covs)

    @property
    def n(self) -> int:
        """Number of people."""
        return len(self.answers)

    @cached_property
    def shares(self) -> Floats:
        """Share of the people in each pattern."""
        return np.asarray(self.counts / self.n)

    @cached_property
    def outer(self) -> NDArray[np.bool_]:
        """Which pairs of items a pattern has."""
        return np.asarray(self.masks[:, :, None] & self.masks[:, None, :])

    @property
    def constant(self) -> float:
        """The part of minus the mean log-likelihood that no parameter moves."""
        return float(0.5 * np.log(2 * np.pi) * (self.shares @ self.masks.sum(axis=1)))

    def inverses(self, sigma: Floats) -> tuple[Floats, Floats]:
        """Return the zero-padded inverse and log determinant of every pattern's part of `sigma`.

        Parameters
        ----------
        sigma : ndarray of shape (p, p)
            Covariance of all items.

        Returns
        -------
        tuple of ndarray
            Inverses of shape (k, p, p) and log determinants of shape (k,).
        """
        full = np.where(self.outer, sigma, 0.0)
        p = np.arange(sigma.shape[0])
        full[:, p, p] += ~self.masks
        roots = np.linalg.cholesky(full)
        log_dets = 2.0 * np.log(roots[:, p, p]).sum(axis=1)
        P = np.linalg.inv(full)
        P[:, p, p] -= ~self.masks
        return P, log_dets

    def gaps(self, mu: Floats) -> Floats:
        """Return pattern means minus `mu`, zero where missing.

        Parameters
        ----------
        mu : ndarray of shape (p,)
            Means of all items.
        """
        return np.asarray((self.means - mu) * self.masks)

    def value(self, mu: Floats, sigma: Floats) -> float:
        """Return minus the mean log-likelihood without its constant.

        Parameters
        ----------
        mu : ndarray of shape (p,)
            Means of all items.
        sigma : ndarray of shape (p, p)
            Their covariance.

        Returns
        -------
        float
            Per person; `constant` is what is left out.
        """
        P, log_dets = self.inverses(sigma)
        d = self.gaps(mu)
        spread = self.covs + d[:, :, None] * d[:, None, :]
        return float(0.5 * self.shares @ (log_dets + np.einsum("kij,kij->k", P, spread)))


def expectation_maximisation(data: Patterns) -> Moments:
    """Return the mean and covariance of greatest likelihood, unrestricted.

    Parameters
    ----------
    data : Patterns
        One group.

    Returns
    -------
    Moments
        Unrestricted estimates.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the answers do not determine a positive definite covariance.
    """
    w = data.shares
    seen = np.maximum(w @ data.masks, 1e-300)
    mu = (w @ data.means) / seen
    d = data.gaps(mu)
    sigma = np.diag((w @ (np.einsum("kii->ki", data.covs) + d * d)) / seen)
    sd = np.sqrt(np.diag(sigma))
    for _ in range(_EM_STEPS):
        P, _ = data.inverses(sigma)
        d = data.gaps(mu)
        u = np.einsum("kij,kj->ki", P, d)
        inner = np.einsum("k,kij->ij", w, P @ data.covs @ P - P) + (u * w[:, None]).T @ u
        shift = sigma @ (w @ u)
        change = sigma @ inner @ sigma - np.outer(shift, shift)
        mu, sigma = mu + shift, sigma + (change + change.T) / 2
        if max(np.max(np.abs(shift / sd)), np.max(np.abs(change / np.outer(sd, sd)))) < _EM_CHANGE:
            break
    return Moments(n=data.n, mean=mu, cov=sigma, log_det=log_determinant(sigma))


def saturated_pairs(p: int) -> Pairs:
    """Return the derivatives of free means and covariances: first the means, then the lower triangle.

    Parameters
    ----------
    p : int
        Number of items.

    Returns
    -------
    Pairs
        With p + p(p + 1)/2 columns.
    """
    i, j = np.tril_indices(p)
    a, b, m = np.zeros((3, p, p + len(i)))
    at = np.arange(len(i)) + p
    a[i, at] = 1.0
    b[j, at] = np.where(i == j, 0.5, 1.0)
    m[np.arange(p), np.arange(p)] = 1.0
    return Pairs(a, b, m)


@dataclass(frozen=True, slots=True)
class Spread:
    """Sums over patterns that the derivatives need.

    Attributes
    ----------
    gradient : ndarray
        Gradient in the active parameters.
    expected, observed : ndarray
        Expected information, and the Hessian without the curvature of the moments.
    R, u : ndarray
        Weights of that curvature.
    """

    gradient: Floats
    expected: Floats
    observed: Floats
    R: Floats
    u: Floats


def spread_out(data: Patterns, mu: Floats, sigma: Floats, d: Pairs, *, observed: bool = True) -> Spread:
    """Sum gradient and informations over patterns.

    Parameters
    ----------
    data : Patterns
        One group.
    mu, sigma : ndarray
        Moments at which to differentiate.
    d : Pairs
        Derivatives of the moments.
    observed : bool, default True
        Sum the Hessian too; otherwise it equals expected information.

    Returns
    -------
    Spread
        The sums, per person.
    """
    P, _ = data.inverses(sigma)
    gap = data.gaps(mu)
    us = np.einsum("kij,kj->ki", P, gap)
    Rs = P @ data.covs @ P - P + us[:, :, None] * us[:, None, :]
    k = d.a.shape[1]
    expected, extra = np.zeros((k, k)), np.zeros((k, k))
    for share, Pk, Rk, uk in zip(data.shares, P, Rs, us, strict=True):
        part, X, Y, Z = information(Pk, d)
        expected += share * part
        if observed:
            extra += share * second(Pk, Rk, uk, d, (X, Y, Z))
    R, u = np.einsum("k,kij->ij", data.shares, Rs), data.shares @ us
    gradient = -np.einsum("ik,ik->k", d.a, R @ d.b) - u @ d.m
    return Spread(gradient, expected, expected + extra, R, u)


def pattern_scores(data: Patterns, mu: Floats, sigma: Floats, d: Pairs) -> Floats:
    """Return each person's gradient of the log-likelihood in the active parameters.

    Parameters
    ----------
    data : Patterns
        One group.
    mu, sigma : ndarray
        Moments at which to differentiate.
    d : Pairs
        Derivatives of the moments.

    Returns
    -------
    ndarray of shape (n, k)
        Casewise scores, in the order of the rows.
    """
    P, _ = data.inverses(sigma)
    out = np.empty((data.n, d.a.shape[1]))
    for rows, mask, Pk in zip(data.rows, data.masks, P, strict=True):
        z = np.where(mask, data.answers[rows] - mu, 0.0) @ Pk
        level = np.einsum("ik,ik->k", d.a, Pk @ d.b)
        out[rows] = (z @ d.a) * (z @ d.b) - level + z @ d.m
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class FullInformation:
    """Maximum likelihood for rows with missing answers.

    Attributes
    ----------
    groups : tuple of Patterns
        Rows by group.
    weights : tuple of float
        Each group's share of the people.
    """

    groups: tuple[Patterns, ...]
    weights: tuple[float, ...]

    def evaluate(self, structure: Structure, x: Floats, *, observed: bool) -> list[Evaluation]:
        """Return each group's part; see `Objective`.

        Parameters
        ----------
        structure : Structure
            The model.
        x : ndarray of shape (n_rows,)
            All parameters, fixed ones included.
        observed : bool
            Whether second derivatives are wanted.

        Returns
        -------
        list of Evaluation
            One a group, in the group's active parameters, weighted.
        """
        return [
            self._group(structure, group, data, weight, x, observed=observed)
            for group, data, weight in zip(structure.groups, self.groups, self.weights, strict=True)
        ]

    @staticmethod
    def _group(
        structure: Structure, group: GroupStructure, data: Patterns, weight: float, x: Floats, *, observed: bool
    ) -> Evaluation:
        state = implied(structure, group, x)
        value = data.value(state.mu, state.sigma)
        d = pairs(state, group)
        sums = spread_out(data, state.mu, state.sigma, d, observed=observed)
        hessian = sums.observed - curvature(state, group, sums.R, sums.u, d) if observed else None
        return Evaluation(
            weight * value,
            weight * sums.gradient,
            weight * sums.expected,
            None if hessian is None else weight * hessian,
        )
