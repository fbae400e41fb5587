"""Every key of a study file, from the classes that read it: ``docs/study-keys.md`` (``python -m tools.study_keys``)."""

import inspect
import re
from pathlib import Path
from typing import get_args

from numpydoc.docscrape import NumpyDocString
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from feedbackstudy import Study
from feedbackstudy.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "study-keys.md"
HEAD = """# Keys of `study.yaml`

Written by `python -m tools.study_keys` from the classes that read the file; do not edit by hand. `feedbackstudy study
check` names the line of whatever does not fit, with the nearest key.

"""


def inside(annotation: object) -> list[type[BaseModel]]:
    """Return every class of keys that an annotation may hold.

    Parameters
    ----------
    annotation : object
        Of a field.

    Returns
    -------
    list of type
        In the order in which they stand.
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = (getattr(annotation, "__value__", None), getattr(annotation, "__origin__", None), *get_args(annotation))
    return [model for part in parts if part is not None and part is not annotation for model in inside(part)]


def found_in(root: type[BaseModel]) -> dict[type[BaseModel], str]:
    """Return the classes that a study file may hold, each with the key under which it first stands.

    Parameters
    ----------
    root : type
        The class of the whole file.

    Returns
    -------
    dict of type to str
        Breadth first.
    """
    where = {root: ""}
    queue = [root]
    while queue:
        model = queue.pop(0)
        for name, field in model.model_fields.items():
            for each in inside(field.annotation):
                if each not in where:
                    where[each] = f"{where[model]}.{field.alias or name}".lstrip(".")
                    queue.append(each)
    return where


def _told(model: type[BaseModel]) -> dict[str, tuple[str, str]]:
    """Return type and meaning of each key, as the class's documentation has them."""
    told: dict[str, tuple[str, str]] = {}
    for base in reversed(model.__mro__):
        if not (isinstance(base, type) and issubclass(base, BaseModel) and base.__doc__):
            continue
        for part in NumpyDocString(inspect.cleandoc(base.__doc__))["Attributes"]:
            for name in re.split(r",\s*", part.name):
                told[name] = (part.type, " ".join(part.desc).strip())
    return told


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str | int | float) and value != "" else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _tag(model: type[BaseModel]) -> tuple[str, str]:
    """Return the key and value that tell a class from its alternatives; empty where it has none."""
    for name in ("by", "kind"):
        field = model.model_fields.get(name)
        if field is not None and len(get_args(field.annotation)) == 1 and isinstance(field.default, str):
            return name, field.default
    return "", ""


def _type(words: str) -> str:
    """Say the type in the words of a file."""
    text = re.sub(r"\b(Named|tuple) of\b", "list of", words.replace(" or None", ""))
    return re.sub(r"\bstr\b", "text", re.sub(r"\bint\b", "whole number", re.sub(r"\bfloat\b", "number", text)))


def _section(model: type[BaseModel], where: str) -> list[str]:
    told, (tag, value) = _told(model), _tag(model)
    title = (f"`{where}`" if where else "The file") + (f" with `{tag}: {value}`" if tag else "")
    summary = inspect.cleandoc(model.__doc__ or "").partition("\n")[0]
    lines = [f"## {title}", "", summary, "", "| key | value | unless given | meaning |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        if key != tag:
            kind, meaning = told.get(key, ("", ""))
            lines.append(
                f"| `{field.alias or key}` | {_cell(_type(kind))} | {_cell(_default(field))} | {_cell(meaning)} |"
            )
    return [*lines, ""]


def page() -> str:
    """Return the page.

    Returns
    -------
    str
        Markdown.
    """
    lines = [line for model, where in found_in(Study).items() for line in _section(model, where)]
    return HEAD + "\n".join(lines)


if __name__ == "__main__":
    write_atomic(PAGE, page())
