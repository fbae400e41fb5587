"""Every engine prepares the same numbers, and every kind of bad table is named."""

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from feedbackstudy.errors import DataError, DeclarationError, InputError
from feedbackstudy.policy.applications import ApplicationTable, ATSSchema, compress, starts_of
from feedbackstudy.policy.declared import ApplicationColumns, Experiment, Metric, PolicyArm, PolicyPlan, Rollout, Window
from feedbackstudy.policy.interrupted import interrupted

STATUSES = {"active": "active", "rejected": "rejected", "hired": "hired"}
COLUMNS = ApplicationColumns(
    application="id", candidate="who", applied_at="applied", decided_at="decided", status="status", statuses=STATUSES,
    site="site", delivered_at='sent "at"', specific="specific", consent="ok",
)  # fmt: skip
WINDOW = Window(first="2026-01-01", last="2026-06-30", data_end="2026-09-30")
ROLLOUT = Rollout(unit="site", start={"a": "2026-03-01", "b": "2026-05-01", "c": "never", "d": "2026-03-01"})


def plan_of(**changed):
    metrics = (
        Metric(name="again", label="Again", kind="proportion", column="@reapplied", within_days=60, role="primary"),
        Metric(name="in_time", label="In 48 h", kind="proportion", column="@delivered", within_days=2, role="fidelity"),
        Metric(name="named", label="Specific", kind="proportion", column="@specific", role="fidelity", of="rejected"),
        Metric(name="minutes", label="Minutes", kind="mean", column="minutes", role="guardrail", margin=1.0,
               direction="decrease"),
        Metric(name="cnps", label="cNPS", kind="nps", column="nps", responders_only=True),
        Metric(name="answered", label="Answered", kind="proportion", column="@responded:nps", role="co_primary"),
        Metric(name="hired", label="Hired", kind="proportion", column="@hired"),
        Metric(name="wait", label="Days", kind="mean", column="@days_to_decision"),
    )  # fmt: skip
    given = {"title": "48 hours", "columns": COLUMNS, "window": WINDOW, "treatment": ROLLOUT, "metrics": metrics}
    return PolicyPlan(**{**given, "clusters": ("interviewer",), "equity_groups": ("sex",), **changed})


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    n = 1500
    applied = pd.Timestamp("2025-12-20") + pd.to_timedelta(rng.integers(0, 190 * 24 * 60, n), unit="min")
    decided = applied + pd.to_timedelta(rng.integers(60, 20 * 24 * 60, n), unit="min")
    status = rng.choice(["rejected", "hired", "active"], n, p=[0.8, 0.15, 0.05])
    frame = pd.DataFrame({"id": [f"a{i}" for i in range(n)], "who": [f"p{i}" for i in rng.integers(0, 700, n)]})
    frame["applied"], frame["decided"] = applied, pd.Series(decided).where(status != "active")
    frame["status"], frame["site"] = status, rng.choice(list("abcd"), n)
    frame["interviewer"] = frame["site"] + rng.integers(0, 3, n).astype(str)
    frame['sent "at"'] = (frame["decided"] + pd.to_timedelta(rng.integers(1, 100, n), unit="h")).where(
        rng.random(n) < 0.7
    )
    frame["specific"] = rng.random(n) < 0.5
    frame["ok"] = rng.choice(["Yes", "no"], n, p=[0.97, 0.03])
    frame["minutes"] = rng.gamma(3, 4, n)
    frame["nps"] = pd.Series(rng.integers(0, 11, n)).where(rng.random(n) < 0.4)
    frame["sex"] = pd.Series(rng.choice(["f", "m"], n)).where(rng.random(n) < 0.9)
    return frame


def by_hand(rows):
    kept = rows[(rows.ok == "Yes") & rows.status.isin(["rejected", "hired"])
                & (rows.decided >= "2026-01-01") & (rows.decided < "2026-07-01")].copy()  # fmt: skip
    applied = {who: sorted(part) for who, part in rows.groupby("who")["applied"]}
    later = [
        min([t for t in applied[w] if t > d], default=pd.Timestamp.max)
        for w, d in zip(kept.who, kept.decided, strict=True)
    ]
    kept["again"] = ((pd.Series(later, index=kept.index) - kept.decided) <= dt.timedelta(days=60)).astype(float)
    kept["in_time"] = (kept['sent "at"'] - kept.decided <= dt.timedelta(days=2)).astype(float)
    return kept


@pytest.mark.parametrize("engine", ["pandas", "polars", "lazy", "duckdb", "parquet", "csv"])
def test_every_engine_prepares_the_same_numbers(rows, engine, tmp_path):
    table = {
        "pandas": lambda: rows,
        "polars": lambda: pl.from_pandas(rows),
        "lazy": lambda: pl.from_pandas(rows).lazy(),
        "duckdb": lambda: duckdb.connect().from_df(rows),
        "parquet": lambda: (pl.from_pandas(rows).write_parquet(tmp_path / "t.parquet"), tmp_path / "t.parquet")[1],
        "csv": lambda: (rows.to_csv(tmp_path / "t.csv", index=False), tmp_path / "t.csv")[1],
    }[engine]()
    stats = compress(ApplicationTable.of(table), plan_of())
    kept = by_hand(rows)
    period = kept.decided.dt.year * 12 + kept.decided.dt.month - 1
    start = kept.site.map({"a": 2026 * 12 + 2, "b": 2026 * 12 + 4, "c": 10**9, "d": 2026 * 12 + 2})
    keys = [kept.site, kept.interviewer, period.rename("period"), (period >= start).astype(float).rename("treated")]
    cells = stats.of("again").sort_values(["site", "interviewer", "period"], ignore_index=True)
    expected = kept.groupby(keys)["again"].agg(["size", "sum"]).reset_index()
    assert cells["n"].tolist() == expected["size"].tolist()
    assert cells["sum"].tolist() == expected["sum"].tolist()
    assert cells["treated"].tolist() == expected["treated"].tolist()
    assert stats.of("in_time")["sum"].sum() == kept["in_time"].sum()
    rejected = kept[kept.status == "rejected"]
    assert stats.of("named")["n"].sum() == len(rejected)
    assert stats.of("named")["sum"].sum() == (rejected['sent "at"'].notna() & rejected.specific).sum()
    assert stats.of("cnps")["sum"].sum() == (kept.nps >= 9).sum() - (kept.nps <= 6).sum()
    assert stats.of("answered")["sum"].sum() == kept.nps.notna().sum()
    assert stats.of("minutes")["sumsq"].sum() == pytest.approx((kept.minutes**2).sum(), rel=1e-12)
    days = (kept.decided - kept.applied).dt.total_seconds() / 86400
    assert stats.of("wait")["sum"].sum() == pytest.approx(days.sum(), rel=1e-12)
    sex = stats.subgroups["hired", "sex"].groupby("sex")["n"].sum()
    assert sex.to_dict() == kept.sex.fillna("(not stated)").value_counts().to_dict()
    assert sum(n for why, n in stats.rows.items() if "window past" not in why) == len(rows) - len(kept)


def codes(rows, plan=None):
    return {issue.code: issue for issue in ApplicationTable(rows).check(plan or plan_of())}


def test_a_clean_table_has_no_error(rows):
    assert not ApplicationTable(rows).check(plan_of()).errors


def changed(rows, column, value, where):
    return rows.assign(**{column: rows[column].where(~where, value)})


def test_bad_tables_are_named(rows):
    first = rows.index < 3
    found = codes(changed(rows, "status", "parked", first))
    assert "{'parked': 3}" in found["policy.unknown_status"].what
    early = rows[rows.status == "rejected"].index[:2]
    found = codes(changed(rows, "decided", pd.Timestamp("2020-01-01"), rows.index.isin(early)))
    assert found["policy.decided_before_applied"].who == tuple(sorted(rows.loc[early, "id"]))
    assert codes(rows).keys().isdisjoint({"policy.keys_not_shown", "policy.duplicate_application"})
    assert "2 rows repeat" in codes(changed(rows, "id", "a0", first))["policy.duplicate_application"].what
    assert "3 rows do not say" in codes(changed(rows, "ok", None, first))["policy.missing_consent"].what
    assert "declare a roll-out of this unit alone" in codes(rows[rows.site == "a"])["policy.one_cluster"].fix
    assert "policy.nobody_treated" in codes(rows[rows.site == "c"])
    assert "policy.everyone_treated" in codes(rows[(rows.site != "c") & (rows.decided >= "2026-05-01")])
    assert (
        "units for which the plan has no start" in codes(changed(rows, "site", "z", first))["policy.unknown_arm"].what
    )
    assert "policy.strange_value" in codes(rows.assign(nps=rows.nps.fillna(99)))
    negative = changed(rows, "minutes", -5.0, rows.index < 30)
    for better in ("increase", "decrease"):
        cost = Metric(name="cost", label="Cost", kind="mean", column="minutes", role="primary", direction=better)
        assert codes(negative, plan_of(metrics=(cost,)))["policy.negative_value"].severity == "error"
        balance = cost.model_copy(update={"may_be_negative": True})
        assert "policy.negative_value" not in codes(negative, plan_of(metrics=(balance,)))
    hired_one = changed(rows.assign(sex="f"), "sex", "x", rows.index == by_hand(rows).index[0])
    assert "1 group holds a single application" in codes(hired_one)["policy.group_of_one"].what
    undated = rows[rows.status == "rejected"].index[:1]
    assert "policy.undated_decision" in codes(changed(rows, "decided", pd.NaT, rows.index.isin(undated)))
    assert "policy.no_cluster" in codes(changed(rows, "interviewer", None, first))


@pytest.mark.parametrize("engine", [pd.DataFrame, pl.from_pandas, lambda t: duckdb.connect().from_df(t)])
def test_findings_about_rows_say_which_applications(rows, engine):
    plan = plan_of()
    decided = rows.index[rows.status == "rejected"]
    at = rows.index.isin
    bad = {
        "unknown_status": (changed(rows, "status", "parked", at([2])), ["a2"]),
        "no_status": (changed(rows, "status", None, at([3])), ["a3"]),
        "duplicate_application": (changed(rows, "id", "a9", at([10, 11])), ["a9"]),
        "no_key": (changed(rows, "applied", pd.NaT, at([4])), ["a4"]),
        "undated_decision": (changed(rows, "decided", pd.NaT, at(decided[:2])), sorted(rows.id[decided[:2]])),
        "after_data_end": (changed(rows, "decided", pd.Timestamp("2027-01-01"), at([5])), ["a5"]),
        "missing_consent": (changed(rows, "ok", None, at([6, 7])), ["a6", "a7"]),
        "unknown_arm": (changed(rows, "site", "z", at(by_hand(rows).index[:1])), [rows.id[by_hand(rows).index[0]]]),
        "no_cluster": (changed(rows, "interviewer", None, at(by_hand(rows).index[:1])),
                       [rows.id[by_hand(rows).index[0]]]),
        "negative_value": (changed(rows, "minutes", -1.0, at(by_hand(rows).index[3:4])),
                           [rows.id[by_hand(rows).index[3]]]),
        "strange_value": (changed(rows, "nps", 99, at(by_hand(rows).index[4:5])), [rows.id[by_hand(rows).index[4]]]),
    }  # fmt: skip
    for code, (table, expected) in bad.items():
        assert list(codes(engine(table), plan)[f"policy.{code}"].who) == expected, code
    many = codes(engine(changed(rows, "status", "parked", at(range(200)))), plan)["policy.unknown_status"]
    assert many.who == tuple(sorted(f"a{i}" for i in range(200))[:5])


@pytest.mark.parametrize("key", ["jo.smith@example.org", "Jo Smith", "smith1990", "+49 170 1234567"])
def test_a_key_that_may_name_somebody_is_not_shown(rows, key):
    named = rows.assign(id=rows.id.where(rows.index != 3, key))
    found = ApplicationTable(changed(named, "status", "parked", rows.index == 3)).check(plan_of())
    issue = next(each for each in found if each.code == "policy.unknown_status")
    assert issue.who == ()
    assert "policy.keys_not_shown" in {each.code for each in found}
    assert key not in str(found)
    uuid = "0b5f3c1e-9a44-4d0f-8c55-2f6c1d7be0aa"
    named = rows.assign(id=rows.id.where(rows.index != 3, uuid))
    assert codes(changed(named, "status", "parked", rows.index == 3))["policy.unknown_status"].who == (uuid,)


def test_windows_past_the_end_of_the_data(rows):
    short = plan_of(window=Window(first="2026-01-01", last="2026-06-30", data_end="2026-07-20"))
    issue = codes(rows, short)["policy.window_past_data"]
    assert issue.severity == "warning"
    stats = compress(rows, short)
    assert any("again: outcome window past" in reason for reason in stats.rows)
    kept = by_hand(rows)
    known = kept[kept.decided + dt.timedelta(days=60) <= "2026-07-21"]
    assert stats.of("again")["n"].sum() == len(known)
    metric = Metric(name="again", label="A", kind="proportion", column="@reapplied", within_days=900, role="primary")
    assert codes(rows, plan_of(metrics=(metric,)))["policy.window_past_data"].severity == "error"
    with pytest.raises(DataError, match="Not one outcome is known yet"):
        ApplicationTable(rows).prepare(plan_of(metrics=(metric,)))


def test_units_that_change_their_arm(rows):
    experiment = Experiment(column="arm", unit="site", control="old",
        arms=(PolicyArm(name="old", label="Old", code="0"), PolicyArm(name="new", label="New", code="1")))  # fmt: skip
    plan = plan_of(treatment=experiment)
    arms = rows.assign(arm=rows.site.isin(["a", "b"]).astype(int))
    assert not ApplicationTable(arms).check(plan).errors
    assert compress(arms, plan).of("again").groupby("arm")["treated"].first().to_dict() == {"new": 1.0, "old": 0.0}
    mixed = codes(changed(arms, "arm", 0, arms.index < 700), plan)
    assert "2 of 4 units" in mixed["policy.changed_arm"].what
    assert "codes of no arm" in codes(changed(arms, "arm", 7, arms.index < 3), plan)["policy.unknown_arm"].what


def test_a_unit_has_one_start():
    units = pd.DataFrame({"site": ["a", "b", "c", "a"], "start": ["2026-03-01", None, "2026-04-01", "2026-03-01"]})
    assert starts_of(units, unit="site", start="start") == {"a": "2026-03-01", "b": "never", "c": "2026-04-01"}
    with pytest.raises(InputError, match="two start dates, 2026-03-01 and 2026-06-01"):
        starts_of(units.assign(start=["2026-03-01", None, None, "2026-06-01"]), unit="site", start="start")


def test_zones_decide_about_the_month(rows):
    utc = rows.assign(applied=rows.applied.dt.tz_localize("UTC"), decided=rows.decided.dt.tz_localize("UTC"))
    utc['sent "at"'] = utc['sent "at"'].dt.tz_localize("UTC")
    with pytest.raises(DataError, match="which zone's calendar counts"):
        ApplicationTable(utc).check(plan_of())
    zoned = plan_of(columns=COLUMNS.model_copy(update={"zone": "Europe/Berlin"}))
    frame = rows.copy()
    late = frame[frame.status == "rejected"].index[0]
    frame.loc[late, ["applied", "decided"]] = [pd.Timestamp("2026-03-01 10:00"), pd.Timestamp("2026-03-31 22:30")]
    frame.loc[late, "site"] = "b"
    for name in ("applied", "decided", 'sent "at"'):
        frame[name] = frame[name].dt.tz_localize("UTC")
    cells = [compress(table, zoned).of("hired") for table in (frame, duckdb.connect().from_df(frame))]
    pd.testing.assert_frame_equal(*cells)
    naive = compress(frame.assign(**{c: frame[c].dt.tz_convert("Europe/Berlin").dt.tz_localize(None)
                                     for c in ("applied", "decided", 'sent "at"')}), plan_of()).of("hired")  # fmt: skip
    pd.testing.assert_frame_equal(cells[0], naive)


@pytest.mark.parametrize("by", ["python", "yaml"])
def test_schemas_of_two_systems(rows, by, tmp_path):
    def declared(schema):
        plan = plan_of(columns=schema.columns)
        return plan if by == "python" else PolicyPlan.load(plan.save(tmp_path / "plan.yaml"))

    house = rows.rename(columns={"applied": "applied_at", "who": "candidate_id"})
    house["rejected_at"] = house.decided.where(house.status == "rejected")
    house["hired_at"] = house.decided.where(house.status == "hired")
    green = ATSSchema.greenhouse(site="site", delivered_at='sent "at"', specific="specific", consent="ok")
    expected = compress(rows, plan_of()).of("again")
    pd.testing.assert_frame_equal(compress(house, declared(green)).of("again"), expected)
    lever = ATSSchema.lever(
        reasons={"rejected": "rejected", "hired": "hired"}, application="id", candidate="who", applied_at="applied",
        site="site", delivered_at='sent "at"', specific="specific", consent="ok")  # fmt: skip
    archive = rows.assign(archived_at=rows.decided, archived_reason=rows.status.where(rows.status != "active"))
    for table in (archive, duckdb.connect().from_df(archive)):
        pd.testing.assert_frame_equal(compress(table, declared(lever)).of("again"), expected)


def test_a_status_that_is_missing_is_an_error_unless_the_plan_says_what_it_means(rows):
    silent = changed(rows, "status", None, rows.index < 5)
    issue = codes(silent)["policy.no_status"]
    assert (issue.severity, issue.what) == ("error", "5 rows have no status.")
    undecided = [i.what for i in ApplicationTable(silent).check(plan_of()) if "no decision by the employer" in i.what]
    known = [i.what for i in ApplicationTable(rows).check(plan_of()) if "no decision by the employer" in i.what]
    assert int(undecided[0].split()[0]) <= int(known[0].split()[0])
    active = plan_of(columns=COLUMNS.model_copy(update={"null_status": "active"}))
    assert "policy.no_status" not in codes(silent, active)
    written = changed(rows, "status", "(not stated)", rows.index < 5)
    assert "{'(not stated)': 5}" in codes(written)["policy.unknown_status"].what


def test_a_month_without_applications_is_judged_as_the_run_judges_it(rows):
    def without(first, last):
        return rows[~rows.decided.between(first, last)]

    gap = without("2026-05-01", "2026-06-01")
    issue = codes(gap)["policy.empty_period"]
    assert (issue.severity, "2026-05-01" in issue.what) == ("error", True)
    with pytest.raises(DataError, match="shorten the window"):
        compress(gap, plan_of())
    late = codes(without("2026-06-01", "2026-07-01"))["policy.empty_period"]
    assert (late.severity, "2026-06-01" in late.what) == ("warning", True)
    experiment = Experiment(column="arm", unit="site", control="old",
        arms=(PolicyArm(name="old", label="Old", code="0"), PolicyArm(name="new", label="New", code="1")))  # fmt: skip
    arms = gap.assign(arm=gap.site.isin(["a", "b"]).astype(int))
    assert codes(arms, plan_of(treatment=experiment))["policy.empty_period"].severity == "warning"
    unasked = changed(rows, "nps", np.nan, rows.decided.between("2026-04-01", "2026-05-01"))
    issue = codes(unasked)["policy.empty_period"]
    assert (issue.severity, issue.where) == ("error", "nps")
    assert "'cnps' is known of nobody in the periods that begin on 2026-04-01" in issue.what


def test_a_single_site_is_an_interrupted_series_from_the_table(rows):
    alone = Rollout(unit="site", start={"a": "2026-03-01"})
    times = ["applied", "decided", 'sent "at"']
    moved = [
        rows.assign(**{t: rows[t] + dt.timedelta(days=180 * i) for t in times}, id=rows.id + str(i))
        for i in range(-1, 2)
    ]
    many = pd.concat(moved, ignore_index=True).assign(site="a")
    plan = plan_of(treatment=alone, window=Window(first="2025-08-01", last="2026-10-31", data_end="2027-12-31"))
    issue = codes(many, plan)["policy.one_cluster"]
    assert (issue.severity, "policy.interrupted(stats, 'a')" in issue.fix) == ("warning", True)
    found = interrupted(compress(many, plan), "a", "hired")
    assert found.rows[0].contrast.startswith("a: average")
    assert found.rows[0].se > 0


def test_one_site_in_each_arm_is_refused(rows):
    arms = (PolicyArm(name="old", label="Old", code="0"), PolicyArm(name="new", label="New", code="1"))
    plan = plan_of(treatment=Experiment(column="arm", unit="site", control="old", arms=arms))
    two = rows[rows.site.isin(["a", "b"])]
    issue = codes(two.assign(arm=(two.site == "a").astype(int)), plan)["policy.one_cluster_in_arm"]
    assert (issue.severity, issue.what) == ("error", "One site alone makes up each of the arms 'new', 'old'.")
    three = rows[rows.site != "d"]
    issue = codes(three.assign(arm=(three.site == "a").astype(int)), plan)["policy.one_cluster_in_arm"]
    assert (issue.severity, issue.what) == ("warning", "One site alone makes up arm 'new'.")


def test_what_a_plan_cannot_ask(rows):
    metric = Metric(name="m", label="M", kind="mean", column="minuts", role="primary")
    with pytest.raises(DataError, match="Did you mean 'minutes'"):
        ApplicationTable(rows).check(plan_of(metrics=(metric,)))
    metric = Metric(name="m", label="M", kind="mean", column="@reaplied", role="primary")
    with pytest.raises(DeclarationError, match="Did you mean '@reapplied'"):
        ApplicationTable(rows).check(plan_of(metrics=(metric,)))
    with pytest.raises(DataError, match="decimal numbers and is used as a name"):
        ApplicationTable(rows.assign(site=1.5)).check(plan_of())
    with pytest.raises(InputError, match="There is no file"):
        ApplicationTable("absent.parquet").check(plan_of())
