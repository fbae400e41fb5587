"""Priors on the scale of the outcome: exchangeable, in words, and seen in forward draws."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.prior_predictive import prior_predictive
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError


def test_prior_follows_the_scale_and_not_its_unit():
    likert, percent = CellPrior.of_scale(1, 7), CellPrior.of_scale(0, 100)

    assert likert.middle == 4
    assert percent.middle == 50
    assert percent.effect_sd / 100 == pytest.approx(likert.effect_sd / 6)
    assert "scale 1 to 7" in str(likert)
    assert "half-normal(1.2)" in str(likert)


def test_every_cell_has_the_same_prior():
    covariance = CellPrior.of_scale(1, 5).cells(8).covariances[0]

    assert np.ptp(np.diag(covariance)) == 0
    assert np.ptp(covariance[~np.eye(8, dtype=bool)]) == 0


def test_a_difference_of_two_cells_has_the_stated_spread():
    prior = CellPrior.of_scale(1, 7)

    found = prior.cells(4).project([1, -1, 0, 0])
    averages = prior.cells(4).project([0.5, 0.5, -0.5, -0.5])

    assert found.sd == pytest.approx(np.sqrt(2) * prior.effect_sd)
    assert averages.sd == pytest.approx(prior.effect_sd)


@pytest.mark.parametrize(("low", "high", "groups"), [(1, 5, 0), (1, 7, 1), (0, 100, 2)])
def test_forward_draws_stay_on_the_scale(low, high, groups):
    found = prior_predictive(CellPrior.of_scale(low, high), n_cells=8, groups=groups, seed=3)

    assert found.answers_outside < 0.12
    assert found.means_outside < 0.02
    assert found.plausible
    assert found.within_cells[2] < 0.6 * (high - low)
    assert "outside the scale" in str(found)


def test_forward_draws_have_the_spread_that_the_prior_states():
    prior = CellPrior.of_scale(1, 7)

    found = prior_predictive(prior, n_cells=2, studies=40_000, seed=9)

    # |N(0, s)| has median 0.6745 s; two cells have a difference of sd sqrt(2) * effect_sd
    assert found.largest_difference[1] == pytest.approx(0.6745 * np.sqrt(2) * prior.effect_sd, rel=0.02)
    assert found.within_cells[1] == pytest.approx(0.6745 * prior.residual_sd, rel=0.02)


def test_a_prior_that_is_too_wide_says_so():
    wide = CellPrior(middle=4, middle_sd=5, effect_sd=5, residual_sd=5, group_sd=1, slope_sd=1, low=1, high=7)

    found = prior_predictive(wide, n_cells=4, seed=1)

    assert not found.plausible
    assert "narrow it" in str(found)


def test_a_score_without_limits_needs_a_declaration():
    with pytest.raises(DataError, match=r"CellPrior\.declared"):
        CellPrior.of_scale(None, 7)

    prior = CellPrior.declared(middle=300, typical_sd=50)

    assert prior.residual_sd == pytest.approx(50)
    assert prior_predictive(prior, n_cells=3, seed=1).answers_outside is None


@pytest.mark.parametrize("call", [lambda: CellPrior.of_scale(7, 1), lambda: CellPrior.declared(middle=1, typical_sd=0)])
def test_impossible_scales_are_refused(call):
    with pytest.raises(DataError):
        call()


def test_sampled_twin_has_the_same_prior():
    prior = CellPrior.of_scale(1, 7)

    twin = prior.predictor()

    assert (twin.level, twin.level_sd, twin.cell_sd, twin.group_sd) == (
        prior.middle, prior.middle_sd, prior.effect_sd, prior.group_sd,
    )  # fmt: skip
