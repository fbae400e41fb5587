"""Pool effects: the checks, intervals and conventions shared by every meta-analysis, and many at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError, choices
from feedbackstudy.literature.heterogeneity import TAU2_METHODS, Tau2Method, estimate_tau2, weighted

__all__ = ["Pooled", "Test", "check_test", "checked", "conventions", "pool", "t_quantile", "two_sided"]

type Array = NDArray[np.float64]
type Test = Literal["wald", "knapp-hartung"]

TESTS = ("wald", "knapp-hartung")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Many meta-analyses of the same size, pooled at once.

    Attributes
    ----------
    estimate, se, tau2, q : ndarray
        One value for each meta-analysis.
    """

    estimate: Array
    se: Array
    tau2: Array
    q: Array


def checked(yi: ArrayLike, vi: ArrayLike, least: int = 2) -> tuple[Array, Array]:
    """Refuse effects and variances that cannot be pooled.

    Parameters
    ----------
    yi, vi : array_like
        Effects and sampling variances, the studies on the last axis.
    least : int, default 2
        Fewest studies.

    Returns
    -------
    tuple of ndarray
        Both as float arrays of one shape.

    Raises
    ------
    DataError
        For missing or infinite values, variances not above zero, different shapes, too few studies.
    """
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if y.shape[-1:] != v.shape[-1:] or y.ndim == 0:
        raise DataError(f"Effects {y.shape} and variances {v.shape} must have one entry for each study.")
    y, v = np.broadcast_arrays(y, v)
    if y.shape[-1] < least:
        raise DataError(f"{y.shape[-1]} effects are too few; give at least {least}.")
    bad = np.flatnonzero(~(np.isfinite(y) & np.isfinite(v) & (v > 0)).reshape(-1, y.shape[-1]).all(axis=0))
    if bad.size:
        raise DataError(
            f"Study number {(bad + 1)[:5].tolist()} has a missing effect or a variance that is not above zero; "
            "leave it out yourself, and say so."
        )
    return y, v


def pool(yi: ArrayLike, vi: ArrayLike, *, method: Tau2Method = "REML", test: Test = "wald") -> Pooled:
    """Pool many meta-analyses of the same size at once.

    Parameters
    ----------
    yi, vi : array_like, shape (..., k)
        Effects and sampling variances; leading axes are separate meta-analyses.
    method : str, default "REML"
        Estimator of tau squared (see `meta_analysis`).
    test : {"wald", "knapp-hartung"}, default "wald"
        Standard error of the pooled estimate.

    Returns
    -------
    Pooled
        Arrays of shape (...).
    """
    y, v = checked(yi, vi)
    check_test(test)
    ones = np.ones((y.shape[-1], 1))
    tau2 = estimate_tau2(y, v, ones, method)
    fit = weighted(y, 1 / (v + tau2[..., None]), ones)
    variance = fit.covariance[..., 0, 0] * (fit.q / (y.shape[-1] - 1) if test == "knapp-hartung" else 1.0)
    return Pooled(estimate=fit.beta[..., 0], se=np.sqrt(variance), tau2=tau2, q=weighted(y, 1 / v, ones).q)


def check_test(test: str) -> None:
    """Refuse an unknown test.

    Parameters
    ----------
    test : str
        Name of the test.

    Raises
    ------
    DataError
        Naming the tests there are.
    """
    if test not in TESTS:
        raise DataError(choices("Test", test, TESTS))


def conventions(method: str, test: str) -> tuple[str, ...]:
    """Return the conventions of a meta-analysis in words.

    Parameters
    ----------
    method, test : str
        As of `meta_analysis`.

    Returns
    -------
    tuple of str
        For the provenance.
    """
    return (
        f"tau2: {TAU2_METHODS[method][1]}, cut off at zero; interval: Q-profile",
        "pooled estimate: " + ("normal (Wald)" if test == "wald" else "Knapp & Hartung, t on k - p df, no lower cut"),
        "I2 and H2 from tau2 and the typical sampling variance; I2 from Q given besides",
    )


def t_quantile(level: float, df: float) -> float:
    """Return the half-width multiplier of a two-sided interval; normal for infinite `df`.

    Parameters
    ----------
    level : float
        Confidence level.
    df : float
        Degrees of freedom.

    Returns
    -------
    float
        The quantile.
    """
    if not 0 < level < 1:
        raise DataError(f"A level lies between 0 and 1; given {level}.")
    upper = (1 + level) / 2
    return float(special.ndtri(upper) if np.isinf(df) else special.stdtrit(df, upper))


def two_sided(statistic: float, df: float) -> float:
    """Return the two-sided p value of a t (or, for infinite `df`, z) statistic.

    Parameters
    ----------
    statistic : float
        The statistic.
    df : float
        Degrees of freedom.

    Returns
    -------
    float
        The p value.
    """
    tail = special.ndtr(-abs(statistic)) if np.isinf(df) else special.stdtr(df, -abs(statistic))
    return float(2 * tail)
