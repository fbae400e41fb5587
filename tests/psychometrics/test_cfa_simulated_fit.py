"""Simulated fit: the distribution under the model, under an alternative, and what it refuses."""

import numpy as np
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.cfa import cfa, simulated_fit

MODEL = {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"], "h": ["y7", "y8", "y9"]}


def test_chi_square_under_the_model_is_near_its_degrees_of_freedom(three_factors):
    result = simulated_fit(cfa(three_factors, MODEL), seed=3, n_draws=300)
    assert result.n_failed == 0
    # standard error of the mean sqrt(48/300) = .4, plus a small-sample excess below .5
    assert result.draws["chisq"].mean() == pytest.approx(24, abs=1.7)
    assert result.draws["rmsea"].quantile(0.95) < 0.05
    assert result.draws["cfi"].median() > 0.99


def test_data_from_the_model_lie_inside_and_data_from_another_outside(three_factors):
    inside = simulated_fit(cfa(three_factors, MODEL), seed=3, n_draws=200).frame().set_index("index")
    assert 0.01 < inside.loc["chisq", "share_worse"] < 0.99
    wrong = {"f": ["y1", "y2", "y4"], "g": ["y3", "y5", "y6"], "h": ["y7", "y8", "y9"]}
    outside = simulated_fit(cfa(three_factors, wrong), seed=3, n_draws=200).frame().set_index("index")
    assert outside.loc["chisq", "share_worse"] == 0
    assert outside.loc["cfi", "observed"] < outside.loc["cfi", "worst_5"]


def test_an_alternative_shows_how_the_indices_would_react(three_factors):
    narrow = cfa(three_factors, {"all": [f"y{k}" for k in range(1, 10)]})
    rich = cfa(three_factors, MODEL)
    result = simulated_fit(narrow, seed=3, n_draws=100, alternative=rich)
    assert result.truth == "alternative"
    assert result.draws["rmsea"].quantile(0.05) > 0.08


def test_groups_are_simulated_together(three_factors):
    fit = cfa(three_factors.assign(arm=np.arange(400) % 2), MODEL, group="arm", equal=["loadings"])
    result = simulated_fit(fit, seed=3, n_draws=60)
    assert result.draws["chisq"].mean() == pytest.approx(fit.fit["df"], rel=0.2)


def test_the_same_seed_gives_the_same_draws(three_factors):
    fit = cfa(three_factors, MODEL)
    one, two, three = (simulated_fit(fit, seed=seed, n_draws=20).draws for seed in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(three)


def test_the_page_says_what_was_simulated(three_factors):
    page = str(simulated_fit(cfa(three_factors, MODEL), seed=3, n_draws=20))
    assert "If the model were exactly true" in page
    assert "seed" in page


def test_what_cannot_be_simulated_is_refused(three_factors):
    holed = three_factors.mask(np.random.default_rng(1).random(three_factors.shape) < 0.05)
    with pytest.raises(DataError, match="complete continuous"):
        simulated_fit(cfa(holed, MODEL, missing="fiml"), seed=1)
    with pytest.raises(DataError, match="nothing to simulate"):
        simulated_fit(cfa(three_factors, "f =~ y1 + y2"), seed=1)
    with pytest.raises(DataError, match="other items"):
        simulated_fit(cfa(three_factors, MODEL), seed=1, alternative=cfa(three_factors, {"f": ["y1", "y2", "y3"]}))
