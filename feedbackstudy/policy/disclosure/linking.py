"""Arms of an experiment that are hidden together: in every metric that hides any, so that none gives another away."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from feedbackstudy.policy.arm_counts import people_by_arm
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.levels import hidden_levels, linked_counts
from feedbackstudy.policy.effect import ArmPeople
from feedbackstudy.policy.sample_ratio import SampleRatios
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["counts_of_arms", "hidden_arms", "hides", "linked_arms", "of_people"]

type Tables = Sequence[pd.DataFrame]


def counts_of_arms(arms: Sequence[ArmPeople]) -> pd.DataFrame:
    """Return the counts of arms, as `hidden_levels` takes them.

    Parameters
    ----------
    arms : sequence of ArmPeople
        All arms of an experiment.

    Returns
    -------
    DataFrame
        One row an arm: people, and the people on each side of what a metric counts.
    """
    sides = {f"side {i}": [each.sides[i] for each in arms] for i in range(len(arms[0].sides))}
    return pd.DataFrame({"n": [each.people for each in arms], **sides}, index=[each.arm for each in arms])


def hides(tables: Tables, rule: DisclosureRule) -> bool:
    """Say whether tables that are shown side by side hold a small count.

    Parameters
    ----------
    tables : sequence of DataFrame
        Counts by arm.
    rule : DisclosureRule
        The rule.

    Returns
    -------
    bool
        True where an arm must be hidden.
    """
    values = linked_counts(tables).to_numpy()
    return bool(((values > 0) & (values < rule.min_cell)).any())


def linked_arms(
    groups: Sequence[Tables], rule: DisclosureRule, *, control: str | None, also: Collection[str] = ()
) -> frozenset[str]:
    """Choose the arms that every metric hides which hides any.

    Parameters
    ----------
    groups : sequence of sequence of DataFrame
        Counts by arm of each metric; the tables of one group are shown side by side.
    rule : DisclosureRule
        The rule.
    control : str or None
        The arm that is hidden last.
    also : collection of str, optional
        Arms that are hidden already.

    Returns
    -------
    frozenset of str
        The arms.

    Notes
    -----
    Metrics of one experiment count the same people: who is told of the rejected is part of who is told of all. If one
    metric hid arms x and u and another x and w, each would show an arm whose size the other hides, and x would be what
    is left of the total. So all of them hide the same arms, completed until no small count follows in any. A metric
    without a small count shows every arm: no total that another hides follows from it more exactly than it is rounded.
    """
    found = frozenset(also)
    small = [tables for tables in groups if hides(tables, rule)]
    before: frozenset[str] | None = None
    while found != before:
        before = found
        for tables in small:
            found |= hidden_levels(
                tables, min_cell=rule.min_cell, complementary=rule.complementary, last=control, also=found
            )
    return found


def hidden_arms(stats: SufficientStats, sizes: SampleRatios | None, rule: DisclosureRule) -> frozenset[str]:
    """Choose the arms that all tables of a plan hide which hide any.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    sizes : SampleRatios or None
        Tests of the sizes of arms, which are shown beside the shares of delivery.
    rule : DisclosureRule
        The rule.

    Returns
    -------
    frozenset of str
        The arms; none of a roll-out, whose two sides are hidden together in any case.
    """
    plan = stats.plan
    if plan.experiment is None or not rule.complementary:
        return frozenset()
    control = plan.experiment.control
    tables = {m.name: counts_of_arms(people_by_arm(stats.of(m.name), control)) for m in plan.metrics}
    beside = [tables[m.name] for m in plan.metrics if m.role == "fidelity" and m.kind == "proportion"]
    beside += [
        pd.DataFrame({"n": pd.Series(dict(test.counts), dtype=np.float64)})
        for test in (sizes.tests if sizes is not None else ())
        if of_people(test.of)
    ]
    return linked_arms([*([table] for table in tables.values()), beside], rule, control=control)


def of_people(counted: str) -> bool:
    """Say whether a test of sizes counts people; units such as sites are none.

    Parameters
    ----------
    counted : str
        What it counts.

    Returns
    -------
    bool
        True for applications.
    """
    return not counted.startswith("units")
