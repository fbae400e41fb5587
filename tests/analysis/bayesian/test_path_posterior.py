"""The posterior of a path model is exact: against closed forms, brute-force quadrature and data augmentation."""

import numpy as np
import pytest
from scipy import integrate, stats

from feedbackstudy.analysis.bayesian.path_augmented import augmented_paths
from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior, equation_posterior
from feedbackstudy.analysis.bayesian.path_posterior import path_posterior
from feedbackstudy.analysis.frequentist.path_fit import fit_paths
from feedbackstudy.analysis.mediation_cells import CellPath, from_cells
from feedbackstudy.analysis.mediation_system import values
from feedbackstudy.errors import DataError


def rows(n=80, seed=1, structure="parallel", shared=0.8):
    rng = np.random.default_rng(seed)
    cell = rng.permutation(np.arange(n) % 2)
    common = shared * rng.normal(size=n)
    m = 3 + 0.6 * cell + common + 0.6 * rng.normal(size=n)
    k = 2 - 0.4 * cell + common + 0.6 * rng.normal(size=n)
    y = 1 + 0.4 * m - 0.5 * k + rng.normal(size=n)
    return CellPath(
        y=y,
        outcome="y",
        mediators=np.column_stack([m, k]),
        mediator_names=["m", "k"],
        cell=cell,
        weights=np.array([-1.0, 1.0]),
        contrast="b - a",
        structure=structure,
    )


def line(n=30, seed=3):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    return x, 1 + 0.5 * x[:, 1] + rng.normal(size=n)


def test_without_a_prior_each_coefficient_is_students_t():
    design = from_cells(rows())
    fit = fit_paths(design.system)
    found = path_posterior(design.system, draws=40_000, seed=1)
    for i in range(design.system.size):
        z = (found.theta[:, i] - fit.theta[i]) / fit.se[i]
        assert stats.kstest(z, stats.t(fit.df[i]).cdf).statistic < 0.011  # the 99.9 % point of 40,000 draws is .0098


def test_parallel_mediators_keep_their_correlated_residuals():
    design = from_cells(rows())
    system = design.system
    joint = path_posterior(system, draws=40_000, seed=1, together=(0, 1))
    apart = path_posterior(system, draws=40_000, seed=1)
    total = next(e for e in design.effects if e.name == "total")
    covariance = fit_paths(system, together=(0, 1)).covariance
    a = [next(e for e in design.effects if e.name == f"a: b - a > {m}").single[0] for m in ("m", "k")]
    expected = float(a[0] @ covariance @ a[1] / np.sqrt((a[0] @ covariance @ a[0]) * (a[1] @ covariance @ a[1])))
    drawn = np.corrcoef(joint.theta @ a[0], joint.theta @ a[1])[0, 1]
    assert expected > 0.5
    assert drawn == pytest.approx(expected, abs=0.03)
    assert abs(np.corrcoef(apart.theta @ a[0], apart.theta @ a[1])[0, 1]) < 0.03
    plain = stats.linregress(rows().cell, rows().y)
    sd = joint.draws((total,)).std()
    assert sd == pytest.approx(plain.stderr * np.sqrt(78 / 76), rel=0.05)


@pytest.mark.parametrize("slope_sd", [0.1, 0.4, 5.0])
def test_with_a_prior_it_is_the_brute_force_posterior(slope_sd):
    x, y = line()
    prior = EquationPrior(precision=np.diag([0.0, slope_sd**-2]), residual_sd=1.5)
    mixture = equation_posterior(x, y, prior, None)
    centred, z = x[:, 1] - x[:, 1].mean(), y - y.mean()
    beta, sigma = np.linspace(-1.5, 2.5, 1201), np.exp(np.linspace(-1.5, 1.8, 601))
    squares = ((z[:, None] - np.outer(centred, beta)) ** 2).sum(axis=0)
    log = (
        -29 * np.log(sigma)[:, None]  # the level is integrated out
        - squares / (2 * sigma[:, None] ** 2)
        + stats.norm.logpdf(beta, 0, slope_sd)
        + np.log(sigma)[:, None]
        - 0.5 * (sigma[:, None] / 1.5) ** 2
    )
    density = integrate.simpson(np.exp(log - log.max()), x=np.log(sigma), axis=0)
    density /= integrate.simpson(density, x=beta)
    mean = integrate.simpson(density * beta, x=beta)
    sd = np.sqrt(integrate.simpson(density * (beta - mean) ** 2, x=beta))
    ours = float(mixture.weight @ mixture.mean[:, 1])
    spread = mixture.weight @ (mixture.shrink @ (mixture.root[0][1] ** 2) + mixture.mean[:, 1] ** 2) - ours**2
    assert ours == pytest.approx(mean, abs=1e-6)
    assert np.sqrt(spread) == pytest.approx(sd, rel=1e-6)
    at_zero = float(np.interp(0.0, beta, density))
    leg = np.array([0.0, 1.0])
    assert mixture.bayes_factor(leg) == pytest.approx(stats.norm.pdf(0, 0, slope_sd) / at_zero, rel=2e-4)


def test_a_flat_direction_has_no_bayes_factor():
    x, y = line()
    mixture = equation_posterior(x, y, EquationPrior(precision=np.diag([0.0, 1.0])), None)
    assert mixture.bayes_factor(np.array([1.0, 0.0])) is None
    assert equation_posterior(x, y, None, None).bayes_factor(np.array([0.0, 1.0])) is None


def test_a_random_intercept_is_the_brute_force_posterior():
    rng = np.random.default_rng(5)
    cluster = np.arange(60) // 5
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    y = 0.4 * x[:, 1] + 0.8 * rng.normal(size=12)[cluster] + rng.normal(size=60)
    mixture = equation_posterior(x, y, EquationPrior(precision=np.zeros((2, 2)), group_sd=0.7), cluster)
    sigma, tau = np.exp(np.linspace(-0.9, 0.9, 41)), np.linspace(0.0005, 3.0, 81)
    log, mean, variance = np.empty((41, 81)), np.empty((41, 81)), np.empty((41, 81))
    same = (cluster[:, None] == cluster).astype(float)
    for j, t in enumerate(tau):
        for i, s in enumerate(sigma):
            v = s**2 * np.eye(60) + t**2 * same
            w = np.linalg.inv(v)
            a = x.T @ w @ x
            b = np.linalg.solve(a, x.T @ w @ y)
            rest = y - x @ b
            log[i, j] = -0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(a)[1] + rest @ w @ rest)
            mean[i, j], variance[i, j] = b[1], np.linalg.inv(a)[1, 1]
    log += -0.5 * (tau / 0.7) ** 2
    log[:, 0] -= np.log(2)  # trapezoidal rule: the end at (almost) zero counts half
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    expected = float((weight * mean).sum())
    sd = float(np.sqrt((weight * (variance + mean**2)).sum() - expected**2))
    beta, _, drawn_tau = mixture.draw(40_000, np.random.default_rng(1))
    assert beta[:, 1].mean() == pytest.approx(expected, abs=4 * sd / 200)
    assert beta[:, 1].std() == pytest.approx(sd, rel=0.02)
    assert drawn_tau.mean() == pytest.approx(float((weight * tau).sum()), rel=0.02)


def test_no_indirect_effect_without_both_legs():
    design = from_cells(rows(structure="serial"))
    k = len(design.system.equations)
    sizes = [len(e.predictors) for e in design.system.equations]
    priors = [EquationPrior(precision=np.eye(size) / 0.5**2) for size in sizes]
    found = path_posterior(design.system, draws=1000, seed=1, priors=priors)
    effect = next(e for e in design.effects if e.name == "b - a > m > y")
    legs = [found.mixtures[0], found.mixtures[k - 1]]
    factors = [
        mixture.bayes_factor(leg[design.system.block(at)])
        for mixture, leg, at in zip(legs, effect.single, (0, k - 1), strict=True)
    ]
    share = np.prod([f / (1 + f) for f in factors])
    whole, note = found.bayes_factor(effect)
    assert whole == pytest.approx(share / (1 - share) * 3, rel=1e-9)
    assert "at least one absent" in note
    total = next(e for e in design.effects if e.name == "total")
    assert found.bayes_factor(total) == (None, "no Bayes factor: the effect is a sum of several products")


def test_draws_are_the_same_for_the_same_seed_and_others_for_another():
    system = from_cells(rows()).system
    one, same, other = (path_posterior(system, draws=500, seed=seed).theta for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_augmentation_of_complete_rows_is_the_exact_posterior():
    for structure in ("serial", "parallel"):
        design = from_cells(rows(structure=structure))
        exact = path_posterior(design.system, draws=40_000, seed=1, together=(0, 1) if structure == "parallel" else ())
        found = augmented_paths(design.system, draws=8000, seed=2)
        one, other = values(design.effects, exact.theta), values(design.effects, found.posterior.theta)
        sd = one.std(axis=0)
        assert np.abs((one.mean(axis=0) - other.mean(axis=0)) / sd).max() < 0.06
        assert np.abs(other.std(axis=0) / sd - 1).max() < 0.05
        assert np.abs(found.posterior.sigma.mean(axis=0) / exact.sigma.mean(axis=0) - 1)[-1] < 0.01


def test_predictors_that_determine_each_other_are_refused():
    x, y = line()
    with pytest.raises(DataError, match="determine each other"):
        equation_posterior(np.column_stack([x, np.zeros(len(y))]), y, None, None)
    with pytest.raises(DataError, match="one prior for each"):
        path_posterior(from_cells(rows()).system, draws=100, seed=1, priors=[None])
