"""Which answers are hidden, judged by the people of every arm; the arms of an experiment are protected together."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from feedbackstudy.policy.arm_counts import fewest_of
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.linking import counts_of_arms, hides, linked_arms
from feedbackstudy.policy.effect import ArmPeople, EffectEstimate

__all__ = ["judged_by_arm", "too_few"]

_UNKNOWN = "hidden: how many people each arm holds is not known"
_SMALL_ARM = "hidden: an arm holds too few people"
_SMALL_SIDE = "hidden: in an arm too few people are counted, or not counted"
_BESIDE = "hidden: the counts of an arm with few people would follow from it"


def too_few(row: EffectEstimate, min_cell: int) -> str:
    """Say why an answer is hidden.

    Parameters
    ----------
    row : EffectEstimate
        The answer.
    min_cell : int
        Smallest number of people.

    Returns
    -------
    str
        The reason; empty where the answer may be shown.
    """
    if row.smallest_arm is None:
        return _UNKNOWN
    if row.smallest_arm < min_cell or row.n < min_cell:
        return _SMALL_ARM
    return _SMALL_SIDE if row.fewest is not None and 0 < row.fewest < min_cell else ""


def judged_by_arm(
    rows: Sequence[EffectEstimate], rule: DisclosureRule, *, also: Collection[str] = ()
) -> tuple[tuple[EffectEstimate, ...], tuple[str, ...]]:
    """Say which answers are hidden, and by how many people the others are rounded.

    Parameters
    ----------
    rows : sequence of EffectEstimate
        The answers.
    rule : DisclosureRule
        The rule.
    also : collection of str, optional
        Arms that are hidden wherever any arm is, as `linking.hidden_arms` finds them for a whole plan.

    Returns
    -------
    tuple of (tuple of EffectEstimate, tuple of str)
        The answers, and for each why it is hidden, empty where it is not. All answers of a metric are rounded by the
        fewest people of all arms that are shown, because roundings of one control by several steps would narrow it.
    """
    found, why = [], []
    by_arms = _hidden(rows, rule, also)
    for row in rows:
        reason = too_few(row, rule.min_cell)
        hidden = by_arms.get(row.arms, frozenset())
        if row.arms and not reason and hidden & set(row.compared):
            reason = _BESIDE
        if row.arms and not reason:
            shown = {each.arm for each in row.arms} - hidden
            counts = fewest_of(row.arms, shown)
            row = replace(row, smallest_arm=counts.smallest_arm, fewest=counts.fewest)
        found.append(replace(row, arms=(), compared=()))  # exact counts stay behind
        why.append(reason)
    return tuple(found), tuple(why)


def _hidden(
    rows: Sequence[EffectEstimate], rule: DisclosureRule, also: Collection[str]
) -> dict[tuple[ArmPeople, ...], frozenset[str]]:
    """Return the hidden arms of every metric: those of all metrics that hide any, or none."""
    tables = {arms: counts_of_arms(arms) for arms in dict.fromkeys(row.arms for row in rows) if arms}
    control = next((each.arm for arms in tables for each in arms if each.control), None)
    if not rule.complementary:
        return {arms: linked_arms([[table]], rule, control=control) for arms, table in tables.items()}
    together = linked_arms([[table] for table in tables.values()], rule, control=control, also=also)
    return {arms: together if hides([table], rule) else frozenset() for arms, table in tables.items()}
