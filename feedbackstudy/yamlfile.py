"""Strict and safe YAML: plain data in, plain data out, every value with its line.

Only mappings, sequences, strings, decimal numbers, true, false and null exist here. Tags, anchors, duplicate keys and
the words that YAML 1.1 and 1.2 read differently (``no``, ``on``, ``12:30``, ``010``, ``1_000``) are errors with a line.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import read_bounded

__all__ = ["Document", "YamlValue", "dump", "parse", "read"]

type YamlValue = bool | int | float | str | list[YamlValue] | dict[str, YamlValue] | None
type Location = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
_MAX_DIGITS = 400

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_TABLE: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_SURPRISES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(y|n|yes|no|on|off)\Z", re.IGNORECASE),
        "some readers take it for true or false; write true, false, or put it in quotes",
    ),
    (
        re.compile(r"(TRUE|True|FALSE|False|NULL|Null)\Z"),
        "write true, false or null in lower case, or put it in quotes",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9]*)?\Z"),
        "some readers take it for a base-60 number; put it in quotes",
    ),
    (
        re.compile(r"[-+]?0[0-9_]+\Z"),
        "some readers take it for an octal number; drop the leading zero or put it in quotes",
    ),
    (re.compile(r"[-+]?0[xob][0-9a-f_]+\Z", re.IGNORECASE), "write a decimal number or put it in quotes"),
    (
        re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?\Z"),
        "write the number without underscores or put it in quotes",
    ),
    (re.compile(r"[-+]?\.(inf|nan)\Z", re.IGNORECASE), "a study file holds finite numbers only"),
    (re.compile(r"(=|<<)\Z"), "put it in quotes"),
)


_HINTS = (
    ("\\t", "a line is indented with a tab. Indent with spaces, never with tabs."),
    (
        "mapping values are not allowed",
        'there is a colon where none is expected. Put words that hold a colon in quotes, such as title: "Timing: does '
        'it matter?"; or the line is indented too far.',
    ),
    (
        "expected <block end>",
        "this line, or the one before, is not indented like the lines it belongs with. Let all keys of one entry begin "
        "in the same column, and each '-' of one list.",
    ),
    (
        "could not find expected ':'",
        "a key without a colon, or words that go on in a new line. Write 'key: value', and put longer words in quotes "
        "or behind '>-'.",
    ),
    ("found unexpected end of stream", "a quote is opened and never closed. Close it in the same line."),
    (
        "cannot start any token",
        "a value begins with a sign that has a meaning of its own, such as % or @. Put the value in quotes.",
    ),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data.

    Attributes
    ----------
    data : YamlValue
        Mappings, lists and scalars.
    source : str
        The file's name, for messages.
    lines : Mapping
        Location (keys and indices from the top) -> line number, counted from 1.
    """

    data: YamlValue
    source: str
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """Return the line of a location, or of its nearest enclosing value.

        Parameters
        ----------
        location : tuple of str or int
            Keys and indices from the top.

        Returns
        -------
        int
            A line number, counted from 1.
        """
        for end in range(len(location), -1, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return 1


def read(path: Path) -> Document:
    """Read a YAML file strictly.

    Parameters
    ----------
    path : Path
        A UTF-8 file of at most 1 MB.

    Returns
    -------
    Document
        Its data and lines.

    Raises
    ------
    FileFormatError
        With file, line and the way to mend it.
    """
    content = read_bounded(path, MAX_BYTES)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise FileFormatError(f"{path}:{line}: not UTF-8 text; save the file with the encoding UTF-8.") from fault
    return parse(text, str(path))


def parse(text: str, source: str = "<text>") -> Document:
    """Parse YAML text strictly.

    Parameters
    ----------
    text : str
        One YAML document.
    source : str
        Name to show in messages.

    Returns
    -------
    Document
        Its data and lines.

    Raises
    ------
    FileFormatError
        For anything beyond plain data, or that two YAML readers would read differently.
    """
    builder = _Builder(source)
    try:
        _refuse_depth(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = mark.line + 1 if mark else 1
        raise FileFormatError(
            f"{source}:{line}: not valid YAML: {_hint(str(fault.problem or fault.context))}"
        ) from fault
    except yaml.YAMLError as fault:
        raise FileFormatError(f"{source}: not valid YAML: {fault}.") from fault
    data = builder.value(node, ()) if node is not None else None
    return Document(data, source, builder.lines)


def _hint(problem: str) -> str:
    """Say in plain words what a parser stumbles over, and how it is mended."""
    for words, said in _HINTS:
        if words in problem:
            return said
    return f"{problem}."


def dump(data: YamlValue) -> str:
    """Write plain data as YAML that `parse` reads back unchanged.

    Parameters
    ----------
    data : YamlValue
        Mappings, lists and scalars; key order is kept.

    Returns
    -------
    str
        YAML text.

    Raises
    ------
    FileFormatError
        For anything that is not plain data, and for numbers that are not finite.
    """
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _refuse_depth(text: str, source: str) -> None:
    """Walk the events first: they are flat, so nothing deep or self-referring is ever built."""
    depth = 0
    documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise FileFormatError(f"{source}:{line}: a second document starts here; keep one document in a file.")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FileFormatError(
                f"{source}:{line}: anchors and aliases (& and *) are not accepted; write the value out."
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise FileFormatError(f"{source}:{line}: nested more than {MAX_DEPTH} levels deep; flatten it.")
        depth -= isinstance(event, yaml.CollectionEndEvent)
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise FileFormatError(
                f"{source}:{line}: the tag {tag!r} is not accepted; a study file holds plain data only."
            )


def _line(marked: yaml.Node | yaml.Event) -> int:
    mark = marked.start_mark
    return mark.line + 1 if mark is not None else 1


class _Builder:
    """Turns YAML nodes into plain data and remembers each value's line."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[Location, int] = {}

    def value(self, node: yaml.Node, at: Location) -> YamlValue:
        self.lines.setdefault(at, _line(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*at, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise FileFormatError(f"{self.source}:{_line(node)}: neither a mapping, a list nor a value.")

    def _mapping(self, node: yaml.MappingNode, at: Location) -> YamlValue:
        result: dict[str, YamlValue] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            key = self._key(key_node, line)
            if key in result:
                first = self.lines[(*at, key)]
                raise FileFormatError(
                    f"{self.source}:{line}: key {key!r} is given twice (first on line {first}); keep one of them."
                )
            self.lines[(*at, key)] = line
            result[key] = self.value(value_node, (*at, key))
        return result

    def _key(self, node: yaml.Node, line: int) -> str:
        """Accept words and whole numbers; ``n`` and ``y`` are everyday column names and stay words."""
        if isinstance(node, yaml.ScalarNode):
            key = node.value if node.value in {"n", "y", "N", "Y"} else self._scalar(node)
            if isinstance(key, str):
                return key
            if isinstance(key, int) and not isinstance(key, bool):
                return str(key)
        raise FileFormatError(f"{self.source}:{line}: a key must be a plain word; put {node.value!r} in quotes.")

    def _scalar(self, node: yaml.ScalarNode) -> YamlValue:
        text: str = node.value
        if node.style is not None:
            return text
        if text in _TABLE:
            return _TABLE[text]
        for pattern, advice in _SURPRISES:
            if pattern.match(text):
                raise FileFormatError(f"{self.source}:{_line(node)}: the value {text!r} is ambiguous: {advice}.")
        if _INT.match(text) or (any(c.isdigit() for c in text) and _FLOAT.match(text)):
            return self._number(text, _line(node))
        return text

    def _number(self, text: str, line: int) -> int | float:
        if len(text) > _MAX_DIGITS or math.isinf(float(text)):
            raise FileFormatError(
                f"{self.source}:{line}: the number {text[:20]}... is beyond what a computer's number holds; "
                "shorten it or put it in quotes."
            )
        return int(text) if _INT.match(text) else float(text)


def _plain_is_safe(text: str) -> bool:
    looks_special = text in _TABLE or any(p.match(text) for p, _ in _SURPRISES)
    return not (looks_special or _INT.match(text) or _FLOAT.match(text))


_PLAIN = (dict, list, tuple, str, int, float, bool, type(None))


class _Dumper(yaml.SafeDumper):
    """Quotes every string that a plain scalar would not bring back, here or in another reader."""

    def represent_data(self, data: object) -> yaml.Node:
        if type(data) not in _PLAIN:
            raise FileFormatError(
                f"{data!r} (a {type(data).__name__}) cannot be written to a study file; it holds plain data only: "
                "mappings, lists, text, finite numbers, true, false and null."
            )
        return super().represent_data(data)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = None if _plain_is_safe(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    if value != value or value in (float("inf"), float("-inf")):
        raise FileFormatError(f"{value} cannot be written to a study file; it holds finite numbers only.")
    mantissa, mark, exponent = repr(value).partition("e")
    whole = mantissa if "." in mantissa else f"{mantissa}.0"
    return dumper.represent_scalar("tag:yaml.org,2002:float", whole + mark + exponent)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_float)
