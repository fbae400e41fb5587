"""Normal-theory maximum likelihood on the moments of complete data.

Half the discrepancy of a group is ``(log|Sigma| + tr(S Sigma^-1) - log|S| - p + d' Sigma^-1 d) / 2`` with
``d = mean - mu`` (Joreskog, 1969); gradient, expected information and Hessian are closed forms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.evaluation import Evaluation
from feedbackstudy.psychometrics.cfa.implied import Implied, Pairs, curvature, implied, pairs
from feedbackstudy.psychometrics.cfa.structure import GroupStructure, Structure

__all__ = ["Likelihood", "Moments", "information", "log_determinant", "second"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Sample moments of one group.

    Attributes
    ----------
    n : int
        People.
    mean : ndarray of shape (p,)
        Means.
    cov : ndarray of shape (p, p)
        Covariances; the divisor is the caller's.
    log_det : float
        Log determinant of `cov`.
    """

    n: int
    mean: Floats
    cov: Floats
    log_det: float


def log_determinant(S: Floats) -> float:
    """Return log|S| of a positive definite matrix.

    Parameters
    ----------
    S : ndarray of shape (p, p)
        Symmetric matrix.

    Returns
    -------
    float
        Natural logarithm of the determinant.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where `S` is not positive definite.
    """
    return float(2.0 * np.log(np.diag(np.linalg.cholesky(S))).sum())


def information(P: Floats, d: Pairs) -> tuple[Floats, Floats, Floats, Floats]:
    """Return expected information and the products it is made of.

    Parameters
    ----------
    P : ndarray of shape (p, p)
        Inverse implied covariance.
    d : Pairs
        First derivatives.

    Returns
    -------
    tuple of ndarray
        ``tr(P dk P dl) / 2 + dmu' P dmu``, then a'Pa, b'Pb and a'Pb.
    """
    Pa = P @ d.a
    X, Z = d.a.T @ Pa, Pa.T @ d.b
    Y = d.b.T @ P @ d.b
    return X * Y + Z * Z.T + d.m.T @ P @ d.m, X, Y, Z


def second(P: Floats, R: Floats, u: Floats, d: Pairs, products: tuple[Floats, Floats, Floats]) -> Floats:
    """Return what the Hessian adds to expected information, apart from the curvature of the moments.

    Parameters
    ----------
    P : ndarray of shape (p, p)
        Inverse implied covariance.
    R : ndarray of shape (p, p)
        ``P (S + dd' - Sigma) P``.
    u : ndarray of shape (p,)
        ``P d``.
    d : Pairs
        First derivatives.
    products : tuple of ndarray
        a'Pa, b'Pb, a'Pb.

    Returns
    -------
    ndarray
        Symmetric matrix over the active parameters.
    """
    X, Y, Z = products
    Ra, Rb = R @ d.a, R @ d.b
    ZR = Ra.T @ d.b
    out = Z.T * ZR + Y * (d.a.T @ Ra) + X * (d.b.T @ Rb) + Z * ZR.T
    Pm = P @ d.m
    cross = (Pm.T @ d.a) * (u @ d.b) + (Pm.T @ d.b) * (u @ d.a)
    return np.asarray(out + cross + cross.T)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Maximum likelihood for complete data.

    Attributes
    ----------
    groups : tuple of Moments
        Sample moments by group.
    means : bool
        Means are part of the model; otherwise they are left free and never enter.
    weights : tuple of float
        Each group's share of the people.
    """

    groups: tuple[Moments, ...]
    means: bool
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

        Raises
        ------
        numpy.linalg.LinAlgError
            Where an implied covariance matrix is not positive definite.
        """
        return [
            self._group(structure, group, sample, weight, x, observed=observed)
            for group, sample, weight in zip(structure.groups, self.groups, self.weights, strict=True)
        ]

    def _group(
        self, structure: Structure, group: GroupStructure, sample: Moments, weight: float, x: Floats, *, observed: bool
    ) -> Evaluation:
        state = implied(structure, group, x)
        d = pairs(state, group)
        log_det = log_determinant(state.sigma)
        P = np.linalg.inv(state.sigma)
        gap = sample.mean - state.mu if self.means else np.zeros(state.p)
        spread = sample.cov + np.outer(gap, gap) if self.means else sample.cov
        R, u = P @ (spread - state.sigma) @ P, P @ gap
        value = 0.5 * (log_det - sample.log_det + float(np.sum(P * spread)) - state.p)
        gradient = -np.einsum("ik,ik->k", d.a, R @ d.b) - u @ d.m
        expected, *products = information(P, d)
        hessian = self._hessian(state, group, P, R, u, d, expected, products) if observed else None
        return Evaluation(weight * value, weight * gradient, weight * expected, _scaled(hessian, weight))

    @staticmethod
    def _hessian(
        state: Implied,
        group: GroupStructure,
        P: Floats,
        R: Floats,
        u: Floats,
        d: Pairs,
        expected: Floats,
        products: list[Floats],
    ) -> Floats:
        X, Y, Z = products
        return expected + second(P, R, u, d, (X, Y, Z)) - curvature(state, group, R, u, d)


def _scaled(hessian: Floats | None, weight: float) -> Floats | None:
    return None if hessian is None else weight * hessian
