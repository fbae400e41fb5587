"""Which p values are corrected together: one for each secondary metric and comparison, the one that leads."""

from collections.abc import Sequence
from dataclasses import replace

from feedbackstudy.analysis.frequentist.adjust import adjusted_for_number
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate

__all__ = ["adjusted_family"]


def adjusted_family(rows: Sequence[EffectEstimate], plan: PolicyPlan) -> list[EffectEstimate]:
    """Correct the p values of the secondary metrics for their number; the primary metric decides alone.

    Parameters
    ----------
    rows : sequence of EffectEstimate
        All answers; within a metric and comparison the leading row stands first.
    plan : PolicyPlan
        Its `multiplicity` says how.

    Returns
    -------
    list of EffectEstimate
        The same rows in the same order. The first absolute row of each secondary metric and comparison is in the
        family and gets `p_adjusted`; whatever stands beside it as robustness is not, and a scale that says the same in
        other words is not counted twice. Nothing is corrected in a family of one.
    """
    chosen: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows):
        if row.role == "secondary" and row.scale == "absolute":
            chosen.setdefault((row.metric, row.contrast), i)
    family = {i: p for i in chosen.values() if (p := rows[i].p) is not None}
    found = list(rows)
    if plan.multiplicity == "none" or len(family) < 2:
        return found
    adjusted = adjusted_for_number(list(family.values()), plan.multiplicity)
    for i, p in zip(family, adjusted, strict=True):
        found[i] = replace(rows[i], p_adjusted=float(p))
    return found
