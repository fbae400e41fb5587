"""How units get their condition: simple, complete and in blocks, permuted blocks, minimisation.

A scheme knows who is assigned, draws a condition for each unit, and states the probability of each condition for each
unit, which is exact: nobody's chance depends on how many people are left over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.rounding import round_table
from feedbackstudy.design.chance import Chance, pick, shuffled
from feedbackstudy.errors import DeclarationError

__all__ = ["Complete", "Minimisation", "PermutedBlocks", "Scheme", "Simple", "block_unit", "place"]

type Draw = tuple[int, ...]
type Weights = tuple[Fraction, ...]

MOST_SHARES = 1000


class Scheme(Protocol):
    """A way to assign."""

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each unit."""

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each unit."""


def _repeat(weights: Weights, n: int) -> NDArray[np.float64]:
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
        """Return one condition for each unit."""
        return tuple(pick(self.weights, chance) for _ in range(self.n))

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each unit."""
        return _repeat(self.weights, self.n)


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
        """Return one condition for each unit."""
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
        """Return one condition for each place in the list."""
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
        return _repeat(self.weights, len(self.strata))


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimisation:
    """Pocock and Simon's minimisation for any number of conditions and any ratio of whole numbers.

    Attributes
    ----------
    weights : tuple of Fraction
        Probability of each condition.
    levels : tuple of tuple of int
        For each unit in order of arrival, its level on each prognostic factor.
    importance : tuple of float
        Weight of each prognostic factor.
    probability : Fraction
        Probability of the condition that would leave the least imbalance.
    imbalance : {"range", "variance", "sd"}
        How far apart counts are.

    Notes
    -----
    Pocock and Simon (1975), Biometrics 31, 103-115. For each condition: what would the counts at this unit's levels be
    with the unit in it, how far apart are they, summed over factors by importance? The smallest sum is preferred, ties
    are drawn; the preferred condition gets `probability`, the others share the rest evenly.

    Unequal ratios a:b:c are run as a + b + c equal shares, of which the conditions own a, b and c (Kuznetsova and
    Tymofyeyev, 2012). The shares are alike, so everybody's probability is exactly the ratio, whoever came before.
    """

    weights: Weights
    levels: tuple[tuple[int, ...], ...]
    importance: tuple[float, ...]
    probability: Fraction = Fraction(4, 5)
    imbalance: Literal["range", "variance", "sd"] = "range"
    owners: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        shares = block_unit(self.weights)
        if shares > MOST_SHARES:
            raise DeclarationError(
                f"minimisation needs a ratio of small whole numbers; {[float(w) for w in self.weights]} takes {shares} "
                "shares. Round the ratio, such as 2 : 1 : 1."
            )
        if not Fraction(1, shares) <= self.probability <= 1:
            raise DeclarationError(
                f"minimisation with probability {float(self.probability):g} would favour imbalance; give a number from "
                f"{float(Fraction(1, shares)):.3g} (as a die) to 1 (always the least imbalance)."
            )
        owners = tuple(c for c, weight in enumerate(self.weights) for _ in range(int(weight * shares)))
        object.__setattr__(self, "owners", owners)

    def counts(self) -> list[dict[int, list[int]]]:
        """Return empty counts: for each factor, level -> number of units in each share.

        Returns
        -------
        list of dict
            To be filled by `next_share`.
        """
        return [{} for _ in self.importance]

    def next_share(self, unit: Sequence[int], counts: list[dict[int, list[int]]], chance: Chance) -> int:
        """Draw the share of the next unit and count it.

        Parameters
        ----------
        unit : sequence of int
            The unit's level on each factor.
        counts : list of dict
            The counts so far; changed in place.
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        int
            A share; ``owners[share]`` is the condition.
        """
        n = len(self.owners)
        rows = [counts[f].setdefault(level, [0] * n) for f, level in enumerate(unit)]
        totals = [self._total(rows, share) for share in range(n)]
        least = min(totals)
        ties = [share for share, total in enumerate(totals) if total <= least + 1e-9]
        preferred = ties[chance.below(len(ties))]
        share = preferred
        if n > 1 and not chance.happens(self.probability):
            share = (preferred + 1 + chance.below(n - 1)) % n
        for row in rows:
            row[share] += 1
        return share

    def _total(self, rows: Sequence[Sequence[int]], share: int) -> float:
        total = 0.0
        for row, weight in zip(rows, self.importance, strict=True):
            total += weight * self._apart([count + (i == share) for i, count in enumerate(row)])
        return total

    def _apart(self, counts: Sequence[int]) -> float:
        if self.imbalance == "range":
            return float(max(counts) - min(counts))
        mean = sum(counts) / len(counts)
        variance = sum((count - mean) ** 2 for count in counts) / max(len(counts) - 1, 1)
        return variance if self.imbalance == "variance" else variance**0.5

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each unit, in order of arrival."""
        counts = self.counts()
        return tuple(self.owners[self.next_share(unit, counts, chance)] for unit in self.levels)

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition before anybody came, one row for each unit."""
        return _repeat(self.weights, len(self.levels))
