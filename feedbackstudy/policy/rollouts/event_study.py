"""The effect by time since the start: joint band, test of pre-trends with its power, sensitivity to their failure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.adapters.diff_diff import Bounds, StaggeredFit, honest_bounds, smallest_seen_trend
from feedbackstudy.analysis.frequentist.multivariate_t import simultaneous_quantile
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.smoothness import largest_bend, smooth_bounds
from feedbackstudy.policy.rollouts.staggered import fit_staggered
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Notice, Page, Rendered, Table, interval, number, p_value

__all__ = ["EventStudy", "PreTrends", "event_study"]

type Floats = NDArray[np.float64]

_MOST_JOINT = 20
_RELATIVE = (0.0, 0.5, 1.0, 1.5, 2.0)
_SMOOTH = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreTrends:
    """What the time before the start says of parallel trends.

    Attributes
    ----------
    periods : int
        Periods before the start that are tested together, those nearest to it.
    statistic, df, df2, p : float
        F test that effects before the start are all 0.
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
    smallest_seen: float
    power: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventStudy(Rendered):
    """Effects by time since the start.

    Attributes
    ----------
    effects : DataFrame
        ``time, estimate, se, low, high, joint_low, joint_high``; the reference period has estimate 0.
    label : str
        The metric.
    level : float
        Level of both intervals.
    pre_trends : PreTrends or None
        None where no period before the reference is known.
    relative : tuple of Bounds
        Robust intervals where a violation after the start is at most so many times the largest step before it.
    smooth : tuple of Bounds
        Robust intervals where the slope of a violation changes by at most so much per period: 0, and shares of
        `largest_bend`.
    largest_bend : float
        Largest change of slope between neighbouring periods that was seen before the start, chance included; NaN where
        fewer than two periods before the reference are known.
    notes : tuple of str
        What was left out, and what the library warned of.
    provenance : Provenance
        What made it.
    """

    effects: pd.DataFrame
    label: str
    level: float
    pre_trends: PreTrends | None
    relative: tuple[Bounds, ...]
    smooth: tuple[Bounds, ...]
    largest_bend: float = float("nan")
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def breakdown(self) -> float | None:
        """Smallest multiple of pre-trend steps tried at which the robust interval includes 0; None if none does."""
        for bound in self.relative:
            if np.isfinite(bound.low) and bound.low <= 0 <= bound.high:
                return bound.size
        return None

    def page(self) -> Page:
        """Return effects by time, pre-trends and sensitivity.

        Returns
        -------
        Page
            Ready to render; it has not passed a disclosure rule.
        """
        head = ("since start", "effect", "interval", "joint interval")
        lines = tuple(
            (
                number(int(row["time"])),
                number(row["estimate"], 4),
                interval(row["low"], row["high"], 4) if np.isfinite(row["low"]) else "reference",
                interval(row["joint_low"], row["joint_high"], 4) if np.isfinite(row["low"]) else "reference",
            )
            for row in self.effects.to_dict("records")
        )
        blocks = [
            Table(head, lines),
            *self._pre(),
            Table(("if trends differ by", "robust interval of the average"), self._bounds()),
        ]
        notes = tuple(("note", note) for note in self.notes)
        return Page(
            title=f"Event study: {self.label}",
            blocks=(*blocks, *((Facts(notes),) if notes else ()), self.provenance.facts()),
        )

    def _bounds(self) -> tuple[tuple[str, str], ...]:
        found = []
        for bound in self.relative:
            words = f"steps of at most {bound.size:g} times the largest before the start"
            found.append(("no step after the start" if bound.size == 0 else words, bound))
        for bound in self.smooth:
            share = f", {bound.size / self.largest_bend:g} of the largest before the start" if bound.size else ""
            words = f"a slope that changes by at most {bound.size:.3g} per period{share}"
            found.append(("a straight line" if bound.size == 0 else words, bound))
        return tuple((words, interval(b.low, b.high, 4)) for words, b in found if np.isfinite(b.low))

    def _pre(self) -> tuple[Facts | Notice, ...]:
        pre = self.pre_trends
        if pre is None:
            return (Notice("No period before the reference: parallel trends cannot be looked at."),)
        seen = number(pre.smallest_seen, 4) if np.isfinite(pre.smallest_seen) else "unknown"
        return (
            Facts(
                (
                    (
                        "test of pre-trends",
                        f"F({_degrees(pre.df)}, {_degrees(pre.df2)}) = {number(pre.statistic, 2)}, {p_value(pre.p)}",
                    ),
                    (f"trend it finds with power {number(pre.power, 2)}", f"{seen} per period"),
                )
            ),
            Notice("A test of pre-trends that finds nothing does not show that trends are parallel."),
        )


def event_study(
    stats: SufficientStats,
    metric: str | None = None,
    *,
    weigh: bool = True,
    pre_periods: int = 6,
    power: float = 0.80,
) -> EventStudy:
    r"""Estimate the effect by time since the start, and how much parallel trends carry.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    metric : str, optional
        Name of the metric; the primary one by default.
    weigh : bool, default True
        Whether units weigh as much as they have applications; otherwise units count alike.
    pre_periods : int, default 6
        Periods before the reference that are tested together at most; no more than a third of the units.
    power : float, default .80
        Power for which the smallest trend is given.

    Returns
    -------
    EventStudy
        Callaway-Sant'Anna by time since the start, against the last period before it.

    Notes
    -----
    Joint band: the quantile of the largest of correlated t statistics on units - 1 degrees of freedom (Bonferroni above
    20 periods). Test of k pre-trends: Hotelling's :math:`T^2 (G-k)/(k(G-1)) \sim F(k, G-k)`. Sensitivity: Rambachan &
    Roth (2023), Review of Economic Studies 90, 2555-2591, relative steps by diff-diff, smoothness by `smooth_bounds`
    at sizes that are shares of the largest change of slope before the start; power: Roth (2022), AER: Insights 4,
    305-322, by diff-diff in its Wald form.
    """
    panel = panel_of(stats, metric)
    fit, notes = fit_staggered(panel, weigh=weigh)
    units = int(panel.used.any(axis=1).sum())
    level = stats.plan.interval_level
    pre = _pre_trends(fit, units, min(pre_periods, max(1, units // 3)), power=power, alpha=1 - level)
    frame, joint = _by_time(fit, units, level, reference=-1 - panel.rollout.anticipation)
    alpha, known = 1 - level, pre is not None
    relative = honest_bounds(fit, _RELATIVE, method="relative_magnitude", alpha=alpha) if known else ()
    smooth, bend, chosen = _smooth(fit, units, -1 - panel.rollout.anticipation, alpha) if known else ((), np.nan, ())
    lost = _lost(relative, smooth)
    words = "units weighted by applications" if weigh else "units count alike"
    return EventStudy(
        effects=frame,
        label=panel.metric.label,
        level=level,
        pre_trends=pre,
        relative=relative,
        smooth=smooth,
        largest_bend=bend,
        notes=(*panel.notes, *notes, *fit.notes, *joint, *chosen, *lost),
        provenance=stats.provenance.derived("policy.rollouts.event_study", conventions=(words,)),
    )


def _smooth(
    fit: StaggeredFit, units: int, reference: int, alpha: float
) -> tuple[tuple[Bounds, ...], float, tuple[str, ...]]:
    """Choose sizes from what was seen before the start, and say so."""
    bend = largest_bend(fit, reference=reference)
    sizes = tuple(share * bend for share in _SMOOTH) if np.isfinite(bend) and bend > 0 else (0.0,)
    found = smooth_bounds(fit, sizes, reference=reference, alpha=alpha, df=units - 1.0)
    if len(sizes) == 1:
        return found, bend, ("no change of slope is known before the start, so only straight lines are tried",)
    shares = ", ".join(f"{share:g}" for share in _SMOOTH[1:])
    words = f"changes of slope tried: {shares} of the largest seen before the start, {bend:.3g} per period, part of it"
    return found, bend, (f"{words} chance",)


def _lost(relative: tuple[Bounds, ...], smooth: tuple[Bounds, ...]) -> tuple[str, ...]:
    kinds = (("steps of {} times those before", relative), ("slopes changing by {}", smooth))
    return tuple(
        f"no robust interval was found for {words.format(', '.join(f'{b.size:.3g}' for b in lost))}"
        for words, found in kinds
        if (lost := [b for b in found if not np.isfinite(b.low)])
    )


def _by_time(fit: StaggeredFit, units: int, level: float, *, reference: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    se, df = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0)), units - 1.0
    shown = (se > 0) & np.isfinite(fit.effects)
    time, effects, se = fit.time[shown], fit.effects[shown], se[shown]
    correlation = fit.covariance[np.ix_(shown, shown)] / np.outer(se, se)
    notes: tuple[str, ...] = ()
    if (~shown).any():
        notes = (f"no standard error at {', '.join(map(str, fit.time[~shown]))} periods since the start: left out",)
    single = float(special.stdtrit(df, (1 + level) / 2))
    if time.size <= _MOST_JOINT:
        joint = simultaneous_quantile(level, correlation, df)
    else:
        joint = float(special.stdtrit(df, 1 - (1 - level) / (2 * time.size)))
        notes = (*notes, f"{time.size} periods: the joint band is Bonferroni's")
    frame = pd.DataFrame({"time": time, "estimate": effects, "se": se})
    for name, size in (("", single), ("joint_", joint)):
        frame[f"{name}low"], frame[f"{name}high"] = effects - size * se, effects + size * se
    zero = pd.DataFrame([dict.fromkeys(frame.columns, np.nan) | {"time": reference, "estimate": 0.0}])
    whole = pd.concat([frame, zero], ignore_index=True).sort_values("time", ignore_index=True)
    return whole.astype({"time": np.int64}), notes


def _pre_trends(fit: StaggeredFit, units: int, most: int, *, power: float, alpha: float) -> PreTrends | None:
    good = (fit.time < 0) & (np.diag(fit.covariance) > 0) & np.isfinite(fit.effects)
    before = np.flatnonzero(good)[-most:]
    if not before.size:
        return None
    covariance = fit.covariance[np.ix_(before, before)]
    k = int(np.linalg.matrix_rank(covariance))
    wald = float(fit.effects[before] @ np.linalg.pinv(covariance) @ fit.effects[before])
    df2 = float(max(units - k, 1))
    statistic = wald * df2 / (k * (units - 1))
    return PreTrends(
        periods=before.size,
        statistic=statistic,
        df=float(k),
        df2=df2,
        p=float(special.fdtrc(k, df2, statistic)),
        smallest_seen=smallest_seen_trend(fit, power=power, alpha=alpha),
        power=power,
    )


def _degrees(value: float) -> str:
    return number(value, 0 if float(value).is_integer() else 2)
