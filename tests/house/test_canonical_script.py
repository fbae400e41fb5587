"""The dozen lines in the README run: those that can, do; those marked ``not yet`` name a verb that is still absent."""

import ast
import re
from pathlib import Path

import pytest

from feedbackstudy.study import new_study

ROOT = Path(__file__).resolve().parents[2]
MARK = "# not yet"


def script(document: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "import feedbackstudy as fs" in b]
    return [line for line in block.splitlines() if line.strip()]


def verb(line: str) -> str | None:
    """Return what a line of the script calls first, as written: ``fs.assign``."""
    calls = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]
    return ast.unparse(calls[0].func) if calls else None


@pytest.fixture
def at_a_study(tmp_path, monkeypatch) -> Path:
    new_study(tmp_path / "second-chance", "second-chance")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme_and_architecture_show_the_same_verbs_in_the_same_order():
    assert list(map(verb, script("README.md"))) == list(map(verb, script("ARCHITECTURE.md")))


def test_the_script_runs_but_for_the_lines_marked_not_yet(at_a_study):
    lines = [line for line in script("README.md") if MARK not in line]
    scope: dict[str, object] = {}

    exec("\n".join(lines), scope)

    assert type(scope["study"]).__name__ == "Study"
    assert (at_a_study / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")


def run_line(line: str, scope: dict[str, object]) -> Exception | None:
    try:
        exec(line, scope)
    except Exception as fault:
        return fault
    return None


@pytest.mark.usefixtures("at_a_study")
def test_a_mark_stands_only_where_the_verb_is_absent_or_waits_for_an_absent_one():
    marked = [line for line in script("README.md") if MARK in line]
    waited_for = {line.split(" = ")[0] for line in marked}
    scope: dict[str, object] = {}
    exec("import feedbackstudy as fs\nstudy = fs.Study.load('second-chance/study.yaml')", scope)
    scope |= dict.fromkeys(waited_for)

    for line in marked:
        fault = run_line(line, scope)
        absent = isinstance(fault, AttributeError) and "has no attribute" in str(fault)
        waits = any(re.search(rf"\b{name}\b", line.partition(" = ")[2]) for name in waited_for)
        assert absent or (fault and waits), f"{verb(line)} can run by now: take the mark away"
