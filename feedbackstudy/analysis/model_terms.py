"""Named terms of a model: columns that span what R's formula spans, hypotheses of type III, and the grid of cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.analysis.columns import Columns, Kind, column, read_columns
from feedbackstudy.analysis.crossed import Cells, cells_of, dependent_term, term_parts
from feedbackstudy.errors import DataError

__all__ = ["Built", "TermDesign", "design_of"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Built:
    """Columns in one coding.

    Attributes
    ----------
    matrix : ndarray, shape (n, p)
        Intercept first.
    names : tuple of str
        One for each column.
    spans : mapping of str to slice
        Columns of each term.
    """

    matrix: Floats
    names: tuple[str, ...]
    spans: Mapping[str, slice]


@dataclass(frozen=True, kw_only=True, eq=False)
class TermDesign:
    """The fixed part of a model.

    Attributes
    ----------
    read : Columns
        Checked columns, complete rows.
    terms : mapping of str to tuple of str
        Each term as given, with the columns it is made of.
    """

    read: Columns
    terms: Mapping[str, tuple[str, ...]]

    @property
    def factors(self) -> tuple[str, ...]:
        """Factors of the terms, in order."""
        used = dict.fromkeys(part for parts in self.terms.values() for part in parts)
        return tuple(name for name in used if name in self.read.factors)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates of the terms, in order."""
        used = dict.fromkeys(part for parts in self.terms.values() for part in parts)
        return tuple(name for name in used if name in self.read.covariates)

    @cached_property
    def built(self) -> Built:
        """The rows' columns, each factor against its first level."""
        codes = {name: self.read.factors[name].codes for name in self.factors}
        numbers = {name: self.read.covariates[name] for name in self.covariates}
        made = self.columns(codes, numbers, self.read.n)
        _independent(made, self.read)
        return made

    def columns(
        self, codes: Mapping[str, Integers], numbers: Mapping[str, Floats], n: int, *, coding: str = "treatment"
    ) -> Built:
        """Build columns for any rows.

        Parameters
        ----------
        codes : mapping of str to ndarray of int
            Level of each factor in each row.
        numbers : mapping of str to ndarray
            Values of the covariates.
        n : int
            Rows.
        coding : {"treatment", "orthonormal"}, default "treatment"
            Indicators against the first level, or orthonormal contrasts of the levels (Helmert's).

        Returns
        -------
        Built
            Columns with names.

        Notes
        -----
        A factor enters a term by contrasts where the term without it is in the model, else by an indicator of every
        level: the rule of R's formulas, so that the space does not depend on the coding.
        """
        known = {frozenset(parts) for parts in self.terms.values()} | {frozenset[str]()}
        matrix, names, spans = [np.ones((n, 1))], ["(Intercept)"], {}
        for term, parts in self.terms.items():
            block, labels = np.ones((n, 1)), [""]
            for part in parts:
                if part in self.read.covariates:
                    values, added = numbers[part][:, None], [part]
                else:
                    whole = frozenset(parts) - {part} not in known
                    values, added = _coded(codes[part], part, self.read.factors[part].levels, coding, whole=whole)
                block = (block[:, :, None] * values[:, None, :]).reshape(n, -1)
                labels = [f"{left}:{right}" if left else right for left in labels for right in added]
            start = sum(one.shape[1] for one in matrix)
            spans[term] = slice(start, start + block.shape[1])
            matrix.append(block)
            names += labels
        return Built(matrix=np.hstack(matrix), names=tuple(names), spans=spans)

    @cached_property
    def hypotheses(self) -> dict[str, Floats]:
        """Weights over the columns of `built` whose joint test is each term's, type III: other factors averaged.

        They are orthonormal contrasts of levels, so that nothing of the test depends on the order of levels.
        """
        codes = {name: self.read.factors[name].codes for name in self.factors}
        numbers = {name: self.read.covariates[name] for name in self.covariates}
        contrasts = self.columns(codes, numbers, self.read.n, coding="orthonormal")
        turned = np.linalg.lstsq(contrasts.matrix, self.built.matrix, rcond=None)[0]
        turned[np.abs(turned) < 1e-9] = 0.0
        return {term: turned[span] for term, span in contrasts.spans.items()}

    @cached_property
    def cells(self) -> Cells:
        """The crossing of the terms' factors."""
        if not self.factors:
            raise DataError("The model has no factor, so there are no cell means; name a factor in 'terms'.")
        return cells_of([self.read.factors[name] for name in self.factors])

    @cached_property
    def grid(self) -> Floats:
        """Columns of each cell with covariates at their mean, shape (cells, p)."""
        means = {name: np.array([self.read.covariates[name].mean()]) for name in self.covariates}
        return self._at(means)[:, 0]

    @cached_property
    def standard(self) -> Floats:
        """Columns of each cell at each row's covariates, shape (cells, n or 1, p)."""
        return (
            self._at({name: self.read.covariates[name] for name in self.covariates})
            if self.covariates
            else (self.grid[:, None, :])
        )

    def _at(self, numbers: Mapping[str, Floats]) -> Floats:
        sizes = [len(levels) for levels in self.cells.levels]
        rows = next(iter(numbers.values())).size if numbers else 1
        made = []
        for place in product(*(range(size) for size in sizes)):
            codes = {name: np.full(rows, at) for name, at in zip(self.cells.names, place, strict=True)}
            made.append(self.columns(codes, numbers, rows).matrix)
        return np.stack(made)

    @property
    def saturated(self) -> bool:
        """Whether the terms hold every interaction of the factors, so that an empty cell has no mean."""
        return frozenset(self.factors) in {frozenset(parts) & frozenset(self.factors) for parts in self.terms.values()}


def _coded(codes: Integers, name: str, levels: Sequence[str], coding: str, *, whole: bool) -> tuple[Floats, list[str]]:
    indicators = np.eye(len(levels))[codes]
    if whole:
        return indicators, [f"{name}[{level}]" for level in levels]
    if coding == "orthonormal":
        return indicators @ linalg.helmert(len(levels)).T, [f"{name}[{level}]" for level in levels[1:]]
    return indicators[:, 1:], [f"{name}[{level}]" for level in levels[1:]]


def _independent(built: Built, read: Columns) -> None:
    scaled = built.matrix / np.maximum(np.linalg.norm(built.matrix, axis=0), 1e-300)
    if np.linalg.matrix_rank(scaled, tol=1e-9) == scaled.shape[1]:
        return
    for term, span in built.spans.items():
        if np.linalg.matrix_rank(scaled[:, : span.stop], tol=1e-9) < span.stop:
            raise DataError(dependent_term(read, list(built.spans), term))


def design_of(
    data: pd.DataFrame,
    outcome: str,
    terms: Sequence[str],
    *,
    kind: Kind = "number",
    groups: Sequence[str] = (),
    slopes: Sequence[str] = (),
    categorical: Sequence[str] = (),
    limits: tuple[float, float] | None = None,
) -> TermDesign:
    """Read the columns of a model from a table.

    Parameters
    ----------
    data : DataFrame
        The table; it is not changed.
    outcome : str
        Column of the outcome.
    terms : sequence of str
        Columns, and interactions as names joined by ``:``. Text, truth values and categories are factors, numbers are
        covariates.
    kind : {"number", "binary", "count", "ordered"}, default "number"
        What the outcome must be.
    groups : sequence of str
        Columns that name levels of random factors or clusters.
    slopes : sequence of str
        Columns whose effects vary between levels of random factors, beside those of the terms.
    categorical : sequence of str
        Columns of numbers that are levels of a factor.
    limits : tuple of float, optional
        Range of the outcome's scale.

    Returns
    -------
    TermDesign
        Checked.

    Raises
    ------
    DataError
        For terms that are empty, repeated or no names, or a table that cannot be used.
    NotFoundError
        For an unknown column.
    """
    if isinstance(terms, str) or not list(terms):
        raise DataError(f"Give 'terms' as a list of names, such as ['timing', 'timing:framing']; given {terms!r}.")
    parsed: dict[str, tuple[str, ...]] = {}
    for term in terms:
        parts = term_parts(term, [str(name) for name in data.columns])
        if any(frozenset(parts) == frozenset(other) for other in parsed.values()):
            raise DataError(f"Term {term!r} is given twice.")
        parsed[term] = parts
    used = list(dict.fromkeys([*(part for parts in parsed.values() for part in parts), *slopes]))
    factors = [name for name in used if name in categorical or not _is_number(data, name)]
    read = read_columns(
        data,
        outcome,
        factors=factors,
        covariates=[name for name in used if name not in factors],
        groups=list(dict.fromkeys(groups)),
        kind=kind,
        limits=limits,
    )
    return TermDesign(read=read, terms=parsed)


def _is_number(data: pd.DataFrame, name: str) -> bool:
    found = column(data, name, role="Column of a term")
    return pd.api.types.is_numeric_dtype(found) and not pd.api.types.is_bool_dtype(found)
