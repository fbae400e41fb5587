"""The parts of a policy's results, each of which has passed the plan's disclosure rule."""

from collections.abc import Sequence
from dataclasses import replace

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.always_valid import always_valid
from feedbackstudy.policy.compliance import compliance
from feedbackstudy.policy.compliance_response import response_bounds
from feedbackstudy.policy.disclosure import Disclosed, DisclosurePolicy
from feedbackstudy.policy.disclosure.impact import hidden_groups
from feedbackstudy.policy.effect import Effects
from feedbackstudy.policy.families import adjusted_family
from feedbackstudy.policy.readout import readout
from feedbackstudy.policy.rollouts.event_study import event_study
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.readout import read_rollout
from feedbackstudy.policy.rollouts.subgroups import subgroups
from feedbackstudy.policy.sample_ratio import srm_of
from feedbackstudy.policy.selection import with_selection
from feedbackstudy.policy.single_unit import is_single_unit, read_single_unit
from feedbackstudy.policy.spillover import Movers, movers
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.render import number

__all__ = [
    "delivery_parts",
    "effects_of",
    "equity_parts",
    "event_parts",
    "response_parts",
    "spillover_parts",
    "subgroup_parts",
]

_IMPACT = ("group", "selected", "total", "rate", "ratio", "score_low", "score_high")


def effects_of(stats: SufficientStats) -> Effects:
    """Return the effects of all metrics by the estimator that the plan's design calls for.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.

    Returns
    -------
    Effects
        The leading p values of secondary metrics are corrected for their number, always-valid ones too.
    """
    plan = stats.plan
    if is_single_unit(plan):
        return read_single_unit(stats)
    if plan.looks.kind != "always_valid":
        return readout(stats) if plan.experiment is not None else read_rollout(stats)
    if plan.experiment is not None:
        found = always_valid(stats)
        return replace(found, rows=tuple(adjusted_family(found.rows, plan)))
    rows = [row for metric in plan.in_order_of_role for row in always_valid(stats, metric.name).rows]
    title = f"Effects: {plan.title}"
    told = with_selection(adjusted_family(rows, plan), plan)
    return Effects(rows=tuple(told), title=title, provenance=stats.provenance)


def delivery_parts(stats: SufficientStats, gate: DisclosurePolicy) -> list[Disclosed]:
    """Show what was delivered by arm and, of experiments, the sizes of arms.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    gate : DisclosurePolicy
        The rule.

    Returns
    -------
    list of Disclosed
        One for each share of delivery, then the sizes.
    """
    shares = [m.name for m in stats.plan.metrics if m.role == "fidelity" and m.kind == "proportion"]
    return list(gate.arms(stats, shares, srm_of(stats) if stats.plan.experiment is not None else None))


def event_parts(stats: SufficientStats, gate: DisclosurePolicy, said: list[str]) -> list[Disclosed]:
    """Show the effect of the primary metric by time since the start of a roll-out.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    gate : DisclosurePolicy
        The rule.
    said : list of str
        Gets the reason where there is nothing to show.

    Returns
    -------
    list of Disclosed
        At most one.
    """
    if stats.plan.rollout is None:
        return []
    if stats.plan.looks.kind == "always_valid":
        said.append("No effects by time since the start: their intervals hold for one look, and looks are unlimited.")
        return []
    try:
        return [gate.event_study(event_study(stats), panel_of(stats))]
    except (InputError, DataError) as fault:
        said.append(f"No effects by time since the start: {fault}")
        return []


def response_parts(stats: SufficientStats, gate: DisclosurePolicy, said: list[str]) -> list[Disclosed]:
    """Show the effect of delivery and the bounds for who did not answer.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    gate : DisclosurePolicy
        The rule.
    said : list of str
        Gets the reason where there is nothing to show.

    Returns
    -------
    list of Disclosed
        What there is.
    """
    found: list[Disclosed] = []
    try:
        of = compliance(stats)
        part = gate.effects(of.effects)
        words = f"First stage F = {number(of.first_stage_f, 1 if of.first_stage_f < 100 else 0)}."
        found.append(replace(part, notes=(words, *part.notes)))
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


def subgroup_parts(stats: SufficientStats, gate: DisclosurePolicy, said: list[str]) -> list[Disclosed]:
    """Show the effect on the primary metric within each declared subgroup, as it is and shrunken.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    gate : DisclosurePolicy
        The rule.
    said : list of str
        Gets the reason where there is nothing to show.

    Returns
    -------
    list of Disclosed
        One for each column of `subgroups`.
    """
    columns = stats.plan.subgroups
    if columns and stats.plan.looks.kind == "always_valid":
        said.append(f"Subgroups by {', '.join(columns)} are not shown: their intervals hold for one look, and looks "
                    "are unlimited.")  # fmt: skip
        return []
    found: list[Disclosed] = []
    for column in columns:
        try:
            found.append(gate.effects(subgroups(stats, column)))
        except (InputError, DataError) as fault:
            said.append(f"No subgroups by {column}: {fault}")
    return found


def spillover_parts(
    stats: SufficientStats, gate: DisclosurePolicy, said: list[str], *, given: Sequence[Movers] = ()
) -> list[Disclosed]:
    """Show who is seen on both sides of a roll-out: people who are clusters of the plan, and those that are given.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    gate : DisclosurePolicy
        The rule.
    said : list of str
        Gets a sentence where there is spillover.
    given : sequence of Movers, optional
        Counted from the table.

    Returns
    -------
    list of Disclosed
        One for each kind of people; counts of people are rounded, and hidden where they are few.
    """
    plan = stats.plan
    if plan.rollout is None:
        return []
    seen = [*given, *(kept for kept in Movers.kept_in(stats) if kept.who not in {m.who for m in given})]
    seen += [movers(stats, who) for who in plan.clusterings[1:] if who not in {m.who for m in seen}]
    found = []
    for own in seen:
        least = plan.disclosure.min_cell
        enough = min(own.contaminated, own.rows_contaminated, own.rows_untreated - own.rows_contaminated) >= least
        share = f"{100 * own.share:.0f} %" if enough else "none" if own.contaminated == 0 else "hidden: few people"
        pairs = {
            f"levels of {own.who}": _count(gate, own.people, least),
            "seen in several units": _count(gate, own.several_units, least),
            "without the policy after having met it elsewhere": _count(gate, own.contaminated, least),
            "share of the applications without the policy": share,
        }
        found.append(gate.said(f"Spillover through {own.who}", pairs, provenance=own.provenance))
        if own.contaminated >= least:
            said.append(
                f"Some {own.who} met the policy in one unit and were then without it in another: where it spreads, "
                "effects are understated."
            )
    return found


def _count(gate: DisclosurePolicy, count: int, least: int) -> str:
    if count == 0:
        return "none"
    return "hidden: few people" if count < least else f"about {gate.rounded(count):,}"


def equity_parts(stats: SufficientStats, gate: DisclosurePolicy) -> list[Disclosed]:
    """Show adverse impact and equity of delivery by each declared column of groups.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    gate : DisclosurePolicy
        The rule.

    Returns
    -------
    list of Disclosed
        One for each column and metric.
    """
    plan = stats.plan
    shares = [m for m in plan.metrics if m.kind == "proportion"]
    promised = {(m.column, m.within_days) for m in shares if m.role == "fidelity" and m.of == "rejected"}
    # Where the promise to the rejected is declared, the same among all decided would mix in who is hired.
    chosen = [
        m for m in shares
        if m.column == "@hired"
        or (m.role == "fidelity" and (m.of == "rejected" or (m.column, m.within_days) not in promised))
    ]  # fmt: skip
    found: list[Disclosed] = []
    by = {c: [adverse_impact(stats, column=c, metric=metric.name) for metric in chosen] for c in plan.equity_groups}
    hidden = hidden_groups(by, stats.nested, gate.rule)
    for column, results in by.items():
        shown = gate.adverse_impacts(results, also=hidden[column]) if results else ()
        for result, part in zip(results, shown, strict=True):
            main = (*_IMPACT, f"p_{result.test}", "change_factor", "change_low", "change_high")
            found.append(replace(part, title=f"{part.title} by {column}", main=main))
    return found
