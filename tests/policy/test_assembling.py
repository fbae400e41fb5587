"""The assembled report holds what the plan declares: effects, subgroups, spillover, the decision and its worth."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.policy import judging
from feedbackstudy.policy.applications import compress, synthetic_applications
from feedbackstudy.policy.assembling import assemble
from feedbackstudy.policy.bayes import bayes_cells
from feedbackstudy.policy.contacts import movers_of
from feedbackstudy.policy.decision import decide
from feedbackstudy.policy.declared import DecisionRule, Experiment, Looks, Metric, PolicyArm, Utility
from feedbackstudy.policy.disclosure.disclosed import DisclosedEvents
from feedbackstudy.policy.parts import effects_of
from feedbackstudy.policy.rollouts.subgroups import subgroups
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of

ROWS = rows_of(1, sites=20, per_cell=60).assign(interviewer=lambda rows: rows["site"] + "-1")
UTILITY = Utility(cost_per_message=4.0, value_per_success=150.0, currency="EUR", applications_per_period=20_000.0)
METRICS = (
    Metric(name="again", label="Again", kind="proportion", column="x", role="primary", of="rejected"),
    Metric(name="rating", label="Rating", kind="mean", column="r", role="guardrail", margin=0.5),
)


def plan(**changed):
    rule = changed.pop("decision", DecisionRule(metric="again", utility=UTILITY))
    made = plan_of(ROWS, metrics=METRICS, subgroups=("job",), clusters=("interviewer",), decision=rule)
    return made.model_copy(update=changed)


@pytest.fixture(scope="module")
def stats():
    return stats_of(ROWS, plan())


def answers(results, title):
    (part,) = [part for part in results.parts if part.title == title]
    return dict(zip(part.table["what"], part.table["answer"], strict=True))


def test_the_report_values_the_decision(stats):
    """Costs and values as declared; net benefit, losses and a wave within the two digits that are shown."""
    results = assemble(stats)
    said = answers(results, "What the decision is worth")
    assert said["cost per message"].startswith("4.00 EUR, one message for each rejected application")
    assert said["value of one more success (Again)"] == "150.00 EUR"
    worth = decide(stats.plan, effects_of(stats), more=1.0).worth
    for name, exact in worth.values:
        shown = float(said[name].split(" EUR")[0].replace("\N{MINUS SIGN}", "-").replace(",", ""))
        assert shown == pytest.approx(exact, rel=0.25, abs=0.02)
        assert "EUR for the applications of a period" in said[name]
    assert {"expected loss of keeping", "expected loss of giving up", "one more wave, before its costs"} <= set(said)
    decision = answers(results, "Decision by the declared rule")
    assert "flat prior" in decision["posterior of Again"]
    assert decision["action"] == results.action
    text = str(results)
    assert text.count("EUR") >= 8
    assert "58550.0." not in text


def test_declared_subgroups_and_spillover_are_in_the_report(stats):
    results = assemble(stats)
    (part,) = [part for part in results.parts if part.title.startswith("Subgroups by job")]
    own = subgroups(stats, "job").rows
    assert list(part.table["contrast"]) == [row.contrast for row in own]
    assert part.table["estimate"].to_numpy(float) == pytest.approx([row.estimate for row in own], abs=0.02)
    assert answers(results, "Spillover through interviewer")["seen in several units"] == "none"
    assert any(isinstance(part, DisclosedEvents) for part in results.parts)


def test_candidates_of_the_table_enter_the_report():
    invented = synthetic_applications(4_000, seed=8)
    found = movers_of(invented.table, invented.plan)
    plain = invented.plan.model_copy(update={"equity_groups": (), "subgroups": ()})
    results = assemble(compress(invented.table, plain), movers=[found])
    said = answers(results, f"Spillover through {found.who}")
    shown = int(said[f"levels of {found.who}"].removeprefix("about ").replace(",", ""))
    assert shown == pytest.approx(found.people, abs=plain.disclosure.round_to)
    assert "hidden" in said["seen in several units"] or "about" in said["seen in several units"]


@pytest.mark.slow
def test_the_posterior_that_the_plan_chose_decides(stats, monkeypatch):
    """By the cells: their draws give the probabilities; a mean keeps a flat prior, and that is said."""
    fitted = {}

    def few(found, metric):
        fitted[metric] = bayes_cells(found, metric, draws=200, tune=300, chains=2, seed=1)
        return fitted[metric]

    monkeypatch.setattr(judging, "bayes_cells", few)
    rule = DecisionRule(metric="again", by="posterior", posterior="cells", utility=UTILITY)
    results = assemble(replace(stats, plan=plan(decision=rule)))
    assert set(fitted) == {"again"}
    said = answers(results, "Decision by the declared rule")
    assert "flat prior" not in said["posterior of Again"]
    assert "flat prior" in said["posterior of Rating"]
    assert any("Rating is a mean" in text for text in results.said)
    assert float(said["probability of benefit"].strip("<> ")) == pytest.approx(
        min(fitted["again"].p_benefit, 0.999), abs=0.002
    )
    assert any(part.title == "Posterior of the cells: Again" for part in results.parts)


def test_what_rests_on_few_people_is_not_said_by_its_worth(stats):
    strict = plan().disclosure.model_copy(update={"min_cell": 100_000})
    said = answers(assemble(replace(stats, plan=plan(disclosure=strict))), "What the decision is worth")
    assert said["worth"].startswith("hidden")
    assert "net benefit of keeping" not in said


def test_always_valid_looks_show_no_interval_that_holds_once(stats):
    results = assemble(replace(stats, plan=plan(looks=Looks(kind="always_valid"), multiplicity="holm")))
    assert not any(isinstance(part, DisclosedEvents) or "Subgroups" in part.title for part in results.parts)
    assert any("Subgroups by job are not shown" in text for text in results.said)


def test_messages_follow_the_share_that_is_rejected():
    rejected = Metric(name="no", label="Rejected", kind="proportion", column="@rejected")
    rows = ROWS.assign(m_no=(np.arange(len(ROWS)) % 4 > 0).astype(float))
    decided = METRICS[0].model_copy(update={"of": "decided"})
    made = plan_of(rows, metrics=(decided, rejected), decision=DecisionRule(metric="again", utility=UTILITY))
    share, words = judging.messages_for_each(stats_of(rows, made))
    assert share == pytest.approx(rows.loc[rows["treated"] == 1, "m_no"].mean())
    assert "about 0.75" in words


def test_subgroups_of_an_experiment_with_strata_say_that_strata_are_not_held():
    rows = ROWS.assign(arm=np.where(ROWS["site"].astype(int) % 2, "new", "old"), period=0)
    rows["treated"], rows["region"] = (rows["arm"] == "new").astype(float), np.where(rows["site"] < "10", "n", "s")
    arms = (PolicyArm(name="old", label="Old", code="old"), PolicyArm(name="new", label="New", code="new"))
    trial = Experiment(column="arm", unit="site", arms=arms, control="old", strata=("region",))
    found = subgroups(stats_of(rows, plan(treatment=trial)), "job").rows
    assert any("do not hold the strata" in note for note in found[0].warnings)
