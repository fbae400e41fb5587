"""Standardised differences of two means, and the probability of superiority, with intervals."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from feedbackstudy.analysis.frequentist.effect_sizes import Sized, noncentral_t_limits
from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["KINDS", "common_language", "paired_difference", "rank_biserial", "small_sample_factor", "standardised"]

type Floats = NDArray[np.float64]
type Kind = Literal["d", "g", "glass", "unpooled", "dz", "dav", "rank_biserial", "cles"]

KINDS = {
    "d": "Cohen's d, pooled standard deviation",
    "g": "Hedges' g: Cohen's d times the exact small-sample factor",
    "glass": "Glass's delta, standard deviation of the second group",
    "unpooled": "d over the root of the mean of the two variances",
    "dz": "mean difference over the standard deviation of the differences",
    "dav": "mean difference over the root of the mean of the two variances, paired",
    "rank_biserial": "rank-biserial correlation",
    "cles": "probability of superiority under normal distributions with a common standard deviation",
}
"""The effect sizes in words."""


def small_sample_factor(df: float) -> float:
    r"""Return the exact factor that takes the bias from d.

    Parameters
    ----------
    df : float
        Degrees of freedom of the standard deviation.

    Returns
    -------
    float
        :math:`\Gamma(\nu/2) / [\sqrt{\nu/2}\, \Gamma((\nu-1)/2)]` (Hedges, 1981, Journal of Educational Statistics 6).
    """
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def standardised(first: ArrayLike, second: ArrayLike, *, kind: Kind = "d", level: float = 0.95) -> Sized:
    r"""Return the standardised difference of two independent means.

    Parameters
    ----------
    first, second : array_like
        Outcomes of the two groups.
    kind : {"d", "g", "glass", "unpooled"}, default "d"
        What the difference is divided by.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Sized
        Estimate and interval by inverting the noncentral t.

    Raises
    ------
    DataError
        For fewer than two values, or no spread.
    NotFoundError
        For another kind.

    Notes
    -----
    d and g: t on :math:`n_1 + n_2 - 2` degrees of freedom, :math:`d = t \sqrt{1/n_1 + 1/n_2}`. Unpooled: Welch's t
    and df, :math:`d = \Delta / \sqrt{(s_1^2 + s_2^2)/2}`. Glass: :math:`n_2 - 1` degrees of freedom and the standard
    error of the difference under the second group's variance and the first's. Limits as in the R package effectsize.
    """
    a, b = _two(first, second)
    n1, n2 = a.size, b.size
    difference, v1, v2 = float(a.mean() - b.mean()), float(a.var(ddof=1)), float(b.var(ddof=1))
    if kind in ("d", "g"):
        sd, df = np.sqrt(((n1 - 1) * v1 + (n2 - 1) * v2) / (n1 + n2 - 2)), float(n1 + n2 - 2)
        se = sd * np.sqrt(1 / n1 + 1 / n2)
    elif kind == "unpooled":
        sd, se = np.sqrt((v1 + v2) / 2), np.sqrt(v1 / n1 + v2 / n2)
        df = float((v1 / n1 + v2 / n2) ** 2 / ((v1 / n1) ** 2 / (n1 - 1) + (v2 / n2) ** 2 / (n2 - 1)))
    elif kind == "glass":
        sd, df = np.sqrt(v2), float(n2 - 1)
        se = np.sqrt(v1 / n1 + v2 / n2)
    else:
        raise NotFoundError(choices("Effect size of two groups", kind, ("d", "g", "glass", "unpooled")))
    return _sized(difference, float(sd), float(se), df, small_sample_factor(df) if kind == "g" else 1.0, level)


def paired_difference(first: ArrayLike, second: ArrayLike, *, kind: Kind = "dz", level: float = 0.95) -> Sized:
    r"""Return the standardised mean of differences within pairs.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Outcomes of the same people.
    kind : {"dz", "dav"}, default "dz"
        Over the standard deviation of the differences; or over the average one, comparable with independent groups.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Sized
        Estimate and interval by inverting the noncentral t of the paired test.

    Raises
    ------
    DataError
        For columns of different length, fewer than two pairs, or no spread.
    NotFoundError
        For another kind.

    Notes
    -----
    :math:`d_z = \bar D / s_D`; :math:`d_{av} = \bar D / \sqrt{(s_1^2 + s_2^2)/2}`, its limits those of :math:`d_z`
    rescaled (Lakens, 2013, Frontiers in Psychology 4, 863).
    """
    a, b = _two(first, second)
    if a.size != b.size:
        raise DataError(f"Pairs need two columns of one length; given {a.size} and {b.size}.")
    d = a - b
    sd_difference = float(d.std(ddof=1))
    if kind not in ("dz", "dav"):
        raise NotFoundError(choices("Effect size of pairs", kind, ("dz", "dav")))
    sd = sd_difference if kind == "dz" else float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))
    return _sized(float(d.mean()), sd, sd_difference / np.sqrt(d.size), float(d.size - 1), 1.0, level)


def _sized(difference: float, sd: float, se: float, df: float, factor: float, level: float) -> Sized:
    if not (sd > 0 and se > 0):
        raise DataError("There is no spread to divide the difference by.")
    low, high = noncentral_t_limits(difference / se, df, level)
    scale = se / sd * factor
    return Sized(estimate=difference / sd * factor, low=low * scale, high=high * scale, level=level)


def rank_biserial(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Sized:
    r"""Return the rank-biserial correlation of two independent groups.

    Parameters
    ----------
    first, second : array_like
        Outcomes of the two groups.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Sized
        :math:`2 P(X > Y) + P(X = Y) - 1`; interval by Fisher's transformation.

    Raises
    ------
    DataError
        For fewer than two values.

    Notes
    -----
    :math:`SE(\mathrm{atanh}\, r) = \sqrt{(n_1 + n_2 + 1) / (3 n_1 n_2)}`, as in the R package effectsize.
    """
    a, b = _two(first, second)
    u = float(stats.rankdata(np.r_[a, b])[: a.size].sum()) - a.size * (a.size + 1) / 2
    r = 2 * u / (a.size * b.size) - 1
    if abs(r) == 1:
        return Sized(estimate=r, low=r, high=r, level=level)
    half = float(special.ndtri((1 + level) / 2)) * np.sqrt((a.size + b.size + 1) / (3 * a.size * b.size))
    return Sized(
        estimate=r, low=float(np.tanh(np.arctanh(r) - half)), high=float(np.tanh(np.arctanh(r) + half)), level=level
    )


def common_language(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Sized:
    r"""Return the probability that a person of the first group scores higher than one of the second.

    Parameters
    ----------
    first, second : array_like
        Outcomes of the two groups.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Sized
        :math:`\Phi(d / \sqrt 2)`, with d and its limits (McGraw & Wong, 1992, Psychological Bulletin 111, 361-365).
    """
    d = standardised(first, second, level=level)
    p, low, high = (float(special.ndtr(x / np.sqrt(2))) for x in (d.estimate, d.low, d.high))
    return Sized(estimate=p, low=low, high=high, level=level)


def _two(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    for label, x in (("first", a), ("second", b)):
        if x.ndim != 1 or x.size < 2 or not np.isfinite(x).all():
            raise DataError(f"The {label} group needs at least two finite values; it holds {x.size}.")
    return a, b
