"""Meta-analysis against metafor (tests/reference/meta.json, made by tests/reference/meta.R) and closed forms."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedbackstudy import datasets
from feedbackstudy.errors import DataError
from feedbackstudy.literature.bare_bones import bare_bones
from feedbackstudy.literature.leaving_out import leave_one_out
from feedbackstudy.literature.meta import meta_analysis
from feedbackstudy.literature.metaregression import egger, funnel, meta_regression
from feedbackstudy.literature.pooling import pool

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "meta.json").read_text())
RTOL, ATOL = 1e-6, 1e-8  # both sides iterate to about 1e-12; R prints 15 digits
# metafor stops HE, PM and the Q-profile limits by root search on tau2; 1e-6 absolute covers it
METHODS = ("EE", "DL", "PM", "ML", "REML", "EB", "HE", "SJ", "HS")


def near(expected):
    return pytest.approx(expected, rel=RTOL, abs=ATOL)


def studies(name):
    if name == "raudenbush":
        d = datasets.load("raudenbush1985_expectancy").frame
        return d["d"], d["v"], {"weeks": np.minimum(d["weeks_prior_contact"], 3)}
    if name == "bangertdrowns":
        d = datasets.load("bangertdrowns2004_writing_feedback").frame.dropna(subset=["feedback", "length_weeks"])
        return d["g"], d["v"], {"feedback": d["feedback"], "length": d["length_weeks"]}
    if name == "mcdaniel":
        d = datasets.load("mcdaniel1994_interview_validity").frame
        return np.arctanh(d["r"]), 1 / (d["n"] - 3), None
    d = datasets.load("manylabs1_gain_loss").frame.query("is_original == 0")
    return d["d_logit"], d["v_logit"], None


NAMES = ("raudenbush", "bangertdrowns", "mcdaniel", "manylabs")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_every_estimator_of_tau2_agrees_with_metafor(name, method):
    y, v, _ = studies(name)
    expected = REFERENCE[name]["methods"][method]

    result = meta_analysis(y, v, method=method)

    assert result.tau2 == near(expected["tau2"])
    assert (result.estimate, result.se, result.low, result.high) == near(
        (expected["beta"], expected["se"], expected["low"], expected["high"])
    )
    assert (result.q, result.q_p) == near((expected["qe"], expected["qep"]))
    if method == "EE":  # metafor derives I2 from Q there
        assert (result.i2_q, result.h2_q) == near((expected["i2"], expected["h2"]))
    else:
        assert (result.i2, result.h2) == near((expected["i2"], expected["h2"]))


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("name", NAMES)
def test_the_standard_error_of_tau2_agrees_with_metafor(name, method):
    y, v, _ = studies(name)
    assert meta_analysis(y, v, method=method).se_tau2 == near(REFERENCE[name]["methods"][method]["se_tau2"])


@pytest.mark.parametrize("name", NAMES)
def test_knapp_hartung_agrees_with_metafor(name):
    y, v, _ = studies(name)
    expected = REFERENCE[name]["knapp_hartung"]
    result = meta_analysis(y, v, test="knapp-hartung")
    assert (result.se, result.low, result.high, result.statistic, result.p) == near(
        tuple(expected[key] for key in ("se", "low", "high", "statistic", "p"))
    )


@pytest.mark.parametrize("name", NAMES)
def test_q_profile_and_prediction_intervals_agree_with_metafor(name):
    y, v, _ = studies(name)
    result = meta_analysis(y, v)
    assert (result.tau2_low, result.tau2_high) == pytest.approx(REFERENCE[name]["tau2_interval"], abs=1e-6)
    assert result.prediction_normal == near(tuple(REFERENCE[name]["prediction"]))


@pytest.mark.parametrize("method", ["DL", "PM", "ML", "REML", "HE", "SJ", "HS"])
@pytest.mark.parametrize("name", ["raudenbush", "bangertdrowns"])
def test_moderators_agree_with_metafor(name, method):
    y, v, moderators = studies(name)
    expected = REFERENCE[name]["moderators"][method]
    result = meta_regression(y, v, moderators, method=method)
    assert result.tau2 == near(expected["tau2"])
    assert list(result.estimate) == near(expected["beta"])
    assert list(result.se) == near(expected["se"])
    assert (result.qm, result.qm_p, result.qe, result.qe_p) == near(
        tuple(expected[key] for key in ("qm", "qmp", "qe", "qep"))
    )
    assert result.r2 == near(expected["r2"])


@pytest.mark.parametrize("name", ["raudenbush", "bangertdrowns"])
def test_moderators_with_knapp_hartung_agree_with_metafor(name):
    y, v, moderators = studies(name)
    expected = REFERENCE[name]["moderators_knapp_hartung"]
    result = meta_regression(y, v, moderators, test="knapp-hartung")
    assert list(result.se) == near(expected["se"])
    assert list(result.p) == near(expected["p"])
    assert (result.qm, result.qm_p) == near((expected["qm"], expected["qmp"]))


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_of_eggers_test_agree_with_metafor(name):
    y, v, _ = studies(name)
    result = meta_analysis(y, v)
    mixed, linear = egger(result), egger(result, model="lm")
    expected = REFERENCE[name]["egger_rma"]
    assert (mixed.statistic, mixed.p, mixed.limit, mixed.limit_low, mixed.limit_high) == near(
        tuple(expected[key] for key in ("statistic", "p", "limit", "low", "high"))
    )
    expected = REFERENCE[name]["egger_lm"]
    assert (linear.statistic, linear.p, linear.limit, linear.df) == near(
        tuple(expected[key] for key in ("statistic", "p", "limit", "df"))
    )


@pytest.mark.parametrize("name", NAMES)
def test_leaving_one_out_agrees_with_metafor(name):
    y, v, _ = studies(name)
    expected = REFERENCE[name]["leave_one_out"]
    result = leave_one_out(meta_analysis(y, v))
    for field in ("estimate", "se", "tau2", "q"):
        assert list(getattr(result, field)) == pytest.approx(expected[field], rel=1e-6, abs=1e-7)


def test_printed_digits_of_the_sources_come_out():
    """Values in ship/raudenbush1985_expectancy.yaml: metafor 3.8.1, and statsmodels 0.15 for DL and PM."""
    y, v, moderators = studies("raudenbush")
    by = {method: meta_analysis(y, v, method=method) for method in METHODS}
    assert round(by["EE"].estimate, 4) == 0.0604
    assert (round(by["REML"].estimate, 4), round(by["REML"].tau2, 4)) == (0.0837, 0.0188)
    assert (round(by["DL"].estimate, 4), round(by["DL"].se, 4), round(by["DL"].tau2, 4)) == (0.0893, 0.0558, 0.0259)
    assert (round(by["PM"].estimate, 4), round(by["PM"].se, 4), round(by["PM"].tau2, 4)) == (0.1040, 0.0682, 0.0518)
    assert (round(by["ML"].estimate, 4), round(by["HE"].estimate, 4), round(by["SJ"].estimate, 4)) == (
        0.0777,
        0.1143,
        0.1133,
    )
    slope = meta_regression(y, v, moderators)
    assert (round(slope.estimate[1], 4), round(slope.se[1], 4), round(slope.qm, 2)) == (-0.1572, 0.0358, 19.26)
    # metafor stops at 1e-5 by default, so its last printed digit is .3711 where full convergence gives .3710
    assert by["REML"].prediction_normal == pytest.approx((-0.2036, 0.3711), abs=2e-4)


def test_interview_validity_by_bare_bones_and_fisher_z():
    """Values in ship/mcdaniel1994_interview_validity.yaml."""
    d = datasets.load("mcdaniel1994_interview_validity").frame
    whole = bare_bones(d["r"], d["n"])
    assert (round(whole.mean, 4), whole.n) == (0.2005, 25244)
    means = {s: round(bare_bones(g["r"], g["n"]).mean, 3) for s, g in d.groupby("structure")}
    assert means == {"structured": 0.238, "unstructured": 0.176}
    kinds = {s: round(bare_bones(g["r"], g["n"]).mean, 3) for s, g in d.groupby("type")}
    assert kinds == {"situational": 0.272, "job-related": 0.211, "psychological": 0.154}
    y, v, _ = studies("mcdaniel")
    result = meta_analysis(y, v, measure="Fisher z", scale="tanh")
    assert (round(100 * result.i2, 2), round(result.q, 2), round(egger(result).statistic, 2)) == (81.29, 789.73, 3.19)
    assert "as tanh" in str(result)


def test_bare_bones_agrees_with_hand_arithmetic():
    result = bare_bones([0.1, 0.3, 0.5], [100, 50, 150])
    mean = (10 + 15 + 75) / 300
    observed = (100 * (0.1 - mean) ** 2 + 50 * (0.3 - mean) ** 2 + 150 * (0.5 - mean) ** 2) / 300
    assert result.mean == pytest.approx(mean, rel=1e-14)
    assert result.variance_observed == pytest.approx(observed, rel=1e-13)
    assert result.variance_error == pytest.approx((1 - mean**2) ** 2 / 99, rel=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_many_meta_analyses_at_once_equal_one_after_the_other(method):
    rng = np.random.default_rng(3)
    y, v = rng.normal(0.3, 0.4, (40, 12)), rng.uniform(0.01, 0.2, (40, 12))
    batch = pool(y, v, method=method)
    singly = [meta_analysis(one, var, method=method) for one, var in zip(y, v, strict=True)]
    assert batch.tau2 == pytest.approx([one.tau2 for one in singly], abs=1e-9)
    assert batch.estimate == pytest.approx([one.estimate for one in singly], abs=1e-9)


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 0.5)), min_size=3, max_size=12), st.floats(-3, 3))
@example([(0.0, 0.5), (0.0, 0.5), (1.3e-159, 0.5)], 0.0)  # effects as good as equal once overflowed in Paule-Mandel
def test_shifting_every_effect_shifts_the_estimate_and_nothing_else(pairs, shift):
    y, v = (np.array(column) for column in zip(*pairs, strict=True))
    for method in ("DL", "PM", "REML", "HE"):
        one, other = pool(y, v, method=method), pool(y + shift, v, method=method)
        assert float(other.estimate) == pytest.approx(float(one.estimate) + shift, abs=1e-6)
        assert float(other.tau2) == pytest.approx(float(one.tau2), abs=1e-6)


def test_the_funnel_is_as_wide_as_its_standard_errors():
    y, v, _ = studies("raudenbush")
    result = meta_analysis(y, v)
    shape = funnel(result)
    assert shape.region_low[0] == shape.region_high[0] == result.estimate
    assert shape.region_high[-1] - shape.region_low[-1] == pytest.approx(2 * 1.959963985 * np.sqrt(max(v)), rel=1e-9)


def test_unusable_input_is_refused_with_the_study_named():
    with pytest.raises(DataError, match=r"Study number \[2\]"):
        meta_analysis([0.1, np.nan, 0.3], [0.1, 0.1, 0.1])
    with pytest.raises(DataError, match="too few"):
        meta_analysis([0.1], [0.1])
    with pytest.raises(DataError, match=r"'XX' is unknown.*REML"):
        meta_analysis([0.1, 0.2], [0.1, 0.1], method="XX")
    with pytest.raises(DataError, match="'x' is 1 in every study"):
        meta_regression([0.1, 0.2, 0.3], [0.1, 0.1, 0.1], {"x": [1, 1, 1]})
    with pytest.raises(DataError, match="determine each other"):
        meta_regression([0.1, 0.2, 0.3, 0.5], [0.1] * 4, {"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})
    with pytest.raises(DataError, match="2 labels for 3 effects"):
        meta_analysis([0.1, 0.2, 0.3], [0.1] * 3, labels=["a", "b"])


def test_a_meta_analysis_renders_itself_with_its_conventions():
    y, v, _ = studies("raudenbush")
    text = str(meta_analysis(y, v, labels=range(19), measure="d"))
    assert "I2 (from tau2)" in text
    assert "I2 (from Q)" in text
    assert "restricted maximum likelihood" in text
