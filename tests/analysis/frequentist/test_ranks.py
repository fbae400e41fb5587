"""Rank tests from counts equal those on rows in R and scipy; ties, empty groups and zeros speak."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from feedbackstudy import datasets
from feedbackstudy.analysis.frequentist.ranks import brunner_munzel, dunn, kruskal_wallis, signed_rank
from feedbackstudy.errors import DataError

RTOL = 1e-10  # closed forms: only rounding may differ
TABLES = st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=2, max_size=4)


def rows_of(counts: np.ndarray) -> list[np.ndarray]:
    return [np.repeat(np.arange(counts.shape[1]), group) for group in counts]


@pytest.mark.parametrize("outcome", ["original", "dp", "eqo"])
def test_kruskal_wallis_from_counts_equals_r_on_rows(from_r, fairness, outcome):
    found = kruskal_wallis(fairness[outcome].to_numpy())

    assert found.statistic == pytest.approx(from_r["kruskal"][outcome]["statistic"], rel=RTOL)
    assert found.p == pytest.approx(from_r["kruskal"][outcome]["p"], rel=1e-9)
    assert found.epsilon_squared == pytest.approx(found.statistic / 225)


@given(TABLES)
def test_kruskal_wallis_equals_scipy_on_any_table(table):
    counts = np.array(table)
    if (counts.sum(axis=1) == 0).any() or (counts.sum(axis=0) > 0).sum() < 2:
        with pytest.raises(DataError):
            kruskal_wallis(counts)
        return

    theirs = stats.kruskal(*rows_of(counts))

    assert kruskal_wallis(counts).statistic == pytest.approx(theirs.statistic, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("group", [1, 2, 3])
def test_the_signed_rank_test_from_counts_equals_r_on_rows(from_r, group):
    table = datasets.load("juijn2023_difference_counts").frame.query("group == @group")
    reference = from_r["wilcoxon"][str(group)]

    found = signed_rank(table["difference"], table["n"])

    assert found.positive == pytest.approx(reference["V"], rel=RTOL)
    assert found.p == pytest.approx(reference["p"], rel=1e-9)
    assert found.n + found.n_zero == table["n"].sum()


@given(st.lists(st.integers(-6, 6), min_size=4, max_size=40))
def test_the_signed_rank_test_equals_scipy_on_any_differences(differences):
    values, counts = np.unique(differences, return_counts=True)
    if not np.any(differences):
        with pytest.raises(DataError, match="nothing to rank"):
            signed_rank(values, counts)
        return

    theirs = stats.wilcoxon(differences, correction=False, method="approx")
    found = signed_rank(values, counts)

    assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)


def test_superiority_of_differences_is_the_share_of_pairs_above_zero():
    differences = np.array([-2, -1, -1, 0, 3, 3, 3])
    values, counts = np.unique(differences, return_counts=True)
    pairs = np.sign(np.add.outer(differences, differences))

    assert signed_rank(values, counts).superiority == pytest.approx((pairs.mean() + 1) / 2)


def test_brunner_munzel_from_counts_equals_scipy_on_rows(fairness):
    table = fairness["original"].to_numpy()
    rows = rows_of(table)
    theirs = stats.brunnermunzel(rows[0], rows[1])

    found = brunner_munzel(table[1], table[0])

    assert (found.statistic, found.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    above = np.sign(np.subtract.outer(rows[1], rows[0]))
    assert found.estimate == pytest.approx((above.mean() + 1) / 2)
    assert found.low < found.estimate < found.high


def test_brunner_munzel_of_swapped_groups_is_the_complement(fairness):
    table = fairness["dp"].to_numpy()

    there, back = brunner_munzel(table[2], table[0]), brunner_munzel(table[0], table[2])

    assert there.estimate + back.estimate == pytest.approx(1)
    assert there.p == pytest.approx(back.p)


def test_dunns_z_squared_is_kruskal_wallis_for_two_groups(fairness):
    table = fairness["eqo"].to_numpy()[:2]

    assert dunn(table).z[0] ** 2 == pytest.approx(kruskal_wallis(table).statistic, rel=1e-9)


def test_dunn_adjusts_over_all_pairs_by_holm(fairness):
    found = dunn(fairness["original"].to_numpy())
    order = np.argsort(found.p)

    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    assert found.p_holm[order[0]] == pytest.approx(min(1, 3 * found.p[order[0]]))
    assert (found.p_holm >= found.p).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kruskal_wallis([[3, 0], [4, 0]]), "every rank tied"),
        (lambda: kruskal_wallis([[3, 1], [0, 0]]), "Group 2 is empty"),
        (lambda: kruskal_wallis([[3, 1]]), "at least two groups"),
        (lambda: kruskal_wallis([[3, -1], [2, 2]]), "at least 0; the table holds -1"),
        (lambda: kruskal_wallis([[3, 0.5], [2, 2]]), "holds 0.5"),
        (lambda: kruskal_wallis([[3, np.nan], [2, 2]]), "holds nan"),
        (lambda: signed_rank([0.0], [5]), "nothing to rank"),
        (lambda: signed_rank([1.0, 1.0], [5, 2]), "stands twice"),
        (lambda: signed_rank([1.0, 2.0], [5]), "one count for each"),
        (lambda: signed_rank([1.0, 2.0], [5, -2]), "holds -2"),
        (lambda: brunner_munzel([1, 0], [5, 5]), "at least two people; given"),
        (lambda: brunner_munzel([5, 0], [0, 5]), "do not overlap"),
    ],
)
def test_data_without_an_answer_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
