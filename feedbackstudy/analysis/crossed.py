"""Cells made of a user's factors, participants who return, and model terms named with ``:``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.columns import Columns, FactorColumn
from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = [
    "Cells",
    "TermColumns",
    "between_levels",
    "cells_of",
    "dependent_term",
    "listed",
    "one_row_each",
    "term_columns",
    "term_parts",
]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The crossing of some factors; the last factor varies fastest.

    Attributes
    ----------
    names : tuple of str
        The factors.
    levels : tuple of tuple of str
        Levels of each.
    labels : tuple of str
        Cells, their levels joined by ``:``.
    cell : ndarray, shape (n,)
        Cell of each row.
    counts : ndarray, shape (cells,)
        Rows in each cell.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]
    cell: Integers
    counts: Integers

    def require(self, least: int = 1, *, why: str = "its mean cannot be estimated") -> None:
        """Refuse cells that hold too little.

        Parameters
        ----------
        least : int, default 1
            Fewest rows that a cell must hold.
        why : str
            What fails otherwise.

        Raises
        ------
        DataError
            Naming each cell that holds fewer.
        """
        short = np.flatnonzero(self.counts < least)
        if not short.size:
            return
        named = ", ".join(f"{self.labels[i]} ({self.counts[i]})" for i in short[:8])
        more = f" and {short.size - 8} more" if short.size > 8 else ""
        offer = (
            f" If one level is a comparison arm outside the crossing of {' x '.join(self.names)}, name it: "
            "control={'<column>': '<level>'}; the factors then use the crossed arms only."
            if (self.counts == 0).any() and len(self.names) > 1
            else ""
        )
        raise DataError(f"Each cell needs {least} row(s), or {why}; too few in: {named}{more}.{offer}")


def listed(**given: Sequence[str]) -> None:
    """Refuse bare text where a list of names is wanted, as text is a sequence of letters.

    Parameters
    ----------
    **given : sequence of str
        Arguments by their names.

    Raises
    ------
    DataError
        Naming the argument.
    """
    for argument, names in given.items():
        if isinstance(names, str):
            raise DataError(f"{argument} is a list of names, such as [{names!r}]; given the bare text {names!r}.")


def cells_of(factors: Sequence[FactorColumn]) -> Cells:
    """Cross some factors.

    Parameters
    ----------
    factors : sequence of FactorColumn
        Without missing values, all of one length.

    Returns
    -------
    Cells
        All combinations of their levels, also empty ones.
    """
    sizes = tuple(len(factor.levels) for factor in factors)
    cell = np.ravel_multi_index(tuple(factor.codes for factor in factors), sizes)
    return Cells(
        names=tuple(factor.name for factor in factors),
        levels=tuple(factor.levels for factor in factors),
        labels=tuple(":".join(parts) for parts in product(*(factor.levels for factor in factors))),
        cell=np.asarray(cell, dtype=np.int64),
        counts=np.bincount(cell, minlength=int(np.prod(sizes))).astype(np.int64),
    )


def between_levels(participant: FactorColumn, factor: FactorColumn) -> Integers:
    """Return the one level of a between factor that each participant has.

    Parameters
    ----------
    participant, factor : FactorColumn
        Columns without missing values.

    Returns
    -------
    ndarray, shape (participants,)
        Position of the level.

    Raises
    ------
    DataError
        For a participant in two levels; the message names the first few.
    """
    seen = np.zeros((len(participant.levels), len(factor.levels)), dtype=np.bool_)
    seen[participant.codes, factor.codes] = True
    several = np.flatnonzero(seen.sum(axis=1) > 1)
    if several.size:
        named = ", ".join(participant.levels[i] for i in several[:5])
        raise DataError(
            f"{several.size} participant(s) stand in more than one level of the between factor {factor.name!r}: "
            f"{named}. Name it in 'within' if participants passed through its levels; otherwise mend the rows."
        )
    return np.asarray(seen.argmax(axis=1), dtype=np.int64)


def one_row_each(participant: FactorColumn, cells: Cells) -> None:
    """Refuse a participant who has two rows in one cell.

    Parameters
    ----------
    participant : FactorColumn
        Who the row is of.
    cells : Cells
        The occasions: the crossing of the within factors.

    Raises
    ------
    DataError
        Naming participant and occasion; nothing is averaged silently.
    """
    key = participant.codes * len(cells.labels) + cells.cell
    where, counts = np.unique(key, return_counts=True)
    if (counts > 1).any():
        first = int(where[counts > 1][0])
        who, when = participant.levels[first // len(cells.labels)], cells.labels[first % len(cells.labels)]
        raise DataError(
            f"{int((counts > 1).sum())} pair(s) of participant and {':'.join(cells.names) or 'row'} occur more than "
            f"once, first {who} at {when or 'the only occasion'}. Remove the duplicate, or average it yourself first "
            "(data.groupby([...]).mean())."
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermColumns:
    """Columns of a design matrix with the terms they belong to.

    Attributes
    ----------
    matrix : ndarray, shape (n, p)
        Intercept first.
    names : tuple of str
        One for each column.
    spans : dict of str to slice
        Term -> its columns.
    """

    matrix: Floats
    names: tuple[str, ...]
    spans: Mapping[str, slice]


def term_parts(term: str, known: Sequence[str]) -> tuple[str, ...]:
    """Read one term: names of columns joined by ``:``; nothing else is understood and nothing is evaluated.

    Parameters
    ----------
    term : str
        Such as ``"timing:framing"``.
    known : sequence of str
        Columns that exist.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    DataError
        For a term that is no text, or names a column twice.
    NotFoundError
        For a name that is unknown, such as a formula.
    """
    if not isinstance(term, str) or not term:
        raise DataError(f"A term is a name, or names joined by ':'; given {term!r}.")
    parts = tuple(part.strip() for part in term.split(":"))
    for part in parts:
        if part not in known:
            raise NotFoundError(choices("Column of a term", part, known))
    if len(set(parts)) < len(parts):
        raise DataError(f"Term {term!r} names a column twice.")
    return parts


def term_columns(read: Columns, terms: Sequence[str], *, coding: str = "treatment") -> TermColumns:
    """Build a design matrix from named terms.

    Parameters
    ----------
    read : Columns
        Checked columns that hold all parts of the terms.
    terms : sequence of str
        Main effects and interactions; an interaction does not bring its main effects along.
    coding : {"treatment", "sum"}, default "treatment"
        Indicators against the first level, or deviations from the mean of levels.

    Returns
    -------
    TermColumns
        Intercept, then the columns of each term.

    Raises
    ------
    DataError
        Where columns depend on each other; the message names the term that adds nothing.
    """
    n = read.n
    matrix, names, spans = [np.ones((n, 1))], ["(Intercept)"], {}
    known = [*read.factors, *read.covariates]
    for term in terms:
        block, labels = np.ones((n, 1)), [""]
        for part in term_parts(term, known):
            columns, added = _part(read, part, coding)
            block = (block[:, :, None] * columns[:, None, :]).reshape(n, -1)
            labels = [f"{left}:{right}" if left else right for left in labels for right in added]
        start = sum(part.shape[1] for part in matrix)
        if term in spans:
            raise DataError(f"Term {term!r} is given twice.")
        spans[term] = slice(start, start + block.shape[1])
        matrix.append(block)
        names += labels
    X = np.hstack(matrix)
    _independent(read, X, spans)
    return TermColumns(matrix=X, names=tuple(names), spans=spans)


def _part(read: Columns, name: str, coding: str) -> tuple[Floats, list[str]]:
    if name in read.covariates:
        return read.covariates[name][:, None], [name]
    factor = read.factors[name]
    indicators = np.eye(len(factor.levels))[factor.codes]
    if coding == "sum":
        return indicators[:, :-1] - indicators[:, -1:], [f"{name}[{level}]" for level in factor.levels[:-1]]
    return indicators[:, 1:], [f"{name}[{level}]" for level in factor.levels[1:]]


def _independent(read: Columns, X: Floats, spans: Mapping[str, slice]) -> None:
    scaled = X / np.maximum(np.linalg.norm(X, axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled, tol=1e-9) == X.shape[1]:
        return
    for term, span in spans.items():
        if np.linalg.matrix_rank(scaled[:, : span.stop], tol=1e-9) < span.stop:
            raise DataError(dependent_term(read, list(spans), term))


def dependent_term(read: Columns, terms: Sequence[str], term: str) -> str:
    """Say why a term adds nothing to those before it, and what to do.

    Parameters
    ----------
    read : Columns
        Checked columns.
    terms : sequence of str
        All terms, in order.
    term : str
        The first one whose columns depend on those before it.

    Returns
    -------
    str
        A message that names the empty cells of the factors up to this term, where there are any.
    """
    before = list(terms)[: list(terms).index(term) + 1]
    parts = [part for each in (before if ":" not in term else [term]) for part in each.split(":")]
    factors = [read.factors[name] for name in dict.fromkeys(part.strip() for part in parts) if name in read.factors]
    cells = cells_of(factors) if len(factors) > 1 else None
    if cells is None or (cells.counts > 0).all():
        return f"Term {term!r} is a combination of the terms before it (perfect collinearity); leave one of them out."
    empty = [label for label, n in zip(cells.labels, cells.counts, strict=True) if n == 0]
    more = f" and {len(empty) - 6} more" if len(empty) > 6 else ""
    return (
        f"Term {term!r} is a combination of the terms before it, as no row is in {', '.join(empty[:6])}{more} "
        f"({':'.join(cells.names)}). Leave the term out or merge levels; where one level is a comparison arm outside "
        "the crossing, use analysis.anova or analysis.contrasts with control={'<column>': '<level>'}."
    )
