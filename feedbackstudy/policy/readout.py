"""The readout of an experiment: what every arm did to every metric, with the inference that its clusters allow."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.frequentist.adjust import adjusted_for_number
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.declared import Experiment, Metric, PolicyPlan
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.guardrails import judged
from feedbackstudy.policy.inference.cell_regression import Correction, fit_cells
from feedbackstudy.policy.inference.permutation import draws_of_arms, randomisation_test
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["FEW_CLUSTERS", "SMALL", "readout"]

type Floats = NDArray[np.float64]

SMALL, FEW_CLUSTERS = 12, 50
"""Below the first randomisation inference leads; below the second leverage is corrected for (CR2)."""

_RANDOMISED = "units were assigned by chance, and one unit's arm does not touch another's applications"
_OBSERVED = "arms were not assigned by chance: the difference may be due to whatever else differs between them"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arms:
    """Sums of one metric by unit and arm, in numbers that are means of something."""

    frame: pd.DataFrame  # unit, arm, n (rows, or the denominator of a ratio), sum
    rows: int
    independent: bool
    notes: tuple[str, ...]


def readout(stats: SufficientStats, *, draws: int = 10_000) -> Effects:
    r"""Compare the arms of an experiment on every metric.

    Parameters
    ----------
    stats : SufficientStats
        Of an experiment.
    draws : int, default 10000
        Draws for randomisation inference, where a small number of units was assigned by chance.

    Returns
    -------
    Effects
        For each metric and arm: the absolute difference, the relative one, and the difference per 1,000 applications
        where the metric is a share; guardrails with their verdict; the primary metric first.

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
    leads and the model stands beside it. A declared covariate enters as CUPED (Deng et al. 2013):
    :math:`y - \theta(x - \bar x)`, :math:`\theta` pooled within arms. A ratio is linearised about each arm's ratio.
    A relative difference has the delta method's interval on the logarithm.
    """
    plan, experiment = stats.plan, stats.plan.experiment
    if experiment is None:
        raise InputError("The plan is a roll-out over time; use policy.rollouts for it, or a plan of kind: experiment.")
    rows: list[EffectEstimate] = []
    for metric in plan.in_order_of_role:
        arms = _arms(stats.of(metric.name), metric, plan)
        for arm in experiment.arms:
            if arm.name != experiment.control:
                rows += _compare(arms, metric, plan, experiment, arm=arm.name, draws=draws)
    made = stats.provenance.derived(
        "policy.readout", conventions=("means over applications; standard errors by the assigned unit",)
    )
    return Effects(rows=tuple(_adjusted(rows, plan)), title=f"Readout: {plan.title}", provenance=made)


def _arms(cells: pd.DataFrame, metric: Metric, plan: PolicyPlan) -> _Arms:
    unit = plan.clusterings[0] if plan.clusterings else None
    keys = [*([unit] if unit else []), "arm"]
    sums = cells.groupby(keys, sort=True, as_index=False)[
        [
            c
            for c in cells.columns
            if c in {"n", "sum", "sumsq", "per_sum", "per_sumsq", "cross", "x_sum", "x_sumsq", "xy"}
        ]
    ].sum()
    notes: tuple[str, ...] = ()
    rows = round(float(sums["n"].sum()))
    if metric.covariate is not None:
        sums, notes = _cuped(sums)
    frame = pd.DataFrame({"arm": sums["arm"], "n": sums["n"], "sum": sums["sum"], "sumsq": sums["sumsq"]})
    if metric.per is not None:
        frame = pd.DataFrame({"arm": sums["arm"], "n": sums["per_sum"], "sum": sums["sum"], "rows": sums["n"]})
        frame["sumsq"], frame["persq"], frame["cross"] = sums["sumsq"], sums["per_sumsq"], sums["cross"]
    frame["unit"] = sums[unit] if unit else range(len(sums))
    return _Arms(frame=frame, rows=rows, independent=unit is None, notes=notes)


def _cuped(sums: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Take off what a covariate known beforehand explains, with one slope pooled within arms."""
    arm = sums.groupby("arm")[["n", "sum", "sumsq", "x_sum", "x_sumsq", "xy"]].sum()
    within_xx = float((arm["x_sumsq"] - arm["x_sum"] ** 2 / arm["n"]).sum())
    if within_xx <= 0:
        raise DataError("The covariate does not vary within arms, so it explains nothing; take it out of the plan.")
    within_xy = float((arm["xy"] - arm["x_sum"] * arm["sum"] / arm["n"]).sum())
    within_yy = float((arm["sumsq"] - arm["sum"] ** 2 / arm["n"]).sum())
    theta = within_xy / within_xx
    centre = float(arm["x_sum"].sum() / arm["n"].sum())
    moved = sums["x_sum"] - centre * sums["n"]
    spread = sums["x_sumsq"] - 2 * centre * sums["x_sum"] + centre**2 * sums["n"]
    found = sums.assign(sum=sums["sum"] - theta * moved)
    found["sumsq"] = sums["sumsq"] - 2 * theta * (sums["xy"] - centre * sums["sum"]) + theta**2 * spread
    share = within_xy**2 / (within_xx * within_yy) if within_yy > 0 else 0.0
    return found, (f"adjusted for its covariate (CUPED), which takes off {share:.1%} of the variance within arms",)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Means:
    """Means of two arms with their covariance."""

    treated: float
    control: float
    covariance: Floats
    df: float
    words: str
    clusters: int | None


def _two_means(arms: _Arms, treated: str, control: str) -> _Means:
    frame = arms.frame[arms.frame["arm"].isin([treated, control])]
    for name in (treated, control):
        if not frame.loc[frame["arm"] == name, "n"].sum() > 0:
            raise DataError(f"Arm {name!r} holds no applications: nothing can be compared with it.")
    x = np.column_stack([frame["arm"] == name for name in (treated, control)]).astype(np.float64)
    if arms.independent:
        return _independent_means(frame, x)
    clusters = frame["unit"].nunique()
    correction: Correction = "CR2" if clusters < FEW_CLUSTERS else "CR1"
    fit = fit_cells(x, frame["n"], frame["sum"], frame["unit"].tolist(), correction=correction)
    effect = fit.effect([1.0, -1.0])
    df = "Satterthwaite's degrees of freedom" if correction == "CR2" else "clusters - 1 degrees of freedom"
    return _Means(
        treated=float(fit.beta[0]),
        control=float(fit.beta[1]),
        covariance=fit.covariance,
        df=effect.df,
        words=f"{correction} over {clusters} clusters, {df}",
        clusters=clusters,
    )


def _independent_means(frame: pd.DataFrame, x: Floats) -> _Means:
    n, total = x.T @ frame["n"].to_numpy(), x.T @ frame["sum"].to_numpy()
    mean = total / n
    square = x.T @ frame["sumsq"].to_numpy()
    if "persq" in frame:
        rows = x.T @ frame["rows"].to_numpy()
        left = square - 2 * mean * (x.T @ frame["cross"].to_numpy()) + mean**2 * (x.T @ frame["persq"].to_numpy())
        variance = left / n**2 * rows / (rows - 1)
    else:
        rows = n
        variance = (square - n * mean**2) / (n - 1) / n
    if (rows < 2).any():
        raise DataError("An arm holds a single application: nothing says how much applications differ.")
    df = float(variance.sum() ** 2 / (variance**2 / (rows - 1)).sum()) if variance.sum() > 0 else float(rows.sum() - 2)
    return _Means(
        treated=float(mean[0]),
        control=float(mean[1]),
        covariance=np.diag(variance),
        df=df,
        words="applications independent, a variance for each arm (Welch)",
        clusters=None,
    )


def _compare(
    arms: _Arms, metric: Metric, plan: PolicyPlan, experiment: Experiment, *, arm: str, draws: int
) -> list[EffectEstimate]:
    means = _two_means(arms, arm, experiment.control)
    labels = {a.name: a.label for a in experiment.arms}
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
        covariance=means.words,
        method=_METHODS.get(metric.kind, "difference of means"),
        assumptions=(_RANDOMISED if experiment.mechanism == "randomised" else _OBSERVED,),
        warnings=arms.notes,
    )
    absolute = _absolute(shared, means, metric)
    leading = _by_draws(absolute, arms, metric, experiment, arm=arm, draws=draws, seed=plan.seed)
    rows = [*leading, absolute] if leading else [absolute]
    rows[0] = replace(rows[0], decides=metric.role in {"primary", "co_primary", "guardrail"})
    rows = [judged(row, metric) if row is rows[0] else row for row in rows]
    rows.append(_relative(shared, means))
    if metric.kind == "proportion":
        rows.append(_per_thousand(rows[0]))
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


def _absolute(shared: EffectEstimate, means: _Means, metric: Metric) -> EffectEstimate:
    variance = float(means.covariance[0, 0] + means.covariance[1, 1] - 2 * means.covariance[0, 1])
    if not variance > 0:
        raise DataError(f"Metric {metric.name!r} does not vary in the arms compared: nothing can be tested.")
    se = variance**0.5
    half = float(special.stdtrit(means.df, (1 + shared.level) / 2)) * se
    p = float(2 * special.stdtr(means.df, -abs(shared.estimate / se)))
    return replace(shared, se=se, df=means.df, low=shared.estimate - half, high=shared.estimate + half, p=p)


def _relative(shared: EffectEstimate, means: _Means) -> EffectEstimate:
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


def _by_draws(
    model: EffectEstimate,
    arms: _Arms,
    metric: Metric,
    experiment: Experiment,
    *,
    arm: str,
    draws: int,
    seed: int,
) -> list[EffectEstimate]:
    """Return the randomisation test where few units were assigned by chance."""
    clusters = model.n_clusters
    if experiment.unit is None or experiment.mechanism != "randomised" or clusters is None or clusters >= SMALL:
        return []
    frame = arms.frame[arms.frame["arm"].isin([arm, experiment.control])]
    if frame["unit"].duplicated().any():
        note = "a unit appears in both arms, so no draw of whole units is tested"
        return [replace(model, warnings=(*model.warnings, note), fit_to_report=False)]
    if experiment.strata:
        note = "units were assigned within strata, which draws of whole units here would not keep: the model leads"
        return [replace(model, warnings=(*model.warnings, note))]
    total = frame["sum"].to_numpy()
    if metric.per is not None:
        total = total - model.baseline * frame["n"].to_numpy() if model.baseline is not None else total
    others, exact = draws_of_arms((frame["arm"] == arm).to_numpy(), most=draws, seed=seed)
    if len(others) < 20:
        note = f"{clusters} units allow {len(others)} draws: no test at 5 % is possible"
        return [replace(model, warnings=(*model.warnings, note), fit_to_report=False)]
    test = randomisation_test(frame["n"].to_numpy(), total, others, exact=exact, level=model.level)
    return [
        replace(
            model,
            se=None,
            df=None,
            low=test.low,
            high=test.high,
            p=test.p,
            covariance=f"randomisation over {'all ' if exact else ''}{test.draws:,} draws of {clusters} units",
        )
    ]


def _adjusted(rows: list[EffectEstimate], plan: PolicyPlan) -> list[EffectEstimate]:
    """Correct the p values of the secondary metrics for their number; the primary one decides alone."""
    chosen = [
        i for i, row in enumerate(rows) if row.role == "secondary" and row.scale == "absolute" and row.p is not None
    ]
    if plan.multiplicity == "none" or len(chosen) < 2:
        return rows
    adjusted = adjusted_for_number([rows[i].p or 0.0 for i in chosen], plan.multiplicity)
    found = list(rows)
    for i, p in zip(chosen, adjusted, strict=True):
        found[i] = replace(rows[i], p_adjusted=float(p))
    return found
