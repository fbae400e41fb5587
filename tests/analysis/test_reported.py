"""Results say whether they are fit to report, and why not."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import analysis

N = 60


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "A": np.repeat(["a", "b"], N // 2),
            "three": np.resize(["u", "v", "w"], N),
            "cl": [f"c{i % 10}" for i in range(N)],
            "x": rng.normal(size=N),
            "y": rng.normal(4, 1, N),
        }
    )


MADE = {
    "regression": lambda d: analysis.regression(d, "y", ["A"]),
    "effect_size": lambda d: analysis.effect_size(d, "y", "A"),
    "effect_size_from_f": lambda _: analysis.effect_size_from_f(3.2, 2, 50),
    "tost": lambda d: analysis.tost(d, "y", "A", bounds=(-0.5, 0.5)),
    "rank_test": lambda d: analysis.rank_test(d, "y", "A"),
    "bayes_factor_t": lambda d: analysis.bayes_factor_t(d, "y", "A"),
    "bayes_factor_correlation": lambda d: analysis.bayes_factor_correlation(d, "x", "y"),
}
SPOILED = {
    "effect_size": ("low", "lower limit"),
    "effect_size_from_f": ("high", "upper limit"),
    "tost": ("se", "standard error"),
    "rank_test": ("p", "p value"),
    "bayes_factor_t": ("log_bayes_factor", "Bayes factor"),
    "bayes_factor_correlation": ("log_bayes_factor", "Bayes factor"),
}


@pytest.mark.parametrize("name", MADE)
def test_sound_results_are_fit_to_report(data, name):
    found = MADE[name](data)
    assert found.fit_to_report
    assert found.failures == ()
    assert "Not fit to report" not in str(found)


@pytest.mark.parametrize("name", SPOILED)
def test_a_number_that_does_not_exist_stops_the_result(data, name):
    field, called = SPOILED[name]
    broken = dataclasses.replace(MADE[name](data), **{field: np.nan})
    assert not broken.fit_to_report
    assert called in broken.failures[0]
    assert "Not fit to report" in str(broken)


def test_a_regression_without_a_standard_error_says_why_and_is_not_fit(data):
    lone = data[(data["A"] == "b") | (data.index == 0)]
    found = analysis.regression(lone, "y", ["A"], vcov="CR2", cluster="cl")
    assert np.isnan(found["A[b]"].se)
    assert not found.fit_to_report
    assert found.failures == ("no standard error of A[b], which one cluster determines alone",)
    assert "Not fit to report" in str(found)


def test_indicators_of_the_clusters_themselves_stop_nothing(data):
    twin = data.assign(site=data["cl"].str.replace("c", "site "))
    found = analysis.regression(twin, "y", ["x", "site"], vcov="CR2", cluster="cl")
    assert np.isfinite(found["x"].se)
    assert np.isnan(found["site[site 1]"].se)
    assert found.fit_to_report
    assert any("site[site 1]" in note for note in found.notes)


def test_a_missing_interval_of_a_rank_test_has_a_reason(data):
    assert "No interval is given, as none is known" in str(analysis.rank_test(data, "y", "three"))
    assert "No interval" not in str(analysis.rank_test(data, "y", "A"))


def test_bayes_factors_of_models_stop_where_their_integral_is_rough(data):
    found = analysis.bayes_factor_anova(data, "y", ["A"])
    assert found.fit_to_report
    first, *others = found.rows
    rough = dataclasses.replace(found, rows=(dataclasses.replace(first, error=0.3), *others))
    assert not rough.fit_to_report
    assert "30%" in rough.failures[0]
    lost = dataclasses.replace(found, rows=(dataclasses.replace(first, log_bayes_factor=np.nan), *others))
    assert "no finite Bayes factor" in lost.failures[0]
    assert "Not fit to report" in str(lost)
