"""Sequences cover at all looks together; joint covariances are those of stacked regressions."""

from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError, DeclarationError, InputError
from feedbackstudy.policy.always_valid import always_valid, confidence_sequence, tuning
from feedbackstudy.policy.declared import Experiment, Looks, Metric, PolicyArm
from feedbackstudy.policy.joint import joint_effects, together
from feedbackstudy.policy.looks import plan_look, take_look
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of


def test_the_sequence_is_shortest_where_it_is_tuned():
    def width(se, tuned):
        found = confidence_sequence(0.0, se, tuned_se=tuned)
        return found.high / se

    tuned = [width(0.1, t) for t in (0.05, 0.08, 0.1, 0.12, 0.2)]
    assert min(tuned) == tuned[2]
    assert tuned[2] > 1.96
    assert tuned[2] == pytest.approx(sqrt((1 + 1 / _best()) * log((1 + _best()) / 0.05**2)), rel=1e-12)


def _best():
    """Solve (1 + k)(1 - ...) for the shortest width by golden search, apart from Lambert's function."""
    from scipy.optimize import minimize_scalar

    return minimize_scalar(lambda k: (1 + 1 / k) * log((1 + k) / 0.05**2), bounds=(0.1, 100), method="bounded",
                           options={"xatol": 1e-12}).x  # fmt: skip


def test_p_and_interval_agree():
    for z in (2.0, 3.0, 3.5, 5.0):
        found = confidence_sequence(z * 0.1, 0.1, tuned_se=0.07, alpha=0.05)
        assert (found.p <= 0.05) == (found.low > 0)
    exact = confidence_sequence(0.3, 0.1, tuned_se=0.1, alpha=0.05)
    k = _best()
    assert exact.p == pytest.approx(sqrt(1 + k) * exp(-9 * k / (2 * (1 + k))), rel=1e-6)


def test_few_clusters_widen():
    few, many = (confidence_sequence(0.5, 0.1, tuned_se=0.1, df=df) for df in (9.0, np.inf))
    assert few.high - few.low > many.high - many.low
    assert few.p > many.p
    with pytest.raises(DataError, match="above 0"):
        confidence_sequence(0.1, 0.0, tuned_se=0.1)


def test_a_plan_must_declare_it():
    rows = rows_of(1)
    with pytest.raises(InputError, match="declare looks"):
        always_valid(stats_of(rows, plan_of(rows)))
    plan = plan_of(rows, looks=Looks(kind="always_valid", tuned_for=40))
    row = always_valid(stats_of(rows, plan)).rows[0]
    fixed = row.estimate - row.low
    assert fixed > 2.2 * row.se
    assert any("give tuned_se=" in note for note in row.warnings)
    assert any("asymptotic in units" in note for note in row.warnings)
    again = always_valid(stats_of(rows, plan), tuned_se=row.se).rows[0]
    assert again.high - again.low < row.high - row.low


def test_a_ledger_fixes_the_tuning_at_the_first_look(tmp_path):
    rows = rows_of(1)
    plan = plan_of(rows, looks=Looks(kind="always_valid"))
    half, whole = stats_of(rows[::2], plan), stats_of(rows, plan)
    first = take_look(tmp_path / "l", half, 1)
    assert first.tuned == tuning(half)
    assert set(first.tuned) == {"again", "rating", "per_hour"}
    second = take_look(tmp_path / "l", whole, 2)
    assert second.tuned == first.tuned != tuning(whole)
    for name, tuned in first.tuned.items():
        (row,) = always_valid(second.of(whole), name).rows
        (expected,) = always_valid(whole, name, tuned_se=tuned).rows
        assert (row.low, row.high, row.p) == (expected.low, expected.high, expected.p)
        assert any("as fixed before this look" in note for note in row.warnings)
        assert row.low != always_valid(whole, name).rows[0].low


def test_a_plan_may_fix_the_tuning_and_not_change_it_later(tmp_path):
    rows = rows_of(1)
    plan = plan_of(rows, looks=Looks(kind="always_valid", tuned_se={"again": 0.02}))
    stats = stats_of(rows[::2], plan)
    assert take_look(tmp_path / "l", stats, 1).tuned["again"] == 0.02
    assert always_valid(stats, "again").rows == always_valid(stats, "again", tuned_se=0.02).rows
    changed = plan.model_copy(update={"looks": Looks(kind="always_valid", tuned_se={"again": 0.03})})
    with pytest.raises(InputError, match=r"0\.03, and the looks before to 0\.02"):
        take_look(tmp_path / "l", stats_of(rows, changed), 2, amend="why not")
    with pytest.raises(DeclarationError, match="which is no metric"):
        plan_of(rows, looks=Looks(kind="always_valid", tuned_se={"agin": 0.02}))
    with pytest.raises(DeclarationError, match="above 0"):
        Looks(kind="always_valid", tuned_se={"again": 0.0})


def test_metrics_have_the_covariance_of_their_stacked_scores():
    rows = rows_of(2)
    stats = stats_of(rows, plan_of(rows))
    joint = joint_effects(stats)
    assert joint.metrics == ("again", "rating")
    for i, name in enumerate(joint.metrics):
        fit = stats.fits[name]
        at = fit.position("treated")
        factor = (fit.rows - 1) / (fit.rows - fit.rank)
        assert joint.covariance[i, i] * factor == pytest.approx(fit.clustered("site")[at, at], rel=1e-9)
    # a metric that is a multiple of another is perfectly correlated with it
    double = rows.assign(m_rating=1 + 2 * rows["m_again"])
    same = joint_effects(stats_of(double, plan_of(rows))).covariance
    assert same[0, 1] / sqrt(same[0, 0] * same[1, 1]) == pytest.approx(1.0)


def test_joint_intervals_hold_together():
    rows = rows_of(3)
    found = together(stats_of(rows, plan_of(rows)))
    for row in found:
        assert row.p_adjusted >= row.p
        assert row.high - row.estimate > 2.2 * row.se
    with pytest.raises(InputError, match="no adjusted model"):
        together(stats_of(rows, plan_of(rows)), ["again", "per_hour"])


@pytest.mark.slow
@pytest.mark.parametrize("grows", ["clusters", "applications"])
def test_coverage_over_50_looks(grows):
    """1,000 trials, ICC .02: 95 % over 50 looks. Either clusters come in, or 40 clusters get more applications."""
    rng, missed, trials = np.random.default_rng(4), 0, 1000
    for _ in range(trials):
        clusters = 400 if grows == "clusters" else 40
        sd = sqrt(0.02 / 0.98)
        effect = rng.normal(0, sd, clusters)
        arm = np.arange(clusters) % 2
        noise = rng.normal(size=(clusters, 50)) / sqrt(5)  # five applications each at each look
        cumulative = noise.cumsum(axis=1) / np.arange(1, 51)
        tuned = None
        for look in range(50):
            seen = 40 + look * 7 if grows == "clusters" else clusters
            means = (effect + (noise[:, 0] if grows == "clusters" else cumulative[:, look]))[:seen]
            a, b = means[arm[:seen] == 1], means[arm[:seen] == 0]
            se = sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)
            tuned = tuned or se * sqrt(0.2)
            found = confidence_sequence(float(a.mean() - b.mean()), se, tuned_se=tuned, df=seen - 2.0)
            if not found.low <= 0 <= found.high:
                missed += 1
                break
    assert missed / trials < 0.05 + 3 * sqrt(0.05 * 0.95 / trials)


_ARMS = (PolicyArm(name="old", label="Old", code="0"), PolicyArm(name="new", label="New", code="1"))


def _experiment(rows):
    """Return an experiment on sites whose looks are always valid."""
    plan = plan_of(
        rows,
        metrics=(Metric(name="rating", label="Rating", kind="mean", column="r", role="primary"),),
        looks=Looks(kind="always_valid"),
    )
    return plan.model_copy(update={"treatment": Experiment(column="arm", unit="site", control="old", arms=_ARMS)})


@pytest.mark.slow
def test_coverage_by_the_way_of_the_command(tmp_path):
    """200 trials of 40 sites with 12 looks at ever more applications, each by ledger, look and estimator: 95 %."""
    rng, missed, trials = np.random.default_rng(11), 0, 200
    sites = pd.DataFrame({"site": [f"{i:02d}" for i in range(40)], "period": 24300})
    sites["treated"] = np.arange(40) % 2.0
    sites["arm"] = np.where(sites["treated"] == 1, "new", "old")
    start = sites.loc[sites.index.repeat(3)].assign(m_rating=rng.normal(size=120))
    stats = stats_of(start, _experiment(start))
    for trial in range(trials):
        effect = rng.normal(0, sqrt(0.02 / 0.98), (40, 1))
        values = rng.normal(size=(40, 12 * 12)) + effect
        for look in range(1, 13):
            seen = values[:, : look * 12]
            own = sites.assign(n=float(seen.shape[1]), sum=seen.sum(axis=1), sumsq=(seen**2).sum(axis=1))
            now = replace(stats, cells={"rating": own[list(stats.cells["rating"].columns)]})
            planned = plan_look(tmp_path / str(trial), now, look)
            row = always_valid(planned.of(now)).rows[0]
            take_look(tmp_path / str(trial), now, planned)
            if not row.low <= 0 <= row.high:
                missed += 1
                break
    assert missed / trials < 0.05 + 3 * sqrt(0.05 * 0.95 / trials)
