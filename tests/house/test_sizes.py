"""Small rooms: a module has one subject, a function has one job, and no module is empty."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "feedbackstudy"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 350
FUNCTION_LINES = 40
BANNED_NAMES = {"utils", "util", "helpers", "common", "core", "internal", "misc"}


def label(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Count the lines of a function's body that hold code: no docstring, comment, blank line or decorator."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    lines = source[body[0].lineno - 1 : function.end_lineno]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_a_module_is_short_and_named_for_its_subject(path):
    lines = path.read_text(encoding="utf-8").count("\n")

    assert lines <= MODULE_LINES, f"{label(path)} has {lines} lines; it has two subjects by now: split it"
    assert not BANNED_NAMES & set(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_a_function_has_at_most_forty_lines_of_code(path):
    text = path.read_text(encoding="utf-8")
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]

    sizes = {f"{label(path)}:{f.lineno} {f.name}": code_lines(f, text.splitlines()) for f in functions}

    assert not {name: size for name, size in sizes.items() if size > FUNCTION_LINES}


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_no_module_is_empty(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    says_something = any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in body)
    is_room_with_content = path.name == "__init__.py" and len(list(path.parent.iterdir())) > 1

    assert says_something or is_room_with_content


def test_code_lines_are_counted_without_docstring_and_comments():
    head = 'def f(\n    a,\n):\n    """Say.\n\n    More.\n    """\n    # why\n\n'
    source = head + "    b = (\n        a\n    )\n    return b\n"

    assert code_lines(ast.parse(source).body[0], source.splitlines()) == 4
