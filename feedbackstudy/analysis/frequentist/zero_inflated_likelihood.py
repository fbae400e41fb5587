"""Likelihood of counts with structural zeros, with exact derivatives, for a negative binomial or a Poisson."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize
from scipy.special import expit, gammaln

from feedbackstudy.analysis.frequentist.negative_binomial import negative_binomial_terms
from feedbackstudy.analysis.tables import whole_numbers
from feedbackstudy.errors import DataError

__all__ = ["Maximum", "Vector", "ZeroInflatedRows", "count_terms", "derivatives", "maximise", "starts"]

type _Floats = NDArray[np.float64]
type Vector = np.ndarray[tuple[int], np.dtype[np.float64]]


class ZeroInflatedRows(NamedTuple):
    """A frequency table with its designs."""

    y: _Floats
    """Counts."""
    w: _Floats
    """People behind each row."""
    X: _Floats
    """Predictors of the log mean."""
    Z: _Floats
    """Predictors of the log odds of a structural zero."""

    @classmethod
    def of(
        cls, y: ArrayLike, weights: ArrayLike, count_design: ArrayLike, zero_design: ArrayLike
    ) -> "ZeroInflatedRows":
        """Check and set the columns side by side.

        Parameters
        ----------
        y, weights : array_like of int, shape (rows,)
            Counts, and people behind each.
        count_design, zero_design : array_like, shape (rows, p) and (rows, q)
            Predictors.

        Returns
        -------
        ZeroInflatedRows
            As arrays.

        Raises
        ------
        DataError
            For what is no count, no zero or nothing else, or columns that depend on each other.
        """
        counts, people = whole_numbers("the counts", y), whole_numbers("the weights", weights)
        X, Z = (np.asarray(design, dtype=np.float64) for design in (count_design, zero_design))
        _check(counts, people, X, Z)
        return cls(counts, people, X, Z)


class Maximum(NamedTuple):
    """Where a search ended."""

    at: _Floats
    log_likelihood: float
    steps: int


def _check(y: _Floats, weights: _Floats, X: _Floats, Z: _Floats) -> None:
    if y.ndim != 1 or weights.shape != y.shape or X.shape[:1] != y.shape or Z.shape[:1] != y.shape:
        raise DataError(f"Counts, weights and designs need one row each; given {y.size}, {weights.size}, {X.shape}.")
    used = weights > 0
    if not (y[used] == 0).any() or not (y[used] > 0).any():
        raise DataError("A zero-inflated model needs both zeros and other counts in the data.")
    for name, design in (("count_design", X), ("zero_design", Z)):
        if np.linalg.matrix_rank(design[used]) < design.shape[1]:
            raise DataError(f"The columns of {name} depend on each other (or a group is empty); drop one.")


def starts(rows: ZeroInflatedRows) -> list[Vector]:
    """Return starts from the moments: half of the zeros structural, then few, then nearly all.

    Parameters
    ----------
    rows : ZeroInflatedRows
        The table.

    Returns
    -------
    list of ndarray
        Coefficients of the count part, of the zero part, logarithm of the size.
    """
    y, w = rows.y, rows.w
    zeros = float(w[y == 0].sum() / w.sum())
    positive = float((w * y)[y > 0].sum() / w[y > 0].sum())
    starts: list[Vector] = []
    for share, theta in ((0.5, 1.0), (0.1, 0.5), (0.9, 2.0)):
        log_odds = np.log(share * zeros / (1 - share * zeros))
        eta, _, _, _ = np.linalg.lstsq(rows.X, np.full(y.size, np.log(positive)), rcond=None)
        zeta, _, _, _ = np.linalg.lstsq(rows.Z, np.full(y.size, log_odds), rcond=None)
        starts.append(np.concatenate([eta, zeta, [np.log(theta)]]))
    return starts


def maximise(start: Vector, rows: ZeroInflatedRows) -> Maximum:
    """Search the maximum of the likelihood by a trust-region Newton method.

    Parameters
    ----------
    start : ndarray
        Where to begin; without the logarithm of the size for a Poisson.
    rows : ZeroInflatedRows
        The table.

    Returns
    -------
    Maximum
        Where the search ended.
    """

    def value(at: Vector) -> float:
        return _negative_log_likelihood(at, rows)

    def gradient(at: Vector) -> _Floats:
        return derivatives(at, rows)[0]

    def hessian(at: Vector) -> _Floats:
        return derivatives(at, rows)[1]

    tolerance = 1e-9 * float(rows.w.sum())
    found = optimize.minimize(value, start, jac=gradient, hess=hessian, method="trust-exact", tol=tolerance)
    return Maximum(np.asarray(found.x, dtype=np.float64), float(-found.fun), int(found.nit))


def _parts(at: _Floats, rows: ZeroInflatedRows) -> tuple[_Floats, _Floats, float | None]:
    """Return both linear predictors and the logarithm of the size; None for a Poisson, which has no such parameter."""
    p, q = rows.X.shape[1], rows.Z.shape[1]
    return rows.X @ at[:p], rows.Z @ at[p : p + q], float(at[-1]) if at.size > p + q else None


def count_terms(y: _Floats, eta: _Floats, log_theta: float | None) -> tuple[_Floats, _Floats, _Floats]:
    """Return log probabilities with first and second derivatives by the log mean (and the log size).

    Parameters
    ----------
    y, eta : ndarray
        Counts and log means, of shapes that broadcast.
    log_theta : float or None
        Logarithm of the size; None for a Poisson.

    Returns
    -------
    tuple of ndarray
        Log probabilities of shape (...), slopes (k, ...) and curvatures (k, k, ...); k is 1 for a Poisson, else 2.
    """
    if log_theta is not None:
        return negative_binomial_terms(y, eta, log_theta)
    mu = np.exp(eta)
    return y * eta - mu - gammaln(y + 1), (y - mu)[None], -mu[None, None]


def _negative_log_likelihood(at: _Floats, rows: ZeroInflatedRows) -> float:
    eta, zeta, log_theta = _parts(at, rows)
    log_p, _, _ = count_terms(rows.y, eta, log_theta)
    inflated = np.where(rows.y == 0, np.logaddexp(zeta, log_p), log_p) - np.logaddexp(0.0, zeta)
    return float(-(rows.w @ inflated))


def derivatives(at: _Floats, rows: ZeroInflatedRows) -> tuple[_Floats, _Floats]:
    """Return gradient and Hessian of the negative log likelihood.

    Parameters
    ----------
    at : ndarray
        Parameters, in the order count, zero, log size.
    rows : ZeroInflatedRows
        The table.

    Returns
    -------
    tuple of ndarray
        Shapes (k,) and (k, k).

    Notes
    -----
    With r the probability that a zero is structural (log odds zeta - log p) and f = 1 - r, the derivatives of log P are
    those of the law of counts times f, plus r (1 - r) times their products for zeros.
    """
    y, w, X, Z = rows
    eta, zeta, log_theta = _parts(at, rows)
    log_p, first, second = count_terms(y, eta, log_theta)
    p, k = X.shape[1], len(first)
    pi = expit(zeta)
    structural = np.where(y == 0, expit(zeta - log_p), 0.0)
    spread = structural * (1 - structural)
    count = (1 - structural) * first
    zero = structural - pi
    blocks = np.empty((k + 1, k + 1, y.size))
    blocks[:k, :k] = (1 - structural) * second + spread * first[:, None] * first[None, :]
    blocks[k, k] = spread - pi * (1 - pi)
    blocks[:k, k] = blocks[k, :k] = -spread * first
    design = [X, *[np.ones((y.size, 1))] * (k - 1), Z]
    gradient = np.concatenate([part.T @ (w * slope) for part, slope in zip(design, (*count, zero), strict=True)])
    hessian = np.block(
        [[a.T @ ((w * blocks[i, j])[:, None] * b) for j, b in enumerate(design)] for i, a in enumerate(design)]
    )
    order = np.r_[0:p, p + k - 1 : p + k - 1 + Z.shape[1], p : p + k - 1]
    return -gradient[order], -hessian[np.ix_(order, order)]
