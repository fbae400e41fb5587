"""The readout of a roll-out: estimators side by side, and the one that decides."""

from dataclasses import replace
from typing import Literal

from feedbackstudy.errors import DataError, InputError, NotFoundError, choices
from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.families import adjusted_family
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.rollouts.permuting import randomisation
from feedbackstudy.policy.rollouts.staggered import staggered
from feedbackstudy.policy.rollouts.two_way import two_way
from feedbackstudy.policy.selection import with_selection
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["Leading", "read_rollout"]

type Leading = Literal["randomisation", "two-way", "callaway-santanna", "imputation"]

_LEADING = ("randomisation", "two-way", "callaway-santanna", "imputation")


def read_rollout(stats: SufficientStats, *, leading: Leading | None = None, draws: int = 5000) -> Effects:
    """Estimate every metric of a roll-out by each estimator that applies.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out.
    leading : {"randomisation", "two-way", "callaway-santanna", "imputation"}, optional
        Whose row decides. By default randomisation inference where chance decided the order, because it keeps its level
        with any number of units, and Callaway-Sant'Anna otherwise, because it never compares with treated units.
    draws : int, default 5000
        Schedules for randomisation inference.

    Returns
    -------
    Effects
        The primary metric first; within a metric the deciding row first. Guardrails carry their verdict, and the
        leading p values of secondary metrics are corrected for their number as the plan says. An estimator that cannot
        be had for a metric is named in the warnings of the first row.

    Raises
    ------
    InputError
        Where the plan is an experiment, or the leading estimator cannot be had.
    NotFoundError
        For an unknown leading estimator.
    """
    rollout = stats.plan.rollout
    if rollout is None:
        raise InputError("The plan is an experiment; use policy.readout for it.")
    chosen = leading or ("randomisation" if rollout.mechanism == "randomised" else "callaway-santanna")
    if chosen not in _LEADING:
        raise NotFoundError(choices("Estimator", chosen, _LEADING))
    rows: list[EffectEstimate] = []
    for metric in stats.plan.in_order_of_role:
        rows += _of_metric(stats, metric, chosen, draws)
    rows = with_selection(adjusted_family(rows, stats.plan), stats.plan)
    made = stats.provenance.derived("policy.rollouts.read_rollout", conventions=(f"{chosen} decides",))
    return Effects(rows=tuple(rows), title=f"Roll-out: {stats.plan.title}", provenance=made)


def _of_metric(stats: SufficientStats, metric: Metric, chosen: str, draws: int) -> list[EffectEstimate]:
    found: dict[str, EffectEstimate] = {}
    more: list[EffectEstimate] = []
    failed: dict[str, list[str]] = {}
    try:
        found["two-way"], *more = two_way(stats, metric.name).rows
    except DataError as fault:
        failed.setdefault(str(fault), []).append("two-way")
    try:
        found["callaway-santanna"], found["imputation"] = staggered(stats, metric.name).rows
    except DataError as fault:
        failed.setdefault(str(fault), []).append("staggered")
    rollout = stats.plan.rollout
    if rollout is not None and rollout.mechanism == "randomised":
        try:
            (found["randomisation"],) = randomisation(stats, metric.name, draws=draws).rows
        except DataError as fault:
            failed.setdefault(str(fault), []).append("randomisation")
    told = tuple(f"{', '.join(names)}: {fault}" for fault, names in failed.items())
    if chosen not in found:
        why = " ".join(told) or "chance did not decide the order of the units."
        raise InputError(f"{metric.label}: the estimator that decides, {chosen}, cannot be had. {why}")
    first = found.pop(chosen)
    decides = metric.role in {"primary", "co_primary", "guardrail"}
    first = replace(first, decides=decides, warnings=(*first.warnings, *told))
    # Beside the row that decides, another estimator's verdict would read as a second decision.
    return [judged(first, metric), *(replace(row, verdict="") for row in (*found.values(), *more))]
