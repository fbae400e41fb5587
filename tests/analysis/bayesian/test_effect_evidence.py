"""Bayes factors under other priors than the model's own, from one fit; and how they move with the prior's width."""

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian.cell_posterior import CellDraws, CellMixture
from feedbackstudy.analysis.bayesian.effect_evidence import evidence_of
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.jzs import log_jzs_t
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells, NormalMixture
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.robustness import widths_around
from feedbackstudy.errors import DataError

FOUND = NormalMixture(weights=np.array([0.4, 0.6]), means=np.array([0.3, 0.35]), sds=np.array([0.12, 0.15]))
BEFORE = NormalMixture(weights=np.ones(1), means=np.zeros(1), sds=np.array([0.8]))
SDS = np.array([1.0, 1.3])
ROW = np.array([1.0, -1.0])


def likelihood_ratio(effect, k):
    """Return the likelihood of an effect over that of none in component k, from its definition."""
    return (stats.norm.pdf(effect, FOUND.means[k], FOUND.sds[k]) / stats.norm.pdf(effect, 0, 0.8)) / (
        stats.norm.pdf(0, FOUND.means[k], FOUND.sds[k]) / stats.norm.pdf(0, 0, 0.8)
    )


@pytest.mark.parametrize(("alternative", "low", "factor"), [("two-sided", -8, 1), ("greater", 0, 2)])
def test_cauchy_bayes_factor_equals_direct_integration(alternative, low, factor):
    weights = FOUND.weights * stats.norm.pdf(0, FOUND.means, FOUND.sds)
    weights = weights / weights.sum()

    def integrand(effect, k):
        return factor * likelihood_ratio(effect, k) * stats.cauchy.pdf(effect, 0, 0.5 * SDS[k])

    wanted = sum(
        weights[k] * integrate.quad(integrand, low, 3, args=(k,), points=[0, 0.3], limit=400, epsabs=1e-12)[0]
        for k in range(2)
    )

    found = evidence_of(FOUND, BEFORE, SDS).cauchy(0.5, alternative)

    assert found == pytest.approx(np.log(wanted), abs=1e-7)


def test_under_the_models_own_prior_it_is_the_savage_dickey_ratio():
    found = evidence_of(FOUND, BEFORE, SDS).normal(0.8)

    assert found == pytest.approx(BEFORE.log_density(0.0) - FOUND.log_density(0.0), abs=1e-12)


def test_the_two_halves_average_to_the_whole():
    evidence = evidence_of(FOUND, BEFORE, SDS)
    halves = np.exp([evidence.cauchy(0.7, "greater"), evidence.cauchy(0.7, "less")])

    assert np.log(halves.mean()) == pytest.approx(evidence.cauchy(0.7), abs=1e-10)


def test_with_wide_nuisance_priors_it_approaches_the_jzs_t_test():
    rng = np.random.default_rng(8)
    y = np.r_[rng.normal(4.4, 1, 60), rng.normal(4.0, 1, 60)]
    cell = np.repeat([0, 1], 60)
    wide = CellPrior(middle=4, middle_sd=100, effect_sd=100, residual_sd=100, group_sd=1, slope_sd=1)
    posterior = gaussian_cells(y, cell, 2, prior=wide).posterior()

    found = posterior.effect_bayes_factor([1, -1], scale=0.707)

    t = stats.ttest_ind(y[:60], y[60:]).statistic
    jzs = float(log_jzs_t(t, 30, df=118, scale=0.707, alternative="two-sided"))
    assert found.log_bayes_factor == pytest.approx(jzs, abs=0.05)  # p(sigma) flat here, 1 / sigma there
    assert "Cauchy, scale 0.707" in found.note


@pytest.fixture(scope="module")
def mixture() -> CellMixture:
    """Two cells."""
    return CellMixture(
        cells=NormalCells(
            weights=FOUND.weights,
            means=np.column_stack([FOUND.means, np.zeros(2)]),
            covariances=np.eye(2) / 2 * (FOUND.sds**2)[:, None, None],
        ),
        sds=SDS,
        prior_cells=NormalCells(weights=np.ones(1), means=np.zeros((1, 2)), covariances=0.32 * np.eye(2)[None]),
        n=80,
        model="",
        prior="",
    )


@pytest.mark.parametrize("prior", ["mixture", "draws"])
def test_draws_give_the_exact_bayes_factors_within_their_error(mixture, prior):
    rng = np.random.default_rng(12)
    which = rng.choice(2, size=40_000, p=FOUND.weights)
    noise = rng.standard_normal((40_000, 2)) * (FOUND.sds[which] / np.sqrt(2))[:, None]
    forward = np.sqrt(0.32) * rng.standard_normal((200_000, 2))
    draws = CellDraws(
        draws=mixture.cells.means[which] + noise,
        chains=4,
        sds=SDS[which],
        gates=Gates(rhat=1.0, ess_bulk=4000.0, ess_tail=4000.0, divergences=0, ebfmi=1.0),
        n=80,
        model="",
        prior="",
        prior_cells=mixture.prior_cells if prior == "mixture" else forward,
    )

    for alternative in ("two-sided", "greater"):
        exact = mixture.effect_bayes_factor(ROW, scale=0.5, alternative=alternative)
        drawn = draws.effect_bayes_factor(ROW, scale=0.5, alternative=alternative)
        assert drawn.log_bayes_factor == pytest.approx(exact.log_bayes_factor, abs=4 * drawn.error)
        assert drawn.error < 0.15
    exact = mixture.robustness(ROW, declared=0.4, family="normal")
    drawn = draws.robustness(ROW, declared=0.4, family="normal")
    assert drawn.log_bayes_factors == pytest.approx(exact.log_bayes_factors, abs=0.3)


def test_robustness_curve_passes_through_the_declared_width(mixture):
    found = mixture.robustness(ROW, declared=0.5, quantity="feedback")

    assert found.log_bayes_factors[20] == pytest.approx(found.log_declared, abs=1e-12)
    assert found.log_declared == pytest.approx(mixture.effect_bayes_factor(ROW, scale=0.5).log_bayes_factor)
    assert list(found.frame().columns) == ["prior_scale", "log_bayes_factor", "bayes_factor"]
    assert "feedback" in str(found)


def test_a_wide_prior_turns_evidence_against_the_effect_and_the_curve_says_so(mixture):
    found = mixture.robustness(ROW, declared=0.5, scales=np.geomspace(0.05, 5000, 60))

    assert found.log_bayes_factors[-1] < np.log(1 / 3)
    assert "against an effect" in found.verdicts(3)
    assert "matters" in str(found)


@pytest.mark.parametrize("call", [lambda: widths_around(0), lambda: evidence_of(FOUND, BEFORE, SDS).cauchy(-1)])
def test_widths_that_are_not_positive_are_refused(call):
    with pytest.raises(DataError):
        call()


def test_a_prior_of_several_components_cannot_be_exchanged():
    with pytest.raises(DataError, match="one normal distribution"):
        evidence_of(FOUND, FOUND, SDS)


def test_overwhelming_evidence_under_the_models_own_prior_is_its_savage_dickey_ratio():
    """With the model's own normal prior put back, both are one integral, whatever weighs nothing at no effect."""
    rng = np.random.default_rng(7)
    cell = np.arange(400) % 2
    y = 4 + 1.5 * cell + rng.normal(0, 0.8, 400)
    fit = gaussian_cells(y, cell, 2, prior=CellPrior.of_scale(1, 7)).posterior()
    own = fit.prior_cells.project(np.array([-1.0, 1.0]))

    direct = fit.contrast([-1, 1]).log_bayes_factor

    assert direct > 120
    assert fit.evidence([-1, 1]).normal(float(own.sds[0])) == pytest.approx(direct, rel=1e-8)
