"""The PyMC models that results hand out have the density that the results integrate."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy.analysis.bayes_anova import bayes_factor_anova
from feedbackstudy.analysis.bayes_regression import bayes_factor_correlation, bayes_factor_regression
from feedbackstudy.analysis.bayes_t import bayes_factor_t
from feedbackstudy.analysis.bayesian.longitudinal_model import waves_model
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.wave_design import wave_columns
from feedbackstudy.errors import NotFoundError


def log_density(model, **values: object) -> float:
    """Return the joint log density at values of the free variables, without Jacobians of their transformations."""
    point = model.initial_point()
    for name, value in values.items():
        variable = model[name]
        transform = model.rvs_to_transforms[variable]
        if transform is None:
            point[name] = np.asarray(value, dtype=float)
        else:
            key = model.rvs_to_values[variable].name
            point[key] = np.asarray(transform.forward(np.asarray(value, dtype=float), *variable.owner.inputs).eval())
    compiled = model.compile_fn(model.logp(sum=True, jacobian=False), mode="FAST_COMPILE")
    return float(compiled(point))


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"timing": np.tile(["later", "now"], 12), "framing": np.repeat(["gain", "loss"], 12)})
    frame["site"] = np.arange(24) % 4
    frame["day"] = rng.normal(size=24)
    frame["rating"] = 4 + 0.5 * (frame["timing"] == "now") + 0.3 * frame["day"] + rng.normal(size=24)
    return frame


def test_two_groups(people):
    found = bayes_factor_t(people, "rating", by="timing", value=0.2, prior_scale=0.6)
    first = people["timing"].to_numpy() == "later"
    y = people["rating"].to_numpy() - 0.2 * first
    for mu, sigma, effect in ((4.0, 1.1, 0.4), (3.5, 0.8, -0.3)):
        wanted = stats.norm(mu + effect * sigma * (first - 0.5), sigma).logpdf(y).sum()
        wanted += stats.cauchy(0, 0.6).logpdf(effect)

        assert log_density(found.pymc_model(), mu=mu, log_sigma=np.log(sigma), effect=effect) == pytest.approx(
            wanted, rel=1e-10
        )


@pytest.mark.parametrize(("alternative", "sign"), [("greater", 1), ("less", -1)])
def test_one_sample_and_a_half_prior(people, alternative, sign):
    found = bayes_factor_t(people, "rating", value=4.0, alternative=alternative)
    y, effect = people["rating"].to_numpy() - 4.0, 0.3 * sign
    wanted = stats.norm(effect * 1.2, 1.2).logpdf(y).sum() + stats.halfcauchy(scale=np.sqrt(0.5)).logpdf(0.3)

    assert log_density(found.pymc_model(), log_sigma=np.log(1.2), size=0.3) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
def test_a_correlation(people, alternative):
    found = bayes_factor_correlation(people, "day", "rating", kappa=0.5, alternative=alternative)
    pairs, mu, sd, rho = people[["day", "rating"]].to_numpy(), np.array([0.1, 4.2]), np.array([0.9, 1.2]), 0.3
    covariance = np.outer(sd, sd) * np.array([[1, rho], [rho, 1]])
    wanted = stats.multivariate_normal(mu, covariance).logpdf(pairs).sum()
    wanted += stats.beta(2, 2).logpdf((rho + 1) / 2) + (0 if alternative == "two-sided" else np.log(2))

    point = {"share": (rho + 1) / 2, "mu": mu, "log_sigma": np.log(sd)}
    assert log_density(found.pymc_model(), **point) == pytest.approx(wanted, rel=1e-9)


def test_analysis_of_variance_with_a_random_factor(people):
    found = bayes_factor_anova(people, "rating", ["timing", "framing"], random="site", prior_scale=0.5)
    sigma, g = 1.1, {"timing": 0.2, "timing:framing": 0.4, "framing": 0.3, "site": 0.8}
    model = found.pymc_model("timing + framing + timing:framing")
    rng = np.random.default_rng(2)
    effects = {name: rng.normal(size=4 if name == "site" else 1) for name in g}
    sums = {name: np.array([1.0, -1.0]) / np.sqrt(2) for name in ("timing", "framing")}
    code = {name: sums[name][people[name].astype("category").cat.codes] for name in sums}
    mean = 4.0 + sigma * (
        code["timing"] * effects["timing"]
        + code["framing"] * effects["framing"]
        + code["timing"] * code["framing"] * effects["timing:framing"]
        + effects["site"][people["site"]]
    )
    wanted = sum(
        stats.norm(0, np.sqrt(g[name])).logpdf(effects[name]).sum()
        + stats.invgamma(0.5, scale=(1.0 if name == "site" else 0.5) ** 2 / 2).logpdf(g[name])
        for name in g
    )
    point = {"mu": 4.0, "log_sigma": np.log(sigma)} | effects | {f"g_{name}": value for name, value in g.items()}
    likelihood = stats.norm(mean, sigma).logpdf(people["rating"]).sum()

    assert log_density(model, **point) == pytest.approx(wanted + likelihood, rel=1e-9)
    with pytest.raises(NotFoundError):
        found.pymc_model("day")


def test_regression_has_one_g_and_zellner_and_siows_prior(people):
    people["week"] = people["day"] ** 2
    found = bayes_factor_regression(people, "rating", ["day", "week"], prior_scale=0.4)
    X = people[["day", "week"]].to_numpy()
    X = X - X.mean(axis=0)
    beta, sigma, g = np.array([0.3, -0.1]), 0.9, 0.5
    roots, vectors = np.linalg.eigh(X.T @ X / len(X))
    turned = (vectors * np.sqrt(roots)).T @ beta / sigma
    wanted = stats.norm(4 + X @ beta, sigma).logpdf(people["rating"]).sum()
    # The density of the coefficients under N(0, g sigma^2 n (X'X)^-1), moved to the turned ones.
    prior = stats.multivariate_normal(np.zeros(2), g * sigma**2 * len(X) * np.linalg.inv(X.T @ X))
    wanted += prior.logpdf(beta) - 0.5 * np.log(roots).sum() + 2 * np.log(sigma)
    wanted += stats.invgamma(0.5, scale=0.4**2 / 2).logpdf(g)
    point = {"mu": 4.0, "log_sigma": np.log(sigma), "predictors": turned, "g_predictors": g}

    assert log_density(found.pymc_model("day + week"), **point) == pytest.approx(wanted, rel=1e-9)


def test_arms_over_waves():
    rng, prior = np.random.default_rng(3), CellPrior.of_scale(1, 7)
    arm = np.repeat([0, 1], 10)
    Y = rng.normal(4, 1, (20, 3))
    Y[3:7, 2], Y[5:9, 1] = np.nan, np.nan
    design = wave_columns(arm, 2, 3, rng.normal(size=(20, 1)))
    model = waves_model(Y, design, 5, prior=prior)
    cells, slopes = rng.normal(4, 0.3, 5), rng.normal(0, 0.2, 3)
    below, squares = rng.normal(size=3), np.array([4.2, 2.5, 1.8])

    root = np.diag(np.sqrt(squares))
    root[np.tril_indices(3, -1)] = below
    covariance = np.linalg.inv(root @ root.T / (0.6307 * prior.residual_sd**2))
    mean = design @ np.r_[cells, slopes]
    wanted = stats.multivariate_normal(np.full(5, prior.middle), prior.cells(5).covariances[0]).logpdf(cells)
    wanted += stats.norm(0, prior.slope_sd).logpdf(slopes).sum() + stats.norm().logpdf(below).sum()
    wanted += stats.chi2([4, 3, 2]).logpdf(squares).sum()
    for y, m in zip(Y, mean, strict=True):
        at = np.flatnonzero(~np.isnan(y))
        wanted += stats.multivariate_normal(m[at], covariance[np.ix_(at, at)]).logpdf(y[at])

    point = {"cells": cells, "slopes": slopes, "below": below, "squares": squares}
    assert log_density(model, **point) == pytest.approx(wanted, rel=1e-9)


def test_the_covariance_of_waves_is_inverse_wishart_before_the_data():
    rng, prior = np.random.default_rng(4), CellPrior.of_scale(1, 7)
    roots = np.zeros((4000, 3, 3))
    roots[:, [0, 1, 2], [0, 1, 2]] = np.sqrt(rng.chisquare([4, 3, 2], size=(4000, 3)))
    roots[:, [1, 2, 2], [0, 0, 1]] = rng.normal(size=(4000, 3))
    scale = 0.6307 * prior.residual_sd**2
    drawn = np.linalg.inv(roots @ np.swapaxes(roots, 1, 2) / scale)
    wanted = stats.invwishart(4, scale * np.eye(3)).rvs(4000, random_state=5)

    for i, j in ((0, 0), (1, 1), (2, 2)):
        assert stats.ks_2samp(drawn[:, i, j], wanted[:, i, j]).pvalue > 0.001
    assert stats.ks_2samp(drawn[:, 0, 1], wanted[:, 0, 1]).pvalue > 0.001
