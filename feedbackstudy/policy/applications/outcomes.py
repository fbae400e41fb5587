"""Outcomes of an application: windows, censoring, the next application of the same candidate, delivery."""

from typing import Any

from feedbackstudy.policy.applications.deriving import DERIVED, moments
from feedbackstudy.policy.applications.opening import DAY
from feedbackstudy.policy.declared import Metric, PolicyPlan

__all__ = ["counts_for", "outcomes", "value_of"]

type Frame = Any
type Expression = Any

_AS_DECIDED = {"decided": ("rejected", "hired"), "rejected": ("rejected",), "hired": ("hired",)}


def outcomes(frame: Frame, plan: PolicyPlan) -> Frame:
    """Add each metric's numbers, null where the application does not count for it.

    Parameters
    ----------
    frame : Narwhals frame
        As derived; all applications, so that later ones of the same candidate are seen.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Narwhals frame
        With ``m_<name>``, and ``m_<name>_per`` and ``m_<name>_x`` where declared.
    """
    import narwhals as nw

    if any(metric.column == "@reapplied" for metric in plan.metrics):
        frame = _with_next(frame)
    new = []
    for metric in plan.metrics:
        fits = counts_for(metric, plan)
        new.append(nw.when(fits).then(value_of(metric)).alias(f"m_{metric.name}"))
        new += [
            nw.when(fits).then(nw.col(f"x_{metric.name}{end}")).alias(f"m_{metric.name}{end}")
            for column, end in ((metric.per, "_per"), (metric.covariate, "_x"))
            if column is not None
        ]
    return frame.with_columns(*new)


def counts_for(metric: Metric, plan: PolicyPlan) -> Expression:
    """Return whether an application counts for a metric: its kind of decision, and a window that has passed.

    Parameters
    ----------
    metric : Metric
        The metric.
    plan : PolicyPlan
        The plan.

    Returns
    -------
    Narwhals expression
        A truth value.
    """
    import narwhals as nw

    states = _AS_DECIDED.get(metric.of)
    fits = nw.lit(value=True) if states is None else nw.col("fs_state").is_in(list(states))
    if metric.within_days is not None:
        fits = fits & (nw.col("fs_when") + metric.within_days * DAY <= moments(plan)[2])
    return fits


def _with_next(frame: Frame) -> Frame:
    """Add the moment of the candidate's next application after the decision, infinite where there is none."""
    import narwhals as nw

    never = 1e18
    known = frame.filter(~nw.col("fs_candidate").is_null() & ~nw.col("fs_decided").is_null())
    # Half a microsecond puts a decision behind an application of the same moment, in one sort key.
    ends = known.select("fs_id", "fs_candidate", (nw.col("fs_decided") + 0.5).alias("fs_at"), fs_begins=nw.lit(never))
    begins = frame.filter(~nw.col("fs_candidate").is_null()).select(
        "fs_id", "fs_candidate", nw.col("fs_applied").alias("fs_at"), nw.col("fs_applied").alias("fs_begins")
    )
    stream = nw.concat([ends.with_columns(fs_end=nw.lit(1.0)), begins.with_columns(fs_end=nw.lit(0.0))])
    later = nw.col("fs_begins").cum_min(reverse=True).over("fs_candidate", order_by="fs_at")
    found = stream.with_columns(later.alias("fs_next")).filter(nw.col("fs_end") == 1.0).select("fs_id", "fs_next")
    return frame.join(found, on="fs_id", how="left")


def value_of(metric: Metric) -> Expression:
    """Return the number of a metric, of applications that count for it.

    Parameters
    ----------
    metric : Metric
        The metric.

    Returns
    -------
    Narwhals expression
        A number; null where it is not known.
    """
    import narwhals as nw

    raw = nw.col(f"x_{metric.name}")
    if metric.kind == "nps":
        top = nw.when(raw >= 9).then(nw.lit(1.0)).otherwise(nw.when(raw <= 6).then(nw.lit(-1.0)).otherwise(nw.lit(0.0)))
        return nw.when(~raw.is_null()).then(top)
    if metric.kind == "time_to_event":
        most = float(metric.within_days or 0)
        days = (raw - nw.col("fs_when")) / DAY
        return nw.when((days <= most).fill_null(value=False)).then(days).otherwise(nw.lit(most))
    return _of_derived(metric) if metric.column in DERIVED else raw


def _of_derived(metric: Metric) -> Expression:
    import narwhals as nw

    def flag(truth: Expression) -> Expression:
        return nw.when(truth.fill_null(value=False)).then(nw.lit(1.0)).otherwise(nw.lit(0.0))

    within = 1e18 if metric.within_days is None else metric.within_days * DAY
    if metric.column in {"@rejected", "@hired"}:
        return flag(nw.col("fs_state") == metric.column[1:])
    if metric.column == "@days_to_decision":
        return (nw.col("fs_decided") - nw.col("fs_applied")) / DAY
    if metric.column == "@reapplied":
        return nw.when(~nw.col("fs_candidate").is_null()).then(flag(nw.col("fs_next") - nw.col("fs_decided") <= within))
    late = nw.col("fs_delivered") - nw.col("fs_decided")
    if metric.column == "@hours_to_delivery":
        return late / (DAY / 24)
    sent = late <= within
    return flag(sent if metric.column == "@delivered" else sent & (nw.col("fs_specific") == 1.0))
