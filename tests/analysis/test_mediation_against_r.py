"""The lavaan script that a mediation analysis hands out gives the same numbers; run where Rscript is present."""

import math
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.mediation import mediation
from tests.analysis.conftest import REFERENCE
from tools.analysis_cases.mediation import feedback

pytestmark = [pytest.mark.against_r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")]

COMMON = {"vcov": "ml", "interval": "delta", "n_boot": 399, "draws": 1000, "seed": 1}


def by_r(result, folder):
    """Run the script and return what it shows."""
    script = result.r_script().save(folder)
    done = subprocess.run(
        [shutil.which("Rscript"), script.name], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {name: float(value) for name, value in lines}


CALLS = {
    "serial": {"mediators": ["challenge", "selfeff"], "structure": "serial", "covariates": ["baseline"]},
    "parallel": {"mediators": ["challenge", "threat"], "structure": "parallel"},
    "moderated": {"mediators": "challenge", "moderator": "timing", "moderates": ["first", "second", "direct"]},
}


@pytest.mark.parametrize("name", CALLS)
def test_the_script_shows_our_effects(name, tmp_path):
    found = mediation(feedback(), "framing", y="outcome", contrast={"gain": 1, "loss": -1}, **CALLS[name], **COMMON)
    shown = by_r(found, tmp_path)
    for i in range(len(found.answers)):
        assert found.delta.estimate[i] == pytest.approx(
            shown[f"est.e{i + 1}"], rel=1e-5, abs=2e-5
        )  # where lavaan stops
        assert found.delta.se[i] == pytest.approx(shown[f"se.e{i + 1}"], rel=1e-4)


@pytest.mark.parametrize("interval", ["percentile", "bca", "monte carlo"])
def test_the_script_has_our_intervals(tmp_path, interval):
    how = {"n_boot": 19_999 if interval == "monte carlo" else 4999, "draws": 1000, "seed": 1}
    found = mediation(feedback(), "Fg", "challenge", "outcome", interval=interval, **how)
    shown = by_r(found, tmp_path)
    for i, a in enumerate(found.answers, start=1):
        # of 4999 draws a limit has a Monte-Carlo error of some 0.04 standard errors, in each of the two sets
        assert a.low == pytest.approx(shown[f"CI low.e{i}"], abs=0.2 * a.se)
        assert a.high == pytest.approx(shown[f"CI high.e{i}"], abs=0.2 * a.se)
        assert (a.estimate, a.se) == pytest.approx((shown[f"estimate.e{i}"], shown[f"se.e{i}"]), rel=0.05)


ERRORS = {"ols": {}, "ml": {"vcov": "ml"}, "HC3": {"vcov": "HC3"}, "CR1": {"cluster": "room"}}


@pytest.mark.parametrize("vcov", ERRORS)
def test_the_script_has_our_errors_of_every_covariance(tmp_path, vcov):
    rows = feedback().assign(room=np.arange(400) // 8)
    how = {"mediators": ["challenge", "threat"], "structure": "parallel", "n_boot": 399, "draws": 1000, "seed": 1}
    found = mediation(rows, "Fg", y="outcome", interval="delta", **how, **ERRORS[vcov])
    shown = by_r(found, tmp_path)
    assert found.fit.vcov == vcov
    assert shown["se.e1"] == pytest.approx(found.answers[0].se, rel=1e-8)
    for i, a in enumerate(found.answers, start=1):
        ours = (a.estimate, a.se, a.low, a.high, a.p)
        names = ("estimate", "se", "CI low", "CI high", "p")
        assert ours == pytest.approx([shown[f"{name}.e{i}"] for name in names], rel=1e-7)


def test_a_monte_carlo_interval_over_clusters_knows_them_in_the_script(tmp_path):
    rows = feedback().assign(room=lambda d: d["Fg"] * 20 + np.arange(len(d)) % 20)
    rows["outcome"] += np.random.default_rng(4).normal(size=40)[rows["room"].astype(int)] * 2
    how = {"cluster": "room", "n_boot": 19_999, "draws": 1000, "seed": 1}
    found = mediation(rows, "Fg", "challenge", "outcome", interval="monte carlo", **how)
    alone = mediation(rows, "Fg", "challenge", "outcome", interval="monte carlo", n_boot=999, draws=1000, seed=1)
    shown = by_r(found, tmp_path)
    direct = [a.effect.name for a in found.answers].index("direct")
    assert found.answers[direct].se > 1.5 * alone.answers[direct].se
    for i, a in enumerate(found.answers, start=1):
        assert (a.estimate, a.se) == pytest.approx((shown[f"estimate.e{i}"], shown[f"se.e{i}"]), rel=0.05)
        assert a.low == pytest.approx(shown[f"CI low.e{i}"], abs=0.2 * a.se)
        assert a.high == pytest.approx(shown[f"CI high.e{i}"], abs=0.2 * a.se)


def test_incomplete_rows_are_fitted_by_full_information(tmp_path):
    rows = pd.read_csv(REFERENCE / "feedback_missing.csv")
    rows["gain"] = (rows["framing"] == "gain").astype(float)
    how = {"structure": "serial", "missing": "fiml", "n_boot": 4999, "draws": 1000, "seed": 1}
    found = mediation(rows, "gain", ["challenge", "selfeff"], "outcome", **how)

    shown = by_r(found, tmp_path)

    for i, a in enumerate(found.answers, start=1):
        assert a.estimate == pytest.approx(shown[f"est.e{i}"], abs=1e-4 * a.se)
        assert found.delta.se[i - 1] == pytest.approx(shown[f"se.e{i}"], rel=1e-4)
        assert a.low == pytest.approx(shown[f"CI low.e{i}"], abs=0.2 * a.se)
        assert a.high == pytest.approx(shown[f"CI high.e{i}"], abs=0.2 * a.se)


def agree(posterior, sd, shown, end, factor, tolerance=1e-4):
    """Two sets of draws: 20,000 of ours, 200,000 of R's; limits by five of their Monte-Carlo errors or so."""
    assert posterior.median == pytest.approx(shown[f"median{end}"], abs=0.05 * sd)
    assert sd == pytest.approx(shown[f"posterior sd{end}"], rel=0.03)
    assert posterior.low == pytest.approx(shown[f"low{end}"], abs=0.2 * sd)
    assert posterior.high == pytest.approx(shown[f"high{end}"], abs=0.2 * sd)
    assert posterior.prob_direction == pytest.approx(shown[f"P(direction){end}"], abs=0.02)
    assert (factor is None) == (f"log_bayes_factor{end}" not in shown)
    if factor is not None:
        assert math.log(factor) == pytest.approx(shown[f"log_bayes_factor{end}"], abs=tolerance)


@pytest.mark.parametrize("name", CALLS)
def test_the_script_integrates_the_posterior(name, tmp_path):
    how = COMMON | {"draws": 20_000}
    found = mediation(feedback(), "framing", y="outcome", contrast={"gain": 1, "loss": -1}, **CALLS[name], **how)
    shown = by_r(found, tmp_path)
    for i, a in enumerate(found.answers, start=1):
        agree(a.posterior, a.sd, shown, f".e{i}", a.bayes_factor)


def test_single_effects_and_those_over_a_moderator(tmp_path):
    how = {"moderator": "baseline", "moderates": ["first"], "n_boot": 1999, "draws": 20_000, "seed": 1}
    found = mediation(feedback(), "Fg", "challenge", "outcome", **how)
    view, density = found.conditional(), found.density()

    shown, one = by_r(view, tmp_path / "view"), by_r(density, tmp_path / "one")

    sd = np.array([shown[f"posterior sd {i}"] for i in range(1, len(view.at) + 1)])
    for ours, name, tolerance in (
        (view.estimate, "estimate", 1e-6),
        (view.low, "CI low", 0.3),
        (view.high, "CI high", 0.3),
        (view.median, "median", 0.05),
        (view.hdi_low, "low", 0.2),
        (view.hdi_high, "high", 0.2),
    ):
        theirs = np.array([shown[f"{name} {i}"] for i in range(1, len(view.at) + 1)])
        assert (np.abs(ours - theirs) / sd).max() < tolerance, name
    assert density.estimate == pytest.approx(one["estimate"], rel=1e-6)
    agree(density.posterior, one["posterior sd"], one, "", found.main.bayes_factor)
