"""Centred numerics: which may be centred without changing the model, and the way back to the columns as given."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product as choices_of

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.policy.compression.model import Column, LinearModel, Term

__all__ = ["centred", "full_factors", "way_back"]


def full_factors(term: Term, terms: Sequence[Term]) -> frozenset[str]:
    """Return the factors of a term that keep all levels: those without which the term stands nowhere in the model.

    Parameters
    ----------
    term : Term
        A term.
    terms : sequence of Term
        All terms beside the intercept.

    Returns
    -------
    frozenset of str
        The other factors leave out their reference level.
    """
    present = {(frozenset(t.factors), _multiset(t.numerics)) for t in (Term(), *terms)}
    numerics = _multiset(term.numerics)
    return frozenset(f for f in term.factors if (frozenset(term.factors) - {f}, numerics) not in present)


def centred(model: LinearModel, means: Mapping[str, float]) -> dict[str, float]:
    """Return what is taken off each numeric column.

    Parameters
    ----------
    model : LinearModel
        The model.
    means : mapping of str to float
        Column -> its mean.

    Returns
    -------
    dict
        The mean where the model holds every lower term with the same coding, so that centring only moves
        coefficients; 0 otherwise.
    """
    fixed = {name for term in model.terms for name in term.numerics if not _closed(term, name, model.terms)}
    return {name: 0.0 if name in fixed else float(mean) for name, mean in means.items()}


def _closed(term: Term, name: str, terms: Sequence[Term]) -> bool:
    known = {(frozenset(t.factors), _multiset(t.numerics)): t for t in (Term(), *terms)}
    for lower in _lower(term.numerics):
        if _multiset(lower)[name] == _multiset(term.numerics)[name]:
            continue
        twin = known.get((frozenset(term.factors), _multiset(lower)))
        if twin is None or full_factors(twin, terms) != full_factors(term, terms):
            return False
    return True


def way_back(columns: Sequence[Column], centres: Mapping[str, float]) -> NDArray[np.float64]:
    """Return the matrix that turns coefficients of centred columns into those of the columns as given.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the design.
    centres : mapping of str to float
        What was taken off each numeric column.

    Returns
    -------
    ndarray, shape (p, p)
        Column j holds the centred column j as a combination of the columns as given.
    """
    place = {(frozenset(zip(c.term.factors, c.levels, strict=True)), _multiset(c.term.numerics)): i
             for i, c in enumerate(columns)}  # fmt: skip
    matrix = np.zeros((len(columns), len(columns)))
    for j, column in enumerate(columns):
        here = frozenset(zip(column.term.factors, column.levels, strict=True))
        for kept, taken in _expansion(column.term.numerics, centres):
            if taken:
                matrix[place[here, _multiset(kept)], j] += taken
    return matrix


def _multiset(names: Sequence[str]) -> "Counter[str]":
    return _Counts(names)


class _Counts(Counter[str]):
    """A multiset that can be a key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _lower(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for keep in choices_of((True, False), repeat=len(names)):
        yield tuple(name for name, kept in zip(names, keep, strict=True) if kept)


def _expansion(names: Sequence[str], centres: Mapping[str, float]) -> Iterator[tuple[tuple[str, ...], float]]:
    """Multiply out the product of (z - c): the names kept, and what stands before them."""
    for keep in choices_of((True, False), repeat=len(names)):
        taken = float(np.prod([1.0 if kept else -centres[name] for name, kept in zip(names, keep, strict=True)]))
        yield tuple(name for name, kept in zip(names, keep, strict=True) if kept), taken
