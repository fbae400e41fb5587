"""Student-t outcomes: normal in the limit, and unmoved by an outlier."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.crossed import NormalsPrior
from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampled_cells import fitted
from feedbackstudy.analysis.bayesian.student import Students, student

PRIOR = CellPrior.of_scale(1, 7)
RNG = np.random.default_rng(31)
CELL = np.arange(80) % 2
Y = 4 + 0.5 * CELL + RNG.normal(size=80)


@pytest.mark.slow
def test_with_many_degrees_of_freedom_it_is_the_exact_normal_model():
    family = Students(prior=NormalsPrior.of(PRIOR), df_start=1e6)
    exact = gaussian_cells(Y, CELL, 2, prior=PRIOR).posterior().contrast([-1.0, 1.0])

    fit = fitted(stated(family, Y, CELL, 2), seed=32)

    drawn = (fit.cells().draws @ [-1.0, 1.0]).reshape(4, -1)
    assert fit.draws.gates.hold, fit.draws.gates.failures
    assert np.median(drawn) == pytest.approx(exact.posterior.median, abs=4 * converged(drawn).mcse_median)


@pytest.mark.slow
def test_one_wild_answer_moves_the_normal_model_but_not_this_one():
    wild = Y.copy()
    wild[0] = 40.0
    normal = [gaussian_cells(y, CELL, 2, prior=PRIOR).posterior().contrast([-1.0, 1.0]) for y in (Y, wild)]

    robust = [student(y, CELL, 2, prior=PRIOR, seed=33).cells().contrast([-1.0, 1.0]) for y in (Y, wild)]

    shift = abs(robust[1].posterior.median - robust[0].posterior.median)
    assert shift < 0.1
    assert shift < abs(normal[1].posterior.median - normal[0].posterior.median) / 2


def test_the_law_is_that_of_scipy_and_says_what_it_standardises_by():
    model = stated(Students(prior=NormalsPrior.of(PRIOR)), Y, CELL, 2)
    values = model.forward(np.random.default_rng(34), 4)
    at = values["cells"][:, CELL]

    wanted = stats.t.logpdf(Y, values["df"][:, None], at, values["sd_residual"][:, None])

    assert model.log_likelihood(values) == pytest.approx(wanted)
    assert (values["df"] > 2).all()
    assert "outliers" in model.family.notes("response", model.rows)[0]
