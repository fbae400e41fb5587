"""Discriminant validity, differential item functioning and the graded response model."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics import average_variance_extracted, dif, graded_response, htmt
from feedbackstudy.psychometrics.ordinal_logit import ordinal_logit

THREE = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}


def test_htmt2_agrees_with_semtools(hs, oracle):
    # semTools 0.5-6 computes geometric means by default: its two entries in the reference file are both HTMT2.
    ratios = htmt(hs, THREE, version=2).frame()["htmt"]
    reference = np.array(oracle["cfa_HS"]["htmt2"]["values"])[np.triu_indices(3, 1)]
    np.testing.assert_allclose(ratios, reference, atol=1e-9)


def test_htmt_is_its_definition(hs):
    R = hs[[item for items in THREE.values() for item in items]].corr().abs().to_numpy()
    own = [R[at : at + 3, at : at + 3][np.triu_indices(3, 1)].mean() for at in (0, 3, 6)]

    found = htmt(hs, THREE).frame()["htmt"]

    assert found[0] == pytest.approx(R[:3, 3:6].mean() / np.sqrt(own[0] * own[1]), abs=1e-12)
    assert found[2] == pytest.approx(R[3:6, 6:9].mean() / np.sqrt(own[1] * own[2]), abs=1e-12)


def test_htmt_interval_holds_the_estimate_and_reversing_changes_nothing(hs):
    plain = htmt(hs, THREE, draws=500)

    frame = plain.frame()
    assert (frame["low"] < frame["htmt"]).all()
    assert (frame["htmt"] < frame["high"]).all()
    np.testing.assert_allclose(htmt(hs.assign(x5=-hs["x5"]), THREE).ratios, plain.ratios, atol=1e-12)


def test_htmt_refuses_scales_it_cannot_use(hs):
    with pytest.raises(DataError, match="'x10' is unknown"):
        htmt(hs, {**THREE, "speed": ["x10", "x7"]})
    with pytest.raises(DataError, match="has 1 item"):
        htmt(hs, {"one": ["x1"], "two": ["x2", "x3"]})
    assert htmt(hs, {"one": ["x1", "x2"], "two": ["x2", "x3"]}).issues[-1].code == "psychometrics.shared_item"


def test_average_variance_extracted_agrees_with_semtools(oracle):
    estimates = pd.DataFrame(oracle["cfa_HS"]["ML_stdlv"]["est"])
    for name, items in THREE.items():
        loadings = estimates[(estimates["lhs"] == name) & (estimates["op"] == "=~")]["est"]
        unique = [
            estimates[(estimates["lhs"] == i) & (estimates["op"] == "~~") & (estimates["rhs"] == i)]["est"].item()
            for i in items
        ]
        assert average_variance_extracted(loadings, unique) == pytest.approx(oracle["cfa_HS"]["AVE"][name], abs=1e-5)


def test_the_graded_response_model_agrees_with_mirt(bfi, oracle):
    reference = oracle["grm_bfi_N"]

    model = graded_response(bfi[[f"N{k}" for k in range(1, 6)]], missing="listwise")

    assert model.n == reference["n"]
    assert model.log_likelihood == pytest.approx(reference["logLik"], abs=1e-5)
    assert model.aic == pytest.approx(reference["AIC"], abs=1e-4)
    assert model.bic == pytest.approx(reference["BIC"], abs=1e-4)
    found = model.frame()
    np.testing.assert_allclose(found["estimate"].to_numpy().reshape(5, 6), reference["a_b"]["values"], atol=1e-4)
    errors = [list(item.values()) for item in reference["se"].values()]
    np.testing.assert_allclose(found["se"].to_numpy().reshape(5, 6), errors, rtol=1e-4)
    np.testing.assert_allclose(model.scores["theta"].iloc[:10], reference["EAP_first10"], atol=1e-5)
    np.testing.assert_allclose(model.scores["se"].iloc[:10], reference["EAP_SE_first10"], atol=1e-5)
    assert model.reliability == pytest.approx(reference["marginal_rxx"], abs=1e-6)
    assert model.empirical_reliability == pytest.approx(reference["empirical_rxx"], abs=1e-6)
    information = model.information(np.arange(-3.0, 4.0))["test"]
    np.testing.assert_allclose(information, reference["testinfo_theta_m3_3"], atol=1e-4)


def test_the_graded_response_model_uses_every_answer_given(bfi):
    items = bfi[[f"N{k}" for k in range(1, 6)]]

    every, complete = graded_response(items), graded_response(items, missing="listwise")

    assert (every.n, complete.n) == (2800, 2694)
    np.testing.assert_allclose(every.frame()["estimate"], complete.frame()["estimate"], atol=0.08)
    with pytest.raises(DataError, match="too few"):
        graded_response(items, nodes=5)


def test_the_graded_response_model_recovers_what_made_the_answers():
    rng = np.random.default_rng(4)
    theta = rng.normal(size=6000)
    a, b = np.array([1.0, 1.8, 0.7, 2.2]), np.array([-1.0, 0.2, 1.1])
    above = 1 / (1 + np.exp(-a[None, :, None] * (theta[:, None, None] - b)))
    answers = (rng.random((6000, 4, 1)) < above).sum(axis=2)

    found = graded_response(answers).frame()

    truth = np.column_stack([a, np.tile(b, (4, 1))]).ravel()
    assert (np.abs(found["estimate"] - truth) < 4 * found["se"]).all()


def test_the_proportional_odds_model_agrees_with_statsmodels(bfi):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    part = bfi[["A2", "A3", "A4"]].dropna()
    y = part["A2"].astype(int).to_numpy() - 1
    X = part[["A3", "A4"]].to_numpy(dtype=float)

    ours = ordinal_logit(y, X)
    theirs = OrderedModel(y, X, distr="logit").fit(method="newton", disp=False, tol=1e-12)

    assert ours.converged
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-7)
    np.testing.assert_allclose(ours.slopes, theirs.params[:2], atol=1e-6)


def test_an_item_made_harder_for_one_group_is_found_and_others_are_not():
    rng = np.random.default_rng(5)
    n = 1500
    group = np.repeat(["control", "loss"], n)
    latent = rng.normal(size=(2 * n, 1)) + rng.normal(size=(2 * n, 6))
    latent[n:, 2] -= 0.9
    answers = pd.DataFrame(np.searchsorted([-1.5, -0.5, 0.5, 1.5], latent), columns=list("abcdef"))

    found = dif(answers, group)

    frame = found.frame().set_index("item")
    assert frame.index[frame["flagged"]].tolist() == ["c"]
    assert frame.loc["c", "log_odds"] < -0.8
    assert found.anchors == ("a", "b", "d", "e", "f")
    assert found.groups == ("control", "loss")


def test_without_differences_items_are_flagged_as_rarely_as_the_level_says():
    rng = np.random.default_rng(6)
    p = []
    for _ in range(40):
        latent = rng.normal(size=(400, 1)) + rng.normal(size=(400, 4))
        found = dif(np.searchsorted([-1, 0, 1], latent), np.arange(400) % 2, purify=False, match="rest")
        p += found.frame()["uniform_p"].tolist()

    # 160 dependent p values; their share below .05 is known to about .02.
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.05)


def test_group_labels_must_fit(bfi):
    items = bfi[[f"N{k}" for k in range(1, 6)]]
    with pytest.raises(DataError, match="3 group labels for 2800 people"):
        dif(items, [1, 2, 1])
    with pytest.raises(DataError, match="two groups or more"):
        dif(items, np.ones(2800))
    with pytest.raises(DataError, match="'scale' is unknown"):
        dif(items, bfi["gender"], match="scale")
