"""Fewer GROUP BYs: finer groups from which several coarser ones follow by adding up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from feedbackstudy.policy.compression.model import Need, Product

__all__ = ["Cover", "Sums", "cover"]


@dataclass(frozen=True, slots=True)
class Cover:
    """One GROUP BY that serves several needs.

    Attributes
    ----------
    keys : tuple of str
        Columns that are grouped by.
    products : tuple of tuple
        Products to sum; the empty product is the count (or the sum of weights).
    """

    keys: tuple[str, ...]
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What one GROUP BY gave.

    Attributes
    ----------
    keys : tuple of str
        The columns grouped by.
    frame : DataFrame
        One row a group: the keys under their names, the sums as `summed` names them.
    """

    keys: tuple[str, ...]
    frame: pd.DataFrame


def cover(needs: Sequence[Need], cardinality: Mapping[str, int], *, most: int) -> tuple[Cover, ...]:
    """Choose groupings that serve all needs.

    Parameters
    ----------
    needs : sequence of Need
        What must be summed.
    cardinality : mapping of str to int
        Number of levels of each key.
    most : int
        Groups that one grouping may have beyond what a single need asks for.

    Returns
    -------
    tuple of Cover
        Greedy: the largest need first, each put where it adds the fewest groups, or on its own where none has room.
        Totals, which have no keys, stand alone.
    """

    def size(keys: frozenset[str]) -> int:
        total = 1
        for key in keys:
            total *= max(cardinality[key], 1)
        return total

    kept: list[tuple[frozenset[str], set[Product]]] = []
    for need in sorted(needs, key=lambda n: (-size(n.keys), sorted(n.keys))):
        room = [
            (size(keys | need.keys) - size(keys), i)
            for i, (keys, _) in enumerate(kept)
            if need.keys and (need.keys <= keys or size(keys | need.keys) <= most)
        ]
        if room:
            _, i = min(room)
            kept[i] = (kept[i][0] | need.keys, kept[i][1] | need.products)
        else:
            kept.append((need.keys, set(need.products)))
    return tuple(Cover(tuple(sorted(keys)), tuple(sorted(products))) for keys, products in kept)
