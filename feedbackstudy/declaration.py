"""The base of everything declared: frozen, strict, true from birth, read from YAML with a line for each error."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic._internal._model_construction import ModelMetaclass
from pydantic_core import ErrorDetails

from feedbackstudy import yamlfile
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.files import write_atomic
from feedbackstudy.yamlfile import Document, YamlValue

__all__ = ["Declaration", "Many", "digest", "explain", "from_document", "read_document", "to_document"]


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


type Many[T] = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A tuple that also accepts a list, as YAML gives it."""


class _SpeakingErrors(ModelMetaclass):
    """Words the error of a direct call; nested validation never passes here, so locations stay whole."""

    if not TYPE_CHECKING:

        def __call__(cls, *args, **values):  # noqa: ANN002, ANN003, ANN204, N805
            try:
                return super().__call__(*args, **values)
            except pydantic.ValidationError as fault:
                raise DeclarationError(explain(fault, cls, None)) from fault


class Declaration(BaseModel, metaclass=_SpeakingErrors):
    """A declared fact: immutable, strict about types, and without unknown keys.

    Subclasses state fields and validators only; a validator raises ``ValueError`` with the whole sentence
    (what is wrong, which values were given, what to do). Wrong input raises `DeclarationError`.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", validate_default=True, arbitrary_types_allowed=False
    )

    schema_version: ClassVar[int] = 1
    migrations: ClassVar[Mapping[int, Callable[[dict[str, YamlValue]], dict[str, YamlValue]]]] = {}
    """Schema version -> the step that lifts a file's data from it to the next version."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people put here and that belong elsewhere -> a sentence that says where."""

    @classmethod
    def from_data(cls, data: YamlValue, document: Document | None = None) -> Self:
        """Build the declaration from plain data.

        Parameters
        ----------
        data : YamlValue
            A mapping, as read from YAML or JSON.
        document : Document, optional
            Where the data came from, so that errors name file and line.

        Returns
        -------
        Declaration
            The validated declaration.

        Raises
        ------
        DeclarationError
            With file, line, the nearest valid key and what is allowed.
        """
        try:
            return cls.model_validate(data)
        except pydantic.ValidationError as fault:
            raise DeclarationError(explain(fault, cls, document)) from fault

    def to_data(self) -> dict[str, YamlValue]:
        """Return the declaration as plain data, without the fields left at their default.

        Returns
        -------
        dict
            Ready for YAML or JSON.
        """
        data: dict[str, YamlValue] = self.model_dump(mode="json", exclude_defaults=True)
        return data

    def digest(self) -> str:
        """Return the SHA-256 of the declaration's content, blind to comments, key order and omitted defaults.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        return digest(self.model_dump(mode="json"))


def digest(data: object) -> str:
    """Return the SHA-256 of plain data in canonical JSON (sorted keys, no spaces).

    Parameters
    ----------
    data : object
        JSON-ready data.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def from_document[D: Declaration](cls: type[D], path: Path) -> D:
    """Read one declaration from a YAML file that carries ``schema_version``.

    Parameters
    ----------
    cls : type of Declaration
        What the file declares.
    path : Path
        The YAML file.

    Returns
    -------
    Declaration
        The validated declaration.

    Raises
    ------
    DeclarationError
        Where the content is wrong, was written by a newer feedbackstudy, or is older than the oldest migration.
    """
    return read_document(cls, path)[0]


def read_document[D: Declaration](cls: type[D], path: Path) -> tuple[D, Document]:
    """Read one declaration and keep the lines of its file.

    Parameters
    ----------
    cls : type of Declaration
        What the file declares.
    path : Path
        The YAML file.

    Returns
    -------
    tuple of (Declaration, Document)
        The validated declaration, and the file as read.

    Raises
    ------
    DeclarationError
        As `from_document`.
    """
    document = yamlfile.read(path)
    if not isinstance(document.data, dict):
        raise DeclarationError(
            f"{path}:1: the file must hold keys and values (a {cls.__name__}), found a {type(document.data).__name__}."
        )
    data = dict(document.data)
    version = data.pop("schema_version", None)
    line = document.line(("schema_version",))
    oldest = min(cls.migrations, default=cls.schema_version)
    if not isinstance(version, int) or isinstance(version, bool) or version < oldest:
        raise DeclarationError(
            f"{path}:{line}: give 'schema_version: {cls.schema_version}' at the top (found {version!r}; "
            f"versions {oldest} to {cls.schema_version} can be read)."
        )
    if version > cls.schema_version:
        raise DeclarationError(
            f"{path}:{line}: written for schema version {version}; this feedbackstudy reads up to "
            f"{cls.schema_version}. Install a newer feedbackstudy; the file was not changed."
        )
    for step in range(version, cls.schema_version):
        data = cls.migrations[step](data)
    return cls.from_data(data, document), document


def to_document(declaration: Declaration, path: Path) -> Path:
    """Write a declaration as YAML with its schema version, whole or not at all.

    Parameters
    ----------
    declaration : Declaration
        What to write.
    path : Path
        The YAML file.

    Returns
    -------
    Path
        `path`.
    """
    data: dict[str, YamlValue] = {"schema_version": declaration.schema_version, **declaration.to_data()}
    return write_atomic(path, yamlfile.dump(data))


def explain(fault: pydantic.ValidationError, cls: type[BaseModel], document: Document | None) -> str:
    """Word a pydantic error as "where: what was given, what is allowed".

    Parameters
    ----------
    fault : pydantic.ValidationError
        The error.
    cls : type of BaseModel
        The model that was being built.
    document : Document, optional
        The file that it was read from.

    Returns
    -------
    str
        One line for each finding.
    """
    return "\n".join(_explain_one(error, cls, document) for error in fault.errors())


_SHAPES = {
    "dict_type": "write a mapping, one `code: value` to a line, such as `early: At once`",
    "tuple_type": "write a list, such as `[a, b]`, or leave the key out where there is nothing to list",
    "list_type": "write a list, such as `[a, b]`, or leave the key out where there is nothing to list",
    "model_type": "write a mapping of the keys that belong here, one `key: value` to a line",
}
"""What YAML calls the shapes that Python asks for."""


def _explain_one(error: ErrorDetails, cls: type[BaseModel], document: Document | None) -> str:
    location = error["loc"]
    place = ".".join(map(str, location)) or cls.__name__
    owner = f"{cls.__name__}: {place}" if location else place
    where = f"{document.source}:{document.line(location)}: {place}" if document else owner
    if error["type"] == "extra_forbidden" and issubclass(cls, Declaration) and location[-1] in cls.elsewhere:
        return f"{where}: {cls.elsewhere[str(location[-1])]}"
    if error["type"] == "union_tag_invalid":
        told = error["ctx"]
        allowed = [tag.strip().strip("'") for tag in str(told["expected_tags"]).split(",")]
        key = str(told["discriminator"]).strip("'")
        return f"{where}: {choices('Kind' if key == 'kind' else f'The value of {key!r},', told['tag'], allowed)}"
    if error["type"] == "extra_forbidden":
        return f"{where}: {choices('Key', location[-1], _keys_beside(cls, location))}"
    if error["type"] == "missing":
        return f"{where}: this key is required and absent."
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    given = "nothing" if error["input"] is None else repr(error["input"])
    if error["type"] in _SHAPES:
        return f"{where}: given {given}; {_SHAPES[error['type']]}."
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: given {error['input']!r}; {message[:1].lower()}{message[1:]}."


def _keys_beside(cls: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Return the keys allowed where the unknown key stood; a part that is a union's tag picks its member."""
    models: list[type[BaseModel]] = [cls]
    for part in location[:-1]:
        fields = [model.model_fields[part] for model in models if isinstance(part, str) and part in model.model_fields]
        tagged = [model for model in models if any(field.default == part for field in model.model_fields.values())]
        inner = [model for field in fields for model in _models_in(field.annotation)]
        models = inner or (tagged if isinstance(part, str) else []) or models
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """Return every model that a field's annotation may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = (
        getattr(annotation, "__value__", None),
        getattr(annotation, "__origin__", None),
        *(getattr(annotation, "__args__", ()) or ()),
    )
    found = [model for part in parts if part is not None and part is not annotation for model in _models_in(part)]
    return list(dict.fromkeys(found))
