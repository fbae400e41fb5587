"""The public API: listed once, exported, documented, and unchanged unless its snapshot is edited."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import feedbackstudy
from tools import public_api

PACKAGE = Path(feedbackstudy.__file__).parent
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.name != "__init__.py"]


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
    now = public_api.public_api()
    stored = public_api.SNAPSHOT.read_text(encoding="utf-8")

    assert now == stored, "the public API changed; if that is meant, run `make snapshots` and note it in CHANGELOG.md"


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


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_a_module_exports_what_it_defines_and_no_more(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = exported(tree)
    public = set(defined(tree))

    if names is None:
        assert not public, f"{label(path)} defines {sorted(public)} and has no __all__"
        return
    assert len(names) == len(set(names))
    assert public <= set(names), f"public, but not in __all__: {sorted(public - set(names))}"
    assert set(names) <= bound(tree), f"in __all__, but not defined: {sorted(set(names) - bound(tree))}"


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_every_public_function_and_class_is_documented(path):
    """That its parameters are documented too is checked by numpydoc in `make lint`."""
    found = defined(ast.parse(path.read_text(encoding="utf-8")))

    assert [name for name, node in found.items() if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_options_are_given_by_name_and_no_flag_by_position(path):
    """At most three arguments go by position, options among them; a bool never does."""
    for name, node in defined(ast.parse(path.read_text(encoding="utf-8"))).items():
        if isinstance(node, ast.ClassDef):
            continue
        positional = [*node.args.posonlyargs, *node.args.args]
        required = len(positional) - len(node.args.defaults)
        flags = [a.arg for a in positional if a.annotation is not None and ast.unparse(a.annotation) == "bool"]

        assert len(positional) <= max(3, required), f"{name}: make the options after the second keyword-only"
        assert not flags, f"{name}: flags by position: {flags}"
