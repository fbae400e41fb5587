"""A policy plan is strict, speaks of what it refuses, and survives its file."""

import datetime as dt
from itertools import pairwise

import pytest

from feedbackstudy.errors import DeclarationError
from feedbackstudy.policy.declared import ApplicationColumns, Experiment, Metric, PolicyArm, PolicyPlan, Rollout
from feedbackstudy.policy.declared.treatment import period_number

PLAN = """\
schema_version: 1
title: Feedback within 48 hours
columns:
  application: application_id
  candidate: candidate_id
  applied_at: applied_at
  decided_at: decided_at
  status: status
  statuses: {Rejected: rejected, Hired: hired, Active: active}
  site: site
window: {first: 2026-01-01, last: 2026-06-30, data_end: 2026-12-31}
treatment:
  kind: rollout
  unit: site
  start: {north: "2026-02-01", south: "2026-04-01", west: never}
  mechanism: randomised
metrics:
  - {name: reapply, label: Applies again, kind: proportion, column: reapplied, role: primary, within_days: 180}
  - {name: minutes, label: Minutes, kind: mean, column: minutes, role: guardrail, direction: decrease, margin: 5.0}
clusters: [interviewer]
"""


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.replace("2026-01-01,", '"2026-01-01",').replace("2026-06-30,", '"2026-06-30",').replace(
        "2026-12-31}", '"2026-12-31"}'))  # fmt: skip
    return PolicyPlan.load(path)


def test_a_plan_survives_its_file(plan, tmp_path):
    again = PolicyPlan.load(plan.save(tmp_path / "again.yaml"))
    assert again == plan
    assert again.digest() == plan.digest()
    assert plan.primary.name == "reapply"
    assert plan.clusterings == ("site", "interviewer")
    assert plan.rollout.never == ("west",)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("role: primary", "role: secondary", "exactly one metric is primary"),
        ("margin: 5.0", "mde: 5.0", "needs a 'margin'"),
        ("margin: 5.0", "margin: -1.0", "give its size"),
        ('north: "2026-02-01"', 'north: "1 Feb"', "write a date as"),
        ("Rejected: rejected, ", "", "no status means rejected"),
        ("unit: site", "unitt: site", "Did you mean 'unit'"),
        ('first: "2026-01-01"', 'first: "2026-07-01"', "runs backwards"),
    ],
)
def test_what_contradicts_itself_is_refused(plan, tmp_path, old, new, says):
    path = plan.save(tmp_path / "bad.yaml")
    text = PLAN.replace("2026-01-01,", '"2026-01-01",').replace("2026-06-30,", '"2026-06-30",')
    text = text.replace("2026-12-31}", '"2026-12-31"}')
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DeclarationError, match=says):
        PolicyPlan.load(path)


def test_experiments_and_metrics_say_what_they_lack():
    arm = PolicyArm(name="a", label="A", code="A")
    with pytest.raises(DeclarationError, match="at least two arms"):
        Experiment(column="arm", arms=(arm,), control="a")
    other = PolicyArm(name="b", label="B", code="A")
    with pytest.raises(DeclarationError, match="same code"):
        Experiment(column="arm", arms=(arm, other), control="a")
    with pytest.raises(DeclarationError, match="is no arm"):
        Experiment(column="arm", arms=(arm, PolicyArm(name="b", label="B", code="B")), control="c")
    with pytest.raises(DeclarationError, match="denominator of a ratio"):
        Metric(name="m", label="M", kind="ratio", column="x")
    with pytest.raises(DeclarationError, match="must rise"):
        Metric(name="m", label="M", kind="ordinal", column="x", categories=(2.0, 1.0))


def test_a_platform_fills_what_is_not_given(plan, tmp_path):
    green = ApplicationColumns.from_data({"platform": "greenhouse", "site": "office"})
    assert (green.application, green.decided, green.null_status) == ("id", ("rejected_at", "hired_at"), None)
    own = ApplicationColumns.from_data({"platform": "greenhouse", "decided_at": "closed_at", "candidate": None})
    lever = {"platform": "lever", "statuses": {"Underqualified": "rejected", "Hired": "hired"}}
    archive = ApplicationColumns.from_data(lever)
    assert (archive.decided, archive.null_status) == (("archived_at",), "active")
    strict = ApplicationColumns.from_data({**lever, "null_status": None})
    for columns in (green, own, archive, strict):
        again = PolicyPlan.load(plan.model_copy(update={"columns": columns}).save(tmp_path / "plan.yaml"))
        assert again.columns == columns
        assert ApplicationColumns.from_data(columns.model_dump(mode="json")) == columns
    assert own.decided == ("closed_at",)
    assert own.candidate is None
    assert strict.null_status is None
    with pytest.raises(DeclarationError, match="name one of them"):
        ApplicationColumns.from_data({**lever, "decided_from": ["a"], "decided_at": "b"})
    with pytest.raises(DeclarationError, match="statuses"):
        ApplicationColumns.from_data({"platform": "lever"})
    with pytest.raises(DeclarationError, match="belongs to a mean or a ratio"):
        Metric(name="m", label="M", kind="proportion", column="x", may_be_negative=True)


def test_periods_are_counted_without_gaps():
    days = [dt.date(2025, 12, 1) + dt.timedelta(days=i) for i in range(120)]
    for period, length in (("week", 7), ("month", 31), ("quarter", 92)):
        numbers = [period_number(day, period) for day in days]
        steps = {b - a for a, b in pairwise(numbers)}
        assert steps <= {0, 1}
        assert max(numbers.count(n) for n in set(numbers)) <= length
    rollout = Rollout(unit="site", start={"a": "2026-01-15", "b": "never"})
    assert rollout.first_period("a") == period_number(dt.date(2026, 1, 1), "month")
    assert rollout.first_period("b") is None
