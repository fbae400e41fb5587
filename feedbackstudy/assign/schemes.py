"""How units get their condition: simple, complete and in blocks, permuted blocks.

A scheme knows who is assigned, draws a condition for each unit, and states the probability of each condition for each
unit, which is exact: nobody's chance depends on how many people are left over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.rounding import round_table
from feedbackstudy.design.chance import Chance, pick, shuffled
from feedbackstudy.errors import DeclarationError

__all__ = ["Complete", "PermutedBlocks", "Scheme", "Simple", "Weights", "block_unit", "place", "repeated"]

type Draw = tuple[int, ...]
type Weights = tuple[Fraction, ...]


class Scheme(Protocol):
    """A way to assign."""

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each unit.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each unit."""


def repeated(weights: Weights, n: int) -> NDArray[np.float64]:
    """Return the same probabilities for each unit.

    Parameters
    ----------
    weights : tuple of Fraction
        Probability of each condition.
    n : int
        Number of units.

    Returns
    -------
    ndarray of shape (n, conditions)
        One row for each unit.
    """
    return np.tile(np.array([float(weight) for weight in weights]), (n, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Simple:
    """Each unit for itself, as by a die; group sizes are left to chance.

    Attributes
    ----------
    weights : tuple of Fraction
        Probability of each condition.
    n : int
        Number of units.
    """

    weights: Weights
    n: int

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each unit.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """
        return tuple(pick(self.weights, chance) for _ in range(self.n))

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each unit."""
        return repeated(self.weights, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Fixed numbers of each condition, within blocks where there are any, leftovers balanced over the blocks.

    Attributes
    ----------
    weights : tuple of tuple of Fraction
        Probability of each condition, one row for each block.
    blocks : tuple of int
        The block of each unit; all 0 where there is one.

    Notes
    -----
    Within a block of n units each condition gets n times its probability, rounded up or down by
    `feedbackstudy.assign.rounding.round_table`, which keeps the totals over all blocks within one unit of their
    expectation too. Then the conditions of a block are shuffled.
    """

    weights: tuple[Weights, ...]
    blocks: tuple[int, ...]

    def members(self) -> list[list[int]]:
        """Return the units of each block.

        Returns
        -------
        list of list of int
            Positions of units.
        """
        found: list[list[int]] = [[] for _ in self.weights]
        for unit, block in enumerate(self.blocks):
            found[block].append(unit)
        return found

    def expected(self) -> list[list[Fraction]]:
        """Return the expected number of units of each condition, one row for each block.

        Returns
        -------
        list of list of Fraction
            Exact.
        """
        sizes = [len(units) for units in self.members()]
        return [[weight * size for weight in row] for row, size in zip(self.weights, sizes, strict=True)]

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each unit.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """
        result = [0] * len(self.blocks)
        counts = round_table(self.expected(), chance)
        for units, row in zip(self.members(), counts, strict=True):
            for unit, condition in zip(units, place(row, chance), strict=True):
                result[unit] = condition
        return tuple(result)

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each unit."""
        table = np.array([[float(weight) for weight in row] for row in self.weights])
        return table[list(self.blocks)]


def place(counts: Sequence[int], chance: Chance) -> list[int]:
    """Return conditions in random order, each as often as its count says.

    Parameters
    ----------
    counts : sequence of int
        One count for each condition.
    chance : Chance
        Where random numbers come from.

    Returns
    -------
    list of int
        Conditions.
    """
    return shuffled([condition for condition, count in enumerate(counts) for _ in range(count)], chance)


def block_unit(weights: Weights) -> int:
    """Return the smallest block that holds every condition in its exact ratio.

    Parameters
    ----------
    weights : tuple of Fraction
        Probability of each condition.

    Returns
    -------
    int
        A number of units.
    """
    return int(np.lcm.reduce([weight.denominator for weight in weights]))


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutedBlocks:
    """A list for people who arrive one by one: blocks of varying size, each with the exact ratio, in each stratum.

    Attributes
    ----------
    weights : tuple of Fraction
        Probability of each condition.
    strata : tuple of int
        The stratum of each place in the list; places of a stratum are taken in order.
    sizes : tuple of int
        Block sizes, one of which is drawn for each block.
    """

    weights: Weights
    strata: tuple[int, ...]
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        unit = block_unit(self.weights)
        wrong = [size for size in self.sizes if size < 2 or size % unit]
        if wrong or not self.sizes:
            raise DeclarationError(
                f"block sizes {list(self.sizes)}: a block holds every condition in its ratio, which takes {unit} "
                f"people or a multiple of it; {wrong[0] if wrong else 'none'} does not. Try {[unit, 2 * unit]}."
                + (" A block of 1 is no block: its only place is known beforehand." if 1 in wrong else "")
            )

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each place in the list.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """
        result = [0] * len(self.strata)
        for stratum in sorted(set(self.strata)):
            places = [i for i, each in enumerate(self.strata) if each == stratum]
            for i, condition in zip(places, self._list(len(places), chance), strict=False):
                result[i] = condition
        return tuple(result)

    def _list(self, n: int, chance: Chance) -> list[int]:
        made: list[int] = []
        while len(made) < n:
            size = self.sizes[chance.below(len(self.sizes))]
            made += place([int(weight * size) for weight in self.weights], chance)
        return made[:n]

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each place."""
        return repeated(self.weights, len(self.strata))
