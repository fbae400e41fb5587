"""A Wald test of an estimate, and two one-sided tests against the smallest effect of interest."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from feedbackstudy.errors import DataError

__all__ = ["Tost", "tost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tost:
    """An estimate tested against no effect and against effects as large as the bound.

    Attributes
    ----------
    low, high, level : float
        Interval of the estimate.
    statistic, p : float
        Test of zero, two-sided.
    p_equivalence : float or None
        The larger p of the two one-sided tests; None where the bound is infinite.
    """

    low: float
    high: float
    level: float
    statistic: float
    p: float
    p_equivalence: float | None


def tost(estimate: float, se: float, *, bound: float, df: float = np.inf, level: float = 0.95) -> Tost:
    r"""Test an estimate against zero, and against plus and minus a bound.

    Parameters
    ----------
    estimate, se : float
        The estimate and its standard error.
    bound : float
        Smallest effect of interest, without sign; infinity where there is none.
    df : float, default infinity
        Degrees of freedom; infinity for a normal test.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    Tost
        Interval and tests.

    Raises
    ------
    DataError
        For a standard error or bound that is not positive.

    Notes
    -----
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680:
    :math:`p = \max[P(T > (\hat\theta + \delta) / s), P(T < (\hat\theta - \delta) / s)]`.
    """
    if not (np.isfinite(estimate) and np.isfinite(se) and se > 0 and bound > 0 and df > 0):
        raise DataError(
            "An equivalence test needs a finite estimate, and a positive standard error, bound and df; given "
            f"{estimate}, {se}, {bound}, {df}."
        )
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    one_sided = (stats.t.sf((estimate + bound) / se, df), stats.t.cdf((estimate - bound) / se, df))
    return Tost(
        low=estimate - half,
        high=estimate + half,
        level=level,
        statistic=estimate / se,
        p=float(2 * stats.t.sf(abs(estimate / se), df)),
        p_equivalence=float(max(one_sided)) if np.isfinite(bound) else None,
    )
