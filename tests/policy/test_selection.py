"""A metric of rejected applications says what it takes for granted, in both designs."""

import pytest

from feedbackstudy.policy.declared import Metric
from feedbackstudy.policy.rollouts.readout import read_rollout
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of
from tests.policy.test_readout import plan_of as trial_of
from tests.policy.test_readout import read
from tests.policy.test_readout import rows_of as trial_rows

ROWS = rows_of(1)
AGAIN = Metric(name="again", label="Again", kind="proportion", column="x", role="primary", of="rejected")
WATCH = Metric(
    name="rating", label="No", kind="proportion", column="@rejected", role="guardrail", direction="decrease", margin=0.1
)


@pytest.mark.parametrize("watched", [True, False])
def test_a_roll_out_says_who_watches_who_is_rejected(watched):
    metrics = (AGAIN, WATCH) if watched else (AGAIN,)
    rows = ROWS.assign(m_rating=(ROWS["m_rating"] > 1).astype(float))
    found = read_rollout(stats_of(rows, plan_of(rows, metrics=metrics)))
    for row in found["again"]:
        assert any("does not change who is rejected" in text for text in row.assumptions)
        assert any("no guardrail watches" in text for text in row.warnings) is not watched
    if watched:
        assert not any("who is rejected" in text for row in found["rating"] for text in row.assumptions)


def test_an_experiment_says_it_too_and_decided_applications_need_nothing():
    plan = trial_of(None)
    chosen = plan.metrics.__class__(
        m.model_copy(update={"of": "rejected"}) if m.name == "again" else m for m in plan.metrics
    )
    found = read(trial_rows(1, 40), plan.model_copy(update={"metrics": chosen}))
    assert any("who is rejected" in text for text in found.one("again").assumptions)
    assert "no guardrail watches" in found.one("again").warnings[-1]
    assert not any("who is rejected" in text for text in found.one("speed").assumptions)
