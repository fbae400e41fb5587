"""A study's goal at single values of what varies: replicates are added, never made twice."""

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.diagnosis import verdicts
from feedbackstudy.power.local_line import Tried
from feedbackstudy.power.working import Task, answered, blocks_of, joined
from feedbackstudy.simulate.draw import BLOCK
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Evaluator", "Point", "changed_world"]

type Floats = NDArray[np.float64]


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


@dataclass(slots=True, kw_only=True)
class Point:
    """What is known at one value.

    Attributes
    ----------
    value, u : float
        The value, and the same on the scale on which the goal is straight.
    task : Task
        The study in its world.
    known : tuple of (Model, tuple of Asked)
        The same as numbers, and the hypotheses.
    parts : list of list of Answers
        The answers, block by block.
    each : ndarray
        The goal's figure in every replicate.
    """

    value: float
    u: float
    task: Task
    known: tuple[Model, tuple[Asked, ...]]
    parts: list[list[Answers]] = field(default_factory=list)
    each: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def done(self) -> int:
        """Replicates that were made."""
        return len(self.parts) * BLOCK

    @property
    def tried(self) -> Tried:
        """The value for a line."""
        return Tried(u=self.u, each=self.each)

    @property
    def reached(self) -> float:
        """The goal."""
        return self.tried.mean

    @property
    def mcse(self) -> float:
        """Its Monte-Carlo standard error."""
        n = self.tried.n
        return float(np.nanstd(self.each)) / math.sqrt(n) if n else math.nan

    def grown(self, simulations: int, executor: Executor | None) -> None:
        """Add replicates up to a number, in whole blocks.

        Parameters
        ----------
        simulations : int
            Replicates wanted.
        executor : Executor or None
            Where the work is done.
        """
        whole = math.ceil(simulations / BLOCK) * BLOCK
        self.parts += answered(self.task, blocks_of(whole, self.done), executor=executor, known=self.known)

    def answers(self) -> list[Answers]:
        """Return the answers to each hypothesis.

        Returns
        -------
        list of Answers
            Of all replicates.
        """
        return [joined([part[i] for part in self.parts]) for i in range(len(self.known[1]))]


@dataclass(slots=True, kw_only=True)
class Evaluator:
    """Makes points, and finds out what they reach.

    Attributes
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary, name, goal : str
        What is varied, the hypothesis, what is to be reached.
    seed : int
        Seed.
    executor : Executor or None
        Where the work is done.
    """

    study: Study
    world: World
    vary: str
    name: str
    goal: str
    seed: int
    executor: Executor | None

    def point(self, value: float, u: float) -> Point:
        """Compile the study at a value.

        Parameters
        ----------
        value, u : float
            The value, and the same on the scale on which the goal is straight.

        Returns
        -------
        Point
            Without replicates.
        """
        world = changed_world(self.study, self.world, {self.vary: value})
        if self.goal == "assurance":
            world = world.vary({"effects": "priors"})
        task = Task(study=self.study, world=world, seed=self.seed, only=self._needed())
        return Point(value=value, u=u, task=task, known=task.compiled())

    def grow(self, point: Point, simulations: int) -> None:
        """Add replicates to a point, and find out what it reaches.

        Parameters
        ----------
        point : Point
            The point.
        simulations : int
            Replicates wanted in all.

        Raises
        ------
        InputError
            Where not one replicate has an answer.
        """
        point.grown(simulations, self.executor)
        point.each = self._each(point)
        if not point.tried.n:
            raise InputError(
                f"At {self.vary} = {point.value:g} not one of {point.done} invented studies gives {self.name or 'the'} "
                f"{self.goal}: fits fail, or the goal has no meaning there. See what power.diagnose says there."
            )

    def _needed(self) -> tuple[str, ...]:
        """Return the hypotheses that the goal depends on: its own, its family where corrected, or all that decide."""
        if self.goal in {"all_decided", "any_decided"}:
            return self._jointly()
        family = next((f.hypotheses for f in self.study.plan.families if self.name in f.hypotheses), ())
        return tuple(dict.fromkeys((self.name, *(family if self.goal in {"power_adjusted", "decided"} else ()))))

    def _jointly(self) -> tuple[str, ...]:
        confirmatory = tuple(h.name for h in self.study.hypotheses if h.confirmatory)
        return confirmatory or self.study.hypotheses.names

    def _each(self, point: Point) -> Floats:
        model, asked = point.known
        made = verdicts(model, asked, point.answers())
        if self.goal in {"all_decided", "any_decided"}:
            matrix = made.decided(self._jointly())
            return np.asarray(matrix.all(axis=1) if self.goal == "all_decided" else matrix.any(axis=1), np.float64)
        return made.judged[self.name].figure("power" if self.goal == "assurance" else self.goal)
