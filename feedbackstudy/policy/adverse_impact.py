"""Who is selected, who gets feedback in time, and whether the policy changed that: `AdverseImpact`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.policy.adverse_impact_change import Change, change_of
from feedbackstudy.policy.adverse_impact_counts import EXACT_LIMIT, Compared, compare_rates
from feedbackstudy.policy.declared.applications import NOT_STATED
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Notice, Page, Rendered, Table, Text, interval, number, p_value

__all__ = ["TESTS", "AdverseImpact", "GroupImpact", "adverse_impact"]

type Test = Literal["mid_p", "fisher", "boschloo", "barnard", "z", "z_pooled"]

TESTS: Mapping[str, str] = {
    "mid_p": "mid-P",
    "fisher": "Fisher",
    "boschloo": "Boschloo",
    "barnard": "Barnard",
    "z": "Z (own variances)",
    "z_pooled": "Z (pooled)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupImpact:
    """One group against the reference.

    Attributes
    ----------
    group : str
        Its name.
    selected, total : int
        Selected and all.
    compared : Compared or None
        Ratio, intervals and tests; None for the reference itself.
    notes : tuple of str
        What a reader must know beside it.
    fit_to_report : bool
        False for a group of one.
    """

    group: str
    selected: int
    total: int
    compared: Compared | None
    notes: tuple[str, ...] = ()
    fit_to_report: bool = True

    @property
    def rate(self) -> float:
        """Share selected."""
        return self.selected / self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseImpact(Rendered):
    """Selection rates by group.

    Attributes
    ----------
    groups : tuple of GroupImpact
        The reference first, then by size.
    reference : str
        The group that the others are compared with.
    test : str
        The test that was declared; all others are shown beside it.
    level : float
        Level of intervals.
    what : str
        What "selected" means.
    change : tuple of Change
        How ratios changed across the policy; empty where no comparison was asked for.
    provenance : Provenance
        What made it.
    """

    groups: tuple[GroupImpact, ...]
    reference: str
    test: Test
    level: float
    what: str = "selected"
    change: tuple[Change, ...] = ()
    provenance: Provenance = field(default_factory=lambda: Provenance(made_by="policy.adverse_impact"))

    def __getitem__(self, group: str) -> GroupImpact:
        """Return one group."""
        found = {each.group: each for each in self.groups}
        if group not in found:
            raise NotFoundError(choices("Group", group, found))
        return found[group]

    def frame(self) -> pd.DataFrame:
        """Return all measures, one row a group.

        Returns
        -------
        DataFrame
            Columns ``group, selected, total, rate, reference, ratio, score_low, score_high, log_low, log_high,
            difference, p_<test>..., one_person, shortfall, shortfall_four_fifths, decides, note``.
        """
        rows = []
        for each in self.groups:
            c = each.compared
            row: dict[str, object] = {"group": each.group, "selected": each.selected, "total": each.total}
            row |= {"rate": each.rate, "reference": self.reference}
            names = ("ratio", "score_low", "score_high", "log_low", "log_high", "difference")
            row |= {name: math.nan if c is None else getattr(c, name) for name in names}
            row |= {f"p_{test}": math.nan if c is None else c.p[test] for test in TESTS}
            last = ("one_person", "shortfall", "shortfall_four_fifths")
            row |= {name: math.nan if c is None else getattr(c, name) for name in last}
            rows.append({**row, "decides": f"p_{self.test}", "note": "; ".join(each.notes)})
        return pd.DataFrame(rows)

    def page(self) -> Page:
        """Return the rates, ratios and tests as a page; it has not passed a disclosure rule.

        Returns
        -------
        Page
            Ready to render.
        """
        head = ("group", "selected", "rate", "ratio", "score interval", "log interval", "one person more", "shortfall")
        rows, tests = [], []
        for each in self.groups:
            c = each.compared
            counts = (each.group, f"{each.selected:,} of {each.total:,}", number(each.rate))
            if c is None:
                rows.append((*counts, "reference", "", "", "", ""))
                continue
            rows.append((*counts, number(c.ratio), interval(c.score_low, c.score_high),
                         interval(c.log_low, c.log_high), number(c.one_person), number(c.shortfall, 1)))  # fmt: skip
            tests.append((each.group, *("-" if math.isnan(c.p[t]) else p_value(c.p[t]) for t in TESTS)))
        blocks: list[Block] = [Table(head, tuple(rows))]
        marked = tuple(f"{words} (declared)" if test == self.test else words for test, words in TESTS.items())
        blocks.append(Table(("group", *marked), tuple(tests)))
        if self.change:
            blocks.append(_changes(self.change, self.level))
        blocks += [Notice(f"{each.group}: {note}.") for each in self.groups for note in each.notes]
        blocks.append(
            Text(
                "A ratio below four fifths is a rule of thumb (29 CFR 1607.4D); where one person more would turn it, "
                "the numbers are too small to say. Ratios by themselves show no discrimination, and their absence "
                "rules none out."
            )
        )
        return Page(
            title=f"Adverse impact: {self.what}",
            subtitle=f"Reference {self.reference}; intervals at {self.level:.0%}; {TESTS[self.test]} decides.",
            blocks=(*blocks, self.provenance.facts()),
        )


def _changes(changes: tuple[Change, ...], level: float) -> Table:
    head = ("group", "ratio before", "ratio under the policy", "change (factor)", f"{level:.0%} interval", "p", "error")
    return Table(
        head,
        tuple(
            (
                c.group,
                number(c.before),
                number(c.after),
                number(c.factor),
                interval(c.low, c.high),
                p_value(c.p),
                c.words,
            )
            for c in changes
        ),
    )


def adverse_impact(
    stats: SufficientStats | None = None,
    *,
    selected: Mapping[str, int] | None = None,
    total: Mapping[str, int] | None = None,
    column: str | None = None,
    metric: str | None = None,
    arm: str | None = None,
    reference: str | None = None,
    test: Test = "mid_p",
    level: float = 0.95,
) -> AdverseImpact:
    """Compare selection rates between groups, from counts or from sufficient statistics.

    Parameters
    ----------
    stats : SufficientStats, optional
        With them, `column` and `metric` name what is compared.
    selected, total : mapping of str to int, optional
        Group -> people selected, and all; instead of `stats`.
    column : str, optional
        A column of the plan's equity groups.
    metric : str, optional
        A metric of kind proportion that says who was selected (``@hired``), or who got feedback in time.
    arm : str, optional
        One arm only; all applications by default. Either way the change across arms is shown.
    reference : str, optional
        The group that others are compared with; by default the one with the highest rate (29 CFR 1607.4D), never people
        who did not state their group.
    test : {"mid_p", "fisher", "boschloo", "barnard", "z", "z_pooled"}, default "mid_p"
        The test that decides, said before the numbers are seen.
    level : float, default 0.95
        Level of intervals.

    Returns
    -------
    AdverseImpact
        All measures, one declared.

    Raises
    ------
    InputError
        For counts that cannot be, fewer than two groups, or a reference without selections.
    NotFoundError
        For an unknown group, metric, column or arm.
    """
    if test not in TESTS:
        raise NotFoundError(choices("Test", test, TESTS))
    if stats is None:
        if selected is None or total is None:
            raise InputError("Give 'selected' and 'total', a count for each group, or sufficient statistics.")
        return _of_counts(selected, total, reference=reference, test=test, level=level)
    if column is None or metric is None:
        raise InputError("With sufficient statistics name the 'column' of groups and the 'metric' that is compared.")
    frame = _counts(stats, column, metric)
    arms = sorted(set(frame["arm"]))
    if arm is not None and arm not in arms:
        raise NotFoundError(choices("Arm", arm, arms))
    chosen = frame if arm is None else frame[frame["arm"] == arm]
    sums = chosen.groupby(column)[["sum", "n"]].sum()
    names = [str(group) for group in sums.index]
    taken = {group: round(x) for group, x in zip(names, sums["sum"], strict=True)}
    everyone = {group: round(n) for group, n in zip(names, sums["n"], strict=True)}
    found = _of_counts(taken, everyone, reference=reference, test=test, level=level)
    plan = stats.plan
    changes = tuple(
        change_of(frame, column, group=each.group, reference=found.reference, unit=plan.unit, level=level)
        for each in found.groups
        if each.group != found.reference
    ) if len(arms) == 2 else ()  # fmt: skip
    return AdverseImpact(
        groups=found.groups,
        reference=found.reference,
        test=test,
        level=level,
        what=plan.metric(metric).label + (f", arm {arm}" if arm is not None else ""),
        change=tuple(change for change in changes if change is not None),
        provenance=stats.provenance.derived("policy.adverse_impact", conventions=(f"{TESTS[test]} was declared",)),
    )


def _counts(stats: SufficientStats, column: str, metric: str) -> pd.DataFrame:
    declared = stats.plan.metrics[metric]
    if declared.kind != "proportion":
        raise InputError(f"Metric {metric!r} is a {declared.kind}; adverse impact compares proportions.")
    columns = {c for _, c in stats.subgroups}
    if column not in columns:
        raise NotFoundError(choices("Column of groups", column, columns))
    return stats.subgroups[metric, column]


def _of_counts(
    selected: Mapping[str, int], total: Mapping[str, int], *, reference: str | None, test: Test, level: float
) -> AdverseImpact:
    _possible(selected, total)
    names = sorted(total, key=lambda g: (-total[g], g))
    if reference is None:
        stated = [group for group in names if group != NOT_STATED] or names
        reference = max(stated, key=lambda g: (selected[g] / total[g], total[g]))
    if reference not in total:
        raise NotFoundError(choices("Group", reference, total))
    everyone, groups = sum(total.values()), []
    for group in [reference, *(g for g in names if g != reference)]:
        a, n, b, m = selected[group], total[group], selected[reference], total[reference]
        compared = None if group == reference else compare_rates(a, n, b, m, level=level)
        notes = tuple(_notes(n, everyone, m, compared=compared is not None))
        groups.append(GroupImpact(group=group, selected=a, total=n, compared=compared, notes=notes,
                                  fit_to_report=n > 1))  # fmt: skip
    return AdverseImpact(groups=tuple(groups), reference=reference, test=test, level=level)


def _notes(n: int, everyone: int, reference: int, *, compared: bool) -> "list[str]":
    found = []
    if n == 1:
        found.append("a group of one person: its rate is that person, and no test has anything to say")
    elif n < 0.02 * everyone:
        found.append("fewer than 2 % of all, which audits under NYC Local Law 144 may leave out, saying so")
    if compared and n * reference > EXACT_LIMIT:
        found.append("too many people for the unconditional exact tests, which were left out")
    return found


def _possible(selected: Mapping[str, int], total: Mapping[str, int]) -> None:
    if set(selected) != set(total) or len(total) < 2:
        raise InputError(
            f"Name the same two or more groups in both; selected has {sorted(selected)}, total {sorted(total)}."
        )
    for group, n in total.items():
        a = selected[group]
        if int(a) != a or int(n) != n or not 0 <= a <= n or n < 1:
            raise InputError(f"Group {group!r}: {a} selected of {n} cannot be; give whole numbers, 0 to the total.")
