"""Contrast coding: the columns that stand for a factor's levels in a model, and what their coefficients then mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.design.arms import FEEDBACK
from feedbackstudy.design.crossing import Cell, Crossing
from feedbackstudy.design.factors import Factor
from feedbackstudy.errors import DeclarationError, choices
from feedbackstudy.render import Page, Rendered, Table, Text, number

__all__ = ["Coding", "CodingScheme", "ModelMatrix", "all_terms", "code_levels", "model_matrix"]

type CodingScheme = Literal["treatment", "sum", "helmert", "polynomial", "successive", "orthonormal"]
type Term = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding(Rendered):
    """The columns that stand for a factor.

    Attributes
    ----------
    factor : str
        The factor.
    scheme : str
        Name of the coding.
    levels : tuple of str
        The rows, in the order that the coding uses.
    labels : tuple of str
        The columns.
    matrix : ndarray of shape (levels, levels - 1)
        The codes.
    """

    factor: str
    scheme: str
    levels: tuple[str, ...]
    labels: tuple[str, ...]
    matrix: NDArray[np.float64]

    @property
    def meaning(self) -> NDArray[np.float64]:
        """The weights over level means that each coefficient estimates, one row for each column of codes."""
        full = np.column_stack([np.ones(len(self.levels)), self.matrix])
        return np.asarray(np.linalg.inv(full)[1:], dtype=np.float64)

    def row(self, level: str) -> NDArray[np.float64]:
        """Return the codes of one level.

        Parameters
        ----------
        level : str
            The level.

        Returns
        -------
        ndarray
            One number for each column.
        """
        codes: NDArray[np.float64] = self.matrix[self.levels.index(level)]
        return codes

    def page(self) -> Page:
        """Return the codes, and what each coefficient means.

        Returns
        -------
        Page
            Ready to render.
        """
        codes = tuple(
            (level, *(number(float(v)) for v in row)) for level, row in zip(self.levels, self.matrix, strict=True)
        )
        means = tuple(
            (label, *(number(float(v)) for v in row)) for label, row in zip(self.labels, self.meaning, strict=True)
        )
        return Page(
            title=f"Coding of {self.factor}: {self.scheme}",
            blocks=(
                Table(("level", *self.labels), codes, "Codes"),
                Table(("coefficient", *self.levels), means, "What a coefficient estimates: weights of level means"),
                Text("A coding changes what single coefficients mean, never a named contrast or a fitted mean."),
            ),
        )


def _sequence(factor: Factor) -> tuple[str, ...]:
    """Return the levels in an order that does not depend on how the file was written."""
    return factor.codes() if factor.order else tuple(sorted(factor.codes()))


def _ordered(factor: Factor, scheme: str) -> tuple[str, ...]:
    if factor.order:
        return factor.order
    if factor.scores:
        return tuple(sorted(factor.codes(), key=lambda code: factor.scores[code]))
    raise DeclarationError(
        f"Factor {factor.name!r} has neither an order nor scores; {scheme} coding needs to know which level comes "
        "next. Use treatment or sum coding, or declare the order."
    )


def _treatment(factor: Factor) -> Coding:
    levels = _sequence(factor)
    base = factor.reference or levels[0]
    rest = tuple(level for level in levels if level != base)
    matrix = np.array([[float(level == other) for other in rest] for level in levels])
    labels = tuple(f"{level} - {base}" for level in rest)
    return Coding(factor=factor.name, scheme="treatment", levels=levels, labels=labels, matrix=matrix)


def _sum(factor: Factor) -> Coding:
    levels = _sequence(factor)
    left = factor.reference or levels[-1]
    rest = tuple(level for level in levels if level != left)
    matrix = np.array([[-1.0 if level == left else float(level == other) for other in rest] for level in levels])
    labels = tuple(f"{level} - mean" for level in rest)
    return Coding(factor=factor.name, scheme="sum", levels=levels, labels=labels, matrix=matrix)


def _helmert(factor: Factor) -> Coding:
    levels = _ordered(factor, "Helmert")
    k = len(levels)
    matrix = np.array([[-1.0 if i <= j else float(j + 1) * (i == j + 1) for j in range(k - 1)] for i in range(k)])
    labels = tuple(f"{level} - earlier" for level in levels[1:])
    return Coding(factor=factor.name, scheme="helmert", levels=levels, labels=labels, matrix=matrix)


def _polynomial(factor: Factor) -> Coding:
    levels = _ordered(factor, "polynomial")
    scores = np.array([factor.scores.get(level, float(i)) for i, level in enumerate(levels)])
    powers = np.vander(scores - scores.mean(), len(levels), increasing=True)
    q, r = np.linalg.qr(powers)
    matrix = np.asarray((q * np.sign(np.diag(r)))[:, 1:], dtype=np.float64)
    shapes = ("linear", "quadratic", "cubic")
    labels = tuple(shapes[i] if i < 3 else f"degree {i + 1}" for i in range(len(levels) - 1))
    return Coding(factor=factor.name, scheme="polynomial", levels=levels, labels=labels, matrix=matrix)


def _successive(factor: Factor) -> Coding:
    levels = _ordered(factor, "successive-difference")
    k = len(levels)
    matrix = np.array([[(j + 1) / k - (i <= j) for j in range(k - 1)] for i in range(k)])
    labels = tuple(f"{later} - {earlier}" for earlier, later in pairwise(levels))
    return Coding(factor=factor.name, scheme="successive", levels=levels, labels=labels, matrix=matrix)


def _orthonormal(factor: Factor) -> Coding:
    levels = _sequence(factor)
    k = len(levels)
    helmert = np.array([[-1.0 if i <= j else float(j + 1) * (i == j + 1) for j in range(k - 1)] for i in range(k)])
    matrix = helmert / np.sqrt((helmert**2).sum(axis=0)) * np.sqrt(k)
    labels = tuple(f"e{j + 1}" for j in range(k - 1))
    return Coding(factor=factor.name, scheme="orthonormal", levels=levels, labels=labels, matrix=matrix)


_SCHEMES: Mapping[str, Callable[[Factor], Coding]] = {
    "treatment": _treatment,
    "sum": _sum,
    "helmert": _helmert,
    "polynomial": _polynomial,
    "successive": _successive,
    "orthonormal": _orthonormal,
}


def code_levels(factor: Factor, scheme: CodingScheme) -> Coding:
    """Return the codes of a factor's levels.

    Parameters
    ----------
    factor : Factor
        The factor.
    scheme : {"treatment", "sum", "helmert", "polynomial", "successive", "orthonormal"}
        The coding.

    Returns
    -------
    Coding
        Codes, and what the coefficients mean.

    Raises
    ------
    DeclarationError
        For an unknown scheme, or one that needs an order which the factor does not have.

    Notes
    -----
    As in R: ``contr.treatment`` (base: the factor's reference), ``contr.sum`` (left out: the reference, else the last
    level), ``contr.helmert`` (each level with the mean of the earlier ones, unscaled), ``contr.poly`` (orthonormal, at
    the factor's scores), ``MASS::contr.sdif``. Orthonormal codes have X'X = n I over a balanced crossing, which is the
    scale on which the D-efficiency of a full factorial is 1. Levels without a declared order are taken by name.
    """
    if scheme not in _SCHEMES:
        raise DeclarationError(choices("Coding", scheme, _SCHEMES))
    return _SCHEMES[scheme](factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMatrix:
    """The cells of a design as rows of a model.

    Attributes
    ----------
    matrix : ndarray of shape (cells, columns)
        The rows.
    columns : tuple of str
        Names of the columns, the intercept first, indicators of arms last.
    terms : tuple of tuple of str
        The term that each column belongs to; ``()`` for the intercept, ``("arm",)`` for arms.
    cells : tuple of Cell
        The rows' cells.
    """

    matrix: NDArray[np.float64]
    columns: tuple[str, ...]
    terms: tuple[Term, ...]
    cells: tuple[Cell, ...]


def all_terms(factors: Sequence[str], degree: int) -> tuple[Term, ...]:
    """Return all main effects and interactions up to a degree, main effects first.

    Parameters
    ----------
    factors : sequence of str
        Factor names.
    degree : int
        1 for main effects, 2 with two-way interactions, and so on.

    Returns
    -------
    tuple of tuple of str
        Terms.
    """
    terms: list[Term] = [()]
    for name in factors:
        terms += [(*term, name) for term in terms if len(term) < degree]
    kept = [term for term in terms if term]
    return tuple(sorted(kept, key=lambda term: (len(term), [factors.index(name) for name in term])))


def model_matrix(
    crossing: Crossing, terms: Sequence[Term], *, scheme: CodingScheme = "sum", cells: Sequence[Cell] | None = None
) -> ModelMatrix:
    """Return the rows of a model over the cells of a design.

    Parameters
    ----------
    crossing : Crossing
        The design.
    terms : sequence of tuple of str
        Main effects and interactions, as tuples of factor names.
    scheme : str, default "sum"
        The coding of every factor.
    cells : sequence of Cell, optional
        The rows; all cells that can occur by default.

    Returns
    -------
    ModelMatrix
        The rows. Arms outside the crossing have codes 0 and an indicator of their own.

    Raises
    ------
    InputError
        For a term with an unknown or repeated factor.
    """
    rows = tuple(crossing.cells() if cells is None else cells)
    codings = {name: code_levels(crossing.factors[name], scheme) for term in terms for name in term}
    columns: list[str] = ["intercept"]
    owners: list[Term] = [()]
    parts: list[NDArray[np.float64]] = [np.ones((len(rows), 1))]
    codes = {name: _codes(coding, rows) for name, coding in codings.items()}
    for term in terms:
        if len(set(term)) < len(term):
            raise DeclarationError(f"The term {':'.join(term)} names a factor twice; name each once.")
        product, labels = np.ones((len(rows), 1)), [""]
        for name in term:
            product = np.einsum("ij,ik->ijk", product, codes[name]).reshape(len(rows), -1)
            labels = [f"{a}:{name} {b}".lstrip(":") for a in labels for b in codings[name].labels]
        parts.append(product)
        columns += labels
        owners += [tuple(term)] * len(labels)
    arms = [arm for arm in crossing.arms.names if any(cell.arm == arm for cell in rows)]
    parts.append(np.array([[float(cell.arm == arm) for arm in arms] for cell in rows]).reshape(len(rows), len(arms)))
    columns += [f"arm {arm}" for arm in arms]
    owners += [("arm",)] * len(arms)
    return ModelMatrix(matrix=np.hstack(parts), columns=tuple(columns), terms=tuple(owners), cells=rows)


def _codes(coding: Coding, cells: Sequence[Cell]) -> NDArray[np.float64]:
    zero = np.zeros(len(coding.labels))
    return np.array([coding.row(dict(cell.levels)[coding.factor]) if cell.arm == FEEDBACK else zero for cell in cells])
