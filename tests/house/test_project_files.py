"""The files around the package agree with pyproject.toml, and none of them names a package registry."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tools import conda

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Put together here, so that this file does not name them itself.
REGISTRIES = [
    "py" + "pi.org",
    "py" + "thonhosted.org",
    "registry.npm" + "js.org",
    "deb.deb" + "ian.org",
    "anaconda" + ".org",
    "--extra-" + "index-url",
    "--index" + "-url",
    "--find" + "-links",
]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the tracked files are not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_environment_yml_equals_pyproject():
    stored = conda.ENVIRONMENT.read_text(encoding="utf-8")

    assert stored == conda.environment(), "run `make snapshots`"


def test_environment_yml_holds_every_dependency_under_its_conda_name():
    listed = [line for line in yaml.safe_load(conda.environment())["dependencies"] if isinstance(line, str)]
    names = {re.split(r"[<>=!~ ]", line)[0] for line in listed}
    wanted = {re.split(r"[<>=!~ ]", line)[0] for line in PROJECT["dependencies"]}

    assert wanted <= names
    assert "python" in names
    assert "python-duckdb" in names


def test_no_tracked_file_names_a_package_registry():
    hits = [
        f"{path.relative_to(ROOT)}: {registry}"
        for path in tracked()
        for registry in REGISTRIES
        if registry.encode() in path.read_bytes()
    ]

    assert hits == []


def locked_extras():
    """Every extra is locked but spark, whose test is opt-in."""
    return [line for use, group in PROJECT["optional-dependencies"].items() if use != "spark" for line in group]


def test_the_lock_pins_every_dependency_with_hashes():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    extras = locked_extras()
    entries = re.split(r"\n(?=\S)", lock)
    pinned = {re.split(r"==", entry)[0].lower() for entry in entries}

    assert all("--hash=sha256:" in entry for entry in entries if entry.strip())
    for requirement in [*PROJECT["dependencies"], *extras]:
        assert re.split(r"[<>=!~ ]", requirement)[0].lower() in pinned


def test_the_lock_is_as_new_as_what_pyproject_asks_for():
    lock = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))
    for requirement in [*PROJECT["dependencies"], *locked_extras()]:
        name, floor = re.split(r">=|==", requirement.partition(",")[0])
        wanted, pinned = (tuple(map(int, re.findall(r"\d+", v)[:3])) for v in (floor, lock[name.lower()]))
        assert pinned >= wanted, f"{name} is locked below its floor {floor}"


def test_the_licence_is_the_gpl_and_everything_says_so():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

    assert "GNU GENERAL PUBLIC LICENSE" in licence
    assert "Version 3, 29 June 2007" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert citation["license"] == PROJECT["license"] == "GPL-3.0-or-later"


def test_version_and_name_agree_in_citation_and_changelog():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert citation["title"] == PROJECT["name"]
    assert str(citation["version"]) == PROJECT["version"]
    assert f"## {PROJECT['version']}" in changelog


def test_the_python_floor_is_the_same_everywhere():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floor = PROJECT["requires-python"].removeprefix(">=")

    assert pyproject["tool"]["mypy"]["python_version"] == floor
    assert pyproject["tool"]["ruff"]["target-version"] == f"py{floor.replace('.', '')}"
    assert f"--python-version {floor}" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_no_row_that_may_not_be_shipped_is_tracked(shared):
    """Rows of people in ../shared/data/rows stay there; known by name and by content."""
    rows = [
        path for path in (shared / "data" / "rows").rglob("*") if path.suffix in {".csv", ".tsv", ".parquet", ".sav"}
    ]
    sizes = {path.stat().st_size: path for path in rows}
    same = [
        path
        for path in tracked()
        if path.stat().st_size in sizes and path.read_bytes() == sizes[path.stat().st_size].read_bytes()
    ]

    assert rows, "the folder of rows was expected to hold tables"
    assert same == []
