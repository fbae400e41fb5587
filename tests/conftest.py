"""What holds in every test: loopback sockets only, an untouched global random state, warnings as errors."""

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from feedbackstudy.adapters import KNOWN_WARNINGS

ROOT = Path(__file__).resolve().parents[1]
NETWORK = ROOT / "tests" / "network"
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


def pytest_terminal_summary(terminalreporter):
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if NO_SHARED in str(r.longrepr)]
    if skipped:
        terminalreporter.section("reference figures not checked")
        terminalreporter.write_line(f"{len(skipped)} reference tests were SKIPPED: {NO_SHARED}.")


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
