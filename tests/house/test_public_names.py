"""The public API: listed once, exported, documented, and unchanged unless its snapshot is edited."""

import ast
import difflib
import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import feedbackstudy
from tools import public_api

PACKAGE = Path(feedbackstudy.__file__).parent
# A package with a stub lists its names there, and is looked at through them.
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.with_suffix(".pyi").exists()]


def label(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return ast.literal_eval(node.value)
    return None


def defined(tree: ast.Module) -> dict[str, ast.AST]:
    """Return the public functions and classes that a module defines itself."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {n.name: n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")}


def bound(tree: ast.Module) -> set[str]:
    """Return every name that the top level of a module binds."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def test_the_public_api_is_the_one_in_the_snapshot():
    stored = public_api.SNAPSHOT.read_text(encoding="utf-8").splitlines()
    changes = list(difflib.unified_diff(stored, public_api.public_api().splitlines(), "snapshot", "now", n=0))

    assert changes == [], "if the change is meant, run `make snapshots` and note it in CHANGELOG.md"


@pytest.mark.parametrize("name", feedbackstudy.__all__)
def test_a_public_name_is_reachable_and_documented(name):
    found = getattr(feedbackstudy, name)

    assert name in dir(feedbackstudy)
    assert inspect.getdoc(found)
    if isinstance(found, ModuleType):
        assert {other: bool(inspect.getdoc(getattr(found, other))) for other in found.__all__} == dict.fromkeys(
            found.__all__, True
        )


def test_an_unknown_public_name_is_answered_with_those_that_exist():
    with pytest.raises(AttributeError, match=r"'Studdy'.*public names: .*Provenance"):
        feedbackstudy.Studdy  # noqa: B018


def test_a_verb_that_has_the_name_of_its_room_stays_the_verb(monkeypatch):
    """As `fs.assign` beside the room `feedbackstudy.assign`, in whichever order the two are asked for."""
    room = import_module("feedbackstudy.issues")
    monkeypatch.delattr(feedbackstudy, "issues")
    monkeypatch.setitem(feedbackstudy._HOMES, "issues", ("feedbackstudy.issues", "Issues"))

    feedbackstudy.issues = room  # what the import system does after it has loaded a room

    assert feedbackstudy.issues is room.Issues


def export_faults(source: str) -> list[str]:
    tree = ast.parse(source)
    names, public = exported(tree), set(defined(tree))
    if names is None:
        return [f"defines {sorted(public)} and has no __all__"] if public else []
    faults = [f"twice in __all__: {name}" for name in sorted(set(names)) if names.count(name) > 1]
    faults += [f"public, but not in __all__: {name}" for name in sorted(public - set(names))]
    return faults + [f"in __all__, but not defined: {name}" for name in sorted(set(names) - bound(tree))]


def test_a_module_exports_what_it_defines_and_no_more():
    faults = {label(path): export_faults(path.read_text(encoding="utf-8")) for path in MODULES}

    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def f(): ...", "has no __all__"),
        ("__all__ = ['f']\ndef f(): ...\nclass G: ...", "public, but not in __all__: G"),
        ("__all__ = ['f', 'g']\ndef f(): ...", "in __all__, but not defined: g"),
        ("__all__ = ['f', 'f']\ndef f(): ...", "twice in __all__: f"),
    ],
)
def test_the_rule_sees_a_name_that_is_not_exported(source, fault):
    assert any(fault in found for found in export_faults(source))


def test_every_public_function_and_class_is_documented():
    """That parameters are documented too is checked by numpydoc in `make lint`."""
    trees = {label(path): defined(ast.parse(path.read_text(encoding="utf-8"))) for path in MODULES}

    assert [
        f"{file}: {name}" for file, found in trees.items() for name in found if not ast.get_docstring(found[name])
    ] == []


def option_faults(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """At most three arguments go by position, options among them; a bool never does."""
    positional = [*function.args.posonlyargs, *function.args.args]
    required = len(positional) - len(function.args.defaults)
    flags = [a.arg for a in positional if a.annotation is not None and ast.unparse(a.annotation) == "bool"]
    crowd = ["make the options keyword-only"] if len(positional) > max(3, required) else []
    return crowd + [f"flag by position: {flag}" for flag in flags]


def test_options_are_given_by_name_and_no_flag_by_position():
    faults = {
        f"{label(path)}: {name}": option_faults(node)
        for path in MODULES
        for name, node in defined(ast.parse(path.read_text(encoding="utf-8"))).items()
        if not isinstance(node, ast.ClassDef)
    }

    assert {name: found for name, found in faults.items() if found} == {}


def test_the_rule_sees_a_flag_and_a_crowd():
    (function,) = ast.parse("def f(a, b, c=1, d: bool = False): ...").body

    assert option_faults(function) == ["make the options keyword-only", "flag by position: d"]
