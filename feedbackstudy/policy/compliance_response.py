"""What can be said of everybody when only responders speak: response rate, worst-case bounds, trimming bounds."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.arm_counts import counts_of_cells, with_counts
from feedbackstudy.policy.compliance import is_sum, row_of
from feedbackstudy.policy.compliance_design import assigned
from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.sufficient import SufficientStats

__all__ = ["response_bounds", "trimmed_mean"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Survey:
    """Cells with everybody asked, everybody who answered, and how many gave each value."""

    frame: pd.DataFrame  # unit, period, treated, n, answered, sum, v0, v1 ...
    scale: Floats
    unit: str


def response_bounds(stats: SufficientStats, *, metric: str, response: str) -> Effects:
    """Bound the effect on a metric that is known of responders only.

    Parameters
    ----------
    stats : SufficientStats
        The statistics.
    metric : str
        A metric with ``responders_only``: a proportion, an ordered rating or a net promoter score.
    response : str
        The metric of kind proportion that says who answered.

    Returns
    -------
    Effects
        Effect on the response rate, difference among responders, worst-case bounds and trimming bounds.

    Raises
    ------
    InputError
        For a metric without smallest and largest value, or another that does not say who answered.
    DataError
        Where nobody answered in an arm.

    Notes
    -----
    Worst case (Manski 1989): those who did not answer get the smallest value in one arm and the largest in the other.
    Trimming (Lee 2009): where the policy only adds (or only takes away) responders, the arm with more of them loses its
    highest or lowest answers until shares are equal; it bounds the effect on those who answer either way. In a roll-out
    trimming compares units within periods, weighted by those who answered under the policy; errors leave out one unit
    at a time (jackknife, t on units - 1). Rows ``bound ...`` hold one bound each with its own interval.
    """
    plan = stats.plan
    survey = _survey(stats, plan.metrics[metric], plan.metrics[response])
    m, level = plan.metrics[metric], plan.interval_level
    rate = row_of(plan.metrics[response], assigned(survey.frame, plan, total="answered"),
                "assigned minus not assigned", "effect on the response rate", level)  # fmt: skip
    seen = row_of(m, assigned(survey.frame, plan, total="sum", n="answered"), rate.contrast,
                "difference among responders", level)  # fmt: skip
    warned = ("responders under the policy and before need not be alike",)
    rows = [replace(rate, decides=rate.role == "co_primary"), replace(seen, warnings=warned)]
    least, most = float(survey.scale[0]), float(survey.scale[-1])
    silent = survey.frame["n"] - survey.frame["answered"]
    under = survey.frame["treated"] == 1
    for words, (policy, before) in {"lower": (least, most), "upper": (most, least)}.items():
        filled = survey.frame.assign(filled=survey.frame["sum"] + silent * np.where(under, policy, before))
        rows.append(
            row_of(m, assigned(filled, plan, total="filled"), rate.contrast, f"bound {words}, worst case", level)
        )
    rows += _lee(survey, seen)
    spoke, asked = (counts_of_cells(stats.of(name), by="treated") for name in (metric, response))
    rows = [with_counts(row, asked) if i == 0 else with_counts(row, spoke, asked) for i, row in enumerate(rows)]
    made = stats.provenance.derived("policy.response_bounds", conventions=("bounds for who did not answer",))
    return Effects(rows=tuple(rows), title=f"Responders and everybody: {m.label}", provenance=made)


def _survey(stats: SufficientStats, metric: Metric, response: Metric) -> _Survey:
    plan = stats.plan
    if response.kind != "proportion" or response.column != f"@responded:{metric.column}":
        raise InputError(
            f"{response.name!r} does not say who answered {metric.name!r}; give a proportion of the column "
            f"'@responded:{metric.column}'."
        )
    if response.of != metric.of or not plan.clusterings:
        raise InputError("Both metrics must count the same applications ('of'), and the plan must name clusters.")
    cells, asked = stats.of(metric.name), stats.of(response.name)
    if metric.kind in {"proportion", "nps"}:
        plus = cells["sum"] if metric.kind == "proportion" else (cells["sumsq"] + cells["sum"]) / 2
        minus = cells["sumsq"] - plus if metric.kind == "nps" else None
        counts = [cells["n"] - plus, plus] if minus is None else [minus, cells["n"] - plus - minus, plus]
        values = np.array([0.0, 1.0] if minus is None else [-1.0, 0.0, 1.0])
    elif metric.kind == "ordinal":
        counts = [cells[f"k{i}"] for i in range(len(metric.categories))]
        values = np.array(metric.categories)
    else:
        raise InputError(f"Metric {metric.name!r} is a {metric.kind} without a largest value; no bounds exist.")
    unit = plan.clusterings[0]
    strata = list(plan.experiment.strata) if plan.experiment is not None else []
    keys = list(dict.fromkeys((unit, "period", "treated", *strata)))
    own = cells.assign(answered=cells["n"], **{f"v{i}": c for i, c in enumerate(counts)})
    names = ["answered", "sum", *(f"v{i}" for i in range(len(values)))]
    spoken = own.groupby(keys, observed=True)[names].sum()
    everybody = asked[[c for c in asked.columns if not is_sum(c)] + ["n"]].groupby(keys, observed=True)["n"].sum()
    frame = everybody.to_frame().join(spoken, how="left").fillna(0.0).reset_index()
    return _Survey(frame=frame, scale=values, unit=unit)


def trimmed_mean(values: Floats, counts: Floats, share: ArrayLike, *, top: bool) -> Floats:
    """Return means after a share of answers was cut off one end.

    Parameters
    ----------
    values : ndarray, shape (k,)
        Values in rising order.
    counts : ndarray, shape (..., k)
        How many gave each.
    share : array_like, shape (...)
        Share cut off.
    top : bool
        Whether the highest go, or the lowest.

    Returns
    -------
    ndarray, shape (...)
        The mean of the rest; a value at the cut is split. Of nobody it is no number.
    """
    order = np.argsort(values)[:: -1 if top else 1]
    left = np.asarray(counts, dtype=np.float64)[..., order]
    cut = np.asarray(share)[..., None] * left.sum(axis=-1, keepdims=True)
    gone = np.minimum(left, np.maximum(cut - (np.cumsum(left, axis=-1) - left), 0.0))
    rest = left - gone
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((rest * values[order]).sum(axis=-1) / rest.sum(axis=-1))


def _lee(survey: _Survey, like: EffectEstimate) -> list[EffectEstimate]:
    staggered = survey.frame.groupby(survey.unit)["treated"].nunique().max() > 1
    own = _by_unit(survey, by_period=bool(staggered))
    whole, units = own.sum(axis=0), len(own)
    found = []
    for words, top in (("lower", True), ("upper", False)):
        (estimate,) = _lee_bounds(whole[None], survey.scale, top=top)
        without = _lee_bounds(whole - own, survey.scale, top=top)
        se = math.sqrt((units - 1) / units * float(((without - without.mean()) ** 2).sum()))
        df = float(units - 1)
        half = float(special.stdtrit(df, (1 + like.level) / 2)) * se
        found.append(
            replace(like, estimate=float(estimate), se=se, df=df, low=float(estimate - half),
                    high=float(estimate + half), p=None, baseline=None, method=f"bound {words}, trimmed (Lee)",
                    warnings=(), covariance=f"jackknife over {units} units", decides=False,
                    assumptions=("the policy only adds, or only takes away, responders",))
        )  # fmt: skip
    return found


def _by_unit(survey: _Survey, *, by_period: bool) -> Floats:
    """Return counts by unit, period and arm: people asked, people who answered, answers by value; whole numbers."""
    frame = survey.frame
    names = ["n", "answered", *(f"v{i}" for i in range(len(survey.scale)))]
    _, unit = np.unique(frame[survey.unit].astype(str), return_inverse=True)
    period = np.unique(frame["period"], return_inverse=True)[1] if by_period else np.zeros(len(frame), dtype=np.intp)
    found = np.zeros((unit.max() + 1, period.max() + 1, 2, len(names)))
    np.add.at(found, (unit, period, (frame["treated"] == 1).to_numpy(dtype=np.intp)), frame[names].to_numpy(np.float64))
    return found


def _lee_bounds(cells: Floats, values: Floats, *, top: bool) -> Floats:
    """Return the bound of each table; `top` says that the lower one is meant, for which the policy's best go."""
    asked, answered, counts = cells[..., 0], cells[..., 1], cells[..., 2:]
    used = (answered > 0).all(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):  # periods in which an arm did not answer do not count
        rate = answered / asked
        more = rate[..., 1] >= rate[..., 0]
        share = 1 - np.where(more, rate[..., 0] / rate[..., 1], rate[..., 1] / rate[..., 0])
    share = np.where(used, share, 0.0)
    policy = trimmed_mean(values, counts[..., 1, :], np.where(more, share, 0.0), top=top)
    before = trimmed_mean(values, counts[..., 0, :], np.where(more, 0.0, share), top=not top)
    weight = np.where(used, answered[..., 1], 0.0)
    if (weight.sum(axis=-1) == 0).any():
        raise DataError("In no period did people answer both with and without the policy: nothing can be trimmed.")
    effects = np.where(used, policy - before, 0.0)
    return np.asarray((weight * effects).sum(axis=-1) / weight.sum(axis=-1))
