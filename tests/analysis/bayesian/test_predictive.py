"""Drawn studies are laid beside the data: bars add up, a model that fits passes, one that does not is named."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior
from feedbackstudy.analysis.bayesian.predictive import posterior_predictive
from feedbackstudy.analysis.bayesian.predictive_bars import prior_bars
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError


def test_bars_hold_all_rows_and_cover_what_was_seen(rating_fit):
    found = posterior_predictive(rating_fit, seed=1)

    assert found.studies == 1000
    assert found.bars.low.tolist() == [0, 1, 2]
    assert found.bars.seen == pytest.approx(np.array([20, 28, 32]) / 80)
    assert found.bars.mean.sum() == pytest.approx(1)
    assert (found.bars.lower <= found.bars.seen).all()
    assert (found.bars.seen <= found.bars.upper).all()
    assert found.cells[1].seen == pytest.approx(np.array([6, 12, 22]) / 40)
    assert found.suspect == ()


def test_predicted_means_are_those_of_the_posterior(rating_fit):
    found = posterior_predictive(rating_fit, seed=2, studies=4000)
    values = np.arange(3)

    for j, bars in enumerate(found.cells):
        expected = rating_fit.cells("response").draws[:, j].mean() - 1
        assert bars.mean @ values == pytest.approx(expected, abs=0.02)


def test_a_model_told_wrong_is_found_out(rating_fit):
    variables = dict(rating_fit.draws.variables)
    variables["cells"] = -4 * variables["cells"]
    wrong = replace(rating_fit, draws=replace(rating_fit.draws, variables=variables))

    found = posterior_predictive(wrong, seed=3)

    assert {"mean of cell 1", "mean of cell 2"} <= {one.name for one in found.suspect}
    assert "mean of cell 1" in str(found)


def test_the_prior_of_a_normal_model_stays_near_its_scale():
    rows = np.arange(40)
    model = stated(Normals(prior=NormalsPrior.of(CellPrior.of_scale(1, 7))), rows % 7.0, rows % 2, 2)

    bars, values = prior_bars(model, seed=4, studies=500)

    outside = np.mean([(s < 1) | (s > 7) for s in model.outcome(values, np.random.default_rng(5))])
    assert outside < 0.2
    assert bars.mean.sum() == pytest.approx(1)
    assert bars.seen is None
    assert np.isinf(bars.low[0])
    assert np.isinf(bars.high[-1])


def test_too_few_studies_for_intervals_are_refused(rating_fit):
    with pytest.raises(DataError, match="100"):
        posterior_predictive(rating_fit, seed=1, studies=10)
