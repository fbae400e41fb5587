"""The exact zero-inflated posterior against brute-force integration and finer grids."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_expit

from feedbackstudy.analysis.bayesian.counts import ZeroInflatedPrior, zero_inflated_posterior
from feedbackstudy.analysis.bayesian.densities import from_density, savage_dickey
from feedbackstudy.errors import DataError

PRIOR = ZeroInflatedPrior()


@pytest.fixture(scope="module")
def posterior(effort):
    return zero_inflated_posterior(effort.columns, effort.to_numpy())


def pair_likelihood(y: np.ndarray, people: np.ndarray, axes: tuple[np.ndarray, ...]) -> np.ndarray:
    """Likelihood of one cell on a grid (log theta, log mean, log odds), straight from scipy."""
    log_theta, eta, zeta = axes
    theta, mu = np.exp(log_theta)[:, None, None], np.exp(eta)[:, None]
    log_p = stats.nbinom.logpmf(y, theta, theta / (theta + mu))[:, :, None, :]
    z = zeta[:, None]
    log_y = np.where(y == 0, np.logaddexp(log_expit(z), log_expit(-z) + log_p), log_expit(-z) + log_p)
    total = log_y @ people
    return np.exp(total - total.max())


@pytest.mark.parametrize("part", ["count", "zero"])
def test_a_contrast_of_two_cells_equals_brute_force_on_the_full_grid(effort, part):
    """Two cells, five parameters; the common levels are integrated in closed form here, on a grid in the code."""
    y, table = effort.columns.to_numpy(float), effort.to_numpy(float)[[0, 2]]
    axes = np.linspace(-1.5, 1.8, 23), np.linspace(0.1, 2.9, 71), np.linspace(-9, 4, 66)
    log_theta, eta, zeta = axes
    first, second = (pair_likelihood(y, people, axes) for people in table)
    mean_prior, zero_prior = (
        stats.multivariate_normal([at, at], level**2 * np.ones((2, 2)) + own**2 * np.eye(2)).pdf(
            np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)
        )
        for at, level, own, grid in (
            (np.log(PRIOR.typical_count), PRIOR.log_mean_sd, PRIOR.log_mean_deviation, eta),
            (0.0, PRIOR.zero_sd, PRIOR.zero_deviation, zeta),
        )
    )
    theta_prior = stats.norm.pdf(log_theta, 0, PRIOR.log_theta_sd)
    if part == "count":
        joint = mean_prior * np.einsum("t,tai,ij,tbj->ab", theta_prior, first, zero_prior, second, optimize=True)
    else:
        joint = zero_prior * np.einsum("t,tia,ij,tjb->ab", theta_prior, first, mean_prior, second, optimize=True)
    grid = eta if part == "count" else zeta
    effect = grid - grid[:, None]
    joint /= joint.sum()
    mean, square = (joint * effect).sum(), (joint * effect**2).sum()

    density = zero_inflated_posterior(y, table).contrast([-1, 1], part=part)

    found_mean = np.trapezoid(density.density * density.grid, density.grid)
    found_square = np.trapezoid(density.density * density.grid**2, density.grid)
    assert found_mean == pytest.approx(mean, abs=1e-4)
    assert found_square == pytest.approx(square, rel=1e-3)


@pytest.mark.slow
def test_a_finer_grid_changes_nothing_that_is_printed(effort, posterior):
    finer = zero_inflated_posterior(effort.columns, effort.to_numpy(), points=121)

    for part in ("count", "zero"):
        one, other = (p.contrast([1, -1, -1, 1], part=part) for p in (posterior, finer))
        a, b = (from_density(d, quantity="q", interval="equal-tailed") for d in (one, other))
        assert (a.median, a.low, a.high) == pytest.approx((b.median, b.low, b.high), abs=1e-4)
        assert savage_dickey(one) == pytest.approx(savage_dickey(other), rel=1e-4)


def test_the_prior_of_a_contrast_is_normal_whatever_the_levels(posterior):
    density = posterior.contrast([1, -1, -1, 1], part="count")

    assert density.prior == pytest.approx(stats.norm.pdf(density.grid, 0, 2 * PRIOR.log_mean_deviation))
    assert np.trapezoid(density.density, density.grid) == pytest.approx(1, abs=1e-6)


def test_the_order_of_cells_cannot_matter(effort, posterior):
    turned = zero_inflated_posterior(effort.columns, effort.to_numpy()[::-1])

    one = from_density(posterior.contrast([-1, 0, 1, 0], part="count"), quantity="q")
    other = from_density(turned.contrast([0, 1, 0, -1], part="count"), quantity="q")
    assert one.median == pytest.approx(other.median, abs=1e-9)


def test_a_cell_without_zeros_has_a_posterior_where_the_likelihood_has_no_maximum():
    found = zero_inflated_posterior([0, 1, 2, 3, 4, 5], [[0, 4, 8, 9, 4, 1], [9, 3, 5, 6, 2, 1]])

    assert from_density(found.contrast([-1, 1], part="zero"), quantity="q").prob_direction > 0.8


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 2], [0, 0]], "Cell 2 is empty"),
        ([[1, 2]], "at least two cells"),
        ([[1, -2], [1, 1]], "holds -2"),
        ([[1, 2, 3], [1, 1, 1]], "given shape"),
    ],
)
def test_impossible_tables_are_refused(table, message):
    with pytest.raises(DataError, match=message):
        zero_inflated_posterior([0, 1], table)


def test_weights_that_do_not_fit_and_priors_without_scale_are_refused(posterior):
    with pytest.raises(DataError, match="with sum zero"):
        posterior.contrast([1, 0, 0, 0], part="count")
    with pytest.raises(DataError, match="must be positive"):
        ZeroInflatedPrior(zero_sd=0)
