"""Other assignments that could have been drawn: what randomisation inference compares the real one with."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.clusters import WholeClusters
from feedbackstudy.assign.rounding import round_table
from feedbackstudy.assign.schemes import Complete, Scheme, Simple
from feedbackstudy.design.chance import Chance, Stream, whole_seed
from feedbackstudy.errors import InputError

__all__ = ["Permutations", "count_assignments", "permute"]

MOST_TABLES = 20_000
MOST_COUNTED = 128
"""Branches that a mere count may walk through, some 30 ms; listing all assignments may walk `MOST_TABLES`."""
MOST_WALKED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Permutations:
    """Assignments drawn by the same scheme, or all that there are.

    Attributes
    ----------
    conditions : ndarray of shape (m, units)
        Index of each unit's condition.
    weights : ndarray of shape (m,)
        Probability of each assignment; 1/m for drawn ones.
    exact : bool
        Whether these are all assignments that the scheme can give.
    """

    conditions: NDArray[np.int16]
    weights: NDArray[np.float64]
    exact: bool


class _Branches:
    """Walks through all outcomes of a rounding: takes the next open branch, and knows its probability."""

    def __init__(self, path: list[int]) -> None:
        self.path, self.taken = path, list[int]()
        self.weight = Fraction(1)
        self.open: list[list[int]] = []

    def below(self, n: int) -> int:
        return self._take([Fraction(1, n)] * n)

    def happens(self, p: Fraction) -> bool:
        return self._take([p, 1 - p]) == 0

    def _take(self, odds: list[Fraction]) -> int:
        depth = len(self.taken)
        if depth < len(self.path):
            branch = self.path[depth]
        else:
            live = [i for i, p in enumerate(odds) if p]
            branch = live[0]
            self.open += [[*self.taken, other] for other in live[1:]]
        self.taken.append(branch)
        self.weight *= odds[branch]
        return branch


def _walked[T: Hashable](draw: Callable[[Chance], T], most: int) -> dict[T, Fraction] | None:
    """Return every outcome of a draw with its exact probability; None where there are too many branches to walk."""
    found: dict[T, Fraction] = {}
    todo: list[list[int]] = [[]]
    for _ in range(most):
        if not todo:
            return found
        chance = _Branches(todo.pop())
        outcome = draw(chance)
        found[outcome] = found.get(outcome, Fraction(0)) + chance.weight
        todo += chance.open
    return None if todo else found


def _tables(scheme: Complete, most: int) -> dict[tuple[tuple[int, ...], ...], Fraction] | None:
    """Return every table of counts with its exact probability; None where there are too many to walk through."""
    expected = scheme.expected()
    if _fractional(expected) and factorial(len(expected[0])) * factorial(len(expected) + 1) > most:
        return None  # rounding begins by shuffling columns and rows, so there are at least that many branches
    return _walked(lambda chance: tuple(map(tuple, round_table(expected, chance))), most)


def _fractional(expected: list[list[Fraction]]) -> list[list[Fraction]]:
    return [row for row in expected if any(value.denominator > 1 for value in row)]


def _arrangements(table: tuple[tuple[int, ...], ...]) -> int:
    return prod(factorial(sum(row)) // prod(map(factorial, row)) for row in table)


def _complete(scheme: Complete, most: int) -> int | None:
    """Count in closed form where at most one block has fractions to round, else by its tables."""
    expected = scheme.expected()
    broken = _fractional(expected)
    if len(broken) > 1:
        tables = _tables(scheme, most)
        return None if tables is None else sum(map(_arrangements, tables))
    whole = _arrangements(tuple(tuple(map(int, row)) for row in expected if row not in broken))
    return whole * prod(map(_rounded, broken))


def _rounded(row: list[Fraction]) -> int:
    """Count the orders of one block over all its roundings: any choice of fractions to round up can be drawn.

    Of n people with whole parts w, rounding up a set S gives n! / prod(w!) / prod over S of (w + 1) orders, so that the
    sum over all sets of their size is an elementary symmetric polynomial of 1 / (w + 1).
    """
    n, whole = int(sum(row)), [int(value) for value in row]
    up = n - sum(whole)
    sums = [Fraction(1), *[Fraction(0)] * up]
    for value, held in zip(row, whole, strict=True):
        if value.denominator > 1:
            for size in range(up, 0, -1):
                sums[size] += sums[size - 1] / (held + 1)
    return int(factorial(n) // prod(map(factorial, whole)) * sums[up])


def count_assignments(scheme: Scheme, *, most: int = MOST_COUNTED) -> int | None:
    """Count the assignments that a scheme can give.

    Parameters
    ----------
    scheme : Scheme
        The scheme.
    most : int
        Branches to walk through at most, where there is no closed form.

    Returns
    -------
    int or None
        The number; None where there is no closed form and too many branches to walk through.

    Notes
    -----
    Complete assignment with whole numbers expected in all blocks but one at most: products of multinomial coefficients,
    summed over the roundings of that block. With fractions in several blocks its tables of group sizes are walked
    through. Simple assignment: conditions to the power of units. Clusters are counted, not their people. Schemes of
    other kinds are walked through up to 12 units.
    """
    if isinstance(scheme, WholeClusters):
        return count_assignments(scheme.outer, most=most)
    if isinstance(scheme, Simple):
        return int(sum(weight > 0 for weight in scheme.weights) ** scheme.n)
    if isinstance(scheme, Complete):
        return _complete(scheme, most)
    drawn = _all_drawn(scheme, most)
    return None if drawn is None else len(drawn)


def _all_drawn(scheme: Scheme, most: int) -> dict[tuple[int, ...], Fraction] | None:
    return _walked(scheme.draw, most) if len(scheme.probabilities()) <= MOST_WALKED else None


def permute(scheme: Scheme, n: int | None, *, seed: int) -> Permutations:
    """Draw assignments by the scheme, or list all of them.

    Parameters
    ----------
    scheme : Scheme
        The scheme.
    n : int or None
        How many to draw; None for all there are, each with its probability.
    seed : int
        Fixes the draws.

    Returns
    -------
    Permutations
        Conditions and weights.

    Raises
    ------
    InputError
        Where all are asked for but cannot be listed.
    """
    if n is not None:
        if n < 1:
            raise InputError(f"{n} permutations are asked for; give at least 1, or None for all there are.")
        return Permutations(conditions=_many(scheme, n, seed), weights=np.full(n, 1 / n), exact=False)
    total = count_assignments(scheme, most=MOST_TABLES)
    found = _every(scheme) if total is not None and total <= MOST_TABLES else None
    if found is None:
        many = f"are {total:,}" if total is not None and MOST_TABLES < total < 10**15 else "cannot be listed"
        raise InputError(f"The possible assignments {many}; draw some of them instead: permutations(2000).")
    rows, weights = found
    return Permutations(conditions=rows, weights=weights, exact=True)


def _every(scheme: Scheme) -> tuple[NDArray[np.int16], NDArray[np.float64]] | None:
    """List all assignments of a scheme that has few, each with its probability; None where branches are too many."""
    if isinstance(scheme, WholeClusters):
        found = _every(scheme.outer)
        return None if found is None else (found[0][:, list(scheme.members)], found[1])
    if isinstance(scheme, Complete):
        return _every_order(scheme)
    if isinstance(scheme, Simple):
        live = [condition for condition, weight in enumerate(scheme.weights) if weight]
        rows = np.array(list(product(live, repeat=scheme.n)), dtype=np.int16)
        return rows, np.array([float(weight) for weight in scheme.weights])[rows].prod(axis=1)
    drawn = _all_drawn(scheme, MOST_TABLES) or {}
    return np.array(list(drawn), dtype=np.int16), np.array([float(weight) for weight in drawn.values()])


def _every_order(scheme: Complete) -> tuple[NDArray[np.int16], NDArray[np.float64]] | None:
    members = scheme.members()
    rows, weights = [], []
    tables = _tables(scheme, MOST_TABLES)
    if tables is None:
        return None
    for table, weight in tables.items():
        share = float(weight / _arrangements(table))
        for parts in product(*(list(_orders(row)) for row in table)):
            line = np.zeros(len(scheme.blocks), dtype=np.int16)
            for units, conditions in zip(members, parts, strict=True):
                line[units] = conditions
            rows.append(line)
            weights.append(share)
    return np.array(rows), np.array(weights)


def _many(scheme: Scheme, n: int, seed: int) -> NDArray[np.int16]:
    """Draw n assignments; numpy's generator shuffles, which is quick and need not be the same in ten years."""
    rng = np.random.default_rng([whole_seed(seed), 1])
    if isinstance(scheme, WholeClusters):
        return _many(scheme.outer, n, seed)[:, list(scheme.members)]
    if isinstance(scheme, Simple):
        ends = np.cumsum([float(weight) for weight in scheme.weights])[:-1]
        return np.searchsorted(ends, rng.random((n, scheme.n)), side="right").astype(np.int16)
    if not isinstance(scheme, Complete):
        drawn = [scheme.draw(Stream(seed, "permutation", str(i))) for i in range(n)]
        return np.array(drawn, dtype=np.int16)
    expected = scheme.expected()
    whole = all(value.denominator == 1 for row in expected for value in row)
    draws = 1 if whole else n
    tables = np.array([round_table(expected, Stream(seed, "permutation", str(i))) for i in range(draws)])
    result = np.empty((n, len(scheme.blocks)), dtype=np.int16)
    conditions = np.arange(tables.shape[2], dtype=np.int16)
    for block, units in enumerate(scheme.members()):
        rows = [np.repeat(conditions, table[block]) for table in tables]
        result[:, units] = rng.permuted(np.array(rows * (n // draws)), axis=1)
    return result


def _orders(counts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield every different order of conditions with these counts."""
    if not any(counts):
        yield ()
    for condition, count in enumerate(counts):
        if count:
            rest = (*counts[:condition], count - 1, *counts[condition + 1 :])
            yield from ((condition, *tail) for tail in _orders(rest))
