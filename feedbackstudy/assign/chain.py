"""Lines that hold each other: each names the hash of the one before, so that none can change, move or go unseen."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from feedbackstudy.declaration import digest

__all__ = ["START", "Fault", "Line", "chained", "read_chain", "text_of"]

START = "0" * 64

type Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first line that does not hold.

    Attributes
    ----------
    line : int
        Number of the line in its file, counted from 1.
    what : str
        What is wrong with it.
    """

    line: int
    what: str


def chained(content: Mapping[str, object], number: int, previous: str) -> Line:
    """Return a line with its number, the hash before it, and its own.

    Parameters
    ----------
    content : mapping
        What the line says: plain data.
    number : int
        Its number, counted from 1.
    previous : str
        Hash of the line before; zeros for the first.

    Returns
    -------
    dict
        The line.
    """
    line: Line = {"line": number, **content, "previous": previous}
    return {**line, "hash": digest(line)}


def text_of(line: Line) -> str:
    """Return a line as it stands in the file.

    Parameters
    ----------
    line : dict
        Of `chained`.

    Returns
    -------
    str
        JSON and a line end.
    """
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def read_chain(content: bytes, after: Iterable[Line] = ()) -> tuple[list[Line], Fault | None]:
    """Read lines and prove each.

    Parameters
    ----------
    content : bytes
        The file, or what was added to it.
    after : iterable of dict
        Lines that were proved before.

    Returns
    -------
    tuple of (list, Fault or None)
        All lines up to the first that does not hold, and what is wrong with that one.
    """
    lines = list(after)
    for raw in content.splitlines(keepends=True):
        number = len(lines) + 1
        what = _wrong(raw, number, str(lines[-1]["hash"]) if lines else START)
        if isinstance(what, str):
            return lines, Fault(number, what)
        lines.append(what)
    return lines, None


def _wrong(raw: bytes, number: int, previous: str) -> Line | str:
    if not raw.endswith(b"\n"):
        return "it ends before its end: the file was cut"
    try:
        line = json.loads(raw)
    except ValueError:
        return "it is no JSON"
    if not isinstance(line, dict) or "hash" not in line:
        return "it is no line of a ledger"
    content = {key: value for key, value in line.items() if key != "hash"}
    try:
        own = digest(content)
    except ValueError:
        return "it holds what a ledger never writes"
    if line["hash"] != own:
        return "its content does not match its hash: it was edited"
    if line.get("line") != number:
        return f"it says that it is line {line.get('line')}: lines were moved, added or taken out"
    if line.get("previous") != previous:
        return "it does not follow the line before it: lines were moved, added, taken out or rewritten"
    return line
