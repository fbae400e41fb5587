"""Two proportions against scipy, R and the formulas' own papers; impossible counts speak."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.analysis.frequentist.conversions import (
    d_from_chi_square,
    d_from_log_odds,
    d_from_phi,
    d_variance_from_phi,
)
from feedbackstudy.analysis.frequentist.proportions import (
    log_odds_contrast,
    odds_ratio,
    proportion_difference,
    risk_ratio,
)
from feedbackstudy.analysis.frequentist.two_by_two import chi_square, fisher_exact, phi, single, two_by_two
from feedbackstudy.errors import DataError

RTOL = 1e-10  # closed forms: only rounding may differ
CALLBACKS = two_by_two(235, 2435, 157, 2435)


def test_the_pooled_z_squared_is_pearsons_chi_square_of_r(from_r):
    found = proportion_difference(CALLBACKS)

    assert found.z**2 == pytest.approx(from_r["callbacks"]["chi_square"], rel=RTOL)
    assert found.p == pytest.approx(from_r["callbacks"]["p"], rel=1e-9)
    assert found.estimate == pytest.approx(78 / 2435, rel=RTOL)


def test_newcombes_interval_reproduces_his_table():
    """Newcombe (1998), Table II, method 10: 56/70 - 48/80 gives .0524 to .3339, 9/10 - 3/10 gives .1705 to .8090."""
    first = proportion_difference(two_by_two(56, 70, 48, 80))
    second = proportion_difference(two_by_two(9, 10, 3, 10))

    assert (first.low, first.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (second.low, second.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_chi_square_and_phi_agree_with_scipy():
    table = two_by_two(109, 152, 34, 155)
    counts = np.array([[109, 43], [34, 121]])

    for yates in (False, True):
        theirs = stats.chi2_contingency(counts, correction=yates)
        ours = chi_square(table, yates=yates)
        assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=RTOL)
    assert abs(phi(table)[0]) == pytest.approx(stats.contingency.association(counts, method="pearson") / np.sqrt(
        1 - stats.contingency.association(counts, method="pearson") ** 2), rel=1e-6)  # fmt: skip


def test_ratios_agree_with_scipy():
    theirs = stats.contingency.relative_risk(235, 2435, 157, 2435)
    interval = theirs.confidence_interval(0.95)
    found = risk_ratio(CALLBACKS)
    assert (found.estimate[0], found.low[0], found.high[0]) == pytest.approx(
        (theirs.relative_risk, interval.low, interval.high), rel=RTOL
    )

    odds = stats.contingency.odds_ratio([[235, 2200], [157, 2278]], kind="sample")
    interval = odds.confidence_interval(0.95)
    found = odds_ratio(CALLBACKS)
    assert (found.estimate[0], found.low[0], found.high[0]) == pytest.approx(
        (odds.statistic, interval.low, interval.high), rel=RTOL
    )


def test_fishers_exact_test_agrees_with_r(from_r):
    assert fisher_exact(two_by_two(13, 80, 1, 78)) == pytest.approx(from_r["fisher"], rel=1e-9)


def test_the_interaction_is_that_of_a_saturated_logistic_regression_in_r(from_r):
    found = log_odds_contrast([13, 3, 1, 5], [80, 79, 78, 79], weights=[1, -1, -1, 1])

    assert found.estimate == pytest.approx(from_r["interaction"]["estimate"], rel=1e-6)
    assert found.se == pytest.approx(from_r["interaction"]["se"], rel=1e-5)
    assert found.lr_statistic == pytest.approx(from_r["interaction"]["chi_square"], rel=1e-9)


def test_order_of_groups_cannot_matter():
    forward = log_odds_contrast([13, 3, 1, 5], [80, 79, 78, 79], weights=[1, -1, -1, 1])
    backward = log_odds_contrast([5, 1, 3, 13], [79, 78, 79, 80], weights=[1, -1, -1, 1])

    assert forward.estimate == pytest.approx(backward.estimate, rel=RTOL)
    assert forward.lr_p == pytest.approx(backward.lr_p, rel=1e-9)


def test_many_tables_are_converted_at_once_and_equal_one_by_one():
    events, sizes = np.array([20, 30]), np.array([50, 60])
    both = odds_ratio(two_by_two(events, sizes, [10, 12], [50, 60]))

    assert both.log_estimate[1] == pytest.approx(odds_ratio(two_by_two(30, 60, 12, 60)).log_estimate[0], rel=RTOL)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((-1, 10, 2, 10), "at least 0; events of group 1 holds -1"),
        ((1.5, 10, 2, 10), "whole numbers"),
        ((1, 0, 2, 10), "No people in group 1"),
        ((11, 10, 2, 10), "More events than people in group 1: 11 of 10"),
        ((1, 10, np.nan, 10), "group 2 holds nan"),
        ((1, 10, np.inf, 10), "group 2 holds inf"),
    ],
)
def test_impossible_counts_are_refused(counts, message):
    with pytest.raises(DataError, match=message):
        two_by_two(*counts)


@pytest.mark.parametrize("ratio", [odds_ratio, risk_ratio])
def test_a_zero_cell_is_refused_and_never_mended_silently(ratio):
    with pytest.raises(DataError, match=r"does not exist where a cell is zero .*Bayesian prior"):
        ratio(two_by_two(0, 10, 2, 10))


def test_nobody_with_the_event_is_refused():
    with pytest.raises(DataError, match="0 of 20 people"):
        proportion_difference(two_by_two(0, 10, 0, 10))
    with pytest.raises(DataError, match="in table 1 nobody or everybody"):
        phi(two_by_two(0, 10, 0, 10))


def test_one_table_is_asked_of_a_test_of_one_table():
    with pytest.raises(DataError, match="takes one table, given 2"):
        single(two_by_two([1, 2], 10, 2, 10))


@pytest.mark.parametrize("weights", [[1, 1, -1, 1], [0, 0, 0, 0], [1, -1, 0]])
def test_weights_that_are_no_contrast_are_refused(weights):
    with pytest.raises(DataError, match="weight"):
        log_odds_contrast([13, 3, 1, 5], [80, 79, 78, 79], weights=weights)


def test_d_of_the_same_data_under_three_definitions():
    """d of the original framing study: 1.13 through Yates, 1.15 through phi, 1.21 through the odds ratio."""
    table = two_by_two(109, 152, 34, 155)
    yates = chi_square(table, yates=True)

    assert d_from_chi_square(yates.statistic, yates.n) == pytest.approx(1.1314, abs=5e-5)
    assert d_from_phi(phi(table))[0] == pytest.approx(2 * 0.498911 / np.sqrt(1 - 0.498911**2), abs=1e-4)
    assert d_from_log_odds(odds_ratio(table).log_estimate)[0] == pytest.approx(1.212690792, abs=5e-9)


def test_d_through_phi_equals_d_through_chi_square_without_correction():
    table = two_by_two(60, 100, 40, 100)
    plain = chi_square(table)

    assert d_from_phi(phi(table))[0] == pytest.approx(d_from_chi_square(plain.statistic, plain.n), rel=RTOL)


def test_the_variance_of_d_through_phi_is_the_delta_method():
    r, n, step = 0.3, 200, 1e-6
    slope = (d_from_phi(r + step) - d_from_phi(r - step)) / (2 * step)

    assert d_variance_from_phi(r, n) == pytest.approx(slope**2 * (1 - r**2) ** 2 / (n - 1), rel=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: d_from_phi(1.0), "between -1 and 1"),
        (lambda: d_variance_from_phi(0.2, 1), "at least 2 people"),
        (lambda: d_from_chi_square(30, 20), "between 0 and n"),
        (lambda: d_from_chi_square(-1, 20), "between 0 and n"),
    ],
)
def test_impossible_conversions_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
