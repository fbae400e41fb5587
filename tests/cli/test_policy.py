"""`feedbackstudy policy` from a new folder to a report; looks are counted and outputs disclosed."""

import csv
import json

import docx
import pandas as pd
import pytest

from feedbackstudy import policy
from feedbackstudy.cli.main import main
from feedbackstudy.errors import DataError
from feedbackstudy.named import Fixed
from feedbackstudy.policy import assembling
from feedbackstudy.policy.applications import synthetic_applications
from feedbackstudy.policy.assembling import PolicyResults
from feedbackstudy.policy.contacts import movers_of
from feedbackstudy.policy.declared import PolicyPlan
from feedbackstudy.policy.single_unit import read_single_unit
from feedbackstudy.policy.spillover import Movers
from feedbackstudy.study.template import template_folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    place = tmp_path_factory.mktemp("ats") / "rows"
    synthetic_applications(6_000, seed=2025, engine="duckdb", folder=place)
    return place


@pytest.fixture
def folder(tmp_path):
    assert main(["new", str(tmp_path / "plan"), "--template", "policy-rollout"]) == 0
    return tmp_path / "plan"


def test_the_template_is_the_plan_of_the_invented_table():
    plan = PolicyPlan.load(template_folder("policy-rollout") / "plan.yaml")
    assert plan == synthetic_applications(1_000, seed=2025).plan


def test_from_a_new_folder_to_a_report(folder, rows, capsys):
    assert main(["policy", "check", str(folder), "--table", str(rows)]) == 0
    assert main(["policy", "compress", str(folder), "--table", str(rows), "--out", str(folder / "statistics")]) == 0
    capsys.readouterr()
    report = ["policy", "report", str(folder), "--stats", str(folder / "statistics"), "--look", "1"]
    assert main([*report, "--out", str(folder / "report")]) == 0
    page = (folder / "report" / "report.html").read_text()
    assert "Applied again within 180 days" in page
    assert "Counts below 10 are hidden" in page
    assert "fit to report" in page
    assert "within the margin" in page
    memo = docx.Document(str(folder / "report" / "memo.docx"))
    assert memo.paragraphs[0].text == "Feedback within 48 hours"
    assert any("Decision by the declared rule" in p.text for p in memo.paragraphs)
    with (folder / "report" / "numbers.csv").open() as stream:
        numbers = list(csv.DictReader(stream))
    counts = [row["value"] for row in numbers if row["what"] in {"n", "selected", "total"} and row["value"] != "hidden"]
    assert counts
    assert all(float(count) % 5 == 0 for count in counts)
    assert main([*report, "--out", str(folder / "report")]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_unplanned_looks_are_refused_and_failed_ones_spend_nothing(folder, rows, capsys, monkeypatch):
    run = ["policy", "run", str(folder), "--table", str(rows), "--json", "--look"]
    assert main([*run, "2"]) == 2
    assert "Look 2 was not planned: the plan has 1" in capsys.readouterr().err
    with monkeypatch.context() as patched:
        patched.setattr(assembling, "assemble", _fails)
        assert main([*run, "1"]) == 2
    assert not (folder / "looks.ledger").exists()
    assert "no variance" in capsys.readouterr().err
    assert main([*run, "1"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["action"] in {"ship", "hold", "extend", "stop"}
    titles = [part["title"] for part in given["parts"]]
    assert {"Spillover through candidate_id", "Spillover through interviewer", "What the decision is worth"} <= set(
        titles
    )
    assert len((folder / "looks.ledger").read_text().splitlines()) == 1
    plan = folder / "plan.yaml"
    plan.write_text(plan.read_text().replace("margin: 10.0", "margin: 9.0"))
    assert main([*run, "1"]) == 2
    assert "say why it was amended" in capsys.readouterr().err


def _fails(*_, **__):
    raise DataError("no variance")


def test_always_valid_looks_keep_their_tuning(folder, rows, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        assembling, "assemble", lambda stats, look, **_: PolicyResults(plan=stats.plan, parts=(), look=look)
    )
    plan = folder / "plan.yaml"
    plan.write_text(plan.read_text() + "looks:\n  kind: always_valid\n")
    pd.read_parquet(rows)[::2].to_parquet(tmp_path / "half.parquet")
    tuned = []
    for look, table in enumerate((tmp_path / "half.parquet", rows), start=1):
        assert main(["policy", "run", str(folder), "--table", str(table), "--json", "--look", str(look)]) == 0
        tuned.append(json.loads(capsys.readouterr().out)["tuned"])
    assert tuned[0]["reapply_180"] > 0
    assert tuned[0] == tuned[1]
    assert [json.loads(line)["tuned"] for line in (folder / "looks.ledger").read_text().splitlines()] == tuned


def test_invented_rows_stay_marked_by_way_of_statistics(folder, rows, monkeypatch):
    marks = []

    def assemble(stats, look, movers):
        assert movers == ()
        marks.append(stats.provenance.simulated)
        return PolicyResults(plan=stats.plan, parts=(), look=look)

    monkeypatch.setattr(assembling, "assemble", assemble)
    compress = ["policy", "compress", str(folder), "--table", str(rows), "--out"]
    assert main([*compress, str(folder / "marked"), "--simulated"]) == 0
    assert main([*compress, str(folder / "plain")]) == 0
    for name, more in (("marked", []), ("plain", ["--simulated"]), ("plain", [])):
        assert main(["policy", "run", str(folder), "--stats", str(folder / name), "--look", "1", *more]) == 0
    assert marks == [True, True, False]
    kinds = [json.loads(line)["kind"] for line in (folder / "looks.ledger").read_text().splitlines()]
    assert kinds == ["statistics", "statistics", "look"]


def test_one_unit_is_read_against_its_own_past(folder, rows, tmp_path, capsys):
    plan = PolicyPlan.load(folder / "plan.yaml")
    alone = plan.treatment.model_copy(update={"start": Fixed({"site-01": "2025-05-01"})})
    own = pd.read_parquet(rows).assign(site="site-01")  # one site has too few of 6,000 rows
    own.to_parquet(tmp_path / "own.parquet")
    place = plan.model_copy(update={"treatment": alone, "equity_groups": (), "subgroups": ()}).save(
        tmp_path / "one.yaml"
    )
    assert main(["policy", "run", str(place), "--table", str(tmp_path / "own.parquet"), "--look", "1"]) == 0
    out = capsys.readouterr().out
    assert "One unit: read as an interrupted time series" in out
    assert "average over the periods" in out
    stats = policy.compress(tmp_path / "own.parquet", PolicyPlan.load(place))
    found = read_single_unit(stats)
    first = found.one(plan.primary.name)
    beside = policy.interrupted(stats, "site-01").rows[0]
    assert (first.estimate, first.low, first.high) == (beside.estimate, beside.low, beside.high)
    assert first.decides
    assert {row.metric for row in found} >= {"reapply_180", "rejection", "minutes"}
    assert all(row.verdict for row in found if row.decides and row.role == "guardrail")


def test_saved_statistics_keep_who_moves_and_the_page_says_that_nothing_was_registered(folder, rows):
    assert main(["policy", "compress", str(folder), "--table", str(rows), "--out", str(folder / "statistics")]) == 0
    plan = PolicyPlan.load(folder / "plan.yaml")
    (kept,) = Movers.kept_in(policy.SufficientStats.load(folder / "statistics"))
    counted = movers_of(rows, plan)
    assert kept.counts == counted.counts
    assert kept.several_units > 0
    report = ["policy", "report", str(folder), "--stats", str(folder / "statistics"), "--look", "1"]
    assert main([*report, "--out", str(folder / "report")]) == 0
    page = (folder / "report" / "report.html").read_text()
    assert "Spillover through candidate_id" in page
    assert page.index("Not registered: nothing shows") < page.index("Do rejected candidates apply")
    memo = docx.Document(str(folder / "report" / "memo.docx"))
    assert any(p.text.startswith("Not registered") for p in memo.paragraphs[:3])


def test_a_registered_plan_is_not_called_unregistered(folder, rows):
    main(["preregister", str(folder), "--out", str(folder / "registration.md")])  # says what is left to fill in
    assert main(["policy", "report", str(folder), "--table", str(rows), "--look", "1", "--out", str(folder / "r")]) == 0
    assert "Not registered" not in (folder / "r" / "report.html").read_text()


def test_adverse_impact_of_counts(capsys):
    assert main(["policy", "adverse-impact", "women=2/10", "men=15/25", "--json"]) == 0
    found = {row["group"]: row for row in json.loads(capsys.readouterr().out)["groups"]}
    assert found["women"]["p_mid_p"] == pytest.approx(0.0437, abs=5e-5)
    assert main(["policy", "adverse-impact", "women=2"]) == 2
    assert "GROUP=SELECTED/TOTAL" in capsys.readouterr().err


def test_bad_plans_and_tables_are_named(folder, rows, tmp_path, capsys):
    text = (folder / "plan.yaml").read_text()
    (tmp_path / "costly.yaml").write_text(text.replace("cost_per_message: 4.0", "cost_per_message: -4.0"))
    assert main(["policy", "check", str(tmp_path / "costly.yaml")]) == 2
    assert "cost_per_message is -4" in capsys.readouterr().err
    twice = text.replace("    site-01: '2025-05-01'\n", "    site-01: '2025-05-01'\n    site-01: '2025-06-01'\n")
    (tmp_path / "twice.yaml").write_text(twice)
    assert main(["policy", "check", str(tmp_path / "twice.yaml")]) == 2
    assert "site-01" in capsys.readouterr().err
    early = text.replace("data_end: '2026-06-30'", "data_end: '2025-12-31'")
    (tmp_path / "early.yaml").write_text(early)
    assert main(["policy", "check", str(tmp_path / "early.yaml"), "--table", str(rows), "--json"]) == 2
    found = {issue["code"]: issue for issue in json.loads(capsys.readouterr().out)["issues"]}
    assert found["policy.window_past_data"]["severity"] == "warning"
    assert found["policy.after_data_end"]["severity"] == "error"
