"""A law's forward draws, its log density and its constants say the same."""

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian.prior_laws import Correlations, Dirichlet, HalfNormal, Normal, ShiftedGamma
from feedbackstudy.errors import DataError

SCALARS = [Normal(1.5, 0.4), HalfNormal(0.7), ShiftedGamma(2.0, 0.5), ShiftedGamma(2.0, 0.1, 2.0)]


@pytest.mark.parametrize("law", SCALARS, ids=str)
def test_the_density_of_a_law_is_that_of_its_draws(law):
    drawn = law.draw(np.random.default_rng(1), 40_000, ())
    middle = float(np.median(drawn))

    def density(x):
        return float(np.exp(law.log_density(np.array([x]))[0]))

    low = {Normal: -np.inf, HalfNormal: 0.0}.get(type(law), getattr(law, "start", 0.0))
    assert integrate.quad(density, low, middle)[0] == pytest.approx(0.5, abs=0.01)  # 4 standard errors of a share
    assert integrate.quad(density, low, np.inf)[0] == pytest.approx(1.0, abs=1e-7)


def test_shares_sum_to_one_and_have_the_density_of_scipy():
    law = Dirichlet((1.0, 2.0, 3.0))
    drawn = law.draw(np.random.default_rng(2), 500, (3,))

    assert drawn.sum(axis=1) == pytest.approx(np.ones(500))
    assert law.log_density(drawn) == pytest.approx([stats.dirichlet.logpdf(row, (1, 2, 3)) for row in drawn])


def test_every_correlation_of_three_has_the_marginal_of_the_lkj_law():
    from feedbackstudy.analysis.bayesian.predictor_draws import cholesky

    law = Correlations(3, 2.0)
    factor = cholesky(law.draw(np.random.default_rng(3), 4000, (3,)), 3)
    matrices = factor @ factor.transpose(0, 2, 1)

    assert np.diagonal(matrices, axis1=1, axis2=2) == pytest.approx(np.ones((4000, 3)))
    for i, j in ((1, 0), (2, 0), (2, 1)):  # Beta(eta + (d - 2)/2) on (-1, 1): Lewandowski et al., 2009
        assert stats.kstest((matrices[:, i, j] + 1) / 2, stats.beta(2.5, 2.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize("make", [lambda: Normal(0, 0), lambda: HalfNormal(-1), lambda: Dirichlet((1.0, np.nan))])
def test_impossible_constants_are_refused(make):
    with pytest.raises(DataError, match="must be positive and finite"):
        make()
