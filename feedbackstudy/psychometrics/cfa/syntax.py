"""Read and write the part of lavaan's model syntax that factor models need; the text is parsed, never evaluated."""

import re
from collections.abc import Iterator

from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa.expression import parse, written
from feedbackstudy.psychometrics.cfa.model import Constraint, Defined, FactorModel, Modifier, Operator, Statement

__all__ = ["read", "write"]

_OPERATORS = ("=~", "~*~", "~~", ":=", "==", "~", "|", "<", ">")
_FIND = re.compile("|".join(re.escape(op) for op in _OPERATORS))
_NAME = re.compile(r"[A-Za-z_.][\w.]*\Z")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\Z")
_CALL = re.compile(r"(c|start)\((.*)\)\Z")
_LONGEST = 200_000


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, formula), comments dropped and open lines joined."""
    held, began = "", 0
    for number, raw in enumerate(text.splitlines(), start=1):
        for part in re.split(r"[#!](?!=)", raw, maxsplit=1)[0].split(";"):
            piece = part.strip()
            if not piece:
                continue
            if held and (held[-1] in "+*~=|" or piece[0] in "+*"):
                held = f"{held} {piece}"
                continue
            if held:
                yield began, held
            held, began = piece, number
    if held:
        yield began, held


def _terms(text: str) -> list[str]:
    """Split at the plus signs outside brackets, leaving exponents and signs of numbers alone."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "+" and depth == 0 and text[:at].strip():
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in (*parts, text[start:])]


def _one(text: str, where: str) -> Modifier:
    if text == "NA":
        return Modifier(freed=True)
    if _NUMBER.match(text):
        return Modifier(fixed=float(text))
    if _NAME.match(text):
        return Modifier(label=text)
    raise DeclarationError(f"{where}: {text!r} is neither a number, NA nor a label.")


def _modifiers(text: str, where: str) -> tuple[Modifier, ...]:
    """Read what stands before one ``*``."""
    call = _CALL.match(text)
    if call is None:
        return (_one(text, where),)
    name, inside = call.groups()
    values = [value.strip() for value in inside.split(",")]
    if name == "start" and all(_NUMBER.match(value) for value in values):
        return tuple(Modifier(start=float(value)) for value in values)
    if name == "start":
        raise DeclarationError(f"{where}: start() takes numbers, not {inside!r}.")
    return tuple(_one(value.strip("\"'"), where) for value in values)


def _merge(first: Modifier, second: Modifier) -> Modifier:
    return Modifier(
        fixed=first.fixed if second.fixed is None else second.fixed,
        label=second.label or first.label,
        start=first.start if second.start is None else second.start,
        freed=first.freed or second.freed,
    )


def _term(text: str, where: str) -> tuple[str, tuple[Modifier, ...]]:
    """Split ``a*1.5*x`` into the variable and its modifiers."""
    *before, name = re.split(r"\*(?![^()]*\))", text)
    merged: tuple[Modifier, ...] = ()
    for piece in before:
        found = _modifiers(piece.strip(), where)
        width = max(len(merged), len(found))
        wide = [side * width if len(side) == 1 else side for side in (merged or (Modifier(),), found)]
        merged = tuple(_merge(a, b) for a, b in zip(wide[0], wide[1], strict=True))
    return name.strip(), merged


def _statements(lhs: str, op: str, rhs: str, where: str) -> Iterator[Statement]:
    for left in _terms(lhs):
        if not _NAME.match(left):
            raise DeclarationError(f"{where}: {left!r} is not a variable name.")
        for term in _terms(rhs):
            name, modifiers = _term(term, where)
            intercept = op == "~" and name in {"1", "0"}
            if intercept and name == "0":
                modifiers = (Modifier(fixed=0.0),)
            if not intercept and not _NAME.match(name):
                raise DeclarationError(f"{where}: {name!r} is not a variable name.")
            kind: Operator = "~1" if intercept else op  # type: ignore[assignment]
            yield Statement(lhs=left, op=kind, rhs="" if intercept else name, modifiers=modifiers)


def _sides(line: str, where: str) -> tuple[str, str, str]:
    """Split a formula at its operator."""
    found = _FIND.search(line)
    if found is None:
        raise DeclarationError(f"{where} has no operator; use one of =~ ~~ ~ ~1 | := ==.")
    lhs, op, rhs = line[: found.start()].strip(), found.group(), line[found.end() :].strip()
    if not lhs or not rhs:
        raise DeclarationError(f"{where} has nothing on one side of {op!r}.")
    if op in {"<", ">"}:
        raise DeclarationError(f"{where} is an inequality; only linear equalities (==) are supported.")
    return lhs, op, rhs


def read(text: str) -> FactorModel:
    """Read a model from lavaan syntax.

    Parameters
    ----------
    text : str
        Lines with ``=~ ~~ ~ ~1 | ~*~ :=`` and ``==``; labels, fixed values, ``NA*``, ``start()``, ``c()`` per group,
        comments after ``#`` or ``!``, several formulas in a line parted by ``;``.

    Returns
    -------
    FactorModel
        The stated model.

    Raises
    ------
    DeclarationError
        With the line number, where a line is not of this grammar.
    """
    if len(text) > _LONGEST:
        raise DeclarationError(f"The model text has {len(text)} characters; at most {_LONGEST} are read.")
    statements: list[Statement] = []
    constraints: list[Constraint] = []
    defined: list[Defined] = []
    for number, line in _lines(text):
        where = f"Model line {number} ({line[:60]!r})"
        lhs, op, rhs = _sides(line, where)
        if op == "==":
            constraints.append(Constraint(left=parse(lhs), right=parse(rhs)))
        elif op == ":=":
            defined.append(Defined(name=lhs, expression=parse(rhs)))
        else:
            statements.extend(_statements(lhs, op, rhs, where))
    if not any(s.op == "=~" for s in statements):
        raise DeclarationError("The model defines no factor; state at least one, such as: ability =~ item1 + item2.")
    return FactorModel(statements=tuple(statements), constraints=tuple(constraints), defined=tuple(defined))


def _prefix(modifiers: tuple[Modifier, ...]) -> list[str]:
    """Write modifiers the way lavaan reads them."""

    def value(modifier: Modifier) -> str:
        return "NA" if modifier.fixed is None else repr(modifier.fixed)

    def joined(texts: list[str]) -> str:
        return texts[0] if len(texts) == 1 else f"c({', '.join(texts)})"

    parts = []
    if any(m.fixed is not None or m.freed for m in modifiers):
        parts.append(joined([value(m) for m in modifiers]) + "*")
    if any(m.label for m in modifiers):
        parts.append(joined([m.label or "NA" for m in modifiers]) + "*")
    if any(m.start is not None for m in modifiers):
        parts.append(f"start({', '.join(repr(m.start or 0.0) for m in modifiers)})*")
    return parts


def write(model: FactorModel) -> str:
    """Write a model as lavaan syntax, one formula a line.

    Parameters
    ----------
    model : FactorModel
        The model.

    Returns
    -------
    str
        Text that `read` and lavaan read as the same model.
    """
    lines = []
    for s in model.statements:
        op, rhs = ("~", "1") if s.op == "~1" else (s.op, s.rhs)
        prefixes = _prefix(s.modifiers) or [""]
        lines.append(f"{s.lhs} {op} " + " + ".join(prefix + rhs for prefix in prefixes))
    lines += [f"{written(c.left)} == {written(c.right)}" for c in model.constraints]
    lines += [f"{d.name} := {written(d.expression)}" for d in model.defined]
    return "\n".join(lines)
