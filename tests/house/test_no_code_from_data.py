"""What may be called and imported where, read from the source: no code from data, heavy libraries in their rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "feedbackstudy"
ANALYSES = PACKAGE.parent / "analyses"
MODULES = sorted(PACKAGE.rglob("*.py"))
EVERY_SOURCE = MODULES + sorted(ANALYSES.rglob("*.py"))

BANNED_CALLS = {"eval", "exec", "compile", "__import__", "print", "input", "breakpoint"}
BANNED_METHODS = {"query", "eval", "read_pickle", "to_pickle", "system", "popen", "unsafe_load", "full_load"}
# DuckDB's relations answer SQL by a method of this name; there, only names of our own making stand in the text.
ALLOWED = {"feedbackstudy/policy/compression/duckdb_engine.py": {"query"}}
BANNED_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "code", "runpy"}
# Where a library may be imported at all; everywhere in the package it is imported inside functions only.
ROOMS = {
    "pymc": ("analysis/bayesian/",),
    "pytensor": ("analysis/bayesian/",),
    "nutpie": ("analysis/bayesian/",),
    "arviz": ("analysis/bayesian/",),
    "bambi": ("analysis/bayesian/",),
    "matplotlib": ("report/",),
    "seaborn": ("report/",),
    "statsmodels": ("adapters/statsmodels",),
    "pingouin": ("adapters/pingouin.py",),
    "yaml": ("yamlfile.py",),
}


def label(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def calls(tree: ast.AST) -> Iterator[tuple[str, bool, int]]:
    """Yield (name, whether it is a method, line); ``re.compile`` is a method, ``compile`` is not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, False, node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, True, node.lineno


def offences(source: str, allowed: frozenset[str] | set[str] = frozenset()) -> list[str]:
    tree = ast.parse(source)
    found = [
        f"line {line}: calls {name}"
        for name, is_method, line in calls(tree)
        if name in (BANNED_METHODS - allowed if is_method else BANNED_CALLS)
    ]
    found += [f"line {line}: imports {name}" for name, line in imports(tree) if name.split(".")[0] in BANNED_MODULES]
    keywords = (n for n in ast.walk(tree) if isinstance(n, ast.keyword) and isinstance(n.value, ast.Constant))
    found += [
        f"line {k.value.lineno}: {k.arg}" for k in keywords if k.arg in {"shell", "allow_pickle"} and k.value.value
    ]
    return found


def test_nothing_runs_code_found_in_data_or_prints():
    found = {
        label(path): offences(path.read_text(encoding="utf-8"), ALLOWED.get(label(path), set()))
        for path in EVERY_SOURCE
    }

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "eval('1')",
        "exec(text)",
        "frame.query('a > 1')",
        "import pickle",
        "from marshal import loads",
        "pd.read_pickle(p)",
        "np.load(p, allow_pickle=True)",
        "subprocess.run(c, shell=True)",
        "print(1)",
    ],
)
def test_the_rule_sees_each_way_of_running_code(line):
    assert offences(line)


def test_compiling_a_pattern_is_not_running_code():
    assert offences("import re\nre.compile('a')\nnp.load(p, allow_pickle=False)") == []


def test_warnings_are_silenced_in_one_place_only():
    """Everything else goes through `feedbackstudy.adapters.quiet`."""
    filters = {"filterwarnings", "simplefilter", "catch_warnings", "resetwarnings"}
    users = {
        label(path)
        for path in EVERY_SOURCE
        if any(name in filters for name, _, _ in calls(ast.parse(path.read_text(encoding="utf-8"))))
    }

    assert users == {"feedbackstudy/adapters/__init__.py"}


def strangers(source: str, where: str) -> list[str]:
    """Return the imports, at the top or inside functions, of libraries that have no business in `where`."""
    return [
        f"line {line}: {name}"
        for name, line in imports(ast.parse(source))
        if name.split(".")[0] in ROOMS and not where.startswith(ROOMS[name.split(".")[0]])
    ]


def test_a_heavy_library_is_imported_in_its_own_room_only():
    places = {path: label(path).removeprefix("feedbackstudy/") for path in EVERY_SOURCE}
    found = {where: strangers(path.read_text(encoding="utf-8"), where) for path, where in places.items()}

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line", ["import pymc", "def f():\n    from matplotlib import pyplot", "import statsmodels.api as sm"]
)
def test_the_rule_sees_an_import_in_the_wrong_room(line):
    assert strangers(line, "analysis/compile.py")


def test_the_rule_allows_an_import_in_its_room():
    assert strangers("import pymc", "analysis/bayesian/means.py") == []
