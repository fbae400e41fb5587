"""Ship, hold, extend or stop: the declared rule applied to the answers, with its reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, InputError, NotFoundError, choices
from feedbackstudy.policy.decision_value import Worth, worth_of
from feedbackstudy.policy.declared import DecisionRule, Metric, PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Numbered, Page, Rendered, Table, number, probability

__all__ = ["Action", "Belief", "Decision", "belief_of", "decide"]

type Floats = NDArray[np.float64]
type Action = Literal["ship", "hold", "extend", "stop"]

_DRAWS = 40_000
_UNFIT = "Not fit to report: something that this decision rests on failed a check; settle that before acting on it."
_MEANING: Mapping[str, str] = {
    "ship": "keep the policy and bring it everywhere",
    "hold": "go no further until what a guardrail says is settled",
    "extend": "collect more before deciding",
    "stop": "give the policy up",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """What is known of an effect, as draws on the absolute scale.

    Attributes
    ----------
    metric : str
        Name of the metric.
    draws : ndarray, shape (draws,)
        Draws of the effect.
    source : str
        Where they come from.
    fit_to_report : bool
        False where a sampler has not converged.
    """

    metric: str
    draws: Floats
    source: str
    fit_to_report: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Rendered):
    """What the declared rule says.

    Attributes
    ----------
    action : {"ship", "hold", "extend", "stop"}
        What to do.
    reasons : tuple of str
        Why, in the order in which the rule asks.
    rule : DecisionRule
        The rule.
    p_benefit : float or None
        Probability that the effect is an improvement; None for the interval rule.
    p_rope : float or None
        Probability that it is practically none.
    p_breach : mapping of str to float
        Label of a guardrail -> probability that it is worse than its margin.
    sources : mapping of str to str
        Label of a metric -> the posterior that its probabilities and the worth are taken from.
    worth : Worth or None
        What the decision is worth, where costs and values are declared.
    warnings : tuple of str
        What stands against relying on it.
    fit_to_report : bool
        False where an answer that it rests on is not.
    provenance : Provenance
        What made it.
    """

    action: Action
    reasons: tuple[str, ...]
    rule: DecisionRule
    p_benefit: float | None = None
    p_rope: float | None = None
    p_breach: Mapping[str, float]
    sources: Mapping[str, str] = field(default_factory=dict)
    worth: Worth | None = None
    warnings: tuple[str, ...] = ()
    fit_to_report: bool = True
    provenance: Provenance

    @property
    def probabilities(self) -> tuple[tuple[str, float], ...]:
        """What each probability is about, and it; empty for the interval rule."""
        found = [("probability of benefit", self.p_benefit), ("probability of no practical effect", self.p_rope)]
        found += [(f"probability that {name} breaches its margin", p) for name, p in self.p_breach.items()]
        return tuple((name, p) for name, p in found if p is not None)

    def page(self) -> Page:
        """Return the decision with its reasons.

        Returns
        -------
        Page
            Ready to render; it has not passed a disclosure rule.
        """
        facts = [("rule", f"by {self.rule.by}, declared beforehand")]
        facts += [(name, _plain(p)) for name, p in self.probabilities]
        facts += [(f"posterior of {label}", source) for label, source in self.sources.items()]
        good = self.action == "ship" and self.fit_to_report
        said = Notice(f"{self.action.capitalize()}: {_MEANING[self.action]}.", tone="good" if good else "warning")
        blocks: list[Block] = [] if self.fit_to_report else [Notice(_UNFIT, tone="error")]
        blocks += [said, Numbered(self.reasons), Facts(tuple(facts))]
        blocks += [Notice(text, tone="warning") for text in self.warnings]
        return Page(title="Decision", blocks=(*blocks, *self._worth(), self.provenance.facts()))

    def _worth(self) -> tuple[Table, ...]:
        if self.worth is None:
            return ()
        own = self.worth
        unit = f" ({own.currency})" if own.currency else ""
        head = ("worth", f"for each application{unit}", f"for all of a period{unit}")
        totals = [own.total(value) for _, value in own.values]
        lines = tuple(
            (name, number(value, 4), number(total, 0) if total is not None else "not declared")
            for (name, value), total in zip(own.values, totals, strict=True)
        )
        return (Table(head, lines),)


def belief_of(row: EffectEstimate, *, seed: int) -> Belief:
    """Turn an estimate into a belief: a flat prior, and the t distribution of its estimate.

    Parameters
    ----------
    row : EffectEstimate
        On the absolute scale, with a standard error.
    seed : int
        Seed of the draws.

    Returns
    -------
    Belief
        40,000 draws.

    Raises
    ------
    InputError
        For an estimate without a standard error, as randomisation inference gives it.
    """
    if row.se is None or row.scale != "absolute":
        raise InputError(
            f"{row.label}: a belief needs an absolute effect with a standard error, and {row.covariance or row.scale} "
            "gives none; take the model's row beside it, or a Bayesian fit."
        )
    rng = np.random.default_rng(seed)
    noise = (
        rng.standard_t(row.df, _DRAWS) if row.df is not None and np.isfinite(row.df) else rng.standard_normal(_DRAWS)
    )
    return Belief(
        metric=row.metric,
        draws=row.estimate + row.se * noise,
        source=f"flat prior: t distribution of the estimate, no sampler; {row.method}",
        fit_to_report=row.fit_to_report,
    )


def decide(
    plan: PolicyPlan,
    effects: Effects,
    *,
    beliefs: Iterable[Belief] = (),
    more: float | None = None,
    messages: float = 1.0,
) -> Decision:
    """Apply the rule that the plan declared.

    Parameters
    ----------
    plan : PolicyPlan
        With a decision rule.
    effects : Effects
        Answers about the deciding metric and all guardrails.
    beliefs : iterable of Belief, optional
        Draws of effects from a Bayesian fit; a metric without them is believed by its estimate (`sources` says so).
    more : float, optional
        Size of one more wave as a multiple of the information there is now, to value it.
    messages : float, default 1
        Messages under the policy for each application that counts.

    Returns
    -------
    Decision
        With reasons. Interval rule: a breached guardrail stops or holds; an interval above 0 with all guardrails within
        their margins ships; one below 0, or within the region of no practical effect, stops; anything else extends.
        Posterior rule: the same by probabilities.

    Raises
    ------
    InputError
        Where the plan declares no rule, or decides by the posterior of cells and none is given.
    NotFoundError
        Where there is no answer about a metric that the rule needs.
    """
    rule = plan.decision
    if rule is None:
        raise InputError("The plan declares no decision rule; a rule that is chosen after the results is no rule.")
    row = _leading(effects, rule.metric)
    guards = {m.name: judged(_leading(effects, m.name), m) for m in plan.metrics if m.role == "guardrail"}
    metric = plan.metric(rule.metric)
    warnings = [f"{r.label}: {' '.join(r.warnings)}" for r in (row, *guards.values()) if not r.fit_to_report]
    held = _beliefs(plan, rule, effects, guards, {belief.metric: belief for belief in beliefs})
    primary = held.get(rule.metric)
    p_breach: dict[str, float] = {}
    p_benefit: float | None = None
    p_rope: float | None = None
    if rule.by == "posterior" and primary is not None:
        for guard in (plan.metric(name) for name in guards):
            p_breach[guard.label] = float((guard.sign * held[guard.name].draws < -_margin(guard)).mean())
        action, reasons, p_benefit, p_rope = _by_posterior(rule, metric, primary, p_breach)
    else:
        action, reasons = _by_interval(rule, metric, row, guards)
    worth = None
    if primary is not None and rule.utility is not None:
        worth = worth_of(metric.sign * primary.draws, rule.utility, more=more, messages=messages)
    for belief in held.values():
        if not belief.fit_to_report:
            warnings.append(
                f"{plan.metric(belief.metric).label}: the posterior of {belief.source} is not fit to report"
            )
    fit = not warnings
    return Decision(
        action=action,
        reasons=reasons,
        rule=rule,
        p_benefit=p_benefit,
        p_rope=p_rope,
        p_breach=p_breach,
        sources={plan.metric(name).label: belief.source for name, belief in held.items()},
        worth=worth,
        warnings=tuple(warnings),
        fit_to_report=fit,
        provenance=(effects.provenance or Provenance(made_by="policy.decide")).derived("policy.decide"),
    )


def _draws_needed(rule: DecisionRule) -> bool:
    return rule.by == "posterior" or rule.utility is not None


def _margin(metric: Metric) -> float:
    return metric.margin if metric.margin is not None else 0.0


def _leading(effects: Effects, metric: str) -> EffectEstimate:
    rows = [row for row in effects.rows if row.metric == metric and row.scale == "absolute"]
    if not rows:
        raise NotFoundError(
            f"The rule needs an answer. {choices('Metric', metric, {row.metric for row in effects.rows})}"
        )
    if len({row.contrast for row in rows}) > 1:
        raise DataError(
            f"{metric!r} has answers about {len({row.contrast for row in rows})} arms; a rule decides about one."
        )
    return next((row for row in rows if row.decides), rows[0])


def _beliefs(
    plan: PolicyPlan,
    rule: DecisionRule,
    effects: Effects,
    guards: Mapping[str, EffectEstimate],
    known: Mapping[str, Belief],
) -> dict[str, Belief]:
    """Return a belief about the deciding metric and, where probabilities decide, about each guardrail."""
    if rule.by == "posterior" and rule.posterior == "cells" and rule.metric not in known:
        raise InputError(
            "The plan decides by the posterior of cells; fit it with policy.bayes_cells and give its belief: "
            "decide(plan, effects, beliefs=[fit.belief])."
        )
    needed = [rule.metric, *(guards if rule.by == "posterior" else ())] if _draws_needed(rule) else []
    found: dict[str, Belief] = {}
    for i, name in enumerate(needed):
        rows = [row for row in effects.rows if row.metric == name and row.scale == "absolute"]
        row = next((r for r in rows if r.se is not None), rows[0])
        found[name] = known[name] if name in known else belief_of(row, seed=plan.seed + i)
    return found


def _by_interval(
    rule: DecisionRule, metric: Metric, row: EffectEstimate, guards: Mapping[str, EffectEstimate]
) -> tuple[Action, tuple[str, ...]]:
    if row.low is None or row.high is None:
        return "extend", (f"{metric.label} has no interval.",)
    low, high = sorted((metric.sign * row.low, metric.sign * row.high))
    breached = [r.label for r in guards.values() if r.verdict == "breached"]
    open_ = [r.label for r in guards.values() if r.verdict not in {"breached", "within the margin"}]
    words = f"{metric.label}: improvement between {number(low, 4)} and {number(high, 4)} ({row.level:.0%} interval)"
    if high < 0:
        return "stop", (f"{words}: it makes matters worse.",)
    if breached:
        return "hold", (f"Guardrail breached: {', '.join(breached)}.", words + ".")
    if rule.rope is not None and -rule.rope < low and high < rule.rope:
        return "stop", (f"{words}: within plus and minus {number(rule.rope, 4)}, practically none.",)
    if low > (rule.rope or 0.0) and not open_:
        return "ship", (f"{words}: above {number(rule.rope or 0, 4)}.", "Every guardrail is within its margin.")
    if low > (rule.rope or 0.0):
        return "extend", (f"{words}: an improvement.", f"Guardrail undecided: {', '.join(open_)}.")
    return "extend", (f"{words}: neither an improvement nor none.",)


def _by_posterior(
    rule: DecisionRule, metric: Metric, belief: Belief, p_breach: Mapping[str, float]
) -> tuple[Action, tuple[str, ...], float, float | None]:
    gain = metric.sign * belief.draws
    p_benefit = float((gain > 0).mean())
    p_rope = float((np.abs(gain) < rule.rope).mean()) if rule.rope is not None else None
    words = f"P({metric.label} improves) {probability(p_benefit)}"
    over = [name for name, p in p_breach.items() if p >= rule.breach_probability]
    action: Action = "extend"
    reason = f"between {rule.stop_probability:g} and {rule.ship_probability:g}."
    if p_benefit <= rule.stop_probability:
        action, reason = "stop", f"at most {rule.stop_probability:g}."
    elif over:
        told = ", ".join(f"{name} ({_plain(p_breach[name])})" for name in over)
        return (
            "hold",
            (f"Probability of a breach at or above {rule.breach_probability:g}: {told}.", f"{words}."),
            p_benefit,
            p_rope,
        )
    elif p_rope is not None and p_rope >= rule.ship_probability:
        action, reason = "stop", f"but practically none with probability {_plain(p_rope)}."
    elif p_benefit >= rule.ship_probability:
        action, reason = "ship", f"at least {rule.ship_probability:g}, and no guardrail is likely to be breached."
    return action, (f"{words}, {reason}",), p_benefit, p_rope


def _plain(p: float) -> str:
    """Return a probability without a sign of equality, for a place that has none."""
    return probability(p).removeprefix("= ")
