"""Counts: laws against scipy, and the sampled model against the quadrature of the same model."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.count_model import CountPrior, Counts, count_model
from feedbackstudy.analysis.bayesian.counts import zero_inflated_posterior
from feedbackstudy.analysis.bayesian.densities import from_density
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.errors import DataError

ROWS = np.arange(20)


def test_the_laws_are_those_of_scipy():
    y = ROWS.astype(float)
    model = stated(Counts(zero_inflated=True), y, ROWS % 2, 2)
    values = model.forward(np.random.default_rng(1), 5)
    mean = np.exp(values["cells"][:, model.rows.cell])
    size = np.exp(values["log_size"])[:, None]
    zero = expit(values["zero_cells"][:, model.rows.cell])

    plain = stats.nbinom.pmf(y, size, size / (size + mean))

    assert np.exp(model.log_likelihood(values)) == pytest.approx((1 - zero) * plain + zero * (y == 0))
    poisson = stated(Counts(law="Poisson"), y, ROWS % 2, 2)
    assert poisson.log_likelihood(values) == pytest.approx(stats.poisson.logpmf(y, mean))


def test_forward_draws_have_the_mean_and_the_zeros_of_the_law():
    rows = np.zeros(4000, dtype=int)
    model = stated(Counts(zero_inflated=True, prior=CountPrior(level_sd=1e-6, cell_sd=1e-6, log_size_sd=1e-6,
                   zero_sd=1e-6, zero_cell_sd=1e-6)), rows, rows, 1)  # fmt: skip

    drawn = model.outcome(model.forward(np.random.default_rng(2), 20), np.random.default_rng(3))

    assert drawn.mean() == pytest.approx(2.5, abs=0.08)  # half of all are structural zeros, the others have mean 5
    assert (drawn == 0).mean() == pytest.approx(0.5 + 0.5 / 6, abs=0.01)  # size 1: (1 / (1 + 5))


@pytest.mark.slow
def test_the_zero_inflated_model_is_that_of_quadrature():
    rng = np.random.default_rng(4)
    cell = np.repeat([0, 1], 60)
    y = np.where(rng.random(120) < 0.3, 0, rng.negative_binomial(2, 2 / (2 + np.array([4.0, 7.0])[cell])))
    top = int(y.max()) + 1
    table = np.array([np.bincount(y[cell == j], minlength=top) for j in range(2)])
    exact = zero_inflated_posterior(np.arange(top), table)

    fit = count_model(y, cell, 2, seed=5, zero_inflated=True)

    assert fit.draws.gates.hold
    for part, scale in (("count", "log rate"), ("zero", "log odds")):
        wanted = from_density(exact.contrast([1.0, -1.0], part=part), quantity=part)
        drawn = (fit.cells(scale).draws @ [1.0, -1.0]).reshape(4, -1)
        assert np.median(drawn) == pytest.approx(wanted.median, abs=4 * converged(drawn).mcse_median)


def test_zeros_of_a_model_without_them_and_broken_counts_are_refused():
    model = stated(Counts(), ROWS, ROWS % 2, 2)
    with pytest.raises(DataError, match="zero_inflated=True"):
        model.family.cells("log odds", model.rows, model.forward(np.random.default_rng(1), 2))
    with pytest.raises(DataError, match="whole and not negative"):
        stated(Counts(), ROWS - 1, ROWS % 2, 2)
    with pytest.raises(DataError, match="whole and not negative"):
        stated(Counts(), ROWS / 2, ROWS % 2, 2)
