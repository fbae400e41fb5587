"""Shares of variance with noncentral intervals, and standardised differences with theirs."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from feedbackstudy.errors import DataError

__all__ = ["Sized", "eta_squared", "noncentral_f_limits", "noncentral_t_limits", "omega_squared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """An effect size with its interval.

    Attributes
    ----------
    estimate : float
        The effect size.
    low, high : float
        Its interval.
    level : float
        Level of the interval.
    """

    estimate: float
    low: float
    high: float
    level: float


def noncentral_f_limits(f: float, df: float, df2: float, level: float) -> tuple[float, float]:
    """Return confidence limits of the noncentrality of F, by inverting its test.

    Parameters
    ----------
    f, df, df2 : float
        The statistic and its degrees of freedom.
    level : float
        Level of the two-sided interval.

    Returns
    -------
    tuple of float
        Lower and upper limit; 0 where even no effect leaves F in the lower tail.

    Raises
    ------
    DataError
        For a negative or infinite F, or degrees of freedom that are not positive.

    Notes
    -----
    Steiger (2004), Psychological Methods 9, 164-182.
    """
    if not (np.isfinite(f) and f >= 0 and df > 0 and df2 > 0):
        raise DataError(f"An interval needs a finite F of zero or more and positive df; given {f}, {df}, {df2}.")
    tail = (1 - level) / 2
    return _f_limit(f, df, df2, 1 - tail), _f_limit(f, df, df2, tail)


def _f_limit(f: float, df: float, df2: float, below: float) -> float:
    """Return the noncentrality at which F has this probability below it."""

    def excess(ncp: float) -> float:
        return float(special.ncfdtr(df, df2, ncp, f)) - below

    if f == 0 or special.fdtr(df, df2, f) <= below:
        return 0.0
    high = max(1.0, 2 * f * df)
    while excess(high) > 0:
        high *= 2
    return float(optimize.brentq(excess, 0.0, high, xtol=1e-13, rtol=1e-14))


def noncentral_t_limits(t: float, df: float, level: float) -> tuple[float, float]:
    """Return confidence limits of the noncentrality of t, by inverting its test.

    Parameters
    ----------
    t, df : float
        The statistic and its degrees of freedom.
    level : float
        Level of the two-sided interval.

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Raises
    ------
    DataError
        For a t that is not finite, or degrees of freedom that are not positive.

    Notes
    -----
    Steiger & Fouladi (1997), in Harlow, Mulaik & Steiger (Eds.), What if there were no significance tests?
    """
    if not (np.isfinite(t) and df > 0):
        raise DataError(f"An interval needs a finite t and positive df; given {t}, {df}.")
    tail = (1 - level) / 2
    # scipy's noncentral t fails far from its centre and for negative t, so it is mirrored and the bracket grows slowly
    low, high = _t_limit(abs(t), df, 1 - tail), _t_limit(abs(t), df, tail)
    return (low, high) if t >= 0 else (-high, -low)


def _t_limit(t: float, df: float, below: float) -> float:
    """Return the noncentrality at which t has this probability below it."""

    def excess(ncp: float) -> float:
        return float(stats.nct.cdf(t, df, ncp)) - below

    step, low, high = 1.0, t, t
    while excess(low) < 0:
        low, step = low - step, step * 1.5
    step = 1.0
    while excess(high) > 0:
        high, step = high + step, step * 1.5
    return float(optimize.brentq(excess, low, high, xtol=1e-13, rtol=1e-14)) if low < high else t


def eta_squared(f: float, df: float, df2: float, *, level: float = 0.9) -> Sized:
    r"""Return partial eta squared from F.

    Parameters
    ----------
    f, df, df2 : float
        The statistic and its degrees of freedom.
    level : float, default 0.9
        Level of the two-sided interval; 90 % excludes zero exactly where p < .05.

    Returns
    -------
    Sized
        :math:`\eta_p^2 = df F / (df F + df_2)`, its limits from those of the noncentrality.

    Notes
    -----
    Steiger (2004), Psychological Methods 9, 164-182; limits :math:`\lambda / (\lambda + df_2)`, as in the R package
    effectsize.
    """
    low, high = noncentral_f_limits(f, df, df2, level)
    return Sized(estimate=df * f / (df * f + df2), low=low / (low + df2), high=high / (high + df2), level=level)


def omega_squared(f: float, df: float, df2: float, *, n: int | None = None, level: float = 0.9) -> Sized:
    r"""Return partial omega squared from F: partial eta squared without its upward bias.

    Parameters
    ----------
    f, df, df2 : float
        The statistic and its degrees of freedom.
    n : int, optional
        Observations of a design between participants; by default :math:`df + df_2 + 1`, right for a single factor and
        used for repeated measures.
    level : float, default 0.9
        Level of the two-sided interval.

    Returns
    -------
    Sized
        :math:`\omega_p^2 = df (F - 1) / [df (F - 1) + n]`, at least 0. The limits are those of the noncentrality of
        the F that has this value as its partial eta squared.

    Raises
    ------
    DataError
        For an impossible F.

    Notes
    -----
    Olejnik & Algina (2003), Psychological Methods 8, 434-447.
    """
    if not (np.isfinite(f) and f >= 0 and df > 0 and df2 > 0):
        raise DataError(f"Omega squared needs a finite F of zero or more and positive df; given {f}, {df}, {df2}.")
    total = df + df2 + 1 if n is None else n
    estimate = max(0.0, df * (f - 1) / (df * (f - 1) + total))
    shrunk = estimate / (1 - estimate) * df2 / df
    low, high = noncentral_f_limits(shrunk, df, df2, level)
    return Sized(estimate=estimate, low=low / (low + df2), high=high / (high + df2), level=level)
