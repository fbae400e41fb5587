"""Randomisation inference holds its level exactly and inverts to an interval."""

import numpy as np
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.policy.inference.permutation import draws_of_arms, randomisation_test


def test_all_draws_of_ten_units_give_the_exact_p_value():
    sums = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    treated = np.arange(10) >= 5
    draws, exact = draws_of_arms(treated, seed=1)
    assert exact
    assert len(draws) == 252
    assert (draws[0] == treated).all()
    assert len({tuple(d) for d in draws}) == 252
    found = randomisation_test(np.ones(10), sums, draws, exact=True)
    assert found.estimate == 5
    assert found.p == pytest.approx(2 / 252)
    assert found.smallest_p == pytest.approx(2 / 252)


def test_strata_are_kept():
    strata = ["a"] * 4 + ["b"] * 6
    treated = [True, True, False, False, True, False, False, False, False, False]
    draws, exact = draws_of_arms(treated, strata, seed=1)
    assert exact
    assert len(draws) == 6 * 6
    assert (draws[:, :4].sum(axis=1) == 2).all()
    many, exact = draws_of_arms([True] * 15 + [False] * 15, seed=3, most=2000)
    assert not exact
    assert (many.sum(axis=1) == 15).all()
    assert (many[0] == ([True] * 15 + [False] * 15)).all()


def test_the_interval_holds_exactly_the_effects_that_are_not_rejected():
    rng = np.random.default_rng(5)
    n = rng.integers(20, 90, 10)
    sums = n * rng.normal(1, 0.3, 10)
    treated = np.arange(10) % 2 == 0
    draws, exact = draws_of_arms(treated, seed=1)
    found = randomisation_test(n, sums, draws, exact=exact, level=0.9)
    for delta, inside in ((found.low - 1e-6, False), (found.low + 1e-6, True), (found.high - 1e-6, True),
                          (found.high + 1e-6, False)):  # fmt: skip
        moved = randomisation_test(n, sums - delta * n * treated, draws, exact=exact)
        assert (moved.p > 0.1) == inside


def test_size_and_coverage_are_exact_for_few_unequal_units():
    rng = np.random.default_rng(7)
    rejected, covered, runs = 0, 0, 400
    for _ in range(runs):
        n, mean = rng.integers(10, 400, 10), rng.standard_t(3, 10)
        treated = np.zeros(10, dtype=bool)
        treated[rng.choice(10, 5, replace=False)] = True
        draws, exact = draws_of_arms(treated, seed=1)
        found = randomisation_test(n, n * (mean + 0.4 * treated), draws, exact=exact)
        covered += found.low <= 0.4 <= found.high
        rejected += randomisation_test(n, n * mean, draws, exact=exact).p <= 0.05
    margin = 4 * np.sqrt(0.05 * 0.95 / runs)
    assert rejected / runs <= 0.05 + margin
    assert covered / runs >= 0.95 - margin


def test_too_few_draws_are_refused():
    draws, exact = draws_of_arms([True, False, False], seed=1)
    with pytest.raises(DataError, match="3 possible draws"):
        randomisation_test([1, 1, 1], [1.0, 2.0, 3.0], draws, exact=exact)
