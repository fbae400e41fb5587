"""Bad answers are refused or named by every estimator: what, where, why, how to mend."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import psychometrics as pm
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.covariances import correlation, covariance
from feedbackstudy.psychometrics.matrix import item_matrix

ESTIMATORS = {
    "alpha": pm.alpha,
    "omega": pm.omega,
    "split_half": pm.split_half,
    "item_analysis": pm.item_analysis,
    "efa": lambda d: pm.efa(d, 1),
    "factorability": pm.factorability,
    "parallel_analysis": lambda d: pm.parallel_analysis(d, replicates=3),
    "minimum_average_partial": pm.minimum_average_partial,
    "polychoric": pm.polychoric,
    "categorical_omega": pm.categorical_omega,
    "ordinal_alpha": pm.ordinal_alpha,
    "graded_response": pm.graded_response,
    "dif": lambda d: pm.dif(d, np.arange(len(d)) % 2),
    "htmt": lambda d: pm.htmt(d, {"one": ["a", "b"], "two": ["c", "d"]}),
}
ORDINAL = ("polychoric", "categorical_omega", "ordinal_alpha", "graded_response", "dif")
INVERTS = ("omega", "split_half", "efa", "factorability", "minimum_average_partial")


@pytest.fixture
def answers():
    rng = np.random.default_rng(5)
    trait = rng.normal(size=(300, 1))
    return pd.DataFrame(np.clip(np.round(3 + trait + rng.normal(size=(300, 4))), 1, 5), columns=["a", "b", "c", "d"])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_sound_answers_are_accepted_and_left_unchanged(answers, name):
    before = answers.copy()

    result = ESTIMATORS[name](answers)

    pd.testing.assert_frame_equal(answers, before)
    assert "<section" in result._repr_html_()
    assert len(result.frame()) > 0
    assert result.table().rows
    assert str(result)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_text_column_is_refused_by_name_and_value(answers, name):
    bad = answers.astype(object)
    bad.loc[3, "b"] = "often"
    with pytest.raises(DataError, match=r"Item 'b' holds text.*'often' in row 3"):
        ESTIMATORS[name](bad)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_constant_item_is_refused_by_name(answers, name):
    with pytest.raises(DataError, match=r"Item 'c' is constant: everybody who answered gave 2"):
        ESTIMATORS[name](answers.assign(c=2.0))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_item_without_any_answer_is_refused_by_name(answers, name):
    with pytest.raises(DataError, match=r"Item 'd' has no answer at all"):
        ESTIMATORS[name](answers.assign(d=np.nan))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_infinite_value_is_refused_with_item_and_person(answers, name):
    bad = answers.copy()
    bad.loc[7, "a"] = np.inf
    with pytest.raises(DataError, match=r"Item 'a' is infinite for person 7"):
        ESTIMATORS[name](bad)


@pytest.mark.parametrize("name", INVERTS)
def test_a_copied_item_is_refused_where_the_matrix_must_be_inverted(answers, name):
    with pytest.raises(DataError, match="collinear") as caught:
        ESTIMATORS[name](answers.assign(e=answers["a"]))

    assert "a, e" in str(caught.value)


@pytest.mark.parametrize("name", INVERTS)
def test_collinear_items_are_refused_by_name(answers, name):
    with pytest.raises(DataError, match=r"collinear.*a, b, e"):
        ESTIMATORS[name](answers.assign(e=answers["a"] + answers["b"]))


@pytest.mark.parametrize("name", ["alpha", "item_analysis", "polychoric", "ordinal_alpha"])
def test_a_copied_item_is_named_where_the_number_still_exists(answers, name):
    result = ESTIMATORS[name](answers.assign(e=answers["a"]))

    assert "psychometrics.duplicate_item" in {issue.code for issue in result.issues}
    assert "identical answers" in result._repr_html_()


def test_a_copied_item_drives_the_polychoric_correlation_to_its_boundary_and_says_so(answers):
    result = pm.polychoric(answers.assign(e=answers["a"]))

    codes = {issue.code for issue in result.issues}
    assert {"psychometrics.correlation_at_boundary", "psychometrics.sparse_table"} <= codes


@pytest.mark.parametrize("name", ["alpha", "item_analysis"])
def test_fewer_people_than_items_is_named(name):
    few = pd.DataFrame(np.random.default_rng(1).integers(1, 6, (4, 6)).astype(float), columns=list("abcdef"))

    result = ESTIMATORS[name](few)

    assert "psychometrics.fewer_people_than_items" in {issue.code for issue in result.issues}


@pytest.mark.parametrize("name", INVERTS)
def test_fewer_people_than_items_is_refused_where_the_matrix_must_be_inverted(name):
    few = pd.DataFrame(np.random.default_rng(1).integers(1, 6, (4, 6)).astype(float), columns=list("abcdef"))
    with pytest.raises(DataError, match="fewer people than items"):
        ESTIMATORS[name](few)


@pytest.mark.parametrize("name", ORDINAL)
def test_codes_that_are_no_whole_numbers_are_refused_as_ordinal(answers, name):
    with pytest.raises(DataError, match=r"Item 'b' holds .*not a whole number"):
        ESTIMATORS[name](answers.assign(b=answers["b"] + 0.5))


@pytest.mark.parametrize("name", ORDINAL)
def test_a_continuous_score_is_refused_as_ordinal(answers, name):
    with pytest.raises(DataError, match=r"Item 'd' has 300 different values"):
        ESTIMATORS[name](answers.assign(d=np.arange(300.0)))


def test_a_gap_between_codes_is_named(answers):
    result = pm.polychoric(answers.replace({"a": {5.0: 99.0}}))

    issue = next(issue for issue in result.issues if issue.code == "psychometrics.category_gap")
    assert "between 4 and 99" in issue.what
    assert "missing answer" in issue.why


def test_rows_set_aside_are_counted(answers):
    holes = answers.copy()
    holes.loc[[1, 5, 9], "a"] = np.nan

    result = pm.alpha(holes)

    assert result.n_people == 297
    assert any("3 of 300 people" in issue.what for issue in result.issues)


def test_repeated_column_names_are_refused(answers):
    with pytest.raises(DataError, match="'a' occurs more than once"):
        pm.alpha(pd.concat([answers, answers[["a"]]], axis=1))


def test_an_array_is_taken_with_names_of_its_own(answers):
    assert pm.alpha(answers.to_numpy()).matrix.items == ("item1", "item2", "item3", "item4")
    with pytest.raises(DataError, match="1 dimension"):
        pm.alpha(answers["a"].to_numpy())
    with pytest.raises(DataError, match="at least 2"):
        pm.alpha(answers[["a"]])


def test_nullable_and_boolean_columns_are_numbers(answers):
    nullable = answers.astype("Int64")
    nullable.loc[0, "a"] = pd.NA

    assert item_matrix(nullable).answers.dtype == np.float64
    assert np.isnan(item_matrix(nullable).answers[0, 0])
    with pytest.raises(DataError, match="text or categories"):
        item_matrix(answers.astype("category"))


def test_pairwise_moments_are_those_of_pandas(answers):
    holes = answers.mask(np.random.default_rng(2).random(answers.shape) < 0.1)

    np.testing.assert_allclose(correlation(item_matrix(holes), missing="pairwise"), holes.corr(), atol=1e-12)
    np.testing.assert_allclose(covariance(item_matrix(holes), missing="pairwise"), holes.cov(), atol=1e-12)
