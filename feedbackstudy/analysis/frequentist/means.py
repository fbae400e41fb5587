"""Means compared from the figures of groups: n, mean and standard deviation are all that is needed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.tables import group_figures
from feedbackstudy.errors import DataError

__all__ = ["FTest", "MeanContrast", "contrast", "f_test", "figures_of_counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanContrast:
    """A weighted sum of group means.

    Attributes
    ----------
    estimate, se : float
        The contrast and its standard error.
    low, high, level : float
        Interval from Student's t.
    df, statistic, p : float
        t test of zero, two-sided.
    standardised : float
        Estimate over the pooled standard deviation.
    n : int
        People in all groups.
    """

    estimate: float
    se: float
    low: float
    high: float
    level: float
    df: float
    statistic: float
    p: float
    standardised: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FTest:
    """A test that several contrasts of group means are zero together.

    Attributes
    ----------
    statistic : float
        F.
    df, df2 : float
        Degrees of freedom of the contrasts and of the error.
    p : float
        Its p value.
    partial_eta_squared : float
        Share of the effect in effect plus error.
    """

    statistic: float
    df: int
    df2: int
    p: float
    partial_eta_squared: float


def figures_of_counts(
    values: ArrayLike, counts: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return size, mean and standard deviation of groups from a frequency table.

    Parameters
    ----------
    values : array_like, shape (values,)
        The value of each column.
    counts : array_like of int, shape (groups, values)
        People of each group at each value.

    Returns
    -------
    tuple of ndarray
        n, mean and sd (n - 1 in the denominator) of each group.

    Raises
    ------
    DataError
        Where a group has fewer than two people.
    """
    table, scale = np.atleast_2d(np.asarray(counts, dtype=np.float64)), np.asarray(values, dtype=np.float64)
    n = table.sum(axis=1)
    if (n < 2).any():
        raise DataError(f"Group {int(np.argmin(n)) + 1} has {n.min():.0f} people; a standard deviation needs two.")
    mean = table @ scale / n
    deviations = (table * (scale - mean[:, None]) ** 2).sum(axis=1)
    sizes, means, sds = group_figures(n, mean, np.sqrt(deviations / (n - 1)))
    return sizes.astype(np.int64), means, sds


def contrast(
    n: ArrayLike, mean: ArrayLike, sd: ArrayLike, *, weights: ArrayLike, welch: bool = False, level: float = 0.95
) -> MeanContrast:
    r"""Test a weighted sum of group means.

    Parameters
    ----------
    n, mean, sd : array_like, shape (groups,)
        Size, mean and standard deviation of each group.
    weights : array_like, shape (groups,)
        The contrast.
    welch : bool, default False
        Let the variances differ (Welch-Satterthwaite degrees of freedom) instead of pooling them.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    MeanContrast
        The contrast with its t test.

    Raises
    ------
    DataError
        For impossible figures, weights that are all zero or do not fit, or groups without any spread.

    Notes
    -----
    :math:`L = \sum w_j \bar y_j`; pooled: :math:`s_L^2 = s_p^2 \sum w_j^2 / n_j` with :math:`N - k` degrees of
    freedom; Welch: :math:`s_L^2 = \sum w_j^2 s_j^2 / n_j`,
    :math:`\nu = s_L^4 / \sum [(w_j^2 s_j^2 / n_j)^2 / (n_j - 1)]`.
    """
    sizes, means, sds = group_figures(n, mean, sd)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != sizes.shape or not w.any():
        raise DataError(f"Give one weight for each of the {sizes.size} groups, not all zero; given {w.tolist()}.")
    pooled = _pooled_variance(sizes, sds)
    if welch:
        parts = w**2 * sds**2 / sizes
        variance, df = float(parts.sum()), float(parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum())
    else:
        variance, df = float(pooled * (w**2 / sizes).sum()), float(sizes.sum() - sizes.size)
    estimate, se = float(w @ means), float(np.sqrt(variance))
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    return MeanContrast(
        estimate=estimate,
        se=se,
        low=estimate - half,
        high=estimate + half,
        level=level,
        df=df,
        statistic=estimate / se,
        p=float(2 * stats.t.sf(abs(estimate / se), df)),
        standardised=estimate / float(np.sqrt(pooled)),
        n=int(sizes.sum()),
    )


def f_test(n: ArrayLike, mean: ArrayLike, sd: ArrayLike, *, weights: ArrayLike) -> FTest:
    r"""Test that several contrasts of group means are zero together, as an analysis of variance does.

    Parameters
    ----------
    n, mean, sd : array_like, shape (groups,)
        Size, mean and standard deviation of each group.
    weights : array_like, shape (contrasts, groups)
        Linearly independent contrasts. Effects of unweighted cell means give type III tests.

    Returns
    -------
    FTest
        F with the pooled error.

    Raises
    ------
    DataError
        For impossible figures, groups without any spread, or contrasts that depend on each other.

    Notes
    -----
    :math:`F = (C \bar y)^\top [C D C^\top]^{-1} (C \bar y) / (q s_p^2)` with :math:`D = \mathrm{diag}(1/n)`.
    """
    sizes, means, sds = group_figures(n, mean, sd)
    C = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if C.shape[1] != sizes.size or np.linalg.matrix_rank(C) < C.shape[0]:
        raise DataError(f"Contrasts must be independent, with {sizes.size} weights each; given shape {C.shape}.")
    pooled = _pooled_variance(sizes, sds)
    effect = C @ means
    between = float(effect @ np.linalg.solve((C / sizes) @ C.T, effect))
    df, df2 = C.shape[0], int(sizes.sum() - sizes.size)
    statistic = between / df / pooled
    return FTest(
        statistic=statistic,
        df=df,
        df2=df2,
        p=float(stats.f.sf(statistic, df, df2)),
        partial_eta_squared=between / (between + df2 * pooled),
    )


def _pooled_variance(n: NDArray[np.float64], sd: NDArray[np.float64]) -> float:
    pooled = float(((n - 1) * sd**2).sum() / (n.sum() - n.size))
    if pooled == 0:
        raise DataError("No group has any spread (all standard deviations are 0): no test of means exists.")
    return pooled
