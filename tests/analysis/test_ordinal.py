"""Cumulative models of a data frame: numbers of ordinal and emmeans, proportional odds in sight, R, bad input."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.logistic import logistic
from feedbackstudy.analysis.ordinal import ordinal
from feedbackstudy.errors import DataError, NotFoundError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FULL = ["timing", "framing", "timing:framing"]


@pytest.fixture(scope="module")
def known() -> dict:
    return json.loads((REFERENCE / "mixed_effects.json").read_text(encoding="utf-8"))["ordinal"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


def test_coefficients_and_thresholds_are_those_of_clm(data, known):
    fit = ordinal(data, "rating", FULL, link="probit")
    rows = [row["Estimate"] for row in known["probit"]["coef"]]
    np.testing.assert_allclose(fit.thresholds_frame()["estimate"], rows[:4], rtol=1e-9)
    found = {row.effect: row.estimate for row in fit.effects}
    assert found["timing[immediate]"] == pytest.approx(rows[4], rel=1e-9)
    assert found["timing[immediate]:framing[neutral]"] == pytest.approx(rows[8], rel=1e-9)
    assert all(row.ratio is None for row in fit.effects)


@pytest.mark.parametrize(
    ("scale", "key", "column"), [("latent", "latent", "emmean"), ("response", "mean_class", "mean.class")]
)
def test_marginal_means_are_those_of_emmeans(data, known, scale, key, column):
    means = ordinal(data, "rating", FULL).means("timing", "framing", scale=scale).set_index("cell")
    for row in known["logit"][key]:
        found = means.loc[f"{row['timing']}:{row['framing']}"]
        np.testing.assert_allclose([found["mean"], found["se"]], [row[column], row["SE"]], rtol=1e-9)


def test_nominal_and_scale_tests_are_those_of_ordinal(data, known):
    fit = ordinal(data, "rating", ["timing", "framing"])
    for found, key in ((fit.proportional_odds(), "nominal"), (fit.scale_tests(), "scale")):
        rows = {row["term"]: row for row in known["tests"][key]}
        for one in found:
            np.testing.assert_allclose(
                [one.statistic, one.df, one.p], [rows[one.term][k] for k in ("LRT", "Df", "Pr(>Chi)")], rtol=1e-6
            )
    assert "proportional odds" in str(fit)


def test_wald_tests_of_terms_do_not_depend_on_names_of_levels(data):
    plain = ordinal(data, "rating", FULL)
    turned = data.assign(framing=data["framing"].map({"gain": "z", "loss": "b", "neutral": "m"}))
    other = ordinal(turned, "rating", ["framing", "timing", "timing:framing"])
    for row in plain.terms:
        twin = next(one for one in other.terms if one.term == row.term)
        np.testing.assert_allclose([row.statistic, row.df, row.p], [twin.statistic, twin.df, twin.p], rtol=1e-8)
    # one coefficient: chi square is the square of its z where the factor has no interaction
    single = ordinal(data, "rating", ["timing"])
    assert single.terms[0].statistic == pytest.approx(single.effects[0].statistic ** 2, rel=1e-9)


def test_random_intercepts_are_those_of_clmm(data, known):
    fit = ordinal(data, "rating", FULL, random={"participant": ["1"]})
    assert fit.effects[0].estimate == pytest.approx(known["laplace"]["coef"][4]["Estimate"], rel=1e-4)
    assert float(fit.fit.sd[0]) == pytest.approx(known["laplace"]["sd"], rel=1e-4)
    latent = fit.contrasts(of=["timing"], adjust_for="none").rows[0]
    assert latent.d == pytest.approx(latent.estimate / np.sqrt(np.pi**2 / 3 + float(fit.fit.sd[0]) ** 2), rel=1e-9)


def test_two_categories_are_logistic_regression_and_a_far_away_covariate_is_no_separation(data):
    table = data.assign(high=(data["rating"] > 3).astype(int), year=2000 + data["day"])
    two = ordinal(table, "high", ["timing", "year"])
    assert {one.note for one in two.proportional_odds()} == {"Not testable, as two categories have one threshold."}
    known = logistic(table, "high", ["timing", "year"])
    found = {row.effect: (row.estimate, row.se) for row in two.effects}
    for row in known.effects[1:]:
        assert found[row.effect] == pytest.approx((row.estimate, row.se), rel=1e-5)


def test_words_as_categories_keep_their_order(data):
    words = pd.Categorical.from_codes(
        data["rating"] - 1, ["never", "seldom", "at times", "often", "always"], ordered=True
    )
    fit = ordinal(data.assign(rating=words), "rating", FULL)
    assert fit.thresholds_frame()["threshold"].tolist()[0] == "never|seldom"
    plain = ordinal(data, "rating", FULL)
    pd.testing.assert_frame_equal(fit.means(scale="response"), plain.means(scale="response"))


def test_a_category_that_is_missing_in_complete_rows_is_said(data):
    words = pd.Categorical.from_codes(data["rating"] - 1, ["a", "b", "c", "d", "e"], ordered=True)
    table = data.assign(rating=words)
    table.loc[table["rating"] == "b", "timing"] = None
    fit = ordinal(table, "rating", FULL)
    assert fit.categories == ("a", "c", "d", "e")
    assert any("b" in note and "threshold" in note for note in fit.notes)


BAD = {
    "text": ({"outcome": "story"}, DataError, "must hold numbers"),
    "unordered": ({"outcome": "unordered"}, DataError, "order"),
    "constant": ({"outcome": "five"}, DataError, "nothing varies"),
    "separated": ({"outcome": "split"}, DataError, "separation"),
    "two categories separated": ({"outcome": "halves", "terms": ["timing"]}, DataError, "separation"),
    "slopes": ({"random": {"participant": ["1", "day"]}}, DataError, "random intercepts only"),
    "random as list": ({"random": ["participant"]}, DataError, "maps each"),
    "link": ({"link": "probits"}, DataError, "probit"),
    "column": ({"terms": ["timimg"]}, NotFoundError, "timing"),
    "level": ({"level": 95}, DataError, "between 0 and 1"),
    "quadrature": ({"random": {"participant": ["1"], "story": ["1"]}, "nodes": 7}, DataError, "Laplace"),
    "row as group": ({"random": {"row": ["1"]}}, DataError, "cannot be told"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_refused_by_name(data, case):
    given, error, match = BAD[case]
    table = data.assign(
        five=5,
        unordered=pd.Categorical(data["framing"]),
        split=np.where(data["timing"] == "delayed", 1, 1 + data["rating"]),
        halves=np.where(data["timing"] == "delayed", 1, 2),
        row=np.arange(len(data)).astype(str),
    )
    call = {"outcome": "rating", "terms": FULL} | given
    with pytest.raises(error, match=match):
        ordinal(table, call.pop("outcome"), call.pop("terms"), **call)


@pytest.mark.against_r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not here")
def test_nodes_without_random_effects_are_refused_and_the_check_says_what_it_takes_rows_for(data):
    with pytest.raises(DataError, match="leave nodes out"):
        ordinal(data, "rating", ["timing"], nodes=7)
    assert "rows as if independent" in str(ordinal(data, "rating", ["timing"], cluster="team"))


def test_the_r_scripts_print_the_same_numbers(data, tmp_path):
    fit = ordinal(data, "rating", FULL)
    expected = fit.contrasts(of=["timing"], scale="response", adjust_for="none")
    shown = {}
    for script in (fit.r_script(), expected.r_script()):
        saved = script.save(tmp_path)
        run = subprocess.run(["Rscript", saved.name], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        shown |= dict(line.split("\t") for line in run.stdout.splitlines() if "\t" in line)
    assert float(shown["timingimmediate estimate"]) == pytest.approx(fit.effects[0].estimate, rel=1e-6)
    assert float(shown["delayed - immediate estimate"]) == pytest.approx(expected.rows[0].estimate, rel=1e-6)
    assert float(shown["delayed - immediate se"]) == pytest.approx(expected.rows[0].se, rel=1e-6)
