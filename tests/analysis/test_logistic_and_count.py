"""Logistic and count regressions of a data frame: R's numbers, standardised means, separation by name, R scripts."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from feedbackstudy.analysis.count import count
from feedbackstudy.analysis.frequentist.counts import zero_inflated
from feedbackstudy.analysis.gee import gee
from feedbackstudy.analysis.logistic import logistic
from feedbackstudy.errors import DataError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FULL = ["timing", "framing", "timing:framing"]


@pytest.fixture(scope="module")
def known() -> dict:
    return json.loads((REFERENCE / "mixed_effects.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


def in_order(rows: list[dict], column: str) -> list[float]:
    """Put R's rows in our order: intercept, timing, framing, interaction, day."""
    values = [row[column] for row in rows]
    return [*values[:4], *values[5:], values[4]]


def test_odds_ratios_are_those_of_glm(data, known):
    fit = logistic(data, "reply", [*FULL, "day"])
    rows = known["binary"]["glm"]
    np.testing.assert_allclose([row.estimate for row in fit.effects], in_order(rows, "Estimate"), rtol=1e-9)
    np.testing.assert_allclose([row.se for row in fit.effects], in_order(rows, "Std. Error"), rtol=1e-6)
    np.testing.assert_allclose([row.ratio for row in fit.effects], np.exp(in_order(rows, "Estimate")), rtol=1e-9)
    means = fit.means("timing", "framing").set_index("cell")
    for row in known["binary"]["odds"]:
        found = means.loc[f"{row['timing']}:{row['framing']}"]
        np.testing.assert_allclose([found["mean"], found["se"]], [row["emmean"], row["SE"]], rtol=1e-6)


def test_clustered_errors_are_those_of_sandwich(data, known):
    fit = logistic(data, "reply", [*FULL, "day"], cluster="participant", vcov="CR1S")
    values = known["binary"]["cl_hc1"]
    values = list(values.values()) if isinstance(values, dict) else values
    np.testing.assert_allclose([row.se for row in fit.effects], [*values[:4], *values[5:], values[4]], rtol=1e-6)
    assert all(0 < row.df < 59 for row in fit.effects)


def test_the_poisson_limit_of_the_negative_binomial_is_named(data):
    table = data.assign(calm=np.where(np.arange(len(data)) % 2, 3, 4))
    fit, poisson = (count(table, "calm", ["timing"], family=law) for law in ("negative binomial", "poisson"))
    assert [row.estimate for row in fit.effects] == [row.estimate for row in poisson.effects]
    assert fit.title == "Poisson regression (limit of the negative binomial)"
    assert any("the Poisson model is reported" in note for note in fit.notes)


def test_risk_differences_are_averaged_over_the_covariate(data):
    fit = logistic(data, "reply", ["timing", "day"])
    found = fit.contrasts(scale="response", adjust_for="none").rows[0]
    b = [row.estimate for row in fit.effects]
    day = data["day"].to_numpy()
    by_hand = special.expit(b[0] + b[2] * day).mean() - special.expit(b[0] + b[1] + b[2] * day).mean()
    assert found.estimate == pytest.approx(by_hand, rel=1e-9)


def test_random_intercepts_are_those_of_glmer(data, known):
    fit = logistic(data, "reply", FULL, random={"participant": ["1"], "story": ["1"]})
    rows = known["binary"]["glmer_crossed"]
    np.testing.assert_allclose(
        [row.estimate for row in fit.effects], [row["Estimate"] for row in rows["coef"]], rtol=1e-4
    )
    np.testing.assert_allclose(fit.fit.sd, rows["sd"], rtol=1e-4)


def test_separation_names_the_columns_and_firth_answers(data):
    table = data.assign(never=np.where((data["reply"] == 0) & (data["day"] > 3), "yes", "no"))
    with pytest.raises(DataError, match=r"never\[yes\]"):
        logistic(table, "reply", ["timing", "never"])
    fit = logistic(table, "reply", ["timing", "never"], firth=True)
    assert np.isfinite(fit.effects[2].estimate)
    assert fit.effects[2].estimate < -2
    assert any("Firth" in note for note in fit.notes)


def test_counts_are_those_of_glm_and_mass(data, known):
    for family, key in (("poisson", "poisson"), ("negative binomial", "nb")):
        fit = count(data, "hints", [*FULL, "day"], family=family)
        rows = known["count"][key]
        np.testing.assert_allclose([row.estimate for row in fit.effects], in_order(rows, "Estimate"), rtol=1e-9)
        np.testing.assert_allclose([row.se for row in fit.effects], in_order(rows, "Std. Error"), rtol=1e-6)
    assert "too small" in str(count(data, "hints", FULL, family="poisson"))


def test_zero_inflation_is_the_fit_of_its_array_function(data):
    fit = count(data, "hints", ["timing"], family="zero-inflated", zero_terms=["timing"])
    late = (data["timing"] == "immediate").to_numpy(float)
    x = np.column_stack([np.ones(360), late])
    direct = zero_inflated(data["hints"], np.ones(360), count_design=x, zero_design=x)
    np.testing.assert_allclose([row.estimate for row in fit.effects], np.r_[direct.count, direct.zero], rtol=1e-8)
    expected = fit.means("timing", scale="response")["mean"]
    by_hand = special.expit(-(x @ direct.zero)) * np.exp(x @ direct.count)
    np.testing.assert_allclose(expected, [by_hand[late == 0][0], by_hand[late == 1][0]], rtol=1e-8)
    # saturated in both parts: expected counts are near the observed means
    np.testing.assert_allclose(expected, data.groupby("timing")["hints"].mean(), rtol=0.02)


def zeros_and_poisson(data):
    rng = np.random.default_rng(11)
    mean = np.where(data["timing"] == "immediate", 3.0, 2.0)
    return data.assign(hints=rng.poisson(mean) * (rng.random(len(data)) >= 0.3).astype(int))


def test_zero_inflation_at_the_limit_is_a_poisson_and_says_so(data):
    table = zeros_and_poisson(data)
    found = count(table, "hints", ["timing"], family="zero-inflated", zero_terms=["timing"])
    asked = count(table, "hints", ["timing"], family="zero-inflated poisson", zero_terms=["timing"])

    assert [row.estimate for row in found.effects] == pytest.approx([row.estimate for row in asked.effects], rel=1e-9)
    assert any("no more than a Poisson allows" in note for note in found.notes)
    assert not any("no more than a Poisson allows" in note for note in asked.notes)
    assert "theta" not in str(found)
    assert found.effects[1].estimate == pytest.approx(np.log(1.5), abs=0.2)


@pytest.mark.against_r
def test_pscl_fits_the_same_zero_inflated_poisson(data, run_r, tmp_path):
    fit = count(zeros_and_poisson(data), "hints", ["timing"], family="zero-inflated", zero_terms=["timing"])
    in_r = run_r(fit.r_script(), tmp_path)

    assert in_r["logLik"][0] == pytest.approx(fit.fit.log_likelihood, abs=1e-6)
    shown = [value[0] for name, value in in_r.items() if name.startswith(("count_", "zero_"))]
    assert shown == pytest.approx([row.estimate for row in fit.effects], abs=1e-4)


BAD = {
    "one and two": (logistic, "coded", {}, "Subtract 1"),
    "text": (logistic, "story", {}, "must hold numbers"),
    "negative": (count, "minus", {}, "not negative"),
    "fractions": (count, "y", {}, "whole"),
    "all zero in a cell": (count, "none_late", {}, r"timing\[immediate\]"),
    "firth and random": (logistic, "reply", {"random": {"participant": ["1"]}, "firth": True}, "choose one"),
    "cluster and random": (
        logistic,
        "reply",
        {"random": {"participant": ["1"]}, "cluster": "team"},
        "choose one",
    ),
    "one cluster": (logistic, "reply", {"cluster": "same"}, "one cluster"),
    "zero terms elsewhere": (count, "hints", {"zero_terms": ["timing"]}, "zero-inflated"),
    "unknown zero term": (count, "hints", {"family": "zero-inflated", "zero_terms": ["timimg"]}, "timing"),
    "family": (count, "hints", {"family": "poison"}, "poisson"),
    "nodes of no random effect": (
        logistic,
        "reply",
        {"nodes": 7},
        "nodes=7 are those of an integral over random effects",
    ),
    "nodes of counts": (count, "hints", {"nodes": 7}, "name them in random="),
    "nodes of zeros": (count, "hints", {"family": "zero-inflated", "nodes": 7}, "neither random effects"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_refused_by_name(data, case):
    function, outcome, options, match = BAD[case]
    table = data.assign(
        coded=1 + data["reply"],
        minus=data["hints"] - 1,
        none_late=np.where(data["timing"] == "immediate", 0, data["hints"]),
        same="x",
    )
    with pytest.raises(DataError, match=match):
        function(table, outcome, ["timing", "framing"], **options)


def test_estimating_equations_without_correlation_are_the_logistic_model_with_cr2_and_cr3():
    # R 4.2.2 on feedback_unbalanced.csv, glm(likert >= 4 ~ timing + framing + baseline, binomial), epsilon = 1e-15: CR3
    # is vcovCR of clubSandwich 0.5.8; Kauermann and Carroll's (I - H)^{-1/2} is written out with eigen(): clubSandwich
    # takes another root of the same matrix for its CR2 (5e-6 away here; `logistic` takes that one)
    table = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    table = table.assign(high=(table["likert"] >= 4).astype(int))
    terms = ["timing", "framing", "baseline"]
    plain = logistic(table, "high", terms, cluster="interviewer")
    club = [0.226258832262545, 0.268234792824192, 0.248514681762382, 0.119814613232288]
    np.testing.assert_allclose(plain.frame()["se"], club, rtol=1e-9)
    known = {
        "kauermann-carroll": [0.226259696586025, 0.268233924291185, 0.248515104191987, 0.119814304717403],
        "mancl-derouen": [0.234029707885, 0.276801095114, 0.256930789786, 0.123917932979],
    }
    for correction, ses in known.items():
        fit = gee(
            table, "high", terms, "interviewer", family="binomial", structure="independence", correction=correction
        )
        frame = fit.frame()
        np.testing.assert_allclose(frame["se"], ses, rtol=1e-9)
        np.testing.assert_allclose(frame["estimate"], [one.estimate for one in plain.effects], rtol=1e-10)


@pytest.mark.against_r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not here")
def test_the_r_scripts_print_the_same_numbers(data, tmp_path):
    binary = logistic(data, "reply", FULL, cluster="participant")
    counts = count(data, "hints", FULL).contrasts(of=["timing"], adjust_for="none")
    shown = {}
    for script in (binary.r_script(), counts.r_script()):
        saved = script.save(tmp_path)
        run = subprocess.run(["Rscript", saved.name], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        shown |= dict(line.split("\t") for line in run.stdout.splitlines() if "\t" in line)
    assert float(shown["timingimmediate clustered se"]) == pytest.approx(binary.effects[1].se, rel=1e-6)
    assert float(shown["timingimmediate df"]) == pytest.approx(binary.effects[1].df, rel=1e-6)
    assert float(shown["timingimmediate p"]) == pytest.approx(binary.effects[1].p, rel=1e-6)
    assert float(shown["delayed - immediate estimate"]) == pytest.approx(counts.rows[0].estimate, rel=1e-6)


def test_a_group_without_structural_zeros_is_named(data):
    rng = np.random.default_rng(2)
    late = (data["timing"] != "immediate").to_numpy()
    y = np.where(
        late, rng.binomial(6, 0.5, len(data)), np.where(rng.random(len(data)) < 0.3, 0, rng.poisson(3.0, len(data)))
    )
    with pytest.raises(DataError, match=r"structural zeros comes to nothing or to one \(.*timing\[immediate\]"):
        count(data.assign(hints=y), "hints", ["timing"], family="zero-inflated", zero_terms=["timing"])
