"""Random effects by quadrature against brute-force integration, limits and the frequentist summary."""

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy import datasets
from feedbackstudy.analysis.bayesian.densities import from_density, savage_dickey
from feedbackstudy.analysis.bayesian.random_effects import RandomEffectsPrior, random_effects
from feedbackstudy.errors import DataError

Y, V = np.array([0.3, 0.8, -0.1, 0.5, 0.4]), np.array([0.04, 0.09, 0.05, 0.02, 0.06])


@pytest.fixture(scope="module")
def brute() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean effect and tau on a plain two-dimensional grid, in log space."""
    mu, tau = np.linspace(-2, 2.5, 1501), np.linspace(1e-9, 2.5, 1201)
    log = stats.norm.logpdf(mu, 0, 1)[:, None] + np.log(2) + stats.norm.logpdf(tau, 0, 0.5)
    for y, v in zip(Y, V, strict=True):
        log = log + stats.norm.logpdf(y, mu[:, None], np.sqrt(v + tau**2))
    return mu, tau, np.exp(log), log


def test_posteriors_and_marginal_likelihood_equal_brute_force(brute):
    mu, tau, joint, _ = brute
    of_mu = integrate.simpson(joint, x=tau, axis=1)
    evidence = integrate.simpson(of_mu, x=mu)
    of_tau = integrate.simpson(joint, x=mu, axis=0) / evidence

    found = random_effects(Y, V)

    assert found.log_marginal == pytest.approx(np.log(evidence), abs=1e-6)
    assert np.interp(mu, found.mean.grid, found.mean.density) == pytest.approx(of_mu / evidence, abs=1e-3)
    assert np.interp(tau, found.tau.grid, found.tau.density) == pytest.approx(of_tau, abs=1e-3)
    mean = integrate.simpson(mu * of_mu, x=mu) / evidence
    variance = integrate.simpson(mu**2 * of_mu, x=mu) / evidence - mean**2
    assert found.mean_sd == pytest.approx(np.sqrt(variance), rel=1e-5)


def test_the_bayes_factor_equals_the_ratio_of_marginal_likelihoods(brute):
    mu, tau, joint, _ = brute
    evidence = integrate.simpson(integrate.simpson(joint, x=tau, axis=1), x=mu)
    null = (
        2 * stats.norm.pdf(tau, 0, 0.5) * np.prod(stats.norm.pdf(Y[:, None], 0, np.sqrt(V[:, None] + tau**2)), axis=0)
    )

    found = savage_dickey(random_effects(Y, V).mean)

    assert found == pytest.approx(evidence / integrate.simpson(null, x=tau), rel=2e-4)


def test_without_heterogeneity_it_is_the_weighted_mean():
    found = random_effects(Y, V, prior=RandomEffectsPrior(mean_sd=1e3, tau_sd=1e-4))
    fixed = (Y / V).sum() / (1 / V).sum()

    assert from_density(found.mean, quantity="q").median == pytest.approx(fixed, abs=1e-4)
    assert found.study_mean == pytest.approx(np.full(5, fixed), abs=1e-4)


def test_studies_are_pulled_towards_the_mean_and_a_new_study_is_the_least_certain():
    found = random_effects(Y, V)
    mean = from_density(found.mean, quantity="q").median

    assert (np.abs(found.study_mean - mean) < np.abs(Y - mean) + 1e-9).all()
    assert (found.study_sd < np.sqrt(V)).all()
    spread = [
        from_density(d, quantity="q").high - from_density(d, quantity="q").low for d in (found.mean, found.predicted)
    ]
    assert spread[1] > spread[0]


def test_at_36_sites_the_two_engines_agree():
    """metafor's REML of the framing sites: 0.660 [0.602, 0.718]; the posterior adds the uncertainty about tau."""
    sites = datasets.load("manylabs1_gain_loss").frame.query("is_original == 0")

    found = from_density(random_effects(sites["d_logit"], sites["v_logit"]).mean, quantity="d")

    assert found.median == pytest.approx(0.660, abs=0.005)
    assert found.low == pytest.approx(0.602, abs=0.01)
    assert found.high == pytest.approx(0.718, abs=0.015)


@pytest.mark.parametrize(
    ("y", "v", "message"),
    [([0.1], [0.2], "at least two"), ([0.1, 0.2], [0.2, 0], "positive"), ([0.1, np.nan], [0.2, 0.1], "finite")],
)
def test_impossible_studies_are_refused(y, v, message):
    with pytest.raises(DataError, match=message):
        random_effects(y, v)


def test_a_prior_without_scale_is_refused():
    with pytest.raises(DataError, match="must be positive and finite"):
        RandomEffectsPrior(tau_sd=0)
