"""Contrasts and F tests from group figures equal those on rows; impossible figures speak."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy import datasets
from feedbackstudy.analysis.frequentist.equivalence import tost
from feedbackstudy.analysis.frequentist.means import contrast, f_test, figures_of_counts
from feedbackstudy.errors import DataError

RTOL = 1e-10  # closed forms: only rounding may differ


@pytest.fixture(scope="module")
def groups() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.normal(mean, sd, n) for mean, sd, n in ((3, 1, 12), (4, 2, 30), (3.5, 1.5, 21), (5, 1, 17))]


@pytest.fixture(scope="module")
def figures(groups) -> tuple[list[int], list[float], list[float]]:
    return [g.size for g in groups], [g.mean() for g in groups], [g.std(ddof=1) for g in groups]


def test_the_omnibus_f_equals_scipys_anova_on_rows(groups, figures):
    theirs = stats.f_oneway(*groups)

    found = f_test(*figures, weights=[[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1]])

    assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    assert (found.df, found.df2) == (3, 76)
    between = found.statistic * found.df
    assert found.partial_eta_squared == pytest.approx(between / (between + found.df2))


def test_pooled_and_welch_contrasts_equal_scipys_t_tests(groups, figures):
    two = tuple(column[:2] for column in figures)
    for welch in (False, True):
        theirs = stats.ttest_ind(groups[0], groups[1], equal_var=not welch)
        interval = theirs.confidence_interval(0.95)
        found = contrast(*two, weights=[1, -1], welch=welch)
        assert (found.statistic, found.p, found.df) == pytest.approx(
            (theirs.statistic, theirs.pvalue, theirs.df), rel=1e-9
        )
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_f_of_one_contrast_is_its_t_squared(figures):
    weights = [1, -1, -1, 1]

    assert f_test(*figures, weights=weights).statistic == pytest.approx(
        contrast(*figures, weights=weights).statistic ** 2
    )


def test_scaling_a_contrast_changes_no_test(figures):
    one, half = (contrast(*figures, weights=np.array([1, 1, -1, -1]) * k) for k in (1, 0.5))

    assert one.p == pytest.approx(half.p, rel=1e-12)
    assert one.estimate == pytest.approx(2 * half.estimate)


def test_figures_of_a_frequency_table_are_those_of_its_rows(effort):
    rows = [np.repeat(effort.columns.to_numpy(float), row) for row in effort.to_numpy()]

    n, mean, sd = figures_of_counts(effort.columns, effort.to_numpy())

    assert n.tolist() == [row.size for row in rows]
    assert mean == pytest.approx([row.mean() for row in rows], rel=RTOL)
    assert sd == pytest.approx([row.std(ddof=1) for row in rows], rel=RTOL)


def test_the_frequency_table_gives_the_printed_cell_figures(effort):
    printed = datasets.load("nagy2023_group_summary").frame.query("variable == 'extra_tasks'")
    printed = printed.set_index(["mindset", "intervention"]).loc[effort.index]

    n, mean, sd = figures_of_counts(effort.columns, effort.to_numpy())

    assert n.tolist() == printed["n"].tolist()
    assert mean.round(2).tolist() == printed["mean"].tolist()
    assert sd.round(2).tolist() == printed["sd"].tolist()


@pytest.mark.parametrize(
    ("n", "mean", "sd", "message"),
    [
        ([10, 10], [1, 2], [1, -0.5], "never negative; group 2 has -0.5"),
        ([1, 10], [1, 2], [1, 1], "group 1 has fewer"),
        ([0, 10], [1, 2], [1, 1], "group 1 has fewer"),
        ([10.5, 10], [1, 2], [1, 1], "holds 10.5"),
        ([10, 10], [1, np.nan], [1, 1], "finite"),
        ([10, 10], [1, 2], [np.inf, 1], "finite"),
        ([10, 10], [1, 2], [0, 0], "No group has any spread"),
        ([10, 10, 10], [1, 2], [1, 1], "Give n, mean and sd"),
    ],
)
def test_impossible_figures_are_refused(n, mean, sd, message):
    with pytest.raises(DataError, match=message):
        contrast(n, mean, sd, weights=[1, -1])


def test_contrasts_that_depend_on_each_other_are_refused(figures):
    with pytest.raises(DataError, match="independent"):
        f_test(*figures, weights=[[1, -1, 0, 0], [2, -2, 0, 0]])
    with pytest.raises(DataError, match="not all zero"):
        contrast(*figures, weights=[0, 0, 0, 0])


def test_equivalence_is_the_ninety_percent_interval_inside_the_bounds():
    inside = tost(0.1, 0.05, bound=0.2)
    z = stats.norm.ppf(0.95)

    assert inside.p_equivalence == pytest.approx(stats.norm.sf(2), rel=1e-9)
    assert (inside.p_equivalence < 0.05) == (0.1 + z * 0.05 < 0.2)
    assert tost(0.1, 0.05, bound=np.inf).p_equivalence is None
    assert inside.p == pytest.approx(2 * stats.norm.sf(2))


@pytest.mark.parametrize("se", [0, -1, np.nan])
def test_a_test_without_a_standard_error_is_refused(se):
    with pytest.raises(DataError, match="positive standard error"):
        tost(0.1, se, bound=0.2)
