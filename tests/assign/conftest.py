"""Every outcome of a scheme with its exact probability: the enumeration that the tests of this room stand on."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from fractions import Fraction

import pytest


class Path:
    """A source of chance that follows a path through the tree of outcomes and notes where it branches."""

    def __init__(self, path):
        self.path, self.taken, self.open = list(path), [], []

    def _take(self, odds):
        branch = self.path[len(self.taken)] if len(self.taken) < len(self.path) else None
        if branch is None:
            live = [i for i, p in enumerate(odds) if p]
            branch = live[0]
            self.open += [(len(self.taken), i) for i in live[1:]]
        self.taken.append((branch, odds[branch]))
        return branch

    def below(self, n):
        return self._take([Fraction(1, n)] * n)

    def happens(self, p):
        return not self._take([p, 1 - p])


def every_outcome(draw: Callable[[Path], Hashable]) -> dict[Hashable, Fraction]:
    """Return outcome -> exact probability, by walking through every branch of every choice."""
    found: dict[Hashable, Fraction] = defaultdict(Fraction)
    todo = [[]]
    while todo:
        chance = Path(todo.pop())
        outcome = draw(chance)
        weight = Fraction(1)
        for _, p in chance.taken:
            weight *= p
        found[outcome] += weight
        todo += [[b for b, _ in chance.taken[:depth]] + [branch] for depth, branch in chance.open]
    assert sum(found.values()) == 1
    return dict(found)


@pytest.fixture
def enumerate_outcomes():
    return every_outcome
