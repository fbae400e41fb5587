"""What is asked of `solve`, and what cannot be meant: what varies, whose goal, how much of it, between which limits."""

import math
from typing import Literal, get_args

from feedbackstudy.errors import DeclarationError, InputError, NotFoundError, choices
from feedbackstudy.power.solving import above_alpha
from feedbackstudy.simulate.people import unit_numbers
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["GOALS", "Goal", "ends", "first", "hypothesis_of", "path_of", "refuse_limits", "refuse_target"]

type Goal = Literal[
    "power", "power_adjusted", "decided", "equivalence", "width", "assurance", "all_decided", "any_decided"
]

GOALS: tuple[str, ...] = get_args(Goal.__value__)
_TOGETHER = ("all_decided", "any_decided")


def path_of(study: Study, world: World, vary: str) -> str:
    """Return the path of what varies: ``"n"`` stands for the people, a unit's name for its number.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        What was asked for.

    Returns
    -------
    str
        A path of the world, or a hypothesis' name.

    Raises
    ------
    InputError
        For a path that the world does not have, or that holds more than one number.
    """
    units = tuple(unit_numbers(study, world))
    if vary == "n":
        return f"n.{units[0]}"
    if vary in units:
        return f"n.{vary}"
    if vary.startswith("n.") and vary.removeprefix("n.") not in units:
        raise InputError(choices("Unit", vary.removeprefix("n."), units))
    if not vary.startswith("n.") and vary not in study.hypotheses.names:
        try:
            world.vary({vary: 0.5})
        except DeclarationError as fault:
            known = (*(f"n.{unit}" for unit in units), *study.hypotheses.names, *world.paths())
            raise NotFoundError(
                f"{vary!r} is no single number that can vary. {choices('Path', vary, known)}"
            ) from fault
    return vary


def hypothesis_of(study: Study, world: World, *, vary: str, hypothesis: str, goal: str) -> str:
    """Return the hypothesis whose goal it is.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        Of `path_of`.
    hypothesis : str
        What was asked for; may be empty.
    goal : str
        The goal.

    Returns
    -------
    str
        Its name; empty where the goal is one of all hypotheses.

    Raises
    ------
    InputError
        For an unknown goal or hypothesis, or a goal that has no meaning for it.
    """
    if goal not in GOALS:
        raise InputError(choices("Goal", goal, GOALS))
    name = hypothesis or (vary if vary in study.hypotheses.names else "")
    if not name and goal not in _TOGETHER:
        raise InputError(f"Say which hypothesis is to reach it: {', '.join(study.hypotheses.names)}.")
    if goal == "equivalence" and study.hypotheses[name].sesoi is None:
        raise InputError(f"{name} declares no smallest effect (sesoi), so nothing counts as equivalent; give it one.")
    if name:
        study.hypotheses[name]
    if goal == "assurance" and not world.priors:
        raise InputError("Assurance averages over priors; give the world 'priors' (hypothesis -> mean and sd).")
    return name


def refuse_target(target: float, *, goal: str, alpha: float) -> None:
    """Refuse a target that no study could reach, or that says nothing.

    Parameters
    ----------
    target : float
        What the goal is to be.
    goal : str
        The goal.
    alpha : float
        Level of the tests.

    Raises
    ------
    InputError
        With what may have been meant.
    """
    if goal == "width":
        if not 0 < target < math.inf:
            raise InputError(f"target {target:g} is no width of an interval; give one above 0, such as 0.4.")
        return
    if 1 < target <= 100:
        meant = min(target / 100, 0.99)
        raise InputError(f"target {target:g} is no share; did you mean {meant:g}?")
    if not 0 < target < 1:
        raise InputError(
            f"target {target:g} cannot be reached for sure by any study; give a share between 0 and 1, both excluded, "
            "such as 0.8 or 0.95."
        )
    if goal in {"power", "assurance"}:
        above_alpha(target, alpha)


def refuse_limits(low: float, high: float) -> None:
    """Refuse limits between which nothing lies.

    Parameters
    ----------
    low, high : float
        Where to look.

    Raises
    ------
    InputError
        Where they are no numbers, or the first is not the smaller one.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"Nothing lies between the limits {low:g} and {high:g}; give the smaller one first.")


def first(study: Study, world: World, vary: str) -> float:
    """Return where to look first: the number planned, or half a standard deviation.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        Of `path_of`.

    Returns
    -------
    float
        A value, perhaps outside the limits.
    """
    if vary.startswith("n."):
        return float(unit_numbers(study, world)[vary.removeprefix("n.")])
    if vary == "effect_scale":
        return 1.0
    return 0.5 if vary in study.hypotheses.names else 0.0


def ends(study: Study, world: World, vary: str) -> tuple[float, float]:
    """Return where to look when nothing is said.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        Of `path_of`.

    Returns
    -------
    tuple of (float, float)
        From a tenth to twenty times the number now for units, 0.01 to 3 for effects, 0 to .95 otherwise.
    """
    if vary in study.hypotheses.names or vary == "effect_scale":
        return 0.01, 3.0
    if vary.startswith("n."):
        numbers = unit_numbers(study, world)
        now = numbers[vary.removeprefix("n.")]
        fewest = 4 * len(study.crossing.cells()) if vary.removeprefix("n.") == next(iter(numbers)) else 4
        return float(max(fewest, now // 10)), 20.0 * now
    return 0.0, 0.95
