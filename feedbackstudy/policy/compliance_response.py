"""What can be said of everybody when only responders speak: response rate, worst-case bounds, trimming bounds."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
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


def trimmed_mean(values: Floats, counts: Floats, share: float, *, top: bool) -> float:
    """Return the mean after a share of answers was cut off one end.

    Parameters
    ----------
    values, counts : ndarray
        Values in rising order, and how many gave each.
    share : float
        Share cut off.
    top : bool
        Whether the highest go, or the lowest.

    Returns
    -------
    float
        The mean of the rest; a value at the cut is split.
    """
    order = np.argsort(values)[:: -1 if top else 1]
    left = counts[order].astype(float)
    cut = share * left.sum()
    gone = np.minimum(left, np.maximum(cut - np.concatenate([[0.0], np.cumsum(left)[:-1]]), 0.0))
    rest = left - gone
    return float((rest * values[order]).sum() / rest.sum())


def _lee(survey: _Survey, like: EffectEstimate) -> list[EffectEstimate]:
    groups = [[part for _, part in survey.frame.groupby("period")], [survey.frame]]
    staggered = survey.frame.groupby(survey.unit)["treated"].nunique().max() > 1
    parts = groups[0] if staggered else groups[1]
    units = sorted(set(survey.frame[survey.unit]))
    found = []
    for words, top in (("lower", True), ("upper", False)):
        estimate = _lee_bound(parts, survey.scale, top=top)
        without = [
            _lee_bound([part[part[survey.unit] != unit] for part in parts], survey.scale, top=top) for unit in units
        ]
        se = math.sqrt((len(units) - 1) / len(units) * float(((np.array(without) - np.mean(without)) ** 2).sum()))
        df = float(len(units) - 1)
        half = float(special.stdtrit(df, (1 + like.level) / 2)) * se
        found.append(
            replace(like, estimate=estimate, se=se, df=df, low=estimate - half, high=estimate + half, p=None,
                    baseline=None, method=f"bound {words}, trimmed (Lee)", warnings=(),
                    covariance=f"jackknife over {len(units)} units", decides=False,
                    assumptions=("the policy only adds, or only takes away, responders",))
        )  # fmt: skip
    return found


def _lee_bound(parts: list[pd.DataFrame], values: Floats, *, top: bool) -> float:
    """Return the bound of the effect; `top` says that the lower one is meant, for which the policy's best go."""
    names = [f"v{i}" for i in range(len(values))]
    total = weight = 0.0
    for part in parts:
        asked, answered, counts = _by_arm(part, names)
        if (answered <= 0).any():
            continue
        rate = answered / asked
        more = int(rate[1] >= rate[0])
        share = float(1 - rate[1 - more] / rate[more])
        policy = trimmed_mean(values, counts[1], share if more else 0.0, top=top)
        before = trimmed_mean(values, counts[0], 0.0 if more else share, top=not top)
        total, weight = total + answered[1] * (policy - before), weight + answered[1]
    if weight == 0:
        raise DataError("In no period did people answer both with and without the policy: nothing can be trimmed.")
    return float(total / weight)


def _by_arm(part: pd.DataFrame, names: list[str]) -> tuple[Floats, Floats, Floats]:
    """Return people asked, people who answered, and answers by value: without the policy, then with it."""
    under = part["treated"].to_numpy() == 1
    arms = [part[~under], part[under]]
    asked = np.array([arm["n"].sum() for arm in arms], dtype=np.float64)
    answered = np.array([arm["answered"].sum() for arm in arms], dtype=np.float64)
    return asked, answered, np.array([arm[names].sum().to_numpy() for arm in arms], dtype=np.float64)
