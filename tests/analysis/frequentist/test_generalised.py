"""Logistic and count models against R's glm, glmer and glm.nb; separation, Firth, clusters, standardisation."""

import numpy as np
import pytest
from scipy import special

from feedbackstudy.analysis.frequentist.generalised import fit_generalised
from feedbackstudy.analysis.frequentist.generalised_cells import binary_cells, count_cells
from feedbackstudy.analysis.frequentist.generalised_mixed import fit_generalised_mixed
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.separation import separated
from feedbackstudy.errors import DataError

TIMING, FRAMING = ("delayed", "immediate"), ("gain", "loss", "neutral")


@pytest.fixture(scope="module")
def x(columns) -> np.ndarray:
    return columns["timing*framing+day"]


@pytest.fixture(scope="module")
def reply(answers) -> np.ndarray:
    return answers["reply"].to_numpy(float)


@pytest.fixture(scope="module")
def hints(answers) -> np.ndarray:
    return answers["hints"].to_numpy(float)


@pytest.fixture(scope="module")
def day(answers) -> np.ndarray:
    return (answers["day"] - answers["day"].mean()).to_numpy(float)[:, None]


def in_cells(rows: list[dict], column: str) -> np.ndarray:
    made = np.empty(6)
    for row in rows:
        made[TIMING.index(row["timing"]) + 2 * FRAMING.index(row["framing"])] = row[column]
    return made


def check(beta, covariance, known, rtol):
    np.testing.assert_allclose(beta, [row["Estimate"] for row in known], rtol=rtol)
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance))[: beta.size], [row["Std. Error"] for row in known], rtol=rtol
    )


def test_logistic_regression_is_that_of_glm(reply, x, from_lme4):
    fit, known = fit_generalised(reply, x, "binomial"), from_lme4["binary"]
    check(fit.beta, fit.covariance, known["glm"], 1e-6)
    assert fit.log_likelihood == pytest.approx(known["loglik"], rel=1e-12)


def test_cluster_covariance_is_that_of_sandwich(answers, reply, x, from_lme4):
    codes = np.unique(answers["participant"].to_numpy(str), return_inverse=True)[1]
    fit, known = fit_generalised(reply, x, "binomial", cluster=codes, clustered="CR1S"), from_lme4["binary"]["cl_hc1"]
    values = list(known.values()) if isinstance(known, dict) else known
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), values, rtol=1e-7)
    assert fit.clusters == 60


@pytest.mark.parametrize(
    ("key", "family", "outcome", "names", "nodes", "day"),
    [
        ("glmer_laplace", "binomial", "reply", ["participant"], 1, True),
        ("glmer_agq10", "binomial", "reply", ["participant"], 10, True),
        ("glmer_crossed", "binomial", "reply", ["participant", "story"], 1, False),
        ("glmer", "poisson", "hints", ["participant"], 1, False),
    ],
)
def test_random_intercepts_are_those_of_glmer(key, family, outcome, names, nodes, day, answers, columns, from_lme4):
    known = from_lme4["binary" if family == "binomial" else "count"][key]
    design = columns["timing*framing+day" if day else "timing*framing"]
    factors = [RandomFactor.of(name, answers[name].to_numpy()) for name in names]
    fit = fit_generalised_mixed(answers[outcome].to_numpy(float), design, family, factors, nodes=nodes)
    # glmer's inner search stops at 1e-13 of the penalised deviance, its outer one at 1e-10
    check(fit.beta, fit.covariance, known["coef"], 1e-4)
    np.testing.assert_allclose(fit.sd, np.atleast_1d(known["sd"]), rtol=1e-4)
    assert fit.log_likelihood == pytest.approx(known["loglik"], rel=1e-8)


def test_poisson_and_negative_binomial_are_those_of_glm_and_mass(hints, x, from_lme4):
    known = from_lme4["count"]
    poisson, negative = (fit_generalised(hints, x, family) for family in ("poisson", "negative binomial"))
    check(poisson.beta, poisson.covariance, known["poisson"], 1e-6)
    check(negative.beta, negative.covariance, known["nb"], 1e-9)
    assert poisson.dispersion * (360 - 7) == pytest.approx(known["pearson"], rel=1e-10)
    assert negative.theta == pytest.approx(known["theta"], rel=1e-9)
    np.testing.assert_allclose(
        [poisson.log_likelihood, negative.log_likelihood], [known["poisson_loglik"], known["nb_loglik"]], rtol=1e-12
    )


def test_cell_log_odds_and_log_rates_are_those_of_emmeans(reply, hints, six_cells, day, from_lme4):
    for fit, rows in (
        (binary_cells(reply, six_cells, 6, day), from_lme4["binary"]["odds"]),
        (count_cells(hints, six_cells, 6, day), from_lme4["count"]["nb_log"]),
    ):
        np.testing.assert_allclose(fit.means, in_cells(rows, "emmean"), rtol=1e-7)
        np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), in_cells(rows, "SE"), rtol=2e-7)


def test_probabilities_without_covariates_are_the_shares(reply, six_cells):
    fit = binary_cells(reply, six_cells, 6, None, scale="response")
    n, shares = np.bincount(six_cells), np.bincount(six_cells, reply) / np.bincount(six_cells)
    np.testing.assert_allclose(fit.means, shares, rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), np.sqrt(shares * (1 - shares) / n), rtol=1e-8)


def test_probabilities_are_standardised_over_the_covariate(reply, six_cells, day):
    fit = binary_cells(reply, six_cells, 6, day, scale="response")
    model = fit_generalised(reply, np.column_stack([np.eye(6)[six_cells], day]), "binomial")
    by_hand = [special.expit(model.beta[k] + model.beta[6] * day[:, 0]).mean() for k in range(6)]
    np.testing.assert_allclose(fit.means, by_hand, rtol=1e-10)


def test_firth_adds_half_an_answer_to_each_side_of_a_saturated_table():
    cell = np.repeat([0, 1], [8, 7])
    y = np.r_[np.ones(3), np.zeros(5), np.ones(7)]
    with pytest.raises(DataError, match="position 1 are 1"):
        binary_cells(y, cell, 2, None)
    fit = binary_cells(y, cell, 2, None, firth=True)
    np.testing.assert_allclose(fit.means, np.log([3.5 / 5.5, 7.5 / 0.5]), rtol=1e-9)
    assert any("Firth" in note for note in fit.notes)


def test_separation_is_found_whether_complete_or_quasi(reply, x):
    assert separated(reply, x).size == 0
    assert separated(reply, np.column_stack([x, reply + 0.001 * np.arange(360) / 360])).size > 0
    quasi = np.column_stack([x[:, :1], np.where(reply == 1, 1.0, np.arange(360) % 2)])
    np.testing.assert_array_equal(separated(reply, quasi), [0, 1])
    with pytest.raises(DataError, match="Separation"):
        fit_generalised(reply, quasi, "binomial")


def test_a_cell_of_zeros_is_named_and_an_overdispersed_poisson_says_so(hints, six_cells):
    with pytest.raises(DataError, match="counts of the cell at position 4 are 0"):
        count_cells(np.where(six_cells == 4, 0, hints), six_cells, 6, None)
    with pytest.raises(DataError, match="counts of the cell e are 0"):
        count_cells(np.where(six_cells == 4, 0, hints), six_cells, 6, None, cell_names="abcdef")
    fit = count_cells(hints, six_cells, 6, None, family="poisson")
    assert any("negative binomial" in note for note in fit.notes)


def test_where_counts_vary_no_more_than_a_poisson_the_negative_binomial_is_one(six_cells):
    y = np.where(np.arange(360) % 2, 3.0, 4.0)
    fit, poisson = (count_cells(y, six_cells, 6, None, family=law) for law in ("negative binomial", "poisson"))
    np.testing.assert_array_equal(fit.means, poisson.means)
    # closed form: the mean of a cell has variance mean / n, its logarithm 1 / (n mean)
    n = np.bincount(six_cells)
    means = np.bincount(six_cells, y) / n
    np.testing.assert_allclose(np.diag(fit.covariance), 1 / (n * means), rtol=1e-10)
    assert fit.model.startswith("Poisson model, the limit of the negative binomial, of counts")
    assert "the Poisson model is reported" in fit.notes[0]
    assert "larger than need be" in fit.notes[1]


def test_a_poisson_within_levels_is_the_limit_of_the_mixed_negative_binomial():
    rng = np.random.default_rng(0)
    group, cell = np.repeat(np.arange(30), 8), rng.integers(0, 2, 240)
    y = rng.poisson(np.exp(0.7 + 0.2 * cell + rng.normal(0, 0.4, 30)[group])).astype(float)
    x, factors = np.eye(2)[cell], [RandomFactor.of("group", group)]
    # overdispersed over all rows, so that without random intercepts the size is finite
    assert fit_generalised(y, x, "negative binomial").theta == pytest.approx(14.7, abs=0.1)
    fit, poisson = (fit_generalised_mixed(y, x, law, factors) for law in ("negative binomial", "poisson"))
    assert (fit.family, fit.theta, fit.poisson_limit, fit.converged) == ("poisson", None, True, True)
    np.testing.assert_array_equal(fit.beta, poisson.beta)
    assert fit.log_likelihood == poisson.log_likelihood
    cells = count_cells(y, cell, 2, None, groups={"group": group})
    assert "the Poisson model is reported" in cells.notes[0]


@pytest.mark.parametrize("bad", [[1, 2] * 180, [0, 0.5] * 180])
def test_other_values_than_zero_and_one_are_refused(bad, six_cells):
    with pytest.raises(DataError, match="0 or 1"):
        binary_cells(bad, six_cells, 6, None)


def test_random_effects_exclude_firth_and_sandwich(reply, six_cells, answers):
    groups = {"participant": answers["participant"].to_numpy(str)}
    with pytest.raises(DataError, match="choose one"):
        binary_cells(reply, six_cells, 6, None, groups=groups, firth=True)
    with pytest.raises(DataError, match="one cluster"):
        binary_cells(reply, six_cells, 6, None, cluster=np.zeros(360))


def test_probabilities_with_random_effects_are_of_the_population():
    rng = np.random.default_rng(6)
    people = np.repeat(np.arange(500), 6)
    cell = people % 2
    y = (rng.random(3000) < special.expit(0.5 + cell + rng.normal(0, 1.5, 500)[people])).astype(float)
    fit = binary_cells(y, cell, 2, None, groups={"person": people}, scale="response")
    np.testing.assert_allclose(fit.means, [y[cell == k].mean() for k in (0, 1)], atol=0.015)
    log_odds = binary_cells(y, cell, 2, None, groups={"person": people})
    assert log_odds.sd == pytest.approx(np.sqrt(np.pi**2 / 3 + 1.5**2), rel=0.06)
