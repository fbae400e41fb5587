"""The package imports what pyproject.toml declares: always needed at the top of a module, extras inside functions."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = sorted((ROOT / "feedbackstudy").rglob("*.py")) + sorted((ROOT / "analyses").rglob("*.py"))
DISTRIBUTION = {
    "yaml": "pyyaml",
    "diff_diff": "diff-diff",
    "docx": "python-docx",
    "pydantic_core": "pydantic",
}  # where the names differ


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~ \[]", line)[0].lower() for line in requirements}


CORE = names(PROJECT["dependencies"])
EXTRAS = names([line for use, group in PROJECT["optional-dependencies"].items() if use != "dev" for line in group])


def third_party(source: str) -> Iterator[tuple[str, bool, int]]:
    """Yield (distribution, whether imported whenever the module is, line)."""
    tree = ast.parse(source)
    deferred = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        for top in {module.split(".")[0] for module in modules}:
            if top not in sys.stdlib_module_names and top != "feedbackstudy":
                yield DISTRIBUTION.get(top, top).lower(), id(node) not in deferred, node.lineno


def undeclared(source: str) -> list[str]:
    return [
        f"line {line}: {name}"
        for name, at_once, line in third_party(source)
        if name not in (CORE if at_once else CORE | EXTRAS)
    ]


def test_what_the_package_imports_is_declared():
    found = {path.relative_to(ROOT).as_posix(): undeclared(path.read_text(encoding="utf-8")) for path in SOURCES}

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    ["import xarray", "def f():\n    import requests", "import polars", "import pytest", "from docx import Document"],
)
def test_the_rule_sees_what_is_not_declared(source):
    assert undeclared(source)


@pytest.mark.parametrize("source", ["import numpy as np", "def f():\n    import docx", "import yaml", "import ast"])
def test_the_rule_allows_what_is_declared(source):
    assert not undeclared(source)


def test_every_dependency_is_used():
    """What is declared and never imported is a burden on every user."""
    used = {name for path in SOURCES for name, _, _ in third_party(path.read_text(encoding="utf-8"))}

    assert CORE - used == set()
