"""The lavaan script that a mediation analysis hands out gives the same numbers; run where Rscript is present."""

import math
import shutil
import subprocess

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.mediation import mediation
from tests.analysis.conftest import as_scores
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


@pytest.mark.slow
def test_the_script_bootstraps_too(tmp_path):
    found = mediation(feedback(), "Fg", "challenge", "outcome", n_boot=600, draws=1000, seed=1)
    shown = by_r(found, tmp_path)
    for i, a in enumerate(found.answers, start=1):
        assert a.low == pytest.approx(shown[f"low.e{i}"], abs=0.4 * a.se)
        assert a.high == pytest.approx(shown[f"high.e{i}"], abs=0.4 * a.se)


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


PATHS = {
    "simple": ("simple", {}),
    "serial": ("serial", {}),
    "parallel": ("parallel", {}),
    "difference": ("parallel", {"effect": "difference"}),
    "clusters": ("simple", {"clusters": True}),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_declared_path_is_integrated(declared, run_r, tmp_path, name):
    structure, more = PATHS[name]
    steps = [{"score": "challenge"}, {"score": "selfeff"}][: 1 if structure == "simple" else 2]
    path = {"through": steps, "structure": structure} | {k: v for k, v in more.items() if k == "effect"}
    contrast = {"kind": "main_effect", "factor": "framing", "level": "gain", "against": "loss"}
    question = {"name": "q", "text": "A path.", "outcome": "outcome", "contrast": contrast, "direction": "either"}
    plan = {"decides": {}, "families": [], "covariates": ["baseline"]}
    study = declared(hypotheses=[question | {"role": "exploratory", "path": path}], plan=plan)
    scores = as_scores(study, "feedback_unbalanced", clusters="clusters" in more)
    answer = analyse(scores, study).answer("q")
    row = next(row for row in answer.rows if row.engine == "bayesian")

    in_r = run_r(answer.r_script(), tmp_path / "r")

    shown = {key: values[0] for key, values in in_r.items()}
    agree(answer.path.main.posterior, row.se, shown, "", row.bayes_factor, 1e-4)
    assert (row.bayes_factor is None) == (structure == "parallel")
    assert shown["estimate"] == pytest.approx(answer.path.main.estimate, rel=1e-5)


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
