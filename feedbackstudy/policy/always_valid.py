"""Intervals that hold however often one looks, when applications come in clusters."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.readout import readout
from feedbackstudy.policy.rollouts.two_way import two_way
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["ConfidenceSequence", "always_valid", "confidence_sequence", "tuning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSequence:
    """One look at a confidence sequence.

    Attributes
    ----------
    low, high : float
        Limits that cover the effect at all looks together with probability 1 - alpha.
    p : float
        Always-valid p value: the smallest alpha whose sequence excludes 0 at this look.
    tuned_se : float
        Standard error at which the sequence is shortest; the same at every look.
    """

    low: float
    high: float
    p: float
    tuned_se: float


def confidence_sequence(
    estimate: float, se: float, *, tuned_se: float, alpha: float = 0.05, df: float = np.inf
) -> ConfidenceSequence:
    r"""Return the look of a confidence sequence at an estimate.

    Parameters
    ----------
    estimate, se : float
        The estimate and its (cluster-robust) standard error.
    tuned_se : float
        Standard error at which the sequence is to be shortest; fixed before the first look.
    alpha : float, default .05
        Error rate over all looks.
    df : float, default infinity
        Degrees of freedom of the standard error; a finite number widens by the ratio of t to normal quantile.

    Returns
    -------
    ConfidenceSequence
        Limits and always-valid p value.

    Raises
    ------
    DataError
        For a standard error, a tuning or an error rate that is none.

    Notes
    -----
    With information :math:`t = 1/se^2`, estimates at successive looks have the covariance of Brownian motion in t, also
    where the same clusters are seen again with more applications: :math:`\mathrm{Cov}(\hat\theta_s, \hat\theta_t) =
    \mathrm{Var}(\hat\theta_t)` for s < t. Robbins' normal mixture with :math:`k = t/v` gives
    :math:`se\sqrt{(1 + 1/k)\log((1 + k)/\alpha^2)}`, shortest at :math:`k^* = -1 - W_{-1}(-\alpha^2/e)`; v is
    :math:`1/(k^* se_{tuned}^2)` (Howard et al. 2021, Annals of Statistics 49, 1055-1080; Waudby-Smith et al. 2024,
    Annals of Statistics 52, 2613-2640). It is asymptotic in the number of clusters, not of applications.
    """
    if not (se > 0 and tuned_se > 0 and 0 < alpha < 1):
        raise DataError(
            f"A sequence needs standard errors above 0 and alpha in (0, 1); given {se}, {tuned_se}, {alpha}."
        )
    best = -1 - float(np.real(special.lambertw(-(alpha**2) / math.e, -1)))
    k = best * tuned_se**2 / se**2
    wide = float(special.stdtrit(df, 1 - alpha / 2) / special.ndtri(1 - alpha / 2)) if np.isfinite(df) else 1.0
    own = se * wide
    half = own * float(np.sqrt((1 + 1 / k) * np.log((1 + k) / alpha**2)))
    log_e = -0.5 * np.log1p(k) + (estimate / own) ** 2 * k / (2 * (1 + k))
    p = float(min(1.0, np.exp(-log_e)))
    return ConfidenceSequence(low=estimate - half, high=estimate + half, p=p, tuned_se=tuned_se)


def always_valid(stats: SufficientStats, metric: str | None = None, *, tuned_se: float | None = None) -> Effects:
    """Judge metrics by intervals that hold however often one looks.

    Parameters
    ----------
    stats : SufficientStats
        Of an experiment, or of a roll-out (by two-way fixed effects).
    metric : str, optional
        Name of a metric; every metric of an experiment and the primary one of a roll-out by default.
    tuned_se : float, optional
        Standard error at which the sequence is shortest, as an earlier look said it. By default that of
        ``looks.tuned_se`` in the plan, where a ledger of looks puts what the first look fixed; without one, that which
        ``looks.tuned_for`` units will have, reckoned from the units seen now.

    Returns
    -------
    Effects
        Absolute differences with always-valid limits and p values.

    Raises
    ------
    InputError
        Where the plan does not declare always-valid looks, or a tuning is given for several metrics at once.
    """
    plan = stats.plan
    if plan.looks.kind != "always_valid":
        raise InputError(
            "The plan declares fixed looks, and an interval that may be looked at any time must be chosen beforehand; "
            "declare looks: kind: always_valid."
        )
    found = _found(stats, metric)
    rows = [row for row in found if row.scale == "absolute" and row.se is not None]
    if tuned_se is not None and len({row.metric for row in rows}) > 1:
        raise InputError("A tuned standard error belongs to one metric; name it.")
    own = []
    for row in rows:
        fixed = tuned_se if tuned_se is not None else plan.looks.tuned_se.get(row.metric)
        tuned, words = (fixed, "as fixed before this look") if fixed is not None else _own_tuning(row, plan)
        made = _sequence(row, tuned, words, first=_leads(row, found))
        own.append(judged(made, plan.metric(row.metric)))
    origin = stats.provenance.derived(
        "policy.always_valid", conventions=("normal mixture in information time, asymptotic in clusters",)
    )
    return Effects(rows=tuple(own), title=f"Always-valid intervals: {plan.title}", provenance=origin)


def tuning(stats: SufficientStats) -> dict[str, float]:
    """Return the standard error at which each metric's sequence is to be shortest, reckoned from the data now.

    Parameters
    ----------
    stats : SufficientStats
        What the first look sees.

    Returns
    -------
    dict
        Metric -> standard error, of its first comparison; the same at every later look, or the sequence does not hold.
    """
    names = [metric.name for metric in stats.plan.metrics] if stats.plan.rollout is not None else [None]
    rows = [row for name in names for row in _found(stats, name)]
    known: dict[str, float] = {}
    for row in rows:
        if row.scale == "absolute" and row.se is not None and row.se > 0:
            known.setdefault(row.metric, _own_tuning(row, stats.plan)[0])
    return known


def _found(stats: SufficientStats, metric: str | None) -> tuple[EffectEstimate, ...]:
    if stats.plan.rollout is not None:
        return two_way(stats, metric).rows[:1]
    return tuple(row for row in readout(stats, draws=1000).rows if metric in (None, row.metric))


def _own_tuning(row: EffectEstimate, plan: PolicyPlan) -> tuple[float, str]:
    units = row.n_clusters or row.n
    tuned = (row.se or 0.0) * (units / (plan.looks.tuned_for or units)) ** 0.5
    return tuned, f"reckoned from these data: give tuned_se={tuned:.6g} at every later look, or take looks by a ledger"


def _leads(row: EffectEstimate, rows: tuple[EffectEstimate, ...]) -> bool:
    return any(r.decides for r in rows if (r.metric, r.contrast) == (row.metric, row.contrast)) or row.role == "primary"


def _sequence(row: EffectEstimate, tuned: float, words: str, *, first: bool) -> EffectEstimate:
    units, se = row.n_clusters or row.n, row.se or 0.0
    found = confidence_sequence(row.estimate, se, tuned_se=tuned, alpha=1 - row.level, df=row.df or np.inf)
    notes = [f"shortest at a standard error of {tuned:.6g}, {words}"]
    if units < 40:
        notes.append(
            f"{units} units: the sequence is asymptotic in units, and so few are below where that is known to hold"
        )
    return replace(
        row,
        low=found.low,
        high=found.high,
        p=found.p,
        decides=first,
        verdict="",
        method=f"{row.method}; always-valid",
        warnings=(*row.warnings, *notes),
    )
