"""Small rooms: a module has one subject, a function has one job, and no module is empty."""

import ast
from pathlib import Path

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


def test_a_module_is_short_and_has_one_subject():
    lines = {label(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}

    assert {name: n for name, n in lines.items() if n > MODULE_LINES} == {}


def test_a_module_is_named_for_its_subject():
    parts = {label(path): set(path.relative_to(PACKAGE).with_suffix("").parts) for path in MODULES}

    assert [name for name, words in parts.items() if words & BANNED_NAMES] == []


def test_a_function_has_one_job():
    sizes = {}
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        sizes |= {f"{label(path)}:{f.lineno} {f.name}": code_lines(f, text.splitlines()) for f in functions}

    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}


def says_something(path: Path) -> bool:
    """Return whether a module holds more than docstrings; a room's ``__init__`` may hold just that."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    is_room = path.name == "__init__.py" and len(list(path.parent.glob("[!_]*"))) > 0
    return is_room or any(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in body)


def test_no_module_is_empty():
    assert [label(path) for path in MODULES if not says_something(path)] == []


def test_code_lines_are_counted_without_docstring_and_comments():
    head = 'def f(\n    a,\n):\n    """Say.\n\n    More.\n    """\n    # why\n\n'
    source = head + "    b = (\n        a\n    )\n    return b\n"

    assert code_lines(ast.parse(source).body[0], source.splitlines()) == 4
