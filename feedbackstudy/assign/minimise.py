"""Pocock and Simon's minimisation, for any number of conditions and any ratio of whole numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.schemes import Weights, block_unit, repeated
from feedbackstudy.design.chance import Chance
from feedbackstudy.errors import DeclarationError

__all__ = ["Minimisation"]

MOST_SHARES = 1000

type Draw = tuple[int, ...]


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
        """Return one condition for each unit, in order of arrival.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """
        counts = self.counts()
        return tuple(self.owners[self.next_share(unit, counts, chance)] for unit in self.levels)

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition before anybody came, one row for each unit."""
        return repeated(self.weights, len(self.levels))
