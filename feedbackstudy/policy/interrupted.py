"""Interrupted time series: one team before and after, with errors that remember the month before."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters.statsmodels_series import newey_west
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.inference.cell_regression import Effect
from feedbackstudy.policy.interrupted_errors import autoregressive_df, prais_winsten, reml_autoregression
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["Series", "interrupted", "series_of"]

type Floats = NDArray[np.float64]

_FEWEST = 8
_METHODS = ("reml", "newey-west", "prais-winsten")
_TREND = "the trend before would have gone on, and nothing else changed when the policy did"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One unit over time.

    Attributes
    ----------
    unit : str
        The unit.
    frame : DataFrame
        ``period`` (position), ``n, mean, since`` (periods since the start, negative before), in the order of time.
    """

    unit: str
    frame: pd.DataFrame

    def design(self, *, slope: bool) -> Floats:
        """Return the segmented design.

        Parameters
        ----------
        slope : bool
            Whether the slope may change too.

        Returns
        -------
        ndarray
            Level change, (slope change,) intercept, trend.
        """
        since = self.frame["since"].to_numpy(dtype=np.float64)
        after = (since >= 0).astype(np.float64)
        columns = [after, *([after * since] if slope else []), np.ones_like(since), since]
        return np.column_stack(columns)


def series_of(panel: Panel, unit: str) -> Series:
    """Return one unit of a panel as a series.

    Parameters
    ----------
    panel : Panel
        Cells by unit and period.
    unit : str
        The unit.

    Returns
    -------
    Series
        Its periods.

    Raises
    ------
    NotFoundError
        For an unknown unit.
    DataError
        For a unit that never changes over, fewer than four periods on a side, or a gap.
    """
    if unit not in panel.units:
        raise NotFoundError(choices("Unit", unit, panel.units))
    u = panel.units.index(unit)
    if not np.isfinite(panel.start[u]):
        raise DataError(f"Unit {unit!r} never changes over in the window: there is no interruption to look at.")
    here = panel.used[u]
    since = panel.event_time[u][here]
    before, after = int((since < 0).sum()), int((since >= 0).sum())
    if min(before, after) < 4 or before + after < _FEWEST:
        raise DataError(
            f"Unit {unit!r} has {before} periods before and {after} after; a trend on both sides needs four of each at "
            "least, and twelve to be trusted."
        )
    frame = pd.DataFrame(
        {
            "period": np.flatnonzero(here),
            "n": panel.n[u][here],
            "mean": panel.total[u][here] / panel.n[u][here],
            "since": since,
        }
    )
    left_out = np.setdiff1d(np.arange(frame["period"].min(), frame["period"].max() + 1), frame["period"])
    planned = (panel.event_time[u] >= -panel.rollout.anticipation) & (panel.event_time[u] < panel.rollout.washout)
    if not planned[left_out].all():
        raise DataError(
            f"Unit {unit!r} has periods without applications in between; a series of time needs all of them."
        )
    return Series(unit=unit, frame=frame)


def interrupted(
    stats: SufficientStats,
    unit: str,
    metric: str | None = None,
    *,
    method: Literal["reml", "newey-west", "prais-winsten"] = "reml",
    slope: bool = True,
    lags: int | None = None,
) -> Effects:
    r"""Estimate level and slope change of one unit by segmented regression.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    unit : str
        The unit.
    metric : str, optional
        Name of the metric; the primary one by default.
    method : {"reml", "newey-west", "prais-winsten"}, default "reml"
        Generalised least squares with first-order autocorrelation by REML; least squares weighted by applications with
        a HAC covariance; or Prais-Winsten. The last two reject too often in series of usual length.
    slope : bool, default True
        Whether the slope may change too.
    lags : int, optional
        Largest lag of the HAC covariance; by default :math:`\lfloor 4 (T/100)^{2/9} \rfloor`, at least 1.

    Returns
    -------
    Effects
        Change of level at the start, change of slope per period, and the average effect over the periods after it.

    Raises
    ------
    NotFoundError
        For an unknown unit or method.
    DataError
        As `series_of`.

    Notes
    -----
    :math:`y_t = \alpha + \beta t + \delta A_t + \gamma A_t t`, t counted from the start (Wagner et al. 2002). Newey &
    West (1987) by statsmodels with its small-sample factor, t on T - p; Prais & Winsten (1954) as in `prais_winsten`,
    t on T - p - 1; REML as in `reml_autoregression` (recommended by Turner et al. 2021, BMC Medical Research
    Methodology 21, 181) with Satterthwaite's degrees of freedom (`autoregressive_df`). One unit has no comparison: the
    assumption carries the answer.
    """
    if method not in _METHODS:
        raise NotFoundError(choices("Method", method, _METHODS))
    panel = panel_of(stats, metric)
    series = series_of(panel, unit)
    X, y = series.design(slope=slope), series.frame["mean"].to_numpy()
    n = series.frame["n"].to_numpy()
    length, p = X.shape
    rho = 0.0
    if method == "newey-west":
        used = lags if lags is not None else max(1, int(4 * (length / 100) ** (2 / 9)))
        fit = newey_west(y, X, weights=n / n.mean(), lags=used)
        beta, covariance, df = fit.params, fit.covariance, float(length - p)
        words = f"Newey-West with {used} lags"
    else:
        beta, covariance, rho = reml_autoregression(y, X) if method == "reml" else prais_winsten(y, X)
        name = "REML" if method == "reml" else "Prais-Winsten"
        df = float(length - p - 1)
        words = f"{name}, first-order autocorrelation {rho:.2f}"
    rows = []
    for name, weights in _wanted(series, slope=slope, p=p):
        variance = float(weights @ covariance @ weights)
        own = autoregressive_df(y, X, rho, weights) if method == "reml" else df
        effect = Effect(estimate=float(weights @ beta), se=variance**0.5, df=own)
        rows.append(_row(panel, series, effect, contrast=name, words=words, level=stats.plan.interval_level))
    made = stats.provenance.derived("policy.interrupted", conventions=(words,))
    return Effects(rows=tuple(rows), title=f"Interrupted time series: {unit}", provenance=made)


def _wanted(series: Series, *, slope: bool, p: int) -> list[tuple[str, Floats]]:
    unit = np.eye(p)
    if not slope:
        return [("change of level", unit[0])]
    since = series.frame["since"].to_numpy(dtype=np.float64)
    middle = float(np.average(since[since >= 0], weights=series.frame["n"].to_numpy()[since >= 0]))
    return [
        ("average over the periods after the start", unit[0] + middle * unit[1]),
        ("change of level at the start", unit[0]),
        ("change of slope for each period", unit[1]),
    ]


def _row(panel: Panel, series: Series, effect: Effect, *, contrast: str, words: str, level: float) -> EffectEstimate:
    low, high = effect.interval(level)
    before = series.frame[series.frame["since"] < 0]
    counts = panel.counts_where(np.array([name == series.unit for name in panel.units])[:, None])
    row = EffectEstimate(
        metric=panel.metric.name,
        label=panel.metric.label,
        role=panel.metric.role,
        contrast=f"{series.unit}: {contrast}",
        scale="absolute",
        estimate=effect.estimate,
        se=effect.se,
        df=effect.df,
        low=low,
        high=high,
        level=level,
        p=effect.p,
        baseline=float(np.average(before["mean"], weights=before["n"])),
        n=round(float(series.frame["n"].sum())),
        n_clusters=1,
        smallest_arm=counts.smallest_arm,
        fewest=counts.fewest,
        covariance=words,
        method="segmented regression of one unit",
        assumptions=(_TREND,),
        warnings=panel.notes,
    )
    few = len(series.frame)
    return (
        row if few >= 24 else replace(row, warnings=(*row.warnings, f"{few} periods are few for a trend on both sides"))
    )
