"""Names, and the frozen containers of declarations.

`Named` is a tuple that is also looked up by name, `Fixed` a mapping that never changes.
"""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NoReturn, Protocol, SupportsIndex, get_args, overload

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from feedbackstudy.errors import NotFoundError, choices

__all__ = ["Code", "Fixed", "Line", "Name", "Named", "Pair", "Real"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_CODE = re.compile(r"[a-z0-9][a-z0-9_]{0,62}\Z")


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise ValueError(
            f"the name {text!r} cannot stand as a column; start with a lower-case letter and use at most 63 lower-case "
            "letters, digits and underscores, such as 'self_efficacy'."
        )
    return text


def _code(text: str) -> str:
    if not _CODE.match(text):
        raise ValueError(
            f"the code {text!r} cannot stand in a data file; use at most 63 lower-case letters, digits and "
            "underscores, such as 'same_day', and put the words people read into the label."
        )
    return text


def _line(text: str) -> str:
    if not text.strip() or "\n" in text or len(text) > 400:
        raise ValueError(f"{text[:60]!r} must be one line of 1 to 400 characters.")
    return text


def _real(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number.")
    return value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


type Name = Annotated[str, AfterValidator(_name)]
"""A name that can stand as a column: lower-case letters, digits, underscores."""
type Code = Annotated[str, AfterValidator(_code)]
"""A level's code as it stands in data files."""
type Line = Annotated[str, AfterValidator(_line)]
"""One line of words for people."""
type Real = Annotated[float, AfterValidator(_real)]
"""A finite number."""
type Pair = Annotated[tuple[Real, Real], BeforeValidator(_as_tuple)]
"""Two numbers, low then high, also accepted as the list that YAML gives."""


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


class Named[T: _HasName](tuple[T, ...]):
    """Declarations in their order, each also reachable by its name; two of one name are refused."""

    __slots__ = ()

    def __new__(cls, items: Iterable[T] = ()) -> "Named[T]":
        """Make the container, refusing a name that is given twice.

        Parameters
        ----------
        items : iterable
            Declarations that carry a `name`.

        Returns
        -------
        Named
            The items in their order.

        Raises
        ------
        ValueError
            Where two items share a name.
        """
        made = super().__new__(cls, items)
        names = made.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name {twice[0]!r} is given to {names.count(twice[0])} entries; names are unique.")
        return made

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(item.name for item in self)

    @overload
    def __getitem__(self, key: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[T, ...]: ...
    @overload
    def __getitem__(self, key: str) -> T: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> T | tuple[T, ...]:
        if not isinstance(key, str):
            return tuple.__getitem__(self, key)
        found = self.get(key)
        if found is None:
            raise NotFoundError(choices(type(self[0]).__name__ if self else "Name", key, self.names))
        return found

    def get(self, name: str) -> T | None:
        """Return the item of that name, or None.

        Parameters
        ----------
        name : str
            The name looked for.

        Returns
        -------
        object or None
            The declaration.
        """
        return next((item for item in self if item.name == name), None)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        item = handler.generate_schema(get_args(source)[0])
        items = core_schema.tuple_schema([item], variadic_item_index=0)
        return core_schema.no_info_after_validator_function(
            cls, core_schema.no_info_before_validator_function(_as_tuple, items)
        )


class Fixed[K: str, V](dict[K, V]):
    """A mapping that never changes after it was made; hashable, and picklable for worker processes."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_named: object) -> NoReturn:
        raise TypeError("a declaration never changes; make a new one instead.")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type, tuple[dict[K, V]]]:
        return type(self), (dict(self),)

    def __iter__(self) -> Iterator[K]:
        return super().__iter__()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        key, value = get_args(source)
        mapping = core_schema.dict_schema(handler.generate_schema(key), handler.generate_schema(value))
        return core_schema.no_info_after_validator_function(cls, mapping)
