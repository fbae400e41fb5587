"""Cause, mediators, moderator and outcome as columns and equations, with every effect that they have."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_effects import Legs, Moderation, Structure, effects_of
from feedbackstudy.analysis.mediation_system import Effect, Equation, PathSystem

__all__ = ["Cause", "PathDesign", "Stage", "design"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cause:
    """What is compared, as columns of one kind of equation.

    Attributes
    ----------
    columns : tuple of str
        Names: the constant (or an indicator of each cell) first, then what else the equation holds of cause and
        moderator.
    entries : ndarray of shape (n, columns)
        Their values.
    constant : int
        How many of the first columns hold the constant together.
    weights : ndarray of shape (columns,)
        The comparison as a weighted sum of the coefficients.
    by : ndarray of shape (levels, columns)
        The same at each value of the moderator; no row where it does not matter here.
    """

    columns: tuple[str, ...]
    entries: Floats
    constant: int
    weights: Floats
    by: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """What a mediator's slope on the outcome depends on.

    Attributes
    ----------
    columns : tuple of str
        Names of the factors that the mediator is multiplied by; empty for the mediator itself.
    entries : ndarray of shape (n, columns)
        Their values.
    weights : ndarray of shape (columns,)
        The slope on average.
    by : ndarray of shape (levels, columns)
        The slope at each value of the moderator.
    """

    columns: tuple[str, ...]
    entries: Floats
    weights: Floats
    by: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathDesign:
    """A path model ready for both engines.

    Attributes
    ----------
    system : PathSystem
        Columns and equations; the covariates' columns are the last before the outcome.
    effects : tuple of Effect
        Every effect: legs, direct, each indirect, sums, differences, total, conditional, indices.
    structure : str
        Simple, parallel or serial.
    x, y : str
        Cause and outcome in words.
    mediators, covariates : tuple of str
        Names.
    moderation : Moderation or None
        The moderator.
    full : str
        Name of the indirect effect through all mediators (serial), the only one (simple), or their sum (parallel).
    """

    system: PathSystem
    effects: tuple[Effect, ...]
    structure: Structure
    x: str
    y: str
    mediators: tuple[str, ...]
    covariates: tuple[str, ...]
    moderation: Moderation | None
    full: str

    @property
    def side_by_side(self) -> range:
        """Equations of parallel mediators, whose residuals may be correlated; none in other structures."""
        return range(len(self.mediators) if self.structure == "parallel" else 0)


def design(
    *,
    x: str,
    y: str,
    outcome: Floats,
    mediators: Sequence[str],
    between: Floats,
    structure: Structure,
    first: Cause,
    last: Cause,
    stage: Stage | None = None,
    covariates: Sequence[str] = (),
    adjusted: Floats | None = None,
    moderation: Moderation | None = None,
) -> PathDesign:
    """Set up the equations of a path model and its effects.

    Parameters
    ----------
    x, y : str
        Cause and outcome in words.
    outcome : ndarray of shape (n,)
        The outcome.
    mediators : sequence of str
        Names, in causal order where serial.
    between : ndarray of shape (n, mediators)
        Their values.
    structure : {"simple", "parallel", "serial"}
        How they stand.
    first, last : Cause
        The cause in the mediators' equations, and in the outcome's.
    stage : Stage, optional
        What the mediators' slopes on the outcome depend on.
    covariates : sequence of str
        Names.
    adjusted : ndarray of shape (n, covariates), optional
        Their values; they enter every equation.
    moderation : Moderation, optional
        The moderator's values at which conditional effects are given.

    Returns
    -------
    PathDesign
        For either engine.
    """
    layout = _laid_out(first, last, mediators, between, stage, covariates, adjusted)
    names, columns, at = [*layout.names, y], [*layout.columns, outcome], layout.at
    covered = tuple(at["c " + name] for name in covariates)
    equations = []
    for j in range(len(mediators)):
        before = tuple(at["m " + mediators[k]] for k in range(j)) if structure == "serial" else ()
        base = tuple(at["x " + c] for c in first.columns)
        equations.append(Equation(response=at["m " + mediators[j]], predictors=(*base, *before, *covered)))
    slopes = [at[key] for key in at if key.startswith("b ")]
    base = tuple(at["x " + c] for c in last.columns)
    equations.append(Equation(response=len(names) - 1, predictors=(*base, *slopes, *covered)))
    constant = tuple(at["x " + c] for c in first.columns[: first.constant])
    system = PathSystem(
        columns=tuple(names), matrix=np.column_stack(columns), constant=constant, equations=tuple(equations)
    )
    legs = _legs(system, at, first, last, tuple(mediators), stage, structure)
    return PathDesign(
        system=system,
        effects=effects_of(legs, x=x, y=y, mediators=tuple(mediators), structure=structure, moderation=moderation),
        structure=structure,
        x=x,
        y=y,
        mediators=tuple(mediators),
        covariates=tuple(covariates),
        moderation=moderation,
        full="total indirect" if structure == "parallel" else " > ".join((x, *mediators, y)),
    )


@dataclass(slots=True, eq=False)
class _Layout:
    """Every column once; the keys of the places begin with x, m, b (a mediator's slope) or c."""

    names: list[str] = field(default_factory=list)
    columns: list[Floats] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, name: str, values: Floats) -> None:
        if key not in self.at:
            self.at[key] = len(self.names)
            self.names.append(name)
            self.columns.append(values)


def _laid_out(
    first: Cause,
    last: Cause,
    mediators: Sequence[str],
    between: Floats,
    stage: Stage | None,
    covariates: Sequence[str],
    adjusted: Floats | None,
) -> _Layout:
    layout = _Layout()
    for cause in (first, last):
        for j, name in enumerate(cause.columns):
            layout.add("x " + name, name, cause.entries[:, j])
    for j, name in enumerate(mediators):
        layout.add("m " + name, name, between[:, j])
    for j, name in enumerate(mediators):
        _slopes(layout, name, between[:, j], stage)
    if adjusted is not None:
        for j, name in enumerate(covariates):
            layout.add("c " + name, name, adjusted[:, j])
    return layout


def _slopes(layout: _Layout, name: str, values: Floats, stage: Stage | None) -> None:
    if stage is None or not stage.columns:
        layout.at["b " + name] = layout.at["m " + name]
        return
    for s, factor in enumerate(stage.columns):
        if factor:
            layout.add(f"b {name}, {factor}", f"{name} x {factor}", values * stage.entries[:, s])
        else:
            layout.at[f"b {name}, {factor}"] = layout.at["m " + name]


def _legs(
    system: PathSystem,
    at: dict[str, int],
    first: Cause,
    last: Cause,
    mediators: tuple[str, ...],
    stage: Stage | None,
    structure: Structure,
) -> Legs:
    outcome = len(mediators)

    def of(equation: int, cause: Cause) -> tuple[Floats, ...]:
        columns = [at["x " + c] for c in cause.columns]
        return tuple(system.leg(equation, columns, row.tolist()) for row in (cause.weights, *cause.by))

    def slope(name: str) -> tuple[Floats, ...]:
        if stage is None or not stage.columns:
            return (system.leg(outcome, [at["b " + name]], [1.0]),)
        columns = [at[f"b {name}, {factor}"] for factor in stage.columns]
        return tuple(system.leg(outcome, columns, row.tolist()) for row in (stage.weights, *stage.by))

    serial = combinations(range(len(mediators)), 2) if structure == "serial" else ()
    return Legs(
        a=tuple(of(j, first) for j in range(len(mediators))),
        b=tuple(slope(name) for name in mediators),
        direct=of(outcome, last),
        d={(j, k): system.leg(k, [at["m " + mediators[j]]], [1.0]) for j, k in serial},
    )
