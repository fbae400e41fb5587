"""Declared starts that the table does not bear out are named; starts that it does are not."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.policy.applications import ApplicationTable, compress
from feedbackstudy.policy.assembling import assemble
from feedbackstudy.policy.declared import Experiment, Metric, PolicyArm
from feedbackstudy.policy.started import delivery_as_declared, misfits
from tests.policy.applications.test_table import COLUMNS, ROLLOUT, WINDOW, plan_of

IN_TIME = Metric(
    name="in_time", label="In 48 h", kind="proportion", column="@delivered", within_days=2, role="fidelity"
)
HIRED = Metric(name="hired", label="Hired", kind="proportion", column="@hired", role="primary")
FIRST = 2026 * 12
MONTHS = np.arange(FIRST, FIRST + 12)


def plan_for(starts, **rollout):
    dates = {u: "never" if s is None else f"{s // 12}-{s % 12 + 1:02d}-01" for u, s in starts.items()}
    window = WINDOW.model_copy(update={"last": "2026-12-31", "data_end": "2027-06-30"})
    treatment = ROLLOUT.model_copy(update={"start": type(ROLLOUT.start)(dates), **rollout})
    return plan_of(metrics=(HIRED, IN_TIME), treatment=treatment, window=window, clusters=(), equity_groups=())


def counts_of(rng, starts, *, before=0.2, after=0.85, n=60, spread=0.3):
    """Draw messages in time; sites and months differ on the logit scale, more than chance alone makes them."""
    first = np.array([np.inf if start is None else start for start in starts.values()])
    on = first[:, None] <= MONTHS
    base = np.where(on, after, before)
    odds = np.log(base / (1 - base)) + rng.normal(0, spread, (len(first), 1)) + rng.normal(0, spread, on.shape)
    size = rng.poisson(n, on.shape)
    return pd.DataFrame({
        "unit": np.repeat(list(starts), len(MONTHS)), "period": np.tile(MONTHS, len(first)),
        "arm": np.where(on, "policy", "before").ravel(), "n": size.ravel(),
        "yes": rng.binomial(size, 1 / (1 + np.exp(-odds))).ravel(),
    })  # fmt: skip


def starts_of(rng, sites=30):
    return {f"s{i:02d}": None if i >= sites - 3 else int(FIRST + rng.integers(3, 10)) for i in range(sites)}


def named(issues):
    return {issue.code: issue.what.rpartition(": ")[2].rstrip(".").split(", ") for issue in issues}


@pytest.mark.parametrize(
    ("true", "code"),
    [
        (FIRST + 3, "policy.delivered_before_start"),
        (FIRST + 11, "policy.no_delivery_after_start"),
        (None, "policy.no_delivery_after_start"),
    ],
)
def test_a_site_with_another_start_than_declared_is_named(true, code):
    rng = np.random.default_rng(2)
    declared = {**starts_of(rng), "s04": FIRST + 7}
    found = misfits(counts_of(rng, {**declared, "s04": true}), plan_for(declared))
    assert named(found) == {code: ["s04"]}
    assert {issue.severity for issue in found} == {"warning"}
    assert all(issue.where == "site" and issue.why and issue.fix for issue in found)


def test_a_site_that_never_starts_by_the_plan_and_does_is_named():
    rng = np.random.default_rng(3)
    declared = starts_of(rng)
    found = misfits(counts_of(rng, {**declared, "s29": FIRST + 5}), plan_for(declared))
    assert named(found) == {"policy.delivered_without_start": ["s29"]}


def test_declared_anticipation_and_the_month_of_the_start_are_held_against_nobody():
    rng = np.random.default_rng(4)
    declared = {**starts_of(rng), "s04": FIRST + 7}
    early = counts_of(rng, {**declared, "s04": FIRST + 6})
    assert named(misfits(early, plan_for(declared))) == {"policy.delivered_before_start": ["s04"]}
    assert not misfits(early, plan_for(declared, anticipation=1))
    late = counts_of(rng, {**declared, "s04": FIRST + 8})
    assert not misfits(late, plan_for(declared))


def test_dates_that_mean_nothing_are_one_finding():
    rng = np.random.default_rng(5)
    declared = starts_of(rng)
    found = misfits(counts_of(rng, dict.fromkeys(declared)), plan_for(declared))
    assert [issue.code for issue in found] == ["policy.no_delivery_step"]


@pytest.mark.parametrize("after", [0.4, 0.85])
def test_right_starts_are_seldom_doubted_though_months_vary_more_than_chance(after):
    """At most 1 in 100 right sites named: 40 roll-outs of 30 sites whose months differ by sd .3 on the logit."""
    rng, wrong, sites = np.random.default_rng(6), 0, 30
    for _ in range(40):
        declared = starts_of(rng, sites)
        found = misfits(counts_of(rng, declared, after=after, n=40), plan_for(declared))
        wrong += sum(len(units) for units in named(found).values())
    assert wrong <= 0.01 * 40 * sites


def test_few_people_are_judged_by_nobody():
    rng = np.random.default_rng(7)
    declared = {**starts_of(rng), "s04": FIRST + 7}
    counts = counts_of(rng, {**declared, "s04": None})
    small = counts.assign(
        n=counts["n"].where(counts["unit"] != "s04", 1), yes=counts["yes"].where(counts["unit"] != "s04", 0)
    )
    assert not misfits(small, plan_for(declared))


def applications(seed=1, late="b"):
    """One row an application: sites a, b and d start in March, `late` in truth in June; c never."""
    rng, n = np.random.default_rng(seed), 4000
    frame = pd.DataFrame({"id": [f"a{i}" for i in range(n)], "who": [f"p{i}" for i in range(n)]})
    frame["applied"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 170 * 24, n), unit="h")
    frame["decided"] = frame["applied"] + pd.to_timedelta(rng.integers(1, 240, n), unit="h")
    frame["site"], frame["ok"], frame["specific"] = rng.choice(list("abcd"), n), "Yes", True
    frame["status"] = rng.choice(["rejected", "hired"], n, p=[0.8, 0.2])
    start = frame["site"].map(
        {"a": "2026-03-01", "b": "2026-03-01", "d": "2026-03-01", "c": "2030-01-01"}
        | ({late: "2026-06-01"} if late else {})
    )
    on = frame["decided"] >= pd.to_datetime(start)
    hours = np.where(rng.random(n) < np.where(on, 0.85, 0.2), rng.integers(1, 48, n), rng.integers(60, 300, n))
    frame['sent "at"'] = frame["decided"] + pd.to_timedelta(hours, unit="h")
    return frame


STARTS = dict.fromkeys("abd", FIRST + 2) | {"c": None}


def test_the_check_the_statistics_and_the_results_say_the_same():
    plan, frame = plan_for(STARTS), applications()
    found = [issue for issue in ApplicationTable(frame).check(plan) if "start" in issue.code]
    stats = compress(frame, plan)
    assert [(i.code, i.what) for i in found] == [(i.code, i.what) for i in delivery_as_declared(stats)]
    assert named(found) == {"policy.no_delivery_after_start": ["b"]}
    said = [text for text in assemble(stats).said if text.startswith("Delivery against the plan")]
    assert said == [f"Delivery against the plan: {found[0].what}"]
    assert not any(text.isdigit() for text in "".join(said))
    fine = applications(late=None)
    assert not [issue for issue in ApplicationTable(fine).check(plan) if "start" in issue.code]


def test_an_arm_that_gets_no_more_than_the_control_is_named():
    arms = (PolicyArm(name="old", label="Old", code="0"), PolicyArm(name="new", label="New", code="1"),
            PolicyArm(name="more", label="More", code="2"))  # fmt: skip
    plan = plan_for(STARTS).model_copy(
        update={"treatment": Experiment(column="arm", unit="site", control="old", arms=arms)}
    )
    counts = pd.DataFrame(
        {"arm": ["old", "new", "more"], "period": FIRST, "n": [500, 480, 510], "yes": [100, 104, 430]}
    )
    found = misfits(counts, plan)
    assert named(found) == {"policy.no_delivery_in_arm": ["New"]}
    assert found[0].where == "arm"
    assert not misfits(counts.assign(yes=[100, 400, 430]), plan)
    assert not misfits(counts.assign(n=[5, 4, 5], yes=[1, 1, 1]), plan)


def test_without_a_metric_of_delivery_nothing_is_said():
    plan = plan_of(metrics=(HIRED,), columns=COLUMNS, clusters=(), equity_groups=())
    assert not misfits(pd.DataFrame({"unit": ["a"], "period": [FIRST], "arm": ["policy"], "n": [1]}), plan)
