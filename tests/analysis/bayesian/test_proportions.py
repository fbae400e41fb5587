"""Exact posteriors of proportions against independent draws and closed forms."""

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian.densities import GridDensity, from_density, savage_dickey
from feedbackstudy.analysis.bayesian.proportions import (
    BetaPrior,
    difference,
    equal_proportions_bayes_factor,
    log_odds_contrast,
    log_ratio,
)
from feedbackstudy.errors import DataError

N_DRAWS = 400_000
MC = 5  # Monte-Carlo standard errors of a quantile at these draws


def close_to_draws(density: GridDensity, draws: np.ndarray) -> None:
    """Compare quantiles of the exact density with those of draws, at five standard errors of a quantile."""
    for p in (0.025, 0.5, 0.975):
        exact = from_density(density, quantity="q", interval="equal-tailed", level=0.95)
        value = {0.025: exact.low, 0.5: exact.median, 0.975: exact.high}[p]
        share = (draws < value).mean()
        assert share == pytest.approx(p, abs=MC * np.sqrt(p * (1 - p) / draws.size))


@pytest.mark.parametrize(
    ("events", "people", "weights"),
    [
        ([3, 13, 5, 1], [79, 80, 79, 78], [-1, 1, 1, -1]),
        ([235, 157], [2435, 2435], [1, -1]),
        ([0, 4], [10, 12], [1, -1]),
        ([0, 10, 3], [10, 10, 9], [0.5, 0.5, -1]),
    ],
)
def test_log_odds_contrasts_are_those_of_independent_draws(events, people, weights):
    rng = np.random.default_rng(8)
    shares = [rng.beta(0.5 + x, 0.5 + n - x, N_DRAWS) for x, n in zip(events, people, strict=True)]
    draws = sum(w * np.log(p / (1 - p)) for w, p in zip(weights, shares, strict=True))

    density = log_odds_contrast(events, people, weights=weights)

    close_to_draws(density, draws)
    assert integrate.simpson(density.density, x=density.grid) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("events", "people"), [([235, 157], [2435, 2435]), ([3, 1], [20, 25]), ([0, 2], [9, 11])])
def test_ratios_and_differences_are_those_of_independent_draws(events, people):
    rng = np.random.default_rng(9)
    first, second = (rng.beta(0.5 + x, 0.5 + n - x, N_DRAWS) for x, n in zip(events, people, strict=True))

    close_to_draws(log_ratio(events, people), np.log(first / second))
    close_to_draws(difference(events, people), first - second)


def test_one_log_odds_is_the_transformed_beta_in_closed_form():
    density = log_odds_contrast([4, 7], [10, 20], weights=[1, 0], prior=BetaPrior(1, 1))
    p = 1 / (1 + np.exp(-density.grid))

    assert density.density == pytest.approx(stats.beta.pdf(p, 5, 7) * p * (1 - p), abs=1e-9)
    assert density.prior == pytest.approx(p * (1 - p), abs=1e-9)


def test_the_bayes_factor_of_equal_proportions_is_a_ratio_of_marginal_likelihoods():
    events, people = np.array([7, 2]), np.array([20, 15])

    def likelihood(p, i):
        return stats.binom.pmf(events[i], people[i], p)

    separate = np.prod([integrate.quad(lambda p, i=i: likelihood(p, i), 0, 1)[0] for i in (0, 1)])
    together = integrate.quad(lambda p: likelihood(p, 0) * likelihood(p, 1), 0, 1)[0]

    found = equal_proportions_bayes_factor(events, people, prior=BetaPrior(1, 1))
    assert found == pytest.approx(separate / together, rel=1e-7)


def test_a_bayes_factor_against_no_difference_falls_below_one_when_shares_are_equal():
    density = log_odds_contrast([50, 50], [100, 100], weights=[1, -1])

    assert savage_dickey(density) < 1
    assert equal_proportions_bayes_factor([50, 50], [100, 100]) < 1


def test_swapping_the_groups_turns_the_sign_only():
    there = from_density(log_odds_contrast([9, 3], [20, 22], weights=[1, -1]), quantity="q")
    back = from_density(log_odds_contrast([3, 9], [22, 20], weights=[1, -1]), quantity="q")

    assert (there.low, there.median, there.high) == pytest.approx((-back.high, -back.median, -back.low), abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_odds_contrast([1, 2], [0, 5], weights=[1, -1]), "No people"),
        (lambda: log_odds_contrast([6, 2], [5, 5], weights=[1, -1]), "More events than people"),
        (lambda: log_odds_contrast([1, 2], [5, 5], weights=[0, 0]), "not all zero"),
        (lambda: log_odds_contrast([1, 2], [5, 5], weights=[1]), "one weight for each"),
        (lambda: log_ratio([1, 2, 3], [5, 5, 5]), "compares two groups; given 3"),
        (lambda: difference([1], [5]), "compares two groups; given 1"),
        (lambda: BetaPrior(0, 1), "must be positive"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
