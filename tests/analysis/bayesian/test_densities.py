"""Summaries of densities and draws against closed forms."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.bayesian.densities import (
    GridDensity,
    exponentiated,
    from_density,
    from_draws,
    hdi_of_draws,
    savage_dickey,
)
from feedbackstudy.errors import DataError

GRID = np.linspace(-8, 8, 4001)


def normal(mean: float = 0.7, sd: float = 0.5) -> GridDensity:
    return GridDensity(grid=GRID, density=stats.norm.pdf(GRID, mean, sd), prior=stats.norm.pdf(GRID, 0, 1))


@pytest.mark.parametrize("interval", ["HDI", "equal-tailed"])
def test_a_normal_density_gives_the_textbook_interval(interval):
    found = from_density(normal(), quantity="q", interval=interval, rope=(-0.1, 0.1))

    assert (found.median, found.low, found.high) == pytest.approx(
        stats.norm(0.7, 0.5).ppf([0.5, 0.025, 0.975]), abs=2e-5
    )
    assert found.prob_direction == pytest.approx(stats.norm.cdf(1.4), abs=1e-6)
    assert found.prob_rope == pytest.approx(np.diff(stats.norm(0.7, 0.5).cdf([-0.1, 0.1]))[0], abs=1e-6)


def test_the_hdi_of_a_skewed_density_is_shorter_than_the_equal_tailed_one_and_starts_at_the_bound():
    grid = np.linspace(0, 20, 8001)
    density = GridDensity(grid=grid, density=stats.expon.pdf(grid))

    hdi, tails = (from_density(density, quantity="q", interval=kind) for kind in ("HDI", "equal-tailed"))

    assert hdi.low == pytest.approx(0, abs=1e-6)
    assert hdi.high == pytest.approx(stats.expon.ppf(0.95), rel=1e-3)
    assert hdi.high - hdi.low < tails.high - tails.low


def test_the_scale_of_a_density_does_not_matter():
    scaled = GridDensity(grid=GRID, density=37 * normal().density)

    assert from_density(scaled, quantity="q").median == pytest.approx(from_density(normal(), quantity="q").median)


def test_savage_dickey_is_the_ratio_of_the_densities_at_the_null():
    assert savage_dickey(normal()) == pytest.approx(stats.norm.pdf(0, 0, 1) / stats.norm.pdf(0, 0.7, 0.5), rel=1e-4)
    with pytest.raises(DataError, match="prior density"):
        savage_dickey(GridDensity(grid=GRID, density=normal().density))


def test_draws_give_the_quantiles_of_the_draws():
    draws = np.random.default_rng(2).normal(0.7, 0.5, (4, 5000))

    found = from_draws(draws, quantity="q", engine="test", rope=(-0.1, 0.1))

    assert found.median == np.median(draws)
    assert found.prob_direction == (draws > 0).mean()
    assert (found.low, found.high) == hdi_of_draws(draws, 0.95)
    assert np.trapezoid(found.density, found.grid) == pytest.approx(1, abs=1e-3)


def test_no_interval_of_the_same_share_is_shorter_than_the_hdi():
    draws = np.sort(np.random.default_rng(4).gamma(1.5, 1, 2000))
    low, high = hdi_of_draws(draws, 0.9)
    inside = int(np.floor(0.9 * draws.size))

    assert high - low == pytest.approx((draws[inside:] - draws[: draws.size - inside]).min())


def test_a_curve_is_reflected_at_a_bound_and_keeps_its_mass():
    draws = np.abs(np.random.default_rng(4).normal(0, 1, 20_000))

    found = from_draws(draws, quantity="sd", engine="test", lower_bound=0.0)

    assert found.grid[0] == 0
    assert np.trapezoid(found.density, found.grid) == pytest.approx(1, abs=5e-3)
    assert found.density[0] == pytest.approx(2 * stats.norm.pdf(0), rel=0.06)


def test_a_ratio_is_the_exponential_of_its_logarithm_and_only_of_an_equal_tailed_interval():
    log_ratio = from_density(normal(), quantity="log ratio", interval="equal-tailed", rope=(-0.1, 0.1))

    ratio = exponentiated(log_ratio, quantity="ratio")

    assert (ratio.median, ratio.low, ratio.high) == pytest.approx(
        np.exp([log_ratio.median, log_ratio.low, log_ratio.high])
    )
    assert ratio.null == 1
    assert ratio.prob_direction == log_ratio.prob_direction
    assert np.trapezoid(ratio.density, ratio.grid) == pytest.approx(1, abs=1e-3)
    with pytest.raises(DataError, match="equal-tailed"):
        exponentiated(from_density(normal(), quantity="log ratio"), quantity="ratio")


@pytest.mark.parametrize("density", [np.zeros(4001), np.full(4001, np.nan), -np.ones(4001)])
def test_what_is_no_density_is_refused(density):
    with pytest.raises(DataError, match="must be finite, not negative, and positive somewhere"):
        from_density(GridDensity(grid=GRID, density=density), quantity="q")


@pytest.mark.parametrize("draws", [np.ones(500), np.arange(50), np.full(500, np.nan)])
def test_what_are_no_draws_is_refused(draws):
    with pytest.raises(DataError, match="at least 100 finite numbers that differ"):
        from_draws(draws, quantity="q", engine="test")
