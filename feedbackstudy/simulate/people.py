"""How many people there are, which clusters hold them, and which condition each gets."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.conditions import conditions_of
from feedbackstudy.assign.rounding import round_table
from feedbackstudy.design.chance import Stream
from feedbackstudy.errors import DeclarationError
from feedbackstudy.render import counted
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Plan", "allocate", "allocation_plan", "cluster_codes", "participants_of", "unit_numbers"]

type Ints = NDArray[np.int64]


def unit_numbers(study: Study, world: World) -> dict[str, int]:
    """Return how many there are of each unit.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        May say other numbers.

    Returns
    -------
    dict
        Unit -> number: participants first, then what contains them, the nearest first.

    Raises
    ------
    DeclarationError
        Where no number is planned, or there are more clusters than people.
    """
    if not study.units:
        if "participant" not in world.n:
            raise DeclarationError(
                "Nobody says how many people there are: give the study 'units' with n, or the world {participant: 90}."
            )
        return {"participant": world.n["participant"]}
    found: dict[str, int] = {}
    name: str | None = study.units[-1].name
    below: float = math.inf
    while name is not None and name not in found:
        unit = study.units[name]
        n = world.n.get(name, unit.n)
        if n is None:
            raise DeclarationError(
                f"No number is planned for the unit {name!r}: give it n, or the world n: {{{name}: 20}}."
            )
        if n > below:
            raise DeclarationError(f"There are {n} of {name!r} for {below} that they contain; some would be empty.")
        found[name], below, name = n, n, unit.nested_in
    return found


def participants_of(numbers: dict[str, int]) -> list[str]:
    """Return the names of invented people.

    Parameters
    ----------
    numbers : dict
        Of `unit_numbers`.

    Returns
    -------
    list of str
        In order.
    """
    unit, n = next(iter(numbers.items()))
    width = len(str(n))
    return [f"{unit}_{i + 1:0{width}d}" for i in range(n)]


def cluster_codes(numbers: dict[str, int]) -> dict[str, Ints]:
    """Return the cluster of each participant, sizes as equal as can be.

    Parameters
    ----------
    numbers : dict
        Of `unit_numbers`.

    Returns
    -------
    dict
        Containing unit -> number of its unit, from 0, for each participant.
    """
    names = list(numbers)
    inner = np.arange(numbers[names[0]])
    below = numbers[names[0]]
    found: dict[str, Ints] = {}
    for name in names[1:]:
        inner = inner * numbers[name] // below
        below = numbers[name]
        found[name] = inner.copy()
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is needed to put people into cells, again and again.

    Attributes
    ----------
    weights : tuple of Fraction
        Probability of each cell of the crossing.
    cluster : ndarray or None
        The cluster of each person where clusters are assigned as a whole.
    outer : tuple
        Groups of cells that a cluster chooses from, with their probabilities; one group for each where whole.
    n : int
        Participants.
    """

    weights: tuple[Fraction, ...]
    cluster: Ints | None
    outer: tuple[tuple[tuple[Fraction, ...], Fraction], ...]
    n: int


def allocation_plan(study: Study, numbers: dict[str, int]) -> Plan:
    """Return what `allocate` needs.

    Parameters
    ----------
    study : Study
        The study.
    numbers : dict
        Of `unit_numbers`.

    Returns
    -------
    Plan
        Conditions, probabilities and clusters.

    Raises
    ------
    DeclarationError
        For a stepped wedge, which has its own engine, or fewer people than cells.
    """
    if study.assignment.method == "stepped_wedge":
        raise DeclarationError("A stepped wedge changes condition over time; its power is power.stepped_wedge's.")
    cells = study.crossing.cells()
    n = numbers[next(iter(numbers))]
    if len(cells) > n:
        raise DeclarationError(
            f"{counted(n, 'person', 'people')} cannot fill {counted(len(cells), 'cell')}; some would be empty. Plan "
            f"more people."
        )
    if len(cells) == 1:
        return Plan(weights=(Fraction(1),), cluster=None, outer=(), n=n)
    made = conditions_of(study)
    # A measured factor is found, not assigned: its levels are taken as equally frequent.
    drawn = {cell.key: weight for cell, weight in zip(made.cells, made.weights, strict=True)}
    keys = [":".join(code for name, code in c.levels if name in made.factors) if c.levels else c.arm for c in cells]
    keys = [key or cell.arm for key, cell in zip(keys, cells, strict=True)]
    weights = tuple(drawn.get(key, Fraction(1)) / keys.count(key) for key in keys)
    total = sum(weights, Fraction(0))
    weights = tuple(weight / total for weight in weights)
    cluster = cluster_codes(numbers).get(made.cluster) if made.cluster else None
    if cluster is None:
        return Plan(weights=weights, cluster=None, outer=(), n=n)
    groups: dict[str, list[int]] = {}
    for i, cell in enumerate(cells):
        part = [code for name, code in cell.levels if name in made.by_cluster]
        groups.setdefault(":".join(part) if cell.levels else cell.arm, []).append(i)
    outer = tuple(
        (tuple(weights[i] if i in group else Fraction(0) for i in range(len(cells))), sum(weights[i] for i in group))
        for group in groups.values()
    )
    if len(outer) > int(cluster.max()) + 1:
        raise DeclarationError(
            f"{counted(int(cluster.max()) + 1, 'cluster')} cannot fill {counted(len(outer), 'condition')} that "
            f"clusters get; plan more."
        )
    return Plan(weights=weights, cluster=cluster, outer=outer, n=n)  # type: ignore[arg-type]


def allocate(plan: Plan, chance: np.random.Generator) -> Ints:
    """Put people into cells: group sizes as equal to their expectation as can be, otherwise at random.

    Parameters
    ----------
    plan : Plan
        Of `allocation_plan`.
    chance : Generator
        A stream.

    Returns
    -------
    ndarray
        The cell of each participant.
    """
    if plan.cluster is None:
        return _complete(plan.weights, plan.n, chance)
    k = int(plan.cluster.max()) + 1
    drawn = _complete(tuple(weight for _, weight in plan.outer), k, chance)
    found = np.empty(plan.n, dtype=np.int64)
    for each in range(k):
        here = np.flatnonzero(plan.cluster == each)
        inner, size = plan.outer[drawn[each]]
        found[here] = _complete(tuple(weight / size for weight in inner), len(here), chance)
    return found


def _complete(weights: tuple[Fraction, ...], n: int, chance: np.random.Generator) -> Ints:
    ours = Stream(int(chance.integers(2**62)), "simulate")
    (counts,) = round_table([[weight * n for weight in weights]], ours)
    return chance.permutation(np.repeat(np.arange(len(weights)), counts))
