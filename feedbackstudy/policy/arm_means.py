"""The means of two arms with their covariance, from sums by unit: what every readout of an experiment rests on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.policy.arm_counts import people_by_arm
from feedbackstudy.policy.declared import Experiment, Metric, PolicyPlan
from feedbackstudy.policy.effect import ArmPeople
from feedbackstudy.policy.inference.cell_regression import Correction, fit_cells

__all__ = ["FEW_CLUSTERS", "ArmSums", "Means", "design_of", "strata_of", "sums_of", "two_means"]

type Floats = NDArray[np.float64]

FEW_CLUSTERS = 50
"""Below so many clusters leverage is corrected for (CR2) unless another correction is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmSums:
    """Sums of one metric by unit and arm, in numbers that are means of something.

    Attributes
    ----------
    frame : DataFrame
        ``unit, arm, stratum, n`` (rows, or the denominator of a ratio) and ``sum``; ``k0, k1 ...`` for ratings.
    rows : int
        Applications.
    independent : bool
        Whether applications were assigned one by one.
    notes : tuple of str
        What was done to the sums.
    people : tuple of ArmPeople
        The people of every arm.
    """

    frame: pd.DataFrame
    rows: int
    independent: bool
    notes: tuple[str, ...]
    people: tuple[ArmPeople, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Means:
    """Means of two arms with their covariance.

    Attributes
    ----------
    treated, control : float
        The means; with strata those at the mix of strata of both arms together.
    covariance : ndarray, shape (2, 2)
        Of both, the treated one first.
    df : float
        Degrees of freedom of their difference.
    words : str
        How the covariance was made.
    clusters : int or None
        Clusters; None where applications are independent.
    """

    treated: float
    control: float
    covariance: Floats
    df: float
    words: str
    clusters: int | None


def sums_of(cells: pd.DataFrame, metric: Metric, plan: PolicyPlan) -> ArmSums:
    """Add the cells of a metric up to units and arms.

    Parameters
    ----------
    cells : DataFrame
        As `SufficientStats.of` gives them.
    metric : Metric
        The metric.
    plan : PolicyPlan
        Of an experiment.

    Returns
    -------
    ArmSums
        With the covariate taken off, where there is one.
    """
    unit = plan.clusterings[0] if plan.clusterings else None
    declared = _strata_columns(plan) if unit else []
    strata = [name for name in declared if name in cells.columns]
    keys = [*([unit] if unit else []), "arm", *strata]
    added = {"n", "sum", "sumsq", "per_sum", "per_sumsq", "cross", "x_sum", "x_sumsq", "xy"}
    added |= {f"k{i}" for i in range(len(metric.categories))}
    sums = cells.groupby(keys, sort=True, as_index=False)[[c for c in cells.columns if c in added]].sum()
    notes = () if strata == declared else ("these cells do not hold the strata, which are not held constant",)
    rows = round(float(sums["n"].sum()))
    if metric.covariate is not None:
        sums, adjusted = _cuped(sums)
        notes = (*notes, *adjusted)
    frame = pd.DataFrame({"arm": sums["arm"], "n": sums["n"], "sum": sums["sum"], "sumsq": sums["sumsq"]})
    if metric.per is not None:
        frame = pd.DataFrame({"arm": sums["arm"], "n": sums["per_sum"], "sum": sums["sum"], "rows": sums["n"]})
        frame["sumsq"], frame["persq"], frame["cross"] = sums["sumsq"], sums["per_sumsq"], sums["cross"]
    for name in (f"k{i}" for i in range(len(metric.categories))):
        frame[name] = sums[name]
    frame["unit"] = sums[unit] if unit else range(len(sums))
    frame["stratum"] = [" / ".join(map(str, row)) for row in sums[strata].to_numpy()] if strata else ""
    people = people_by_arm(cells, plan.experiment.control if plan.experiment is not None else "")
    return ArmSums(frame=frame, rows=rows, independent=unit is None, notes=notes, people=people)


def _strata_columns(plan: PolicyPlan) -> list[str]:
    experiment: Experiment | None = plan.experiment
    unit = plan.clusterings[0] if plan.clusterings else None
    return [name for name in (experiment.strata if experiment is not None else ()) if name not in {unit, "arm"}]


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


def strata_of(frame: pd.DataFrame) -> list[str] | None:
    """Return the stratum of each row, or None where there is one stratum only.

    Parameters
    ----------
    frame : DataFrame
        Of `ArmSums`.

    Returns
    -------
    list of str or None
        Strata.
    """
    strata = [str(name) for name in frame["stratum"]]
    return strata if len(set(strata)) > 1 else None


def design_of(frame: pd.DataFrame, arms: tuple[str, str]) -> Floats:
    """Return a column for each arm, and strata about their mean, so that the first two coefficients are means.

    Parameters
    ----------
    frame : DataFrame
        Of `ArmSums`, the two arms alone.
    arms : tuple of str
        Treated and control.

    Returns
    -------
    ndarray, shape (rows, 2 + strata - 1)
        The design.
    """
    x = np.column_stack([frame["arm"] == name for name in arms]).astype(np.float64)
    strata = strata_of(frame)
    if strata is None:
        return x
    dummies = np.column_stack([np.array(strata) == name for name in sorted(set(strata))[1:]]).astype(np.float64)
    n = frame["n"].to_numpy(dtype=np.float64)
    return np.hstack([x, dummies - n @ dummies / n.sum()])


def two_means(arms: ArmSums, treated: str, control: str, *, correction: Correction | None = None) -> Means:
    """Return the means of two arms.

    Parameters
    ----------
    arms : ArmSums
        The sums.
    treated, control : str
        Names of the arms.
    correction : {"CR0", "CR1", "CR2", "CR3"}, optional
        Correction for leverage; by default CR2 below 50 clusters and CR1 above.

    Returns
    -------
    Means
        Weighted by applications; with strata, those are held constant.

    Raises
    ------
    DataError
        For an arm without applications, or fewer than two clusters.
    """
    frame = arms.frame[arms.frame["arm"].isin([treated, control])]
    for name in (treated, control):
        if not frame.loc[frame["arm"] == name, "n"].sum() > 0:
            raise DataError(f"Arm {name!r} holds no applications: nothing can be compared with it.")
    if arms.independent:
        x = np.column_stack([frame["arm"] == name for name in (treated, control)]).astype(np.float64)
        return _independent_means(frame, x)
    clusters = frame["unit"].nunique()
    used: Correction = correction or ("CR2" if clusters < FEW_CLUSTERS else "CR1")
    x = design_of(frame, (treated, control))
    fit = fit_cells(x, frame["n"], frame["sum"], frame["unit"].tolist(), correction=used)
    effect = fit.effect([1.0, -1.0, *[0.0] * (x.shape[1] - 2)])
    df = "Satterthwaite's degrees of freedom" if used in {"CR2", "CR3"} else "clusters - 1 degrees of freedom"
    held = ", strata held constant" if x.shape[1] > 2 else ""
    return Means(
        treated=float(fit.beta[0]),
        control=float(fit.beta[1]),
        covariance=fit.covariance[:2, :2],
        df=effect.df,
        words=f"{used} over {clusters} clusters, {df}{held}",
        clusters=clusters,
    )


def _independent_means(frame: pd.DataFrame, x: Floats) -> Means:
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
    return Means(
        treated=float(mean[0]),
        control=float(mean[1]),
        covariance=np.diag(variance),
        df=df,
        words="applications independent, a variance for each arm (Welch)",
        clusters=None,
    )
