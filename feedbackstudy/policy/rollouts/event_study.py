"""The effect by time since the start: joint band, test of pre-trends with its power, sensitivity to their failure."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.adapters.diff_diff import Bounds, StaggeredFit, honest_bounds
from feedbackstudy.policy.rollouts.event_errors import PreTrends, effects_by_time, freedom_by_time, pre_trends
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.smoothness import largest_bend, smooth_bounds
from feedbackstudy.policy.rollouts.staggered import fit_staggered
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Facts, Notice, Page, Rendered, Table, counted, interval, number, p_value

__all__ = ["EventStudy", "event_study"]

type Floats = NDArray[np.float64]

_RELATIVE = (0.0, 0.5, 1.0, 1.5, 2.0)
_SMOOTH = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventStudy(Rendered):
    """Effects by time since the start.

    Attributes
    ----------
    effects : DataFrame
        ``time, estimate, se, df, low, high, joint_low, joint_high``; the reference period has estimate 0.
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
        head = ("since start", "effect", "df", "interval", "joint interval")
        lines = tuple(
            (
                number(int(row["time"])),
                number(row["estimate"], 4),
                number(int(row["df"])) if np.isfinite(row["low"]) else "",
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
                        f"test of pre-trends, {counted(pre.periods, 'period')} nearest to the start",
                        f"F({_degrees(pre.df)}, {_degrees(pre.df2)}) = {number(pre.statistic, 2)}, {p_value(pre.p)}",
                    ),
                    (
                        "linear trend before the start",
                        f"{number(pre.slope, 4)} per period {interval(pre.low, pre.high, 4)}, {p_value(pre.slope_p)}",
                    ),
                    (f"trend found with power {number(pre.power, 2)}", f"{seen} per period"),
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
        Periods before the reference that are looked at, those nearest to it; tested together are no more than a third
        of their mean degrees of freedom.
    power : float, default .80
        Power for which the smallest trend is given.

    Returns
    -------
    EventStudy
        Callaway-Sant'Anna by time since the start, against the last period before it.

    Notes
    -----
    Degrees of freedom of a time since the start: :math:`\nu = \sum_g (n_g - 1)` over the starts g whose :math:`n_g`
    units reach that time (`freedom_by_time`), as the spread of units under a start is all that is known of its error;
    far from the start few units are left, and units - 1 would reject up to a third of true zeros. Joint band: the
    quantile of the largest of correlated t statistics on units - 1 degrees of freedom (Bonferroni above 20 periods),
    moved to the same tail probability on each time's own degrees. Test of k pre-trends: Hotelling's
    :math:`T^2 (\nu-k+1)/(k \nu) \sim F(k, \nu-k+1)` with the mean :math:`\nu` of the times tested;
    beside it the slope through the reference, on the mean of :math:`\nu` weighted by shares of its variance. Measured
    size of 5 % tests without an effect, 30 units in six starts of four and six never: single times .03 to .08,
    pre-trends .02 (.11 with units - 1), slope .05. Sensitivity: Rambachan &
    Roth (2023), Review of Economic Studies 90, 2555-2591, relative steps by diff-diff, smoothness by `smooth_bounds`
    at sizes that are shares of the largest change of slope before the start; power: Roth (2022), AER: Insights 4,
    305-322, by diff-diff in its Wald form.
    """
    panel = panel_of(stats, metric)
    fit, notes = fit_staggered(panel, weigh=weigh)
    units = int(panel.used.any(axis=1).sum())
    level = stats.plan.interval_level
    freedom = freedom_by_time(panel, fit.time)
    reference = -1 - panel.rollout.anticipation
    pre = pre_trends(fit, freedom, pre_periods, reference=reference, power=power, alpha=1 - level)
    frame, joint = effects_by_time(fit, freedom, units, level, reference=reference)
    alpha, known = 1 - level, pre is not None
    relative = honest_bounds(fit, _RELATIVE, method="relative_magnitude", alpha=alpha) if known else ()
    smooth, bend, chosen = _smooth(fit, units, reference, alpha) if known else ((), np.nan, ())
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


def _degrees(value: float) -> str:
    return number(value, 0 if float(value).is_integer() else 2)
