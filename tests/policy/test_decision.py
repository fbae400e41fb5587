"""Declared rules decide as they say; values equal their closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.errors import DataError, DeclarationError, InputError, NotFoundError
from feedbackstudy.policy.decision import Belief, belief_of, decide
from feedbackstudy.policy.decision_value import value_of_a_wave, worth_of
from feedbackstudy.policy.declared import DecisionRule, Metric, Utility
from feedbackstudy.policy.effect import EffectEstimate, Effects
from tests.policy.rollouts.invented import plan_of, rows_of

ROWS = rows_of(1)
METRICS = (
    Metric(name="again", label="Again", kind="proportion", column="x", role="primary"),
    Metric(name="cost", label="Cost", kind="mean", column="c", role="guardrail", direction="decrease", margin=1.0),
)


def plan(**options):
    return plan_of(ROWS, metrics=METRICS, decision=DecisionRule(metric="again", **options))


COSTS = {"within the margin": (-0.2, 0.6), "undecided": (0.8, 1.6), "breached": (1.2, 2.0)}


def answers(low, high, verdict="within the margin"):
    """Return answers as `two_way` gives them: the verdict is left to the decision."""
    middle = (low + high) / 2
    row = EffectEstimate(
        metric="again", label="Again", role="primary", contrast="new minus old", scale="absolute", estimate=middle,
        se=(high - low) / 3.92, low=low, high=high, n=1000, n_clusters=20, method="test", decides=True,
    )  # fmt: skip
    cheap, dear = COSTS[verdict]
    cost = replace(
        row, metric="cost", label="Cost", role="guardrail", estimate=(cheap + dear) / 2, se=0.2, low=cheap, high=dear
    )
    return Effects(rows=(row, cost))


@pytest.mark.parametrize(
    ("low", "high", "verdict", "action"),
    [
        (0.01, 0.05, "within the margin", "ship"),
        (0.01, 0.05, "undecided", "extend"),
        (0.01, 0.05, "breached", "hold"),
        (-0.01, 0.05, "within the margin", "extend"),
        (-0.05, -0.01, "breached", "stop"),
        (-0.001, 0.002, "within the margin", "stop"),
        (0.001, 0.05, "within the margin", "extend"),
    ],
)
def test_the_interval_rule(low, high, verdict, action):
    found = decide(plan(rope=0.005), answers(low, high, verdict))
    assert found.action == action
    assert found.reasons
    assert found.p_benefit is None


def test_a_metric_that_should_fall_is_read_the_other_way_round():
    down = (METRICS[0].model_copy(update={"direction": "decrease"}), METRICS[1])
    own = plan_of(ROWS, metrics=down, decision=DecisionRule(metric="again"))
    assert decide(own, answers(-0.05, -0.01)).action == "ship"
    assert decide(own, answers(0.01, 0.05)).action == "stop"


@pytest.mark.parametrize(
    ("low", "high", "action"), [(0.01, 0.05, "ship"), (-0.05, -0.01, "stop"), (-0.02, 0.05, "extend")]
)
def test_the_posterior_rule(low, high, action):
    found = decide(plan(by="posterior"), answers(low, high))
    assert found.action == action
    row = answers(low, high).rows[0]
    assert found.p_benefit == pytest.approx(stats.norm.cdf(row.estimate / row.se), abs=0.01)
    assert found.p_breach["Cost"] == pytest.approx(stats.norm.sf(1.0, 0.2, 0.2), abs=0.001)
    assert set(found.sources) == {"Again", "Cost"}
    assert all("flat prior" in source for source in found.sources.values())
    text = found.page().text()
    assert "probability that Cost breaches its margin" in text
    assert not [line for line in text.splitlines() if line.startswith("probability") and "=" in line]


def test_draws_of_a_fit_go_before_a_flat_prior():
    draws = np.random.default_rng(1).normal(0.03, 0.01, 4000)
    bad = Belief(metric="cost", draws=np.full(4000, 2.0), source="test")
    found = decide(
        plan(by="posterior"), answers(-0.05, -0.01), beliefs=[Belief(metric="again", draws=draws, source="test"), bad]
    )
    assert found.action == "hold"
    assert found.p_breach == {"Cost": 1.0}
    none = Belief(metric="again", draws=draws / 100, source="test")
    assert decide(plan(by="posterior", rope=0.01), answers(-1, 1), beliefs=[none]).action == "stop"
    unfit = Belief(metric="again", draws=draws, source="test", fit_to_report=False)
    made = decide(plan(by="posterior"), answers(-1, 1), beliefs=[unfit])
    assert not made.fit_to_report
    assert "STOP: Not fit to report" in str(made)
    assert "HOLDS" not in str(made)
    assert "the posterior of test is not fit to report" in " ".join(str(made).split())


def test_worth_is_its_closed_form():
    utility = Utility(cost_per_message=2.0, value_per_success=100.0, currency="EUR", applications_per_period=1000.0)
    draws = np.random.default_rng(2).normal(0.03, 0.01, 400_000)
    found = worth_of(draws, utility, more=1.0)
    mean, sd = 1.0, 1.0
    assert found.net == pytest.approx(mean, abs=0.01)
    assert found.p_worth == pytest.approx(stats.norm.cdf(1), abs=0.003)
    loss = integrate.quad(lambda b: max(0, -b) * stats.norm.pdf(b, mean, sd), -9, 0)[0]
    assert found.loss_ship == pytest.approx(loss, abs=0.003)
    assert found.loss_stop - found.loss_ship == pytest.approx(found.net)
    assert found.perfect == found.loss_ship
    assert found.total(found.net) == pytest.approx(1000, rel=0.01)
    assert found.wave < found.perfect


def test_a_wave_is_worth_what_simulation_says():
    """Preposterior analysis by brute force: draw a truth, draw a wave, decide by the new mean."""
    rng = np.random.default_rng(3)
    mean, sd, more = 0.3, 1.0, 2.0
    truth = rng.normal(mean, sd, 2_000_000)
    seen = rng.normal(truth, sd / more**0.5)
    after = (mean + more * seen) / (1 + more)
    simulated = np.where(after > 0, truth, 0).mean() - max(mean, 0)
    assert value_of_a_wave(mean, sd, more) == pytest.approx(simulated, abs=0.002)
    assert value_of_a_wave(1.0, 0.0, 1.0) == 0.0
    with pytest.raises(InputError, match="tells nothing"):
        value_of_a_wave(0.1, 1.0, 0.0)


def test_the_decision_renders_with_its_worth():
    utility = Utility(cost_per_message=1.0, value_per_success=50.0, currency="EUR")
    text = str(decide(plan(utility=utility), answers(0.01, 0.05), more=1.0))
    assert "Ship: keep the policy" in text
    assert "one more wave" in text
    assert "EUR" in text
    assert "not declared" in text


def test_what_cannot_be_decided_is_refused():
    with pytest.raises(InputError, match="declares no decision rule"):
        decide(plan_of(ROWS, metrics=METRICS), answers(0, 1))
    with pytest.raises(NotFoundError, match="needs an answer"):
        decide(plan(), Effects(rows=answers(0, 1).rows[:1]))
    with pytest.raises(InputError, match="gives none"):
        belief_of(replace(answers(0, 1).rows[0], se=None), seed=1)
    two = answers(0, 1).rows
    with pytest.raises(DataError, match="about 2 arms"):
        decide(plan(), Effects(rows=(*two, replace(two[0], contrast="third minus old"))))
    with pytest.raises(DataError, match="at least 100"):
        worth_of(np.ones(5), Utility(cost_per_message=1.0, value_per_success=1.0))


def test_the_plan_says_which_posterior():
    rule = plan(by="posterior", posterior="cells")
    with pytest.raises(InputError, match=r"policy\.bayes_cells"):
        decide(rule, answers(0.01, 0.05))
    draws = Belief(metric="again", draws=np.full(4000, 0.03), source="cells by PyMC", fit_to_report=True)
    found = decide(rule, answers(0.01, 0.05), beliefs=[draws])
    assert found.sources["Again"] == "cells by PyMC"
    assert "flat prior" in found.sources["Cost"]
    with pytest.raises(DeclarationError, match="belongs to a rule with by: posterior"):
        plan(posterior="cells")
    mean = (METRICS[0].model_copy(update={"kind": "mean"}), METRICS[1])
    with pytest.raises(DeclarationError, match="Choose posterior: estimate"):
        plan_of(ROWS, metrics=mean, decision=DecisionRule(metric="again", by="posterior", posterior="cells"))


def test_one_error_rate_is_stated(tmp_path):
    """Version 1 also took an `alpha` that nothing used; it is dropped, and its level stays."""
    own = plan()
    path = own.save(tmp_path / "plan.yaml")
    text = path.read_text(encoding="utf-8").replace("schema_version: 2", "schema_version: 1\nalpha: 0.01")
    path.write_text(text, encoding="utf-8")
    assert type(own).load(path) == own
    path.write_text(text.replace("schema_version: 1", "schema_version: 2"), encoding="utf-8")
    with pytest.raises(DeclarationError, match="alpha"):
        type(own).load(path)
