"""What a frequentist model says of the cell means, before any hypothesis is put to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError

__all__ = ["CellFit", "ContrastFit", "JointTest", "Scale", "single_tests"]

type Floats = NDArray[np.float64]
type Scale = Literal["response", "log odds", "log rate", "latent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastFit:
    """One contrast of cell means.

    Attributes
    ----------
    estimate, se : float
        Estimate, minus the fixed value, and its standard error.
    df : float
        Degrees of freedom of t; infinite where the normal distribution is the reference.
    """

    estimate: float
    se: float
    df: float

    @property
    def statistic(self) -> float:
        """The estimate in standard errors: t, or z where `df` is infinite."""
        return self.estimate / self.se

    @property
    def p(self) -> float:
        """Two-sided p value."""
        return 2 * self.above(abs(self.statistic))

    def above(self, statistic: float) -> float:
        """Return the probability of a larger statistic under the reference distribution.

        Parameters
        ----------
        statistic : float
            A value of t or z.

        Returns
        -------
        float
            The upper tail.
        """
        if np.isinf(self.df):
            return float(special.ndtr(-statistic))
        return float(special.stdtr(self.df, -statistic))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the confidence interval.

        Parameters
        ----------
        level : float
            Its level, such as .95.

        Returns
        -------
        tuple of float
            Lower and upper limit.
        """
        tail = (1 + level) / 2
        quantile = special.ndtri(tail) if np.isinf(self.df) else special.stdtrit(self.df, tail)
        half = float(quantile) * self.se
        return self.estimate - half, self.estimate + half


class JointTest(NamedTuple):
    """Several contrasts tested at once.

    Attributes
    ----------
    f : float
        F statistic: the Wald statistic over its rank.
    df : float
        Numerator degrees of freedom: the rank of the contrasts.
    df2 : float
        Denominator degrees of freedom; infinite where chi square is the reference.
    p : float
        Its p value.
    """

    f: float
    df: float
    df2: float
    p: float


def single_tests(rows: Floats, means: Floats, covariance: Floats, df2: Floats) -> tuple[JointTest, ...]:
    """Test every contrast on its own, all in one pass.

    Parameters
    ----------
    rows : ndarray, shape (contrasts, k)
        Weights.
    means, covariance : ndarray, shape (k,) and (k, k)
        What is weighted.
    df2 : ndarray, shape (contrasts,)
        Denominator degrees of freedom of each; infinite for chi square.

    Returns
    -------
    tuple of JointTest
        The square of each t.
    """
    f = (rows @ means) ** 2 / ((rows @ covariance) * rows).sum(axis=1)
    p = special.fdtrc(1, df2, f)
    endless = np.isinf(df2)
    if endless.any():
        p[endless] = special.chdtrc(1, f[endless])
    return tuple(
        JointTest(f=a, df=1.0, df2=b, p=c) for a, b, c in zip(f.tolist(), df2.tolist(), p.tolist(), strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellFit:
    """Cell means with their covariance: all that a contrast needs.

    Attributes
    ----------
    means : ndarray, shape (cells,)
        Adjusted cell means on `scale`, covariates at their grand mean; NaN for a cell without data.
    covariance : ndarray, shape (cells, cells)
        Their covariance; NaN in row and column of a cell without data.
    df : callable
        Takes weights over the cells, shape (cells,), and returns the degrees of freedom of that contrast.
    counts : ndarray, shape (cells,)
        Rows in each cell.
    scale : {"response", "log odds", "log rate", "latent"}
        Scale of the means.
    sd : float or None
        Standard deviation of the outcome within cells, for standardised effects (with random effects: the root of the
        sum of all variance components); None where the model has none.
    n : int
        Rows that entered.
    model : str
        The model in words, with method, covariance and degrees of freedom.
    notes : tuple of str
        What a reader must know beside the numbers.
    failures : tuple of str
        Why nothing of this fit may be reported; empty where it may.
    joint_df : callable or None
        Takes weights, shape (contrasts, cells), and returns the denominator degrees of freedom of their joint test;
        None where `df` of the single contrasts agrees for all.
    joint_scale : callable or None
        Takes the same weights and returns the factor that brings the Wald statistic over its rank to F (Hotelling's,
        Johansen's or Kenward and Roger's); None where it is 1.
    dfs : callable or None
        Takes weights, shape (contrasts, cells), and returns what `df` returns for each row, shape (contrasts,); None
        where `df` is asked row by row.
    inflation : callable or None
        Takes weights over the cells and returns the factor on the sampling variance of that contrast, where the
        covariance is too small for it; None where it is 1.
    """

    means: Floats
    covariance: Floats
    df: Callable[[Floats], float]
    counts: NDArray[np.int64]
    scale: Scale
    sd: float | None
    n: int
    model: str
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    joint_df: Callable[[Floats], float] | None = None
    joint_scale: Callable[[Floats], float] | None = None
    dfs: Callable[[Floats], Floats] | None = None
    inflation: Callable[[Floats], float] | None = None

    def contrast(self, weights: ArrayLike, *, value: float = 0.0) -> ContrastFit:
        """Put one contrast to the fit.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        value : float, default 0
            The fixed value that is subtracted.

        Returns
        -------
        ContrastFit
            Estimate, standard error and degrees of freedom.

        Raises
        ------
        DataError
            Where a cell that the contrast needs holds no data, or nothing is left to estimate its error.
        """
        row = np.asarray(weights, dtype=np.float64)
        estimate, variance = self._moments(row)
        if not variance > 0:
            raise DataError(f"The contrast has no sampling variance (it is {variance:g}); nothing can be tested.")
        estimate -= value
        return ContrastFit(estimate=estimate, se=float(np.sqrt(variance)), df=float(self.df(row)))

    def joint(self, weights: ArrayLike) -> JointTest:
        r"""Test several contrasts at once.

        Parameters
        ----------
        weights : array_like, shape (contrasts, cells)
            Weights over the cell means; rows may depend on each other.

        Returns
        -------
        JointTest
            :math:`F = s (Lm)'(LVL')^{-}(Lm)/r` on r and `joint_df` degrees of freedom, s from `joint_scale`.

        Raises
        ------
        DataError
            Where a cell that a contrast needs holds no data.
        """
        rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        if len(rows) == 1:
            estimate, variance = self._moments(rows[0])
            if variance > 0:
                return self._tested(rows, 1, estimate**2 / variance)
        return self._tested(rows, *self._wald(rows))

    def joints(self, hypotheses: Sequence[ArrayLike]) -> tuple[JointTest, ...]:
        """Test several hypotheses, each on its own; all that are a single contrast go through one pass.

        Parameters
        ----------
        hypotheses : sequence of array_like, shape (contrasts, cells) each
            Weights of each hypothesis.

        Returns
        -------
        tuple of JointTest
            What `joint` returns for each, in the order given.

        Raises
        ------
        DataError
            Where a cell that a contrast needs holds no data.
        """
        each = [np.asarray(rows, dtype=np.float64) for rows in hypotheses]
        if self.dfs is None or self.joint_scale is not None or self.inflation is not None or not self.counts.all():
            return tuple(map(self.joint, each))
        if not each or {one.size for one in each} != {self.means.size}:
            return tuple(map(self.joint, each))
        rows = np.concatenate(each, axis=None).reshape(len(each), -1)
        return single_tests(rows, self.means, self.covariance, self.dfs(rows))

    def _wald(self, rows: Floats) -> tuple[int, float]:
        """Return the rank of the contrasts and the Wald statistic over it."""
        used = self._estimable(np.abs(rows).sum(axis=0))
        at = rows[:, used]
        estimate, variance = at @ self.means[used], at @ self.covariance[np.ix_(used, used)] @ at.T
        if self.inflation is not None:
            by = np.sqrt([self.inflation(row) for row in rows])
            variance = variance * np.outer(by, by)
        rank = int(np.linalg.matrix_rank(rows))
        return rank, float(estimate @ np.linalg.pinv(variance, hermitian=True) @ estimate) / rank

    def _tested(self, rows: Floats, rank: int, f: float) -> JointTest:
        f *= float(self.joint_scale(rows)) if self.joint_scale is not None else 1.0
        df2 = float(self.joint_df(rows)) if self.joint_df is not None else min(float(self.df(row)) for row in rows)
        p = float(special.chdtrc(rank, f * rank) if np.isinf(df2) else special.fdtrc(rank, df2, f))
        return JointTest(f=f, df=float(rank), df2=df2, p=p)

    def _moments(self, row: Floats) -> tuple[float, float]:
        """Return estimate and sampling variance of one contrast."""
        used = self._estimable(row)
        if np.count_nonzero(used) == used.size:
            estimate, variance = float(row @ self.means), float(row @ self.covariance @ row)
        else:
            own = row[used]
            estimate, variance = float(own @ self.means[used]), float(own @ self.covariance[used][:, used] @ own)
        return estimate, variance if self.inflation is None else variance * self.inflation(row)

    def _estimable(self, row: Floats) -> NDArray[np.bool_]:
        if row.shape != self.means.shape:
            raise DataError(f"Give one weight for each of the {self.means.size} cells; given shape {row.shape}.")
        used: NDArray[np.bool_] = row != 0
        if np.count_nonzero(self.counts) < used.size and (used & (self.counts == 0)).any():
            empty = np.flatnonzero(used & (self.counts == 0))
            raise DataError(f"The contrast needs {empty.size} cell(s) that hold no data (positions {empty.tolist()}).")
        return used
