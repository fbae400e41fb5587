"""What the likelihood of a mixed model needs at given covariances; cross-products of a single random intercept."""

from typing import NamedTuple

import numpy as np

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Pattern, RandomFactor, pattern

__all__ = ["OneInterceptProducts", "Pieces", "level_sums"]


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
        squares = np.zeros((self.sizes.size, m * m))
        np.add.at(squares, which, (sums[:, :, None] * sums[:, None, :]).reshape(-1, m * m))
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

    def near(self, n: int, *, reml: bool) -> Floats:
        """Come close to the minimum by Newton steps that need no determinant; the start where they do not settle.

        Parameters
        ----------
        n : int
            Rows.
        reml : bool
            Restricted likelihood.

        Returns
        -------
        ndarray, shape (1,)
            Relative standard deviation.
        """
        start = self.start()
        theta = float(start[0])
        for _ in range(8):
            first, second = self._slopes(theta**2, n, reml=reml)
            slope, bend = 2 * theta * first, 2 * first + 4 * theta**2 * second
            if bend <= 0 or abs(slope) > 0.7 * bend * theta:
                return start
            theta -= slope / bend
            if slope * slope < 1e-9 * bend:
                return np.array([theta])
        return start

    def _slopes(self, square: float, n: int, *, reml: bool) -> tuple[float, float]:
        """Return the first two derivatives of the profiled deviance by the relative variance."""
        p = self.m - 1
        shrunk = 1 / (1 + self.sizes * square)
        inner = self.sizes * shrunk
        weights = np.array([square * shrunk, shrunk * shrunk, inner * shrunk * shrunk])
        lost, once, twice = (weights @ self.squares).reshape(3, self.m, self.m)
        gram = self.gram - lost
        inverse = np.linalg.inv(gram[:p, :p])
        beta = inverse @ gram[:p, p]
        rest = float(gram[p, p] - beta @ gram[:p, p])
        pulled = once[:, p] - once[:, :p] @ beta
        score = float(pulled[p] - beta @ pulled[:p])
        turned = twice[:, p] - twice[:, :p] @ beta
        bend = 2 * float(turned[p] - beta @ turned[:p] - pulled[:p] @ inverse @ pulled[:p])
        first, second = float(self.levels @ inner), -float(self.levels @ (inner * inner))
        if reml:
            spread = inverse @ once[:p, :p]
            first -= float(spread.trace())
            second += 2 * float((inverse * twice[:p, :p]).sum()) - float((spread * spread.T).sum())
        df = n - p * reml
        return first - df * score / rest, second + df * (bend / rest - (score / rest) ** 2)

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
    starts = np.searchsorted(factor.codes[order], np.arange(factor.levels))
    made: Floats = np.add.reduceat(columns[order], starts, axis=0)
    return made
