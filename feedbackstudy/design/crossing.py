"""Cells of the crossing: which conditions there are, in one fixed order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from feedbackstudy.design.arms import FEEDBACK, Arm
from feedbackstudy.design.factors import Factor
from feedbackstudy.named import Named

__all__ = ["Cell", "Crossing", "cells"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One condition: a combination of levels, or an arm outside the crossing.

    Attributes
    ----------
    arm : str
        ``"feedback"`` inside the crossing, else the arm's name.
    levels : tuple of (str, str)
        Factor and level, in the study's order of factors; empty for an arm.
    """

    arm: str
    levels: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The levels joined by colons, or the arm's name: ``"same_day:specific"``."""
        return ":".join(code for _, code in self.levels) if self.levels else self.arm

    def has(self, at: Mapping[str, str]) -> bool:
        """Say whether the cell is inside the crossing and has all these levels.

        Parameters
        ----------
        at : mapping of str to str
            Factor -> level.

        Returns
        -------
        bool
            Whether it has.
        """
        return self.arm == FEEDBACK and at.items() <= dict(self.levels).items()


@dataclass(frozen=True, slots=True)
class Crossing:
    """The factors, the arms outside, and what cannot occur.

    Attributes
    ----------
    factors : Named of Factor
        In order.
    arms : Named of Arm
        Arms outside the crossing.
    forbidden : tuple of mapping
        Combinations that cannot occur.
    """

    factors: Named[Factor]
    arms: Named[Arm]
    forbidden: tuple[Mapping[str, str], ...]

    def full(self) -> tuple[Cell, ...]:
        """Return every combination of levels, forbidden ones included.

        Returns
        -------
        tuple of Cell
            In the order of the factors, the last one changing fastest; a single cell where there is no factor.
        """
        steps = [[(factor.name, code) for code in factor.codes()] for factor in self.factors]
        return tuple(Cell(FEEDBACK, levels) for levels in product(*steps))

    def cells(self) -> tuple[Cell, ...]:
        """Return the conditions that can occur, the arms last.

        Returns
        -------
        tuple of Cell
            The columns of every `Weights`.
        """
        inside = tuple(cell for cell in self.full() if not self.is_forbidden(cell))
        return inside + tuple(Cell(arm.name) for arm in self.arms)

    def is_forbidden(self, cell: Cell) -> bool:
        """Say whether a combination cannot occur.

        Parameters
        ----------
        cell : Cell
            A combination of levels.

        Returns
        -------
        bool
            Whether it is declared as forbidden.
        """
        return any(cell.has(combination) for combination in self.forbidden)


def cells(
    factors: Sequence[Factor], arms: Sequence[Arm] = (), forbidden: Sequence[Mapping[str, str]] = ()
) -> tuple[Cell, ...]:
    """Return the conditions of a design.

    Parameters
    ----------
    factors : sequence of Factor
        What is crossed.
    arms : sequence of Arm
        Arms outside the crossing.
    forbidden : sequence of mapping
        Combinations that cannot occur, as factor -> level; a partial one forbids all that hold it.

    Returns
    -------
    tuple of Cell
        Cells in the order of the factors, the last one changing fastest, then the arms.
    """
    return Crossing(Named(factors), Named(arms), tuple(forbidden)).cells()
