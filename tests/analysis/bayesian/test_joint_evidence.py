"""Several contrasts at once: Bayes factor by densities, and partial eta squared from the same posterior."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.joint_evidence import joint_evidence
from feedbackstudy.analysis.bayesian.priors import CellPrior

PRIOR = CellPrior.of_scale(1, 7)
ALL = np.array([[1.0, -1, 0], [1, 0, -1]])


@pytest.fixture
def posterior():
    chance = np.random.default_rng(5)
    cell = np.repeat([0, 1, 2], 40)
    y = 4 + np.array([0.0, 0.5, 0.9])[cell] + chance.normal(0, 1, 120)
    return gaussian_cells(y, cell, 3, prior=PRIOR).posterior(), np.bincount(cell)


def test_one_contrast_gives_its_own_savage_dickey_ratio(posterior):
    fit, counts = posterior

    joint = joint_evidence(fit, [[1, -1, 0]], counts=counts, level=0.95)

    assert joint.bayes_factor == pytest.approx(fit.contrast([1, -1, 0]).bayes_factor, rel=1e-9)


def test_the_bayes_factor_is_the_ratio_of_marginal_likelihoods(posterior):
    """All cells equal is the model with one cell whose mean has the prior of the mean of three."""
    fit, counts = posterior
    chance = np.random.default_rng(5)
    cell = np.repeat([0, 1, 2], 40)
    y = 4 + np.array([0.0, 0.5, 0.9])[cell] + chance.normal(0, 1, 120)
    of_mean = replace(PRIOR, middle_sd=np.hypot(PRIOR.middle_sd, PRIOR.effect_sd / np.sqrt(3)), effect_sd=1e-9)
    null = gaussian_cells(y, np.zeros(120, dtype=np.int64), 1, prior=of_mean).posterior()

    joint = joint_evidence(fit, ALL, counts=counts, level=0.95)

    assert joint.bayes_factor == pytest.approx(np.exp(fit.log_marginal - null.log_marginal), rel=1e-4)


def test_rows_that_depend_on_each_other_and_other_rows_of_the_same_space_change_nothing(posterior):
    fit, counts = posterior
    joint = joint_evidence(fit, ALL, counts=counts, level=0.95)
    again = joint_evidence(fit, np.vstack([ALL, [0, 1, -1]]), counts=counts, level=0.95)
    helmert = joint_evidence(fit, [[0.5, 0.5, -1], [1, -1, 0]], counts=counts, level=0.95)

    for other in (again, helmert):
        assert other.bayes_factor == pytest.approx(joint.bayes_factor, rel=1e-8)
        assert other.median == pytest.approx(joint.median, rel=1e-8)
    assert 0 < joint.low < joint.median < joint.high < 1
