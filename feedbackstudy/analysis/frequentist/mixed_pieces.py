"""What the likelihood of a mixed model needs at given covariances; cross-products of a single random intercept."""

from math import log
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Pattern, RandomFactor, pattern

__all__ = [
    "Curvature",
    "Forms",
    "OneInterceptProducts",
    "Pieces",
    "Whitening",
    "forms_of",
    "level_sums",
    "positive_inverse",
    "whitening",
]

_LEAST = 1e-15  # share of the largest eigenvalue that one below it is lifted to
_APART = 40  # levels up to which each keeps its own matrix
_FEW = 100_000  # levels x rows below which sums of levels come from one product of matrices


class Pieces(NamedTuple):
    r"""What the likelihood and its two derivatives need, with the residual variance set to one.

    :math:`V = I + \sum_r \lambda_r V_r`; W holds the fixed columns and the outcome.
    """

    log_det: float
    r""":math:`\log|V|`"""
    gram: Floats
    r""":math:`W'V^{-1}W`"""
    stacked: Floats
    """`first`, then `second` row by row: what one product serves at once."""
    trace: Floats
    r""":math:`\mathrm{tr}(V^{-1}V_r)`"""
    traces: Floats
    r""":math:`\mathrm{tr}(V^{-1}V_rV^{-1}V_s)`"""

    @property
    def first(self) -> Floats:
        r"""Return :math:`W'V^{-1}V_rV^{-1}W`."""
        return self.stacked[: self.trace.size]

    @property
    def second(self) -> Floats:
        r"""Return :math:`W'V^{-1}V_rV^{-1}V_sV^{-1}W`."""
        return self.stacked[self.trace.size :].reshape(*self.traces.shape, *self.gram.shape)


class Curvature(NamedTuple):
    """Deviance and derivatives at given parameters; variances (residual first) are linear in the covariance of rows."""

    beta: Floats
    inverse: Floats
    """Covariance of the coefficients."""
    sigma2: float
    deviance: float
    gradient: Floats
    """By theta, then by the residual standard deviation."""
    hessian: Floats
    expected: Floats
    """Twice the expected information of the variances."""
    first: Floats
    r""":math:`X'V^{-1}V_rV^{-1}X`, the residual variance first."""
    second: Floats
    r""":math:`X'V^{-1}V_rV^{-1}V_sV^{-1}X`"""
    jacobian: Floats
    """Variances by theta and the residual standard deviation."""


class Forms(NamedTuple):
    r"""Quadratic forms and traces at given covariances, residual variance one; :math:`V_r` of the random effects only.

    :math:`P = V^{-1} - V^{-1}X(X'V^{-1}X)^{-1}X'V^{-1}`
    """

    beta: Floats
    inverse: Floats
    r""":math:`(X'V^{-1}X)^{-1}`"""
    fixed_det: float
    r""":math:`\log|X'V^{-1}X|`"""
    rest: float
    """y'Py"""
    scores: Floats
    r""":math:`y'PV_rPy`"""
    quadratic: Floats
    r""":math:`y'PV_rPV_sPy`"""
    centre: Floats
    r""":math:`\mathrm{tr}(PV_r)`"""
    expected: Floats
    r""":math:`\mathrm{tr}(PV_rPV_s)`"""


def positive_inverse(matrix: Floats) -> tuple[Floats, float] | None:
    """Invert a symmetric positive definite matrix.

    Parameters
    ----------
    matrix : ndarray, shape (p, p)
        Symmetric; the lower triangle is read.

    Returns
    -------
    tuple of (ndarray, float), or None
        Inverse and log determinant; None where the matrix is not positive definite.
    """
    lower, failed = dpotrf(matrix, lower=1)
    if failed:
        return None
    half, failed = dtrtri(lower, lower=1)
    return None if failed else (half.T @ half, 2 * sum(map(log, lower.diagonal().tolist())))


class Whitening(NamedTuple):
    """What the Cholesky factor of the weighted cross-products gives, the outcome being the last of their columns."""

    inverse: Floats
    """Inverse of the lower triangular factor."""
    fixed_det: float
    """Log determinant of the block of the fixed columns."""
    rest: float
    """Weighted residual sum of squares of the outcome."""


def whitening(gram: Floats) -> Whitening:
    """Factor the weighted cross-products of the fixed columns and the outcome.

    Parameters
    ----------
    gram : ndarray, shape (p + 1, p + 1)
        Symmetric, the outcome last. Where rounding has left a value below zero, the nearest matrix without is used.

    Returns
    -------
    Whitening
        The inverse of the factor, and the two numbers that the deviance needs.
    """
    lower, failed = dpotrf(gram, lower=1)
    least = _LEAST
    while failed:
        values, vectors = np.linalg.eigh(gram)
        lifted = np.maximum(values, least * max(float(values[-1]), 1e-300))
        lower, failed = dpotrf((vectors * lifted) @ vectors.T, lower=1)
        least *= 10
    *fixed, last = lower.diagonal().tolist()
    return Whitening(dtrtri(lower, lower=1)[0], 2 * sum(map(log, fixed)), last * last)


def forms_of(pieces: Pieces) -> Forms:
    r"""Project the fixed columns out of the pieces.

    Parameters
    ----------
    pieces : Pieces
        Cross-products and traces.

    Returns
    -------
    Forms
        What the derivatives of the deviance are made of.

    Notes
    -----
    With :math:`W'V^{-1}W = LL'`, the outcome last in W, and :math:`C_r = L^{-1}W'V^{-1}V_rV^{-1}WL^{-\top}`, the corner
    of :math:`C_r` is :math:`y'PV_rPy / y'Py`, and the rest of its diagonal sums to
    :math:`\mathrm{tr}(V^{-1}V_r - PV_r)`; forms of two :math:`V_r` likewise.
    """
    p, k = pieces.gram.shape[0] - 1, pieces.trace.size
    white, fixed_det, rest = whitening(pieces.gram)
    made = white @ pieces.stacked @ white.T
    diagonals = made.reshape(-1, (p + 1) ** 2)[:, :: p + 2]
    traced, corner = diagonals[:, :p].sum(axis=1), rest * diagonals[:, p]
    edge, inner, half = made[:k, p, :p], made[:k, :p, :p].reshape(k, -1), white[:p, :p]
    return Forms(
        white[p, :p] * -(rest**0.5),
        half.T @ half,
        fixed_det,
        rest,
        corner[:k],
        corner[k:].reshape(k, k) - rest * (edge @ edge.T),
        pieces.trace - traced[:k],
        pieces.traces - 2 * traced[k:].reshape(k, k) + inner @ inner.T,
    )


class OneInterceptProducts:
    """Cross-products for one grouping factor with a random intercept; of many levels those of one size share a matrix.

    Parameters
    ----------
    factor : RandomFactor
        The grouping factor.
    columns : ndarray, shape (n, m)
        Fixed columns with the outcome last.
    """

    def __init__(self, factor: RandomFactor, columns: Floats) -> None:
        self.patterns: tuple[Pattern, ...] = (pattern(1, correlated=False),)
        self.order: tuple[int, ...] = (0,)
        sums = level_sums(factor, columns)
        sizes = np.bincount(factor.codes, minlength=factor.levels)
        m = columns.shape[1]
        squares = (sums[:, :, None] * sums[:, None, :]).reshape(-1, m * m)
        counts = np.ones(factor.levels)
        if factor.levels > _APART:
            alike = np.bincount(sizes)
            used = alike.nonzero()[0]
            squares = (sizes == used[:, None]).astype(np.float64) @ squares
            sizes, counts = used, alike[used].astype(np.float64)
        self.sizes, self.levels = sizes.astype(np.float64), counts
        self.squares, self.gram, self.m = squares, columns.T @ columns, m

    def start(self) -> Floats:
        """Return where the search begins: the relative standard deviation by moments of the outcome's level means.

        Returns
        -------
        ndarray, shape (1,)
            Between .05 and 3.
        """
        n, groups = float(self.levels @ self.sizes), float(self.levels.sum())
        between = float((1 / self.sizes) @ self.squares[:, -1])
        within = (float(self.gram[-1, -1]) - between) / max(n - groups, 1.0)
        typical = (n - float(self.levels @ self.sizes**2) / n) / max(groups - 1, 1.0)
        moment = (between / max(groups - 1, 1.0) - within) / max(typical * within, 1e-300)
        return np.array([min(max(moment, 0.0025), 9.0) ** 0.5])

    def value(self, theta: Floats) -> tuple[float, Floats]:
        """Return the log determinant and the weighted cross-products.

        Parameters
        ----------
        theta : ndarray, shape (1,)
            Relative standard deviation.

        Returns
        -------
        tuple of (float, ndarray)
            Without derivatives.
        """
        square = float(theta[0]) ** 2
        grown = 1 + self.sizes * square
        gram = self.gram - ((square / grown) @ self.squares).reshape(self.m, self.m)
        return float(self.levels @ np.log(grown)), gram

    def pieces(self, theta: Floats) -> Pieces:
        """Return value and derivatives.

        Parameters
        ----------
        theta : ndarray, shape (1,)
            Relative standard deviation.

        Returns
        -------
        Pieces
            Sums over the sizes of levels.
        """
        square = float(theta[0]) ** 2
        grown = 1 + self.sizes * square
        shrunk = 1 / grown
        inner = self.sizes * shrunk
        shrunk2 = shrunk * shrunk
        made = (np.array([square * shrunk, shrunk2, inner * shrunk2]) @ self.squares).reshape(3, self.m, self.m)
        weighted = self.levels * inner
        return Pieces(
            float(self.levels @ np.log(grown)),
            self.gram - made[0],
            made[1:],
            np.array([weighted.sum()]),
            np.array([[weighted @ inner]]),
        )


def level_sums(factor: RandomFactor, columns: Floats) -> Floats:
    """Return the sums of columns over the rows of each level.

    Parameters
    ----------
    factor : RandomFactor
        Whose levels.
    columns : ndarray, shape (n, m)
        Columns.

    Returns
    -------
    ndarray, shape (levels, m)
        Sums.
    """
    if factor.levels * factor.codes.size <= _FEW:
        return np.asarray((factor.codes == np.arange(factor.levels)[:, None]).astype(np.float64) @ columns)
    order = np.argsort(factor.codes, kind="stable")
    starts = np.zeros(factor.levels, dtype=np.int64)
    np.cumsum(np.bincount(factor.codes, minlength=factor.levels)[:-1], out=starts[1:])
    made: Floats = np.add.reduceat(columns[order], starts, axis=0)
    return made
