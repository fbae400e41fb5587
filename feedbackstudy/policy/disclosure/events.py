"""Effects by time since the start as they may be shown: each judged by the people of its own time."""

import math

import numpy as np
import pandas as pd

from feedbackstudy.policy.arm_counts import ArmCounts
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.disclosed import DisclosedEvents
from feedbackstudy.policy.disclosure.rounding import coarse_p, step_of, to_step
from feedbackstudy.policy.rollouts.event_study import EventStudy
from feedbackstudy.policy.rollouts.panel import Panel

__all__ = ["disclosed_events", "people_at"]

_NUMBERS = ("estimate", "se", "low", "high", "joint_low", "joint_high")


def people_at(panel: Panel, time: int) -> ArmCounts | None:
    """Return the fewest people behind the effect at a time since the start.

    Parameters
    ----------
    panel : Panel
        Cells by unit and period.
    time : int
        Periods since the start, negative before it.

    Returns
    -------
    ArmCounts or None
        Over three sets of applications: those of the units at that time, of the same units at the period of reference,
        and of units that are not under the policy in the same periods. None where one of them is empty.
    """
    own = panel.used & (panel.event_time == time)
    units, periods = own.any(axis=1), own.any(axis=0)
    base = panel.used & (panel.event_time == -1 - panel.rollout.anticipation) & units[:, None]
    beside = panel.used & ~panel.treated & ~own & periods[None, :]
    if not (own.any() and base.any() and beside.any()):
        return None
    return panel.counts_in(own, base, beside)


def disclosed_events(found: EventStudy, panel: Panel, rule: DisclosureRule, words: str) -> DisclosedEvents:
    """Return an event study as it may be shown.

    Parameters
    ----------
    found : EventStudy
        Effects by time since the start.
    panel : Panel
        The cells behind it.
    rule : DisclosureRule
        The rule.
    words : str
        The rule in words.

    Returns
    -------
    DisclosedEvents
        One row for each time; those with too few people have no numbers.
    """
    rows, out = [], []
    for row in found.effects.to_dict("records"):
        time = int(row["time"])
        if not math.isfinite(row["se"]):  # the reference is 0 by definition and rests on nobody
            rows.append({"time": time, **{name: row[name] for name in _NUMBERS}})
            out.append(dict.fromkeys(rows[-1], False))
            continue
        counts = people_at(panel, time)
        if counts is None or _few(counts, rule):
            rows.append({"time": time, **dict.fromkeys(_NUMBERS, math.nan)})
            out.append({"time": False, **dict.fromkeys(_NUMBERS, True)})
            continue
        step = step_of(rule.round_to / counts.smallest_arm) if rule.round_to > 1 else 0.0
        rows.append({"time": time, **{name: to_step(float(row[name]), step) for name in _NUMBERS}})
        out.append(dict.fromkeys(rows[-1], False))
    return DisclosedEvents(
        title=f"Effect by time since the start: {found.label}",
        table=pd.DataFrame(rows),
        out=pd.DataFrame(out, dtype=bool),
        words=words,
        provenance=found.provenance,
        main=("time", "estimate", "low", "high", "joint_low", "joint_high"),
        notes=_notes(found, rule),
        label=found.label,
        level=found.level,
    )


def _few(counts: ArmCounts, rule: DisclosureRule) -> bool:
    few = counts.fewest is not None and 0 < counts.fewest < rule.min_cell
    return counts.smallest_arm < rule.min_cell or few


def _notes(found: EventStudy, rule: DisclosureRule) -> tuple[str, ...]:
    notes = [f"Time is counted in periods since the start; {found.level:.0%} intervals, one by one and joint."]
    if rule.round_to > 1:
        notes.append(f"Each effect is rounded to a step of at least {rule.round_to} of the fewest people behind it.")
    pre = found.pre_trends
    if pre is None:
        notes.append("No period before the reference: parallel trends cannot be looked at.")
    elif np.isfinite(pre.p):
        p = coarse_p(pre.p) if rule.round_to > 1 else pre.p
        notes.append(
            f"Test that effects before the start are all 0: p {'below .001' if pre.p < 0.001 else f'{p:.3g}'}; finding "
            "nothing does not show that trends are parallel."
        )
    size = found.breakdown
    if size is not None:
        notes.append(
            f"If trends after the start differ by {size:g} times the largest step before it, the average effect may "
            "be 0."
        )
    return tuple(notes)
