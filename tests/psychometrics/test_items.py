"""Item statistics against psych and scipy."""

import numpy as np
import pytest
from scipy import stats

from feedbackstudy.psychometrics import alpha, item_analysis, omega


@pytest.fixture
def agree(bfi):
    items = bfi[[f"A{k}" for k in range(1, 6)]].copy()
    return items.assign(A1=7 - items["A1"])


def test_relations_agree_with_psych(agree, oracle):
    reference = oracle["alpha"]["agree"]["complete"]

    found = item_analysis(agree.dropna(), lowest=1, highest=6).frame()

    columns = {
        "item_total": "raw.r",
        "item_rest": "r.drop",
        "item_total_corrected": "r.cor",
        "mean": "mean",
        "sd": "sd",
    }
    for ours, theirs in columns.items():
        np.testing.assert_allclose(found[ours], reference["item"][theirs], atol=1e-8)
    np.testing.assert_allclose(found["alpha_if_dropped"], list(reference["alpha_drop"].values()), atol=1e-8)


def test_pairwise_relations_agree_with_psych(agree, oracle):
    reference = oracle["alpha"]["agree"]["pairwise"]

    found = item_analysis(agree, missing="pairwise").frame()

    np.testing.assert_allclose(found["item_rest"], reference["item"]["r.drop"], atol=1e-8)
    np.testing.assert_allclose(found["n"], reference["item"]["n"])
    np.testing.assert_allclose(found["mean"], reference["item"]["mean"], atol=1e-8)


def test_dropping_an_item_is_dropping_it(agree):
    found = item_analysis(agree.dropna()).frame().set_index("item")

    rest = agree.dropna().drop(columns="A3")
    assert found.loc["A3", "alpha_if_dropped"] == pytest.approx(alpha(rest).value, abs=1e-12)
    assert found.loc["A3", "omega_if_dropped"] == pytest.approx(omega(rest).value, abs=1e-8)
    assert found.loc["A3", "item_rest"] == pytest.approx(agree.dropna()["A3"].corr(rest.sum(axis=1)), abs=1e-12)


def test_skew_and_kurtosis_are_the_bias_corrected_ones(agree):
    found = item_analysis(agree).frame()

    for row in found.itertuples():
        answers = agree[row.item].dropna()
        assert row.skew == pytest.approx(stats.skew(answers, bias=False), abs=1e-10)
        assert row.kurtosis == pytest.approx(stats.kurtosis(answers, bias=False), abs=1e-10)


def test_floor_ceiling_and_shares_count_all_answers(agree):
    result = item_analysis(agree, lowest=1, highest=6)

    found = result.frame().set_index("item")
    assert found.loc["A4", "ceiling"] == pytest.approx((agree["A4"].dropna() == 6).mean())
    assert found.loc["A4", "floor"] == pytest.approx((agree["A4"].dropna() == 1).mean())
    np.testing.assert_allclose(result.shares.sum(axis=1), 1.0)
    assert {"psychometrics.ceiling"} <= {issue.code for issue in result.issues}
    assert "A4 (41%)" in next(i.what for i in result.issues if i.code == "psychometrics.ceiling")


def test_a_range_found_in_the_data_is_said_to_be(agree):
    assert item_analysis(agree).range_found
    assert "found in the data" in str(item_analysis(agree))
    assert "found in the data" not in str(item_analysis(agree, lowest=1, highest=6))


def test_an_unreversed_item_is_named(bfi):
    result = item_analysis(bfi[[f"A{k}" for k in range(1, 6)]])

    assert "A1" in next(i.where for i in result.issues if i.code == "psychometrics.negative_item_rest")
