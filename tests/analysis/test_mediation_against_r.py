"""The lavaan script that a mediation analysis hands out gives the same numbers; run where Rscript is present."""

import shutil
import subprocess

import pytest

from feedbackstudy.analysis.mediation import mediation
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
