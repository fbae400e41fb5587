"""Errors of effects by time since the start: degrees of freedom, intervals one by one and joint, test of pre-trends."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.adapters.diff_diff import StaggeredFit, smallest_seen_trend
from feedbackstudy.analysis.frequentist.multivariate_t import simultaneous_quantile
from feedbackstudy.policy.rollouts.panel import Panel

__all__ = ["PreTrends", "effects_by_time", "freedom_by_time", "pre_trends"]

type Floats = NDArray[np.float64]

_MOST_JOINT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrends:
    """What the time before the start says of parallel trends.

    Attributes
    ----------
    periods : int
        Periods before the start that are tested together, those nearest to it.
    statistic, df, df2, p : float
        F test that effects before the start are all 0.
    slope, low, high, slope_p : float
        Linear difference in trends before the start, per period; least squares through the reference over all periods
        looked at, with the interval and the test of 0.
    smallest_seen : float
        Slope per period of a linear difference in trends that such a test finds with `power`; NaN where unknown.
    power : float
        That power.
    """

    periods: int
    statistic: float
    df: float
    df2: float
    p: float
    slope: float
    low: float
    high: float
    slope_p: float
    smallest_seen: float
    power: float


def freedom_by_time(panel: Panel, times: NDArray[np.int64]) -> Floats:
    """Return the degrees of freedom of the effect at each time since the start.

    Parameters
    ----------
    panel : Panel
        The cells.
    times : ndarray of int, shape (k,)
        Periods since the start.

    Returns
    -------
    ndarray, shape (k,)
        Units that reach the time, less one for each start among them; from 1 to units - 1.
    """
    units = int(panel.used.any(axis=1).sum())
    found = np.empty(len(times))
    for k, time in enumerate(times):
        reach = (panel.used & (panel.event_time == time)).any(axis=1) & (panel.start > 0)
        found[k] = reach.sum() - np.unique(panel.start[reach]).size
    return np.clip(found, 1.0, max(units - 1.0, 1.0))


def effects_by_time(
    fit: StaggeredFit, freedom: Floats, units: int, level: float, *, reference: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Put intervals, one by one and joint, to the effects by time since the start.

    Parameters
    ----------
    fit : StaggeredFit
        The effects and their covariance.
    freedom : ndarray, shape (k,)
        Their degrees of freedom, by `freedom_by_time`.
    units : int
        Units that take part.
    level : float
        Level of both intervals.
    reference : int
        Time of the reference period.

    Returns
    -------
    tuple of (DataFrame, tuple of str)
        ``time, estimate, se, df, low, high, joint_low, joint_high`` by time, and what was left out.
    """
    se = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    shown = (se > 0) & np.isfinite(fit.effects)
    time, effects, se, df = fit.time[shown], fit.effects[shown], se[shown], freedom[shown]
    correlation = fit.covariance[np.ix_(shown, shown)] / np.outer(se, se)
    notes: tuple[str, ...] = ()
    if (~shown).any():
        notes = (f"no standard error at {', '.join(map(str, fit.time[~shown]))} periods since the start: left out",)
    if time.size <= _MOST_JOINT:
        tail = float(special.stdtr(units - 1.0, -simultaneous_quantile(level, correlation, units - 1.0)))
    else:
        tail = (1 - level) / (2 * time.size)
        notes = (*notes, f"{time.size} periods: the joint band is Bonferroni's")
    frame = pd.DataFrame({"time": time, "estimate": effects, "se": se, "df": df})
    for name, size in (("", special.stdtrit(df, (1 + level) / 2)), ("joint_", -special.stdtrit(df, tail))):
        frame[f"{name}low"], frame[f"{name}high"] = effects - size * se, effects + size * se
    zero = pd.DataFrame([dict.fromkeys(frame.columns, np.nan) | {"time": reference, "estimate": 0.0}])
    whole = pd.concat([frame, zero], ignore_index=True).sort_values("time", ignore_index=True)
    return whole.astype({"time": np.int64}), notes


def pre_trends(
    fit: StaggeredFit, freedom: Floats, most: int, *, reference: int, power: float, alpha: float
) -> PreTrends | None:
    """Test that effects before the start are all 0.

    Parameters
    ----------
    fit : StaggeredFit
        The effects and their covariance.
    freedom : ndarray, shape (k,)
        Their degrees of freedom, by `freedom_by_time`.
    most : int
        Periods looked at, those nearest to the start; tested together are no more than a third of their mean degrees.
    reference : int
        Time of the reference period.
    power : float
        Power for which the smallest trend is given.
    alpha : float
        Level of that test.

    Returns
    -------
    PreTrends or None
        None where no period before the reference is known.
    """
    good = (fit.time < 0) & (np.diag(fit.covariance) > 0) & np.isfinite(fit.effects)
    before = np.flatnonzero(good)[-most:]
    if not before.size:
        return None
    slope, se, own = _slope(fit, freedom, before, reference)
    size = float(special.stdtrit(own, 1 - alpha / 2)) * se
    while before.size > 1 and freedom[before].mean() < 3 * before.size:
        before = before[1:]
    covariance = fit.covariance[np.ix_(before, before)]
    k = int(np.linalg.matrix_rank(covariance))
    wald = float(fit.effects[before] @ np.linalg.pinv(covariance) @ fit.effects[before])
    shared = float(freedom[before].mean())
    df2 = max(shared - k + 1, 1.0)
    statistic = wald * df2 / (k * shared)
    return PreTrends(
        periods=before.size,
        statistic=statistic,
        df=float(k),
        df2=df2,
        p=float(special.fdtrc(k, df2, statistic)),
        slope=slope,
        low=slope - size,
        high=slope + size,
        slope_p=2 * float(special.stdtr(own, -abs(slope) / se)),
        smallest_seen=smallest_seen_trend(fit, power=power, alpha=alpha),
        power=power,
    )


def _slope(fit: StaggeredFit, freedom: Floats, before: NDArray[np.intp], reference: int) -> tuple[float, float, float]:
    """Return the slope through the reference, its error, and its degrees of freedom."""
    distance = (fit.time[before] - reference).astype(np.float64)
    weight = distance / (distance @ distance)
    covariance = fit.covariance[np.ix_(before, before)]
    share = weight**2 * np.diag(covariance)
    se = float(np.sqrt(weight @ covariance @ weight))
    return float(weight @ fit.effects[before]), se, float(1 / (share / share.sum() / freedom[before]).sum())
