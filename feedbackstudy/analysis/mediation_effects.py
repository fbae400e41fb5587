"""Every effect of a path model as sums of products of its legs: direct, indirect, total, conditional, indices."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_system import Effect, EffectKind, Term

__all__ = ["Legs", "Moderation", "Structure", "effects_of", "routes"]

type Floats = NDArray[np.float64]
type Structure = Literal["simple", "parallel", "serial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderation:
    """The values of a moderator at which effects are given.

    Attributes
    ----------
    name : str
        The moderator.
    labels : tuple of str
        Each value in words.
    at : tuple of float
        Values of a numeric moderator; empty for levels.
    on : tuple of {"first", "second", "direct"}
        The legs it changes.
    mean : float
        Mean of a numeric moderator, which enters the equations minus it.
    """

    name: str
    labels: tuple[str, ...]
    at: tuple[float, ...]
    on: tuple[str, ...]
    mean: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Weighted sums of coefficients; each on average in row 0, at the moderator's values in the rows after.

    Attributes
    ----------
    a : tuple of tuple of ndarray
        For each mediator: cause to mediator.
    b : tuple of tuple of ndarray
        For each mediator: mediator to outcome.
    direct : tuple of ndarray
        Cause to outcome.
    d : dict of (int, int) to ndarray
        Earlier to later mediator.
    """

    a: tuple[tuple[Floats, ...], ...]
    b: tuple[tuple[Floats, ...], ...]
    direct: tuple[Floats, ...]
    d: dict[tuple[int, int], Floats]


def routes(structure: Structure, mediators: int) -> tuple[tuple[int, ...], ...]:
    """Return the mediators of every way from cause to outcome.

    Parameters
    ----------
    structure : {"simple", "parallel", "serial"}
        How the mediators stand.
    mediators : int
        Their number.

    Returns
    -------
    tuple of tuple of int
        Positions; for serial mediators every subset in order.
    """
    if structure != "serial":
        return tuple((k,) for k in range(mediators))
    return tuple(c for size in range(1, mediators + 1) for c in combinations(range(mediators), size))


def _pick(rows: tuple[Floats, ...], level: int) -> Floats:
    """Return a leg at a value of the moderator (0: on average); one that does not depend on it is the same at all."""
    return rows[level] if level < len(rows) else rows[0]


def effects_of(
    legs: Legs, *, x: str, y: str, mediators: tuple[str, ...], structure: Structure, moderation: Moderation | None
) -> tuple[Effect, ...]:
    """Return every effect.

    Parameters
    ----------
    legs : Legs
        The legs as weighted sums of coefficients.
    x, y : str
        Cause and outcome in words.
    mediators : tuple of str
        Names.
    structure : {"simple", "parallel", "serial"}
        How they stand.
    moderation : Moderation or None
        The moderator's values.

    Returns
    -------
    tuple of Effect
        Legs, indirect effects, their sum, direct, total; with a moderator the conditional ones and how they change;
        pairwise differences of indirect effects.
    """
    found = _single_legs(legs, x, y, mediators, moderation)
    sets = {level: _at_level(legs, level, x, y, mediators, structure) for level in range(_levels(moderation) + 1)}
    if moderation is None:
        found += sets[0]
    else:
        means = "mean" if moderation.at else "average over levels"
        found += [_named(e, f"{e.name} (at the {means})" if moderation.at else f"{e.name} ({means})") for e in sets[0]]
        found += _conditional(sets, moderation)
    if structure == "serial":
        found += _differences(effect for effect in sets[0] if effect.kind == "indirect")
    return tuple(found)


def _levels(moderation: Moderation | None) -> int:
    return len(moderation.labels) if moderation is not None else 0


def _named(effect: Effect, name: str, *, kind: EffectKind | None = None, at: str = "") -> Effect:
    return Effect(name=name, kind=kind or effect.kind, terms=effect.terms, at=at)


def _single_legs(legs: Legs, x: str, y: str, mediators: tuple[str, ...], moderation: Moderation | None) -> list[Effect]:
    def one(name: str, kind: EffectKind, leg: Floats, at: str = "") -> Effect:
        return Effect(name=name, kind=kind, terms=(Term(1.0, (leg,)),), at=at)

    found = []
    for name, rows in zip(mediators, legs.a, strict=True):
        found += [
            one(f"a: {x} > {name}{_where(moderation, i)}", "a", leg, _at(moderation, i)) for i, leg in enumerate(rows)
        ]
    for (j, k), leg in legs.d.items():
        found.append(one(f"d: {mediators[j]} > {mediators[k]}", "d", leg))
    for name, rows in zip(mediators, legs.b, strict=True):
        found += [
            one(f"b: {name} > {y}{_where(moderation, i)}", "b", leg, _at(moderation, i)) for i, leg in enumerate(rows)
        ]
    return found


def _at(moderation: Moderation | None, level: int) -> str:
    return moderation.labels[level - 1] if moderation is not None and level else ""


def _where(moderation: Moderation | None, level: int) -> str:
    return f", {_at(moderation, level)}" if level else ""


def _at_level(legs: Legs, level: int, x: str, y: str, mediators: tuple[str, ...], structure: Structure) -> list[Effect]:
    indirect = []
    for route in routes(structure, len(mediators)):
        steps = tuple(legs.d[pair] for pair in pairwise(route))
        product = (_pick(legs.a[route[0]], level), *steps, _pick(legs.b[route[-1]], level))
        name = " > ".join((x, *(mediators[k] for k in route), y))
        indirect.append(Effect(name=name, kind="indirect", terms=(Term(1.0, product),)))
    direct = Effect(name="direct", kind="direct", terms=(Term(1.0, (_pick(legs.direct, level),)),))
    every = tuple(term for effect in indirect for term in effect.terms)
    sums = [Effect(name="total indirect", kind="indirect total", terms=every)] if len(indirect) > 1 else []
    total = Effect(name="total", kind="total", terms=(*direct.terms, *every))
    return [*indirect, *sums, direct, total, *(_differences(indirect) if structure == "parallel" else ())]


def _conditional(sets: dict[int, list[Effect]], moderation: Moderation) -> list[Effect]:
    found = []
    for i, average in enumerate(sets[0]):
        rows = [sets[level][i] for level in range(1, len(sets))]
        if all(_same(row, rows[0]) for row in rows):
            continue
        found += [
            _named(row, f"{average.name}, {label}", kind="conditional", at=label)
            for row, label in zip(rows, moderation.labels, strict=True)
        ]
        found += _index(average, rows, moderation)
    return found


def _same(one: Effect, other: Effect) -> bool:
    pairs = zip(one.terms, other.terms, strict=True)
    return all(len(s.legs) == len(t.legs) and all(map(np.array_equal, s.legs, t.legs)) for s, t in pairs)


def _index(average: Effect, rows: list[Effect], moderation: Moderation) -> list[Effect]:
    """Return how an effect changes with the moderator: per unit where it is linear, between values elsewhere."""
    linear = bool(moderation.at) and ("first" not in moderation.on or "second" not in moderation.on)
    if linear:
        step = moderation.at[-1] - moderation.at[0]
        return [_scaled(_index_of(average, rows[-1], rows[0], f"per unit of {moderation.name}"), 1 / step)]
    pairs = [(k, 0) for k in range(1, len(rows))] if not moderation.at else [(len(rows) - 1, 0)]
    return [
        _index_of(average, rows[k], rows[j], f"{moderation.labels[k]} minus {moderation.labels[j]}") for k, j in pairs
    ]


def _index_of(average: Effect, one: Effect, other: Effect, compares: str) -> Effect:
    index = one.plus(other, weight=-1.0, name=f"index: {average.name}, {compares}", kind="index")
    return replace(index, compares=compares)


def _scaled(effect: Effect, factor: float) -> Effect:
    return replace(effect, terms=tuple(Term(term.weight * factor, term.legs) for term in effect.terms))


def _differences(indirect: Iterable[Effect]) -> list[Effect]:
    return [
        one.plus(other, weight=-1.0, name=f"difference: ({one.name}) minus ({other.name})", kind="difference")
        for one, other in combinations(indirect, 2)
    ]
