"""A policy plan is registered as a study is, and a later change is told from an earlier one by its ledger."""

import json

import pytest

from feedbackstudy.cli.main import main
from feedbackstudy.errors import DataError, FileFormatError, InputError
from feedbackstudy.policy.declared import Experiment, Looks, PolicyArm, PolicyPlan
from feedbackstudy.policy.look_ledger import add_lines, open_ledger, read_ledger
from feedbackstudy.report.policy_registration import policy_amendments, policy_registration
from feedbackstudy.report.preregistration import FORMS, GAP
from feedbackstudy.study.template import template_folder


@pytest.fixture(scope="module")
def plan():
    return PolicyPlan.load(template_folder("policy-rollout") / "plan.yaml")


def changed(plan):
    return plan.model_copy(update={"interval_level": 0.90})


@pytest.mark.parametrize("form", FORMS)
def test_what_the_plan_says_is_filled_and_the_rest_is_marked(plan, form):
    made = policy_registration(plan, form)
    text = made.text()
    assert plan.design_hash in text
    for words in ("Applied again within 180 days", "Holm", "0.02"):
        assert words in text
    assert text.count(GAP) == len(made.gaps)
    assert "None" not in [item.text for item in made.items if item.key != "transformations"]


def test_only_what_a_plan_cannot_say_is_left_open(plan):
    made = policy_registration(plan)
    assert [item.key for item in made.gaps] == ["blinding", "existing_data", "sample_size_rationale", "assumptions"]
    assert "blinding" not in {i.key for i in policy_registration(plan, answers={"blinding": "Nobody."}).gaps}
    with pytest.raises(DataError, match="follows from the plan"):
        policy_registration(plan, answers={"models": "Something else."})
    with pytest.raises(DataError, match="blinding"):
        policy_registration(plan, answers={"blindin": "x"})


def test_experiments_and_looks_are_said(plan):
    arms = (PolicyArm(name="old", label="As before", code="0"), PolicyArm(name="new", label="New", code="1", share=2.0))
    other = plan.model_copy(
        update={
            "treatment": Experiment(column="arm", unit="site", control="old", arms=arms, mechanism="observational"),
            "looks": Looks(kind="always_valid"),
        }
    )
    text = policy_registration(PolicyPlan.from_data(other.to_data())).text()
    assert "2 arms, one for each site: As before (share 1), New (share 2). Compared with old." in text
    assert "Observational study" in text
    assert "Looks at any time" in text


def test_a_change_is_told_from_one_after_data(plan, tmp_path):
    ledger = tmp_path / "looks.ledger"
    _, record = policy_registration(plan).write(tmp_path / "reg.md", ledger=ledger)
    assert policy_amendments(record, plan, ledger=read_ledger(ledger)).status == "as registered"
    later = changed(plan)
    before = policy_amendments(record, later, ledger=read_ledger(ledger))
    assert before.status == "amended before data"
    assert before.changes == (("interval_level", "0.95", "0.9"),)
    assert policy_amendments(record, later).status.startswith("amended; whether")
    with open_ledger(ledger) as held:
        add_lines(ledger, held, [{"kind": "statistics", "taken": "2026-03-01", "plan": plan.design_hash}])
    after = policy_amendments(record, later, ledger=read_ledger(ledger))
    assert after.status == "amended after data"
    assert "no longer confirmatory" in str(after)
    assert "since 2026-03-01" in after.standing.why


def test_an_amendment_keeps_the_word_it_was_given(plan, tmp_path):
    ledger, later = tmp_path / "looks.ledger", changed(plan)
    _, record = policy_registration(plan).write(tmp_path / "reg.md", ledger=ledger)
    line = {"kind": "amendment", "taken": "2026-03-01", "plan": later.design_hash, "reason": "a slip"}
    with open_ledger(ledger) as held:
        look = {"kind": "look", "look": 1, "taken": "2026-03-02", "plan": later.design_hash}
        add_lines(ledger, held, [line | {"when": "before data"}, look])
    found = policy_amendments(record, later, ledger=read_ledger(ledger))
    assert found.status == "amended before data"
    assert "Reason given on 2026-03-01: a slip" in found.standing.why


def test_what_is_registered_is_not_overwritten_nor_touched(plan, tmp_path):
    made = policy_registration(plan)
    _, record = made.write(tmp_path / "reg.md", ledger=tmp_path / "l")
    with pytest.raises(DataError, match="never overwritten"):
        made.write(tmp_path / "reg.md")
    with pytest.raises(InputError, match="not written twice"):
        policy_registration(changed(plan)).write(tmp_path / "again.md", ledger=tmp_path / "l")
    assert not (tmp_path / "again.md").exists()
    told = json.loads(record.read_text())
    old = {**told["plan"], "schema_version": 1, "alpha": 0.05}
    record.write_text(json.dumps({**told, "plan": old}))
    assert policy_amendments(record, plan).changes == ()
    for damage in ({"design_hash": "0" * 64}, {"schema_version": 99}, {"plan": {}}, {"plan": []}):
        record.write_text(json.dumps({**told, **damage}))
        with pytest.raises(FileFormatError):
            policy_amendments(record, plan)


def test_the_command_takes_a_plan(tmp_path, capsys):
    folder = tmp_path / "plan"
    assert main(["new", str(folder), "--template", "policy-rollout"]) == 0
    assert main(["preregister", str(folder), "--out", str(folder / "reg.md")]) == 1  # gaps
    assert (folder / "reg.registered.json").exists()
    assert "a changed plan needs a reason" in capsys.readouterr().err
    against = ["preregister", str(folder), "--against", str(folder / "reg.registered.json"), "--json"]
    assert main(against) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "as registered"
    path = folder / "plan.yaml"
    path.write_text(path.read_text().replace("margin: 10.0", "margin: 9.0"))
    assert main(against) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "amended before data"
    assert found["changes"] == [{"where": "metrics.minutes.margin", "registered": "10.0", "now": "9.0"}]
    assert main(["preregister", str(path), "--commitment", "ab" * 32]) == 2
    assert "belong to a study" in capsys.readouterr().err
    assert main(["preregister", str(tmp_path / "absent.yaml")]) == 2
