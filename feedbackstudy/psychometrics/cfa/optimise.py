"""Minimise a discrepancy: Newton steps where the Hessian is positive definite, Fisher scoring where it is not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.evaluation import Evaluation, Evaluator

__all__ = ["Minimum", "minimise"]

type Floats = NDArray[np.float64]

_DECREMENT = 1e-17  # half the squared length of the last step in standard errors, per person
_ITERATIONS = 100
_HALVINGS = 25
_RIDGE = 1e-8
_REACH = 0.5


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray
        Free parameters.
    evaluation : Evaluation
        The objective there.
    iterations : int
        Steps taken.
    converged : bool
        Whether the gradient vanished.
    """

    theta: Floats
    evaluation: Evaluation
    iterations: int
    converged: bool


def _direction(e: Evaluation) -> Floats:
    """Return the Newton step, or the scoring step where the Hessian is not positive definite."""
    for matrix in (e.observed, e.expected):
        if matrix is None:
            continue
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            continue
        return -np.linalg.solve(matrix, e.gradient)
    ridge = _RIDGE * (np.diag(e.expected) + np.mean(np.diag(e.expected)) + np.finfo(float).tiny)
    return -np.linalg.lstsq(e.expected + np.diag(ridge), e.gradient, rcond=None)[0]


def _bounded(step: Floats, information: Floats, reach: float) -> Floats:
    """Shorten a step that would move the moments too far, in the metric of expected information."""
    size = float(np.sqrt(max(float(step @ information @ step), 0.0)))
    return step if size <= reach else step * (reach / size)


def _try(at: Evaluator, theta: Floats, *, observed: bool) -> Evaluation | None:
    try:
        e = at(theta, observed=observed)
    except np.linalg.LinAlgError:
        return None
    return e if np.isfinite(e.value) else None


def minimise(
    at: Evaluator,
    theta: Floats,
    *,
    newton: bool = True,
    decrement: float = _DECREMENT,
    iterations: int = _ITERATIONS,
    reach: float = _REACH,
) -> Minimum:
    """Minimise a discrepancy from a start.

    Parameters
    ----------
    at : callable
        ``f(theta, observed=...) -> Evaluation``; raises LinAlgError outside the region where it is defined.
    theta : ndarray
        Where to start; the objective must be defined there.
    newton : bool, default True
        Use second derivatives.
    decrement : float
        Stop when the predicted gain of the next step is smaller.
    iterations : int
        At most so many steps.
    reach : float
        Longest step in the metric of expected information; long steps can lead into far valleys.

    Returns
    -------
    Minimum
        The end of the search, converged or not.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the objective is not defined at the start.
    """
    e = at(theta, observed=newton)
    for k in range(iterations):
        step = _bounded(_direction(e), e.expected, reach)
        gain = -float(step @ e.gradient)
        if not np.isfinite(gain):
            return Minimum(theta, e, k, converged=False)
        found, length = None, 1.0
        for _ in range(_HALVINGS):
            trial = _try(at, theta + length * step, observed=newton)
            if trial is not None and trial.value <= e.value - 1e-4 * length * gain + 1e-13 * (1.0 + abs(e.value)):
                found = trial
                break
            length *= 0.5
        if found is None:
            return Minimum(theta, e, k, converged=gain < np.sqrt(decrement))
        theta, e = theta + length * step, found
        if abs(gain) < decrement:
            return Minimum(theta, e, k + 1, converged=True)
    return Minimum(theta, e, iterations, converged=False)
