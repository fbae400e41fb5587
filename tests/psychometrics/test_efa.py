"""Extraction, rotation and number of factors against psych and factanal."""

import numpy as np
import pytest

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.psychometrics import (
    align,
    congruence,
    efa,
    factorability,
    minimum_average_partial,
    parallel_analysis,
    rotate,
)
from feedbackstudy.psychometrics.extraction import extract

# Loadings where psych's own search stops; criterion values must never be worse than psych's.
LOADINGS = 1e-4

SOLUTIONS = [
    ("HS_3f_ml_none", "hs", 3, "ml", "none", True),
    ("HS_3f_minres_oblimin", "hs", 3, "minres", "oblimin", False),
    ("bfi_5f_minres_oblimin_complete", "bfi", 5, "minres", "oblimin", False),
]


@pytest.fixture(scope="module")
def data(hs, bfi):
    return {"hs": hs[[f"x{k}" for k in range(1, 10)]], "bfi": bfi.iloc[:, :25].dropna()}


@pytest.mark.parametrize(("key", "name", "factors", "extraction", "rotation", "kaiser"), SOLUTIONS)
def test_solutions_agree_with_psych(data, oracle, key, name, factors, extraction, rotation, kaiser):
    reference = oracle["efa"][key]
    target = np.array(reference["loadings"]["values"])

    result = efa(data[name], factors, extraction=extraction, rotation=rotation, kaiser=kaiser, align_to=target)

    np.testing.assert_allclose(result.loadings, target, atol=LOADINGS)
    np.testing.assert_allclose(result.uniquenesses, list(reference["uniquenesses"].values()), atol=LOADINGS)
    if reference["Phi"]:
        np.testing.assert_allclose(result.phi, np.array(reference["Phi"]["values"]), atol=LOADINGS)
    fit = reference["fit"]
    assert result.fit.objective == pytest.approx(fit["objective"], abs=1e-6)
    assert result.fit.chi_square == pytest.approx(fit["STATISTIC"], rel=1e-5)
    assert result.fit.df == fit["dof"]
    assert result.fit.p == pytest.approx(fit["PVAL"], abs=1e-5)
    assert result.fit.bic == pytest.approx(fit["BIC"], abs=1e-2)
    # psych divides by n where Steiger divides by n - 1.
    assert result.fit.rmsea == pytest.approx(fit["RMSEA"]["RMSEA"], rel=0.01)
    assert result.fit.rmsea_low == pytest.approx(fit["RMSEA"]["lower"], abs=1e-4)
    assert result.fit.rmsea_high == pytest.approx(fit["RMSEA"]["upper"], abs=1e-4)
    assert min(result.congruence) > 0.9999


def varimax_criterion(loadings):
    normal = loadings / np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    return (normal**2).var(axis=0).sum()


def test_varimax_is_at_least_as_simple_as_rs(data, oracle):
    reference = np.array(oracle["efa"]["HS_3f_ml_varimax"]["loadings"]["values"])

    result = efa(data["hs"], 3, rotation="varimax", align_to=reference)

    # R stops at a relative gain of 1e-5, so its loadings lie up to 1e-3 off the optimum.
    assert varimax_criterion(result.loadings) >= varimax_criterion(reference)
    assert varimax_criterion(result.loadings) == pytest.approx(varimax_criterion(reference), rel=1e-5)
    np.testing.assert_allclose(result.loadings, reference, atol=1e-3)


def test_principal_axis_and_promax_agree_with_psych_within_its_stopping_rule(data, oracle):
    reference = oracle["efa"]["HS_3f_pa_promax"]
    target = np.array(reference["loadings"]["values"])

    result = efa(data["hs"], 3, extraction="pa", rotation="promax", align_to=target)

    # psych leaves the iteration when the communalities together change by less than .001.
    np.testing.assert_allclose(result.loadings, target, atol=0.01)
    np.testing.assert_allclose(result.phi, np.array(reference["Phi"]["values"]), atol=0.01)


def test_principal_axis_ends_where_minres_does(data):
    R = data["hs"].corr().to_numpy()

    axis, residual = extract(R, 3, method="pa"), extract(R, 3, method="minres")

    np.testing.assert_allclose(axis.uniquenesses, residual.uniquenesses, atol=1e-5)


def test_maximum_likelihood_agrees_with_factanal(data, oracle):
    reference = oracle["efa"]["HS_factanal_promax"]

    result = efa(data["hs"], 3, rotation="promax")

    np.testing.assert_allclose(result.uniquenesses, list(reference["uniquenesses"].values()), atol=2e-5)
    assert result.fit.chi_square == pytest.approx(reference["STATISTIC"], abs=1e-5)
    assert result.fit.p == pytest.approx(reference["PVAL"], abs=1e-6)


@pytest.mark.parametrize("method", ["varimax", "oblimin", "geomin", "promax", "bifactor"])
@pytest.mark.parametrize("kaiser", [True, False])
def test_rotation_changes_neither_communality_nor_fit(data, method, kaiser):
    loadings = extract(data["bfi"].corr().to_numpy(), 5, method="ml").loadings

    turned = rotate(loadings, method, kaiser=kaiser)

    np.testing.assert_allclose(turned.loadings @ turned.phi @ turned.loadings.T, loadings @ loadings.T, atol=1e-10)
    np.testing.assert_allclose(np.diag(turned.phi), 1.0, atol=1e-12)
    assert turned.converged
    weight = np.diag(turned.phi @ turned.loadings.T @ turned.loadings)[method == "bifactor" :]
    assert (np.diff(weight) <= 1e-12).all()
    assert (turned.loadings.sum(axis=0) >= 0).all()


@pytest.mark.parametrize("method", ["varimax", "oblimin", "geomin", "bifactor"])
def test_no_nearby_rotation_has_a_better_criterion(data, method):
    from feedbackstudy.psychometrics.rotation import _METHODS

    loadings = extract(data["hs"].corr().to_numpy(), 4, method="minres").loadings
    turned = rotate(loadings, method, kaiser=False)
    chosen = _METHODS[method]
    rng = np.random.default_rng(4)

    for _ in range(50):
        nudge = np.eye(4) + 1e-3 * rng.standard_normal((4, 4))
        if chosen.oblique:
            T = np.linalg.cholesky(turned.phi).T @ nudge
            T /= np.sqrt((T**2).sum(axis=0))
            base = turned.loadings @ np.linalg.cholesky(turned.phi)
            moved = base @ np.linalg.inv(T).T
        else:
            moved = turned.loadings @ np.linalg.qr(nudge)[0]
        assert chosen.criterion(moved[None])[0][0] >= turned.criterion - 1e-9


def test_geomin_counts_its_optima(data):
    result = efa(data["bfi"], 5, extraction="minres", rotation="geomin", starts=40)

    assert result.rotation.optima >= 2
    assert 0 < result.rotation.hits <= 40
    assert f"{result.rotation.hits} of 40 starts" in str(result)


def test_alignment_undoes_order_and_sign(data):
    result = efa(data["hs"], 3)
    order, sign = [2, 0, 1], np.array([-1, 1, -1])

    loadings, phi, matched = align(
        result.loadings[:, order] * sign, result.phi[np.ix_(order, order)], to=result.loadings
    )

    np.testing.assert_allclose(loadings, result.loadings)
    np.testing.assert_allclose(matched, 1.0)
    assert np.diag(congruence(loadings, result.loadings)) == pytest.approx(1.0)
    with pytest.raises(InputError, match="cannot be aligned"):
        align(result.loadings, phi, to=result.loadings[:4])


def test_reversing_an_item_flips_only_its_loadings(data):
    plain, turned = efa(data["hs"], 3), efa(data["hs"].assign(x5=-data["hs"]["x5"]), 3)

    sign = np.where(np.arange(9) == 4, -1.0, 1.0)[:, None]
    loadings, _, _ = align(turned.loadings * sign, turned.phi, to=plain.loadings)
    np.testing.assert_allclose(loadings, plain.loadings, atol=1e-5)
    np.testing.assert_allclose(turned.uniquenesses, plain.uniquenesses, atol=1e-6)


def test_polychoric_factors_rest_on_polychoric_correlations(bfi):
    from feedbackstudy.psychometrics import polychoric

    items = bfi[[f"N{k}" for k in range(1, 6)]]

    result = efa(items, 1, correlations="polychoric")

    np.testing.assert_allclose(result.R, polychoric(items).R, atol=1e-10)


def test_too_many_factors_and_unknown_options_are_refused(data):
    with pytest.raises(DataError, match=r"6 factor\(s\) of 9 items.*at most 5"):
        efa(data["hs"], 6)
    with pytest.raises(DataError, match="at least one"):
        efa(data["hs"], 0)
    with pytest.raises(InputError, match=r"'quartimax' is unknown"):
        efa(data["hs"], 2, rotation="quartimax")
    with pytest.raises(InputError, match=r"'uls' is unknown"):
        efa(data["hs"], 2, extraction="uls")


def test_a_heywood_case_is_not_fit_to_report():
    # With correlations .9, .7 and .4 the first loading would have to be the root of .9 * .7 / .4 = 1.575.
    R = np.array([[1, 0.9, 0.7], [0.9, 1, 0.4], [0.7, 0.4, 1]])
    rows = np.random.default_rng(1).normal(size=(200, 3))
    rows = (rows - rows.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T @ np.linalg.cholesky(R).T

    result = efa(rows, 1)

    assert not result.fit_to_report
    assert next(i.where for i in result.issues if i.code == "psychometrics.heywood") == "item1"


@pytest.mark.parametrize("name", ["bfi", "hs"])
def test_sampling_adequacy_and_sphericity_agree_with_psych(data, oracle, name):
    reference = oracle["factorability"]["HS" if name == "hs" else "bfi"]

    result = factorability(data[name])

    assert result.kmo == pytest.approx(reference["KMO"], abs=1e-9)
    np.testing.assert_allclose(list(result.msa.values()), list(reference["MSAi"].values()), atol=1e-9)
    assert result.chi_square == pytest.approx(reference["bartlett_chisq"], abs=1e-4)
    assert result.df == reference["df"]


def test_parallel_analysis_counts_as_psych_does(data, oracle):
    reference = oracle["parallel"]["bfi_complete"]

    result = parallel_analysis(data["bfi"])

    assert (result.factors, result.components) == (reference["nfact"], reference["ncomp"]) == (6, 5)
    np.testing.assert_allclose(result.component_values, reference["pc_values"], atol=1e-8)
    np.testing.assert_allclose(result.factor_values, reference["fa_values"], atol=1e-5)
    # psych shows the mean of its random eigenvalues; 100 sets know it to about .002.
    middle = parallel_analysis(data["bfi"], quantile=0.5).component_limits
    np.testing.assert_allclose(middle[:5], reference["pc_sim"][:5], atol=0.01)


def test_parallel_analysis_of_hs_finds_three(data):
    result = parallel_analysis(data["hs"])

    assert (result.factors, result.components) == (3, 3)
    assert parallel_analysis(data["hs"]).factor_limits[0] == result.factor_limits[0]


def test_random_matrices_have_the_distribution_of_simulated_rows():
    from feedbackstudy.psychometrics.parallel import _random_pearson

    rng = np.random.default_rng(1)
    direct = np.array([np.corrcoef(rng.normal(size=(40, 5)).T) for _ in range(4000)])
    drawn = _random_pearson(40, 5, 4000, rng)

    roots = [np.linalg.eigvalsh(R)[:, -1] for R in (direct, drawn)]
    # The largest root has a standard deviation of .13: 4,000 draws know its mean to .003.
    assert roots[0].mean() == pytest.approx(roots[1].mean(), abs=0.012)
    assert roots[0].std() == pytest.approx(roots[1].std(), rel=0.06)
    assert direct[:, 0, 1].std() == pytest.approx(drawn[:, 0, 1].std(), rel=0.06)


def test_unrelated_ordinal_items_have_no_factor():
    rows = np.random.default_rng(7).integers(1, 6, (400, 6))

    assert parallel_analysis(rows, correlations="polychoric", replicates=30).factors == 0


def test_polychoric_parallel_analysis_of_bfi(data):
    result = parallel_analysis(data["bfi"].iloc[:, 10:20], correlations="polychoric", replicates=30)

    assert result.components == 2


def test_minimum_average_partial_agrees_with_psych(data, oracle):
    reference = oracle["map"]["bfi"]

    result = minimum_average_partial(data["bfi"])

    assert result.components == reference["nfact"] == 5
    np.testing.assert_allclose(result.averages[1:9], reference["map"], atol=1e-9)
    assert minimum_average_partial(data["hs"]).components == 2
