"""Studies drawn from an exact posterior: moments in closed form, checks that see a wrong model and pass a right one."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.exact_predictive import _drawn, exact_posterior_predictive
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError

PRIOR = CellPrior.of_scale(1, 7)


def solved(y, cell, groups=None, covariates=None):
    model = gaussian_cells(y, cell, 3, prior=PRIOR, groups=groups, covariates=covariates)
    return model, model.posterior()


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(6)
    cell, group = np.arange(180) % 3, np.repeat(np.arange(15), 12)
    x = rng.normal(size=(180, 1))
    y = 4 + 0.3 * cell + 0.4 * x[:, 0] + 0.7 * rng.normal(size=15)[group] + rng.normal(size=180)
    return y, cell, {"class": group}, x - x.mean()


def test_drawn_means_and_spreads_are_those_of_the_posterior(rows):
    y, cell, groups, x = rows
    model, found = solved(y, cell, groups, x)
    weights = found.cells.weights / found.cells.weights.sum()
    studies = 6000
    drawn = _drawn(model, found, np.random.default_rng(1), studies)
    residual = found.variances["residual"]
    # within a row: posterior variance of its mean plus the residual variance; so the mean of the residual variance is
    # the variance of the difference of two independent rows of the same group, cell and covariate
    twins = drawn[:, [0]] - drawn[:, [3]] - (drawn[:, [0]] - drawn[:, [3]]).mean()
    same = twins.var() / 2
    assert same == pytest.approx(float(weights @ residual**2), rel=0.1)
    # means over everybody in a cell: nearly what was seen, as the posterior centres there
    seen = np.array([y[cell == j].mean() for j in range(3)])
    means = np.array([drawn[:, cell == j].mean(axis=1) for j in range(3)])
    assert np.abs(means.mean(axis=1) - seen).max() < 0.05
    assert (means.std(axis=1) > np.sqrt(weights @ residual**2 / 60)).all()


def test_without_groups_the_predictive_of_a_new_person_is_the_mixture(rows):
    y, cell, *_ = rows
    model, found = solved(y, cell)
    drawn = _drawn(model, found, np.random.default_rng(2), 20_000)
    weights, first = found.cells.weights / found.cells.weights.sum(), int(np.flatnonzero(cell == 0)[0])
    mean = float(weights @ found.cells.means[:, 0])
    spread = weights @ (
        found.cells.covariances[:, 0, 0] + found.variances["residual"] ** 2 + found.cells.means[:, 0] ** 2
    )
    sd = float(np.sqrt(spread - mean**2))
    assert drawn[:, first].mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(20_000))
    assert drawn[:, first].std() == pytest.approx(sd, rel=4 / np.sqrt(40_000))


def test_a_right_model_passes_and_outliers_are_seen(rows):
    y, cell, groups, x = rows
    right = exact_posterior_predictive(*solved(y, cell, groups, x), seed=3)
    assert right.studies == 1000
    assert {"mean of cell 1", "sd of cell 1", "smallest", "largest", "sd of means of class"} <= {
        one.name for one in right.statistics
    }
    assert len(right.suspect) <= 1
    wild = y.copy()
    wild[:2] = 40.0
    assert "largest" in {one.name for one in exact_posterior_predictive(*solved(wild, cell), seed=3).suspect}
    repeated = exact_posterior_predictive(*solved(y, cell, groups, x), seed=3)
    assert repeated.statistics == right.statistics


def test_p_is_uniform_enough_where_the_model_is_true():
    """Means of cells are fitted, so their p lies near one half; that of the largest value spreads over (0, 1)."""
    p = []
    for k in range(60):
        rng = np.random.default_rng([9, k])
        cell = np.arange(90) % 3
        y = 4 + 0.3 * cell + rng.normal(size=90)
        check = exact_posterior_predictive(*solved(y, cell), seed=k, studies=200)
        p.append({one.name: one.p for one in check.statistics})
    middle = np.array([one["mean of cell 1"] for one in p])
    largest = np.array([one["largest"] for one in p])
    assert np.abs(middle - 0.5).max() < 0.25
    assert (largest < 0.5).mean() == pytest.approx(0.5, abs=3 * np.sqrt(0.25 / 60))
    assert largest.std() > 0.15


def test_too_few_studies_are_refused(rows):
    with pytest.raises(DataError, match="100 of them"):
        exact_posterior_predictive(*solved(rows[0], rows[1]), seed=1, studies=50)
