"""Bad data and bad models: refused in words, or a named condition on the result; never a silent number."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError, DeclarationError
from feedbackstudy.psychometrics.cfa import CFA, cfa, compare

MODEL = {"f": ["y1", "y2", "y3"], "g": ["y4", "y5", "y6"]}


def with_column(frame, name, values):
    return frame.assign(**{name: values})


def test_an_absent_item_is_named_with_the_nearest_one(three_factors):
    with pytest.raises(DataError, match=r"'Y1'.*y1"):
        cfa(three_factors, {"f": ["Y1", "y2", "y3"]})


def test_text_infinite_constant_and_empty_items_are_refused(three_factors):
    n = len(three_factors)
    with pytest.raises(DataError, match=r"y1.*text"):
        cfa(with_column(three_factors, "y1", ["a"] * n), MODEL)
    with pytest.raises(DataError, match=r"y2.*infinite"):
        cfa(with_column(three_factors, "y2", [np.inf, *three_factors["y2"][1:]]), MODEL)
    with pytest.raises(DataError, match=r"y3.*constant"):
        cfa(with_column(three_factors, "y3", 2.0), MODEL)
    with pytest.raises(DataError, match=r"y4.*no answer"):
        cfa(with_column(three_factors, "y4", np.nan), MODEL)


def test_collinear_items_are_named(three_factors):
    copied = with_column(three_factors, "y3", three_factors["y1"] + three_factors["y2"])
    with pytest.raises(DataError, match="y1, y2, y3 are collinear"):
        cfa(copied, MODEL)
    with pytest.raises(DataError, match="collinear"):
        cfa(with_column(three_factors, "y2", three_factors["y1"]), MODEL)


def test_fewer_people_than_items_are_refused(three_factors):
    with pytest.raises(DataError, match="5 people for 6 items"):
        cfa(three_factors.iloc[:5], MODEL)


def test_fewer_people_than_parameters_is_a_condition(three_factors):
    result = cfa(three_factors.iloc[:12], MODEL, estimator="ML")
    assert "cfa.fewer_people_than_parameters" in {issue.code for issue in result.conditions}


def test_a_group_of_one_person_is_refused(three_factors):
    grouped = three_factors.assign(arm=["b"] + ["a"] * 399)
    with pytest.raises(DataError, match="Group 'b' of 'arm' has 1 person"):
        cfa(grouped, MODEL, group="arm")


def test_a_group_that_lacks_a_category_is_refused(three_factors):
    coded = three_factors.apply(lambda y: np.digitize(y, [2.4, 3.6])).assign(arm=np.arange(400) % 2)
    coded.loc[(coded["arm"] == 1) & (coded["y5"] == 2), "y5"] = 1
    with pytest.raises(DataError, match=r"Group '1' of 'arm' has nobody in category 2 of item 'y5'"):
        cfa(coded, MODEL, estimator="WLSMV", group="arm")


def test_measures_passed_as_ordinal_are_refused(three_factors):
    with pytest.raises(DataError, match="y1"):
        cfa(three_factors, MODEL, estimator="WLSMV")


def test_an_unknown_group_column_is_refused(three_factors):
    with pytest.raises(DataError, match=r"Group column 'arms'.*arm"):
        cfa(three_factors.assign(arm=1), MODEL, group="arms")


def test_people_set_aside_are_counted(three_factors):
    holed = three_factors.copy()
    holed.iloc[:7, 0] = np.nan
    result = cfa(holed, MODEL)
    assert result.n == 393
    (issue,) = [issue for issue in result.conditions if issue.code == "cfa.rows_set_aside"]
    assert issue.what.startswith("7 of 400 people")


def test_input_is_left_unchanged(three_factors):
    before = three_factors.copy()
    cfa(three_factors, MODEL, missing="fiml")
    pd.testing.assert_frame_equal(three_factors, before)


@pytest.mark.parametrize(
    "model",
    [
        "f =~ y1 + y2",  # more parameters than moments
        "f =~ NA*y1 + y2 + y3 + y4",  # no scale
        "f =~ y1 + y2 + y3\ng =~ y4 + y5 + y6\nf ~~ 0*g\nh =~ y1 + y4",  # two loadings on independent items
        "f =~ y1 + y2\ng =~ y4 + y5\nf ~~ 0*g",  # two unrelated pairs
    ],
)
def test_a_model_that_is_not_identified_says_so_and_gives_no_numbers(three_factors, model):
    result = cfa(three_factors, model, estimator="ML")

    assert not result.identified
    assert not result.fit_to_report
    assert "cfa.unidentified" in {issue.code for issue in result.conditions.errors}
    assert np.isnan(result.fit["chisq"])
    assert np.isnan(result.fit["cfi"])
    assert result.estimates["se"].isna().all()
    assert result.standardised["est"].isna().all()
    assert "not identified" in str(result) or "more than there are moments" in str(result)
    with pytest.raises(DataError, match="not identified"):
        result.modification_indices()


def test_a_search_that_does_not_settle_says_so(three_factors, monkeypatch):
    from feedbackstudy.psychometrics.cfa import optimise

    monkeypatch.setattr(optimise, "_ITERATIONS", 2)
    monkeypatch.setattr(optimise.minimise, "__kwdefaults__", {**optimise.minimise.__kwdefaults__, "iterations": 2})
    result = cfa(three_factors, MODEL, estimator="ML")
    assert not result.converged
    assert "cfa.not_converged" in {issue.code for issue in result.conditions.errors}
    assert np.isnan(result.fit["chisq"])
    with pytest.raises(DataError, match="did not converge"):
        compare(result, result)


def test_a_negative_variance_is_named():
    rng = np.random.default_rng(3)
    S = np.array([[1, 0.9, 0.3], [0.9, 1, 0.2], [0.3, 0.2, 1]])
    z = rng.normal(size=(200, 3))
    z = (z - z.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T @ np.linalg.cholesky(S).T
    result = cfa(pd.DataFrame(z, columns=["a", "b", "c"]), {"f": ["a", "b", "c"]}, estimator="ML")
    (issue,) = [issue for issue in result.conditions.errors if issue.code == "cfa.heywood"]
    assert issue.where == "a"
    assert not result.fit_to_report
    assert "Stop" in result._repr_html_()


def test_factors_that_cannot_be_told_apart_are_named(three_factors):
    mixed = {"f": ["y1", "y2"], "g": ["y3", "y4", "y5"], "h": ["y6", "y7", "y8"]}
    frame = three_factors.copy()
    frame["y3"] = three_factors["y1"] * 0.5 + np.random.default_rng(1).normal(size=400)
    frame["y4"] = three_factors["y2"] * 0.5 + np.random.default_rng(2).normal(size=400)
    frame["y5"] = three_factors["y1"] * 0.5 + np.random.default_rng(3).normal(size=400)
    codes = {issue.code for issue in cfa(frame, mixed, estimator="ML").conditions.errors}
    assert "cfa.not_positive_definite" in codes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimator": "MLRR"}, "Estimator 'MLRR' is unknown"),
        ({"missing": "pairwise"}, "Missing rule 'pairwise'"),
        ({"estimator": "WLSMV", "missing": "fiml"}, "fiml"),
        ({"se": "bootstrap"}, "Standard error 'bootstrap'"),
        ({"likelihood": "wishart"}, "wishart"),
        ({"equal": ["loading"]}, "Equality 'loading'"),
        ({"parameterization": "gamma"}, "Parameterization 'gamma'"),
        ({"ordered": "y1"}, "list, or"),
        ({"ordered": ["y1"]}, "would be continuous"),
        ({"ordered": "all"}, "WLSMV"),
        ({"mean_structure": False, "missing": "fiml"}, "contradicts"),
    ],
)
def test_unknown_or_contradicting_options_are_refused(three_factors, options, message):
    with pytest.raises((DeclarationError, DataError), match=message):
        cfa(three_factors, MODEL, **options)


def test_models_of_a_wrong_kind_are_refused(three_factors):
    with pytest.raises(DeclarationError, match="this is a int"):
        cfa(three_factors, 3)
    with pytest.raises(DeclarationError, match="give a list"):
        cfa(three_factors, {"f": "y1"})
    with pytest.raises(DeclarationError, match="twice"):
        cfa(three_factors, {"f": ["y1", "y1"]})
    with pytest.raises(DeclarationError, match="no indicator"):
        cfa(three_factors, {"f": []})


def test_full_weights_need_more_people_than_moments(three_factors):
    with pytest.raises(DataError, match="WLSMV"):
        cfa(three_factors.iloc[:20], MODEL, estimator="WLS")


def test_every_name_of_a_hostile_factor_is_escaped(three_factors):
    result = cfa(three_factors, {"<script>alert(1)</script>": ["y1", "y2", "y3"]})
    assert isinstance(result, CFA)
    assert "<script>" not in result._repr_html_()
