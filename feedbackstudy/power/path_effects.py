"""Effects of a path from the values of its legs: what is compared, and at which ends of a moderator."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_effects import Structure, routes

__all__ = ["Comparison", "LegValues", "effect_at"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """What is compared along a path, at the lowest and the highest value of a moderator.

    Attributes
    ----------
    structure : {"simple", "parallel", "serial"}
        How the mediators stand.
    effect : {"indirect", "direct", "total", "difference"}
        What is asked for.
    on : tuple of {"first", "second", "direct"}
        The parts that are moderated; empty without a moderator.
    first, direct : ndarray of shape (2, cells)
        The contrast in the mediators' equations, and in the outcome's, at the first and the last level of a factor; the
        whole contrast twice where that leg is not moderated by a factor.
    level : ndarray of shape (cells,) or None
        Level of each cell, whose slopes of the outcome on the mediators differ; None where they do not.
    levels : int
        How many there are.
    """

    structure: Structure
    effect: str
    on: tuple[str, ...]
    first: Floats
    direct: Floats
    level: Ints | None = None
    levels: int = 1

    @property
    def per_unit(self) -> bool:
        """Whether the effect is linear in a measured moderator, so that its index counts one unit of it."""
        return not {"first", "second"} <= set(self.on)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LegValues:
    """Values of the legs, numbers or arrays, each at the lowest and at the highest value of the moderator.

    Attributes
    ----------
    a, b : sequence of pairs
        For each mediator: cause to mediator, mediator to outcome.
    d : mapping of (int, int) to value
        Earlier to later mediator.
    direct : pair
        Cause to outcome.
    """

    a: Sequence[Sequence[Floats]]
    b: Sequence[Sequence[Floats]]
    d: dict[tuple[int, int], Floats]
    direct: Sequence[Floats]


def effect_at(legs: LegValues, structure: Structure, effect: str, end: int) -> Floats:
    """Return an effect of a path.

    Parameters
    ----------
    legs : LegValues
        Its legs.
    structure : {"simple", "parallel", "serial"}
        How the mediators stand.
    effect : {"indirect", "direct", "total", "difference"}
        Which one; ``"indirect"`` is the way through all mediators of a serial path, the sum over those of a parallel
        one, ``"difference"`` the first minus the second.
    end : {0, 1}
        At the lowest or the highest value of the moderator.

    Returns
    -------
    ndarray
        Of the legs' shape.
    """

    def along(route: Sequence[int]) -> Floats:
        found = legs.a[route[0]][end] * legs.b[route[-1]][end]
        for pair in pairwise(route):
            found = found * legs.d[pair]
        return np.asarray(found)

    ways = routes(structure, len(legs.a))
    if effect == "direct":
        return np.asarray(legs.direct[end])
    if effect == "difference":
        return along((0,)) - along((1,))
    if effect == "total":
        return np.asarray(legs.direct[end] + sum(along(way) for way in ways))
    chosen = ways[-1:] if structure == "serial" else ways
    return np.asarray(sum(along(way) for way in chosen))
