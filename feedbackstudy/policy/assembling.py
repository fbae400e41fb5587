"""All answers of a plan in reading order, each of which has passed the plan's disclosure rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.disclosure import Disclosed, DisclosurePolicy
from feedbackstudy.policy.judging import judged_parts
from feedbackstudy.policy.looks import Look
from feedbackstudy.policy.parts import (
    delivery_parts,
    effects_of,
    equity_parts,
    event_parts,
    response_parts,
    spillover_parts,
    subgroup_parts,
)
from feedbackstudy.policy.sample_ratio import srm_of
from feedbackstudy.policy.single_unit import SINGLE, is_single_unit
from feedbackstudy.policy.spillover import Movers
from feedbackstudy.policy.started import delivery_as_declared
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Notice, Page, Rendered, Text

__all__ = ["UNREGISTERED", "PolicyResults", "assemble"]

UNREGISTERED = (
    "Not registered: nothing shows that this plan was fixed before there were data; 'feedbackstudy preregister' does "
    "that next time."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResults(Rendered):
    """What a plan's question is answered with; nothing in it can be traced to few people.

    Attributes
    ----------
    plan : PolicyPlan
        The plan.
    parts : tuple of Disclosed
        In reading order.
    look : Look or None
        The look it belongs to.
    said : tuple of str
        What was left out and why, and what was amended.
    action : str
        What the declared rule says; empty where the plan declares none.
    provenance : Provenance
        What made it.
    """

    plan: PolicyPlan
    parts: tuple[Disclosed, ...]
    look: Look | None = None
    said: tuple[str, ...] = ()
    action: str = ""
    provenance: Provenance = field(default_factory=lambda: Provenance(made_by="policy.assemble"))

    @property
    def standing(self) -> str:
        """That the plan was not registered before the data; empty where it was, or where no look was taken."""
        return UNREGISTERED if self.look is not None and not self.look.registered else ""

    def page(self) -> Page:
        """Return all parts as one page.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks = [block for part in self.parts for block in (Text(part.title), *part.page().blocks)]
        standing = (Notice(self.standing),) if self.standing else ()
        return Page(
            title=self.plan.title, subtitle=self.plan.question, blocks=(*standing, *map(Text, self.said), *blocks)
        )


def assemble(stats: SufficientStats, *, look: Look | None = None, movers: Sequence[Movers] = ()) -> PolicyResults:
    """Answer everything that a plan asks.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    look : Look, optional
        The look, whose level all intervals get.
    movers : sequence of Movers, optional
        Who is seen on both sides of the policy, such as candidates (`movers_of` the table); those that the statistics
        hold, and people who are clusters of the plan, are counted anyway.

    Returns
    -------
    PolicyResults
        Delivery, sample ratio (of experiments), effects, effects by time since the start, effect of delivery, bounds
        for who did not answer, declared subgroups, spillover, adverse impact and equity of delivery, the decision by
        the declared rule and what it is worth. What does not apply is said.

    Notes
    -----
    A rule with ``posterior: cells`` fits the hierarchical model of the cells, which takes minutes.
    """
    seen = stats if look is None else look.of(stats)
    plan, gate = seen.plan, DisclosurePolicy.of(stats.plan)
    if plan.experiment is not None:
        gate = gate.for_arms_of(seen, srm_of(seen))
    said: list[str] = [
        f"Left out: about {gate.rounded(n):,} rows, {why}."
        for why, n in stats.rows.items()
        if n >= plan.disclosure.min_cell
    ]
    if look is not None:
        of = f" of {look.planned}" if look.planned is not None else ", intervals valid at every look"
        said.insert(0, f"Look {look.number}{of}; intervals at {look.level:.4f}.")
        said += [f"The plan was amended: {reason}" for reason in look.amended]
    if is_single_unit(plan):
        said.insert(0, SINGLE)
    said += [f"Delivery against the plan: {issue.what}" for issue in delivery_as_declared(seen)]
    effects = effects_of(seen)
    parts: list[Disclosed] = [*delivery_parts(seen, gate), gate.effects(effects, margins=_margins(plan))]
    parts += event_parts(seen, gate, said)
    parts += response_parts(seen, gate, said)
    parts += subgroup_parts(seen, gate, said)
    parts += spillover_parts(seen, gate, said, given=movers)
    parts += equity_parts(seen, gate)
    # Of one unit a metric has three contrasts, of which one was named to decide.
    judged = replace(effects, rows=tuple(r for r in effects if r.decides)) if is_single_unit(plan) else effects
    action, own = judged_parts(seen, judged, gate, said)
    made = stats.provenance.derived("policy.assemble", conventions=(gate.words,))
    return PolicyResults(
        plan=stats.plan, parts=(*parts, *own), look=look, said=tuple(said), action=action, provenance=made
    )


def _margins(plan: PolicyPlan) -> dict[str, float]:
    """Return the effect at which each guardrail is breached."""
    return {m.name: -m.sign * m.margin for m in plan.metrics if m.margin is not None}
