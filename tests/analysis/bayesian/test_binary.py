"""The logistic model of cells against two-dimensional quadrature."""

import numpy as np
import pytest
from scipy.special import expit, log_expit

from feedbackstudy.analysis.bayesian.binary import binary
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.errors import DataError


def grid():
    """Return log odds of both cells on a grid with the posterior weight there."""
    axis = np.linspace(-6, 6, 801)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    covariance = 1.5**2 + 0.75**2 * np.eye(2)
    inverse = np.linalg.inv(covariance)
    prior = -0.5 * (inverse[0, 0] * (first**2 + second**2) + 2 * inverse[0, 1] * first * second)
    log_weight = (
        prior + 28 * log_expit(first) + 12 * log_expit(-first) + 13 * log_expit(second) + 27 * log_expit(-second)
    )
    weight = np.exp(log_weight - log_weight.max())
    return first, second, weight / weight.sum()


@pytest.mark.parametrize("scale", ["log odds", "response"])
def test_the_posterior_is_that_of_quadrature(binary_fit, scale):
    first, second, weight = grid()
    gap = first - second if scale == "log odds" else expit(first) - expit(second)
    mean = float((weight * gap).sum())
    sd = float(np.sqrt((weight * gap**2).sum() - mean**2))

    cells = binary_fit.cells(scale)
    drawn = cells.draws @ [1.0, -1.0]
    quality = converged(drawn.reshape(4, -1))

    assert cells.gates.hold
    assert drawn.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(quality.ess_bulk))
    assert drawn.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * quality.ess_tail))


def test_the_bayes_factor_is_that_of_quadrature_within_its_error(binary_fit):
    axis = np.linspace(-8, 8, 4001)
    first, second, weight = grid()
    gap, width = first - second, 0.05
    near = float((weight * gap).sum()) - 1.0  # a null where there are draws
    posterior = weight[np.abs(gap - near) < width].sum() / (2 * width)
    prior = np.exp(-0.5 * (axis / (0.75 * np.sqrt(2))) ** 2)
    exact = np.interp(near, axis, prior / (prior.sum() * (axis[1] - axis[0]))) / posterior

    assert binary_fit.cells().contrast([1.0, -1.0], value=near).bayes_factor == pytest.approx(exact, rel=0.15)


def test_a_bayes_factor_that_is_mostly_monte_carlo_error_is_a_bound(binary_fit):
    found = binary_fit.cells().contrast([1.0, -1.0])

    assert found.bayes_factor is None  # 3 sd in the tail: few draws are near 0
    assert "BF10 >" in found.bayes_factor_note
    assert found.beyond(0.0) > 0.99


@pytest.mark.parametrize("y", [[1, 2, 1, 2], [0, 1, 0.5, 1]])
def test_other_codes_than_0_and_1_are_refused(y):
    with pytest.raises(DataError, match="coded 0"):
        binary(y, [0, 0, 1, 1], 2, seed=1)
