"""What follows from an application's columns: its state, its period, its treatment."""

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.policy.applications.opening import DAY, Wanted
from feedbackstudy.policy.declared import Metric, PolicyPlan
from feedbackstudy.policy.declared.treatment import period_number

__all__ = ["DERIVED", "RESPONDED", "derived", "factors_of", "moments", "periods_of", "wanted_of"]

type Frame = Any
type Expression = Any

RESPONDED = "@responded:"
DERIVED = {
    "@rejected": "1 where the application was rejected",
    "@hired": "1 where it ended in a hire",
    "@days_to_decision": "days from application to decision",
    "@delivered": "1 where feedback was sent within the metric's days (at all, where it names none)",
    "@specific": "1 where feedback was sent that named behaviour",
    "@hours_to_delivery": "hours from decision to feedback, of those who got any",
    "@reapplied": "1 where the candidate applied again within the metric's days",
}
"""Columns that a metric may name though no table has them; ``@responded:<column>`` is 1 where it has a value."""


def moments(plan: PolicyPlan) -> tuple[float, float, float]:
    """Return the window's first moment, its end, and the end of the data.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.

    Returns
    -------
    tuple of float
        Microseconds of the wall clock; ends are the midnight after the last day.
    """
    first, last, end = (dt.date.fromisoformat(d) for d in (plan.window.first, plan.window.last, plan.window.data_end))
    return _moment(first), _moment(last) + DAY, _moment(end) + DAY


def _moment(day: dt.date) -> float:
    return (day - dt.date(1970, 1, 1)).days * DAY


def periods_of(plan: PolicyPlan) -> dict[int, float]:
    """Return the periods of the window.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.

    Returns
    -------
    dict
        Number of the period (as `period_number` counts; months where there is no roll-out) -> its first moment, the
        window's start for the first.
    """
    steps = plan.rollout.period if plan.rollout is not None else "month"
    day, last = dt.date.fromisoformat(plan.window.first), dt.date.fromisoformat(plan.window.last)
    found: dict[int, float] = {}
    while day <= last:
        found.setdefault(period_number(day, steps), _moment(day))
        day += dt.timedelta(days=1)
    return found


def factors_of(plan: PolicyPlan) -> tuple[str, ...]:
    """Return the columns that are grouped by, each once.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.

    Returns
    -------
    tuple of str
        Clusters, strata, adjustment, subgroups and groups for adverse impact.

    Raises
    ------
    DeclarationError
        Where a name is one that the prepared table gives itself.
    """
    strata = plan.experiment.strata if plan.experiment is not None else ()
    names = tuple(dict.fromkeys((*plan.clusterings, *strata, *plan.adjust, *plan.subgroups, *plan.equity_groups)))
    own = {"period", "arm", "treated"} | {f"m_{m.name}{end}" for m in plan.metrics for end in ("", "_per", "_x")}
    taken = sorted(own & set(names))
    if taken:
        raise DeclarationError(
            f"The plan groups by a column {taken[0]!r}, which is a name of the prepared table; rename the column."
        )
    return names


def wanted_of(plan: PolicyPlan) -> tuple[Wanted, ...]:
    """Return the columns that a plan needs.

    Parameters
    ----------
    plan : PolicyPlan
        The plan.

    Returns
    -------
    tuple of Wanted
        For `opened`.
    """
    columns = plan.columns
    found = [
        Wanted("fs_id", (columns.application,), "name"),
        Wanted("fs_applied", (columns.applied_at,), "time"),
        Wanted("fs_decided", columns.decided, "time"),
        Wanted("fs_status", (columns.status,), "name"),
    ]
    optional = (
        ("fs_candidate", columns.candidate, "name"),
        ("fs_consent", columns.consent, "name"),
        ("fs_delivered", columns.delivered_at, "time"),
        ("fs_specific", columns.specific, "number"),
        ("fs_arm", plan.experiment.column if plan.experiment is not None else None, "name"),
    )
    found += [Wanted(alias, (name,), form) for alias, name, form in optional if name is not None]  # type: ignore[arg-type]
    found += [Wanted(name, (name,), "name") for name in factors_of(plan)]
    for metric in plan.metrics:
        found += _of_metric(metric, plan)
    return tuple(found)


def _of_metric(metric: Metric, plan: PolicyPlan) -> Iterator[Wanted]:
    for column, end in ((metric.column, ""), (metric.per, "_per"), (metric.covariate, "_x")):
        alias = f"x_{metric.name}{end}"
        if column is None:
            continue
        if column.startswith(RESPONDED):
            yield Wanted(alias, (column.removeprefix(RESPONDED),), "present")
        elif column.startswith("@"):
            _possible(metric, column, plan)
        else:
            timed = metric.kind == "time_to_event" and not end
            yield Wanted(alias, (column,), "time" if timed else "number")
    if metric.kind == "time_to_event" and metric.within_days is None:
        raise DeclarationError(
            f"Metric {metric.name!r} is a time to an event and names no 'within_days': without a window only those are "
            "counted to whom it happened."
        )


def _possible(metric: Metric, column: str, plan: PolicyPlan) -> None:
    """Refuse a derived column that does not exist, or whose sources the plan does not name."""
    if column not in DERIVED:
        raise DeclarationError(choices(f"Metric {metric.name!r}: derived column", column, DERIVED))
    needs = {"@delivered": "delivered_at", "@specific": "specific", "@hours_to_delivery": "delivered_at"}
    needs["@reapplied"] = "candidate"
    key = needs.get(column)
    if key is not None and getattr(plan.columns, key) is None:
        raise DeclarationError(f"Metric {metric.name!r} uses {column}, so the plan's columns must name {key!r}.")
    if column == "@reapplied" and metric.within_days is None:
        raise DeclarationError(f"Metric {metric.name!r} uses @reapplied and names no 'within_days'.")


def derived(frame: Frame, plan: PolicyPlan) -> Frame:
    """Add state, consent, moment, window, period, arm and treatment to every row.

    Parameters
    ----------
    frame : Narwhals frame
        As opened.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Narwhals frame
        With ``fs_state``, ``fs_agreed``, ``fs_when``, ``fs_inside``, ``period``, ``arm``, ``treated``; no row is lost.
    """
    import narwhals as nw

    status = nw.col("fs_status")
    state = _mapped(status, plan.columns.statuses)
    if plan.columns.null_status is not None:
        state = nw.when(status.is_null()).then(nw.lit(plan.columns.null_status)).otherwise(state)
    agreed = nw.lit(value=True)
    if plan.columns.consent is not None:
        yes = [value.lower() for value in plan.columns.consent_values]
        agreed = nw.col("fs_consent").str.to_lowercase().is_in(yes).fill_null(value=False)
    undecided = any(metric.of == "applied" for metric in plan.metrics)
    when = nw.coalesce("fs_decided", "fs_applied") if undecided else nw.col("fs_decided")
    frame = frame.with_columns(state.alias("fs_state"), agreed.alias("fs_agreed"),
                               when.alias("fs_when"))  # fmt: skip
    first, end, _ = moments(plan)
    counted = ["rejected", "hired", *(["active", "withdrawn"] if undecided else [])]
    inside = (nw.col("fs_when") >= first) & (nw.col("fs_when") < end)
    frame = frame.with_columns(
        inside.fill_null(value=False).alias("fs_inside"),
        nw.col("fs_state").is_in(counted).fill_null(value=False).alias("fs_counts"),
        _period(plan).alias("period"),
    )
    return _treated(frame, plan)


def _mapped(value: Expression, words: Mapping[str, str]) -> Expression:
    """Return text for text, null for what is not listed."""
    import narwhals as nw

    groups: dict[str, list[str]] = {}
    for given, meant in words.items():
        groups.setdefault(meant, []).append(given)
    found = nw.lit(None, nw.String)
    for meant, given_all in groups.items():
        found = nw.when(value.is_in(given_all)).then(nw.lit(meant)).otherwise(found)
    return found


def _period(plan: PolicyPlan) -> Expression:
    """Return the number of the period: the window's first, and one for each beginning that has passed."""
    import narwhals as nw

    numbers = periods_of(plan)
    beginnings = list(numbers.values())[1:]
    passed = [(nw.col("fs_when") >= begin).cast(nw.Int64) for begin in beginnings]
    return reduce(lambda a, b: a + b, passed, nw.lit(next(iter(numbers)), nw.Int64))


def _treated(frame: Frame, plan: PolicyPlan) -> Frame:
    import narwhals as nw

    rollout, experiment = plan.rollout, plan.experiment
    if experiment is not None:
        arm = _mapped(nw.col("fs_arm"), {a.code: a.name for a in experiment.arms})
        frame = frame.with_columns(arm.alias("arm"), nw.lit(value=False).alias("fs_washout"))
        treated = nw.when(~nw.col("arm").is_null()).then((nw.col("arm") != experiment.control).cast(nw.Float64))
        return frame.with_columns(treated.alias("treated"))
    if rollout is None:
        raise DeclarationError("The plan has neither an experiment nor a roll-out.")
    by_start: dict[int, list[str]] = {}
    for unit in rollout.start:
        by_start.setdefault(rollout.first_period(unit) or 10**9, []).append(unit)
    start = nw.lit(None, nw.Float64)
    for number, units in by_start.items():
        start = nw.when(nw.col(rollout.unit).is_in(units)).then(nw.lit(float(number), nw.Float64)).otherwise(start)
    since = nw.col("period") - start
    washout = ((since >= 0) & (since < rollout.washout)).fill_null(value=False)
    frame = frame.with_columns(since.alias("fs_since"), washout.alias("fs_washout"))
    on = nw.col("fs_since") >= 0
    known = ~nw.col("fs_since").is_null()
    frame = frame.with_columns(nw.when(known).then(on.cast(nw.Float64)).alias("treated"))
    arm = nw.when(nw.col("treated") == 1.0).then(nw.lit("policy"))
    arm = arm.otherwise(nw.when(nw.col("treated") == 0.0).then(nw.lit("before")))
    return frame.with_columns(arm.alias("arm"))
