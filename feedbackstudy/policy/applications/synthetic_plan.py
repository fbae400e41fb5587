"""The plan that goes with invented applications."""

import datetime as dt
from collections.abc import Mapping

from feedbackstudy.named import Fixed, Named
from feedbackstudy.policy.declared import (
    ApplicationColumns,
    DecisionRule,
    Metric,
    PolicyPlan,
    Rollout,
    Utility,
    Window,
)

__all__ = ["synthetic_plan"]

_COLUMNS = ApplicationColumns(
    application="application_id",
    candidate="candidate_id",
    applied_at="applied_at",
    decided_at="decided_at",
    status="status",
    statuses=Fixed({"active": "active", "rejected": "rejected", "hired": "hired"}),
    site="site",
    interviewer="interviewer",
    delivered_at="feedback_sent_at",
    specific="feedback_specific",
    consent="data_protection",
)


def _metrics() -> Named[Metric]:
    return Named(
        (
            Metric(
                name="reapply_180",
                label="Applied again within 180 days",
                kind="proportion",
                column="@reapplied",
                within_days=180,
                role="primary",
                mde=0.01,
                covariate="interview_score",
            ),
            Metric(name="in_time", label="Feedback within 48 hours", kind="proportion", column="@delivered",
                   within_days=2, of="rejected", role="fidelity"),
            Metric(name="told", label="Feedback within 48 hours, of all decided", kind="proportion",
                   column="@delivered", within_days=2, role="fidelity"),
            Metric(name="answered", label="Answered the survey", kind="proportion", column="@responded:recommend",
                   role="co_primary"),
            Metric(name="cnps", label="Candidate net promoter score", kind="nps", column="recommend",
                   responders_only=True),
            Metric(name="rejection", label="Rejected", kind="proportion", column="@rejected", role="guardrail",
                   direction="decrease", margin=0.02),
            Metric(name="minutes", label="Minutes of interviewers", kind="mean", column="interviewer_minutes",
                   role="guardrail", direction="decrease", margin=10.0, unit="minutes"),
            Metric(name="complaints", label="Complaints", kind="proportion", column="complaint", role="guardrail",
                   direction="decrease", margin=0.005),
            Metric(name="hired", label="Hired", kind="proportion", column="@hired"),
        )
    )  # fmt: skip


def synthetic_plan(
    starts: Mapping[str, str], *, first: dt.date, last: dt.date, data_end: dt.date, seed: int
) -> PolicyPlan:
    """Return the plan of the 48-hour example.

    Parameters
    ----------
    starts : mapping of str to str
        Site -> first day under the policy, or ``never``.
    first, last, data_end : date
        The window, and the end of the data.
    seed : int
        Seed of permutations and draws.

    Returns
    -------
    PolicyPlan
        Roll-out in random order, primary metric re-application, guardrails on rejections, minutes and complaints.
    """
    return PolicyPlan(
        title="Feedback within 48 hours",
        question="Do rejected candidates apply again more often when specific feedback reaches them within 48 hours?",
        columns=_COLUMNS,
        window=Window(first=first.isoformat(), last=last.isoformat(), data_end=data_end.isoformat()),
        treatment=Rollout(unit="site", period="month", start=Fixed(starts), mechanism="randomised"),
        metrics=_metrics(),
        clusters=("interviewer",),
        adjust=("job_family",),
        subgroups=("job_family",),
        equity_groups=("gender", "ethnicity"),
        decision=DecisionRule(
            metric="reapply_180",
            rope=0.005,
            utility=Utility(cost_per_message=4.0, value_per_success=150.0, currency="EUR"),
        ),
        seed=seed,
    )
