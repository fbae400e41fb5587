"""Arithmetic over parameter labels: parsed by our own grammar, evaluated with its gradient, never run as code.

Grammar: ``sum = term {("+"|"-") term}``, ``term = power {("*"|"/") power}``, ``power = sign ["^" power]``,
``sign = ["-"|"+"] atom``, ``atom = number | name | function "(" sum ")" | "(" sum ")"``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DeclarationError, choices

__all__ = ["Dual", "Expression", "evaluate", "names_in", "parse", "written"]

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_.][\w.]*)|(\*\*|[-+*/^()]))")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Expression:
    """A node of the parsed arithmetic.

    Attributes
    ----------
    kind : str
        ``number``, ``name``, ``call``, ``negate`` or one of ``+ - * / ^``.
    value : float
        The number, where it is one.
    name : str
        The label or function, where it is one.
    parts : tuple of Expression
        Operands.
    """

    kind: str
    value: float = 0.0
    name: str = ""
    parts: tuple["Expression", ...] = ()


@dataclass(frozen=True, slots=True)
class Dual:
    """A value with its gradient in the free parameters.

    Attributes
    ----------
    value : float
        The value.
    gradient : numpy.ndarray
        Its derivative in every free parameter.
    """

    value: float
    gradient: NDArray[np.float64]


_FUNCTIONS: Mapping[str, Callable[[float], tuple[float, float]]] = {
    "sqrt": lambda x: (float(np.sqrt(x)), float(0.5 / np.sqrt(x))),
    "exp": lambda x: (float(np.exp(x)), float(np.exp(x))),
    "log": lambda x: (float(np.log(x)), 1.0 / x),
    "abs": lambda x: (abs(x), float(np.sign(x))),
}


class _Parser:
    """One pass over the tokens of an expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split(text)
        self.at = 0
        self.depth = 0

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        end = 0
        while text[end:].strip():
            match = _TOKEN.match(text, end)
            if match is None:
                raise DeclarationError(
                    f"Expression {text!r} holds {text[end:].strip()[:10]!r}, which is not arithmetic over labels."
                )
            number, name, symbol = match.groups()
            tokens.append(("number", number) if number else ("name", name) if name else ("symbol", symbol))
            end = match.end()
        return tokens

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise DeclarationError(f"Expression {self.text!r} ends too early.")
        self.at += 1
        return self.tokens[self.at - 1]

    def sum(self) -> Expression:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise DeclarationError(f"An expression is nested more than {_DEEPEST} deep.")
        left = self.term()
        while self.peek() in {"+", "-"}:
            symbol = self.take()[1]
            left = Expression(symbol, parts=(left, self.term()))
        self.depth -= 1
        return left

    def term(self) -> Expression:
        left = self.power()
        while self.peek() in {"*", "/"}:
            symbol = self.take()[1]
            left = Expression(symbol, parts=(left, self.power()))
        return left

    def power(self) -> Expression:
        if self.peek() in {"-", "+"}:
            symbol = self.take()[1]
            inner = self.power()
            return Expression("negate", parts=(inner,)) if symbol == "-" else inner
        base = self.atom()
        if self.peek() in {"^", "**"}:
            self.take()
            return Expression("^", parts=(base, self.power()))
        return base

    def atom(self) -> Expression:
        kind, text = self.take()
        if kind == "number":
            return Expression("number", value=float(text))
        if kind == "name" and self.peek() == "(":
            if text not in _FUNCTIONS:
                raise DeclarationError(choices("Function", text, _FUNCTIONS))
            return Expression("call", name=text, parts=(self._bracket(),))
        if kind == "name":
            return Expression("name", name=text)
        if text == "(":
            self.at -= 1
            return self._bracket()
        raise DeclarationError(f"Expression {self.text!r} has {text!r} where a number, label or bracket must stand.")

    def _bracket(self) -> Expression:
        self.take()
        inner = self.sum()
        if self.peek() != ")":
            raise DeclarationError(f"Expression {self.text!r} lacks a closing bracket.")
        self.take()
        return inner


def parse(text: str) -> Expression:
    """Parse arithmetic over labels.

    Parameters
    ----------
    text : str
        For instance ``"a*b + c"``.

    Returns
    -------
    Expression
        The syntax tree.

    Raises
    ------
    DeclarationError
        If the text is not such arithmetic.
    """
    parser = _Parser(text)
    tree = parser.sum()
    if parser.peek():
        raise DeclarationError(f"Expression {text!r} goes on after its end, at {parser.peek()!r}.")
    return tree


def names_in(tree: Expression) -> set[str]:
    """Return the labels an expression uses.

    Parameters
    ----------
    tree : Expression
        What `parse` returned.

    Returns
    -------
    set of str
        Labels, each once; functions are not among them.
    """
    own = {tree.name} if tree.kind == "name" else set()
    return own.union(*(names_in(part) for part in tree.parts))


def _power(base: Dual, top: Dual) -> Dual:
    value = base.value**top.value
    gradient = top.value * base.value ** (top.value - 1.0) * base.gradient
    if np.any(top.gradient):
        gradient = gradient + value * np.log(base.value) * top.gradient
    return Dual(float(value), gradient)


_BINARY: Mapping[str, Callable[[Dual, Dual], Dual]] = {
    "+": lambda a, b: Dual(a.value + b.value, a.gradient + b.gradient),
    "-": lambda a, b: Dual(a.value - b.value, a.gradient - b.gradient),
    "*": lambda a, b: Dual(a.value * b.value, a.gradient * b.value + b.gradient * a.value),
    "/": lambda a, b: Dual(a.value / b.value, (a.gradient - b.gradient * (a.value / b.value)) / b.value),
    "^": _power,
}


def evaluate(tree: Expression, known: Mapping[str, Dual], width: int) -> Dual:
    """Evaluate an expression and its gradient by forward differentiation.

    Parameters
    ----------
    tree : Expression
        What `parse` returned.
    known : mapping of str to Dual
        Value and gradient of every label.
    width : int
        Number of free parameters.

    Returns
    -------
    Dual
        Value and gradient.

    Raises
    ------
    DeclarationError
        If a label is unknown.
    """
    if tree.kind == "number":
        return Dual(tree.value, np.zeros(width))
    if tree.kind == "name":
        if tree.name not in known:
            raise DeclarationError(choices("Label", tree.name, known))
        return known[tree.name]
    parts = [evaluate(part, known, width) for part in tree.parts]
    if tree.kind == "negate":
        return Dual(-parts[0].value, -parts[0].gradient)
    if tree.kind == "call":
        value, slope = _FUNCTIONS[tree.name](parts[0].value)
        return Dual(value, slope * parts[0].gradient)
    return _BINARY[tree.kind](parts[0], parts[1])


def written(tree: Expression) -> str:
    """Write an expression back as text, fully bracketed.

    Parameters
    ----------
    tree : Expression
        What `parse` returned.

    Returns
    -------
    str
        The arithmetic; powers are written ``^``.
    """
    if tree.kind == "number":
        return repr(tree.value)
    if tree.kind == "name":
        return tree.name
    parts = [written(part) for part in tree.parts]
    if tree.kind == "negate":
        return f"(-{parts[0]})"
    if tree.kind == "call":
        return f"{tree.name}({parts[0]})"
    return f"({parts[0]} {tree.kind} {parts[1]})"
