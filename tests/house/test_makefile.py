"""`make` sets itself up: takes the first Python that runs, refuses an old one, does it once, falls back to pip."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "head", "ls", "touch", "env", "echo", "printf")
OLD = 'case "$1" in --version) echo "Python 3.9.1";; *) exit 1;; esac'
BROKEN_SHIM = 'echo "pyenv: version not installed" >&2; exit 127'
# A Python new enough: `-m venv` makes a venv whose python only writes down what it was asked for.
GOOD = """
if [ "$1" = "-m" ] && [ "$2" = venv ]; then
    mkdir -p "$4/bin"; cp "$TRACE_BIN/python" "$TRACE_BIN/uv" "$4/bin/"; echo "venv by $0" >> "$TRACE"
fi
"""
TRACED = 'echo "{name} $*" >> "$TRACE"; {then}'

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")


def executable(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path):
    """A machine with a checkout, the few tools a Makefile needs, and no Python at all."""
    checkout, tools, venv_bin = tmp_path / "checkout", tmp_path / "bin", tmp_path / "venv-bin"
    checkout.mkdir()
    tools.mkdir()
    for name in (*TOOLS, "mkdir", "cp"):
        (tools / name).symlink_to(shutil.which(name))
    for name in ("Makefile", "requirements.lock", "requirements-uv.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, checkout / name)
    executable(venv_bin / "python", TRACED.format(name="python", then="exit 0"))
    executable(venv_bin / "uv", TRACED.format(name="uv", then="exit 0"))
    return tmp_path


def make(machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": str(machine / "bin"),
        "HOME": str(machine / "home"),
        "TRACE": str(machine / "trace"),
        "TRACE_BIN": str(machine / "venv-bin"),
    }
    command = [str(shutil.which("make")), "-C", str(machine / "checkout"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def trace(machine: Path) -> str:
    return (machine / "trace").read_text(encoding="utf-8")


def test_without_any_python_it_says_what_is_needed(machine):
    done = make(machine, "setup")

    assert done.returncode != 0
    assert "feedbackstudy needs Python 3.12 or newer" in done.stderr
    assert "make PYTHON=/path/to/python3.12 setup" in done.stderr


def test_an_old_python_is_refused_by_its_version(machine):
    executable(machine / "bin" / "python3", OLD)
    done = make(machine, "setup")

    assert done.returncode != 0
    assert "found: Python 3.9.1" in done.stderr
    assert not (machine / "checkout" / ".venv").exists()


def test_an_old_python_that_is_named_is_refused_too(machine):
    executable(machine / "bin" / "python3", GOOD)
    executable(machine / "old", OLD)
    done = make(machine, "setup", f"PYTHON={machine / 'old'}")

    assert done.returncode != 0
    assert "does not run as Python 3.12 or newer (Python 3.9.1)" in done.stderr


@pytest.mark.parametrize("broken", [OLD, BROKEN_SHIM])
def test_a_shim_that_does_not_run_is_passed_over(machine, broken):
    executable(machine / "bin" / "python3", broken)
    executable(machine / "bin" / "python3.14", BROKEN_SHIM)
    executable(machine / "bin" / "python3.12", GOOD)
    done = make(machine, "setup")

    assert done.returncode == 0, done.stderr
    assert "bin/python3.12" in trace(machine).splitlines()[0]


def test_a_python_that_only_pyenv_has_is_found(machine):
    executable(machine / "bin" / "python3", BROKEN_SHIM)
    executable(machine / "home" / ".pyenv" / "versions" / "3.12.1" / "bin" / "python3", GOOD)
    done = make(machine, "setup")

    assert done.returncode == 0, done.stderr
    assert "3.12.1/bin/python3" in trace(machine)


def test_everything_installed_is_checked_by_hash_and_the_project_needs_no_index(machine):
    executable(machine / "bin" / "python3", GOOD)
    done = make(machine, "setup")
    installs = [line for line in trace(machine).splitlines() if " install " in line or " sync " in line]

    assert done.returncode == 0, done.stderr
    assert len(installs) == 3
    assert all("--require-hashes" in line for line in installs[:2])
    assert installs[2].endswith("--no-index --no-deps --no-build-isolation -e .")


def test_the_second_run_does_nothing(machine):
    executable(machine / "bin" / "python3", GOOD)
    make(machine, "setup")
    before = trace(machine)
    again = make(machine, "setup")

    assert "Nothing to be done" in again.stdout
    assert trace(machine) == before


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-uv.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_file_is_set_up_again_in_the_same_venv(machine, name):
    executable(machine / "bin" / "python3", GOOD)
    make(machine, "setup")
    stamp = machine / "checkout" / ".venv" / ".feedbackstudy-stamp"
    os.utime(machine / "checkout" / name, (stamp.stat().st_mtime + 10, stamp.stat().st_mtime + 10))
    again = make(machine, "setup")

    assert "Ready" in again.stdout
    assert trace(machine).count("venv by") == 1


def test_where_uv_cannot_install_pip_does_and_it_is_said(machine):
    executable(machine / "bin" / "python3", GOOD)
    executable(machine / "venv-bin" / "uv", TRACED.format(name="uv", then="exit 2"))
    done = make(machine, "setup")

    assert done.returncode == 0, done.stderr
    assert "falling back to pip" in done.stderr
    assert "--require-hashes -r requirements.lock" in trace(machine).split("uv pip sync")[1]


def test_where_nothing_can_be_installed_it_fails_and_is_not_taken_for_done(machine):
    executable(machine / "bin" / "python3", GOOD)
    executable(machine / "venv-bin" / "uv", "exit 2")
    executable(machine / "venv-bin" / "python", 'case "$*" in *pip*install*) exit 1;; *) exit 0;; esac')
    done = make(machine, "setup")

    assert done.returncode != 0
    assert not (machine / "checkout" / ".venv" / ".feedbackstudy-stamp").exists()
