"""What holds in every test: loopback sockets only, an untouched global random state, warnings as errors."""

import os
import random
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from feedbackstudy.adapters import KNOWN_WARNINGS

ROOT = Path(__file__).resolve().parents[1]
NETWORK = ROOT / "tests" / "network"
NO_R = "R with all packages of our scripts is not here"
R_PACKAGES = (
    "BayesFactor", "GPArotation", "MASS", "afex", "clubSandwich", "emmeans", "jsonlite", "lavaan", "lme4", "lmerTest",
    "loo", "metafor", "ordinal", "pbkrtest", "psych", "rstan", "sandwich", "semTools",
)  # fmt: skip
NO_SHARED = "the folder ../shared with the founders' reference figures is not here"

os.environ["MPLBACKEND"] = "Agg"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(NETWORK), os.environ.get("PYTHONPATH")]))
sys.path.insert(0, str(NETWORK))
import sitecustomize as _loopback_only  # noqa: E402, F401  (importing it installs the hook)

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_configure(config):
    for known in KNOWN_WARNINGS:
        config.addinivalue_line("filterwarnings", known.filter_line())


def pytest_collection_modifyitems(items):
    """R is never needed: where it is not whole, what compares with it is skipped and counted aloud."""
    compared = [item for item in items if item.get_closest_marker("against_r")]
    lacking = r_lacks() if compared else ""
    for item in compared if lacking else ():
        item.add_marker(pytest.mark.skip(reason=f"{NO_R} ({lacking})"))


@cache
def r_lacks() -> str:
    """What keeps R from answering: the program itself, or the packages that our scripts load."""
    program = shutil.which("Rscript")
    if program is None:
        return "no Rscript"
    wanted = ", ".join(f"'{package}'" for package in R_PACKAGES)
    asks = f"p <- c({wanted}); cat(p[!vapply(p, requireNamespace, TRUE, quietly = TRUE)])"
    done = subprocess.run([program, "-e", asks], capture_output=True, text=True, check=False, timeout=300)
    return done.stdout.strip() if done.returncode == 0 else "Rscript fails"


def pytest_terminal_summary(terminalreporter):
    for title, words in (("reference figures not checked", NO_SHARED), ("not compared with R", NO_R)):
        skipped = [r for r in terminalreporter.stats.get("skipped", []) if words in str(r.longrepr)]
        if skipped:
            terminalreporter.section(title)
            terminalreporter.write_line(f"{len(skipped)} reference tests were SKIPPED: {words}.")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The founders' folder beside the checkout; where it exists, a file missing from it fails the test."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(NO_SHARED)
    return folder


@pytest.fixture(autouse=True)
def global_random_state_untouched():
    """Chance is an argument: no code of ours draws from, or seeds, a global generator."""
    ours, theirs = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
    yield
    assert random.getstate() == ours, "the global state of the module random was changed"
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    same = after["state"]["pos"] == theirs["state"]["pos"] and np.array_equal(
        after["state"]["key"], theirs["state"]["key"]
    )
    assert same, "the global state of numpy.random was changed"
