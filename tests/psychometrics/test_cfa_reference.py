"""Every estimator agrees with lavaan: estimates, standard errors, standardised solution, fit, modification indices.

References: tests/reference/psychometrics.json (lavaan 0.6-14) and cfa.json (tests/reference/cfa.R). The optimiser of
lavaan stops near 1e-6 of a standard error, which limits how closely estimates can agree.
"""

import math

import numpy as np
import pytest

from feedbackstudy.psychometrics.cfa import bifactor, cfa

THREE = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
B10 = "A =~ A1 + A2 + A3 + A4 + A5\nC =~ C1 + C2 + C3 + C4 + C5"
B15 = B10 + "\nE =~ E1 + E2 + E3 + E4 + E5"

# lavaan prints these as constants, defines them otherwise, or is known to differ:
# gfi of incomplete data rests on another weight; scaling.factor.h0 is divided by the parameters before equalities.
CONSTANT = {"rmsea.ci.level", "rmsea.close.h0", "rmsea.notclose.h0"}


def rows(result):
    groups = {name: k for k, name in enumerate(result.groups, start=1)}
    found = {}
    for k, (lhs, op, rhs, group) in enumerate(
        zip(*(result.estimates[name] for name in ("lhs", "op", "rhs", "group")), strict=True)
    ):
        at = groups.get(group, 1)
        found[lhs, op, rhs, at] = k
        if op == "~~":
            found[rhs, op, lhs, at] = k
    return found


def differences(result, frame, table, value, error):
    """Yield how far estimates and standard errors lie from a table of lavaan."""
    at = rows(result)
    groups = table.get("group", [1] * len(table["lhs"]))
    for lhs, op, rhs, group, x, se in zip(
        table["lhs"], table["op"], table["rhs"], groups, table[value], table[error], strict=True
    ):
        # Constraints, zero covariances that we leave out, and residual variances under delta without a standard error
        if op in {"==", ":="} or x is None or (lhs, op, rhs, group or 1) not in at:
            assert op in {"==", ":="} or x in (None, 0), f"{lhs}{op}{rhs} is missing"
            continue
        k = at[lhs, op, rhs, group or 1]
        mine = frame["se"][k]
        yield abs(frame["est"][k] - x), abs((0.0 if math.isnan(mine) else mine) - (se or 0.0))


def agrees(result, reference, *, est=2e-5, se=5e-6, fit=1e-6, without=()):
    assert result.converged
    assert result.identified
    gaps = np.array(list(differences(result, result.estimates, reference["est"], "est", "se")))
    assert gaps[:, 0].max() < est
    ordinal = bool(result.fitted.sample.polychorics)
    if not ordinal:
        assert gaps[:, 1].max() < se
    if "std" in reference:
        gaps = np.array(list(differences(result, result.standardised, reference["std"], "est.std", "se")))
        assert gaps[:, 0].max() < est
        assert gaps[:, 1].max() < se
    for name, value in reference["fit"].items():
        if name in CONSTANT or "mplus" in name or name in without or not isinstance(value, int | float):
            continue
        assert result.fit[name] == pytest.approx(value, rel=fit, abs=fit), name


def same_indices(result, table, tolerance=2e-5):
    frame = result.modification_indices().set_index(["lhs", "op", "rhs"])
    for lhs, op, rhs, mi, epc in zip(*(table[name] for name in ("lhs", "op", "rhs", "mi", "epc")), strict=True):
        mine = frame.loc[(lhs, op, rhs) if (lhs, op, rhs) in frame.index else (rhs, op, lhs)]
        assert mine["mi"] == pytest.approx(mi, rel=tolerance)
        assert mine["epc"] == pytest.approx(epc, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("ML", {}),
        ("ML_meanstructure", {"mean_structure": True}),
        ("ML_stdlv", {"std_lv": True}),
        ("ML_observed_info", {"se": "observed"}),
        ("ML_wishart", {"likelihood": "wishart"}),
    ],
)
def test_maximum_likelihood_agrees_with_lavaan(oracle, hs, key, options):
    agrees(cfa(hs, THREE, estimator="ML", **options), oracle["cfa_HS"][key], est=1e-5)


@pytest.mark.parametrize("key", ["MLR", "MLMV"])
def test_robust_likelihood_agrees_with_lavaan(oracle, hs, key):
    agrees(cfa(hs, THREE, estimator=key), oracle["cfa_HS"][key])


@pytest.mark.parametrize("key", ["MLM", "MLMVS", "ULSM", "ULSMV"])
def test_scaled_tests_agree_with_lavaan(lavaan, hs, key):
    agrees(cfa(hs, THREE, estimator=key, ordered=()), lavaan["HS"][key])


@pytest.mark.parametrize("key", ["ULS", "WLS", "DWLS"])
def test_least_squares_agrees_with_lavaan(oracle, hs, key):
    agrees(cfa(hs, THREE, estimator=key, ordered=()), oracle["cfa_HS"][key])


def test_generalised_least_squares_agrees_with_lavaan_except_its_standardised_errors(oracle, hs):
    # lavaan 0.6-14 prints standardised errors for GLS that its own delta method on its own covariance does not give
    reference = {name: value for name, value in oracle["cfa_HS"]["GLS"].items() if name != "std"}
    agrees(cfa(hs, THREE, estimator="GLS"), reference)


def test_generalised_least_squares_standardises_as_factor_scaling_does(hs):
    by_marker = cfa(hs, THREE, estimator="GLS")
    by_factor = cfa(hs, THREE, estimator="GLS", std_lv=True)
    assert np.allclose(by_marker.standardised["se"], by_factor.standardised["se"], atol=1e-7)


def test_wlsmv_on_continuous_items_agrees_with_lavaan(oracle, hs):
    agrees(cfa(hs, THREE, estimator="WLSMV", ordered=()), oracle["cfa_HS"]["WLSMV_continuous"])


def test_top_modification_indices_agree_with_lavaan(oracle, hs, hs_missing):
    same_indices(cfa(hs, THREE, estimator="ML"), oracle["cfa_HS"]["ML"]["modindices_top5"])
    same_indices(
        cfa(hs_missing, THREE, estimator="ML", missing="fiml"), oracle["cfa_HS_missing"]["FIML"]["modindices_top5"]
    )


def test_second_order_model_agrees_with_lavaan(oracle, hs):
    agrees(cfa(hs, f"{THREE}\ng =~ visual + textual + speed", estimator="ML"), oracle["cfa_HS"]["second_order"])


def test_bifactor_model_agrees_with_lavaan_and_names_its_heywood_case(lavaan, hs):
    model = bifactor("g", {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]})

    result = cfa(hs, model, estimator="ML")

    agrees(result, lavaan["HS"]["bifactor"], est=1e-4, se=2e-4)
    assert [issue.code for issue in result.conditions.errors] == ["cfa.heywood"]
    assert not result.fit_to_report


def test_labels_and_defined_quantities_agree_with_lavaan(lavaan, hs):
    model = (
        "visual =~ x1 + a*x2 + a*x3\ntextual =~ x4 + b*x5 + x6\nspeed =~ x7 + c*x8 + x9\nx1 ~~ x9\n"
        "ab := a*b\nratio := sqrt(b)/exp(c)"
    )
    reference = lavaan["HS"]["equal_labels"]

    result = cfa(hs, model, estimator="ML")

    agrees(result, reference)
    same_indices(result, reference["mi"])
    mine = result.estimates.set_index("lhs")
    for name in ("ab", "ratio"):
        k = reference["est"]["lhs"].index(name)
        assert mine.loc[name, "est"] == pytest.approx(reference["est"]["est"][k], abs=1e-5)
        assert mine.loc[name, "se"] == pytest.approx(reference["est"]["se"][k], abs=1e-5)


@pytest.mark.parametrize(
    ("key", "model", "options"),
    [
        (
            "linear",
            "visual =~ x1 + a*x2 + b*x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + c*x8 + d*x9\na + b == 1.5\nc == 2*a",
            {},
        ),
        (
            "fixed",
            "visual =~ NA*x1 + x2 + x3\nvisual ~~ 1*visual\ntextual =~ x4 + 1.1*x5 + x6\n"
            "speed =~ x7 + start(1.2)*x8 + x9\nx5 ~~ 0.4*x5\nvisual ~~ 0*speed\nx1 ~ 5*1",
            {},
        ),
        (
            "groups_labels",
            "visual =~ x1 + c(a,a)*x2 + c(b1,b2)*x3\ntextual =~ x4 + x5 + x6\n"
            "speed =~ x7 + c(1,NA)*x8 + x9\nb1 == b2 + 0.1",
            {"group": "school"},
        ),
    ],
)
def test_constraints_and_fixed_values_agree_with_lavaan(lavaan, hs, key, model, options):
    agrees(cfa(hs, model, estimator="ML", **options), lavaan["HS"][key])


@pytest.mark.parametrize(
    ("key", "estimator", "equal"),
    [
        ("GLS_groups", "GLS", ["loadings"]),
        ("DWLS_groups", "DWLS", ["loadings"]),
        ("WLSMV_groups", "WLSMV", ["loadings", "intercepts"]),
        ("MLM_groups", "MLM", ["loadings", "intercepts"]),
    ],
)
def test_several_groups_agree_with_lavaan(lavaan, hs, key, estimator, equal):
    result = cfa(hs, THREE, estimator=estimator, ordered=(), group="school", equal=equal)
    agrees(result, lavaan["HS"][key])


GFI = ("gfi", "agfi", "pgfi")


def test_full_information_agrees_with_lavaan(oracle, hs_missing):
    reference = oracle["cfa_HS_missing"]
    # lavaan's robust indices carry its EM stopping rule, 4e-5 off the optimum
    agrees(cfa(hs_missing, THREE, estimator="ML", missing="fiml"), reference["FIML"], fit=2e-4, without=GFI)
    agrees(cfa(hs_missing, THREE, missing="fiml"), reference["FIML_MLR"], fit=2e-4, without=GFI)
    two = cfa(hs_missing, THREE, estimator="ML", missing="fiml", group="school")
    agrees(two, reference["FIML_fixedx_two_group"], fit=2e-4, without=GFI)


def test_full_information_chi_square_and_likelihood_agree_with_lavaan(oracle, hs_missing):
    result = cfa(hs_missing, THREE, missing="fiml")
    for name in ("chisq", "chisq.scaled", "chisq.scaling.factor", "cfi", "rmsea", "logl", "unrestricted.logl", "bic"):
        assert result.fit[name] == pytest.approx(oracle["cfa_HS_missing"]["FIML_MLR"]["fit"][name], rel=1e-6)


def test_full_information_with_equalities_agrees_with_lavaan(lavaan, hs_missing):
    result = cfa(hs_missing, THREE, missing="fiml", group="school", equal=["loadings"])
    agrees(result, lavaan["HS"]["FIML_MLR_groups"], fit=2e-4, without=(*GFI, "scaling.factor.h0"))


@pytest.mark.parametrize("kind", ["normalized", "standardized"])
def test_residuals_in_standard_errors_agree_with_lavaan(lavaan, hs, kind):
    mine = cfa(hs, THREE, estimator="ML").residuals(kind).to_numpy()
    theirs = np.array(lavaan["HS"]["residuals"][kind], dtype=float)
    lower = np.tril_indices(9, -1)
    assert np.allclose(mine[lower], theirs[lower], atol=1e-4)


def test_residual_correlations_agree_with_lavaan(oracle, hs):
    mine = cfa(hs, THREE, estimator="ML").residuals("cor").to_numpy()
    assert np.allclose(mine, np.array(oracle["cfa_HS"]["ML"]["resid_cor"]["values"]), atol=1e-6)


def test_covariance_of_the_estimates_agrees_with_lavaan(oracle, hs):
    theirs = np.array(oracle["cfa_HS"]["ML"]["vcov"]["values"])
    assert np.sqrt(np.diag(cfa(hs, THREE, estimator="ML").covariance)).sum() == pytest.approx(
        np.sqrt(np.diag(theirs)).sum(), abs=1e-5
    )


def test_structural_model_with_equal_loadings_agrees_with_lavaan(lavaan, democracy):
    model = lavaan["PD"]["model"]
    result = cfa(democracy, model, estimator="ML")
    # the likelihood is flat in y2~~y4; lavaan stops 1e-4 away from the optimum
    agrees(result, lavaan["PD"], est=2e-4, se=5e-5, fit=1e-5)
    same_indices(result, lavaan["PD"]["mi"], 1e-4)
    agrees(cfa(democracy, model), lavaan["PD_MLR"], est=2e-4, se=5e-5, fit=1e-5, without=("scaling.factor.h0",))


@pytest.mark.parametrize("key", ["ML", "MLR"])
def test_fifteen_bfi_items_agree_with_lavaan(lavaan, bfi, key):
    agrees(cfa(bfi, B15, estimator=key), lavaan["bfi15"][key], est=3e-5)
    full = cfa(bfi, B15, estimator=key, missing="fiml")
    agrees(full, lavaan["bfi15"][f"FIML_{key}"], fit=1e-4, without=GFI)


def ordinal_agrees(result, reference, **options):
    at = rows(result)
    table = reference["est"]
    for lhs, op, rhs, se in zip(*(table[name] for name in ("lhs", "op", "rhs", "se")), strict=True):
        if se:
            assert result.estimates["se"][at[lhs, op, rhs, 1]] == pytest.approx(se, abs=5e-6)
    agrees(result, reference, **options)


@pytest.mark.parametrize("parameterization", ["delta", "theta"])
def test_ten_ordinal_items_agree_with_lavaan(oracle, bfi, parameterization):
    result = cfa(bfi, B10, estimator="WLSMV", parameterization=parameterization)
    reference = oracle["wlsmv_bfi10"]
    if parameterization == "theta":
        reference = {"std": reference["std"], "fit": reference["fit"], "est": {"lhs": [], "op": [], "rhs": []}}
        for name, value in reference["fit"].items():
            if isinstance(value, float) and name not in CONSTANT:
                assert result.fit[name] == pytest.approx(value, abs=1e-6, rel=1e-6), name
        return
    ordinal_agrees(result, reference)


def test_wlsmv_reports_the_corrected_index_beside_the_scaled_one(bfi):
    fit = cfa(bfi, B10, estimator="WLSMV").fit
    # Savalei (2021): a reader of the scaled value alone would accept what the corrected one rejects
    assert fit["cfi.scaled"] == pytest.approx(0.9465, abs=5e-5)
    assert fit["cfi.robust"] == pytest.approx(0.9052, abs=5e-5)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("WLSMV", {"estimator": "WLSMV"}),
        ("WLSMV_theta", {"estimator": "WLSMV", "parameterization": "theta"}),
        ("ULSMV", {"estimator": "ULSMV"}),
        ("DWLS", {"estimator": "DWLS", "ordered": "all"}),
    ],
)
def test_fifteen_ordinal_items_agree_with_lavaan(lavaan, bfi, key, options):
    ordinal_agrees(cfa(bfi, B15, **options), lavaan["bfi15"][key])


def test_ordinal_modification_indices_agree_with_lavaan(lavaan, bfi):
    # lavaan weighs by n where the discrepancy has n - 1: relative difference 1/2436
    same_indices(cfa(bfi, B15, estimator="WLSMV"), lavaan["bfi15"]["WLSMV"]["mi"], 1e-3)


def test_full_weight_of_ordinal_items_agrees_with_lavaan(lavaan, bfi):
    result = cfa(bfi, "A =~ A1 + A2 + A3 + A4 + A5", estimator="WLS", ordered="all")
    ordinal_agrees(result, lavaan["bfi15"]["WLS"])
