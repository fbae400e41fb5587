"""Bad tables are refused with the place and the way to mend them; rows that leave are counted."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.columns import as_factor, read_columns
from feedbackstudy.analysis.crossed import between_levels, cells_of, one_row_each, term_columns
from feedbackstudy.analysis.logistic import logistic
from feedbackstudy.analysis.regression import regression
from feedbackstudy.errors import DataError, NotFoundError


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "who": ["p1", "p2", "p3", "p4", "p5", "p6"],
            "timing": ["now", "late", "now", "late", "now", "late"],
            "framing": ["gain", "gain", "loss", "loss", "gain", "loss"],
            "y": [1.0, 2.0, 3.0, 4.0, 6.0, 5.0],
            "age": [20, 31, 42, 50, 60, 70],
        }
    )


def test_complete_rows_enter_and_the_others_are_counted_by_column(table):
    table.loc[0, "y"] = np.nan
    table.loc[[0, 3], "age"] = np.nan

    read = read_columns(table, "y", factors=["timing"], covariates=["age"])

    assert read.n == 4
    assert read.kept.tolist() == [1, 2, 4, 5]
    assert read.notes == ("2 of 6 rows left out because a value is missing (listwise): y 1, age 2.",)
    assert np.allclose(read.covariate_matrix.mean(axis=0), 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ["1", "2", "3", "4", "5", "6"]}, "must hold numbers"),
        ({"y": [True, False] * 3}, "must hold numbers"),
        ({"y": [1.0, 2.0, np.inf, 4.0, 5.0, 6.0]}, "infinite value.*first in row 2"),
        ({"y": [2.0] * 6}, "nothing varies"),
        ({"y": [np.nan] * 6}, "missing in all 6 rows"),
        ({"timing": ["now"] * 6}, "one level"),
        ({"age": [3] * 6}, "leave it out"),
        ({"age": [1, 2, 3, 4, 5, -np.inf]}, "infinite"),
    ],
)
def test_a_bad_column_is_refused(table, change, message):
    with pytest.raises(DataError, match=message):
        read_columns(table.assign(**change), "y", factors=["timing"], covariates=["age"])


def test_an_unknown_column_is_answered_with_the_nearest(table):
    with pytest.raises(NotFoundError, match="Did you mean 'timing'"):
        read_columns(table, "y", factors=["timming"])


def test_bare_text_in_place_of_a_list_is_refused(table):
    with pytest.raises(DataError, match=r"such as \['timing'\]"):
        read_columns(table, "y", factors="timing")


def test_a_column_with_two_parts_is_refused(table):
    with pytest.raises(DataError, match="'timing' is named twice"):
        read_columns(table, "y", factors=["timing"], groups=["timing"])


def test_two_columns_of_one_name_are_refused(table):
    twice = pd.concat([table, table[["y"]]], axis=1)
    with pytest.raises(DataError, match="2 columns are called 'y'"):
        read_columns(twice, "y")


def test_a_binary_outcome_coded_one_and_two_is_refused_with_the_remedy(table):
    with pytest.raises(DataError, match="Subtract 1 where 2 is the event"):
        read_columns(table.assign(y=[1, 2, 1, 2, 1, 2]), "y", kind="binary")


def test_a_binary_outcome_may_be_true_and_false(table):
    assert read_columns(table.assign(y=[True, False] * 3), "y", kind="binary").y.tolist() == [1, 0] * 3


def test_a_value_outside_the_scale_is_refused(table):
    with pytest.raises(DataError, match=r"between 1 and 5; it holds \[6.0\]"):
        read_columns(table, "y", limits=(1, 5))


def test_counts_are_whole(table):
    with pytest.raises(DataError, match="whole and not negative"):
        read_columns(table.assign(y=[0, 1, 2, 3, 4, 2.5]), "y", kind="count")


def test_an_ordered_outcome_keeps_the_order_of_its_categories(table):
    likert = pd.Categorical(list("abcabc"), categories=list("cba"), ordered=True)
    read = read_columns(table.assign(y=likert), "y", kind="ordered")

    assert read.outcome_levels == ("c", "b", "a")
    assert read.y.tolist() == [2, 1, 0, 2, 1, 0]


def test_an_outcome_without_an_order_is_no_ordered_outcome(table):
    with pytest.raises(DataError, match="without an order"):
        read_columns(table.assign(y=pd.Categorical(list("abcabc"))), "y", kind="ordered")


def test_levels_keep_the_declared_order_and_unused_ones_are_dropped(table):
    timing = pd.Categorical(table["timing"], categories=["never", "now", "late"])
    assert as_factor(table.assign(timing=timing), "timing").levels == ("now", "late")


def test_the_table_of_the_user_is_not_changed(table):
    before = table.copy(deep=True)
    read_columns(table, "y", factors=["timing"], covariates=["age"], groups=["who"])
    pd.testing.assert_frame_equal(table, before)


def test_an_empty_cell_is_named_and_control_is_offered(table):
    table.loc[table["timing"] == "late", "framing"] = "gain"
    read = read_columns(table, "y", factors=["timing", "framing"])
    with pytest.raises(DataError, match=r"late:loss \(0\).*control="):
        cells_of(list(read.factors.values())).require()


def test_a_cell_of_one_is_refused_where_two_are_needed(table):
    read = read_columns(table, "y", factors=["timing", "framing"])
    with pytest.raises(DataError, match=r"late:gain \(1\), now:loss \(1\)"):
        cells_of(list(read.factors.values())).require(2)


def test_a_participant_in_two_between_levels_is_refused(table):
    table["who"] = ["p1", "p1", "p2", "p3", "p4", "p5"]
    read = read_columns(table, "y", factors=["timing"], groups=["who"])
    with pytest.raises(DataError, match=r"1 participant\(s\).*'timing': p1"):
        between_levels(read.groups["who"], read.factors["timing"])


def test_a_participant_with_two_rows_at_one_occasion_is_refused(table):
    table["who"] = ["p1", "p2", "p1", "p3", "p4", "p5"]
    read = read_columns(table, "y", factors=["timing"], groups=["who"])
    with pytest.raises(DataError, match="first p1 at now"):
        one_row_each(read.groups["who"], cells_of([read.factors["timing"]]))


def test_terms_are_names_and_colons_and_never_evaluated(table):
    read = read_columns(table, "y", factors=["timing", "framing"], covariates=["age"])
    found = term_columns(read, ["timing", "age", "timing:age"])

    assert found.names == ("(Intercept)", "timing[now]", "age", "timing[now]:age")
    for term in ["__import__('os')", "timing*framing", "np.log(age)", "C(timing)"]:
        with pytest.raises(NotFoundError, match="Column of a term"):
            term_columns(read, [term])


def test_perfect_collinearity_names_the_term(table):
    read = read_columns(table.assign(months=table["age"] * 12), "y", covariates=["age", "months"])
    with pytest.raises(DataError, match=r"'months' is a combination .*perfect collinearity"):
        term_columns(read, ["age", "months"])


def test_a_term_with_an_empty_cell_names_it_and_says_where_control_is_offered(table):
    table.loc[table["timing"] == "late", "framing"] = "gain"
    read = read_columns(table, "y", factors=["timing", "framing"])
    terms = ["timing", "framing", "timing:framing"]
    for fit in (
        lambda: term_columns(read, terms),
        lambda: regression(table, "y", terms),
        lambda: logistic(table.assign(y=[0, 1, 0, 1, 0, 1]), "y", terms),
    ):
        with pytest.raises(DataError, match=r"no row is in late:loss \(timing:framing\).*analysis\.anova .*control="):
            fit()


def test_a_factor_may_be_text_numbers_or_truth_values_with_gaps():
    data = pd.DataFrame({"a": ["y", None, "x"], "b": [10, 2, 2], "c": [True, False, True], "d": [1.0, np.nan, 2.5]})
    read = {name: as_factor(data, name) for name in data}
    assert read["a"].codes.tolist() == [1, -1, 0]
    assert read["b"].levels == ("2", "10")
    assert read["c"].levels == ("False", "True")
    assert read["d"].codes.tolist() == [0, -1, 1]
    with pytest.raises(DataError, match="mixes kinds"):
        as_factor(pd.DataFrame({"e": pd.Series([1, "b"], dtype=object)}), "e")
