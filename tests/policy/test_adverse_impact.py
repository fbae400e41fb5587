"""Adverse impact equals printed values and reference programs, and refuses what cannot be."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from feedbackstudy.errors import InputError, NotFoundError
from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.adverse_impact_change import change_of
from feedbackstudy.policy.adverse_impact_counts import compare_rates, score_interval


def test_the_anchor_of_morris():
    """2 of 10 women and 15 of 25 men; Morris (2017) as in the README of GGLuca/adverseimpact."""
    found = adverse_impact(selected={"women": 2, "men": 15}, total={"women": 10, "men": 25})
    assert found.reference == "men"
    c = found["women"].compared
    assert c.ratio == pytest.approx(1 / 3)
    printed = {"z": 0.0124, "boschloo": 0.0366, "barnard": 0.0369, "mid_p": 0.0437, "fisher": 0.0599}
    for test, p in printed.items():
        assert c.p[test] == pytest.approx(p, abs=5e-5), test
    assert (c.score_low, c.score_high) == pytest.approx((0.090, 0.943), abs=5e-4)
    assert (c.log_low, c.log_high) == pytest.approx((0.093, 1.199), abs=5e-4)
    assert c.one_person == pytest.approx(0.536, abs=5e-4)
    assert c.shortfall == pytest.approx(10 * 17 / 35 - 2)
    assert c.shortfall_four_fifths == 3  # 5 of 10 is .5 >= .8 * .6, 4 of 10 is not
    assert "mid-P (declared)" in str(found)


@pytest.mark.parametrize("counts", [(2, 10, 15, 25), (0, 10, 15, 25), (40, 900, 130, 2000)])
def test_the_score_interval_is_statsmodels(counts):
    """confint_proportions_2indep(compare='ratio', method='score', correction=True)."""
    expected = confint_proportions_2indep(*counts, compare="ratio", method="score", correction=True)
    assert score_interval(*counts) == pytest.approx(expected, abs=1e-7)


def test_the_score_interval_where_everybody_is_selected():
    """By hand: the constrained rates are phi and 1, so (1 - phi) / phi = z^2 N / (n (N - 1)) below."""
    low, high = score_interval(10, 10, 25, 25)
    z2 = stats.norm.ppf(0.975) ** 2 * 35 / 34
    assert low == pytest.approx(1 / (1 + z2 / 10), rel=1e-9)
    assert high == pytest.approx(1 + z2 / 25, rel=1e-9)


def test_the_log_interval_is_scipys():
    found = compare_rates(12, 80, 30, 90)
    expected = stats.contingency.relative_risk(12, 80, 30, 90).confidence_interval(0.95)
    assert (found.log_low, found.log_high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_the_score_interval_covers():
    """5 % within Monte-Carlo error where the log interval is known to fail: 12 and 30 people."""
    p1, p2, n, m = 0.15, 0.35, 12, 30
    a, b = np.meshgrid(np.arange(n + 1), np.arange(1, m + 1), indexing="ij")
    weight = stats.binom.pmf(a, n, p1) * stats.binom.pmf(b, m, p2)
    inside = [low <= p1 / p2 <= high for low, high in
              (score_interval(int(i), n, int(j), m) for i, j in zip(a.flat, b.flat, strict=True))]  # fmt: skip
    assert 0.935 < (weight.ravel() * inside).sum() / weight.sum() < 0.975


def test_groups_of_one_and_small_shares_are_said():
    found = adverse_impact(selected={"a": 400, "b": 1, "c": 5}, total={"a": 1000, "b": 1, "c": 15}, reference="a")
    assert not found["b"].fit_to_report
    assert "group of one" in found["b"].notes[0]
    assert "2 %" in found["c"].notes[0]
    large = adverse_impact(selected={"a": 400, "b": 300}, total={"a": 1000, "b": 1000})
    assert math.isnan(large["b"].compared.p["boschloo"])
    assert "left out" in large["b"].notes[0]


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match="12 selected of 10 cannot be"):
        adverse_impact(selected={"a": 12, "b": 3}, total={"a": 10, "b": 5})
    with pytest.raises(InputError, match="same two or more groups"):
        adverse_impact(selected={"a": 2}, total={"a": 10})
    with pytest.raises(InputError, match="Nobody of the reference"):
        adverse_impact(selected={"a": 2, "b": 0}, total={"a": 10, "b": 10}, reference="b")
    with pytest.raises(NotFoundError, match="Did you mean 'mid_p'"):
        adverse_impact(selected={"a": 2, "b": 1}, total={"a": 10, "b": 10}, test="midp")


def cells_of(seed, units=30, factor=1.0):
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(units):
        for treated in (0.0, 1.0):
            for group, rate in (("f", 0.3), ("m", 0.4)):
                n = int(rng.integers(60, 120))
                rate_here = rate * math.exp(rng.normal(0, 0.15)) * (factor if treated and group == "f" else 1.0)
                rows.append((unit, treated, group, n, float(rng.binomial(n, min(rate_here, 0.95)))))
    return pd.DataFrame(rows, columns=["site", "treated", "sex", "n", "sum"])


def test_the_change_of_a_ratio_is_a_difference_in_differences():
    frame = cells_of(1, factor=0.8)
    found = change_of(frame, "sex", group="f", reference="m", unit="site", level=0.95)
    rate = frame.groupby(["sex", "treated"])["sum"].sum() / frame.groupby(["sex", "treated"])["n"].sum()
    assert found.factor == pytest.approx(rate["f", 1] / rate["m", 1] / (rate["f", 0] / rate["m", 0]))
    assert found.low < 0.8 < found.high
    assert found.df == 29
    alone = change_of(frame, "sex", group="f", reference="m", unit=None, level=0.95)
    four = frame.groupby(["sex", "treated"])[["n", "sum"]].sum()
    variance = (1 / four["sum"] - 1 / four["n"]).sum()
    assert math.log(alone.high / alone.factor) == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-6)
    nobody = frame.assign(sum=frame["sum"].where(frame["sex"] == "m", 0.0))
    assert "no change" in change_of(nobody, "sex", group="f", reference="m", unit="site", level=0.95).words


def test_the_change_covers_with_clusters():
    inside = 0
    for seed in range(300):
        found = change_of(cells_of(seed), "sex", group="f", reference="m", unit="site", level=0.95)
        inside += found.low <= 1.0 <= found.high
    assert abs(inside / 300 - 0.95) < 3.3 * math.sqrt(0.95 * 0.05 / 300)


def test_people_who_did_not_state_their_group_are_no_reference():
    found = adverse_impact(
        selected={"(not stated)": 9, "men": 60, "women": 40}, total={"(not stated)": 10, "men": 100, "women": 100}
    )
    assert found.reference == "men"
    assert found["(not stated)"].compared is not None
