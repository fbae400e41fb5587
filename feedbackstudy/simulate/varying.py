"""A declaration with some values changed, addressed by dotted paths."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from feedbackstudy.declaration import Declaration
from feedbackstudy.errors import DeclarationError, NotFoundError, choices
from feedbackstudy.named import Fixed, Named

__all__ = ["paths_of", "varied"]


def varied[D: Declaration](declared: D, changes: Mapping[str, object]) -> D:
    """Return a declaration with some values changed.

    Parameters
    ----------
    declared : Declaration
        The declaration.
    changes : mapping of str to object
        Path -> new value.

    Returns
    -------
    Declaration
        A checked copy.

    Raises
    ------
    NotFoundError
        For a path that does not exist; the message has the nearest that do.
    DeclarationError
        For a value that cannot be; the message begins with the path.
    """
    data: dict[str, Any] = {name: getattr(declared, name) for name in type(declared).model_fields}
    for path, value in changes.items():
        parts = path.split(".")
        if parts[0] not in data:
            raise NotFoundError(choices("What is to vary", path, paths_of(declared)))
        data[parts[0]] = _replaced(declared, data[parts[0]], parts[1:], value, path)
    return type(declared)(**data)


def _replaced(declared: Declaration, old: Any, parts: list[str], value: object, path: str) -> Any:  # noqa: ANN401
    if not parts:
        return value
    head, rest = parts[0], parts[1:]
    if isinstance(old, Named) and head in old.names:
        return Named(_replaced(declared, e, rest, value, path) if e.name == head else e for e in old)
    if isinstance(old, Fixed):
        if head in old or not (rest or isinstance(next(iter(old.values()), None), BaseModel)):
            return Fixed({**old, head: _replaced(declared, old.get(head), rest, value, path)})
    elif isinstance(old, BaseModel) and head in type(old).model_fields:
        new = {**dict(old), head: _replaced(declared, getattr(old, head), rest, value, path)}
        try:
            return type(old)(**new)
        except DeclarationError as fault:
            raise DeclarationError(f"{path}: {fault}") from fault
    raise NotFoundError(choices("What is to vary", path, paths_of(declared)))


def paths_of(declared: object) -> tuple[str, ...]:
    """Return the paths of single values.

    Parameters
    ----------
    declared : Declaration
        The declaration.

    Returns
    -------
    tuple of str
        Dotted paths.
    """
    found: list[str] = []
    _collect(declared, "", found)
    return tuple(found)


def _collect(thing: object, prefix: str, found: list[str]) -> None:
    inside: dict[str, object] = {}
    if isinstance(thing, BaseModel):
        inside = {name: getattr(thing, name) for name in type(thing).model_fields if name != "name"}
    elif isinstance(thing, Named):
        inside = {each.name: each for each in thing}
    elif isinstance(thing, Fixed):
        inside = dict(thing)
    elif not isinstance(thing, tuple):
        found.append(prefix.removesuffix("."))
    for name, value in inside.items():
        _collect(value, f"{prefix}{name}.", found)
