"""Mixed models of a data frame: lmerTest's tables, whatever the order of levels; contrasts; R; bad input by name."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.lmm import lmm
from feedbackstudy.errors import DataError, NotFoundError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FULL = ["timing", "framing", "timing:framing"]
SEARCH = 2e-6  # where lme4's search stops


@pytest.fixture(scope="module")
def known() -> dict:
    return json.loads((REFERENCE / "mixed_effects.json").read_text(encoding="utf-8"))["lmer"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


def test_slopes_give_lmertests_f_table_and_ranova(data, known):
    fit = lmm(data, "y", ["timing", "day", "timing:day"], {"participant": ["1", "day"]})
    rows = {row["term"]: row for row in known["slopes"]["anova3_satt"]}
    # lmerTest takes day as it is, and factors so that a term is averaged over the others
    for row in fit.terms:
        np.testing.assert_allclose(
            [row.statistic, row.df, row.df2],
            [rows[row.term][key] for key in ("F value", "NumDF", "DenDF")],
            rtol=SEARCH,
        )
        assert row.p == pytest.approx(rows[row.term]["Pr(>F)"], rel=1e-4)
    (without,) = fit.random_tests()
    ranova = known["slopes"]["ranova"][1]
    np.testing.assert_allclose(
        [without.log_likelihood, without.aic, without.statistic, without.df, without.p],
        [ranova[key] for key in ("logLik", "AIC", "LRT", "Df", "Pr(>Chisq)")],
        rtol=1e-7,
    )
    assert without.p_boundary < without.p
    assert any("day = 0" in note for note in fit.notes)


@pytest.mark.parametrize(("df", "key"), [("satterthwaite", "anova3_satt"), ("kenward-roger", "anova3_kr")])
def test_nested_and_crossed_f_tests_are_lmertests(data, known, df, key):
    for name, random in (
        ("nested", {"team": ["1"], "team:participant": ["1"]}),
        ("crossed", {"participant": ["1"], "story": ["1"], "team": ["1"]}),
    ):
        fit = lmm(data, "y", FULL, random, df=df)
        rows = {row["term"]: row for row in known[name][key]}
        for row in fit.terms:
            assert row.statistic == pytest.approx(rows[row.term]["F value"], rel=SEARCH)
            # Fai and Cornelius' df of several contrasts depend on their basis; lmerTest's turns with the first level
            slack = 2e-3 if df == "satterthwaite" and row.df > 1 else SEARCH
            assert row.df2 == pytest.approx(rows[row.term]["DenDF"], rel=slack)


def test_covariates_and_kenward_roger_are_lmertests(data, known):
    fit = lmm(
        data,
        "y",
        ["timing", "day", "framing", "timing:day"],
        {"participant": ["1"], "story": ["1"]},
        df="kenward-roger",
    )
    rows = {row["term"]: row for row in known["covariate"]["anova3_kr"]}
    for row in fit.terms:
        np.testing.assert_allclose(
            [row.statistic, row.df2], [rows[row.term]["F value"], rows[row.term]["DenDF"]], rtol=SEARCH
        )


def test_an_interaction_without_its_main_effect_spans_what_r_spans(data, known):
    fit = lmm(data, "y", ["timing", "timing:framing"], {"participant": ["1"]})
    rows = known["unordered"]
    assert len(fit.effects) == len(rows["fixed_satt"])
    assert fit.fit.log_likelihood == pytest.approx(rows["loglik"], rel=1e-11)
    inside = next(row for row in fit.terms if row.term == "timing:framing")
    assert (inside.df, inside.statistic) == (4, pytest.approx(rows["anova3_satt"][1]["F value"], rel=SEARCH))
    whole = lmm(data, "y", FULL, {"participant": ["1"]})
    pd.testing.assert_frame_equal(fit.means("timing"), whole.means("timing"), rtol=1e-8)


def test_names_of_levels_and_order_of_terms_change_nothing(data):
    plain = lmm(data, "y", FULL, {"participant": ["1"], "story": ["1"]})
    turned = data.assign(
        framing=data["framing"].map({"gain": "z", "loss": "b", "neutral": "m"}),
        timing=data["timing"].map({"immediate": "a", "delayed": "b"}),
    ).sample(frac=1, random_state=3)
    other = lmm(turned, "y", ["framing", "timing", "timing:framing"], {"story": ["1"], "participant": ["1"]})
    rows = {row.term: row for row in other.terms}
    for row in plain.terms:
        twin = rows[row.term]
        np.testing.assert_allclose(
            [row.statistic, row.df, row.df2, row.p], [twin.statistic, twin.df, twin.df2, twin.p], rtol=1e-8
        )


def test_marginal_means_and_pairs_are_those_of_emmeans(data, known):
    random = {"participant": ["1"], "story": ["1"]}
    means = lmm(data, "y", FULL, random).means("timing", "framing").set_index("cell")
    for row in known["emmeans_satt"]:
        found = means.loc[f"{row['timing']}:{row['framing']}"]
        np.testing.assert_allclose(
            [found["mean"], found["se"], found["df"]], [row[key] for key in ("emmean", "SE", "df")], rtol=1e-5
        )
    found = lmm(data, "y", FULL, random, df="kenward-roger").contrasts(of=["framing"], adjust_for="none")
    assert (found.n, found.counted) == (len(data), "rows")
    by_name = {row.contrast: row for row in found.rows}
    for row in known["pairs_kr"]:
        one = by_name[row["contrast"]]
        np.testing.assert_allclose(
            [one.estimate, one.se, one.df, one.p], [row[key] for key in ("estimate", "SE", "df", "p.value")], rtol=1e-4
        )


def test_standardised_effects_are_over_all_variance(data):
    fit = lmm(data, "y", FULL, {"participant": ["1"], "story": ["1"]})
    total = fit.fit.sigma2 + sum(one.covariance[0, 0] for one in fit.components)
    row = fit.effects[1]
    assert row.std_estimate == pytest.approx(row.estimate / np.sqrt(total), rel=1e-12)
    assert sum(fit.icc.values()) == pytest.approx(1 - fit.fit.sigma2 / total, rel=1e-12)


def test_a_planned_contrast_is_put_to_the_model(data):
    fit = lmm(data, "y", FULL, {"participant": ["1"]})
    found = fit.contrasts({"immediate": {"immediate": 1, "delayed": -1}}, of=["timing"], adjust_for="none").rows[0]
    f = next(row for row in fit.terms if row.term == "timing")
    assert found.statistic**2 == pytest.approx(f.statistic, rel=1e-9)
    assert found.df == pytest.approx(f.df2, rel=1e-9)


def test_missing_rows_are_counted_aloud(data):
    holed = data.assign(y=data["y"].where(np.arange(len(data)) % 40 > 0))
    fit = lmm(holed, "y", FULL, {"participant": ["1"]})
    assert fit.n == 351
    assert "9 of 360 rows left out" in str(fit)


def test_the_page_shows_effects_tests_and_variances(data):
    text = str(lmm(data, "y", FULL, {"participant": ["1"], "team": ["1"]}))
    for part in ("Fixed effects", "type III", "Random effects", "ICC, participant", "Satterthwaite", "singular"):
        assert part in text


def test_variances_are_shown_as_such_and_correlations_as_such(data):
    fit = lmm(data, "y", ["timing"], {"participant": ["1", "day"]})
    table = str(fit).split("Random effects")[1]
    assert "nan" not in table
    assert "1, day" in table
    marks = [line.split()[-2] for line in table.splitlines()[3:7]]
    assert marks == ["SD", "SD", "r", "SD"]


BAD = {
    "formula": ({"terms": ["timing*framing"]}, NotFoundError, "timing"),
    "random as text": ({"random": {"participant": "1"}}, DataError, "list"),
    "no random": ({"random": {}}, DataError, "regression"),
    "unknown group": ({"random": {"partisipant": ["1"]}}, NotFoundError, "participant"),
    "row as group": ({"random": {"row": ["1"]}}, DataError, "cannot be told"),
    "single group": ({"random": {"same": ["1"]}}, DataError, "single level"),
    "text outcome": ({"outcome": "story"}, DataError, "must hold numbers"),
    "constant outcome": ({"outcome": "five"}, DataError, "nothing varies"),
    "infinite": ({"outcome": "endless"}, DataError, "infinite"),
    "collinear": ({"terms": ["timing", "copy"]}, DataError, "combination"),
    "twice": ({"terms": ["timing", "framing", "timing:framing", "framing:timing"]}, DataError, "twice"),
    "one level": ({"terms": ["same_word"]}, DataError, "one level"),
    "slopes beyond rows": ({"random": {"participant": ["1", "day", "story"]}}, DataError, "cannot be told"),
    "df": ({"df": "satterthwait"}, DataError, "satterthwaite"),
    "method": ({"estimation": "reml2"}, DataError, "reml"),
    "uncorrelated": ({"uncorrelated": ["team"]}, DataError, "participant"),
    "ml and kenward-roger": ({"estimation": "ml", "df": "kenward-roger"}, DataError, "REML"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_refused_by_name(data, case):
    given, error, match = BAD[case]
    table = data.assign(
        row=np.arange(len(data)).astype(str),
        same="x",
        same_word="x",
        five=5.0,
        endless=np.where(np.arange(len(data)) == 3, np.inf, data["y"]),
        copy=data["timing"].map({"immediate": "now", "delayed": "later"}),
    )
    call = {"outcome": "y", "terms": FULL, "random": {"participant": ["1"]}} | given
    with pytest.raises(error, match=match):
        lmm(table, call.pop("outcome"), call.pop("terms"), call.pop("random"), **call)


@pytest.mark.against_r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not here")
def test_the_r_script_prints_the_same_numbers(data, tmp_path):
    odd = data.rename(columns={"participant": "who `x`", "y": "the outcome"})
    fit = lmm(odd, "the outcome", ["timing", "day", "timing:day"], {"who `x`": ["1", "day"]})
    script = fit.r_script().save(tmp_path)
    run = subprocess.run(["Rscript", script.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    shown = dict(line.split("\t") for line in run.stdout.splitlines() if "\t" in line)
    assert float(shown["logLik"]) == pytest.approx(fit.fit.log_likelihood, rel=1e-9)
    assert float(shown["timingimmediate estimate"]) == pytest.approx(fit.effects[1].estimate, rel=1e-5)
    assert float(shown["timingimmediate df"]) == pytest.approx(fit.effects[1].df, rel=1e-4)
