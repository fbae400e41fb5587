"""Cumulative models against ordinal: clm, clmm, nominal and scale tests, marginal means; derivatives and limits."""

import numpy as np
import pytest

from feedbackstudy.analysis.frequentist.cumulative import fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.frequentist.cumulative_mixed import fit_cumulative_mixed
from feedbackstudy.analysis.frequentist.cumulative_tests import nominal_test, proportional_cells, scale_test
from feedbackstudy.analysis.frequentist.links import LINKS
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.errors import DataError

EXACT = 1e-9  # both sides run Newton's method to the end
CLMM = 2e-4  # clmm stops its search earlier; our likelihood is at least as high
TIMING, FRAMING = ("delayed", "immediate"), ("gain", "loss", "neutral")


@pytest.fixture(scope="module")
def x(columns) -> np.ndarray:
    return columns["timing*framing"][:, 1:]


@pytest.fixture(scope="module")
def rating(answers) -> np.ndarray:
    return answers["rating"].to_numpy(int) - 1


def in_cells(rows: list[dict], column: str) -> np.ndarray:
    made = np.empty(6)
    for row in rows:
        made[TIMING.index(row["timing"]) + 2 * FRAMING.index(row["framing"])] = row[column]
    return made


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_coefficients_and_likelihood_are_those_of_clm(link, rating, x, from_lme4):
    fit, known = fit_cumulative(rating, x, 5, link=link), from_lme4["ordinal"][link]
    np.testing.assert_allclose(np.r_[fit.thresholds, fit.beta], [row["Estimate"] for row in known["coef"]], rtol=EXACT)
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance)), [row["Std. Error"] for row in known["coef"]], rtol=EXACT
    )
    np.testing.assert_allclose([fit.log_likelihood, fit.aic], [known["loglik"], known["aic"]], rtol=1e-12)


def test_a_scale_effect_is_that_of_clm(rating, x, from_lme4):
    fit = fit_cumulative(rating, x[:, :3], 5, link="probit", scale=x[:, :1])
    known = from_lme4["ordinal"]["scaled"]
    np.testing.assert_allclose(
        np.r_[fit.thresholds, fit.beta, fit.zeta], [row["Estimate"] for row in known["coef"]], rtol=1e-8
    )
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance)), [row["Std. Error"] for row in known["coef"]], rtol=1e-8
    )


@pytest.mark.parametrize(("test", "key"), [(nominal_test, "nominal"), (scale_test, "scale")])
def test_nominal_and_scale_tests_are_those_of_ordinal(test, key, rating, x, from_lme4):
    known = {row["term"]: row for row in from_lme4["ordinal"]["tests"][key]}
    for term, own in (("timing", slice(0, 1)), ("framing", slice(1, 3))):
        found = test(rating, x[:, :3], 5, own, term=term)
        assert found.df == known[term]["Df"]
        np.testing.assert_allclose([found.statistic, found.p], [known[term]["LRT"], known[term]["Pr(>Chi)"]], rtol=1e-6)
        assert found.aic == pytest.approx(known[term]["AIC"], rel=1e-9)


@pytest.mark.parametrize(
    ("key", "link", "names", "nodes"),
    [
        ("laplace", "logit", ["participant"], 1),
        ("laplace_probit", "probit", ["participant"], 1),
        ("agq10", "logit", ["participant"], 10),
        ("crossed", "logit", ["participant", "story"], 1),
    ],
)
def test_random_intercepts_are_those_of_clmm(key, link, names, nodes, answers, rating, x, from_lme4):
    factors = [RandomFactor.of(name, answers[name].to_numpy()) for name in names]
    fit, known = fit_cumulative_mixed(rating, x, 5, factors, link=link, nodes=nodes), from_lme4["ordinal"][key]
    assert fit.converged
    assert known["loglik"] - 1e-6 < fit.log_likelihood < known["loglik"] + 2e-5
    np.testing.assert_allclose(fit.sd, np.atleast_1d(known["sd"]), rtol=CLMM)
    np.testing.assert_allclose(np.r_[fit.thresholds, fit.beta], [row["Estimate"] for row in known["coef"]], rtol=CLMM)
    size = fit.thresholds.size + fit.beta.size
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit.covariance))[:size], [row["Std. Error"] for row in known["coef"]], rtol=CLMM
    )


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_latent_means_and_expected_ratings_are_those_of_emmeans(link, answers, six_cells, from_lme4):
    known = from_lme4["ordinal"][link]
    latent = cumulative_cells(answers["rating"], six_cells, 6, None, link=link)
    rated = cumulative_cells(answers["rating"], six_cells, 6, None, link=link, scale="response")
    for fit, key, column in ((latent, "latent", "emmean"), (rated, "mean_class", "mean.class")):
        np.testing.assert_allclose(fit.means, in_cells(known[key], column), rtol=EXACT)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), in_cells(known[key], "SE"), rtol=EXACT)
    difference = rated.contrast(np.array([1, -1] * 3) / 3)
    np.testing.assert_allclose(
        [difference.estimate, difference.se, difference.p],
        [known["difference"][0][key] for key in ("estimate", "SE", "p.value")],
        rtol=EXACT,
    )


def test_expected_ratings_with_random_effects_are_of_the_population():
    rng = np.random.default_rng(5)
    people = np.repeat(np.arange(400), 8)
    cell = rng.integers(0, 2, people.size)
    latent = 0.8 * cell + rng.normal(0, 2.0, 400)[people] + rng.logistic(size=people.size)
    rating = np.searchsorted([-2.0, -0.5, 0.5, 2.5], latent) + 1
    fit = cumulative_cells(rating, cell, 2, None, groups={"person": people}, scale="response")
    # the mean over people of each cell, not the rating of somebody in the middle
    np.testing.assert_allclose(fit.means, [rating[cell == k].mean() for k in (0, 1)], atol=0.06)


def test_order_of_cells_and_coding_of_ratings_do_not_matter(answers, six_cells):
    plain = cumulative_cells(answers["rating"], six_cells, 6, None)
    renamed = np.array([3, 0, 5, 1, 4, 2])
    turned = cumulative_cells(10 * answers["rating"] - 3, renamed[six_cells], 6, None)
    weights = np.array([1, -1, 0, 0, 1, -1]) / 2
    moved = np.zeros(6)
    moved[renamed] = weights
    a, b = plain.contrast(weights), turned.contrast(moved)
    np.testing.assert_allclose([a.estimate, a.se], [b.estimate, b.se], rtol=1e-9)
    rated = cumulative_cells(10 * answers["rating"] - 3, six_cells, 6, None, scale="response")
    np.testing.assert_allclose(
        rated.means, 10 * cumulative_cells(answers["rating"], six_cells, 6, None, scale="response").means - 3
    )


def test_proportional_odds_over_cells_is_the_nominal_test_of_their_columns(answers, six_cells, rating):
    found = proportional_cells(answers["rating"].to_numpy(float), six_cells)
    indicators = np.eye(6)[six_cells][:, 1:]
    same = nominal_test(rating, indicators, 5, slice(0, 5), term="cells")
    assert found.df == 15
    assert found.statistic == pytest.approx(same.statistic, rel=1e-9)
    # saturated: thresholds of each cell reproduce the observed shares
    table = np.array([np.bincount(rating[six_cells == k], minlength=5) for k in range(6)])
    shares = table / table.sum(axis=1, keepdims=True)
    saturated = float(np.sum(table[table > 0] * np.log(shares[table > 0])))
    assert found.log_likelihood == pytest.approx(saturated, rel=1e-9)


@pytest.mark.parametrize("link", list(LINKS))
def test_derivatives_of_links_are_those_of_their_functions(link):
    one, x, h = LINKS[link], np.array([-8.0, -1.0, 0.3, 2.0, 7.0]), 1e-20
    np.testing.assert_allclose(np.imag(one.cdf(x + 1j * h)) / h, one.density(x), rtol=1e-12)
    np.testing.assert_allclose(np.imag(one.density(x + 1j * h)) / h, one.slope(x), rtol=1e-12)
    # far in the upper tail nothing is lost to cancellation
    assert one.between(np.array([9.0]), np.array([10.0]))[0] == pytest.approx(
        one.between(np.array([-10.0]), np.array([-9.0]))[0], rel=1e-14
    )


def test_separation_a_single_category_and_collinearity_are_named(answers, six_cells, rating, x):
    low = np.where(six_cells == 2, 1, answers["rating"])
    with pytest.raises(DataError, match=r"position 2 lie in the lowest"):
        cumulative_cells(low, six_cells, 6, None)
    with pytest.raises(DataError, match="one category"):
        cumulative_cells(np.ones(360), six_cells, 6, None)
    with pytest.raises(DataError, match="collinearity"):
        fit_cumulative(rating, np.column_stack([x, x[:, 0]]), 5)
    with pytest.raises(DataError, match="no maximum"):
        fit_cumulative(rating, np.column_stack([x, (rating == 4).astype(float)]), 5)
    with pytest.raises(DataError, match="probit"):
        fit_cumulative(rating, x, 5, link="probti")
    factors = [RandomFactor.of(name, answers[name].to_numpy()) for name in ("participant", "story")]
    with pytest.raises(DataError, match="Laplace"):
        fit_cumulative_mixed(rating, x, 5, factors, nodes=5)
