"""Chance that can be repeated for ever: a stream of our own, and exact coins.

The streams of numpy's generators may change between versions, and an assignment must not. `Stream` is SHA-256 in
counter mode, which needs nothing but the standard and cannot be guessed from the outcomes it has given so far.
"""

import hashlib
import json
from collections.abc import Sequence
from fractions import Fraction
from numbers import Integral
from typing import Protocol

from feedbackstudy.errors import DeclarationError

__all__ = ["ALGORITHM", "Chance", "Stream", "exact", "pick", "shuffled", "whole_seed"]

ALGORITHM = 1
"""Version of all that turns a seed into an assignment: the stream, the order in which schemes draw, the decks."""

_WORD = 64


class Chance(Protocol):
    """Where random numbers come from; tests put an enumeration of all outcomes in its place."""

    def below(self, n: int) -> int:
        """Return a whole number from 0 to n - 1, each equally likely.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        int
            The number.
        """

    def happens(self, p: Fraction) -> bool:
        """Return True with probability exactly `p`.

        Parameters
        ----------
        p : Fraction
            A probability.

        Returns
        -------
        bool
            Whether it happened.
        """


def whole_seed(seed: object) -> int:
    """Return a seed as a whole number, refusing what would not give the same draw again.

    Parameters
    ----------
    seed : int
        Any whole number from 0, numpy's included.

    Returns
    -------
    int
        The number.

    Raises
    ------
    DeclarationError
        For anything else: fractions, texts, yes and no, numbers below 0.
    """
    if isinstance(seed, Integral) and not isinstance(seed, bool) and int(seed) >= 0:
        return int(seed)
    raise DeclarationError(f"seed is {seed!r}; give a whole number from 0, so that the draw can be repeated.")


class Stream:
    """An endless stream of random whole numbers, fixed by a seed and labels.

    Parameters
    ----------
    seed : int
        Any whole number from 0.
    *labels : str
        What the stream is for; streams with different labels have nothing in common.

    Notes
    -----
    Block i is SHA-256(key, i) with key = SHA-256 of the JSON list ``["feedbackstudy.assign", 1, seed, labels...]``.
    Numbers below n are 64-bit words (as many as n needs), big end first, drawn again where they would favour small
    numbers; so each is exactly equally likely, as far as SHA-256 is random.
    """

    def __init__(self, seed: int, *labels: str) -> None:
        text = json.dumps(
            ["feedbackstudy.assign", 1, whole_seed(seed), *labels], ensure_ascii=False, separators=(",", ":")
        )
        self._key = hashlib.sha256(text.encode("utf-8")).digest()
        self._block = 0
        self._words: list[int] = []

    def _word(self) -> int:
        if not self._words:
            block = hashlib.sha256(self._key + self._block.to_bytes(8, "big")).digest()
            self._block += 1
            self._words = [int.from_bytes(block[i : i + 8], "big") for i in (24, 16, 8, 0)]
        return self._words.pop()

    def below(self, n: int) -> int:
        """Return a whole number from 0 to n - 1.

        Parameters
        ----------
        n : int
            At least 1.

        Returns
        -------
        int
            Each number equally likely.
        """
        words = max(1, -(-n.bit_length() // _WORD))
        size = 1 << (_WORD * words)
        limit = size - size % n
        while True:
            value = 0
            for _ in range(words):
                value = (value << _WORD) | self._word()
            if value < limit:
                return value % n

    def happens(self, p: Fraction) -> bool:
        """Return True with probability exactly `p`.

        Parameters
        ----------
        p : Fraction
            A probability.

        Returns
        -------
        bool
            Whether it happened.
        """
        return self.below(p.denominator) < p.numerator


def shuffled[T](items: Sequence[T], chance: Chance) -> list[T]:
    """Return the items in random order, each order equally likely (Fisher-Yates).

    Parameters
    ----------
    items : sequence
        What is shuffled; it is not changed.
    chance : Chance
        Where random numbers come from.

    Returns
    -------
    list
        The items in their new order.
    """
    mixed = list(items)
    for i in range(len(mixed) - 1, 0, -1):
        j = chance.below(i + 1)
        mixed[i], mixed[j] = mixed[j], mixed[i]
    return mixed


def pick(weights: Sequence[Fraction], chance: Chance) -> int:
    """Return an index with probability exactly as its weight says.

    Parameters
    ----------
    weights : sequence of Fraction
        They sum to 1.
    chance : Chance
        Where random numbers come from.

    Returns
    -------
    int
        The index.
    """
    left = Fraction(1)
    for index, weight in enumerate(weights[:-1]):
        if weight and chance.happens(weight / left):
            return index
        left -= weight
    return len(weights) - 1


def exact(value: float) -> Fraction:
    """Return the fraction that a number was meant as when it was written: 0.45 is 9/20.

    Parameters
    ----------
    value : float
        A finite number.

    Returns
    -------
    Fraction
        The decimal as written, not the nearest binary number.
    """
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
