"""A plan of one unit: nothing to compare with, so its own past has to do."""

from dataclasses import replace

from feedbackstudy.errors import DataError
from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.families import adjusted_family
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.interrupted import interrupted
from feedbackstudy.policy.selection import with_selection
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["SINGLE", "is_single_unit", "read_single_unit"]

SINGLE = (
    "One unit: read as an interrupted time series, against its own past. Nothing stands for what would have happened, "
    "so whatever else changed when the policy did is counted as its effect."
)


def is_single_unit(plan: PolicyPlan) -> bool:
    """Say whether a plan follows one unit alone.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.

    Returns
    -------
    bool
        True for a roll-out of one unit.
    """
    return plan.rollout is not None and len(plan.rollout.start) == 1


def read_single_unit(stats: SufficientStats) -> Effects:
    """Read every metric of one unit as an interrupted time series.

    Parameters
    ----------
    stats : SufficientStats
        Of a roll-out of one unit.

    Returns
    -------
    Effects
        For each metric the average over the periods after the start, which decides, the change of level and that of
        slope (`interrupted`). A metric that has no series is named in the warnings of the first row.

    Raises
    ------
    DataError
        Where the primary metric has no series.
    """
    plan = stats.plan
    if plan.rollout is None:
        raise DataError("The plan is an experiment; one unit is read of roll-outs only.")
    unit = next(iter(plan.rollout.start))
    rows: list[EffectEstimate] = []
    failed: list[str] = []
    for metric in plan.in_order_of_role:
        try:
            rows += _of_metric(stats, unit, metric)
        except DataError as fault:
            if metric.role == "primary":
                raise
            failed.append(f"{metric.label} has no series: {fault}")
    rows[0] = replace(rows[0], warnings=(*rows[0].warnings, *failed))
    told = with_selection(adjusted_family(rows, plan), plan)
    made = stats.provenance.derived("policy.interrupted", conventions=("one unit against its own past",))
    return Effects(rows=tuple(told), title=f"Interrupted time series of {unit}: {plan.title}", provenance=made)


def _of_metric(stats: SufficientStats, unit: str, metric: Metric) -> list[EffectEstimate]:
    first, *others = interrupted(stats, unit, metric.name).rows
    decides = metric.role in {"primary", "co_primary", "guardrail"}
    return [judged(replace(first, decides=decides), metric), *others]
