"""Staggered estimators: where the truth is known, against each other, and against what they are made of."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from feedbackstudy.adapters.diff_diff import callaway_santanna
from feedbackstudy.adapters.pyfixest import saturated_events, two_stage
from feedbackstudy.errors import DataError
from feedbackstudy.policy.declared import Metric, Rollout
from feedbackstudy.policy.rollouts.event_errors import freedom_by_time, pre_trends
from feedbackstudy.policy.rollouts.event_study import event_study
from feedbackstudy.policy.rollouts.panel import Panel, panel_of
from feedbackstudy.policy.rollouts.staggered import comparisons, fit_staggered, long_cells, staggered
from feedbackstudy.policy.rollouts.two_way import two_way
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of

PANEL = Panel(
    metric=Metric(name="again", label="Applied again", kind="proportion", column="again", role="primary"),
    rollout=Rollout(unit="site", start={"a": "2026-01-01"}, mechanism="randomised"),
    units=("a",), periods=np.arange(1), n=np.ones((1, 1)), total=np.ones((1, 1)), squares=np.ones((1, 1)), rows=1,
    start=np.zeros(1), used=np.ones((1, 1), dtype=bool), strata=np.zeros(1, dtype=np.intp),
)  # fmt: skip
"""To be replaced in part by tests that need cells and no table."""


@pytest.fixture(scope="module")
def stats():
    """Everybody changes over in the end, and the effect grows: the normal roll-out."""
    rows = rows_of(8, sites=30, periods=10, per_cell=60, never=0, growth=0.01)
    return stats_of(rows, plan_of(rows))


@pytest.fixture(scope="module")
def events(stats):
    return event_study(stats)


def by_hand(panel, weight):
    """Callaway-Sant'Anna with not-yet-treated comparisons from the definition."""
    mean, start = panel.total / panel.n, panel.start
    top = bottom = 0.0
    for g in sorted({s for s in start if np.isfinite(s) and s > 0}):
        for t in range(int(g), panel.periods.size):
            own, other = start == g, start > t
            if not other.any():
                continue
            change = mean[:, t] - mean[:, int(g) - 1]
            effect = np.average(change[own], weights=weight[own]) - np.average(change[other], weights=weight[other])
            top += weight[own].sum() * effect
            bottom += weight[own].sum()
    return top / bottom


@pytest.mark.parametrize("weigh", [True, False])
def test_callaway_santanna_is_its_definition(stats, weigh):
    panel = panel_of(stats)
    weight = panel.n.sum(axis=1) if weigh else np.ones(len(panel.units))
    row = staggered(stats, weigh=weigh).rows[0]
    assert row.estimate == pytest.approx(by_hand(panel, weight), abs=1e-12)
    assert row.df == 29
    assert ("weighted by applications" in row.method) == weigh


@pytest.mark.parametrize("units", ["all start in the end", "some never start"])
def test_estimates_and_errors_are_csdid_s_with_and_without_never_treated_units(units):
    """tests/reference/policy_csdid.py, csdid 0.4.3: analytic standard errors, by time since the start as well."""
    whole = json.loads((Path(__file__).parents[2] / "reference" / "policy_csdid.json").read_text())
    reference = whole["with_never_treated"] if units == "some never start" else whole
    data = pd.DataFrame(reference["data"]).assign(weight=1.0)
    assert (data["first"] == 0).any() == (units == "some never start")
    fit = callaway_santanna(data, anticipation=0, balanced=True)
    assert fit.estimate == pytest.approx(reference["simple"]["overall_att"], abs=1e-12)
    assert fit.se == pytest.approx(reference["simple"]["overall_se"], abs=1e-12)
    theirs = pd.DataFrame(reference["dynamic"]).set_index("egt")
    after = fit.time >= 0
    theirs = theirs.loc[fit.time[after]]
    assert len(theirs) >= 4
    assert fit.effects[after] == pytest.approx(theirs["att_egt"].to_numpy(), abs=1e-12)
    assert np.sqrt(np.diag(fit.covariance))[after] == pytest.approx(theirs["se_egt"].to_numpy(), abs=1e-12)


def test_imputation_is_its_definition_and_pyfixest_s_two_stages(stats):
    panel = panel_of(stats)
    frame, notes = long_cells(panel, until_all_treated=True)
    assert "without any untreated unit" in notes[0]
    fixed = pd.get_dummies(frame[["unit", "time"]].astype(str)).astype(float).to_numpy()
    for weight, found in (
        (np.ones(len(frame)), staggered(stats, weigh=False).rows[1].estimate),
        (frame["n"].to_numpy(), two_stage(frame)[0]),
    ):
        before = frame["treated"].to_numpy() == 0
        root = np.sqrt(weight)[before]
        beta = np.linalg.lstsq(root[:, None] * fixed[before], root * frame["mean"].to_numpy()[before], rcond=None)[0]
        left = frame["mean"].to_numpy() - fixed @ beta
        assert found == pytest.approx(
            np.average(left[~before], weights=weight[~before]), abs=1e-6
        )  # iterative demeaning


def test_cross_check_stands_beside(stats):
    rows = staggered(stats, cross_check=True).rows
    assert len(rows) == 3
    assert "pyfixest" in rows[2].method
    assert rows[2].estimate == pytest.approx(rows[1].estimate, abs=0.01)


def test_comparisons_add_up_to_two_way_fixed_effects(stats):
    table = comparisons(stats)
    assert table["weight"].sum() == pytest.approx(1.0)
    panel = panel_of(stats)
    d = panel.treated.astype(float)
    left = d - d.mean(0) - d.mean(1)[:, None] + d.mean()
    alike = (left * panel.total / panel.n).sum() / (left * d).sum()
    assert (table["weight"] * table["estimate"].fillna(0)).sum() == pytest.approx(alike, abs=1e-12)
    assert table.set_index("kind").loc["later_vs_earlier", "weight"] > 0.2
    rows = rows_of(8, sites=8)
    with pytest.raises(DataError, match="every unit in every period"):
        comparisons(stats_of(rows, plan_of(rows, washout=1)))


def test_an_event_study_has_a_wider_joint_band_and_a_reference(events):
    table = events.effects
    assert table.loc[table["time"] == -1, "estimate"].tolist() == [0.0]
    rest = table[table["time"] != -1]
    assert ((rest["joint_high"] - rest["joint_low"]) > (rest["high"] - rest["low"])).all()
    own = table[table["time"].between(-1 - events.pre_trends.periods, -2)]["df"].mean()
    assert events.pre_trends.df2 == own - events.pre_trends.df + 1
    assert own >= 3 * events.pre_trends.periods
    assert 0 < events.pre_trends.p <= 1
    assert events.pre_trends.smallest_seen > 0
    widths = [b.high - b.low for b in events.relative]
    assert widths == sorted(widths)
    text = str(events)
    assert f"F({events.pre_trends.df:.0f}, {events.pre_trends.df2:.2f}) = " in text
    assert "p p" not in text
    assert "does not show that trends are parallel" in text
    assert "robust interval" in text


def test_freedom_counts_the_units_that_reach_a_time_less_their_starts():
    """Starts at 2 (three units), 4 (two) and never (four) over six periods: time -4 knows two units, time 3 three."""
    start = np.array([2, 2, 2, 4, 4, *[np.inf] * 4])
    used = np.ones((9, 6), dtype=bool)
    panel = replace(PANEL, units=tuple("abcdefghi"), periods=np.arange(6), start=start, used=used)
    times = np.arange(-4, 4)
    assert freedom_by_time(panel, times).tolist() == [1, 1, 3, 3, 3, 3, 2, 2]
    used[0, 5] = False
    assert freedom_by_time(panel, np.array([3])).tolist() == [1]


@pytest.mark.slow
@pytest.mark.parametrize(("per_start", "never"), [(2, 2), (4, 6)])
def test_single_times_and_pre_trends_keep_their_size_with_few_units(per_start, never):
    """No effect, ICC about .02, six starts: no time rejects more than 5 % beyond 3 Monte-Carlo errors."""
    start = np.r_[np.repeat(np.arange(3.0, 9), per_start), np.full(never, np.inf)]
    units, draws = start.size, 200
    single, joint = [], []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        n = 1.0 + rng.poisson(rng.gamma(4, 550 / 4, (units, 1)), (units, 12))
        share = np.clip(0.3 + rng.normal(0, 0.06, (units, 1)) + rng.normal(0, 0.01, (1, 12)), 0.01, 0.99)
        total = rng.binomial(n.astype(int), share).astype(float)
        panel = replace(
            PANEL, units=tuple(f"{i:02d}" for i in range(units)), periods=np.arange(12), start=start, n=n, total=total,
            squares=total, rows=int(n.sum()), used=np.ones_like(n, dtype=bool), strata=np.zeros(units, dtype=np.intp),
        )  # fmt: skip
        fit, _ = fit_staggered(panel)
        freedom = freedom_by_time(panel, fit.time)
        pre = pre_trends(fit, freedom, 6, reference=-1, power=0.8, alpha=0.05)
        joint.append((pre.p < 0.05, pre.slope_p < 0.05))
        se = np.sqrt(np.diag(fit.covariance))  # the joint band, which costs most, is not looked at here
        single.append(np.abs(fit.effects[se > 0] / se[se > 0]) > special.stdtrit(freedom[se > 0], 0.975))
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
    assert (np.mean(joint, axis=0) < most).all()
    assert np.mean(single) < 0.055
    assert (np.mean(single, axis=0) < most).mean() >= 0.9


def test_the_saturated_event_study_agrees_after_the_start(stats):
    """Cohort and period saturated equals Callaway-Sant'Anna where cells count alike, on the periods both know."""
    panel = panel_of(stats)
    fit, _ = fit_staggered(panel, weigh=False)
    frame, _ = long_cells(panel, until_all_treated=True)
    theirs = saturated_events(frame)
    ours = dict(zip(fit.time.tolist(), fit.effects, strict=True))
    assert theirs.effects[theirs.time == 0][0] == pytest.approx(ours[0], abs=0.02)


def test_a_false_trend_is_seen():
    rows = rows_of(9, sites=30, periods=10, per_cell=200, never=6, effect=0.0)
    rng = np.random.default_rng(1)
    first = rows[rows["treated"] == 1].groupby("site")["period"].min()
    since = rows["period"] - rows["site"].map(first)
    rows["m_again"] = (rng.random(len(rows)) < np.clip(0.4 + 0.03 * since.fillna(0), 0.02, 0.98)).astype(float)
    found = event_study(stats_of(rows, plan_of(rows)))
    assert found.pre_trends.slope_p < 0.01
    assert 0 < found.pre_trends.low < found.pre_trends.high < 0.03  # not yet treated units share the trend in part
    assert found.breakdown is not None


def test_units_that_were_treated_before_are_named():
    rows = rows_of(10, sites=10, never=3)
    first = sorted(set(rows["site"]))[0]
    early = rows.assign(treated=np.where(rows["site"] == first, 1.0, rows["treated"]))
    row = staggered(stats_of(early, plan_of(early))).rows[0]
    assert any("from the first period on" in warning for warning in row.warnings)


def test_anticipation_moves_the_reference():
    rows = rows_of(11, sites=20, periods=9, never=4)
    stats = stats_of(rows, plan_of(rows, anticipation=1))
    table = event_study(stats).effects
    assert table.loc[table["estimate"] == 0.0, "time"].tolist() == [-2]


def test_a_start_for_all_at_once_has_no_comparison():
    rows = rows_of(12, sites=6)
    once = rows.assign(treated=(rows["period"] >= rows["period"].min() + 3).astype(float))
    with pytest.raises(DataError, match=r"diff-diff cannot|No effect|No unit"):
        staggered(stats_of(once, plan_of(once)))
    with pytest.raises(DataError, match="no untreated unit"):
        two_stage(long_cells(panel_of(stats_of(once, plan_of(once))), until_all_treated=False)[0])


def test_growing_effects_pull_two_way_fixed_effects_away():
    """Truth: .05 at once and .03 more each month; the average on the treated is known."""
    rows = rows_of(13, sites=24, periods=8, per_cell=400, never=0, early=True, effect=0.05, growth=0.03, spread=0.02)
    stats = stats_of(rows, plan_of(rows))
    panel = panel_of(stats)
    fit, _ = fit_staggered(panel)
    open_ = panel.treated & (panel.start.max() > np.arange(panel.periods.size))
    truth = np.average((0.05 + 0.03 * panel.event_time)[open_], weights=panel.n[open_])
    assert fit.estimate == pytest.approx(truth, abs=0.02)
    assert two_way(stats).rows[0].estimate < truth - 0.02
