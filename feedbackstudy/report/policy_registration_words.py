"""What a policy plan says about itself, in the sentences that registration forms ask for."""

from collections.abc import Callable, Mapping

from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.render import counted

__all__ = ["said_of_plan"]

_KINDS = {
    "proportion": "share of applications",
    "mean": "mean",
    "ratio": "ratio of two sums",
    "ordinal": "ordered rating",
    "nps": "net promoter score (share of 9 and 10 less share of 0 to 6)",
    "time_to_event": "days until an event",
}
_OF = {"decided": "decided", "rejected": "rejected", "hired": "hired", "applied": "all"}
_MULTIPLICITY = {
    "holm": "Secondary metrics are corrected by Holm's method.",
    "bonferroni": "Secondary metrics are corrected by Bonferroni's method.",
    "fdr_bh": "Secondary metrics are corrected for the false discovery rate (Benjamini and Hochberg).",
    "none": "Secondary metrics are not corrected for their number.",
}


def said_of_plan(plan: PolicyPlan, key: str) -> str:
    """Return what a plan says to a question of a form.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.
    key : str
        Key of the question.

    Returns
    -------
    str
        The answer; empty where a plan cannot say it.
    """
    say = _SAID.get(key)
    return say(plan) if say is not None else ""


def _hypotheses(plan: PolicyPlan) -> str:
    lines = [plan.question] if plan.question else []
    for metric in plan.in_order_of_role:
        if metric.role in {"primary", "co_primary"}:
            smallest = f" The smallest effect that would matter is {metric.mde:g}{_unit(metric)}." if metric.mde else ""
            lines.append(f"{_role(metric)}: the policy will {metric.direction} '{metric.label}'.{smallest}")
        elif metric.role == "guardrail":
            worse = "fall" if metric.direction == "increase" else "rise"
            lines.append(f"Guardrail: '{metric.label}' does not {worse} by {metric.margin:g}{_unit(metric)} or more.")
    return "\n".join(lines)


def _unit(metric: Metric) -> str:
    return f" {metric.unit}" if metric.unit else ""


def _role(metric: Metric) -> str:
    return metric.role.replace("_", "-").capitalize()


def _randomised(plan: PolicyPlan) -> bool:
    return plan.treatment.mechanism == "randomised"


def _study_type(plan: PolicyPlan) -> str:
    if not _randomised(plan):
        return "Observational study: who came under the policy, or when, was not decided by chance."
    return "Field experiment: chance decided who came under the policy, or in which order."


def _design(plan: PolicyPlan) -> str:
    rollout, experiment = plan.rollout, plan.experiment
    if experiment is not None:
        unit = f"each {experiment.unit}" if experiment.unit is not None else "each application"
        many = counted(len(experiment.arms), "arm")
        return f"{many}, one for {unit}: {_arms(plan)}. Compared with {experiment.control}."
    if rollout is None:
        return ""
    never = f"; {len(rollout.never)} never do" if rollout.never else ""
    out = f" Left out: {rollout.washout} {rollout.period}s from the start on." if rollout.washout else ""
    early = (
        f" {rollout.anticipation} {rollout.period}s before it may be affected already." if rollout.anticipation else ""
    )
    return (
        f"Roll-out: {counted(len(rollout.start), 'unit')} ({rollout.unit}) "
        f"{'comes' if len(rollout.start) == 1 else 'come'} under the policy one after the other and stay"
        f"{never}. Time is counted in {rollout.period}s.{out}{early}"
    )


def _arms(plan: PolicyPlan) -> str:
    if plan.experiment is None:
        return ""
    return ", ".join(f"{arm.label} (share {arm.share:g})" for arm in plan.experiment.arms)


def _assignment(plan: PolicyPlan) -> str:
    if not _randomised(plan):
        return "Not randomised."
    if plan.experiment is not None:
        within = f" within {' and '.join(plan.experiment.strata)}" if plan.experiment.strata else ""
        return f"{plan.experiment.unit or 'Applications'} were assigned to arms by chance{within}."
    strata = plan.rollout is not None and bool(plan.rollout.strata)
    return f"The order in which units change over was drawn{' within strata' if strata else ''}."


def _manipulated(plan: PolicyPlan) -> str:
    if plan.experiment is not None:
        return f"Arm of the application's {plan.experiment.unit or 'own draw'}: {_arms(plan)}."
    if plan.rollout is None:
        return ""
    starts = ", ".join(f"{unit} {day}" for unit, day in plan.rollout.start.items())
    return f"First day under the policy: {starts}."


def _collection(plan: PolicyPlan) -> str:
    columns, window = plan.columns, plan.window
    source = f"{columns.platform.capitalize()} export" if columns.platform != "custom" else "applicant-tracking table"
    return (
        f"One row for each application of an {source}, known until {window.data_end}; times of decision from "
        f"{' or '.join(columns.decided)}."
    )


def _size(plan: PolicyPlan) -> str:
    units = f", in {counted(len(plan.rollout.start), 'unit')}" if plan.rollout is not None else ""
    return f"All applications decided from {plan.window.first} to {plan.window.last}{units}; none is sampled."


def _stopping(plan: PolicyPlan) -> str:
    looks = plan.looks
    if looks.kind == "always_valid":
        return (
            "Looks at any time, by intervals that hold at all looks together (mixture sequences, tuned at the first)."
        )
    if looks.planned == 1:
        return f"One look, after {plan.window.data_end}."
    return f"{looks.planned} looks; alpha is spent over them (Lan and DeMets, as O'Brien and Fleming)."


def _measured(plan: PolicyPlan) -> str:
    return "\n".join(
        f"{m.label} ({m.role.replace('_', '-')}): {_KINDS[m.kind]}, {_from(m)}." for m in plan.in_order_of_role
    )


def _from(metric: Metric) -> str:
    per = f" per '{metric.per}'" if metric.per is not None else ""
    days = f", within {counted(metric.within_days, 'day')} of the decision" if metric.within_days is not None else ""
    who = ", of those who answered" if metric.responders_only else ""
    return f"column '{metric.column}'{per} of {_OF[metric.of]} applications{days}{who}; better is {metric.direction}"


def _models(plan: PolicyPlan) -> str:
    if plan.experiment is not None:
        main = "Differences of arms, absolute and relative, over all applications"
    elif _randomised(plan):
        main = (
            "Two-way fixed effects with randomisation inference over the order that was drawn, which decides; beside "
            "it Callaway and Sant'Anna and the imputation estimator"
        )
    else:
        main = "Callaway and Sant'Anna's estimator, which decides; beside it two-way fixed effects and imputation"
    clusters = f" Standard errors by {', then '.join(plan.clusterings)}." if plan.clusterings else ""
    held = f" Adjusted model beside it: {', '.join(plan.adjust)} held constant." if plan.adjust else ""
    delivered = " The effect of delivery on those who get it when assigned is the estimand (CACE)."
    return f"{main}.{clusters}{held}" + (delivered if plan.estimand == "CACE" else " By assignment (ITT).")


def _transformations(plan: PolicyPlan) -> str:
    used = [f"'{m.label}' by '{m.covariate}'" for m in plan.metrics if m.covariate is not None]
    return f"Variance is reduced by a column known before the decision: {'; '.join(used)}." if used else "None."


def _inference(plan: PolicyPlan) -> str:
    return (
        f"Intervals of {100 * plan.interval_level:g} %, two-sided, error rate {1 - plan.interval_level:.4g}. "
        f"{_MULTIPLICITY[plan.multiplicity]} {_stopping(plan)}{_decision(plan)}"
    )


def _decision(plan: PolicyPlan) -> str:
    rule = plan.decision
    if rule is None:
        return ""
    by = (
        "its interval and the guardrails"
        if rule.by == "interval"
        else f"its posterior: keep from a probability of benefit of {rule.ship_probability:g}, stop below "
        f"{rule.stop_probability:g}, hold where a margin is breached with {rule.breach_probability:g}"
    )
    none = f"; effects within {rule.rope:g} of 0 count as none" if rule.rope is not None else ""
    return f" The policy is kept, held, extended or stopped by '{plan.metric(rule.metric).label}', by {by}{none}."


def _exclusions(plan: PolicyPlan) -> str:
    parts = [f"Applications decided outside {plan.window.first} to {plan.window.last}, and undecided ones"]
    if plan.columns.consent is not None:
        parts.append(f"rows whose '{plan.columns.consent}' does not say {' or '.join(plan.columns.consent_values)}")
    if plan.rollout is not None and plan.rollout.washout:
        parts.append(f"the first {plan.rollout.washout} {plan.rollout.period}s under the policy")
    return "; ".join(parts) + " are left out and counted."


def _missing(plan: PolicyPlan) -> str:
    words = "An application without a value, or whose window reaches past the data, is left out of that metric alone."
    answered = any(metric.responders_only for metric in plan.metrics)
    return words + (" Metrics of those who answered come with bounds for who did not." if answered else "")


def _exploratory(plan: PolicyPlan) -> str:
    found = [f"Effects within levels of {', '.join(plan.subgroups)}."] if plan.subgroups else []
    found += [f"Adverse impact by {', '.join(plan.equity_groups)}."] if plan.equity_groups else []
    return " ".join(found) or "None."


def _other(plan: PolicyPlan) -> str:
    rule = plan.disclosure
    more = ", with further cells hidden so that none follows from totals" if rule.complementary else ""
    return f"Nothing is shown of fewer than {rule.min_cell} people; counts are rounded to {rule.round_to}{more}."


_SAID: Mapping[str, Callable[[PolicyPlan], str]] = {
    "title": lambda plan: plan.title,
    "description": lambda plan: plan.question,
    "hypotheses": _hypotheses,
    "study_type": _study_type,
    "study_design": _design,
    "conditions": lambda plan: f"{_design(plan)} {_assignment(plan)}",
    "randomisation": _assignment,
    "data_collection": _collection,
    "sample_size": _size,
    "stopping_rule": _stopping,
    "manipulated": _manipulated,
    "measured": _measured,
    "indices": lambda _: "As listed under the measured variables; nothing else is computed.",
    "models": _models,
    "transformations": _transformations,
    "inference": _inference,
    "exclusions": _exclusions,
    "missing": _missing,
    "exploratory": _exploratory,
    "other": _other,
}
