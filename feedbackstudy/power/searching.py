"""The search for the value at which a goal is reached, with common random numbers and growing numbers of replicates."""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import numpy as np
from scipy import special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.diagnosed import Diagnosis
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.simulate.streams import stream
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Search", "changed_world"]

_WORLDS = 40


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
        self.curve: list[dict[str, float]] = []
        self.known: dict[tuple[float, int], tuple[float, float]] = {}
        self.simulations = 400
        self.whole = vary.startswith("n.")

    def at(self, value: float, simulations: int) -> tuple[float, float]:
        """Return the goal and its Monte-Carlo error at a value.

        Parameters
        ----------
        value : float
            Of what varies; rounded where it counts units.
        simulations : int
            Replicates.

        Returns
        -------
        tuple of (float, float)
            The goal and its Monte-Carlo standard error.
        """
        value = float(round(value)) if self.whole else float(value)
        key = (value, simulations)
        if key not in self.known:
            world = changed_world(self.study, self.world, {self.vary: value})
            self.known[key] = (
                self._assured(world, simulations) if self.goal == "assurance" else self._reached(world, simulations)
            )
            reached, error = self.known[key]
            self.curve.append({"value": value, "reached": reached, "mcse": error, "n_simulations": float(simulations)})
        return self.known[key]

    def _diagnosed(self, world: World, simulations: int, seed: int) -> Diagnosis:
        return diagnose(self.study, world, seed=seed, n_simulations=simulations, executor=self.executor)

    def _reached(self, world: World, simulations: int) -> tuple[float, float]:
        made = self._diagnosed(world, simulations, self.seed)
        if self.goal in {"all_decided", "any_decided"}:
            share = float(getattr(made, self.goal))
            return share, math.sqrt(share * (1 - share) / simulations)
        row = made[self.name]
        return float(getattr(row, self.goal)), float(getattr(row, f"{self.goal}_mcse"))

    def _assured(self, world: World, simulations: int) -> tuple[float, float]:
        """Average the power over worlds drawn from the priors; the same draws at every value."""
        each = max(20, simulations // _WORLDS)
        powers = []
        for i in range(_WORLDS):
            drawn = world.drawn(self.study, stream(self.seed, i, "prior"))
            powers.append(self._diagnosed(drawn, each, self.seed + 1 + i)[self.name].power)
        return float(np.mean(powers)), float(np.std(powers, ddof=1) / math.sqrt(_WORLDS))

    def find(self, target: float, low: float, high: float, mcse: float) -> float:
        """Return the value that reaches the target, by regula falsi on probits, then with more simulations.

        Parameters
        ----------
        target : float
            What the goal is to be.
        low, high : float
            Where to look.
        mcse : float
            Monte-Carlo standard error at which the search may stop.

        Returns
        -------
        float
            The value.

        Raises
        ------
        InputError
            Where nothing between the limits reaches the target.
        """
        at_low, at_high = self.at(low, self.simulations)[0], self.at(high, self.simulations)[0]
        if (at_low - target) * (at_high - target) > 0:
            best = f"{at_low:.4g} at {low:g} and {at_high:.4g} at {high:g}"
            raise InputError(
                f"Nothing between {low:g} and {high:g} for {self.vary!r} gives a {self.goal} of {target:g}: it is "
                f"{best}. Give other limits, or change another assumption."
            )
        value = self._close(target, low, high, steps=9)
        for _ in range(4):
            error = self.at(value, self.simulations)[1]
            if error <= mcse:
                break
            self.simulations = min(
                20_000, math.ceil(self.simulations * min(16.0, (error / mcse) ** 2 * 1.05) / 40) * 40
            )
            wide = 0.25 * value if value else 0.1
            near = max(low, value - wide), min(high, value + wide)
            ends = [self.at(x, self.simulations)[0] - target for x in near]
            value = self._close(target, *(near if ends[0] * ends[1] <= 0 else (low, high)), steps=5)
        return value

    def _close(self, target: float, low: float, high: float, *, steps: int) -> float:
        f = self._scale(target)
        a, b = low, high
        fa, fb = f(self.at(a, self.simulations)[0]), f(self.at(b, self.simulations)[0])
        rising = fb > fa
        value = b
        for step in range(steps):
            if self.whole and abs(b - a) <= 1:
                break
            share = 0.5 if step % 3 == 2 or fa == fb else min(max(-fa / (fb - fa), 0.08), 0.92)
            value = _between(a, b, share, root=self.whole)
            value = float(round(value)) if self.whole else value
            if value in (a, b):
                break
            fv = f(self.at(value, self.simulations)[0])
            if (fv < 0) == rising:
                a, fa = value, fv
            else:
                b, fb = value, fv
        return b if rising or self.goal == "width" else a

    def _scale(self, target: float) -> Callable[[float], float]:
        if self.goal == "width":
            return lambda reached: math.log(reached / target)
        edge = 0.5 / self.simulations
        goal = float(special.ndtri(target))
        return lambda reached: float(special.ndtri(min(max(reached, edge), 1 - edge))) - goal

    def slope(self, value: float, low: float, high: float) -> float:
        """Return how fast the goal changes at the answer, per unit of what varies.

        Parameters
        ----------
        value : float
            The answer.
        low, high : float
            Limits that must not be left.

        Returns
        -------
        float
            Absolute slope.
        """
        wide = max(0.1 * abs(value), 1.0 if self.whole else 0.02)
        a, b = max(low, value - wide), min(high, value + wide)
        simulations = min(self.simulations, 1000)
        return abs(self.at(b, simulations)[0] - self.at(a, simulations)[0]) / max(b - a, 1e-12)


def _between(a: float, b: float, share: float, *, root: bool) -> float:
    if not root:
        return a + share * (b - a)
    low, high = math.sqrt(max(a, 0.0)), math.sqrt(max(b, 0.0))
    return (low + share * (high - low)) ** 2
