"""Thresholds are ordered in every draw, no category is favoured, and the posterior is that of quadrature."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.cumulative import Cumulative, cumulative
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.analysis.bayesian.predictive_bars import prior_bars
from feedbackstudy.errors import DataError

ROWS = np.arange(40)


@pytest.mark.parametrize("link", ["probit", "logit"])
@pytest.mark.parametrize("categories", [3, 5, 11])
def test_thresholds_of_every_prior_draw_are_ordered(link, categories):
    model = stated(Cumulative(categories=categories, link=link), ROWS % 3, ROWS % 2, 2)

    thresholds = model.forward(np.random.default_rng(8), 20_000)["thresholds"]

    assert (np.diff(thresholds, axis=1) >= 0).all()
    assert np.isfinite(thresholds).all()


def test_no_prior_mass_piles_up_in_the_end_categories():
    model = stated(Cumulative(categories=5), ROWS % 3, ROWS % 4, 4)

    bars, values = prior_bars(model, seed=9, studies=4000)

    assert bars.low.tolist() == [0, 1, 2, 3, 4]
    # uniform over shares: each has mean 1/5 in an average cell; cells add a spread of 0.5 around it
    assert values["shares"].mean(axis=0) == pytest.approx(np.full(5, 0.2), abs=0.01)
    assert bars.mean == pytest.approx(np.full(5, 0.2), abs=0.025)


def test_pymc_itself_draws_ordered_thresholds(rating_fit):
    shares = rating_fit.values["shares"]

    assert shares.sum(axis=1) == pytest.approx(np.ones(shares.shape[0]))
    assert (np.diff(rating_fit.values["thresholds"], axis=1) > 0).all()
    assert rating_fit.values["thresholds"] == pytest.approx(ndtri(np.cumsum(shares, axis=1)[:, :-1]), abs=1e-8)


@pytest.mark.parametrize("link", ["probit", "logit"])
def test_probabilities_of_all_categories_sum_to_one_even_far_out(link):
    family = Cumulative(categories=4, link=link)
    model = stated(family, ROWS % 4, ROWS % 2, 2)
    values = model.forward(np.random.default_rng(10), 50)
    eta = np.linspace(-12, 12, 40) * np.ones((50, 1))

    total = sum(np.exp(family.log_likelihood(model.rows.with_outcome(np.full(40, k)), eta, values)) for k in range(4))

    assert total == pytest.approx(np.ones((50, 40)), abs=1e-10)


def test_the_posterior_is_that_of_quadrature(rating_fit):
    deviation, a, b = np.linspace(-2.5, 2.5, 161), np.linspace(0.005, 0.995, 120), np.linspace(0.005, 0.995, 120)
    d, first, second = np.meshgrid(deviation, a, b, indexing="ij")
    inside = first + second < 1
    low, high = ndtri(np.where(inside, first, 0.3)), ndtri(np.where(inside, first + second, 0.6))
    log_weight = np.where(inside, -0.5 * (d / 0.5) ** 2, -np.inf)  # uniform shares; N(0, 0.5) deviation
    counts = ((14, 16, 10), (6, 12, 22))
    for sign, cell in zip((1, -1), counts, strict=True):
        eta = sign * d / np.sqrt(2)
        shares = (ndtr(low - eta), ndtr(high - eta) - ndtr(low - eta), ndtr(eta - high))
        log_weight = log_weight + sum(n * np.log(np.maximum(p, 1e-300)) for n, p in zip(cell, shares, strict=True))
    weight = np.exp(log_weight - log_weight.max())
    difference = np.sqrt(2) * d
    mean = (weight * difference).sum() / weight.sum()
    sd = np.sqrt((weight * difference**2).sum() / weight.sum() - mean**2)

    drawn = rating_fit.cells().draws @ [1.0, -1.0]
    quality = converged(drawn.reshape(4, -1))

    assert rating_fit.draws.gates.hold
    assert drawn.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(quality.ess_bulk))
    assert drawn.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * quality.ess_tail))


def test_an_averaged_contrast_is_the_average_within_every_draw(rating_fit):
    cells = rating_fit.cells("response")
    shares = rating_fit.values["shares"]
    expected = rating_fit.model.family.expected(np.zeros((shares.shape[0], 1)), rating_fit.values["thresholds"])

    found = cells.contrast([0.5, 0.5])

    assert found.posterior.median == pytest.approx(np.median(cells.draws.mean(axis=1)), abs=1e-12)
    assert expected[:, 0] == pytest.approx(1 + shares[:, 1:].sum(axis=1) + shares[:, 2], abs=1e-6)
    assert cells.scale == "response"
    assert cells.sds is None


@pytest.mark.parametrize(
    ("y", "categories", "words"),
    [([0, 1, 2, 3], 3, "positions from 0 to 2"), ([0, 1, 0, 1], 2, "three categories"), ([0.5, 1, 2, 0], 3, "not all")],
)
def test_ratings_outside_the_format_are_refused(y, categories, words):
    with pytest.raises(DataError, match=words):
        cumulative(y, [0, 0, 1, 1], 2, categories=categories, seed=1)
