"""Ordinal answers as category positions, checked: codes in order, few enough to be categories."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.issues import Issue, Severity
from feedbackstudy.psychometrics.matrix import Items, Matrix, item_matrix

__all__ = ["MOST_CATEGORIES", "Ordinal", "ordinal_items"]

MOST_CATEGORIES = 15
"""More distinct codes than this are taken for a continuous score, and refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordinal:
    """Answers as positions 0, 1, ... in each item's ordered codes.

    Attributes
    ----------
    positions : ndarray of int, shape (n_people, n_items)
        Position of the code among the item's codes in use; -1 where missing.
    categories : tuple of tuple of float
        The codes in use, ascending, one tuple an item.
    matrix : Matrix
        The checked answers the positions come from.
    issues : tuple of Issue
        What the checks found: rows set aside, gaps between codes.
    """

    positions: NDArray[np.intp]
    categories: tuple[tuple[float, ...], ...]
    matrix: Matrix
    issues: tuple[Issue, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Item names."""
        return self.matrix.items

    @property
    def counts(self) -> NDArray[np.intp]:
        """Number of categories in use, one an item."""
        return np.array([len(codes) for codes in self.categories])


def ordinal_items(data: Items | Matrix, *, missing: str = "listwise", minimum: int = 2) -> Ordinal:
    """Read answers as ordered categories.

    Parameters
    ----------
    data : DataFrame, array or Matrix
        Numeric codes in the order of the categories.
    missing : {"listwise", "pairwise"}
        Listwise keeps the rows without a missing answer.
    minimum : int, default 2
        Fewest items.

    Returns
    -------
    Ordinal
        Positions and codes.

    Raises
    ------
    DataError
        Where codes are not whole numbers, or too many to be categories, or fewer than two are in use.
    """
    matrix = item_matrix(data, minimum=minimum)
    matrix = matrix.complete if missing == "listwise" else matrix
    positions = np.full(matrix.answers.shape, -1, dtype=np.intp)
    categories: list[tuple[float, ...]] = []
    found = list(matrix.issues)
    for j, name in enumerate(matrix.items):
        column = matrix.answers[:, j]
        seen = ~np.isnan(column)
        codes, positions[seen, j] = np.unique(column[seen], return_inverse=True)
        _refuse_not_ordinal(codes, name)
        found += _gaps(codes, name)
        categories.append(tuple(float(code) for code in codes))
    positions.flags.writeable = False
    return Ordinal(positions=positions, categories=tuple(categories), matrix=matrix, issues=tuple(found))


def _refuse_not_ordinal(codes: NDArray[np.float64], name: str) -> None:
    broken = codes[codes != np.round(codes)]
    if len(broken):
        raise DataError(
            f"Item {name!r} holds {broken[0]:g}, not a whole number, so its values are not codes of ordered "
            "categories. Use a Pearson correlation or a continuous estimator for it."
        )
    if len(codes) > MOST_CATEGORIES:
        raise DataError(
            f"Item {name!r} has {len(codes)} different values; more than {MOST_CATEGORIES} are not taken for ordered "
            "categories. Use a Pearson correlation or a continuous estimator, or group the values."
        )
    if len(codes) < 2:
        raise DataError(f"Item {name!r} has the single category {codes[0]:g} left in use; leave it out.")


def _gaps(codes: NDArray[np.float64], name: str) -> list[Issue]:
    steps = np.diff(codes)
    if (steps == 1).all():
        return []
    at = int(np.argmax(steps))
    skipped = int(steps[at]) - 1
    return [
        Issue(
            code="psychometrics.category_gap",
            severity=Severity.WARNING,
            where=name,
            what=f"Item {name!r}: {skipped} code(s) between {codes[at]:g} and {codes[at + 1]:g} are not in use.",
            why="An unused category has no threshold; a far code such as 99 may stand for a missing answer.",
            fix="Set codes for missing answers to NA; otherwise nothing: categories in use keep their order.",
        )
    ]
