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
    "statsmodels": ("adapters/statsmodels.py",),
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


def offences(source: str) -> list[str]:
    tree = ast.parse(source)
    found = [
        f"line {line}: calls {name}"
        for name, is_method, line in calls(tree)
        if name in (BANNED_METHODS if is_method else BANNED_CALLS)
    ]
    found += [f"line {line}: imports {name}" for name, line in imports(tree) if name.split(".")[0] in BANNED_MODULES]
    keywords = (n for n in ast.walk(tree) if isinstance(n, ast.keyword) and isinstance(n.value, ast.Constant))
    found += [
        f"line {k.value.lineno}: {k.arg}" for k in keywords if k.arg in {"shell", "allow_pickle"} and k.value.value
    ]
    return found


@pytest.mark.parametrize("path", EVERY_SOURCE, ids=label)
def test_nothing_runs_code_found_in_data_or_prints(path):
    assert offences(path.read_text(encoding="utf-8")) == []


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


@pytest.mark.parametrize("path", EVERY_SOURCE, ids=label)
def test_warnings_are_silenced_in_one_place_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    filters = {"filterwarnings", "simplefilter", "catch_warnings", "resetwarnings"}
    found = [f"line {line}: {name}" for name, _, line in calls(tree) if name in filters]

    assert found == [] or path == PACKAGE / "adapters" / "__init__.py", "use feedbackstudy.adapters.quiet"


@pytest.mark.parametrize("path", EVERY_SOURCE, ids=label)
def test_a_heavy_library_is_imported_in_its_own_room_only(path):
    where = path.relative_to(PACKAGE).as_posix() if path in MODULES else label(path)

    strangers = [
        f"line {line}: {name}"
        for name, line in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] in ROOMS and not where.startswith(ROOMS[name.split(".")[0]])
    ]

    assert strangers == []
