"""All answers of a plan in reading order, each of which has passed the plan's disclosure rule."""

from dataclasses import dataclass, field, replace

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.always_valid import always_valid
from feedbackstudy.policy.compliance import compliance
from feedbackstudy.policy.compliance_response import response_bounds
from feedbackstudy.policy.decision import decide
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.disclosure import Disclosed, DisclosurePolicy
from feedbackstudy.policy.effect import Effects
from feedbackstudy.policy.looks import Look
from feedbackstudy.policy.readout import readout
from feedbackstudy.policy.rollouts.readout import read_rollout
from feedbackstudy.policy.sample_ratio import srm_of
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Page, Rendered, Text

__all__ = ["PolicyResults", "assemble"]


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

    def page(self) -> Page:
        """Return all parts as one page.

        Returns
        -------
        Page
            Ready to render.
        """
        blocks = [block for part in self.parts for block in (Text(part.title), *part.page().blocks)]
        return Page(title=self.plan.title, subtitle=self.plan.question, blocks=(*map(Text, self.said), *blocks))


def assemble(stats: SufficientStats, *, look: Look | None = None) -> PolicyResults:
    """Answer everything that a plan asks.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    look : Look, optional
        The look, whose level all intervals get.

    Returns
    -------
    PolicyResults
        Delivery, sample ratio (of experiments), effects, effect of delivery, bounds for who did not answer, adverse
        impact and equity of delivery, and the decision. What does not apply is said.
    """
    seen = stats if look is None else look.of(stats)
    plan, gate = seen.plan, DisclosurePolicy.of(stats.plan)
    said: list[str] = [
        f"Left out: about {gate.rounded(n):,} rows, {why}."
        for why, n in stats.rows.items()
        if n >= plan.disclosure.min_cell
    ]
    if look is not None:
        of = f" of {look.planned}" if look.planned is not None else ", intervals valid at every look"
        said.insert(0, f"Look {look.number}{of}; intervals at {look.level:.4f}.")
        said += [f"The plan was amended: {reason}" for reason in look.amended]
    parts = [gate.fidelity(seen, m.name, by="arm") for m in plan.metrics if m.role == "fidelity" and _is_share(m.kind)]
    if plan.experiment is not None:
        parts.append(gate.sample_ratio(srm_of(seen)))
    effects = _effects(seen)
    parts.append(gate.effects(effects))
    parts += _beside(seen, gate, said)
    parts += _equity(seen, gate)
    action = ""
    if plan.decision is not None:
        decision = decide(plan, effects)
        action = decision.action
        pairs = {
            "action": action,
            "fit to report": "yes" if decision.fit_to_report else "no: settle the warnings before acting on it",
            "reasons": " ".join(decision.reasons),
            "warnings": " ".join(decision.warnings) or "none",
        }
        parts.append(gate.said("Decision by the declared rule", pairs, provenance=seen.provenance))
    made = stats.provenance.derived("policy.assemble", conventions=(gate.words,))
    return PolicyResults(
        plan=stats.plan, parts=tuple(parts), look=look, said=tuple(said), action=action, provenance=made
    )


def _is_share(kind: str) -> bool:
    return kind == "proportion"


def _effects(stats: SufficientStats) -> Effects:
    """Return the effects of all metrics by the estimator that the plan's design calls for."""
    plan = stats.plan
    if plan.experiment is not None:
        return always_valid(stats) if plan.looks.kind == "always_valid" else readout(stats)
    if plan.looks.kind == "always_valid":
        rows = [row for metric in plan.in_order_of_role for row in always_valid(stats, metric.name).rows]
        return Effects(rows=tuple(rows), title=f"Effects: {plan.title}", provenance=stats.provenance)
    return read_rollout(stats)


def _beside(stats: SufficientStats, gate: DisclosurePolicy, said: list[str]) -> list[Disclosed]:
    """Return the effect of delivery and the bounds for who did not answer, or say why there are none."""
    found = []
    try:
        of = compliance(stats)
        part = gate.effects(of.effects)
        found.append(replace(part, notes=(f"First stage F {of.first_stage_f:.1f}.", *part.notes)))
    except (InputError, DataError) as fault:
        said.append(f"No effect of delivery: {fault}")
    answered = {m.column: m.name for m in stats.plan.metrics if m.kind == "proportion"}
    for metric in stats.plan.metrics:
        response = answered.get(f"@responded:{metric.column}")
        if not metric.responders_only or response is None:
            continue
        try:
            found.append(gate.effects(response_bounds(stats, metric=metric.name, response=response)))
        except (InputError, DataError) as fault:
            said.append(f"No bounds for {metric.label}: {fault}")
    return found


def _equity(stats: SufficientStats, gate: DisclosurePolicy) -> list[Disclosed]:
    plan = stats.plan
    chosen = [m for m in plan.metrics if m.kind == "proportion" and (m.column == "@hired" or m.role == "fidelity")]
    found = []
    for column in plan.equity_groups:
        for metric in chosen:
            result = adverse_impact(stats, column=column, metric=metric.name)
            part = gate.adverse_impact(result)
            main: tuple[str, ...] = (
                "group",
                "selected",
                "total",
                "rate",
                "ratio",
                "score_low",
                "score_high",
                f"p_{result.test}",
            )
            main += ("change_factor", "change_low", "change_high")
            found.append(replace(part, title=f"{part.title} by {column}", main=main))
    return found
