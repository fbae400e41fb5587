"""What an objective says at a point: its value, gradient, expected and observed information."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.structure import Structure

__all__ = ["Evaluation", "Evaluator", "Objective", "collect"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An objective at one point, in whatever parameters it was asked for.

    Attributes
    ----------
    value : float
        Half the discrepancy; for likelihoods minus the mean log-likelihood up to a constant.
    gradient : ndarray of shape (q,)
        First derivatives.
    expected : ndarray of shape (q, q)
        Expected information per person.
    observed : ndarray of shape (q, q) or None
        Second derivatives, where they were asked for.
    """

    value: float
    gradient: Floats
    expected: Floats
    observed: Floats | None


class Objective(Protocol):
    """A discrepancy between the data of several groups and the moments a structure implies."""

    def evaluate(self, structure: Structure, x: Floats, *, observed: bool) -> list[Evaluation]:
        """Return one evaluation a group, in the group's active parameters, weighted by its share of people.

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
        ...


class Evaluator(Protocol):
    """An objective as a function of the free parameters."""

    def __call__(self, theta: Floats, *, observed: bool) -> Evaluation:
        """Return the objective at a point, with second derivatives where they are asked for."""
        ...


def collect(objective: Objective, structure: Structure) -> Evaluator:
    """Return the objective as a function of the free parameters.

    Parameters
    ----------
    objective : Objective
        The discrepancy.
    structure : Structure
        The model.

    Returns
    -------
    callable
        ``f(theta, observed=...) -> Evaluation``.
    """

    def at(theta: Floats, *, observed: bool) -> Evaluation:
        parts = objective.evaluate(structure, structure.parameters(theta), observed=observed)
        q = structure.n_free
        gradient, expected, hessian = np.zeros(q), np.zeros((q, q)), np.zeros((q, q))
        for part, group in zip(parts, structure.groups, strict=True):
            gradient += part.gradient @ group.K
            expected += group.K.T @ part.expected @ group.K
            if part.observed is not None:
                hessian += group.K.T @ part.observed @ group.K
        return Evaluation(sum(p.value for p in parts), gradient, expected, hessian if observed else None)

    return at
