"""Which stories invented people read, where factors vary within people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.assigning import condition_decks
from feedbackstudy.assign.conditions import conditions_of
from feedbackstudy.design.crossing import Cell
from feedbackstudy.study import Study

__all__ = ["Told", "deal_stories", "told_rows"]

type Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """Who reads which story, one row each, the rows of each person together and in the order of reading.

    Attributes
    ----------
    person : ndarray of shape (rows,)
        Number of the reader.
    position : ndarray of shape (rows,)
        Which of the reader's stories it is, from 0.
    cell : ndarray of shape (rows,)
        The cell that the story is about.
    """

    person: Ints
    position: Ints
    cell: Ints

    @property
    def first(self) -> Ints:
        """Row of each person's first story."""
        return np.flatnonzero(self.position == 0)


def told_rows(study: Study, cells: tuple[Cell, ...], assigned: Ints, chance: np.random.Generator) -> Told:
    """Deal the stories of the deck, one row for each.

    Parameters
    ----------
    study : Study
        The study.
    cells : tuple of Cell
        The crossing's cells.
    assigned : ndarray of shape (n,)
        Some cell of each person's condition.
    chance : Generator
        A stream.

    Returns
    -------
    Told
        All stories that are read; where no factor varies within people one row for each of them.
    """
    if all(factor.varies != "within" for factor in study.factors):
        return Told(person=np.arange(len(assigned)), position=np.zeros(len(assigned), np.int64), cell=assigned)
    dealt = np.stack(deal_stories(study, cells, assigned, chance), axis=1)
    person, position = np.nonzero(dealt >= 0)
    return Told(person=person, position=position, cell=dealt[person, position])


def deal_stories(study: Study, cells: tuple[Cell, ...], assigned: Ints, chance: np.random.Generator) -> list[Ints]:
    """Deal blocks and orders of the deck evenly to the people of each condition.

    Parameters
    ----------
    study : Study
        The study.
    cells : tuple of Cell
        The crossing's cells.
    assigned : ndarray of shape (n,)
        Some cell of each person's condition.
    chance : Generator
        A stream.

    Returns
    -------
    list of ndarray of shape (n,)
        For each position the cell that each person reads about there; -1 where somebody reads no more. Arms outside
        the crossing have one position.
    """
    conditions = conditions_of(study)
    decks = condition_decks(study, conditions) or ()
    place = {frozenset(cell.levels): i for i, cell in enumerate(cells) if cell.levels}
    varied = {factor.name for factor in study.factors if factor.varies == "within"}
    most = max((deck.orders.shape[1] for deck in decks), default=1)
    found = [np.full(len(assigned), -1) for _ in range(most)]
    fixed = [frozenset((k, v) for k, v in cell.levels if k not in varied) for cell in cells]
    outside = np.array([not cell.levels for cell in cells])
    found[0] = np.where(outside[assigned], assigned, -1)
    for condition, deck in zip(conditions.cells, decks, strict=True):
        known = {frozenset(pair for pair in condition.levels)}
        here = np.flatnonzero([not outside[c] and fixed[c] in known for c in assigned])
        hands = [(b, o) for b in range(int(deck.blocks.max()) + 1) for o in range(len(deck.orders))]
        picked = (chance.permutation(len(here)) + chance.integers(len(hands))) % len(hands)
        levels = dict(zip(deck.names, (frozenset(cell.levels) for cell in deck.cells), strict=True))
        for who, hand in zip(here, picked, strict=True):
            for j, story in enumerate(deck.hand(*hands[hand])):
                found[j][who] = place[levels[story] | fixed[assigned[who]]]
    return found
