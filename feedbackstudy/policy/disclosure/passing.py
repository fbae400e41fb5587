"""`DisclosurePolicy`: the one door through which numbers about people leave."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pandas as pd

from feedbackstudy.collect.suppression import Suppressed, suppress
from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.policy.adverse_impact import TESTS, AdverseImpact
from feedbackstudy.policy.declared import DisclosureRule, PolicyPlan
from feedbackstudy.policy.disclosure.disclosed import Disclosed
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.sample_ratio import SampleRatios
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance

__all__ = ["DisclosurePolicy"]

_OF_EFFECTS = (
    *("label", "contrast", "scale", "estimate", "low", "high", "p", "p_adjusted"),
    *("baseline", "n", "n_clusters", "method", "verdict", "decides"),
)


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """What may be shown, applied to every kind of result.

    Attributes
    ----------
    rule : DisclosureRule
        Smallest cell, complementary hiding, rounding; a plan's own rule is ``DisclosurePolicy.of(plan)``.
    """

    rule: DisclosureRule = field(default_factory=DisclosureRule)

    @classmethod
    def of(cls, plan: PolicyPlan) -> "DisclosurePolicy":
        """Return the policy of a plan.

        Parameters
        ----------
        plan : PolicyPlan
            The plan.

        Returns
        -------
        DisclosurePolicy
            Its rule.
        """
        return cls(plan.disclosure)

    @property
    def words(self) -> str:
        """The rule in words."""
        rule = self.rule
        beside = ", and cells from which they would follow" if rule.complementary else ""
        rounded = f"; counts rounded to {rule.round_to}, so that sums may differ" if rule.round_to > 1 else ""
        return f"Counts below {rule.min_cell} are hidden{beside}{rounded}."

    def rounded(self, count: float) -> int:
        """Round a count as the rule says.

        Parameters
        ----------
        count : float
            A count.

        Returns
        -------
        int
            The nearest multiple; halves go to the even one.
        """
        return round(count / self.rule.round_to) * self.rule.round_to

    def without_counts(self, text: str) -> str:
        """Round the counts of people that a sentence holds, and call small ones few.

        Parameters
        ----------
        text : str
            A warning or note.

        Returns
        -------
        str
            The sentence.
        """

        def said(found: re.Match[str]) -> str:
            count = int(found[1].replace(",", ""))
            return f"few {found[2]}" if 0 < count < self.rule.min_cell else f"{self.rounded(count):,} {found[2]}"

        return re.sub(r"(\d[\d,]*) (applications|rows|people|candidates)", said, text)

    def suppressed(self, table: "np.typing.ArrayLike") -> Suppressed:
        """Choose the cells of a table of counts that are hidden.

        Parameters
        ----------
        table : array_like
            Counts without margins.

        Returns
        -------
        Suppressed
            With margins.
        """
        return suppress(table, min_cell=self.rule.min_cell, complementary=self.rule.complementary)

    def counts(self, frame: pd.DataFrame, *, rows: str, columns: str, count: str = "n", title: str = "") -> Disclosed:
        """Show a table of counts with its margins.

        Parameters
        ----------
        frame : DataFrame
            One row a cell, or several that are added.
        rows, columns, count : str
            Its columns.
        title : str, default ""
            Title of the table.

        Returns
        -------
        Disclosed
            Rows, one column for each level, and totals.

        Raises
        ------
        NotFoundError
            For an absent column.
        """
        for name in (rows, columns, count):
            if name not in frame.columns:
                raise NotFoundError(choices("Column", name, map(str, frame.columns)))
        wide = frame.pivot_table(index=rows, columns=columns, values=count, aggfunc="sum", fill_value=0, observed=True)
        found = self.suppressed(wide.to_numpy(dtype=np.float64).round())
        head = [*map(str, wide.columns), "total"]
        body = [
            [None if h else self.rounded(c) for c, h in zip(line, out, strict=True)]
            for line, out in zip(found.counts, found.hidden, strict=True)
        ]
        shown = pd.DataFrame(body, columns=head, dtype="Int64")
        shown.insert(0, rows, [*map(str, wide.index), "total"])
        return Disclosed(title=title or f"{count} by {rows} and {columns}", table=shown,
                         hidden=int(found.hidden.sum()), words=self.words)  # fmt: skip

    def fidelity(self, stats: SufficientStats, metric: str, *, by: str = "period") -> Disclosed:
        """Show a share by arm and another key: who got feedback in time, where and when.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.
        metric : str
            A metric of kind proportion.
        by : str, default "period"
            A key of its cells.

        Returns
        -------
        Disclosed
            Count and share of each; shares only where those with and without are both large enough.

        Raises
        ------
        InputError
            For a metric of another kind.
        NotFoundError
            For an unknown metric or key.
        """
        declared, cells = stats.plan.metrics[metric], stats.of(metric)
        if declared.kind != "proportion":
            raise InputError(f"Metric {metric!r} is a {declared.kind}; a share is shown of proportions only.")
        if by not in cells.columns:
            raise NotFoundError(choices("Key", by, map(str, cells.columns)))
        keys = [by] if by == "arm" else [by, "arm"]
        sums = cells.groupby(keys, observed=True)[["sum", "n"]].sum().round().reset_index()
        return self._shares(sums, keys, title=declared.label, provenance=stats.provenance)

    def _shares(self, sums: pd.DataFrame, keys: list[str], *, title: str, provenance: Provenance) -> Disclosed:
        pair = np.column_stack([sums["sum"], sums["n"] - sums["sum"]])
        found = self.suppressed(pair)
        cells = found.hidden[:-1]
        either, total = cells[:, :2].any(axis=1), cells[:, 2]
        shown = sums[keys].copy()
        shown["n"] = pd.array([None if t else self.rounded(n) for n, t in zip(sums["n"], total, strict=True)], "Int64")
        share = (sums["sum"] / sums["n"]).to_numpy()
        shown["share"] = np.where(either | total, np.nan, share)
        return Disclosed(title=title, table=shown, hidden=int((either | total).sum() + total.sum()), words=self.words,
                         provenance=provenance)  # fmt: skip

    def effects(self, effects: Effects) -> Disclosed:
        """Show effects: an estimate that rests on too few people is hidden whole, counts are rounded.

        Parameters
        ----------
        effects : Effects
            The answers.

        Returns
        -------
        Disclosed
            Columns as `EffectEstimate`.
        """
        rows, hidden = [], 0
        for row in effects:
            if row.n < self.rule.min_cell:
                hidden += 1
                row = _without_numbers(row)
            else:
                row = replace(row, n=self.rounded(row.n), warnings=tuple(map(self.without_counts, row.warnings)))
            rows.append({each.name: getattr(row, each.name) for each in fields(EffectEstimate)})
        table = pd.DataFrame(rows)
        if hidden:
            table.loc[[row.n < self.rule.min_cell for row in effects], ["estimate", "n"]] = np.nan
        alike = [name for name in ("contrast", "scale") if len(set(table.get(name, []))) == 1]
        said = [f"{name.capitalize()}: {table[name].iloc[0]}." for name in alike]
        same = [*alike, *(["p_adjusted"] if len(table) and table["p_adjusted"].isna().all() else [])]
        warned = dict.fromkeys(f"{row.label}: {self.without_counts(note)}." for row in effects for note in row.warnings)
        return Disclosed(title=effects.title, table=table, hidden=hidden, words=self.words,
                         provenance=effects.provenance, notes=(*said, *warned),
                         main=tuple(name for name in _OF_EFFECTS if name not in same))  # fmt: skip

    def sample_ratio(self, found: SampleRatios) -> Disclosed:
        """Show tests of the sizes of arms; units such as sites are no people and are shown as they are.

        Parameters
        ----------
        found : SampleRatios
            The tests.

        Returns
        -------
        Disclosed
            One row for each test and arm.
        """
        rows: list[dict[str, object]] = []
        for test in found.tests:
            people = not test.of.startswith("units")
            out = self.suppressed(list(test.counts.values())).hidden if people else np.zeros(len(test.counts) + 1)
            for (arm, n), hide in zip(test.counts.items(), out[:-1], strict=True):
                shown: object = None if hide else self.rounded(n) if people else n
                rows.append({"counted": test.of, "arm": arm, "count": shown, "p": test.p, "test": test.method})
        table = pd.DataFrame(rows).astype({"count": "Int64"})
        notes = (
            ("Sizes are further from the plan than chance explains: find the cause first.",) if found.mismatch else ()
        )
        return Disclosed(title="Sample ratio", table=table, hidden=int(table["count"].isna().sum()), words=self.words,
                         notes=notes)  # fmt: skip

    def said(self, title: str, pairs: Mapping[str, object], *, provenance: Provenance | None = None) -> Disclosed:
        """Show statements that hold no count of people, such as a decision with its reasons.

        Parameters
        ----------
        title : str
            Title.
        pairs : mapping of str to object
            Label -> text or a probability.
        provenance : Provenance, optional
            What made them.

        Returns
        -------
        Disclosed
            Two columns.
        """
        table = pd.DataFrame({"what": list(pairs), "answer": [str(value) for value in pairs.values()]})
        return Disclosed(title=title, table=table, hidden=0, words=self.words, provenance=provenance)

    def adverse_impact(self, result: AdverseImpact) -> Disclosed:
        """Show rates and ratios by group.

        Parameters
        ----------
        result : AdverseImpact
            The result.

        Returns
        -------
        Disclosed
            Everything about a group is hidden where its selected or not selected people are few, or where they would
            follow from those of the others.
        """
        table = result.frame()
        pair = np.column_stack([table["selected"], table["total"] - table["selected"]])
        found = self.suppressed(pair)
        out, total_out = found.hidden[:-1, :2].any(axis=1), found.hidden[:-1, 2]
        reference_out = bool(out[table["group"] == result.reference].any())
        numbers = ["rate", "ratio", "score_low", "score_high", "log_low", "log_high", "difference"]
        numbers += [*(f"p_{test}" for test in TESTS), "one_person", "shortfall", "shortfall_four_fifths"]
        gone = out | total_out | reference_out
        table.loc[gone, numbers] = np.nan
        for name, hide in (("selected", out), ("total", total_out)):
            table[name] = pd.array([None if h else self.rounded(v) for v, h in zip(table[name], hide, strict=True)],
                                   "Int64")  # fmt: skip
        changes = {c.group: c for c in result.change if c.smallest >= self.rule.min_cell}
        if result.change:
            for name in ("factor", "low", "high", "p"):
                values = {group: getattr(change, name) for group, change in changes.items()}
                table[f"change_{name}"] = [values.get(group, math.nan) for group in table["group"]]
            table.loc[gone, [f"change_{name}" for name in ("factor", "low", "high", "p")]] = np.nan
        # Shifts and shortfalls are exact counts in other words, so they go where counts are rounded.
        if self.rule.round_to > 1:
            table = table.drop(columns=["one_person", "shortfall", "shortfall_four_fifths", "difference"])
        return Disclosed(title=f"Adverse impact: {result.what}", table=table, hidden=int(gone.sum()), words=self.words,
                         provenance=result.provenance)  # fmt: skip


def _without_numbers(row: EffectEstimate) -> EffectEstimate:
    nothing: Mapping[str, None] = dict.fromkeys(("se", "df", "low", "high", "p", "p_adjusted", "baseline"))
    return replace(row, estimate=math.nan, n=0, warnings=("rests on too few people to be shown",),
                   fit_to_report=False, **nothing)  # type: ignore[arg-type]  # fmt: skip
