"""Write the public API as text, names and signatures: ``python -m tools.public_api``.

Signatures are read from the source, so the text does not depend on the Python version that wrote it.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import feedbackstudy

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOT = ROOT / "tests" / "house" / "public_api.txt"

type Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def _definitions(file: str) -> dict[str, ast.stmt]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, Function.__value__ | ast.ClassDef)}


def _node(obj: object) -> ast.stmt | None:
    file = inspect.getsourcefile(inspect.unwrap(obj)) if callable(obj) else None
    return _definitions(file).get(obj.__name__) if file and hasattr(obj, "__name__") else None


def _signature(node: Function) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({ast.unparse(node.args)}){returns}"


def _is_property(node: Function) -> bool:
    return any("property" in ast.unparse(d) for d in node.decorator_list)


def _members(cls: type) -> Iterator[str]:
    """Yield the fields and public methods of a class, those of its ancestors in this package included."""
    seen: set[str] = set()
    for base in cls.__mro__:
        node = _node(base) if base.__module__.startswith("feedbackstudy") else None
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                name, text = part.target.id, f": {ast.unparse(part.annotation)}"
                text += f" = {ast.unparse(part.value)}" if part.value else ""
            elif isinstance(part, Function.__value__):
                name, text = part.name, _signature(part)
                text = f": {text.rpartition(' -> ')[2]}" if _is_property(part) else text
            else:
                continue
            if name not in seen and (not name.startswith("_") or name == "__init__"):
                seen.add(name)
                yield f"{name}{text}"


def _lines(path: str, obj: object) -> Iterator[str]:
    if isinstance(obj, ModuleType):
        yield path
        for name in sorted(obj.__all__):
            yield from _lines(f"{path}.{name}", getattr(obj, name))
    elif isinstance(obj, type):
        yield f"{path} ({', '.join(base.__name__ for base in obj.__bases__)})"
        yield from (f"    {member}" for member in _members(obj))
    else:
        node = _node(obj)
        yield f"{path}{_signature(node)}" if isinstance(node, Function.__value__) else f"{path}: {type(obj).__name__}"


def public_api() -> str:
    """Return every public name of the package with its signature, fields and methods, one a line."""
    names = sorted(feedbackstudy.__all__)
    return "\n".join(line for name in names for line in _lines(name, getattr(feedbackstudy, name))) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(public_api(), encoding="utf-8")
