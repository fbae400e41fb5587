"""`solve`: how many people, how large an effect, how sure, for a study in an assumed world.

The same streams are used at every value tried, so that neighbouring values differ by design and not by chance.
"""

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.searching import Search
from feedbackstudy.provenance import Provenance
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, number, table_of
from feedbackstudy.simulate.people import unit_numbers
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Goal", "Solution", "solve"]

type Goal = Literal[
    "power", "power_adjusted", "decided", "equivalence", "width", "assurance", "all_decided", "any_decided"
]

_GOALS = ("power", "power_adjusted", "decided", "equivalence", "width", "assurance", "all_decided", "any_decided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution(Rendered):
    """Where a study reaches its goal.

    Attributes
    ----------
    vary : str
        What was varied: a path of the world.
    value : float
        The answer; a whole number for units.
    goal, hypothesis : str
        What was to be reached, for which hypothesis.
    target : float
        How much of it.
    reached, mcse : float
        What the answer gives, with its Monte-Carlo error.
    interval : tuple of float
        Values that the Monte-Carlo error of the goal leaves possible (plus and minus two errors).
    curve : tuple of mapping
        Every value tried, with the goal and its Monte-Carlo error.
    engine : str
        How it was found.
    provenance : Provenance
        Seed and conventions.
    """

    vary: str
    value: float
    goal: str
    hypothesis: str
    target: float
    reached: float
    mcse: float
    interval: tuple[float, float]
    curve: tuple[Mapping[str, float], ...]
    engine: str
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return the values tried.

        Returns
        -------
        DataFrame
            ``value, reached, mcse, n_simulations``, by value.
        """
        return pd.DataFrame([dict(row) for row in self.curve]).sort_values("value", ignore_index=True)

    def page(self) -> Page:
        """Return the answer as a page.

        Returns
        -------
        Page
            Ready to render.
        """
        low, high = self.interval
        facts = Facts(
            (
                (self.vary, number(self.value)),
                (
                    f"{self.goal} of {self.hypothesis or 'all'}",
                    f"{number(self.reached)} (MC error {number(self.mcse, 4)})",
                ),
                ("target", number(self.target)),
                ("Monte-Carlo range of the answer", f"{number(low)} to {number(high)}"),
                ("engine", self.engine),
            )
        )
        rows = [{str(k): v for k, v in row.items()} for row in self.frame().to_dict("records")]
        blocks: list[Block] = [facts, table_of(rows, caption="Values tried")]
        if not math.isfinite(self.value):
            blocks.append(Notice("The target was not reached within the limits."))
        return Page(title=f"Solved for {self.vary}", blocks=(*blocks, self.provenance.facts()))


def solve(
    study: Study,
    world: World,
    *,
    vary: str,
    hypothesis: str = "",
    goal: Goal = "power",
    target: float = 0.8,
    seed: int,
    limits: tuple[float, float] | None = None,
    mcse: float = 0.01,
    executor: Executor | None = None,
) -> Solution:
    """Find the number of units, the effect or another assumption at which a study reaches its goal.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        A path of the world (``"n.student"``, ``"effect_scale"``, ``"attrition.share"``), or a hypothesis' name for the
        effect it could detect, in standard deviations.
    hypothesis : str
        Whose goal; may be left out for ``"all_decided"`` and ``"any_decided"``, and where `vary` names it.
    goal : str
        ``"power"``, ``"power_adjusted"``, ``"decided"`` (by the plan's own criterion, such as a Bayes factor),
        ``"equivalence"``, ``"width"`` (of the interval), ``"assurance"`` (power averaged over the world's priors),
        ``"all_decided"`` or ``"any_decided"``.
    target : float
        How much of it.
    seed : int
        Seed.
    limits : tuple of float, optional
        Where to look; from a tenth to twenty times the number now for units, 0.01 to 3 for effects, 0 to .95 otherwise.
    mcse : float
        Simulations are added until the goal's Monte-Carlo error at the answer is below this.
    executor : concurrent.futures.Executor, optional
        Where the work is done.

    Returns
    -------
    Solution
        The answer, its Monte-Carlo range, and the curve.

    Raises
    ------
    InputError
        For an unknown path, goal or hypothesis, or where nothing within the limits reaches the target.
    """
    if goal not in _GOALS:
        raise InputError(choices("Goal", goal, _GOALS))
    name = hypothesis or (vary if vary in study.hypotheses.names else "")
    if not name and goal not in {"all_decided", "any_decided"}:
        raise InputError(f"Say which hypothesis is to reach it: {', '.join(study.hypotheses.names)}.")
    if name:
        study.hypotheses[name]
    if goal == "assurance" and not world.priors:
        raise InputError("Assurance averages over priors; give the world 'priors' (hypothesis -> mean and sd).")
    search = Search(study, world, vary=vary, name=name, goal=goal, seed=seed, executor=executor)
    low, high = limits or _limits(study, world, vary)
    value = search.find(target, low, high, mcse)
    reached, error = search.at(value, 1)
    slope = search.slope(value, target)
    half = 2 * error / slope if slope > 0 else math.inf
    return Solution(
        vary=vary,
        value=float(value),
        goal=goal,
        hypothesis=name,
        target=target,
        reached=reached,
        mcse=error,
        interval=(max(low, value - half), min(high, value + half)),
        curve=tuple(search.curve),
        engine=f"batched rows of scores, common random numbers, {search.points[value].done:,} replicates at the answer",
        provenance=Provenance(
            made_by="power.solve",
            conventions=(
                f"{vary} counts these units in all" if vary.startswith("n.") else f"varied: {vary}",
                "the answer is where a line through the probits (logarithms of widths) of the values tried near the "
                "target meets it; 'reached' is what was simulated there",
            ),
            design_hash=study.design_hash,
            data_sha256=(("world", world.digest()),),
            seed=seed,
        ),
    )


def _limits(study: Study, world: World, vary: str) -> tuple[float, float]:
    if vary in study.hypotheses.names or vary == "effect_scale":
        return 0.01, 3.0
    if vary.startswith("n."):
        now = unit_numbers(study, world).get(vary.removeprefix("n."), 100)
        cells = len(study.crossing.cells())
        return float(
            max(4 * cells if vary.endswith(next(iter(unit_numbers(study, world)))) else 4, now // 10)
        ), 20.0 * now
    world.vary({vary: 0.5})
    return 0.0, 0.95
