"""Contrasts: families, weights, control arms, equivalence; what cannot be meant is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from feedbackstudy.analysis.contrasts import contrasts
from feedbackstudy.analysis.frequentist.multivariate_t import beyond_any, simultaneous_quantile
from feedbackstudy.errors import DataError, NotFoundError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FACTORS = ["timing", "framing", "specificity"]


@pytest.fixture(scope="module")
def one():
    return pd.read_csv(REFERENCE / "feedback_unbalanced.csv")


@pytest.fixture(scope="module")
def waves():
    long = pd.read_csv(REFERENCE / "feedback_repeated.csv")
    long["wave"] = pd.Categorical(long["wave"], ["before", "after", "later"])
    names = ["participant", "arm", "mode", "wave", "baseline"]
    return long.groupby(names, as_index=False, observed=True)[["rating"]].mean()


def test_two_occasions_are_the_paired_t_test(waves):
    two = waves[waves["wave"] != "later"]
    row = contrasts(two, "rating", participant="participant", within=["wave"]).rows[0]
    before, after = (two.loc[two["wave"] == w].sort_values("participant")["rating"] for w in ("before", "after"))
    known = stats.ttest_rel(before, after)
    assert (row.statistic, row.p, row.df) == pytest.approx((known.statistic, known.pvalue, 25), rel=1e-9)


def test_welch_of_two_groups_at_one_occasion_is_welchs_test(waves):
    found = contrasts(
        waves, "rating", participant="participant", between=["arm"], within=["wave"], by=["wave"], vcov="welch"
    )
    later = waves[waves["wave"] == "later"]
    known = stats.ttest_ind(*(later.loc[later["arm"] == a, "rating"] for a in ("brief", "detailed")), equal_var=False)
    assert (found.rows[2].statistic, found.rows[2].df) == pytest.approx((known.statistic, known.df), rel=1e-9)


def test_levels_of_another_order_give_the_same_planned_contrast(one):
    planned = {"H1": {"immediate:high": 1, "delayed:high": -0.5, "delayed:low": -0.5}}
    turned = one.assign(timing=pd.Categorical(one["timing"], ["immediate", "delayed"]))
    first, second = (
        contrasts(d, "y", planned, between=FACTORS, of=["timing", "specificity"])["H1"] for d in (one, turned)
    )
    assert (first.estimate, first.se) == pytest.approx((second.estimate, second.se), rel=1e-10)


def test_a_control_arm_enters_by_contrasts_with_the_pooled_error(one):
    silent = pd.DataFrame({"y": np.random.default_rng(4).normal(3, 1, 40), "arm": "silence"})
    data = pd.concat([one.assign(arm="feedback"), silent])
    found = contrasts(
        data,
        "y",
        between=["timing", "framing"],
        control={"arm": "silence"},
        method="reference",
        reference="silence",
        adjust_for="dunnett",
    )
    assert found.rows[0].contrast == "delayed:gain - silence"
    assert len(found.rows) == 4
    assert found.rows[0].df == len(data) - 5
    planned = contrasts(
        data,
        "y",
        {"pooled": {"silence": 1} | {f"{t}:{f}": -0.25 for t in ("delayed", "immediate") for f in ("gain", "loss")}},
        between=["timing", "framing"],
        control={"arm": "silence"},
    )
    assert planned["pooled"].estimate < -1


def test_single_step_p_lies_between_raw_and_bonferroni_and_is_the_same_twice(one):
    options = {"between": FACTORS, "of": ["timing", "specificity"]}
    raw, mvt, again, all_pairs = (
        contrasts(one, "y", adjust_for=a, **options).frame()["p_adjusted"] for a in ("none", "mvt", "mvt", "bonferroni")
    )
    assert (raw <= mvt).all()
    assert (mvt <= all_pairs + 1e-9).all()
    assert mvt.tolist() == again.tolist()


def test_the_multivariate_t_is_tukeys_range_for_equal_groups_and_the_product_for_independent_ones():
    unit = np.eye(4)
    pairs = np.array([unit[i] - unit[j] for i in range(4) for j in range(i + 1, 4)])
    for size in (2.0, 3.5, 5.0):
        known = stats.studentized_range.sf(size * np.sqrt(2), 4, 60)
        assert beyond_any(size, pairs @ pairs.T / 2, 60) == pytest.approx(known, rel=5e-5)
    assert beyond_any(2.5, np.eye(5), np.inf) == pytest.approx(1 - (1 - 2 * stats.norm.sf(2.5)) ** 5, rel=1e-10)
    assert simultaneous_quantile(0.95, np.ones((3, 3)), 20) == pytest.approx(stats.t.ppf(0.975, 20), rel=1e-6)


def test_simultaneous_intervals_are_wider_and_say_so(one):
    alone = contrasts(one, "y", between=["timing", "specificity"], adjust_for="holm")
    jointly = contrasts(one, "y", between=["timing", "specificity"], adjust_for="tukey")
    assert all(a.high - a.low < j.high - j.low for a, j in zip(alone.rows, jointly.rows, strict=True))
    assert "intervals for each contrast alone" in str(alone).replace("\n            ", " ")
    assert "simultaneous for the family" in str(jointly).replace("\n            ", " ")


def test_equivalence_is_shown_for_a_small_effect_with_a_small_error(one):
    row = contrasts(one, "y", between=["timing"], delta=2.0).rows[0]
    assert row.p_equivalence < 0.001
    assert row.p_equivalence == pytest.approx(stats.t.cdf((abs(row.estimate) - 2) / row.se, row.df), rel=1e-9)
    assert row.p_noninferiority < 0.001


def test_weights_that_do_not_sum_to_zero_are_said(one):
    found = contrasts(one, "y", {"mean": {"delayed": 0.5, "immediate": 0.5}}, between=["timing"])
    assert "do not sum to zero" in found.notes[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"planned": {"H": {"now": 1, "delayed": -1}}}, NotFoundError, "Mean in contrast 'H' 'now' is unknown"),
        ({"planned": {}}, DataError, "empty"),
        ({"planned": {"H": {"delayed": 0}}}, DataError, "all zero"),
        ({"planned": {"H": 3}}, DataError, "mapping"),
        ({"adjust_for": "holmes"}, NotFoundError, "Did you mean 'holm'"),
        ({"adjust_for": "tukey", "method": "reference", "between": FACTORS}, DataError, "all 28 pairs"),
        ({"method": "pairs"}, NotFoundError, "Method 'pairs' is unknown"),
        ({"method": "interaction"}, DataError, "at least two factors"),
        ({"of": ["framing"]}, NotFoundError, "Factor 'framing' is unknown"),
        ({"of": "timing"}, DataError, "bare text"),
        ({"delta": 0}, DataError, "above 0"),
        ({"weights": "size"}, NotFoundError, "Weights 'size' is unknown"),
        ({"vcov": "CR1"}, DataError, "needs cluster="),
        ({"within": ["framing"], "cluster": "interviewer", "participant": "participant"}, DataError, "analysis.lmm"),
        ({"between": []}, DataError, "at least one factor"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(one, options, error, message):
    with pytest.raises(error, match=message):
        contrasts(one, "y", **({"between": ["timing"]} | options))


@pytest.mark.slow
def test_simultaneous_intervals_cover_all_pairs_in_95_percent():
    """1,000 sets of four unequal groups without effect; Monte Carlo error .007."""
    rng = np.random.default_rng(12)
    group = np.repeat(list("abcd"), [6, 10, 14, 20])
    covered = 0
    for _ in range(1000):
        found = contrasts(pd.DataFrame({"g": group, "y": rng.normal(size=50)}), "y", between=["g"], adjust_for="tukey")
        covered += all(row.low < 0 < row.high for row in found.rows)
    assert 0.93 < covered / 1000 < 0.972
