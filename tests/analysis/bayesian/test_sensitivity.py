"""A prior that decides is found out; one that does not is left in peace."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.binary import BinaryPrior, binary
from feedbackstudy.analysis.bayesian.sensitivity import Sensitivity, prior_sensitivity

CELL = np.repeat([0, 1], 40)
Y = np.concatenate([np.repeat([0, 1], counts) for counts in ((12, 28), (27, 13))])


def test_a_tight_prior_weighs_more_than_a_wide_one():
    tight = binary(Y, CELL, 2, seed=1, prior=BinaryPrior(cell_sd=0.15))
    wide = binary(Y, CELL, 2, seed=1, prior=BinaryPrior(cell_sd=3.0))

    found = [prior_sensitivity(fit, [1.0, -1.0]) for fit in (tight, wide)]

    assert found[0].to_prior > 2 * found[1].to_prior
    assert found[0].rests_on_prior
    assert not found[1].rests_on_prior
    assert "prior" in found[0].diagnosis
    assert "does not rest on the prior" in str(found[1])


@pytest.mark.parametrize(
    ("prior", "likelihood", "words"),
    [(0.01, 0.2, "does not rest"), (0.2, 0.01, "strong prior or weak data"), (0.2, 0.2, "against each other")],
)
def test_the_two_figures_are_put_into_words(prior, likelihood, words):
    assert words in Sensitivity(to_prior=prior, to_likelihood=likelihood, prior="p").diagnosis
