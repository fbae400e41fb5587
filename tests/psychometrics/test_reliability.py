"""Reliability coefficients against psych, lavaan and semTools, and against what they must satisfy."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics import (
    alpha,
    categorical_omega,
    compare_alphas,
    feldt_interval,
    greatest_lower_bound,
    measurement_error,
    omega,
    omega_hierarchical,
    ordinal_alpha,
    retest,
    split_half,
)
from feedbackstudy.psychometrics.one_factor import one_factor, one_factor_batch

CLOSED = 1e-8  # closed forms; the reference file holds ten digits
FITTED = 1e-5  # estimates that end where an optimiser stops

KEYS = {
    "agree": ("A", ["A1"]),
    "conscientious": ("C", ["C4", "C5"]),
    "extraversion": ("E", ["E1", "E2"]),
    "neuroticism": ("N", []),
    "openness": ("O", ["O2", "O5"]),
}


@pytest.fixture(scope="module")
def scale(bfi):
    def scored(name):
        letter, reverse = KEYS[name]
        items = bfi[[f"{letter}{k}" for k in range(1, 6)]].copy()
        items[reverse] = 7 - items[reverse]
        return items

    return scored


@pytest.mark.parametrize("name", list(KEYS)[:4])
@pytest.mark.parametrize(("missing", "rows"), [("listwise", "complete"), ("pairwise", "pairwise")])
def test_alpha_agrees_with_psych(scale, oracle, name, missing, rows):
    reference = oracle["alpha"][name][rows]

    result = alpha(scale(name), missing=missing)

    assert result.value == pytest.approx(reference["raw_alpha"], abs=CLOSED)
    assert result.low == pytest.approx(reference["feldt_lower"], abs=CLOSED)
    assert result.high == pytest.approx(reference["feldt_upper"], abs=CLOSED)
    assert result.also["normal-theory SE"] == pytest.approx(reference["ase"], abs=CLOSED)
    if missing == "listwise":
        # psych mixes pairwise covariances with pairwise correlations, whose rows differ; ours come from one matrix.
        assert result.also["standardised alpha"] == pytest.approx(reference["std_alpha"], abs=CLOSED)
        assert result.also["lambda 6"] == pytest.approx(reference["G6"], abs=CLOSED)
        assert result.also["mean inter-item r"] == pytest.approx(reference["average_r"], abs=CLOSED)
        assert result.also["median inter-item r"] == pytest.approx(reference["median_r"], abs=CLOSED)


@pytest.mark.parametrize("name", KEYS)
def test_feldts_interval_follows_from_printed_figures_alone(oracle, name):
    reference = oracle["feldt_closed_form"][name]

    low, high = feldt_interval(reference["alpha"], n_people=reference["n"], n_items=reference["k"])

    assert (low, high) == pytest.approx((reference["lower"], reference["upper"]), abs=CLOSED)


@pytest.mark.parametrize("name", ["agree", "conscientious", "extraversion", "neuroticism"])
def test_distribution_free_standard_error_of_alpha(scale, oracle, name):
    reference = oracle["reliability_ci"][name]["alpha_adf"]

    result = alpha(scale(name), interval="adf")

    assert result.se == pytest.approx(reference["se_adf"], abs=CLOSED)
    assert (result.low, result.high) == pytest.approx((reference["lower"], reference["upper"]), abs=1e-7)


def test_bootstrap_interval_of_alpha_agrees_with_the_distribution_free_one(scale):
    normal, drawn = (alpha(scale("agree"), interval=kind) for kind in ("adf", "bootstrap"))

    # 2,000 draws know a 2.5 % point to about 5 % of a standard error; three of these.
    assert drawn.low == pytest.approx(normal.low, abs=0.25 * normal.also["distribution-free SE"])
    assert drawn.high == pytest.approx(normal.high, abs=0.25 * normal.also["distribution-free SE"])
    assert alpha(scale("agree"), interval="bootstrap").low == drawn.low
    assert alpha(scale("agree"), interval="bootstrap", seed=2).low != drawn.low


def test_the_bootstrap_is_that_of_resampled_rows(scale):
    rows = scale("agree").dropna().to_numpy()[:40]
    from feedbackstudy.psychometrics.reliability.resampling import bootstrap_covariances

    found = bootstrap_covariances(rows, draws=3, seed=9)

    drawn = np.random.default_rng(9).integers(0, 40, (3, 40), dtype=np.int32)
    for at in range(3):
        np.testing.assert_allclose(found[at], np.cov(rows[drawn[at]].T), atol=1e-12)


def test_alpha_of_unreversed_items_names_them(bfi):
    result = alpha(bfi[[f"A{k}" for k in range(1, 6)]])

    issue = next(issue for issue in result.issues if issue.code == "psychometrics.negative_item_rest")
    assert issue.where == "A1"
    assert "reverse" in issue.fix


def test_two_alphas_differ_by_bonetts_test():
    z, p = compare_alphas((0.80, 200, 10), (0.70, 150, 10))

    # ln(.3/.2) over sqrt(2*10/(9*198) + 2*10/(9*148))
    assert z == pytest.approx(np.log(1.5) / np.sqrt(20 / (9 * 198) + 20 / (9 * 148)), abs=1e-12)
    assert p == pytest.approx(2 * stats.norm.sf(z), abs=1e-12)


@pytest.mark.parametrize("name", ["agree", "conscientious", "extraversion", "neuroticism"])
def test_omega_of_one_factor_agrees_with_lavaan_by_both_denominators(scale, oracle, name):
    reference = oracle["reliability_ci"][name]

    delta, robust = (omega(scale(name), interval=kind) for kind in ("delta", "robust"))

    assert delta.value == pytest.approx(reference["omega_ml_delta"]["omega"], abs=1e-6)
    assert delta.se == pytest.approx(reference["omega_ml_delta"]["se"], abs=1e-7)
    assert robust.se == pytest.approx(reference["omega_mlr_delta"]["se"], abs=1e-7)
    assert (robust.low, robust.high) == pytest.approx(
        (reference["omega_mlr_delta"]["lower"], reference["omega_mlr_delta"]["upper"]), abs=1e-6
    )
    if name in oracle["omega_cfa_1factor"]:
        known = oracle["omega_cfa_1factor"][name]
        observed = omega(scale(name), denominator="observed")
        assert observed.value == pytest.approx(known["compRelSEM"]["F"], abs=FITTED)
        assert observed.also["omega total (model variance)"] == pytest.approx(delta.value, abs=1e-12)
        assert delta.also["chi-square of one factor"] == pytest.approx(known["fit"]["chisq"], rel=1e-7)


def test_omega_says_which_variance_divides(scale):
    assert "model implies divides" in omega(scale("agree"))._repr_html_()
    assert "observed variance of the sum divides" in omega(scale("agree"), denominator="observed")._repr_html_()


def test_bootstrap_interval_of_omega_agrees_with_the_robust_one(scale):
    robust, drawn = (omega(scale("agree"), interval=kind) for kind in ("robust", "bootstrap"))

    assert drawn.low == pytest.approx(robust.low, abs=0.25 * robust.se)
    assert drawn.high == pytest.approx(robust.high, abs=0.25 * robust.se)


def test_a_batch_of_one_factor_fits_is_each_fit_alone(scale):
    R = [scale(name).dropna().corr().to_numpy() for name in KEYS]

    loadings, unique, converged = one_factor_batch(np.array(R))

    assert converged.all()
    for at, matrix in enumerate(R):
        alone = one_factor(matrix, n=100)
        np.testing.assert_allclose(np.abs(loadings[at]), np.abs(alone.loadings), atol=1e-8)
        np.testing.assert_allclose(unique[at], alone.uniquenesses, atol=1e-8)


def test_a_heywood_case_is_not_fit_to_report():
    R = np.array([[1, 0.9, 0.7], [0.9, 1, 0.4], [0.7, 0.4, 1]])
    rows = np.random.default_rng(1).normal(size=(200, 3))
    rows = (rows - rows.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T @ np.linalg.cholesky(R).T

    result = omega(rows)

    assert not result.fit_to_report
    assert "psychometrics.heywood" in {issue.code for issue in result.issues}
    assert "not fit to report" in result._repr_html_()


def test_omega_of_two_items_is_refused(scale):
    with pytest.raises(DataError, match="at least 3"):
        omega(scale("agree").iloc[:, :2])


@pytest.mark.parametrize(("key", "extraction"), [("HS_all9_3f_minres_oblimin", "minres"), ("HS_all9_3f_ml", "ml")])
def test_omega_hierarchical_agrees_with_psych(hs, oracle, key, extraction):
    reference = oracle["omega_psych"][key]

    result = omega_hierarchical(hs[[f"x{k}" for k in range(1, 10)]], extraction=extraction)

    assert result.value == pytest.approx(reference["omega_h"], abs=FITTED)
    assert result.total == pytest.approx(reference["omega_tot"], abs=1e-6)
    assert result.explained_common == pytest.approx(reference["ECV"], abs=FITTED)
    assert result.also["asymptotic omega hierarchical"] == pytest.approx(reference["omega_lim"], abs=FITTED)
    assert result.also["standardised alpha"] == pytest.approx(reference["alpha"], abs=1e-8)
    general = np.array(reference["schmid_sl"]["values"])[:, 0]
    np.testing.assert_allclose(result.general, general, atol=1e-4)
    hierarchical = sorted(row[1] for row in reference["omega_group"]["values"][1:])
    assert sorted(result.subscales["hierarchical"]) == pytest.approx(hierarchical, abs=1e-4)


def test_three_group_factors_of_five_items_are_refused_though_psych_prints_a_number(scale):
    with pytest.raises(DataError, match=r"3 factor\(s\) of 5 items have more parameters"):
        omega_hierarchical(scale("agree"), factors=3)


def simulated(general, groups, n, seed):
    loadings = np.column_stack([general, groups])
    sigma = loadings @ loadings.T
    np.fill_diagonal(sigma, 1.0)
    rows = np.random.default_rng(seed).multivariate_normal(np.zeros(len(sigma)), sigma, n)
    return rows, general.sum() ** 2 / sigma.sum()


def test_schmid_leiman_recovers_a_general_factor_of_second_order():
    groups = np.kron(np.eye(3), np.array([[0.5], [0.4], [0.6]]))
    rows, truth = simulated(groups.sum(axis=1) * 1.2, groups, 20_000, 2)

    # 20,000 people leave a sampling error of about .005.
    assert omega_hierarchical(rows).value == pytest.approx(truth, abs=0.015)


def test_a_bifactor_rotation_recovers_a_general_factor_whose_loadings_are_not_proportional():
    groups = np.kron(np.eye(3), np.array([[0.6], [0.3], [0.5], [0.4]]))
    general = np.tile([0.4, 0.7, 0.6, 0.5], 3) + np.repeat([0.0, 0.1, -0.1], 4)
    rows, truth = simulated(general, groups, 20_000, 2)

    assert omega_hierarchical(rows, method="bifactor").value == pytest.approx(truth, abs=0.015)


@pytest.mark.parametrize("name", ["agree", "neuroticism"])
def test_categorical_omega_agrees_with_semtools(scale, oracle, name):
    reference = oracle["omega_ordinal"][name]
    rows = dict(zip(reference["reliability"]["rows"], reference["reliability"]["values"], strict=True))

    result = categorical_omega(scale(name))

    assert result.value == pytest.approx(reference["compRelSEM_ordscale"]["F"], abs=1e-6)
    assert result.also["omega of the latent responses"] == pytest.approx(
        reference["compRelSEM_latentscale"]["F"], abs=1e-6
    )
    assert result.also["ordinal alpha"] == pytest.approx(reference["alpha_ordinal"]["F"], abs=1e-8)
    assert categorical_omega(scale(name), denominator="model").value == pytest.approx(rows["omega"][0], abs=1e-6)


@pytest.mark.parametrize("name", KEYS)
def test_ordinal_alpha_agrees_with_psych(scale, oracle, name):
    # psych's polychorics stop at about 2e-5.
    assert ordinal_alpha(scale(name)).value == pytest.approx(oracle["alpha_ordinal_psych"][name], abs=2e-5)


@pytest.mark.slow
def test_delta_method_errors_of_the_ordinal_coefficients_describe_repeated_samples():
    rng = np.random.default_rng(6)
    loadings = np.array([0.8, 0.7, 0.6, 0.5])
    found = []
    for _ in range(400):
        latent = rng.normal(size=(500, 1)) * loadings + rng.normal(size=(500, 4)) * np.sqrt(1 - loadings**2)
        found.append(categorical_omega(np.searchsorted([-1.0, 0.0, 0.8], latent)))

    # 400 samples know a standard deviation to 3.5 %; four of its errors.
    assert np.mean([c.se for c in found]) == pytest.approx(np.std([c.value for c in found]), rel=0.15)
    alphas = [c.also["ordinal alpha"] for c in found]
    assert ordinal_alpha(np.searchsorted([-1.0, 0.0, 0.8], latent)).se == pytest.approx(np.std(alphas), rel=0.25)


def test_lambdas_and_split_halves_agree_with_psych(scale, oracle):
    reference = oracle["splithalf"]["agree"]

    found = split_half(scale("agree")).coefficients

    assert found["maximum"] == pytest.approx(reference["max_lambda4"], abs=CLOSED)
    assert found["minimum"] == pytest.approx(reference["min_beta"], abs=CLOSED)
    for k in range(1, 7):
        assert found[f"lambda {k}"] == pytest.approx(reference["guttman"][f"lambda{k}"], abs=CLOSED)
    for k in range(4):
        assert found[f"mu {k}"] == pytest.approx(reference["guttman"]["tenberge"][f"mu{k}"], abs=CLOSED)


def test_the_greatest_lower_bound_is_the_one_of_the_semidefinite_programme(scale, hs):
    # Values of psych's glb.algebraic (solver CSDP) in the founders' facts, four digits.
    nine, visual = hs[[f"x{k}" for k in range(1, 10)]], hs[["x1", "x2", "x3"]]

    assert split_half(scale("agree"), standardised=False).coefficients["GLB"] == pytest.approx(0.7419, abs=5e-5)
    assert split_half(visual, standardised=False).coefficients["GLB"] == pytest.approx(0.6326, abs=5e-5)
    assert split_half(nine, standardised=False).coefficients["GLB"] == pytest.approx(0.8766, abs=5e-5)
    assert split_half(nine).coefficients["GLB"] == pytest.approx(0.8743, abs=5e-5)


def test_the_greatest_lower_bound_carries_a_certificate(hs):
    S = hs[[f"x{k}" for k in range(1, 10)]].cov().to_numpy()

    bound = greatest_lower_bound(S)

    left = S - np.diag(bound.errors)
    assert bound.gap < 1e-8
    assert (bound.errors > 0).all()
    assert np.linalg.eigvalsh(left)[0] > -1e-12
    assert bound.value == pytest.approx(1 - bound.errors.sum() / S.sum(), abs=1e-12)


def test_bounds_are_ordered_as_theory_says(hs):
    found = split_half(hs[[f"x{k}" for k in range(1, 10)]]).coefficients

    assert found["lambda 1"] < found["lambda 3"] <= found["lambda 2"] <= found["mu 2"] <= found["mu 3"] <= found["GLB"]
    assert found["lambda 4"] <= found["GLB"]
    assert found["lambda 6"] <= found["GLB"]


def test_many_items_have_their_splits_sampled_and_it_is_said():
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(200, 1)) + rng.normal(size=(200, 22))

    result = split_half(rows)

    assert not result.all_splits
    assert "psychometrics.splits_sampled" in {issue.code for issue in result.issues}


def test_measurement_error_is_its_closed_form():
    found = measurement_error(sd=10.0, reliability=0.84)

    assert found.sem == pytest.approx(4.0)
    assert found.smallest_change == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(2) * 4.0)
    with pytest.raises(DataError, match="between 0 and 1"):
        measurement_error(sd=1.0, reliability=1.2)


def test_retest_tells_stability_from_agreement():
    rng = np.random.default_rng(3)
    first = rng.normal(size=400)
    second = 0.8 * first + 0.6 * rng.normal(size=400) + 1.0

    found = retest(first, second)

    r = np.corrcoef(first, second)[0, 1]
    assert found.r == pytest.approx(r, abs=1e-12)
    assert found.agreement < 0.6 < found.consistency
    assert found.r_low == pytest.approx(np.tanh(np.arctanh(r) - 1.959964 / np.sqrt(397)), abs=1e-6)
    assert found.mean_change == pytest.approx((second - first).mean())
