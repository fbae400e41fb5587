"""Slopes solved exactly: against the same model written differently, and against the likelihood integrated by hand."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.gaussian_slopes import gaussian_slopes
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError

PRIOR = CellPrior.of_scale(1, 7)


@pytest.fixture
def rows():
    chance = np.random.default_rng(11)
    n = 60
    cell = np.repeat(np.arange(3), n // 3)
    x = chance.normal(0, 2, n)
    group = np.tile(np.arange(6), n // 6)
    y = 4 + 0.3 * (cell == 1) + 0.25 * x * (cell != 2) + chance.normal(0, 0.4, 6)[group] + chance.normal(0, 0.8, n)
    return y, cell, x - x.mean(), group


def test_a_common_slope_is_the_model_with_the_predictor_as_a_covariate(rows):
    y, cell, x, group = rows

    slope = gaussian_slopes(y, cell, 3, predictor=x, common=True, prior=PRIOR, groups={"site": group})
    plain = gaussian_cells(y, cell, 3, prior=PRIOR, covariates=x[:, None], groups={"site": group}).posterior()

    assert slope.log_marginal == pytest.approx(plain.log_marginal, abs=1e-8)
    assert slope.sd == pytest.approx(plain.sd, rel=1e-8)


def test_slopes_of_cells_equal_the_likelihood_integrated_by_hand(rows):
    y, cell, x, _ = rows
    found = gaussian_slopes(y, cell, 3, predictor=x, common=False, prior=PRIOR)
    spread = x.std(ddof=1)

    share = np.full((3, 3), 1 / 3)
    slopes = (PRIOR.slope_sd / spread) ** 2 * (np.ones((3, 3)) + np.eye(3) - share)
    cells = PRIOR.cells(3).covariances[0]
    at = np.eye(3)[cell]
    design = np.hstack([at, at * x[:, None]])
    prior = np.zeros((6, 6))
    prior[:3, :3], prior[3:, 3:] = cells, slopes
    centre = np.concatenate([np.full(3, 4.0), np.zeros(3)])
    sigma = np.linspace(0.4, 2.0, 401)
    terms, means = [], []
    for sd in sigma:
        total = design @ prior @ design.T + sd**2 * np.eye(len(y))
        terms.append(stats.multivariate_normal.logpdf(y, design @ centre, total))
        gain = prior @ design.T @ np.linalg.inv(total)
        means.append(centre + gain @ (y - design @ centre))
    log_post = np.array(terms) + stats.halfnorm.logpdf(sigma, scale=PRIOR.residual_sd)
    weight = np.exp(log_post - special.logsumexp(log_post))
    by_hand = weight @ np.array(means)[:, 3:] / weight.sum()

    assert found.cells.weights @ found.cells.means == pytest.approx(by_hand, rel=1e-6)
    marginal = np.log(integrate.simpson(np.exp(log_post - log_post.max()), x=sigma)) + log_post.max()
    assert found.log_marginal == pytest.approx(marginal, abs=1e-5)


def test_with_many_rows_the_slopes_are_those_of_least_squares():
    chance = np.random.default_rng(2)
    n = 4000
    cell, x = np.repeat([0, 1], n // 2), chance.normal(0, 1, n)
    x -= x.mean()
    y = 4 + np.where(cell == 0, 0.4, -0.2) * x + chance.normal(0, 0.5, n)

    found = gaussian_slopes(y, cell, 2, predictor=x, common=False, prior=PRIOR)
    each = [np.polyfit(x[cell == j], y[cell == j], 1)[0] for j in (0, 1)]

    # The prior N(0, 0.6 / sd) weighs as 1 / 4000 x (0.5 / 0.6)^2 against the data: 2e-4 of the slope.
    assert found.cells.weights @ found.cells.means == pytest.approx(each, rel=1e-3)
    assert found.contrast([1, -1]).posterior.median == pytest.approx(each[0] - each[1], rel=1e-3)


def test_a_predictor_that_does_not_vary_is_refused(rows):
    y, cell, x, _ = rows

    with pytest.raises(DataError, match="the same in all rows"):
        gaussian_slopes(y, cell, 3, predictor=np.zeros_like(x), common=True, prior=PRIOR)
