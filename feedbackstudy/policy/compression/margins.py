"""Grouped sums with their keys as codes, and where each group stands in the design."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.errors import DataError
from feedbackstudy.policy.compression.covering import Sums
from feedbackstudy.policy.compression.model import Column, Level, Product, Term, summed

__all__ = ["Levels", "Margin", "coded", "design_places", "levels_of", "refuse_change", "serving"]

type Levels = Mapping[str, tuple[Level, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """What one GROUP BY gave, its keys as codes.

    Attributes
    ----------
    codes : mapping of str to ndarray of intp, shape (groups,)
        Key -> place of each group's level among the key's levels.
    sums : mapping of str to ndarray, shape (groups,)
        Product, as `summed` names it -> its sum in each group.
    groups : int
        Number of groups.
    """

    codes: Mapping[str, NDArray[np.intp]]
    sums: Mapping[str, NDArray[np.float64]]
    groups: int

    def places(self, term: Term, design: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the design column of each group for one term.

        Parameters
        ----------
        term : Term
            The term; its factors are keys of this margin.
        design : ndarray of intp
            The term's `design_places`.

        Returns
        -------
        ndarray of intp, shape (groups,)
            -1 for a reference level.
        """
        if not term.factors:
            return np.full(self.groups, design[()], dtype=np.intp)
        return design[tuple(self.codes[factor] for factor in term.factors)]


_CHANGED = "The table changed while it was read"


def refuse_change(now: float, before: int) -> None:
    """Refuse a table whose complete rows are not as many as at the first look.

    Parameters
    ----------
    now, before : float
        Complete rows summed, and counted before.

    Raises
    ------
    DataError
        Where they differ; packed keys are then not to be trusted.
    """
    if now != before:
        raise DataError(f"{_CHANGED}: {before:,} complete rows, then {now:,.0f}. Read a copy that nobody writes to.")


def levels_of(sums: Sequence[Sums], key: str) -> list[Level]:
    """Return the levels of a key in order.

    Parameters
    ----------
    sums : sequence of Sums
        Groupings, one of them by the key.
    key : str
        A factor or cluster.

    Returns
    -------
    list
        Ascending.
    """
    smallest = min((s for s in sums if key in s.keys), key=lambda s: len(s.frame))
    return sorted(smallest.frame[key].unique().tolist())


def coded(sums: Iterable[Sums], levels: Levels) -> tuple[Margin, ...]:
    """Turn the keys of groupings into codes.

    Parameters
    ----------
    sums : iterable of Sums
        What an engine gave.
    levels : mapping of str to tuple
        Levels of every key.

    Returns
    -------
    tuple of Margin
        One for each grouping.

    Raises
    ------
    DataError
        For a level that the first look over the table did not hold: the table changed between two looks.
    """
    found = []
    for part in sums:
        codes = {key: pd.Index(levels[key]).get_indexer(pd.Index(np.asarray(part.frame[key]))) for key in part.keys}
        changed = [key for key, places in codes.items() if (places < 0).any()]
        if changed:
            raise DataError(f"{_CHANGED}: new levels came up. Read a copy that nobody writes to.")
        names = [name for name in part.frame.columns if name not in part.keys]
        values = {str(name): part.frame[name].to_numpy(dtype=np.float64) for name in names}
        found.append(Margin(codes, values, len(part.frame)))
    return tuple(found)


def serving(margins: Sequence[Margin], keys: Iterable[str], product: Product) -> tuple[Margin, NDArray[np.float64]]:
    """Return the smallest grouping from which a need follows by adding up.

    Parameters
    ----------
    margins : sequence of Margin
        All groupings that were computed.
    keys : iterable of str
        The need's keys.
    product : tuple of str
        What is summed.

    Returns
    -------
    tuple of (Margin, ndarray of shape (groups,))
        The grouping, and its sums of the product.
    """
    wanted, name = set(keys), summed(product)
    best = min((m for m in margins if wanted <= set(m.codes) and name in m.sums), key=lambda m: m.groups)
    return best, best.sums[name]


def design_places(terms: Sequence[Term], columns: Sequence[Column], levels: Levels) -> dict[Term, NDArray[np.intp]]:
    """Return where each combination of levels stands in the design.

    Parameters
    ----------
    terms : sequence of Term
        All terms, the intercept among them; a term may have no column.
    columns : sequence of Column
        The design.
    levels : mapping of str to tuple
        Levels of every factor.

    Returns
    -------
    dict of Term to ndarray of intp, one axis for each factor of the term
        The column; -1 for combinations with a reference level that the term leaves out.
    """
    places = {t: np.full([len(levels[factor]) for factor in t.factors], -1, dtype=np.intp) for t in terms}
    codes = {factor: {level: i for i, level in enumerate(known)} for factor, known in levels.items()}
    for j, column in enumerate(columns):
        cell = tuple(codes[factor][level] for factor, level in zip(column.term.factors, column.levels, strict=True))
        places[column.term][cell] = j
    return places
