"""The posterior of a plan's metric, and its way into a decision."""

import pytest

from feedbackstudy.errors import InputError
from feedbackstudy.policy.bayes import _counted, bayes_cells
from feedbackstudy.policy.decision import decide
from feedbackstudy.policy.declared import DecisionRule
from feedbackstudy.policy.rollouts.panel import panel_of
from tests.policy.rollouts.invented import METRICS, plan_of, rows_of, stats_of


def test_counts_are_those_of_the_rows():
    rows = rows_of(1)
    stats = stats_of(rows, plan_of(rows))
    shares = _counted(stats, panel_of(stats))
    assert shares.counts.sum() == len(rows)
    assert shares.counts[:, 1].sum() == rows["m_again"].sum()
    ratings = _counted(stats, panel_of(stats, "rating"))
    assert ratings.counts.sum(axis=0).tolist() == [int((rows["m_rating"] == k).sum()) for k in (1, 2, 3)]
    assert ratings.counts[ratings.treated].sum() == rows["treated"].sum()
    with pytest.raises(InputError, match="Use two_way"):
        bayes_cells(stats, "per_hour")


def test_a_posterior_decides():
    rows = rows_of(2, sites=10, periods=8, per_cell=200, effect=0.12)
    rule = DecisionRule(metric="again", by="posterior")
    plan = plan_of(rows, metrics=METRICS[:1], decision=rule)
    found = bayes_cells(stats_of(rows, plan), draws=1000, tune=700, chains=2)
    row = found.effects.rows[0]
    assert row.low < 0.12 < row.high
    assert found.p_benefit > 0.99
    assert len(found.by_unit) == 10
    decision = decide(plan, found.effects, beliefs=[found.belief])
    assert decision.action == "ship"
    assert decision.fit_to_report == found.gates.hold
    assert "Convergence" not in str(decision)
    assert "probability of benefit" in str(found)
