"""Robust intervals under changes of slope exist at every size, and equal diff-diff's and a direct search."""

import numpy as np
import pytest
from scipy import optimize, stats

from feedbackstudy.adapters.diff_diff import honest_bounds
from feedbackstudy.policy.rollouts.event_study import event_study
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.smoothness import _parts, folded_quantile, largest_bend, smooth_bounds
from feedbackstudy.policy.rollouts.staggered import fit_staggered
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of

ROWS = rows_of(3, sites=30, periods=10, never=6)
STATS = stats_of(ROWS, plan_of(ROWS))


@pytest.fixture(scope="module")
def fit():
    return fit_staggered(panel_of(STATS))[0]


def test_the_quantile_is_that_of_the_folded_distribution():
    for df in (5, 29, 120):
        for shift in (0.0, 0.5, 3.0, 15.0):
            q = float(folded_quantile(shift, 0.05, df=df))
            density = stats.chi(df)
            inside = density.expect(
                lambda s, q=q, shift=shift, df=df: (
                    stats.norm.cdf(q * s / df**0.5 - shift) - stats.norm.cdf(-q * s / df**0.5 - shift)
                ),
                epsabs=1e-10,
            )
            assert inside == pytest.approx(0.95, abs=2e-5)
    assert folded_quantile(0.0, 0.05, df=np.inf) == pytest.approx(stats.norm.ppf(0.975), abs=1e-10)
    assert folded_quantile(300.0, 0.05, df=np.inf) == pytest.approx(300 + stats.norm.ppf(0.95), abs=1e-8)


def test_small_sizes_are_those_of_diff_diff(fit):
    """Where its search ends: the same half length to 1 % (never longer), and the same centre to 1 % of it."""
    sizes = (0.0, 1e-4)
    theirs = honest_bounds(fit, sizes, method="smoothness", alpha=0.05)
    ours = smooth_bounds(fit, sizes, reference=-1, alpha=0.05, df=29.0)
    for a, b in zip(ours, theirs, strict=True):
        half, own = (b.high - b.low) / 2, (a.high - a.low) / 2
        assert own == pytest.approx(half, rel=1e-2)
        assert own < half * (1 + 1e-3)
        assert (a.low + a.high) / 2 == pytest.approx((b.low + b.high) / 2, abs=1e-2 * half)


def test_biases_are_the_worst_ones_and_no_weights_near_the_chosen_are_better(fit):
    """Bias by linear programming over all differences in trends; half lengths of 200 other unbiased weights."""
    effects, (biases, deviations, weights) = _parts(fit, -1)
    used = np.concatenate([np.flatnonzero(fit.time < -1)[::-1], np.flatnonzero(fit.time >= 0)])
    assert effects == pytest.approx(fit.effects[used])
    times = np.arange(fit.time.min(), fit.time.max() + 1)
    second = np.diff(np.eye(times.size), 2, axis=0)
    box, rim = np.vstack([second, -second]), np.ones(2 * len(second))
    covariance, rng = fit.covariance[np.ix_(used, used)], np.random.default_rng(1)

    def worst(own):
        path = np.zeros(times.size)
        path[fit.time[used] - times[0]] = own
        found = optimize.linprog(-path, A_ub=box, b_ub=rim, A_eq=[times == -1], b_eq=[0.0], bounds=(None, None))
        return -found.fun

    for i in range(0, len(weights), 40):
        assert biases[i] == pytest.approx(worst(weights[i]), rel=1e-8)
        assert deviations[i] == pytest.approx(np.sqrt(weights[i] @ covariance @ weights[i]), rel=1e-8)
    steps = fit.time[used] + 1.0
    before = steps < 0
    for size in (0.002, 0.02):
        lengths = deviations * folded_quantile(size * biases / deviations, 0.05, df=29.0)
        best = int(np.argmin(lengths))
        for _ in range(100):
            move = np.where(before, rng.normal(0, 0.02, steps.size), 0.0)
            move[before] -= (move @ steps) / (steps[before] @ steps[before]) * steps[before]
            own = weights[best] + move
            h = np.sqrt(own @ covariance @ own)
            assert h * float(folded_quantile(size * worst(own) / h, 0.05, df=29.0)) > lengths[best] * (1 - 5e-4)


def test_sizes_come_from_the_data_and_are_said(fit):
    found = event_study(STATS)
    before = fit.effects[fit.time < -1]
    assert found.largest_bend == pytest.approx(np.abs(np.diff([*before, 0.0], 2)).max())
    assert found.largest_bend == largest_bend(fit, reference=-1)
    assert [bound.size / found.largest_bend for bound in found.smooth] == pytest.approx(
        [0, 0.02, 0.05, 0.1, 0.25, 0.5, 1]
    )
    widths = [bound.high - bound.low for bound in found.smooth]
    assert np.isfinite(widths).all()
    assert (np.diff(widths) > 0).all()
    text = found.page().text()
    assert "of the largest seen before the start" in text
    assert "0.0000 times" not in text
    assert "no robust interval" not in text


def test_one_period_before_knows_no_bend():
    rows = rows_of(4, sites=12, periods=4, never=3)
    rows = rows[rows["period"] >= rows["period"].min() + 1]
    found = event_study(stats_of(rows, plan_of(rows)))
    if found.pre_trends is not None and not np.isfinite(found.largest_bend):
        assert [bound.size for bound in found.smooth] == [0.0]
        assert any("only straight lines" in note for note in found.notes)
