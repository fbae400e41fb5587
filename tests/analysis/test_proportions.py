"""A two-by-two question answered both ways by one call; the numbers are those of the engines and of R."""

import numpy as np
import pytest

from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.proportions import compare_odds, compare_proportions
from feedbackstudy.errors import DataError
from feedbackstudy.shipped import folder
from feedbackstudy.study import Study

CALLED, SENT = {"cauc": 235, "afam": 157}, {"cauc": 2435, "afam": 2435}
NAMES = ("white", "African-American names")


@pytest.fixture(scope="module")
def names():
    return question(Study.load(folder("analyses") / "bertrand2004"), "h1")


@pytest.fixture(scope="module")
def law():
    return Study.load(folder("analyses") / "rivera2016")


def test_ratio_difference_and_odds_ratio_are_each_answered_both_ways_and_only_the_ratio_decides(names):
    rows = compare_proportions(names, CALLED, SENT, event="callback", groups=NAMES).rows

    assert [row.engine for row in rows] == ["frequentist", "bayesian"] * 3
    assert len({row.contrast for row in rows}) == 3
    assert [bool(row.decides) for row in rows] == [True] + [False] * 5


def test_the_three_estimates_are_those_of_arithmetic(names):
    """Ratio 235/157 (equal groups), difference 78/2435, odds ratio 235 x 2278 / (157 x 2200)."""
    rows = compare_proportions(names, CALLED, SENT, event="callback", groups=NAMES).rows

    assert [rows[i].estimate for i in (0, 2, 4)] == pytest.approx(
        [235 / 157, 78 / 2435, 235 * 2278 / (157 * 2200)], rel=1e-12
    )
    assert [rows[i].estimate for i in (1, 3, 5)] == pytest.approx([rows[i].estimate for i in (0, 2, 4)], rel=2e-3)


def test_the_words_say_which_group_comes_first(names):
    answer = compare_proportions(names, CALLED, SENT, event="callback", groups=NAMES)

    assert [row.contrast for row in answer.rows[::2]] == [
        "callback ratio, white / African-American names",
        "difference of callback rates, white minus African-American names",
        "odds ratio of a callback, white / African-American names",
    ]
    assert answer.classical is answer.rows[0]
    assert answer.posterior.median == answer.rows[1].estimate


def test_swapping_the_counts_turns_every_answer_around(names):
    swapped = {"cauc": 157, "afam": 235}
    one = compare_proportions(names, CALLED, SENT, event="callback", groups=NAMES).rows
    other = compare_proportions(names, swapped, SENT, event="callback", groups=NAMES).rows

    assert [np.log(other[i].estimate) for i in (0, 4)] == pytest.approx([-np.log(one[i].estimate) for i in (0, 4)])
    assert other[2].estimate == pytest.approx(-one[2].estimate)
    assert other[0].decision == "contradicted"


def test_an_odds_ratio_of_two_cells_gives_fishers_exact_p_and_an_interaction_does_not(law):
    invited = {"high:male": 13, "high:female": 3, "low:male": 1, "low:female": 5}
    sent = {"high:male": 80, "high:female": 79, "low:male": 80, "low:female": 77}
    simple = compare_odds(question(law, "h2"), invited, sent, contrast="odds ratio")
    product = compare_odds(question(law, "h1"), invited, sent, contrast="ratio of odds ratios")

    assert simple.classical.estimate == pytest.approx(13 * 79 / (67 * 1))
    assert product.classical.estimate == pytest.approx((13 * 79 / 67) / (3 * 72 / (76 * 5)))
    assert "Fisher" in simple.classical.note
    assert "Fisher" not in product.classical.note


def test_a_contrast_of_more_than_two_cells_is_sent_to_the_other_function(law):
    four = dict.fromkeys(("high:male", "high:female", "low:male", "low:female"), 5)
    with pytest.raises(DataError, match=r"compares two cells; hypothesis 'h1' puts weight on 4.*compare_odds"):
        compare_proportions(question(law, "h1"), four, dict.fromkeys(four, 9), event="x", groups=("a", "b"))


@pytest.mark.parametrize("events", [{"cauc": 0, "afam": 3}, {"cauc": 3000, "afam": 3}, {"cauc": 2.5, "afam": 3}])
def test_impossible_or_empty_counts_are_refused(names, events):
    with pytest.raises(DataError):
        compare_proportions(names, events, SENT, event="callback", groups=NAMES)


def told(row, in_r, name) -> None:
    """Frequentist numbers are closed forms; posterior limits come from densities on grids."""
    if row.engine == "frequentist":
        ours = (row.estimate, row.low, row.high, row.p)
        theirs = tuple(in_r[f"{name} {what}"][0] for what in ("estimate", "low", "high", "p"))
        assert ours == pytest.approx(theirs, rel=1e-6)
    else:
        theirs = tuple(in_r[f"posterior {name} {what}"][0] for what in ("median", "low", "high"))
        assert (row.estimate, row.low, row.high) == pytest.approx(theirs, rel=5e-4)


@pytest.mark.against_r
def test_r_compares_two_groups_on_three_scales_both_ways(names, run_r, tmp_path):
    answer = compare_proportions(names, CALLED, SENT, event="callback", groups=NAMES)

    in_r = run_r(answer.r_script(), tmp_path)

    for i, row in enumerate(answer.rows):
        told(row, in_r, ("ratio", "difference", "odds ratio")[i // 2])
    assert np.log(answer.rows[1].bayes_factor) == pytest.approx(in_r["posterior ratio log_bayes_factor"][0], abs=1e-9)


@pytest.mark.against_r
@pytest.mark.parametrize("name", ["h1", "h2"])
def test_r_answers_a_contrast_of_log_odds_both_ways(law, run_r, tmp_path, name):
    invited = {"high:male": 13, "high:female": 3, "low:male": 1, "low:female": 5}
    sent = {"high:male": 80, "high:female": 79, "low:male": 80, "low:female": 77}
    classical, bayesian = (answer := compare_odds(question(law, name), invited, sent, contrast="odds")).rows

    in_r = run_r(answer.r_script(), tmp_path)

    wald = tuple(in_r[f"odds ratio {what}"][0] for what in ("estimate", "low", "high"))
    assert (classical.estimate, classical.low, classical.high) == pytest.approx(wald, rel=1e-6)
    assert (classical.statistic, classical.p) == pytest.approx((in_r["chi square"][0], in_r["p"][0]), rel=1e-5)
    told(bayesian, in_r, "odds ratio")
    theirs = in_r["posterior odds ratio log_bayes_factor"][0]
    assert np.log(bayesian.bayes_factor) == pytest.approx(theirs, abs=1e-4)
    assert ("fisher p" in in_r) == (name == "h2")
