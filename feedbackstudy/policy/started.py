"""Does delivery begin where the plan says that the policy begins: units whose declared start does not fit the table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.issues import Issue, Issues, Severity
from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["delivery_as_declared", "delivery_metric", "misfits"]

type Floats = NDArray[np.float64]

_LEAST_STEP = 0.05
"""Smallest rise of the delivered share that is taken for a start."""
_ERRORS = 4.0
"""So many standard errors must lie between a difference of shares and what would fit: every cut is looked at."""
_NAMED = 8


@dataclass(frozen=True, slots=True)
class _Series:
    """Applications and messages in time of one unit, by period."""

    periods: NDArray[np.int64]
    n: Floats
    yes: Floats

    def rises(self, where: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        """Return, for every cut of some periods in two, the rise, its binomial error and the smaller side."""
        n, yes = np.cumsum(self.n[where]), np.cumsum(self.yes[where])
        return _rise(n[:-1], yes[:-1], n[-1:] - n[:-1], yes[-1:] - yes[:-1])

    def step(self, start: int) -> tuple[float, float, float]:
        """Return the rise at a start, its binomial error and the smaller side."""
        on = self.periods >= start
        sides = (self.n[~on].sum(), self.yes[~on].sum(), self.n[on].sum(), self.yes[on].sum())
        rise, error, smaller = _rise(*(np.array([float(value)]) for value in sides))
        return float(rise[0]), float(error[0]), float(smaller[0])

    def scatter(self, start: int | None) -> float:
        """Return how much more months of one side differ than chance makes them (Pearson's statistic by its df)."""
        on = self.periods >= (start if start is not None else np.inf)
        parts = [side for side in (on, ~on) if side.sum() > 1]
        squares = sum(_pearson(self.n[side], self.yes[side]) for side in parts)
        df = sum(int(side.sum()) - 1 for side in parts)
        return squares / df if df else 1.0


def _rise(n0: Floats, yes0: Floats, n1: Floats, yes1: Floats) -> tuple[Floats, Floats, Floats]:
    """Return differences of shares, their errors with half a message more on each side, and the smaller sides."""
    near0, near1 = (yes0 + 0.5) / (n0 + 1), (yes1 + 0.5) / (n1 + 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # sides of nobody are dropped by their size
        error = np.sqrt(near0 * (1 - near0) / n0 + near1 * (1 - near1) / n1)
        return yes1 / n1 - yes0 / n0, error, np.minimum(n0, n1)


def _pearson(n: Floats, yes: Floats) -> float:
    share = (yes.sum() + 0.5) / (n.sum() + 1)
    return float(((yes - n * share)[n > 0] ** 2 / (n[n > 0] * share * (1 - share))).sum())


def delivery_metric(plan: PolicyPlan) -> Metric | None:
    """Return the metric that says whether feedback was delivered.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Metric or None
        The plan's first share of ``@delivered`` whose role is fidelity.
    """
    found = (m for m in plan.metrics if m.role == "fidelity" and m.kind == "proportion" and m.column == "@delivered")
    return next(found, None)


def delivery_as_declared(stats: SufficientStats) -> Issues:
    """Hold what was delivered against the declared starts, or arms.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.

    Returns
    -------
    Issues
        As `misfits`; none where the plan has no metric of delivery.
    """
    metric = delivery_metric(stats.plan)
    if metric is None:
        return Issues()
    cells = stats.of(metric.name).rename(columns={"sum": "yes"})
    if stats.plan.unit is not None:
        cells = cells.rename(columns={stats.plan.unit: "unit"})
    return misfits(cells, stats.plan)


def misfits(counts: pd.DataFrame, plan: PolicyPlan) -> Issues:
    r"""Find units of a roll-out, and arms of an experiment, whose delivery is not what the plan declares.

    Parameters
    ----------
    counts : DataFrame
        Applications by ``unit`` (of a roll-out), ``period`` and ``arm``: how many count (``n``) and of how many a
        message was sent in time (``yes``).
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Issues
        Warnings: delivery before the declared start, none after it, delivery in a unit that never starts, a delivery
        that moved nowhere, or an arm that gets no more than the control.

    Notes
    -----
    The step is the median over units of the share after the declared start less that before it. A unit is named where a
    stretch of whole periods on one side of its start is above those before it by at least half the step, and by four
    standard errors, :math:`\sqrt{\phi\,(p_0 (1 - p_0)/n_0 + p_1 (1 - p_1)/n_1)}`, with :math:`\phi` the median over
    units of Pearson's statistic of its periods by the degrees of freedom; where its own step is below half of that and
    by as much; each with at least the plan's smallest cell on both sides. The period of the start itself is never held
    against a unit, nor are those that the plan calls anticipation.
    """
    if delivery_metric(plan) is None or not len(counts):
        return Issues()
    return Issues(_of_arms(counts, plan) if plan.experiment is not None else _of_units(counts, plan))


def _of_units(counts: pd.DataFrame, plan: PolicyPlan) -> Iterator[Issue]:
    rollout, least = plan.rollout, plan.disclosure.min_cell
    if rollout is None:
        return
    series = _series(counts)
    starts = {unit: rollout.first_period(unit) for unit in series if unit in rollout.start}
    steps = {unit: series[unit].step(start) for unit, start in starts.items() if start is not None}
    seen = [rise for rise, _, smaller in steps.values() if smaller >= least]
    if not seen:
        return
    typical = float(np.median(seen))
    # The median unit, because a wrong start makes its own months differ.
    spread = max(1.0, float(np.median([series[unit].scatter(start) for unit, start in starts.items()]))) ** 0.5
    if typical < _LEAST_STEP:
        yield _issue("no_delivery_step", rollout.unit, "In the median unit, delivery in time rises by less than "
                     f"{_LEAST_STEP:g} where the plan says that the policy starts.",
                     "Either the dates are not those of the change-over or the policy was not carried out; effects of "
                     "assignment are then close to none whatever feedback does.",
                     "Hold the dates under treatment.start against the record of the roll-out.")  # fmt: skip
        return
    found: dict[str, list[str]] = {"early": [], "none": [], "never": [], "": []}
    fit = _Fit(half=typical / 2, errors=_ERRORS * spread, least=least, ahead=rollout.anticipation)
    for unit, start in starts.items():
        found[fit.departure(series[unit], start)].append(unit)
    yield from _named(rollout.unit, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """How a start is judged: half the usual rise, so many binomial errors, the fewest people, anticipated periods."""

    half: float
    errors: float
    least: int
    ahead: int

    def departure(self, own: _Series, start: int | None) -> Literal["early", "none", "never", ""]:
        """Say how a unit departs from its declared start: too early, not at all or too late, or without one."""
        if start is None:
            return "never" if self._moves(own, np.ones(len(own.periods), dtype=bool)) else ""
        rise, error, smaller = own.step(start)
        if smaller >= self.least and rise + self.errors * error < self.half:
            return "none"
        if self._moves(own, own.periods < start - self.ahead):
            return "early"
        return "none" if self._moves(own, own.periods > start) else ""

    def _moves(self, own: _Series, where: NDArray[np.bool_]) -> bool:
        if where.sum() < 2:
            return False
        rise, error, smaller = own.rises(where)
        return bool(np.any((smaller >= self.least) & (rise >= np.maximum(self.half, self.errors * error))))


def _named(unit: str, found: Mapping[str, list[str]]) -> Iterator[Issue]:
    kinds = (
        ("early", "delivered_before_start", "Delivery rises before the declared start"),
        ("none", "no_delivery_after_start", "Delivery does not rise at the declared start, or periods later"),
        ("never", "delivered_without_start", "Delivery rises in units that never start by the plan"),
    )
    for kind, code, words in kinds:
        if found[kind]:
            yield _issue(code, unit, f"{words}: {_listed(found[kind])}.",
                         "Their periods stand on the wrong side of the comparison, which pulls effects towards none.",
                         "Correct treatment.start from the record of the roll-out, not from this table, and say so as "
                         "an amendment.")  # fmt: skip


def _of_arms(counts: pd.DataFrame, plan: PolicyPlan) -> Iterator[Issue]:
    experiment, least = plan.experiment, plan.disclosure.min_cell
    if experiment is None:
        return
    arms = {str(arm): (part["n"].sum(), part["yes"].sum()) for arm, part in counts.groupby("arm", observed=True)}
    large = {arm: (float(n), float(yes)) for arm, (n, yes) in arms.items() if n >= least}
    if experiment.control not in large:
        return
    base = large.pop(experiment.control)
    rises = {arm: _rise(*(np.array([value]) for value in (*base, *own)))[:2] for arm, own in large.items()}
    half = max(_LEAST_STEP, *(float(rise[0]) / 2 for rise, _ in rises.values())) if rises else _LEAST_STEP
    labels = {arm.name: arm.label for arm in experiment.arms}
    low = [labels[arm] for arm, (rise, error) in rises.items() if arm in labels and rise[0] + _ERRORS * error[0] < half]
    if low:
        yield _issue("no_delivery_in_arm", experiment.column, "No more was delivered in time than under the control: "
                     f"{_listed(low)}.", "Codes of arms may be exchanged, or the arm was not carried out; its effect "
                     "is then close to none whatever feedback does.",
                     "Hold the codes under treatment.arms against the record of the assignment.")  # fmt: skip


def _series(counts: pd.DataFrame) -> dict[str, _Series]:
    sums = counts.groupby(["unit", "period"], observed=True)[["n", "yes"]].sum().reset_index()
    units = sums["unit"].astype(str).to_numpy()
    periods = sums["period"].to_numpy(dtype=np.int64)
    n, yes = (sums[name].to_numpy(dtype=np.float64) for name in ("n", "yes"))
    return {str(u): _Series(periods[at], n[at], yes[at]) for u in dict.fromkeys(units) for at in (units == u,)}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more


def _issue(code: str, where: str, what: str, why: str, fix: str) -> Issue:
    return Issue(f"policy.{code}", Severity.WARNING, where, what, why, fix)
