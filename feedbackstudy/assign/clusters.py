"""Schemes in which clusters are drawn: whole conditions, some factors of them, or the time of crossing over."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.schemes import Complete, Scheme
from feedbackstudy.design.assignment import Wedge
from feedbackstudy.design.chance import Chance

__all__ = ["SplitPlot", "WholeClusters", "exposure", "wedge_pattern"]

type Draw = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeClusters:
    """All people of a cluster get what the cluster gets.

    Attributes
    ----------
    outer : Scheme
        Draws for clusters.
    members : tuple of int
        The cluster of each person.
    """

    outer: Scheme
    members: tuple[int, ...]

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each person.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """
        drawn = self.outer.draw(chance)
        return tuple(drawn[cluster] for cluster in self.members)

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition, one row for each person."""
        return self.outer.probabilities()[list(self.members)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlot:
    """Clusters get some factors; within them, people get the others.

    Attributes
    ----------
    outer : Scheme
        Draws for clusters.
    inner : tuple of tuple of Fraction
        For each outcome of a cluster, the probability of each condition for its people.
    members : tuple of int
        The cluster of each person.
    strata : tuple of int
        The stratum of each person within the clusters.
    """

    outer: Scheme
    inner: tuple[tuple[Fraction, ...], ...]
    members: tuple[int, ...]
    strata: tuple[int, ...]

    def draw(self, chance: Chance) -> Draw:
        """Return one condition for each person.

        Parameters
        ----------
        chance : Chance
            Where random numbers come from.

        Returns
        -------
        tuple of int
            Indices of conditions.
        """
        drawn = self.outer.draw(chance)
        pairs = list(zip(self.members, self.strata, strict=True))
        number: dict[tuple[int, int], int] = {}
        blocks = tuple(number.setdefault(pair, len(number)) for pair in pairs)
        weights = tuple(self.inner[drawn[cluster]] for cluster, _ in number)
        return Complete(weights=weights, blocks=blocks).draw(chance)

    def probabilities(self) -> NDArray[np.float64]:
        """Return the probability of each condition before clusters were drawn, one row for each person."""
        inner = np.array([[float(weight) for weight in row] for row in self.inner])
        return np.asarray(self.outer.probabilities() @ inner, dtype=np.float64)[list(self.members)]


def wedge_pattern(wedge: Wedge) -> NDArray[np.int64]:
    """Return which sequence has the new level in which period.

    Parameters
    ----------
    wedge : Wedge
        Sequences and steps.

    Returns
    -------
    ndarray of shape (sequences, periods)
        0 before a sequence crosses over, 1 from then on.
    """
    crossing = wedge.baseline_periods + np.arange(wedge.sequences) * wedge.periods_per_step
    return (np.arange(wedge.periods) >= crossing[:, None]).astype(np.int64)


def exposure(pattern: Sequence[Sequence[int]] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for how many periods each sequence has had the new level, the present one included.

    Parameters
    ----------
    pattern : array of shape (sequences, periods)
        Of `wedge_pattern`.

    Returns
    -------
    ndarray of shape (sequences, periods)
        0 before crossing, then 1, 2, 3 ...: the exposure time of models whose effect may grow or fade.
    """
    return np.asarray(np.cumsum(np.asarray(pattern), axis=1), dtype=np.int64)
