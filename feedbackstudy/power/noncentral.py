"""Power of t, F, chi-squared and z tests from the noncentral distributions."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["Alternative", "chi2_power", "f_critical", "f_power", "nct_cdf", "t_critical", "t_power", "z_power"]

type Alternative = Literal["two-sided", "greater", "less"]
type Floats = NDArray[np.float64]


def _floats(value: ArrayLike) -> Floats:
    return np.asarray(value, dtype=np.float64)


def t_critical(df: ArrayLike, alpha: float, alternative: Alternative = "two-sided") -> Floats:
    """Return the critical value of a t test, without sign.

    Parameters
    ----------
    df : array_like
        Degrees of freedom; infinite for a normal test.
    alpha : float
        Significance level.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.

    Returns
    -------
    ndarray
        The value that the statistic must exceed in size.
    """
    tail = alpha / 2 if alternative == "two-sided" else alpha
    dfs = np.asarray(df, dtype=np.float64)
    return np.asarray(np.where(np.isinf(dfs), -special.ndtri(tail), -special.stdtrit(np.minimum(dfs, 1e15), tail)))


def t_power(ncp: ArrayLike, df: ArrayLike, alpha: float, *, alternative: Alternative = "two-sided") -> Floats:
    r"""Return the power of a t test.

    Parameters
    ----------
    ncp : array_like
        Noncentrality: effect over standard error.
    df : array_like
        Degrees of freedom.
    alpha : float
        Significance level.
    alternative : {"two-sided", "greater", "less"}
        Direction; both tails count in a two-sided test.

    Returns
    -------
    ndarray
        Power.

    Notes
    -----
    :math:`1 - F_{\nu,\delta}(t_c) + F_{\nu,\delta}(-t_c)` with the noncentral t distribution function F.
    """
    delta, dfs = np.broadcast_arrays(np.asarray(ncp, dtype=np.float64), np.asarray(df, dtype=np.float64))
    if alternative == "less":
        return t_power(-delta, dfs, alpha, alternative="greater")
    critical = t_critical(dfs, alpha, alternative)
    upper = 1 - nct_cdf(critical, dfs, delta)
    return np.asarray(upper + nct_cdf(-critical, dfs, delta) if alternative == "two-sided" else upper)


def nct_cdf(t: ArrayLike, df: ArrayLike, ncp: ArrayLike) -> Floats:
    """Return the distribution function of the noncentral t.

    Parameters
    ----------
    t : array_like
        Quantile.
    df : array_like
        Degrees of freedom; infinite for a normal.
    ncp : array_like
        Noncentrality.

    Returns
    -------
    ndarray
        P(T <= t).
    """
    value, dfs, delta = np.broadcast_arrays(_floats(t), _floats(df), _floats(ncp))
    # For a negative argument the reflection keeps the small tail small.
    sign = np.where(value < 0, -1.0, 1.0)
    finite = special.nctdtr(np.minimum(dfs, 1e15), sign * delta, sign * value)
    lower = np.where(np.isinf(dfs), special.ndtr(sign * (value - delta)), finite)
    return _floats(np.where(value < 0, 1 - lower, lower))


def f_critical(df1: ArrayLike, df2: ArrayLike, alpha: float) -> Floats:
    """Return the critical value of an F test.

    Parameters
    ----------
    df1, df2 : array_like
        Degrees of freedom.
    alpha : float
        Significance level.

    Returns
    -------
    ndarray
        The value that F must exceed.
    """
    return _floats(special.fdtri(_floats(df1), _floats(df2), 1 - alpha))


def f_power(ncp: ArrayLike, df1: ArrayLike, df2: ArrayLike, *, alpha: float) -> Floats:
    """Return the power of an F test.

    Parameters
    ----------
    ncp : array_like
        Noncentrality lambda.
    df1, df2 : array_like
        Degrees of freedom.
    alpha : float
        Significance level.

    Returns
    -------
    ndarray
        Upper tail of the noncentral F distribution at the critical value.
    """
    one, two = _floats(df1), _floats(df2)
    return _floats(1 - special.ncfdtr(one, two, _floats(ncp), f_critical(one, two, alpha)))


def chi2_power(ncp: ArrayLike, df: ArrayLike, alpha: float) -> Floats:
    """Return the power of a chi-squared test.

    Parameters
    ----------
    ncp : array_like
        Noncentrality lambda.
    df : array_like
        Degrees of freedom.
    alpha : float
        Significance level.

    Returns
    -------
    ndarray
        Upper tail of the noncentral chi-squared distribution at the critical value.
    """
    dfs = _floats(df)
    return _floats(1 - special.chndtr(_floats(special.chdtri(dfs, alpha)), dfs, _floats(ncp)))


def z_power(ncp: ArrayLike, alpha: float, *, alternative: Alternative = "two-sided") -> Floats:
    """Return the power of a normal test.

    Parameters
    ----------
    ncp : array_like
        Effect over standard error.
    alpha : float
        Significance level.
    alternative : {"two-sided", "greater", "less"}
        Direction; both tails count in a two-sided test.

    Returns
    -------
    ndarray
        Power.
    """
    return t_power(ncp, np.inf, alpha, alternative=alternative)
