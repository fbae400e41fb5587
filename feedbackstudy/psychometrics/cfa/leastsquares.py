"""Least squares on moments: ULS, GLS, WLS and DWLS, for continuous and ordinal items."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.evaluation import Evaluation
from feedbackstudy.psychometrics.cfa.implied import curvature
from feedbackstudy.psychometrics.cfa.moments import ImpliedVector, continuous_vector, ordinal_vector
from feedbackstudy.psychometrics.cfa.structure import GroupStructure, Structure

__all__ = ["LeastSquares", "Target", "weighted"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Sample moments of one group and their weight.

    Attributes
    ----------
    n : int
        People.
    s : ndarray of shape (r,)
        Moments.
    weight : ndarray of shape (r,) or (r, r)
        Diagonal or full weight.
    """

    n: int
    s: Floats
    weight: Floats


def weighted(weight: Floats, right: Floats) -> Floats:
    """Return ``W @ right`` for a diagonal or full weight.

    Parameters
    ----------
    weight : ndarray of shape (r,) or (r, r)
        Diagonal or full weight.
    right : ndarray of shape (r,) or (r, k)
        What it multiplies.

    Returns
    -------
    ndarray
        Of the shape of `right`.
    """
    if weight.ndim == 2:
        return np.asarray(weight @ right)
    return np.asarray(weight[:, None] * right if right.ndim == 2 else weight * right)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquares:
    """``(s - sigma)' W (s - sigma) / 2`` summed over groups.

    Attributes
    ----------
    groups : tuple of Target
        Moments by group.
    means : bool
        Whether means stand before the covariances of continuous items.
    ordinal : bool
        Whether the moments are thresholds and polychoric correlations.
    weights : tuple of float
        Weight of each group, ``(n_g - 1) / n``.
    """

    groups: tuple[Target, ...]
    means: bool
    ordinal: bool
    weights: tuple[float, ...]

    def vector(self, structure: Structure, group: GroupStructure, x: Floats) -> ImpliedVector:
        """Return a group's implied moments as a vector.

        Parameters
        ----------
        structure : Structure
            The model.
        group : GroupStructure
            The group.
        x : ndarray of shape (n_rows,)
            All parameters, fixed ones included.

        Returns
        -------
        ImpliedVector
            Moments and derivatives, in the order of the group's `Target`.
        """
        if self.ordinal:
            return ordinal_vector(structure, group, x)
        return continuous_vector(structure, group, x, means=self.means)

    def evaluate(self, structure: Structure, x: Floats, *, observed: bool) -> list[Evaluation]:
        """Return each group's part; see `Objective`.

        Parameters
        ----------
        structure : Structure
            The model.
        x : ndarray of shape (n_rows,)
            All parameters, fixed ones included.
        observed : bool
            Whether second derivatives are wanted; ordinal items have none.

        Returns
        -------
        list of Evaluation
            One a group, in the group's active parameters, weighted.
        """
        return [
            self._group(structure, group, target, weight, x, observed=observed)
            for group, target, weight in zip(structure.groups, self.groups, self.weights, strict=True)
        ]

    def _group(
        self, structure: Structure, group: GroupStructure, target: Target, weight: float, x: Floats, *, observed: bool
    ) -> Evaluation:
        v = self.vector(structure, group, x)
        residual = target.s - v.sigma
        pull = weighted(target.weight, residual)
        expected = v.delta.T @ weighted(target.weight, v.delta)
        hessian = self._hessian(group, v, pull, expected) if observed and not self.ordinal else None
        return Evaluation(
            weight * 0.5 * float(residual @ pull),
            -weight * (pull @ v.delta),
            weight * expected,
            None if hessian is None else weight * hessian,
        )

    def _hessian(self, group: GroupStructure, v: ImpliedVector, pull: Floats, expected: Floats) -> Floats:
        p = v.state.p
        i, j = np.tril_indices(p)
        R, u = np.zeros((p, p)), np.zeros(p)
        if self.means:
            u, pull = pull[:p], pull[p:]
        R[i, j] = R[j, i] = pull
        R[np.diag_indices(p)] *= 2.0
        return np.asarray(expected - curvature(v.state, group, R, u, v.d))
