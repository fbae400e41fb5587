"""Conditions of a Qualtrics survey file: display logic and branches, read with their operators, or left unread."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Known", "Leaf", "Logic", "read_logic"]

_LOCATOR = re.compile(r"q://(?P<question>[^/]+)/SelectableChoice/(?P<choice>[^/]+)\Z")
_EMPTY, _NOT_EMPTY = frozenset({"Empty", "IsEmpty"}), frozenset({"NotEmpty", "IsNotEmpty"})
_PIPED, _DIGITS = "${", 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a person at some place of the survey.

    Attributes
    ----------
    fields : mapping of str to (str or None)
        Embedded data; None where a value was given that cannot be read here, absent where the survey knows nothing
        of the field, an empty string where none was given.
    chosen : mapping of str to str
        Question -> the choice that is taken to be selected.
    """

    fields: Mapping[str, str | None]
    chosen: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One comparison.

    Attributes
    ----------
    kind : str
        ``"EmbeddedField"``, ``"Question"`` ...
    left, operator, right : str
        What is compared, how, and with what.
    """

    kind: str
    left: str
    operator: str
    right: str

    def holds(self, known: Known) -> bool | None:
        """Say whether it holds.

        Parameters
        ----------
        known : Known
            The person.

        Returns
        -------
        bool or None
            None where that cannot be told.
        """
        if self.kind == "EmbeddedField":
            return self._compared(known.fields.get(self.left))
        place = _LOCATOR.match(self.left) if self.kind == "Question" else None
        if place is None or place["question"] not in known.chosen or self.operator not in {"Selected", "NotSelected"}:
            return None
        return (known.chosen[place["question"]] == place["choice"]) is (self.operator == "Selected")

    def _compared(self, value: str | None) -> bool | None:
        if value is None or _PIPED in self.right:
            return None
        if self.operator in _EMPTY or self.operator in _NOT_EMPTY:
            return (not value) is (self.operator in _EMPTY)
        if self.operator == "EqualTo":
            return value == self.right
        # Whether an empty field "is not equal" to a word is not documented.
        return value != self.right if self.operator == "NotEqualTo" and value else None

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}".strip()


type _Joined[T] = tuple[tuple[str, T], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic:
    """A condition: sets of comparisons, joined by And and Or.

    Attributes
    ----------
    sets : tuple
        The sets, each with the word that joins it to those before it; so are the comparisons in a set.
    """

    sets: _Joined[_Joined[Leaf]]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All comparisons."""
        return tuple(leaf for _, group in self.sets for _, leaf in group)

    def holds(self, known: Known) -> bool | None:
        """Say whether the condition holds.

        Parameters
        ----------
        known : Known
            The person.

        Returns
        -------
        bool or None
            None where that cannot be told: an operator, a word between comparisons or a field that is not known, or
            And and Or mixed so that it depends on which is read first.
        """
        if not self.leaves:
            return None
        return _joined(
            [(word, _joined([(inner, leaf.holds(known)) for inner, leaf in group])) for word, group in self.sets]
        )

    def __str__(self) -> str:
        return "; ".join(str(leaf) for leaf in self.leaves) or "a condition of unknown form"


def read_logic(told: object) -> Logic | None:
    """Read display logic or the logic of a branch.

    Parameters
    ----------
    told : object
        As the file has it.

    Returns
    -------
    Logic or None
        None where there is no condition.
    """
    if not told:
        return None
    groups = []
    for key, group in _numbered(told):
        leaves = tuple((_word(leaf.get("Conjuction"), first=i == 0), _leaf(leaf)) for i, leaf in _leaves(group))
        groups.append((_word(_mapping(group).get("Type"), first=key == 0), leaves))
    return Logic(sets=tuple(groups))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _numbered(told: object) -> Iterator[tuple[int, object]]:
    """Yield the numbered parts of a mapping or list, in the order of their numbers, counted from 0."""
    if isinstance(told, list):
        yield from enumerate(told)
    keys = sorted((key for key in _mapping(told) if key.isdecimal() and len(key) <= _DIGITS), key=int)
    yield from enumerate(_mapping(told)[key] for key in keys)


def _leaves(group: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    for i, leaf in _numbered(group):
        yield i, _mapping(leaf)


def _leaf(told: Mapping[str, object]) -> Leaf:
    kind = str(told.get("LogicType", ""))
    left = str(told.get("ChoiceLocator") or told.get("LeftOperand", ""))
    return Leaf(
        kind=kind,
        left=left.removeprefix("ed://") if kind == "EmbeddedField" else left,
        operator=str(told.get("Operator", "")),
        right=str(told.get("RightOperand", "")),
    )


def _word(told: object, *, first: bool) -> str:
    """Return how a part is joined to those before it: "and", "or", or "" where that is not said."""
    if first:
        return "and"
    return {"and": "and", "or": "or"}.get(str(told).casefold().removesuffix("if"), "")


def _joined(parts: Sequence[tuple[str, bool | None]]) -> bool | None:
    if not parts or any(not word for word, _ in parts):
        return None
    groups: list[list[bool | None]] = [[]]
    flat: bool | None = parts[0][1]
    for i, (word, value) in enumerate(parts):
        if word == "or":
            groups.append([])
        groups[-1].append(value)
        if i:
            flat = _any([flat, value]) if word == "or" else _all([flat, value])
    strict = _any([_all(group) for group in groups])
    return strict if strict == flat else None


def _all(values: Sequence[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def _any(values: Sequence[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False
