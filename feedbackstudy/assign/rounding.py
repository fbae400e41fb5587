"""Whole numbers of people from fractions, without favouring anybody: unbiased controlled rounding.

Five people in three equal arms cannot be 1.67 each. `round_table` makes whole numbers such that every expected number
is exactly as declared, every count is the fraction rounded up or down, and so is every total over the blocks.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm

from feedbackstudy.design.chance import Chance, shuffled

__all__ = ["round_table"]

type Node = tuple[str, int]


def round_table(expected: Sequence[Sequence[Fraction]], chance: Chance) -> list[list[int]]:
    """Round a table of expected numbers to whole numbers at random.

    Parameters
    ----------
    expected : sequence of sequence of Fraction
        One row for each block, one column for each condition; rows sum to whole numbers.
    chance : Chance
        Where random numbers come from.

    Returns
    -------
    list of list of int
        Same shape; row sums are kept, each entry and each column sum is rounded to a neighbouring whole number, and the
        expected value of each entry is exactly the number given.

    Raises
    ------
    ValueError
        Where a row does not sum to a whole number.

    Notes
    -----
    Cox (1987), "A constructive procedure for unbiased controlled rounding", JASA 82, 520-524: fractions are moved along
    closed paths through the table, up or down by a coin whose odds keep every expectation, until none is left. Rows and
    columns enter in random order, so that no combination of roundings is impossible for want of luck in the order.
    """
    for row in expected:
        if sum(row, Fraction(0)).denominator != 1:
            raise ValueError(f"a block has {float(sum(row)):g} people; the numbers expected in it must sum to a whole.")
    unit = lcm(*(value.denominator for row in expected for value in row))
    scaled = [[int(value * unit) for value in row] for row in expected]
    whole = [[value // unit for value in row] for row in scaled]
    rest = [[value % unit for value in row] for row in scaled]
    if any(map(any, rest)):
        slack = [-sum(column) % unit for column in zip(*rest, strict=True)]
        _Paths([*rest, slack], unit, chance).settle(whole)
    return whole


class _Paths:
    """The fractional entries as edges between rows and columns; every node has none or at least two of them."""

    def __init__(self, rest: list[list[int]], unit: int, chance: Chance) -> None:
        self.rest, self.unit, self.chance = rest, unit, chance
        self.edges: dict[Node, dict[Node, None]] = {}
        columns = shuffled(range(len(rest[0])), chance)
        for row in shuffled(range(len(rest)), chance):
            for column in columns:
                if rest[row][column]:
                    self.edges.setdefault(("row", row), {})[("column", column)] = None
                    self.edges.setdefault(("column", column), {})[("row", row)] = None

    def settle(self, whole: list[list[int]]) -> None:
        while self.edges:
            path = self._closed_path()
            amounts = [self.rest[row][column] for row, column in path]
            up = min(self.unit - a if i % 2 == 0 else a for i, a in enumerate(amounts))
            down = min(a if i % 2 == 0 else self.unit - a for i, a in enumerate(amounts))
            step = up if self.chance.happens(Fraction(down, up + down)) else -down
            for i, (row, column) in enumerate(path):
                self.rest[row][column] += step if i % 2 == 0 else -step
                self._drop_if_whole(row, column, whole)

    def _drop_if_whole(self, row: int, column: int, whole: list[list[int]]) -> None:
        value = self.rest[row][column]
        if 0 < value < self.unit:
            return
        if row < len(whole):
            whole[row][column] += value // self.unit
        for node, other in ((("row", row), ("column", column)), (("column", column), ("row", row))):
            del self.edges[node][other]
            if not self.edges[node]:
                del self.edges[node]

    def _closed_path(self) -> list[tuple[int, int]]:
        node = next(iter(self.edges))
        seen: dict[Node, int] = {}
        nodes: list[Node] = []
        before: Node | None = None
        while node not in seen:
            seen[node] = len(nodes)
            nodes.append(node)
            node, before = _other(self.edges[node], before), node
        ring = nodes[seen[node] :]
        pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
        return [(a[1], b[1]) if a[0] == "row" else (b[1], a[1]) for a, b in pairs]


def _other(neighbours: Iterable[Node], before: Node | None) -> Node:
    return next(node for node in neighbours if node != before)
