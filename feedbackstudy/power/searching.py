"""The search for the value at which a goal is reached, with common random numbers and growing numbers of replicates.

Probits of a power are nearly straight in the root of a number and in the size of an effect, logarithms of a width in
the logarithm of a number: a line through the values tried near the target says where to look next, and where to stop.
"""

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.diagnosis import verdicts
from feedbackstudy.power.working import Task, answered, blocks_of, joined
from feedbackstudy.simulate.draw import BLOCK
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Search", "changed_world"]

_EXPLORE = 5 * BLOCK
_MOST = 20_000
_ROUNDS = 16
_NEAR = 1.0  # probits from the target within which the curve is taken as straight


def changed_world(study: Study, world: World, point: Mapping[str, float]) -> World:
    """Return the world at a point.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed otherwise.
    point : mapping of str to float
        Path -> value; a hypothesis' name as path means its effect in standard deviations.

    Returns
    -------
    World
        A changed copy.
    """
    effects = {path: value for path, value in point.items() if path in study.hypotheses.names}
    rest = {path: value for path, value in point.items() if path not in effects}
    units = {path: round(value) if path.split(".")[0] == "n" else float(value) for path, value in rest.items()}
    for path in units:
        name = path.removeprefix("n.")
        if path.startswith("n.") and name not in (study.units.names or ("participant",)):
            raise InputError(choices("Unit", name, study.units.names or ("participant",)))
    changed = world.vary(units) if units else world
    return changed.with_effects(study, effects) if effects else changed


@dataclass(slots=True)
class _Point:
    """What is known at one value; replicates are added, never made twice."""

    task: Task
    known: tuple[Model, tuple[Asked, ...]]
    parts: list[list[Answers]] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.parts) * BLOCK

    def grown(self, simulations: int, executor: Executor | None) -> None:
        whole = math.ceil(simulations / BLOCK) * BLOCK
        self.parts += answered(self.task, blocks_of(whole, self.done), executor=executor, known=self.known)

    def answers(self) -> list[Answers]:
        return [joined([part[i] for part in self.parts]) for i in range(len(self.known[1]))]


class Search:
    """Evaluates the goal at values, remembers them, and closes in on the target.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        What is varied.
    name : str
        The hypothesis.
    goal : str
        What is to be reached.
    seed : int
        Seed.
    executor : Executor or None
        Where the work is done.
    """

    def __init__(
        self,
        study: Study,
        world: World,
        *,
        vary: str,
        name: str,
        goal: str,
        seed: int,
        executor: Executor | None,
    ) -> None:
        self.study, self.world, self.vary, self.name, self.goal = study, world, vary, name, goal
        self.seed, self.executor = seed, executor
        self.points: dict[float, _Point] = {}
        self.found: dict[float, tuple[float, float]] = {}
        self.whole = vary.startswith("n.")
        self.rises = self.whole or vary == "effect_scale" or vary in study.hypotheses.names

    @property
    def curve(self) -> list[dict[str, float]]:
        """Every value tried, with the goal, its Monte-Carlo error, and the replicates."""
        return [
            {"value": value, "reached": reached, "mcse": error, "n_simulations": float(self.points[value].done)}
            for value, (reached, error) in sorted(self.found.items())
        ]

    def at(self, value: float, simulations: int) -> tuple[float, float]:
        """Return the goal and its Monte-Carlo error at a value.

        Parameters
        ----------
        value : float
            Of what varies; rounded where it counts units.
        simulations : int
            Replicates, at least.

        Returns
        -------
        tuple of (float, float)
            The goal and its Monte-Carlo standard error.
        """
        value = float(round(value)) if self.whole else float(value)
        if value not in self.points:
            world = changed_world(self.study, self.world, {self.vary: value})
            if self.goal == "assurance":
                world = world.vary({"effects": "priors"})
            task = Task(study=self.study, world=world, seed=self.seed, only=self._needed())
            self.points[value] = _Point(task, task.compiled())
        point = self.points[value]
        if point.done < simulations:
            point.grown(simulations, self.executor)
            self.found[value] = self._reached(point)
        return self.found[value]

    def _needed(self) -> tuple[str, ...]:
        """Return the hypotheses that the goal depends on: its own, its family where corrected, or all that decide."""
        if self.goal in {"all_decided", "any_decided"}:
            confirmatory = tuple(h.name for h in self.study.hypotheses if h.confirmatory)
            return confirmatory or self.study.hypotheses.names
        family = next((f.hypotheses for f in self.study.plan.families if self.name in f.hypotheses), ())
        return tuple(dict.fromkeys((self.name, *(family if self.goal in {"power_adjusted", "decided"} else ()))))

    def _reached(self, point: _Point) -> tuple[float, float]:
        model, asked = point.known
        made = verdicts(model, asked, point.answers())
        if self.goal in {"all_decided", "any_decided"}:
            matrix = np.column_stack(list(made.decided.values()))
            share = float((matrix.all(axis=1) if self.goal == "all_decided" else matrix.any(axis=1)).mean())
            return share, math.sqrt(share * (1 - share) / len(matrix))
        row = next(row for row in made.rows if row.hypothesis == self.name)
        column = "power" if self.goal == "assurance" else self.goal
        return float(getattr(row, column)), float(getattr(row, f"{column}_mcse"))

    def find(self, target: float, low: float, high: float, mcse: float) -> float:
        """Return the value that reaches the target.

        Parameters
        ----------
        target : float
            What the goal is to be.
        low, high : float
            Where to look.
        mcse : float
            Monte-Carlo standard error of the goal at which the search may stop.

        Returns
        -------
        float
            The value.

        Raises
        ------
        InputError
            Where nothing between the limits reaches the target.
        """
        value = self._start(low, high)
        for _ in range(_ROUNDS):
            reached, error = self.at(value, _EXPLORE)
            if abs(self._gap(value, target)) < _NEAR / 2:
                reached, error = self.at(value, self._wanted(reached, mcse))
            root = self._next(value, target, low, high)
            there = float(round(root)) if self.whole else root
            settled = abs(self._rise(value, target)[1] * (self._u(there) - self._u(value))) < self._scale(mcse, target)
            if error <= mcse * 1.01 and (settled or there == value):
                break
            value = there
        final = self._rounded(root, low, high)
        self.at(final, self._wanted(self.at(final, _EXPLORE)[0], mcse))
        return final

    def _start(self, low: float, high: float) -> float:
        if not self.rises:
            return math.sqrt(low * high) if low > 0 else (low + high) / 2
        now = float(self.world.n.get(self.vary.removeprefix("n."), 0)) if self.whole else 0.5
        unit = self.vary.removeprefix("n.")
        if self.whole and not now and unit in self.study.units.names:
            now = float(self.study.units[unit].n or 0)
        return min(max(now or 10 * low, low), high)

    def _wanted(self, reached: float, mcse: float) -> int:
        """Return the replicates that bring the Monte-Carlo error of a share below a bound; widths need few."""
        if self.goal == "width":
            return 2 * _EXPLORE
        share = min(max(reached, 0.02), 0.98)
        return min(_MOST, math.ceil(share * (1 - share) / mcse**2))

    def _u(self, value: float) -> float:
        if self.goal == "width":
            return math.log(max(value, 1e-9))
        return math.sqrt(max(value, 0.0)) if self.whole else value

    def _back(self, u: float) -> float:
        if self.goal == "width":
            return math.exp(min(u, 50.0))
        return max(u, 0.0) ** 2 if self.whole else u

    def _scaled(self, reached: float, simulations: float) -> float:
        if self.goal == "width":
            return math.log(max(reached, 1e-300))
        edge = 0.5 / simulations
        return float(special.ndtri(min(max(reached, edge), 1 - edge)))

    def _scale(self, error: float, target: float) -> float:
        """Return a Monte-Carlo error of the goal in units of the scaled goal."""
        if self.goal == "width":
            return error / target
        q = float(special.ndtri(target))
        return error * math.sqrt(2 * math.pi) * math.exp(q * q / 2)

    def _gap(self, value: float, target: float) -> float:
        return self._scaled(self.found[value][0], self.points[value].done) - self._scaled(target, math.inf)

    def _rise(self, value: float, target: float) -> tuple[float, float]:
        """Return the root and the slope of a line, in scaled units, through the values near the target."""
        near = [x for x in self.found if abs(self._gap(x, target)) < _NEAR]
        u, y = np.array([self._u(x) for x in near]), np.array([self._gap(x, target) for x in near])
        if len(near) > 1 and np.ptp(u) > 1e-9:
            weight = np.array([self.points[x].done for x in near]) / (0.05 + y**2)
            centre, level = np.average(u, weights=weight), np.average(y, weights=weight)
            spread = float(weight @ (u - centre) ** 2)
            slope = float(weight @ ((u - centre) * (y - level)) / spread)
            falls = self.goal == "width"
            if slope and (not self.rises or (slope > 0) != falls):
                return float(centre - level / slope), slope
        return self._anchored(value, target)

    def _anchored(self, value: float, target: float) -> tuple[float, float]:
        """Return the same from one value: power is near its level where nothing is there to find."""
        u, gap = self._u(value), self._gap(value, target)
        if self.goal == "width":
            return u - gap / -0.5, -0.5
        level = float(special.ndtri(self.study.plan.alpha / 2)) - float(special.ndtri(target))
        slope = max(gap - level, 0.15) / max(u, 1e-9)
        return u - gap / slope, slope

    def _next(self, value: float, target: float, low: float, high: float) -> float:
        """Return where to look next: on the line, but inside the bracket, and not too far."""
        below, above = self._bracket(target, low, high)
        if not self.rises and (below is None or above is None):
            return self._ends(target, low, high)
        root = self._back(self._rise(value, target)[0])
        root = min(max(root, value / 8, low), max(value * 8, low), high)
        if below is None or above is None:
            if root in self.found and root in {low, high}:
                self._refuse(target, low, high)
            return root
        least, most = min(below, above), max(below, above)
        if not least <= root <= most and self.points[least].done + self.points[most].done <= 4 * _EXPLORE:
            return self._back((self._u(least) + self._u(most)) / 2)
        return root

    def _ends(self, target: float, low: float, high: float) -> float:
        """Look at both limits where nobody knows the direction."""
        for end in (low, high):
            if end not in self.found:
                return end
        below, above = self._bracket(target, low, high)
        if below is None or above is None:
            self._refuse(target, low, high)
        return self._back((self._u(low) + self._u(high)) / 2)

    def _bracket(self, target: float, low: float, high: float) -> tuple[float | None, float | None]:
        """Return the values nearest to the target on both sides of it."""
        gaps = {x: self._gap(x, target) for x in self.found if low <= x <= high}
        below = [x for x, gap in gaps.items() if gap < 0]
        above = [x for x, gap in gaps.items() if gap >= 0]
        return min(below, key=lambda x: -gaps[x], default=None), min(above, key=lambda x: gaps[x], default=None)

    def _refuse(self, target: float, low: float, high: float) -> None:
        at_low, at_high = self.at(low, _EXPLORE)[0], self.at(high, _EXPLORE)[0]
        raise InputError(
            f"Nothing between {low:g} and {high:g} for {self.vary!r} gives a {self.goal} of {target:g}: it is "
            f"{at_low:.4g} at {low:g} and {at_high:.4g} at {high:g}. Give other limits, or change another assumption."
        )

    def _rounded(self, root: float, low: float, high: float) -> float:
        """Return the first whole number at which the line reaches the target."""
        if not self.whole:
            return min(max(root, low), high)
        return float(min(max(math.ceil(round(root, 6)), low), high))

    def slope(self, value: float, target: float) -> float:
        """Return how fast the goal changes at the answer, per unit of what varies.

        Parameters
        ----------
        value : float
            The answer.
        target : float
            What the goal is to be.

        Returns
        -------
        float
            Absolute slope.
        """
        small = max(1e-3 * abs(value), 1e-6)
        slope = self._rise(value, target)[1] * (self._u(value + small) - self._u(value)) / small
        return abs(slope) / self._scale(1.0, target)
