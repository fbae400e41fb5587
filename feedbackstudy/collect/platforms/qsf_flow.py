"""The survey flow of a Qualtrics file as a tree: what sets data, draws, branches, shows a block, ends, or is unread."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from feedbackstudy.collect.platforms.qsf_logic import Logic, read_logic
from feedbackstudy.errors import FileFormatError

__all__ = ["Branch", "Draw", "Element", "Ends", "Sets", "Shows", "Unread", "elements_in", "read_flow"]

_DEEPEST, _DIGITS = 60, 6
_BLOCKS = frozenset({"Block", "Standard"})


@dataclass(frozen=True, slots=True)
class Sets:
    """Embedded data.

    Attributes
    ----------
    values : tuple of (str, str)
        Field and value; an empty value comes from the link.
    """

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shows:
    """A block of questions.

    Attributes
    ----------
    block : str
        Its id.
    """

    block: str


@dataclass(frozen=True, slots=True)
class Branch:
    """What follows only where a condition holds.

    Attributes
    ----------
    logic : Logic or None
        The condition; None where the file has none that can be read.
    inside : tuple of Element
        What follows.
    """

    logic: Logic | None
    inside: tuple["Element", ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """A randomiser.

    Attributes
    ----------
    subset : int or None
        How many of its parts each person gets; None where that cannot be read.
    evenly : bool
        Whether parts are presented evenly.
    parts : tuple of Element
        Of which it draws.
    """

    subset: int | None
    evenly: bool
    parts: tuple["Element", ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """The end of the survey."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An element whose effect is not known here.

    Attributes
    ----------
    what : str
        Its type in the file.
    inside : tuple of Element
        What it holds.
    """

    what: str
    inside: tuple["Element", ...]


@dataclass(frozen=True, slots=True)
class _Group:
    inside: tuple["Element", ...]


type Element = Sets | Shows | Branch | Draw | Ends | Unread | _Group


def read_flow(flow: object) -> tuple[Element, ...]:
    """Read the survey flow.

    Parameters
    ----------
    flow : object
        Payload of the flow's element.

    Returns
    -------
    tuple of Element
        In order.

    Raises
    ------
    FileFormatError
        Where it is nested deeper than any survey is.
    """
    return tuple(_inside(flow, 0))


def elements_in(elements: tuple[Element, ...]) -> Iterator[Element]:
    """Yield elements and all that they hold.

    Parameters
    ----------
    elements : tuple of Element
        Where to begin.

    Yields
    ------
    Element
        Each, before what it holds.
    """
    for element in elements:
        yield element
        yield from elements_in(_held(element))


def _held(element: Element) -> tuple[Element, ...]:
    if isinstance(element, Draw):
        return element.parts
    return element.inside if isinstance(element, Branch | Unread | _Group) else ()


def _inside(node: object, depth: int) -> Iterator[Element]:
    if depth > _DEEPEST:
        raise FileFormatError(f"The survey flow is nested more than {_DEEPEST} deep; no survey is.")
    told = node.get("Flow") if isinstance(node, dict) else None
    for part in told if isinstance(told, list) else list(told.values()) if isinstance(told, dict) else []:
        if isinstance(part, dict):
            yield _element(part, depth)


def _element(part: Mapping[str, object], depth: int) -> Element:
    kind = str(part.get("Type", ""))
    if kind == "EmbeddedData":
        return Sets(tuple(_values(part.get("EmbeddedData"))))
    if kind in _BLOCKS:
        return Shows(str(part.get("ID", "")))
    if kind == "EndSurvey":
        return Ends()
    inside = tuple(_inside(part, depth + 1))
    if kind == "Branch":
        return Branch(read_logic(part.get("BranchLogic")), inside)
    if kind == "BlockRandomizer":
        evenly = part.get("EvenPresentation") in {True, "true", "1"}
        return Draw(_subset(part.get("SubSet"), len(inside)), evenly, inside)
    return _Group(inside) if kind in {"Group", "Root"} else Unread(kind or "an element without a type", inside)


def _subset(told: object, everything: int) -> int | None:
    if told is None or told == "":
        return everything
    number = str(told)
    return min(int(number), everything) if number.isdecimal() and len(number) <= _DIGITS else None


def _values(told: object) -> Iterator[tuple[str, str]]:
    for each in told if isinstance(told, list) else list(told.values()) if isinstance(told, dict) else []:
        if isinstance(each, dict):
            yield str(each.get("Field", "")), str(each.get("Value", "") or "")
