"""Rates and ratios by group as they may be shown: tables that share groups are protected together."""

import math
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from feedbackstudy.errors import InputError
from feedbackstudy.policy.adverse_impact import TESTS, AdverseImpact
from feedbackstudy.policy.adverse_impact_change import Change
from feedbackstudy.policy.adverse_impact_counts import Compared, compare_rates
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure.disclosed import DisclosedImpact
from feedbackstudy.policy.disclosure.levels import hidden_in_columns, hidden_levels
from feedbackstudy.policy.disclosure.rounding import coarse_p, step_of, to_step

__all__ = ["counts_of", "disclosed_impacts", "hidden_groups"]

_COMPARED = ("ratio", "score_low", "score_high", "log_low", "log_high", "difference")
_SHIFTS = ("one_person", "shortfall", "shortfall_four_fifths")
_CHANGES = ("factor", "low", "high", "p")


def counts_of(result: AdverseImpact) -> pd.DataFrame:
    """Return the counts of a result by group, as `hidden_levels` takes them.

    Parameters
    ----------
    result : AdverseImpact
        The result.

    Returns
    -------
    DataFrame
        One row a group: selected, not selected, both.
    """
    return pd.DataFrame(
        {
            "yes": [each.selected for each in result.groups],
            "no": [each.total - each.selected for each in result.groups],
            "n": [each.total for each in result.groups],
        },
        index=[each.group for each in result.groups],
    )


def hidden_groups(
    results: Mapping[str, Sequence[AdverseImpact]],
    nested: Mapping[tuple[str, str], Mapping[str, str]],
    rule: DisclosureRule,
) -> dict[str, frozenset[str]]:
    """Choose what is hidden in tables by several columns of groups, some of which lie within others.

    Parameters
    ----------
    results : mapping of str to sequence of AdverseImpact
        Column -> its results.
    nested : mapping
        As `SufficientStats.nested`.
    rule : DisclosureRule
        The rule.

    Returns
    -------
    dict
        Column -> groups to hide, for `DisclosurePolicy.adverse_impacts`.
    """
    tables = {column: [counts_of(each) for each in found] for column, found in results.items() if found}
    return hidden_in_columns(tables, nested, min_cell=rule.min_cell, complementary=rule.complementary)


def disclosed_impacts(
    results: Sequence[AdverseImpact], rule: DisclosureRule, words: str, *, also: Collection[str] = ()
) -> tuple[DisclosedImpact, ...]:
    """Return several results about the same groups as they may be shown together.

    Parameters
    ----------
    results : sequence of AdverseImpact
        Of one column of groups.
    rule : DisclosureRule
        The rule.
    words : str
        The rule in words.
    also : collection of str, optional
        Groups that are hidden because of tables by another column.

    Returns
    -------
    tuple of DisclosedImpact
        One for each result. A group that is hidden in one of them is hidden in all, whole: neither its rate nor its
        size is shown. All else is reckoned from rounded counts.
    """
    tables = [counts_of(result) for result in results]
    hidden = hidden_levels(tables, min_cell=rule.min_cell, complementary=rule.complementary, also=also)
    return tuple(_one(result, hidden, rule, words, linked=len(results) > 1) for result in results)


def _one(
    result: AdverseImpact, hidden: frozenset[str], rule: DisclosureRule, words: str, *, linked: bool
) -> DisclosedImpact:
    # Hidden groups come last by name: an order by size would put each between the sizes beside it.
    shown = [each for each in result.groups if each.group not in hidden]
    gone = sorted((each for each in result.groups if each.group in hidden), key=lambda each: each.group)
    counts = {each.group: (_near(each.selected, rule), _near(each.total, rule)) for each in shown}
    changes = {change.group: change for change in result.change}
    rows, out = [], []
    for each in (*shown, *gone):
        row: dict[str, object] = {"group": each.group, "selected": None, "total": None, "rate": math.nan}
        row |= {"reference": result.reference}
        a, n = counts.get(each.group, (0, 0))
        if each.group in counts:
            row |= {"selected": a, "total": n, "rate": _share(a, n)}
        is_reference = each.group == result.reference
        compared = None if is_reference else _compared(each.group, result, counts)
        row |= _numbers(compared, exact=rule.round_to == 1)
        lost = (
            set() if is_reference or (each.group in counts and result.reference in counts) else {*_COMPARED, *_tests()}
        )
        if result.change:
            told, hide = _change(
                changes.get(each.group), rule, hidden=each.group in hidden or result.reference in hidden
            )
            row |= told
            lost |= hide
        if each.group in hidden:
            lost |= {"selected", "total", "rate"}
        note = "" if each.group in hidden else "; ".join(each.notes)
        rows.append({**row, "decides": f"p_{result.test}", "note": note})
        out.append({name: name in lost for name in rows[-1]})
    table = pd.DataFrame(rows).astype({"selected": "Int64", "total": "Int64"})
    return DisclosedImpact(
        title=f"Adverse impact: {result.what}",
        table=table,
        out=pd.DataFrame(out, dtype=bool),
        words=words,
        provenance=result.provenance,
        notes=_notes(gone=bool(gone), linked=linked, rule=rule, reference=result.reference in hidden),
        reference=result.reference,
        level=result.level,
    )


def _near(count: int, rule: DisclosureRule) -> int:
    return round(count / rule.round_to) * rule.round_to


def _share(a: int, n: int) -> float:
    return round(a / n, 4) if n else math.nan


def _tests() -> tuple[str, ...]:
    return tuple(f"p_{test}" for test in TESTS)


def _compared(group: str, result: AdverseImpact, counts: Mapping[str, tuple[int, int]]) -> Compared | None:
    """Compare rounded counts; None where one is hidden, or nothing is left to divide by."""
    if group not in counts or result.reference not in counts:
        return None
    (a, n), (b, m) = counts[group], counts[result.reference]
    if not n or not m or not b:
        return None
    try:
        return compare_rates(a, n, b, m, level=result.level)
    except InputError:
        return None


def _numbers(compared: Compared | None, *, exact: bool) -> dict[str, object]:
    """Return what two counts say; shifts of one person only where counts are exact."""
    names = (*_COMPARED, *(_SHIFTS if exact else ()))
    found: dict[str, object] = {name: math.nan if compared is None else getattr(compared, name) for name in names}
    return found | {f"p_{test}": math.nan if compared is None else compared.p[test] for test in TESTS}


def _change(change: Change | None, rule: DisclosureRule, *, hidden: bool) -> tuple[dict[str, object], set[str]]:
    """Return the change of a ratio, rounded by the smallest count behind it, and which of its numbers are hidden."""
    names = [f"change_{name}" for name in _CHANGES]
    nothing: dict[str, object] = dict.fromkeys(names, math.nan)
    if change is None or math.isnan(change.factor):
        return nothing, set()
    if hidden or change.smallest < rule.min_cell:
        return nothing, set(names)
    step = step_of(change.factor * rule.round_to / change.smallest) if rule.round_to > 1 else 0.0
    told: dict[str, object] = {
        f"change_{name}": to_step(getattr(change, name), step) for name in ("factor", "low", "high")
    }
    return told | {"change_p": coarse_p(change.p) if rule.round_to > 1 else change.p}, set()


def _notes(*, gone: bool, linked: bool, rule: DisclosureRule, reference: bool) -> tuple[str, ...]:
    found = []
    if rule.round_to > 1:
        found.append(
            "Rates, ratios, intervals and p values are reckoned from the rounded counts; the change of a ratio is "
            "rounded by the smallest count behind it."
        )
    if gone:
        also = ", and in every table of the same groups" if linked else ""
        found.append(f"A group with a small count is hidden whole{also}, with others that would give it away.")
    if reference:
        found.append("The reference is hidden, so no ratio is shown.")
    return tuple(found)
