"""The declared rule applied for a report: the action, its reasons, and what it is worth, as they may be shown."""

import math
from dataclasses import replace

import numpy as np

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.bayes import bayes_cells
from feedbackstudy.policy.decision import Belief, Decision, decide
from feedbackstudy.policy.declared import DecisionRule, Metric, Utility
from feedbackstudy.policy.disclosure import Disclosed, DisclosurePolicy
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.sufficient import SufficientStats
from feedbackstudy.render import number, probability

__all__ = ["beliefs_of", "judged_parts", "messages_for_each"]

_WAVE = 1.0
"""One more wave is valued as one that holds as much information as all data so far."""
_ROUNDED = (
    "The rule says this of the exact numbers; what the rule of disclosure lets through is too coarse to show why."
)


def judged_parts(
    stats: SufficientStats, effects: Effects, gate: DisclosurePolicy, said: list[str]
) -> tuple[str, list[Disclosed]]:
    """Apply the declared rule, and show it with its worth.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    effects : Effects
        Answers about the deciding metric and all guardrails.
    gate : DisclosurePolicy
        The rule of disclosure.
    said : list of str
        Gets what a reader must know.

    Returns
    -------
    tuple of (str, list of Disclosed)
        The action (empty where no rule is declared), and the parts: a Bayesian fit where the plan decides by it, the
        decision, and what it is worth where costs and values are declared.
    """
    plan = stats.plan
    if plan.decision is None:
        said.append("No rule of decision was declared, so none is applied.")
        return "", []
    fits, beliefs = beliefs_of(stats, said)
    each, words = messages_for_each(stats)
    exact = decide(plan, effects, beliefs=beliefs, more=_WAVE, messages=each)
    shown = _of_coarse(stats, effects, gate, beliefs, each)
    parts: list[Disclosed] = [gate.effects(fit) for fit in fits]
    parts.append(gate.said("Decision by the declared rule", _pairs(exact, shown), provenance=stats.provenance))
    utility = plan.decision.utility
    if utility is not None:
        pairs = _worth(shown, utility, plan.metric(plan.decision.metric), words)
        parts.append(gate.said("What the decision is worth", pairs, provenance=stats.provenance))
    return exact.action, parts


def beliefs_of(stats: SufficientStats, said: list[str]) -> tuple[list[Effects], list[Belief]]:
    """Fit the cells where the plan decides by their posterior.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    said : list of str
        Gets the metrics that counted cells do not hold.

    Returns
    -------
    tuple of (list of Effects, list of Belief)
        Of the deciding metric and each guardrail that is a share or an ordered rating; empty for any other rule.
    """
    plan = stats.plan
    rule: DecisionRule | None = plan.decision
    if rule is None or rule.by != "posterior" or rule.posterior != "cells":
        return [], []
    fits, beliefs = [], []
    for metric in plan.in_order_of_role:
        if metric.name != rule.metric and metric.role != "guardrail":
            continue
        if metric.kind not in {"proportion", "ordinal"}:
            said.append(f"{metric.label} is a {metric.kind}, which counted cells do not hold: a flat prior is taken.")
            continue
        fit = bayes_cells(stats, metric.name)
        fits.append(replace(fit.effects, title=f"Posterior of the cells: {metric.label}"))
        beliefs.append(fit.belief)
    return fits, beliefs


def messages_for_each(stats: SufficientStats) -> tuple[float, str]:
    """Return how many messages the policy sends for each application that the deciding metric counts.

    Parameters
    ----------
    stats : SufficientStats
        The statistics; with a decision rule.

    Returns
    -------
    tuple of (float, str)
        One for each rejected application: the share of rejected ones under the policy where the metric counts others as
        well; one for each application, and said so, where no metric knows that share.
    """
    plan = stats.plan
    metric = plan.metric(plan.decision.metric if plan.decision is not None else plan.primary.name)
    if metric.of == "rejected":
        return 1.0, "one message for each rejected application"
    known = next((m for m in plan.metrics if m.column == "@rejected" and m.of == metric.of), None)
    if known is None:
        return 1.0, "one message for each application, as no metric says how many are rejected"
    cells = stats.of(known.name)
    under = cells[cells["treated"] > 0]
    share = float(under["sum"].sum() / under["n"].sum()) if len(under) else 1.0
    return share, f"one message for each rejected application, about {share:.2g} of those that count"


def _of_coarse(
    stats: SufficientStats, effects: Effects, gate: DisclosurePolicy, beliefs: list[Belief], messages: float
) -> Decision | None:
    """Decide again by the numbers that may be shown; None where one of them is hidden."""
    plan, coarse = stats.plan, gate.coarse(effects)
    needed = {plan.decision.metric if plan.decision else "", *(m.name for m in plan.metrics if m.role == "guardrail")}
    leading: dict[str, EffectEstimate] = {}
    for row in coarse:
        if row.metric in needed and row.scale == "absolute":
            leading.setdefault(row.metric, row)
    if any(not np.isfinite(row.estimate) for row in leading.values()):
        return None
    try:
        return decide(plan, coarse, beliefs=beliefs, more=_WAVE, messages=messages)
    except (InputError, DataError):
        return None


def _pairs(exact: Decision, shown: Decision | None) -> dict[str, object]:
    same = shown is not None and shown.action == exact.action
    pairs: dict[str, object] = {
        "action": exact.action,
        "fit to report": "yes" if exact.fit_to_report else "no: settle the warnings before acting on it",
        "reasons": " ".join(shown.reasons) if shown is not None and same else _ROUNDED,
    }
    if shown is not None and same:
        pairs |= {name: probability(p).removeprefix("= ") for name, p in shown.probabilities}
    pairs |= {f"posterior of {label}": source for label, source in exact.sources.items()}
    return pairs | {"warnings": " ".join(exact.warnings) or "none"}


def _worth(shown: Decision | None, utility: Utility, metric: Metric, messages: str) -> dict[str, object]:
    unit = f" {utility.currency}" if utility.currency else ""
    pairs: dict[str, object] = {
        "cost per message": f"{number(utility.cost_per_message, 2)}{unit}, {messages}",
        f"value of one more success ({metric.label})": f"{number(utility.value_per_success, 2)}{unit}",
    }
    if shown is None or shown.worth is None:
        return pairs | {"worth": "hidden: it would follow from numbers that rest on too few people"}
    own = shown.worth
    for name, value in own.values:
        total = own.total(value)
        period = f"; {_money(total)}{unit} for the applications of a period" if total is not None else ""
        pairs[name] = f"{_money(value)}{unit} for each application{period}"
    if own.applications is None:
        pairs["for all of a period"] = "not declared: give applications_per_period"
    pairs["probability that keeping pays"] = probability(own.p_worth).removeprefix("= ")
    pairs["what a wave is"] = "as much information as all data so far; collect it where it costs less than it is worth"
    return pairs


def _money(value: float) -> str:
    """Show two digits that count: the numbers behind are rounded as well."""
    rounded = float(f"{value:.2g}")
    digits = 0 if abs(rounded) >= 10 or rounded == 0 else 1 - math.floor(math.log10(abs(rounded)))
    return number(rounded, digits)
