"""Equations in causal order, and effects as sums of products of their coefficients: what both engines apply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError

__all__ = ["Effect", "EffectKind", "Equation", "PathSystem", "Term", "gradients", "values"]

type Floats = NDArray[np.float64]
type EffectKind = Literal[
    "a", "b", "d", "direct", "indirect", "indirect total", "total", "difference", "conditional", "index"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """One regression.

    Attributes
    ----------
    response : int
        Position of its column.
    predictors : tuple of int
        Positions of its columns, those of the constant included.
    """

    response: int
    predictors: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathSystem:
    """Regressions in causal order on the columns of one matrix.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    matrix : ndarray of shape (n, columns)
        Their values.
    constant : tuple of int
        Positions of the columns that together hold the constant: the constant itself, or an indicator of each cell.
    equations : tuple of Equation
        In causal order; the last is the outcome's.
    """

    columns: tuple[str, ...]
    matrix: Floats
    constant: tuple[int, ...]
    equations: tuple[Equation, ...]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.matrix)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where the coefficients of each equation begin, and their number at the end."""
        return tuple(np.cumsum([0, *(len(e.predictors) for e in self.equations)]).tolist())

    @property
    def size(self) -> int:
        """Coefficients in all."""
        return self.offsets[-1]

    def block(self, equation: int) -> slice:
        """Return where the coefficients of an equation stand.

        Parameters
        ----------
        equation : int
            Its position.

        Returns
        -------
        slice
            Of the vector of all coefficients.
        """
        return slice(self.offsets[equation], self.offsets[equation + 1])

    def leg(self, equation: int, columns: Sequence[int], weights: Sequence[float]) -> Floats:
        """Return a weighted sum of coefficients of one equation as weights over all coefficients.

        Parameters
        ----------
        equation : int
            Its position.
        columns : sequence of int
            Positions of the predictors.
        weights : sequence of float
            One for each.

        Returns
        -------
        ndarray of shape (size,)
            The weights.
        """
        found = np.zeros(self.size)
        own, start = self.equations[equation].predictors, self.offsets[equation]
        for column, weight in zip(columns, weights, strict=True):
            found[start + own.index(column)] = weight
        return found

    def label(self, position: int) -> str:
        """Return a coefficient's name, such as ``"self_efficacy ~ challenge"``.

        Parameters
        ----------
        position : int
            Its place among all coefficients.

        Returns
        -------
        str
            Response and predictor.
        """
        at = int(np.searchsorted(self.offsets, position, side="right")) - 1
        equation = self.equations[at]
        predictor = equation.predictors[position - self.offsets[at]]
        return f"{self.columns[equation.response]} ~ {self.columns[predictor]}"


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A weight times a product of weighted sums of coefficients.

    Attributes
    ----------
    weight : float
        The weight.
    legs : tuple of ndarray of shape (size,)
        Each a weighted sum.
    """

    weight: float
    legs: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effect:
    """One effect: a sum of products of coefficients.

    Attributes
    ----------
    name : str
        In words, such as ``"timing > challenge > intent"``.
    kind : str
        ``"a"``, ``"b"``, ``"d"`` for legs, ``"direct"``, ``"indirect"``, ``"indirect total"``, ``"total"``,
        ``"difference"`` of two indirect effects, ``"conditional"`` at a value of the moderator, ``"index"`` of
        moderated mediation.
    terms : tuple of Term
        What is summed.
    at : str
        The moderator's value of a conditional effect.
    compares : str
        What an index compares: the two values of the moderator, or its unit.
    """

    name: str
    kind: EffectKind
    terms: tuple[Term, ...]
    at: str = ""
    compares: str = ""

    @property
    def single(self) -> tuple[Floats, ...]:
        """Legs of an effect that is one product; empty for a sum."""
        return self.terms[0].legs if len(self.terms) == 1 else ()

    def plus(self, other: "Effect", *, weight: float, name: str, kind: EffectKind, at: str = "") -> "Effect":
        """Return this effect plus a multiple of another.

        Parameters
        ----------
        other : Effect
            The other.
        weight : float
            Its multiple; -1 for a difference.
        name, kind, at : str
            Of the result.

        Returns
        -------
        Effect
            The sum.
        """
        more = tuple(Term(weight * term.weight, term.legs) for term in other.terms)
        return Effect(name=name, kind=kind, terms=(*self.terms, *more), at=at)


def values(effects: Sequence[Effect], theta: Floats) -> Floats:
    """Return effects for coefficients.

    Parameters
    ----------
    effects : sequence of Effect
        The effects.
    theta : ndarray of shape (..., size)
        Coefficients, or draws of them.

    Returns
    -------
    ndarray of shape (..., effects)
        Their values.

    Raises
    ------
    DataError
        Where the coefficients are not those of the effects.
    """
    known: dict[bytes, Floats] = {}
    found = np.zeros((*theta.shape[:-1], len(effects)))
    for i, effect in enumerate(effects):
        for term in effect.terms:
            product = np.full(theta.shape[:-1], term.weight)
            for leg in term.legs:
                if leg.shape != theta.shape[-1:]:
                    raise DataError(f"The effect {effect.name!r} is of {leg.size} coefficients, given {theta.shape}.")
                key = leg.tobytes()
                if key not in known:
                    used = np.flatnonzero(leg)
                    known[key] = theta[..., used] @ leg[used]
                product = product * known[key]
            found[..., i] += product
    return found


def gradients(effects: Sequence[Effect], theta: Floats) -> Floats:
    r"""Return the derivatives of effects by the coefficients.

    Parameters
    ----------
    effects : sequence of Effect
        The effects.
    theta : ndarray of shape (size,)
        Coefficients.

    Returns
    -------
    ndarray of shape (effects, size)
        :math:`\partial \sum_t w_t \prod_k (l_{tk}'\theta) / \partial\theta`, exact.
    """
    found = np.zeros((len(effects), theta.size))
    for i, effect in enumerate(effects):
        for term in effect.terms:
            sizes = [float(leg @ theta) for leg in term.legs]
            for k, leg in enumerate(term.legs):
                others = float(np.prod([size for j, size in enumerate(sizes) if j != k]))
                found[i] += term.weight * others * leg
    return found
