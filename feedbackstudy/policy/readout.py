"""The readout of an experiment: what every arm did to every metric, with the inference that its clusters allow."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import special

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.arm_counts import fewest_of
from feedbackstudy.policy.arm_means import FEW_CLUSTERS, ArmSums, Means, sums_of, two_means
from feedbackstudy.policy.declared import Experiment, Metric, PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.families import adjusted_family
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.inference.cell_regression import Correction
from feedbackstudy.policy.ordinal import ordinal_rows
from feedbackstudy.policy.readout_draws import SMALL, tested_by_draws
from feedbackstudy.policy.selection import with_selection
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["FEW_CLUSTERS", "SMALL", "readout"]

_RANDOMISED = "units were assigned by chance, and one unit's arm does not touch another's applications"
_OBSERVED = "arms were not assigned by chance: the difference may be due to whatever else differs between them"


def readout(stats: SufficientStats, *, draws: int = 10_000, correction: Correction | None = None) -> Effects:
    r"""Compare the arms of an experiment on every metric.

    Parameters
    ----------
    stats : SufficientStats
        Of an experiment.
    draws : int, default 10000
        Draws for randomisation inference, where a small number of units was assigned by chance.
    correction : {"CR0", "CR1", "CR2", "CR3"}, optional
        Correction of clustered errors for leverage; by default CR2 below 50 clusters and CR1 above.

    Returns
    -------
    Effects
        For each metric and arm: the absolute difference, the relative one, and the difference per 1,000 applications
        where the metric is a share; of ordered ratings also the probability of superiority and the proportional odds
        ratio, beside the difference of means in whose unit margins are declared; guardrails with their verdict; the
        primary metric first.

    Raises
    ------
    InputError
        Where the plan is a roll-out.
    DataError
        For an arm without applications, or a single cluster.

    Notes
    -----
    Means over applications; standard errors by clusters of the assigned unit: CR2 with Satterthwaite's degrees of
    freedom below 50 clusters, CR1 on clusters - 1 above; below 12 clusters that chance assigned, the randomisation test
    leads and the model stands beside it. Strata of units are kept by every draw and held constant by both. A declared
    covariate enters as CUPED (Deng et al. 2013): :math:`y - \theta(x - \bar x)`, :math:`\theta` pooled within arms. A
    ratio is linearised about each arm's ratio. A relative difference has the delta method's interval on the logarithm.
    """
    plan, experiment = stats.plan, stats.plan.experiment
    if experiment is None:
        raise InputError(
            "The plan is a roll-out over time; use policy.read_rollout for it, or a plan of kind: experiment."
        )
    rows: list[EffectEstimate] = []
    for metric in plan.in_order_of_role:
        arms = sums_of(stats.of(metric.name), metric, plan)
        for arm in experiment.arms:
            if arm.name != experiment.control:
                rows += _compare(arms, metric, plan, experiment, arm=arm.name, draws=draws, correction=correction)
    made = stats.provenance.derived(
        "policy.readout", conventions=("means over applications; standard errors by the assigned unit",)
    )
    return Effects(
        rows=tuple(with_selection(adjusted_family(rows, plan), plan)), title=f"Readout: {plan.title}", provenance=made
    )


def _compare(
    arms: ArmSums,
    metric: Metric,
    plan: PolicyPlan,
    experiment: Experiment,
    *,
    arm: str,
    draws: int,
    correction: Correction | None,
) -> list[EffectEstimate]:
    means = two_means(arms, arm, experiment.control, correction=correction)
    labels = {a.name: a.label for a in experiment.arms}
    behind = fewest_of(arms.people, (arm, experiment.control))
    shared = EffectEstimate(
        metric=metric.name,
        label=metric.label,
        role=metric.role,
        contrast=f"{labels[arm]} minus {labels[experiment.control]}",
        scale="absolute",
        estimate=means.treated - means.control,
        level=plan.interval_level,
        baseline=means.control,
        n=arms.rows,
        n_clusters=means.clusters,
        smallest_arm=behind.smallest_arm,
        fewest=behind.fewest,
        arms=arms.people,
        compared=(arm, experiment.control),
        covariance=means.words,
        method=_METHODS.get(metric.kind, "difference of means"),
        assumptions=(_RANDOMISED if experiment.mechanism == "randomised" else _OBSERVED,),
        warnings=arms.notes,
    )
    absolute = _absolute(shared, means, metric)
    frame = arms.frame[arms.frame["arm"].isin([arm, experiment.control])]
    total = frame["sum"].to_numpy() - (means.control * frame["n"].to_numpy() if metric.per is not None else 0.0)
    rows = tested_by_draws(absolute, frame, total, experiment, arm=arm, draws=draws, seed=plan.seed)
    rows[0] = judged(replace(rows[0], decides=metric.role in {"primary", "co_primary", "guardrail"}), metric)
    rows.append(_relative(shared, means))
    if metric.kind == "proportion":
        rows.append(_per_thousand(rows[0]))
    if metric.kind == "ordinal":
        rows += ordinal_rows(
            arms, metric, shared, experiment, arm=arm, draws=draws, seed=plan.seed, correction=correction
        )
    return rows


_METHODS: Mapping[str, str] = {
    "proportion": "difference of shares",
    "mean": "difference of means",
    "ratio": "difference of ratios (delta method)",
    "ordinal": "difference of mean ratings",
    "nps": "difference of net promoter scores",
}


def _per_thousand(row: EffectEstimate) -> EffectEstimate:
    def scaled(value: float | None) -> float | None:
        return None if value is None else 1000 * value

    return replace(
        row,
        scale="per_1000",
        estimate=1000 * row.estimate,
        se=scaled(row.se),
        low=scaled(row.low),
        high=scaled(row.high),
        baseline=scaled(row.baseline),
        decides=False,
        verdict="",
    )


def _absolute(shared: EffectEstimate, means: Means, metric: Metric) -> EffectEstimate:
    variance = float(means.covariance[0, 0] + means.covariance[1, 1] - 2 * means.covariance[0, 1])
    if not variance > 0:
        raise DataError(f"Metric {metric.name!r} does not vary in the arms compared: nothing can be tested.")
    se = variance**0.5
    half = float(special.stdtrit(means.df, (1 + shared.level) / 2)) * se
    p = float(2 * special.stdtr(means.df, -abs(shared.estimate / se)))
    return replace(shared, se=se, df=means.df, low=shared.estimate - half, high=shared.estimate + half, p=p)


def _relative(shared: EffectEstimate, means: Means) -> EffectEstimate:
    words = "relative difference, delta method on the logarithm"
    if means.treated <= 0 or means.control <= 0:
        note = "a relative difference needs two means above 0"
        unusable = replace(shared, estimate=float("nan"), fit_to_report=False, warnings=(*shared.warnings, note))
        return replace(unusable, scale="relative", method=words)
    slope = np.array([1 / means.treated, -1 / means.control])
    se = float(np.sqrt(slope @ means.covariance @ slope))
    log_ratio = float(np.log(means.treated / means.control))
    quantile = float(special.stdtrit(means.df, (1 + shared.level) / 2))
    notes = ["the standard error is that of the logarithm of the ratio"]
    near_zero = bool(np.any(quantile * np.sqrt(np.diagonal(means.covariance)) >= (means.treated, means.control)))
    if near_zero:
        notes.append("a mean whose interval reaches 0 gives no ratio to lean on: read the absolute difference")
    with np.errstate(over="ignore"):  # a limit beyond the largest number is shown as infinite
        limits = np.expm1([log_ratio, log_ratio - quantile * se, log_ratio + quantile * se])
    return replace(
        shared,
        scale="relative",
        estimate=float(limits[0]), se=se, df=means.df, low=float(limits[1]), high=float(limits[2]),
        p=float(2 * special.stdtr(means.df, -abs(log_ratio / se))),
        method=words,
        warnings=(*shared.warnings, *notes),
        fit_to_report=shared.fit_to_report and not near_zero,
    )  # fmt: skip
