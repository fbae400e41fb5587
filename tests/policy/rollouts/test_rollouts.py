"""Roll-outs on cells equal the same models on rows; schedules are permuted as they were drawn."""

import math
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.frequentist.clustered import cluster_robust
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.permuting import randomisation, reshuffle, schedules
from feedbackstudy.policy.rollouts.two_way import diagnose_two_way, two_way
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of


@pytest.fixture(scope="module")
def rows():
    return rows_of(1)


@pytest.fixture(scope="module")
def stats(rows):
    return stats_of(rows, plan_of(rows))


def test_cells_give_what_rows_give(rows, stats):
    row = two_way(stats).rows[0]
    x = np.column_stack([rows["treated"], np.ones(len(rows))])
    x = np.column_stack([x, *(rows["site"] == s for s in sorted(set(rows["site"]))[1:])])
    x = np.column_stack([x, *(rows["period"] == p for p in sorted(set(rows["period"]))[1:])]).astype(float)
    y = rows["m_again"].to_numpy()
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    code = np.unique(rows["site"], return_inverse=True)[1]
    robust = cluster_robust(x, y - x @ beta, code, "CR2")
    assert row.estimate == pytest.approx(beta[0], abs=1e-9)
    assert row.se == pytest.approx(math.sqrt(robust.covariance[0, 0]), rel=1e-9)
    assert row.df == pytest.approx(robust.df(np.eye(x.shape[1])[0]), rel=1e-7)
    assert "CR2 over 12 units" in row.covariance


def test_the_adjusted_model_stands_beside_it(rows):
    found = two_way(stats_of(rows, plan_of(rows, adjust=("job",)))).rows
    assert len(found) == 2
    assert "adjusted for job" in found[1].method
    assert found[1].estimate == pytest.approx(found[0].estimate, abs=0.01)


def test_weights_rebuild_the_estimate(stats):
    """The estimate is the weighted sum of any effects put into the treated cells."""
    panel = panel_of(stats)
    diagnosis = diagnose_two_way(panel)
    effects = np.random.default_rng(3).normal(size=panel.n.shape)
    fake = replace(
        panel, total=panel.n * (effects * panel.treated + panel.periods + np.arange(len(panel.units))[:, None])
    )
    u, t = np.nonzero(panel.used)
    from feedbackstudy.policy.rollouts.two_way import fit_two_way

    fit = fit_two_way(fake, panel.treated[u, t].astype(float)[:, None])
    assert fit.beta[0] == pytest.approx((diagnosis.weights * effects).sum(), abs=1e-9)
    assert diagnosis.weights.sum() == pytest.approx(1.0)
    assert diagnosis.negative_cells == (diagnosis.weights[panel.treated] < 0).sum()
    assert "negative" in str(diagnosis)


def test_growing_effects_without_untreated_units_have_negative_weights():
    rows = rows_of(2, never=0, early=True)
    row = two_way(stats_of(rows, plan_of(rows))).rows[0]
    assert any("negative weight" in warning for warning in row.warnings)


def test_other_schedules_keep_starts_and_strata(rows):
    strata = {site: "north" if int(site) % 2 else "south" for site in set(rows["site"])}
    panel = panel_of(stats_of(rows, plan_of(rows, mechanism="randomised", strata=strata)))
    drawn, exact = schedules(panel, 300, seed=4)
    assert not exact
    assert (drawn[0] == panel.start).all()
    for stratum in (0, 1):
        own = panel.strata == stratum
        assert (np.sort(drawn[:, own], axis=1) == np.sort(panel.start[own])).all()


def test_statistics_of_schedules_are_those_of_refitted_models(rows):
    panel = panel_of(stats_of(rows, plan_of(rows, mechanism="randomised")))
    found = reshuffle(panel, 60, seed=5)
    drawn, _ = schedules(panel, 60, seed=5)
    from feedbackstudy.policy.rollouts.two_way import fit_two_way

    u, t = np.nonzero(panel.used)
    for i in (0, 17, 59):
        d = (t >= drawn[i][u]).astype(float)[:, None]
        assert found.statistics[i] == pytest.approx(fit_two_way(panel, d).beta[0], abs=1e-10)


def test_the_interval_of_schedules_holds_what_is_not_rejected(rows):
    panel = panel_of(stats_of(rows, plan_of(rows, mechanism="randomised")))
    test = reshuffle(panel, 999, seed=6).test
    assert test.low < test.estimate < test.high

    def p_without(delta):
        return reshuffle(replace(panel, total=panel.total - delta * panel.n * panel.treated), 999, seed=6).test.p

    assert p_without(test.low - 1e-6) <= 0.05
    assert p_without((test.low + test.estimate) / 2) > 0.05
    row = randomisation(stats_of(rows, plan_of(rows, mechanism="randomised")), draws=999).rows[0]
    assert row.estimate == pytest.approx(test.estimate)


def test_few_units_are_listed_in_full():
    rows = rows_of(7, sites=6, never=0)
    panel = panel_of(stats_of(rows, plan_of(rows, mechanism="randomised")))
    _, counts = np.unique(panel.start, return_counts=True)
    drawn, exact = schedules(panel, 5000, seed=1)
    assert exact
    assert len(drawn) == math.factorial(6) / math.prod(math.factorial(c) for c in counts)
    assert len({tuple(row) for row in drawn}) == len(drawn)


def test_5000_schedules_are_quick():
    """40 sites and 24 months, processor seconds; the bar of the issue is 0.3."""
    rows = rows_of(8, sites=40, periods=24, per_cell=3)
    panel = panel_of(stats_of(rows, plan_of(rows, mechanism="randomised")))
    started = time.process_time()
    reshuffle(panel, 5000, seed=1)
    assert time.process_time() - started < 0.6


def test_observational_rollouts_have_no_other_schedules(stats):
    with pytest.raises(InputError, match="Chance did not decide"):
        randomisation(stats)


def test_washout_and_anticipation_are_said(rows):
    panel = panel_of(stats_of(rows, plan_of(rows, washout=1, anticipation=1)))
    assert [note.split(":")[0] for note in panel.notes] == ["washout", "anticipation"]
    assert not panel.used[panel.event_time == 0].any()
    assert not panel.used[panel.event_time == -1].any()
    assert "Roll-out" in str(panel)


def test_what_contradicts_the_schedule_is_refused(rows):
    plan = plan_of(rows)
    late = rows.assign(treated=np.where(rows["site"] == "03", 0.0, rows["treated"]))
    with pytest.raises(DataError, match="Unit '03' has two start dates"):
        two_way(stats_of(late, plan))
    with pytest.raises(DataError, match="'99' is unknown"):
        two_way(stats_of(rows.assign(site=rows["site"].replace("03", "99")), plan))
    third = sorted(set(rows["period"]))[2]
    with pytest.raises(DataError, match="no application at all in 1 month"):
        two_way(stats_of(rows[rows["period"] != third], plan))
    before = rows[rows["treated"] == 0]
    first = before[before["period"] <= before["period"].min() + 1]
    with pytest.raises(DataError, match="Nobody is treated"):
        two_way(stats_of(first.assign(treated=np.arange(len(first)) % 2 * 0.0), plan), "again")
    with pytest.raises(DataError, match="one month"):
        panel_of(stats_of(rows[rows["period"] == third], plan))


def test_everyone_treated_is_refused(rows):
    after = rows[(rows["treated"] == 1)]
    last = after[after["period"] >= after["period"].max() - 1]
    with pytest.raises(DataError, match="Everyone is treated"):
        panel_of(stats_of(last, plan_of(rows)))


def test_all_at_once_cannot_be_told_from_time(rows):
    once = rows.assign(treated=(rows["period"] >= rows["period"].min() + 3).astype(float))
    with pytest.raises(DataError, match="start at once"):
        two_way(stats_of(once, plan_of(once)))


def test_experiments_are_sent_to_the_readout(rows):
    plan = plan_of(rows)
    stats = stats_of(rows, plan)
    from feedbackstudy.policy.declared import Experiment, PolicyArm

    trial = Experiment(
        column="arm",
        arms=(PolicyArm(name="a", label="A", code="a"), PolicyArm(name="b", label="B", code="b")),
        control="a",
    )
    with pytest.raises(InputError, match=r"policy\.readout"):
        panel_of(replace(stats, plan=plan.model_copy(update={"treatment": trial})))


def test_missing_units_are_named(rows):
    plan = plan_of(rows)
    panel = panel_of(stats_of(rows[rows["site"] != "02"], plan))
    assert any("02" in note for note in panel.notes)
    assert pd.isna(panel.start).sum() == 0
