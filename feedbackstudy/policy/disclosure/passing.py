"""`DisclosurePolicy`: the one door through which numbers about people leave."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from feedbackstudy.collect.suppression import Suppressed, suppress
from feedbackstudy.errors import InputError, NotFoundError, choices
from feedbackstudy.policy.adverse_impact import AdverseImpact
from feedbackstudy.policy.declared import DisclosureRule, PolicyPlan
from feedbackstudy.policy.disclosure.crossed import crossed_counts
from feedbackstudy.policy.disclosure.delivery import disclosed_arms, disclosed_shares, disclosed_sizes
from feedbackstudy.policy.disclosure.disclosed import Disclosed, DisclosedEffects, DisclosedEvents, DisclosedImpact
from feedbackstudy.policy.disclosure.effects import disclosed_effects, guarded
from feedbackstudy.policy.disclosure.events import disclosed_events
from feedbackstudy.policy.disclosure.impact import disclosed_impacts
from feedbackstudy.policy.disclosure.linking import hidden_arms
from feedbackstudy.policy.effect import Effects
from feedbackstudy.policy.rollouts.event_study import EventStudy
from feedbackstudy.policy.rollouts.panel import Panel
from feedbackstudy.policy.sample_ratio import SampleRatios
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance

__all__ = ["DisclosurePolicy"]


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """What may be shown, applied to every kind of result.

    Attributes
    ----------
    rule : DisclosureRule
        Smallest cell, complementary hiding, rounding; a plan's own rule is ``DisclosurePolicy.of(plan)``.
    linked : frozenset of str
        Arms of an experiment that are hidden in every table that hides any, as `for_arms_of` finds them.
    """

    rule: DisclosureRule = field(default_factory=DisclosureRule)
    linked: frozenset[str] = frozenset()

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

    def for_arms_of(self, stats: SufficientStats, sizes: SampleRatios | None = None) -> "DisclosurePolicy":
        """Return the policy for several tables about the arms of one experiment, so that none gives another away.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.
        sizes : SampleRatios, optional
            Tests of the sizes of arms that are shown as well.

        Returns
        -------
        DisclosurePolicy
            With the arms that every table hides which hides any.
        """
        return replace(self, linked=hidden_arms(stats, sizes, self.rule))

    @property
    def words(self) -> str:
        """The rule in words."""
        rule = self.rule
        beside = ", and cells from which they would follow" if rule.complementary else ""
        rounded = (
            f"; counts are rounded to {rule.round_to}, shares and effects so that they say no more than that, and sums "
            "may differ"
            if rule.round_to > 1
            else ""
        )
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
        return crossed_counts(frame, (rows, columns, count), self.rule, title=title, words=self.words)

    def fidelity(
        self, stats: SufficientStats, metric: str, *, by: str = "period", also: Collection[str] = ()
    ) -> Disclosed:
        """Show a share by arm and another key: who got feedback in time, where and when.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.
        metric : str
            A metric of kind proportion.
        by : str, default "period"
            A key of its cells.
        also : collection of str, optional
            Levels of the key that are hidden in a linked table and therefore here.

        Returns
        -------
        Disclosed
            Count and share of each. A level in which few people are counted, or not counted, in any arm is hidden
            whole, with others until it cannot follow from the totals.

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
        return disclosed_shares(sums, keys, self.rule, title=declared.label, words=self.words, also=also,
                                provenance=stats.provenance)  # fmt: skip

    def arms(
        self, stats: SufficientStats, metrics: Sequence[str], sizes: SampleRatios | None = None
    ) -> tuple[Disclosed, ...]:
        """Show shares by arm and the sizes of arms together, so that none gives another away.

        Parameters
        ----------
        stats : SufficientStats
            The statistics.
        metrics : sequence of str
            Metrics of kind proportion.
        sizes : SampleRatios, optional
            Tests of the sizes of arms.

        Returns
        -------
        tuple of Disclosed
            One for each metric, then the sizes. An arm that is hidden in one is hidden in all.
        """
        return disclosed_arms(stats, metrics, sizes, self.rule, self.words, linked=self.linked)

    def effects(self, effects: Effects, *, margins: Mapping[str, float] | None = None) -> DisclosedEffects:
        """Show effects: hidden where an arm, or what is counted in it, is too small, and rounded otherwise.

        Parameters
        ----------
        effects : Effects
            The answers, which say how few people stand behind them; an answer that does not is hidden.
        margins : mapping of str to float, optional
            Metric -> effect at which a guardrail is breached, for the picture.

        Returns
        -------
        DisclosedEffects
            Columns as `EffectEstimate`, without those that count people behind the answers.
        """
        return disclosed_effects(effects, self.rule, self.words, self.without_counts, margins or {}, also=self.linked)

    def coarse(self, effects: Effects) -> Effects:
        """Return effects with the numbers that may be shown, for sentences that are made of them.

        Parameters
        ----------
        effects : Effects
            The answers.

        Returns
        -------
        Effects
            Rounded; what is hidden has no interval.
        """
        found = guarded(tuple(effects), self.rule, self.without_counts, also=self.linked)
        return Effects(rows=found.rows, title=effects.title, provenance=effects.provenance)

    def event_study(self, found: EventStudy, panel: Panel) -> DisclosedEvents:
        """Show effects by time since the start.

        Parameters
        ----------
        found : EventStudy
            The effects.
        panel : Panel
            The cells behind them.

        Returns
        -------
        DisclosedEvents
            Times with too few people have no numbers.
        """
        return disclosed_events(found, panel, self.rule, self.words)

    def sample_ratio(self, found: SampleRatios, *, also: Collection[str] = ()) -> Disclosed:
        """Show tests of the sizes of arms; units such as sites are no people and are shown as they are.

        Parameters
        ----------
        found : SampleRatios
            The tests.
        also : collection of str, optional
            Arms that are hidden in a linked table and therefore here.

        Returns
        -------
        Disclosed
            One row for each test and arm.
        """
        return disclosed_sizes(found, self.rule, words=self.words, also=also)

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
        return Disclosed(title=title, table=table, words=self.words, provenance=provenance)

    def adverse_impact(self, result: AdverseImpact) -> DisclosedImpact:
        """Show rates and ratios by group; several results about the same groups belong to `adverse_impacts`.

        Parameters
        ----------
        result : AdverseImpact
            The result.

        Returns
        -------
        DisclosedImpact
            Everything about a group is hidden where its selected or not selected people are few, or where they would
            follow from those of the others.
        """
        return self.adverse_impacts([result])[0]

    def adverse_impacts(
        self, results: Sequence[AdverseImpact], *, also: Collection[str] = ()
    ) -> tuple[DisclosedImpact, ...]:
        """Show several results about the same groups together, so that none gives another away.

        Parameters
        ----------
        results : sequence of AdverseImpact
            Of one column of groups.
        also : collection of str, optional
            Groups that are hidden because of tables by another column, as `impact.hidden_groups` finds them.

        Returns
        -------
        tuple of DisclosedImpact
            One for each; a group that is hidden in one is hidden in all.
        """
        return disclosed_impacts(results, self.rule, self.words, also=also)
