"""Whether a guardrail holds: one rule for every estimator and for the decision."""

from dataclasses import replace

from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.effect import EffectEstimate

__all__ = ["judged"]


def judged(row: EffectEstimate, metric: Metric) -> EffectEstimate:
    """Say whether a guardrail holds: the interval lies above or below the margin, or across it.

    Parameters
    ----------
    row : EffectEstimate
        The row of the metric that is read.
    metric : Metric
        What was declared of it.

    Returns
    -------
    EffectEstimate
        With the verdict ``"within the margin"``, ``"breached"`` or ``"undecided"``; as it was where the metric is no
        guardrail with a margin, or there is no interval.
    """
    if metric.role != "guardrail" or metric.margin is None or row.low is None or row.high is None:
        return row
    worst, best = (row.low, row.high) if metric.sign > 0 else (-row.high, -row.low)
    verdict = "undecided"
    if worst > -metric.margin:
        verdict = "within the margin"
    elif best < -metric.margin:
        verdict = "breached"
    return replace(row, verdict=verdict)
