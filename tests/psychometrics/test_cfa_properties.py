"""What must hold whatever the data: invariance to scaling, order, keys and names; indices that mean what they say."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.psychometrics.cfa import cfa, compare, factor_model
from feedbackstudy.psychometrics.cfa.model import Statement

MODEL = {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"], "h": ["y7", "y8", "y9"]}
ESTIMATORS = ["ML", "MLR", "MLMV", "GLS", "WLS", "DWLS"]


def std_loadings(result):
    frame = result.standardised[result.standardised["op"] == "=~"]
    return frame.set_index(["lhs", "rhs"])["est"]


@pytest.fixture(scope="module")
def coded(three_factors):
    return three_factors.apply(lambda y: np.digitize(y, [1.8, 2.7, 3.4, 4.3]))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_marker_changes_nothing_but_the_scale(three_factors, estimator):
    turned = {f: items[::-1] for f, items in MODEL.items()}
    one, two = (cfa(three_factors, m, estimator=estimator, ordered=()) for m in (MODEL, turned))
    three = cfa(three_factors, MODEL, estimator=estimator, ordered=(), std_lv=True)
    for other in (two, three):
        assert other.fit["chisq"] == pytest.approx(one.fit["chisq"], rel=1e-9)
        assert np.allclose(std_loadings(other)[std_loadings(one).index], std_loadings(one), atol=1e-7)


def test_reverse_keying_an_item_turns_signs_only(three_factors):
    turned = three_factors.assign(y2=6.0 - three_factors["y2"])
    one, two = cfa(three_factors, MODEL), cfa(turned, MODEL)
    assert two.fit["chisq.scaled"] == pytest.approx(one.fit["chisq.scaled"], rel=1e-9)
    signs = np.array([-1 if item == "y2" else 1 for _, item in std_loadings(one).index])
    assert np.allclose(std_loadings(two), signs * std_loadings(one), atol=1e-8)


def test_reverse_keying_the_marker_turns_the_factor(three_factors):
    one, two = cfa(three_factors, MODEL), cfa(three_factors.assign(y1=6.0 - three_factors["y1"]), MODEL)
    assert two.fit["chisq"] == pytest.approx(one.fit["chisq"], rel=1e-9)
    assert np.allclose(np.abs(std_loadings(two)), np.abs(std_loadings(one)), atol=1e-7)


def test_reverse_keying_an_ordinal_item_turns_signs_only(coded):
    one = cfa(coded, MODEL, estimator="WLSMV")
    two = cfa(coded.assign(y5=4 - coded["y5"]), MODEL, estimator="WLSMV")
    assert two.fit["chisq.scaled"] == pytest.approx(one.fit["chisq.scaled"], rel=1e-7)
    assert np.allclose(np.abs(std_loadings(two)), np.abs(std_loadings(one)), atol=1e-7)


@pytest.mark.parametrize("options", [{}, {"missing": "fiml"}, {"estimator": "WLSMV"}])
def test_the_order_of_rows_changes_nothing(three_factors, coded, options):
    data = coded if options.get("estimator") == "WLSMV" else three_factors.mask(three_factors > 5.2)
    shuffled = data.sample(frac=1.0, random_state=np.random.default_rng(5))
    one, two = cfa(data, MODEL, **options), cfa(shuffled, MODEL, **options)
    assert dict(two.fit) == pytest.approx(dict(one.fit), rel=1e-8, abs=1e-10)


def test_the_order_of_columns_changes_nothing(three_factors):
    one, two = cfa(three_factors, MODEL), cfa(three_factors[three_factors.columns[::-1]], MODEL)
    assert dict(one.fit) == dict(two.fit)


def test_names_and_order_of_groups_change_no_total(three_factors):
    arm = np.arange(400) % 3
    one = cfa(three_factors.assign(arm=arm), MODEL, group="arm", equal=["loadings", "intercepts"])
    renamed = three_factors.assign(arm=np.array(["c", "a", "b"])[arm]).sort_values("arm")
    two = cfa(renamed, MODEL, group="arm", equal=["loadings", "intercepts"])
    assert two.groups != one.groups
    for name in ("chisq", "chisq.scaled", "cfi.robust", "rmsea", "srmr", "logl"):
        assert two.fit[name] == pytest.approx(one.fit[name], rel=1e-8), name


def test_full_information_without_missing_answers_is_maximum_likelihood(three_factors):
    one = cfa(three_factors, MODEL, mean_structure=True)
    two = cfa(three_factors, MODEL, missing="fiml")
    assert dict(two.fit) == pytest.approx(dict(one.fit), rel=1e-9)
    assert np.allclose(one.covariance, two.covariance)


def test_full_information_of_one_almost_empty_row_is_nearly_maximum_likelihood(three_factors):
    extra = pd.DataFrame({name: [np.nan] for name in three_factors}).assign(y1=three_factors["y1"].mean())
    one = cfa(three_factors, MODEL, mean_structure=True, estimator="ML")
    two = cfa(pd.concat([three_factors, extra]), MODEL, missing="fiml", estimator="ML")
    assert two.n == 401
    assert two.fit["chisq"] == pytest.approx(one.fit["chisq"], rel=0.02)


@pytest.mark.parametrize("options", [{}, {"missing": "fiml"}])
def test_a_modification_index_is_near_the_fall_of_chi_square(three_factors, options):
    data = three_factors.assign(y9=three_factors["y9"] + 0.12 * (three_factors["y1"] - 3))
    if options:
        data = data.mask(np.random.default_rng(6).random(data.shape) < 0.05)
    result = cfa(data, MODEL, estimator="ML", **options)
    for row in result.modification_indices(least=2.5).head(4).itertuples():
        freed = factor_model(MODEL).adding([Statement(lhs=row.lhs, op=row.op, rhs=row.rhs)])
        refit = cfa(data, freed, estimator="ML", **options)
        assert row.mi == pytest.approx(result.fit["chisq"] - refit.fit["chisq"], rel=0.15)
        frame = refit.estimates
        value = frame[(frame["lhs"] == row.lhs) & (frame["op"] == row.op) & (frame["rhs"] == row.rhs)]["est"].iloc[0]
        assert np.sign(value) == np.sign(row.epc)
        assert row.epc == pytest.approx(value, rel=0.5)


def test_delta_and_theta_agree(coded):
    one, two = (cfa(coded, MODEL, estimator="WLSMV", parameterization=p) for p in ("delta", "theta"))
    assert dict(two.fit) == pytest.approx(dict(one.fit), rel=1e-6, abs=1e-8)
    assert np.allclose(std_loadings(two), std_loadings(one), atol=1e-7)
    keep = one.standardised["op"].isin(["=~", "~~"])
    assert np.allclose(one.standardised["se"][keep], two.standardised["se"][keep], atol=1e-7)


def test_an_equality_by_label_is_an_equality_by_constraint(three_factors):
    labelled = cfa(three_factors, "f =~ y1 + a*y2 + a*y3\ng =~ y4 + y5 + y6")
    constrained = cfa(three_factors, "f =~ y1 + a*y2 + b*y3\ng =~ y4 + y5 + y6\na == b")
    assert dict(constrained.fit) == pytest.approx(dict(labelled.fit), rel=1e-8)
    assert np.allclose(constrained.estimates["se"], labelled.estimates["se"], atol=1e-8)


def test_a_score_test_is_near_the_difference_test(three_factors):
    arm = np.arange(400) % 2
    data = three_factors.assign(arm=arm, y3=three_factors["y3"] + 0.3 * arm)
    equal = ["loadings", "intercepts"]
    held = cfa(data, MODEL, estimator="ML", group="arm", equal=equal)
    worst = held.equality_scores().iloc[0]
    freed = cfa(data, MODEL, estimator="ML", group="arm", equal=equal, partial=["y3~1"])
    assert worst["parameter"] == "y3~1"
    (test,) = compare(held, freed).tests
    assert worst["x2"] == pytest.approx(test.chisq, rel=0.1)


def test_an_array_is_read_with_numbered_names(three_factors):
    one = cfa(three_factors, MODEL)
    named = {f: [f"item{name[1:]}" for name in items] for f, items in MODEL.items()}
    with pytest.raises(Exception, match="item"):
        cfa(three_factors.to_numpy()[:, :3], named)
    assert one.fit["npar"] == 21


def fits_under_the_true_model(n_fits, n_people, estimator, rng, make):
    found = []
    for _ in range(n_fits):
        found.append(cfa(make(n_people, rng), MODEL, estimator=estimator).fit)
    return found


def normal_answers(n, rng):
    factors = rng.multivariate_normal(np.zeros(3), [[1, 0.4, 0.3], [0.4, 1, 0.5], [0.3, 0.5, 1]], n)
    answers = factors @ np.kron(np.eye(3), np.array([[0.8, 0.7, 0.6]])) + rng.normal(size=(n, 9)) * 0.7
    return pd.DataFrame(answers, columns=[f"y{k}" for k in range(1, 10)])


@pytest.mark.slow
def test_chi_square_has_its_distribution_under_the_true_model():
    fits = fits_under_the_true_model(2000, 400, "ML", np.random.default_rng(20), normal_answers)
    chisq = np.array([fit["chisq"] for fit in fits])
    # mean 24 with standard error sqrt(48/2000) = .155, plus a small-sample excess of about 24 * 7 / 400 / 2
    assert chisq.mean() == pytest.approx(24, abs=0.75)
    assert chisq.var() == pytest.approx(48, rel=0.15)
    assert np.mean([fit["pvalue"] < 0.05 for fit in fits]) == pytest.approx(0.05, abs=0.02)


@pytest.mark.slow
def test_robust_chi_square_is_near_its_degrees_of_freedom_for_skewed_answers():
    def skewed(n, rng):
        return np.exp(0.5 * normal_answers(n, rng))

    for estimator in ("MLR", "MLM"):
        fits = fits_under_the_true_model(500, 800, estimator, np.random.default_rng(21), skewed)
        plain = np.mean([fit["chisq"] for fit in fits])
        scaled = np.mean([fit["chisq.scaled"] for fit in fits])
        assert abs(scaled - 24) < abs(plain - 24)


@pytest.mark.slow
def test_ordinal_chi_square_is_near_its_degrees_of_freedom():
    def ordinal(n, rng):
        return normal_answers(n, rng).apply(lambda y: np.digitize(y, [-0.9, 0.0, 0.8]))

    fits = fits_under_the_true_model(500, 500, "WLSMV", np.random.default_rng(22), ordinal)
    assert np.mean([fit["chisq.scaled"] for fit in fits]) == pytest.approx(24, abs=1.2)
    assert np.mean([fit["pvalue.scaled"] < 0.05 for fit in fits]) == pytest.approx(0.05, abs=0.03)


@pytest.mark.slow
def test_standard_errors_cover_the_truth():
    rng = np.random.default_rng(23)
    inside = []
    for _ in range(600):
        result = cfa(normal_answers(300, rng), MODEL, std_lv=True)
        row = result.estimates[result.estimates["rhs"] == "y2"].iloc[0]
        inside.append(row["low"] < 0.7 < row["high"])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
