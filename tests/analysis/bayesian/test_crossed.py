"""The sampled normal model against the exact one, with one and with two crossed factors."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.crossed import Normals, NormalsPrior, crossed
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError

PRIOR = CellPrior.of_scale(1, 7)


def study():
    rng = np.random.default_rng(21)
    person, vignette = np.repeat(np.arange(24), 6), np.tile(np.arange(6), 24)
    cell = (person + vignette) % 3
    y = 4 + 0.4 * (cell == 2) + 0.6 * rng.normal(size=24)[person] + 0.4 * rng.normal(size=6)[vignette]
    x = rng.normal(size=144)
    return y + 0.2 * x + 0.8 * rng.normal(size=144), cell, x - x.mean(), person, vignette


@pytest.mark.slow
@pytest.mark.parametrize("factors", [("participant",), ("participant", "vignette")])
def test_the_sampled_model_is_the_exact_one(factors):
    y, cell, x, person, vignette = study()
    groups = {name: {"participant": person, "vignette": vignette}[name] for name in factors}
    exact = gaussian_cells(y, cell, 3, prior=PRIOR, covariates=x[:, None], groups=groups).posterior()

    fit = crossed(y, cell, 3, prior=PRIOR, seed=22, covariates=x, groups=groups)

    assert fit.draws.gates.hold, fit.draws.gates.failures
    cells = fit.cells()
    for weights in ([1.0, 0.0, -1.0], [0.5, 0.5, -1.0]):
        wanted, found = exact.contrast(weights), cells.contrast(weights)
        quality = converged((cells.draws @ weights).reshape(4, -1))
        assert found.posterior.median == pytest.approx(wanted.posterior.median, abs=4 * quality.mcse_median)
        assert found.sd == pytest.approx(wanted.sd, rel=4 / np.sqrt(2 * quality.ess_tail))
    for name in factors:
        quality = converged(fit.draws.variables[f"sd_{name}"])
        wanted = exact.cells.weights @ exact.variances[name]
        assert np.mean(fit.values[f"sd_{name}"]) == pytest.approx(wanted, abs=5 * quality.mcse_median)


def test_the_prior_is_taken_over_from_the_exact_model():
    taken = NormalsPrior.of(PRIOR)

    assert (taken.level, taken.cell_sd, taken.residual_sd) == (PRIOR.middle, PRIOR.effect_sd, PRIOR.residual_sd)
    assert taken.group_sd == PRIOR.group_sd


def test_an_outcome_that_does_not_vary_is_refused():
    with pytest.raises(DataError, match="nothing varies"):
        crossed([3.0, 3.0, 3.0], [0, 1, 1], 2, prior=PRIOR, seed=1)
    assert Normals.scales == ("response",)
