"""The scripts we hand out make afex, car, sandwich, clubSandwich and base R print the same numbers."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.anova import anova
from feedbackstudy.analysis.contrasts import contrasts
from feedbackstudy.analysis.effect_size import effect_size, effect_size_from_f
from feedbackstudy.analysis.gee import gee
from feedbackstudy.analysis.rank_tests import rank_test
from feedbackstudy.analysis.regression import regression
from feedbackstudy.analysis.tost import tost

pytestmark = [pytest.mark.against_r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")]

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FACTORS = ["timing", "framing", "specificity"]


@pytest.fixture(scope="module")
def one():
    found = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    return found.assign(w=1 / np.where(found["timing"] == "delayed", 0.3, 0.6) * (1 + found.index % 3))


@pytest.fixture(scope="module")
def waves():
    return pd.read_csv(REFERENCE / "feedback_repeated.csv")


def by_r(result, folder):
    """Run a result's script and return what it shows."""
    script = result.r_script().save(folder)
    done = subprocess.run(
        [shutil.which("Rscript"), script.name], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 1]
    shown = {name: float(value) if value != "NA" else np.nan for name, value in lines}
    assert shown
    return shown


ANOVAS = {
    "between II": ("one", {"between": FACTORS, "ss_type": 2}),
    "between I": ("one", {"between": FACTORS, "ss_type": 1}),
    "ancova": ("one", {"between": FACTORS, "covariates": ["baseline"]}),
    "observed": ("one", {"between": FACTORS, "observed": ["framing"]}),
    "HC4": ("one", {"between": FACTORS, "vcov": "HC4"}),
    "welch, one factor": ("one", {"between": ["timing"], "vcov": "welch"}),
    "welch, factorial": ("one", {"between": FACTORS, "vcov": "welch"}),
    "clusters": ("one", {"between": FACTORS, "covariates": ["baseline"], "cluster": "interviewer"}),
    "control": ("one", {"between": ["timing", "framing"], "control": {"specificity": "low"}}),
    "mixed III, GG": ("waves", {"between": ["arm", "mode"], "within": ["wave", "topic"]}),
    "mixed II, HF": ("waves", {"between": ["arm", "mode"], "within": ["wave"], "ss_type": 2, "correction": "hf"}),
    "mixed, covariate": ("waves", {"between": ["arm"], "within": ["wave", "topic"], "covariates": ["baseline"]}),
    "within, none": ("waves", {"within": ["wave", "topic"], "correction": "none"}),
    "within I": ("waves", {"between": ["arm"], "within": ["wave"], "ss_type": 1}),
}


@pytest.mark.parametrize("name", ANOVAS)
def test_an_analysis_of_variance(name, request, tmp_path):
    table, options = ANOVAS[name]
    data = request.getfixturevalue(table)
    if table == "waves":
        if "topic" not in options["within"]:
            data = data.groupby(["participant", "arm", "mode", "wave", "baseline"], as_index=False)["rating"].mean()
        found = anova(data, "rating", "participant", **options)
    else:
        found = anova(data, "y", **options)
    shown = by_r(found, tmp_path)

    compared = 0
    for row in found.rows:
        for field, value in (("F", row.f), ("df", row.df), ("df2", row.df2), ("p", row.p), ("eta_g2", row.eta_g2)):
            key = f"{row.term} {field}"
            if key in shown:
                assert value == pytest.approx(shown[key], rel=1e-8), key
                compared += 1
    assert compared >= len(found.rows)


CONTRASTS = {
    "pairs": ("one", {"between": FACTORS, "of": ["timing", "specificity"]}),
    "proportional, HC3": ("one", {"between": FACTORS, "of": ["timing"], "weights": "proportional", "vcov": "HC3"}),
    "welch": ("one", {"between": FACTORS, "of": ["timing", "specificity"], "vcov": "welch", "adjust_for": "hommel"}),
    "clusters": ("one", {"between": FACTORS, "covariates": ["baseline"], "of": ["timing"], "cluster": "interviewer"}),
    "weights, HC2": ("one", {"between": FACTORS, "of": ["timing"], "vcov": "HC2", "row_weights": "w"}),
    "weights, CR2": ("one", {"between": FACTORS, "of": ["timing"], "row_weights": "w", "cluster": "interviewer"}),
    "within": ("waves", {"within": ["wave"], "adjust_for": "fdr_bh"}),
    "mixed": ("waves", {"between": ["arm"], "within": ["wave"], "by": ["wave"], "covariates": ["baseline"]}),
    "mixed, unequal": ("waves", {"between": ["arm"], "within": ["wave"], "method": "interaction", "vcov": "welch"}),
}


@pytest.mark.parametrize("name", CONTRASTS)
def test_contrasts(name, request, tmp_path):
    table, options = CONTRASTS[name]
    data = request.getfixturevalue(table)
    if table == "waves":
        data = data.groupby(["participant", "arm", "mode", "wave", "baseline"], as_index=False)["rating"].mean()
        found = contrasts(data, "rating", participant="participant", **options)
    else:
        found = contrasts(data, "y", **options)
    shown = by_r(found, tmp_path)

    for row in found.rows:
        label = f"{row.contrast} | {row.by}" if row.by else row.contrast
        for field, value in (("estimate", row.estimate), ("se", row.se), ("df", row.df), ("p", row.p)):
            assert value == pytest.approx(shown[f"{label} {field}"], rel=1e-8), field
        if not row.by:
            assert row.p_adjusted == pytest.approx(shown[f"{label} p adjusted"], rel=1e-8)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"vcov": "HC4"},
        {"vcov": "HC2", "weights": "w"},
        {"cluster": "interviewer"},
        {"cluster": "interviewer", "weights": "w"},
    ],
)
def test_a_regression(one, options, tmp_path):
    found = regression(one, "y", ["timing", "framing", "baseline", "timing:framing"], **options)
    shown = by_r(found, tmp_path)

    for c in found.coefficients:
        for field in ("estimate", "se", "p", "df"):
            if f"{c.name} {field}" in shown:
                assert getattr(c, field) == pytest.approx(shown[f"{c.name} {field}"], rel=1e-7), (c.name, field)


@pytest.mark.parametrize("kind", ["d", "g", "glass", "unpooled", "rank_biserial", "cles", "dz", "dav"])
def test_an_effect_size(one, waves, kind, tmp_path):
    if kind in ("dz", "dav"):
        data = waves[(waves["topic"] == "content") & (waves["wave"] != "later")]
        found = effect_size(data, "rating", "wave", participant="participant", kind=kind)
    else:
        found = effect_size(one, "y", "framing", kind=kind)
    shown = by_r(found, tmp_path)
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (shown["estimate"], shown["low"], shown["high"]), rel=1e-6
    )


@pytest.mark.parametrize("kind", ["eta_p2", "omega_p2"])
def test_an_effect_size_of_f(kind, tmp_path):
    found = effect_size_from_f(4.2, 2, 80, kind=kind)
    shown = by_r(found, tmp_path)
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (shown["estimate"], shown["low"], shown["high"]), rel=1e-6
    )


@pytest.mark.parametrize("variance", ["welch", "student"])
def test_equivalence(one, variance, tmp_path):
    found = tost(one, "y", "framing", bounds=0.5, variance=variance)
    shown = by_r(found, tmp_path)
    assert (found.p_lower, found.p_upper, found.df, found.p) == pytest.approx(
        (shown["p_lower"], shown["p_upper"], shown["df"], shown["p"]), rel=1e-9
    )


def test_rank_tests(one, waves, tmp_path):
    content = waves[waves["topic"] == "content"]
    for i, found in enumerate(
        (
            rank_test(one, "likert", "timing"),
            rank_test(one, "likert", "interviewer"),
            rank_test(content[content["wave"] != "later"], "rating", "wave", participant="participant"),
            rank_test(content, "rating", "wave", participant="participant"),
        )
    ):
        shown = by_r(found, tmp_path / str(i))
        assert found.p == pytest.approx(shown["p"], rel=1e-8)
        if "statistic" in shown:
            assert abs(found.statistic) == pytest.approx(abs(shown["statistic"]), rel=1e-8)


@pytest.mark.parametrize("structure", ["exchangeable", "independence"])
@pytest.mark.parametrize("correction", ["kauermann-carroll", "mancl-derouen", "none"])
@pytest.mark.parametrize(("family", "outcome"), [("gaussian", "y"), ("binomial", "reapply"), ("poisson", "likert")])
def test_estimating_equations(one, family, outcome, correction, structure, tmp_path):
    terms = ["timing", "baseline"]
    found = gee(one, outcome, terms, "interviewer", family=family, structure=structure, correction=correction)
    shown = by_r(found, tmp_path)
    assert found.correlation == pytest.approx(shown["correlation"], abs=1e-7)
    for c in found.coefficients:
        assert (c.estimate, c.se) == pytest.approx((shown[f"{c.name} estimate"], shown[f"{c.name} se"]), rel=1e-6)
