"""Metrics of applications that were chosen after assignment: what must hold for them, and who watches it."""

from collections.abc import Iterable
from dataclasses import replace

from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate

__all__ = ["with_selection"]


def with_selection(rows: Iterable[EffectEstimate], plan: PolicyPlan) -> list[EffectEstimate]:
    """Say of metrics that count rejected or hired applications only what that takes for granted.

    Parameters
    ----------
    rows : iterable of EffectEstimate
        All answers.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    list of EffectEstimate
        Who is rejected is decided after assignment, so that a comparison among them is one of like with like only where
        the policy does not change who is: an assumption of such rows, and a warning where no guardrail counts
        rejections (or hires) among all decided applications.
    """
    watched = any(
        metric.column in {"@rejected", "@hired"} and metric.of in {"decided", "applied"} and metric.role == "guardrail"
        for metric in plan.metrics
    )
    notes = {metric.name: _words(metric, watched=watched) for metric in plan.metrics if metric.of in _CHOSEN}
    return [_noted(row, *notes[row.metric]) if row.metric in notes else row for row in rows]


_CHOSEN = ("rejected", "hired")


def _words(metric: Metric, *, watched: bool) -> tuple[str, tuple[str, ...]]:
    watch = ", which the guardrail on decided applications watches" if watched else ""
    holds = f"of {metric.of} applications only: the policy does not change who is {metric.of}{watch}"
    lone = f"no guardrail watches who is {metric.of}; count all decided applications (of: decided) or declare one"
    return holds, () if watched else (lone,)


def _noted(row: EffectEstimate, holds: str, lone: tuple[str, ...]) -> EffectEstimate:
    return replace(row, assumptions=(*row.assumptions, holds), warnings=(*row.warnings, *lone))
