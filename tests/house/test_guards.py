"""The guards in conftest.py bite: global chance, the network and warnings each fail a test, in child processes too."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from feedbackstudy.adapters import KNOWN_WARNINGS, quiet
from feedbackstudy.errors import NotFoundError

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("192.0.2.1", 80)  # an address for documentation; the hook is asked, nothing is sent

BAD_TESTS = """
import random, sys, warnings
import numpy as np
import pytest

def test_numpy_seed(): np.random.seed(1)
def test_numpy_draw(): np.random.rand()
def test_random_draw(): random.random()
def test_warning(): warnings.warn("old", DeprecationWarning)
def test_network(): sys.audit("socket.connect", None, ("192.0.2.1", 80))
def test_name_lookup(): sys.audit("socket.getaddrinfo", "example.org", 80, 0, 0, 0)
@pytest.mark.parametrize("x", [])
def test_nothing(x): pass
def test_good(): np.random.default_rng(1).normal(); random.Random(1).random()
"""


def inner_run(tmp_path: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on `source` with this suite's own configuration and conftest, in another process."""
    (tmp_path / "conftest.py").write_text(
        (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8").replace("parents[1]", "parent"), encoding="utf-8"
    )
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "test_inner.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "-q", str(tmp_path / "test_inner.py")],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_test_that_uses_global_chance_the_network_or_warns_fails(tmp_path):
    done = inner_run(tmp_path, BAD_TESTS.replace('@pytest.mark.parametrize("x", [])\ndef test_nothing(x): pass\n', ""))

    for name in ("warning", "network", "name_lookup"):
        assert re.search(f"FAILED .*::test_{name}\\b", done.stdout), done.stdout
    for name in ("numpy_seed", "numpy_draw", "random_draw"):
        assert re.search(f"ERROR .*::test_{name}\\b", done.stdout), done.stdout
    assert "::test_good" not in done.stdout


def test_a_parametrised_test_without_cases_fails(tmp_path):
    done = inner_run(tmp_path, BAD_TESTS)

    assert done.returncode != 0
    assert "test_nothing" in done.stdout


def test_a_missing_shared_folder_is_counted_aloud(tmp_path):
    done = inner_run(tmp_path, "def test_one(shared): pass\ndef test_two(shared): pass\n")

    assert "2 reference tests were SKIPPED" in done.stdout, done.stdout


@pytest.mark.parametrize("event", ["socket.connect", "socket.sendto", "socket.bind"])
def test_an_address_outside_is_refused_in_this_process(event):
    with pytest.raises(PermissionError, match="loopback sockets only"):
        sys.audit(event, None, OUTSIDE)


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("127.8.9.1", 1), ("::1", 1, 0, 0), ("localhost", 1), "/tmp/s"])
def test_loopback_and_local_sockets_are_allowed(address):
    sys.audit("socket.connect", None, address)


def test_listening_on_every_address_is_refused():
    with pytest.raises(PermissionError, match=r"0\.0\.0\.0"):
        sys.audit("socket.bind", None, ("", 8000))


def test_an_address_outside_is_refused_in_a_child_process():
    code = f"import sys; sys.audit('socket.connect', None, {OUTSIDE!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "loopback sockets only" in done.stderr


@pytest.mark.parametrize("known", KNOWN_WARNINGS or [None], ids=str)
def test_a_silenced_warning_is_named_narrowly_and_explained(known):
    if known is None:
        return
    assert known.category is not Warning
    assert known.module
    assert known.module not in {".*", ".+"}
    assert known.message
    assert known.link.startswith("https://")


def test_a_wrapper_silences_its_own_known_warnings_and_no_others():
    with pytest.raises(UserWarning, match="something else"), quiet("statsmodels"):
        warnings.warn("something else", UserWarning, stacklevel=1)
    for known in KNOWN_WARNINGS:
        text = f"{known.message}"
        with quiet(known.library):
            filters = [f for f in warnings.filters if f[0] == "ignore" and f[2] is known.category]
        assert any(f[1] is not None and f[1].pattern == text for f in filters), text


def test_a_library_without_a_wrapper_is_refused_with_the_choices():
    with pytest.raises(NotFoundError, match=r"'statsmodel'.*Did you mean 'statsmodels'"), quiet("statsmodel"):
        pass
