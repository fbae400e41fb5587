"""Bayesian contrasts of means against closed forms, brute-force integration and their frequentist twin."""

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian import means
from feedbackstudy.analysis.bayesian.densities import from_density, savage_dickey
from feedbackstudy.analysis.frequentist import means as frequentist
from feedbackstudy.errors import DataError

FIGURES = ([20, 25, 22, 18], [3.1, 3.9, 3.4, 4.4], [1.1, 1.3, 0.9, 1.2])
WEIGHTS = [0.5, 0.5, -0.5, -0.5]


def test_with_a_flat_prior_the_interval_is_the_confidence_interval():
    classical = frequentist.contrast(*FIGURES, weights=WEIGHTS)

    flat = means.contrast(*FIGURES, weights=WEIGHTS, prior_sd=1e4)
    found = from_density(flat.density, quantity="q", interval="equal-tailed")

    assert (found.median, found.low, found.high) == pytest.approx(
        (classical.estimate, classical.low, classical.high), abs=2e-4
    )


def test_posterior_and_bayes_factor_equal_brute_force_integration():
    sizes, mean, sd = (np.array(column) for column in FIGURES)
    w, prior_sd = np.array(WEIGHTS), 0.5
    df = sizes.sum() - 4
    pooled = ((sizes - 1) * sd**2).sum() / df
    scale = (w**2 / sizes).sum()
    estimate = w @ mean

    def joint(effect, sigma):
        spread = np.sqrt(scale) * sigma
        return stats.norm.pdf(estimate, effect, spread) * stats.chi2.pdf(df * pooled / sigma**2, df) / sigma**3

    def marginal(effect):
        return integrate.quad(lambda sigma: joint(effect, sigma), 0.5, 3, epsabs=1e-14)[0]

    effects = np.linspace(-2, 1.5, 141)
    density = np.array([marginal(e) for e in effects]) * stats.norm.pdf(effects, 0, prior_sd)
    evidence = integrate.simpson(density, x=effects)

    found = means.contrast(*FIGURES, weights=WEIGHTS, prior_sd=prior_sd)

    ours = np.interp(effects, found.density.grid, found.density.density)
    assert ours == pytest.approx(density / evidence, abs=2e-3)
    assert savage_dickey(found.density) == pytest.approx(evidence / marginal(0.0), rel=1e-3)


def test_a_narrow_prior_pulls_the_estimate_towards_zero():
    medians = [
        abs(from_density(means.contrast(*FIGURES, weights=WEIGHTS, prior_sd=s).density, quantity="q").median)
        for s in (0.05, 0.2, 1, 100)
    ]

    assert medians == sorted(medians)


@pytest.mark.parametrize(
    ("sd", "prior_sd", "message"),
    [([1, -1, 1, 1], 1, "never negative"), ([0, 0, 0, 0], 1, "unknown"), ([1, 1, 1, 1], 0, "must be positive")],
)
def test_impossible_figures_and_priors_are_refused(sd, prior_sd, message):
    with pytest.raises(DataError, match=message):
        means.contrast(FIGURES[0], FIGURES[1], sd, weights=WEIGHTS, prior_sd=prior_sd)
