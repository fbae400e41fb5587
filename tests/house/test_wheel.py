"""The wheel, built through the sdist, holds what git tracks and nothing else, and works in an empty folder."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("analyses", "datasets", "notebooks")


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Build sdist, then wheel from it, with the locked build tools and no network; returns the folder of both."""
    out = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """Install the wheel in an empty environment that borrows the locked packages, but not the checkout."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=built).returncode == 0
    folder = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    # A folder named in a .pth file is searched, but its own .pth files (the editable install) are not obeyed.
    (folder / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", venv / "bin" / "python")
    done = run(*pip, "install", "--no-index", "--no-deps", "--no-compile", wheel, cwd=built)
    assert done.returncode == 0, done.stdout + done.stderr
    return venv / "bin"


@pytest.fixture
def elsewhere(tmp_path) -> dict[str, str]:
    """The environment of a user who has no checkout and an empty data folder."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith(("FEEDBACKSTUDY", "PYTHON"))}
    network = str(ROOT / "tests" / "network")
    return mine | {"XDG_DATA_HOME": str(tmp_path / "data"), "PYTHONPATH": network, "PYTHONDONTWRITEBYTECODE": "1"}


def tracked() -> set[str]:
    listed = run("git", "ls-files", "-z", "feedbackstudy", *SHIPPED, cwd=ROOT)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the tracked files are not known")
    return {name for name in listed.stdout.split("\0") if name}


def test_the_wheel_holds_exactly_the_tracked_files(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    expected = {f"feedbackstudy/_shipped/{name}" if name.split("/")[0] in SHIPPED else name for name in tracked()}

    assert inside - expected == set(), "in the wheel, but not tracked by git"
    assert expected - inside == set(), "tracked by git, but not in the wheel"


def test_the_wheel_names_licence_and_command(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(f"{info}/METADATA").decode()
        commands = archive.read(f"{info}/entry_points.txt").decode()
        names = archive.namelist()

    assert "License-Expression: GPL-3.0-or-later" in metadata
    assert f"{info}/licenses/LICENSE" in names
    assert "feedbackstudy = feedbackstudy.cli.main:main" in commands


def test_the_sdist_holds_what_the_wheel_is_made_of(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}

    assert tracked() <= inside
    assert {"pyproject.toml", "LICENSE", "README.md"} <= inside


def test_the_installed_package_is_not_the_checkout(installed, elsewhere, tmp_path):
    code = "import feedbackstudy.shipped as s; print(s.__file__); print(s.folder('datasets'))"
    done = run(installed / "python", "-c", code, cwd=tmp_path, env=elsewhere)
    module, folder = map(Path, done.stdout.split())

    assert module.is_relative_to(installed.parent)
    assert folder == module.parent / "_shipped" / "datasets"


def test_the_installed_package_lists_and_loads_every_dataset(installed, elsewhere, tmp_path):
    code = (
        "from feedbackstudy import datasets, shipped\n"
        "keys = sorted(p.parent.name for p in shipped.folder('datasets').glob('*/dataset_description.json'))\n"
        "for key in keys: print(key, len(datasets.load(key).frame))"
    )
    loaded = run(installed / "python", "-c", code, cwd=tmp_path, env=elsewhere)
    listed = run(installed / "feedbackstudy", "datasets", "list", "--json", cwd=tmp_path, env=elsewhere)
    rows = [line.rsplit(" ", 1) for line in loaded.stdout.splitlines()]

    assert loaded.returncode == 0, loaded.stderr
    assert listed.returncode == 0, listed.stderr
    assert {key for key, _ in rows} == {p.parent.name for p in (ROOT / "datasets").glob("*/dataset_description.json")}
    assert all(int(n) > 0 for _, n in rows)
    assert all(key in listed.stdout for key, _ in rows)
    json.loads(listed.stdout)


def test_the_installed_package_reproduces_an_analysis(installed, elsewhere, tmp_path):
    done = run(installed / "feedbackstudy", "reproduce", "bertrand2004", cwd=tmp_path, env=elsewhere)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "bertrand2004" in done.stdout
    assert [p.name for p in tmp_path.iterdir() if p.name != "data"] == []


def test_the_installed_package_copies_the_course(installed, elsewhere, tmp_path):
    done = run(installed / "feedbackstudy", "course", tmp_path / "course", cwd=tmp_path, env=elsewhere)
    wanted = {p.name for p in (ROOT / "notebooks").glob("*.ipynb")}

    assert done.returncode == 0, done.stdout + done.stderr
    assert wanted
    assert {p.name for p in (tmp_path / "course").rglob("*.ipynb")} == wanted
