"""What is left to chance once it is known who was assigned to some of the conditions: the scheme among these people."""

from collections.abc import Collection, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.clusters import WholeClusters
from feedbackstudy.assign.schemes import Complete, PermutedBlocks, Scheme, Simple
from feedbackstudy.errors import DataError

__all__ = ["among"]


def among(scheme: Scheme, drawn: Sequence[int], conditions: Collection[int]) -> tuple[NDArray[np.int64], Scheme]:
    """Return the scheme that holds among those who were assigned to some of the conditions, given who they are.

    Parameters
    ----------
    scheme : Scheme
        How all units were assigned.
    drawn : sequence of int, length units
        The condition of each.
    conditions : collection of int
        The conditions that are looked at.

    Returns
    -------
    tuple of (ndarray, Scheme)
        Positions of the units in these conditions, in order, and a scheme for them, which draws the same indices of
        conditions.

    Raises
    ------
    DataError
        For a scheme whose draw, given who is in these conditions, is no reshuffling: minimisation, clusters that get
        some factors while their people get others, and permuted blocks of several sizes (whose ends are not recorded).

    Notes
    -----
    Complete assignment fixes how many of a block get each condition and shuffles them. Given these numbers and who got
    one of the conditions, every order of the conditions among these people of a block is equally likely. Permuted
    blocks of one size are such blocks, one after the other in each stratum. Simple assignment leaves the ratio of
    their probabilities. Whole clusters: the same, among clusters. A test by these draws holds its level given who was
    in the conditions, and therefore on the whole (Hennessy et al., 2016, Journal of Causal Inference 4, 61-80).
    """
    inside = np.flatnonzero(np.isin(np.asarray(drawn), list(conditions)))
    if isinstance(scheme, Simple):
        total = sum((weight for i, weight in enumerate(scheme.weights) if i in conditions), Fraction(0))
        kept = tuple(weight / total if i in conditions else Fraction(0) for i, weight in enumerate(scheme.weights))
        return inside, Simple(weights=kept, n=len(inside))
    if isinstance(scheme, Complete):
        return inside, _reshuffled(drawn, inside, scheme.blocks, len(scheme.weights[0]))
    if isinstance(scheme, PermutedBlocks) and len(set(scheme.sizes)) == 1:
        return inside, _reshuffled(drawn, inside, _in_turn(scheme.strata, scheme.sizes[0]), len(scheme.weights))
    if isinstance(scheme, WholeClusters):
        got = dict(zip(scheme.members, drawn, strict=True))
        clusters, outer = among(scheme.outer, [got[i] for i in range(len(got))], conditions)
        place = {int(cluster): i for i, cluster in enumerate(clusters)}
        return inside, WholeClusters(outer=outer, members=tuple(place[scheme.members[i]] for i in inside))
    raise DataError(
        "Given who was assigned to the conditions that are compared, this scheme leaves no plain reshuffling (it "
        "minimises, splits clusters, or draws the sizes of its blocks); compare conditions of which everybody is asked."
    )


def _reshuffled(drawn: Sequence[int], inside: NDArray[np.int64], blocks: Sequence[int], conditions: int) -> Complete:
    """Return complete assignment with exactly the numbers that these units of each block have."""
    held, own = np.unique([blocks[i] for i in inside], return_inverse=True)
    counts = np.zeros((len(held), conditions), dtype=np.int64)
    np.add.at(counts, (own, np.asarray(drawn)[inside]), 1)
    weights = tuple(tuple(Fraction(int(n), int(row.sum())) for n in row) for row in counts)
    return Complete(weights=weights, blocks=tuple(map(int, own)))


def _in_turn(strata: Sequence[int], size: int) -> tuple[int, ...]:
    """Return the block of each place, where every stratum is filled in blocks of one size."""
    filled: dict[int, int] = {}
    names: dict[tuple[int, int], int] = {}
    blocks = []
    for stratum in strata:
        at = filled.setdefault(stratum, 0)
        filled[stratum] += 1
        blocks.append(names.setdefault((stratum, at // size), len(names)))
    return tuple(blocks)
