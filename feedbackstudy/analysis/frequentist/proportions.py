"""Two proportions compared: difference, ratio, odds ratio, and contrasts of log odds over more groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.frequentist.two_by_two import TwoByTwo, single
from feedbackstudy.analysis.tables import events_of, no_zero_cell
from feedbackstudy.errors import DataError

__all__ = [
    "Difference",
    "LogOddsContrast",
    "Ratio",
    "log_odds_contrast",
    "odds_ratio",
    "proportion_difference",
    "risk_ratio",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of two proportions with its test.

    Attributes
    ----------
    first, second : float
        The two proportions.
    estimate, low, high, level : float
        First minus second, with Newcombe's interval.
    se : float
        Standard error without pooling.
    z, p : float
        Test with the pooled proportion, two-sided.
    """

    first: float
    second: float
    estimate: float
    low: float
    high: float
    level: float
    se: float
    z: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio with its Wald interval on the log scale, one element for each table.

    Attributes
    ----------
    log_estimate, se : ndarray
        Natural logarithm of the ratio and its standard error.
    estimate, low, high : ndarray
        The ratio and its interval.
    level : float
        Level of the interval.
    z, p : ndarray
        Wald test of a ratio of 1, two-sided.
    """

    log_estimate: NDArray[np.float64]
    se: NDArray[np.float64]
    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float
    z: NDArray[np.float64]
    p: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOddsContrast:
    """A weighted sum of log odds over independent groups.

    Attributes
    ----------
    estimate, se : float
        The contrast and its standard error.
    low, high, level : float
        Wald interval.
    z, p : float
        Wald test of zero, two-sided.
    lr_statistic, lr_p : float
        Likelihood-ratio test of zero (one degree of freedom), which sparse counts need more than Wald's.
    """

    estimate: float
    se: float
    low: float
    high: float
    level: float
    z: float
    p: float
    lr_statistic: float
    lr_p: float


def proportion_difference(table: TwoByTwo, *, level: float = 0.95) -> Difference:
    r"""Compare two proportions by their difference.

    Parameters
    ----------
    table : TwoByTwo
        One table.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Difference
        With Newcombe's interval, which stays between -1 and 1 and needs no continuity correction.

    Raises
    ------
    DataError
        Where nobody or everybody has the event, so that the pooled standard error is zero.

    Notes
    -----
    Interval: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10, from Wilson's score limits. Test:
    :math:`z = (p_1 - p_2) / \sqrt{p (1 - p) (1/n_1 + 1/n_2)}` with the pooled proportion :math:`p`; its square is
    Pearson's chi square.
    """
    a, n1, c, n2 = single(table)
    p1, p2, pooled = a / n1, c / n2, (a + c) / (n1 + n2)
    if pooled in (0.0, 1.0):
        raise DataError(
            f"The event happened to {a + c:.0f} of {n1 + n2:.0f} people: with nobody or everybody there is no "
            "variation to test. Report the counts, or use a Bayesian interval."
        )
    (l1, u1), (l2, u2) = _wilson(a, n1, level), _wilson(c, n2, level)
    z = (p1 - p2) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return Difference(
        first=p1,
        second=p2,
        estimate=p1 - p2,
        low=float(p1 - p2 - np.hypot(p1 - l1, u2 - p2)),
        high=float(p1 - p2 + np.hypot(u1 - p1, p2 - l2)),
        level=level,
        se=float(np.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)),
        z=float(z),
        p=float(2 * stats.norm.sf(abs(z))),
    )


def risk_ratio(table: TwoByTwo, *, level: float = 0.95) -> Ratio:
    """Compare two proportions by their ratio.

    Parameters
    ----------
    table : TwoByTwo
        One or many tables.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Ratio
        First proportion over second.

    Raises
    ------
    DataError
        Where a group has no event: the logarithm of the ratio does not exist.

    Notes
    -----
    Katz et al. (1978), Biometrics 34, 469-474: :math:`s^2 = 1/a - 1/n_1 + 1/c - 1/n_2`.
    """
    no_zero_cell("The ratio of two proportions", np.stack([table.event1, table.event2]))
    log_ratio = np.log(table.event1 / table.n1) - np.log(table.event2 / table.n2)
    variance = 1 / table.event1 - 1 / table.n1 + 1 / table.event2 - 1 / table.n2
    return _wald_ratio(log_ratio, np.sqrt(variance), level)


def odds_ratio(table: TwoByTwo, *, level: float = 0.95) -> Ratio:
    """Compare two groups by their odds ratio.

    Parameters
    ----------
    table : TwoByTwo
        One or many tables.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Ratio
        Odds of the first group over odds of the second.

    Raises
    ------
    DataError
        Where one of the four cells is zero.

    Notes
    -----
    Woolf (1955), Annals of Human Genetics 19, 251-253: the variance of the log odds ratio is the sum of the
    reciprocals of the four cells. Zero cells are not silently mended by adding a half.
    """
    cells = table.cells
    no_zero_cell("An odds ratio", cells)
    log_ratio = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    return _wald_ratio(log_ratio, np.sqrt((1 / cells).sum(axis=0)), level)


def log_odds_contrast(events: ArrayLike, n: ArrayLike, *, weights: ArrayLike, level: float = 0.95) -> LogOddsContrast:
    r"""Test a weighted sum of log odds over independent groups, such as an interaction.

    Parameters
    ----------
    events, n : array_like, shape (k,)
        Events and people of each group.
    weights : array_like, shape (k,)
        The contrast; its weights sum to zero.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    LogOddsContrast
        With Wald's and the likelihood-ratio test.

    Raises
    ------
    DataError
        For a group where nobody or everybody has the event, or weights that do not sum to zero.

    Notes
    -----
    :math:`L = \sum_j w_j \log(x_j / (n_j - x_j))`, variance :math:`\sum_j w_j^2 (1/x_j + 1/(n_j - x_j))`. For two
    by two by two counts with weights (1, -1, -1, 1), :math:`e^L` is the ratio of two odds ratios. The constrained
    likelihood is maximised along the Lagrange multiplier :math:`\lambda`: fitted events solve
    :math:`n_j p_j = x_j + \lambda w_j` with :math:`\sum_j w_j\, \mathrm{logit}\, p_j = 0`, one root in one unknown.
    """
    x, size = events_of("the groups", events, n)
    w = np.asarray(weights, dtype=np.float64)
    if x.shape != w.shape or x.ndim != 1:
        raise DataError(f"Give one weight for each group; given {w.shape} weights and {x.shape} groups.")
    no_zero_cell("A contrast of log odds", np.stack([x, size - x]))
    if abs(w.sum()) > 1e-12 or not w.any():
        raise DataError(f"The weights of a contrast sum to zero and are not all zero; given {w.tolist()}.")
    estimate = float(w @ np.log(x / (size - x)))
    se = float(np.sqrt(w**2 @ (1 / x + 1 / (size - x))))
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    lr = _likelihood_ratio(x, size, w)
    return LogOddsContrast(
        estimate=estimate,
        se=se,
        low=estimate - half,
        high=estimate + half,
        level=level,
        z=estimate / se,
        p=float(2 * stats.norm.sf(abs(estimate / se))),
        lr_statistic=lr,
        lr_p=float(stats.chi2.sf(lr, 1)),
    )


def _likelihood_ratio(x: NDArray[np.float64], n: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    used = w != 0
    x, n, w = x[used], n[used], w[used]
    bounds = np.where(w > 0, (n - x) / w, -x / w), np.where(w > 0, -x / w, (n - x) / w)
    high, low = float(bounds[0].min()), float(bounds[1].max())
    for _ in range(200):
        middle = (low + high) / 2
        fitted = x + middle * w
        if float(w @ (np.log(fitted) - np.log(n - fitted))) > 0:
            high = middle
        else:
            low = middle
    fitted = x + (low + high) / 2 * w
    return float(2 * (x @ np.log(x / fitted) + (n - x) @ np.log((n - x) / (n - fitted))))


def _wilson(events: float, n: float, level: float) -> tuple[float, float]:
    span = stats.binomtest(int(events), int(n)).proportion_ci(confidence_level=level, method="wilson")
    return float(span.low), float(span.high)


def _wald_ratio(log_ratio: NDArray[np.float64], se: NDArray[np.float64], level: float) -> Ratio:
    half = stats.norm.ppf(0.5 + level / 2) * se
    z = log_ratio / se
    return Ratio(
        log_estimate=log_ratio,
        se=se,
        estimate=np.exp(log_ratio),
        low=np.exp(log_ratio - half),
        high=np.exp(log_ratio + half),
        level=level,
        z=z,
        p=np.asarray(2 * stats.norm.sf(np.abs(z)), dtype=np.float64),
    )
