"""Intervals of effects and their p: one is the inversion of the other."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.frequentist.path_intervals import (
    acceleration,
    bca,
    checked_draws,
    equivalence_p,
    from_sorted,
    percentile,
)
from feedbackstudy.errors import DataError


def contradictions(found, level):
    outside = (found.low > 0) | (found.high < 0)
    return int((outside != (found.p <= 1 - level + 1e-12)).sum())


def drawn(sets, draws, seed):
    """Return draws of products whose distance from 0 varies, and jackknife-like values."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(0.05, 0.06, size=sets)
    skewed = (rng.normal(0.3, 0.1, (draws, sets)) * rng.normal(1, 0.3, (draws, sets)) - 0.3) * 0.2 + centre
    return skewed, centre, rng.gamma(2.0, 1.0, (60, sets)) * 0.01 + centre


@pytest.mark.parametrize("draws", [399, 1000, 1999, 5000])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_percentile_interval_and_p_never_contradict_each_other(draws, level):
    values, _, _ = drawn(400, draws, 1)
    found = percentile(values, level=level)
    assert contradictions(found, level) == 0
    assert 20 < (found.p <= 1 - level).sum() < 380


@pytest.mark.parametrize("draws", [999, 2000, 5000])
def test_bca_interval_and_p_never_contradict_each_other(draws):
    values, centre, left = drawn(400, draws, 2)
    found = bca(values, centre, left, level=0.95)
    assert contradictions(found, 0.95) == 0
    assert 20 < (found.p <= 0.05).sum() < 380


def test_p_at_the_border_of_whole_order_statistics():
    values = np.arange(1, 2000, dtype=float)[:, None]  # B = 1999, (B + 1) alpha / 2 = 50
    for below, excludes in ((49, True), (50, False)):
        found = percentile(values - below - 0.5, level=0.95)
        assert (found.low[0] > 0) is np.True_ if excludes else found.low[0] < 0
        assert (found.p[0] <= 0.05 + 1e-12) is np.bool_(excludes)
        assert found.p[0] == pytest.approx(2 * (below + 1) / 2000)


def test_percentile_limits_are_order_statistics():
    values = np.random.default_rng(3).permutation(np.arange(1.0, 1000.0))[:, None]  # 999 draws
    found = percentile(values, level=0.95)
    assert (found.low[0], found.high[0]) == (25.0, 975.0)


def test_bca_without_bias_and_skew_is_the_percentile_interval():
    values, _, _ = drawn(5, 1999, 4)
    nothing = np.zeros(5)
    one, other = from_sorted(np.sort(values, axis=0), bias=nothing, skew=nothing, level=0.95), percentile(values)
    assert np.array_equal(one.low, other.low)
    assert np.array_equal(one.p, other.p)


def test_bca_agrees_with_scipy_on_a_skewed_mean():
    sample = np.random.default_rng(5).gamma(1.5, size=40)
    ours_draws = np.random.default_rng(6).choice(sample, (20_000, 40)).mean(axis=1)[:, None]
    left = ((sample.sum() - sample) / 39)[:, None]
    ours = bca(ours_draws, np.array([sample.mean()]), left)
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(7))
    assert ours.low[0] == pytest.approx(theirs.confidence_interval.low, abs=0.02)
    assert ours.high[0] == pytest.approx(theirs.confidence_interval.high, abs=0.02)
    assert acceleration(left)[0] == pytest.approx(stats.skew(sample) / (6 * np.sqrt(40)), rel=1e-9)


def test_equivalence_holds_exactly_where_the_90_percent_interval_lies_inside():
    values, _, _ = drawn(300, 1999, 8)
    found = percentile(values, level=0.90)
    for j in range(300):
        inside = found.low[j] > -0.15 and found.high[j] < 0.15
        assert inside == (equivalence_p(values[:, j], 0.15) <= 0.05 + 1e-12)


@pytest.mark.parametrize(
    ("method", "draws", "level", "words"),
    [("percentile", 200, 0.95, "at least 399"), ("bayes", 5000, 0.95, "unknown"), ("bca", 5000, 95, "between 0 and 1")],
)
def test_what_no_interval_can_be_read_from_is_refused(method, draws, level, words):
    with pytest.raises(DataError, match=words):
        checked_draws(method, draws, level)
