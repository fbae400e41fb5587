"""What the likelihood of a mixed model needs at given covariances; cross-products of a single random intercept."""

from typing import NamedTuple

import numpy as np

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Pattern, RandomFactor, pattern

__all__ = ["Curvature", "OneInterceptProducts", "Pieces", "level_sums"]


class Pieces(NamedTuple):
    r"""What the likelihood and its two derivatives need, with the residual variance set to one.

    :math:`V = I + \sum_r \lambda_r V_r`; W holds the fixed columns and the outcome.
    """

    log_det: float
    r""":math:`\log|V|`"""
    gram: Floats
    r""":math:`W'V^{-1}W`"""
    first: Floats
    r""":math:`W'V^{-1}V_rV^{-1}W`"""
    second: Floats
    r""":math:`W'V^{-1}V_rV^{-1}V_sV^{-1}W`"""
    trace: Floats
    r""":math:`\mathrm{tr}(V^{-1}V_r)`"""
    traces: Floats
    r""":math:`\mathrm{tr}(V^{-1}V_rV^{-1}V_s)`"""


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


class OneInterceptProducts:
    """Cross-products for one grouping factor with a random intercept: levels of one size share one matrix.

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
        self.sizes, which, self.levels = np.unique(sizes, return_inverse=True, return_counts=True)
        m = columns.shape[1]
        alike = np.zeros((self.sizes.size, sizes.size))
        alike[which, np.arange(sizes.size)] = 1.0
        squares = alike @ (sums[:, :, None] * sums[:, None, :]).reshape(-1, m * m)
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
        inner = self.sizes / grown
        rows = np.stack([square / grown, 1 / grown**2, inner / grown**2]) @ self.squares
        lost, first, second = rows.reshape(3, self.m, self.m)
        traces = np.array([[self.levels @ inner**2]])
        return Pieces(
            float(self.levels @ np.log(grown)),
            self.gram - lost,
            first[None],
            second[None, None],
            np.array([self.levels @ inner]),
            traces,
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
    order = np.argsort(factor.codes, kind="stable")
    starts = np.zeros(factor.levels, dtype=np.int64)
    np.cumsum(np.bincount(factor.codes, minlength=factor.levels)[:-1], out=starts[1:])
    made: Floats = np.add.reduceat(columns[order], starts, axis=0)
    return made
