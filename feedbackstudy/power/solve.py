"""`solve`: how many people, how large an effect, how sure, for a study in an assumed world.

The same streams are used at every value tried, so that neighbouring values differ by design and not by chance.
"""

import math
from concurrent.futures import Executor

import numpy as np

from feedbackstudy.assign.conditions import conditions_of
from feedbackstudy.design.plan import ByP
from feedbackstudy.design.wording import criterion_in_words
from feedbackstudy.errors import InputError
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.assumptions import assumptions, enters
from feedbackstudy.power.evaluating import Evaluator, Point
from feedbackstudy.power.searching import Found, Progress, Search, Stop
from feedbackstudy.power.solution import Solution
from feedbackstudy.power.wishes import Goal, ends, first, hypothesis_of, path_of, refuse_limits, refuse_target
from feedbackstudy.provenance import Provenance
from feedbackstudy.simulate.capacity import refuse_other_kinds
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Goal", "Solution", "solve"]


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
    precision: float = 0.05,
    mcse: float | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Find the number of units, the effect or another assumption at which a study reaches its goal.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed.
    vary : str
        A path of the world (``"n.student"``, ``"effect_scale"``, ``"attrition.share"``; ``"n"`` for the people), or a
        hypothesis' name for the effect it could detect, in standard deviations.
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
    precision : float, default 0.05
        Simulations are added until plus and minus two Monte-Carlo errors of the answer are this share of it.
    mcse : float, optional
        Simulations are added until the goal's Monte-Carlo error at the answer is below this, instead.
    executor : concurrent.futures.Executor, optional
        Where the work is done.
    progress : callable, optional
        Called after every round of the search with the value tried, the studies invented there so far, and what they
        reach.

    Returns
    -------
    Solution
        The answer, its Monte-Carlo range, and the curve.

    Raises
    ------
    InputError
        For an unknown path, goal or hypothesis, or where nothing within the limits reaches the target.
    """
    refuse_other_kinds(study, world)
    vary = path_of(study, world, vary)
    name = hypothesis_of(study, world, vary=vary, hypothesis=hypothesis, goal=goal)
    refuse_target(target, goal=goal, alpha=study.plan.alpha)
    _refuse_precision(precision, mcse)
    low, high = limits or ends(study, world, vary)
    refuse_limits(low, high)
    evaluator = Evaluator(study=study, world=world, vary=vary, name=name, goal=goal, seed=seed, executor=executor)
    search = Search(evaluator, target, low, high, progress)
    found = search.find(first(study, world, vary), Stop(precision=precision, mcse=mcse))
    return _solution(search, found)


def _plans_own(asked: Asked | None, goal: str) -> tuple[str, ...]:
    """Say so where the plan decides by something else than the p value that was solved for."""
    criterion = asked.question.criterion if asked is not None else None
    if asked is None or goal != "power" or criterion is None or isinstance(criterion, ByP):
        return ()
    return (
        f"The plan decides {asked.hypothesis.name} by {criterion_in_words(criterion)}, and this is the answer for p "
        f"below {asked.question.plan.alpha:g}. The goal 'decided' (--goal decided) gives that of the plan.",
    )


def _refuse_precision(precision: float, mcse: float | None) -> None:
    if not 0 < precision < 1:
        raise InputError(f"precision {precision:g} is no share of the answer; give one such as 0.05.")
    if mcse is not None and not 0 < mcse < 0.5:
        raise InputError(f"mcse {mcse:g} is no Monte-Carlo error of a share; give one such as 0.01.")


def _solution(search: Search, found: Found) -> Solution:
    evaluator, point = search.evaluator, found.point
    model, asked = point.known
    vary, study = evaluator.vary, evaluator.study
    own = next((each for each in asked if each.hypothesis.name == evaluator.name), None)
    truth = own.truth if own is not None else math.nan
    return Solution(
        vary=vary,
        value=round(point.value) if search.whole else point.value,
        goal=evaluator.goal,
        hypothesis=evaluator.name,
        target=search.target,
        reached=point.reached,
        mcse=point.mcse,
        interval=(math.floor(found.low), math.ceil(found.high)) if search.whole else (found.low, found.high),
        curve=tuple(search.curve),
        unit=_unit(study, vary),
        groups=_groups(model, vary),
        effect=truth,
        effect_sd=truth / own.sd if own is not None and own.kind != "path" else math.nan,
        assumed=_assumed(point, vary),
        notes=(*found.notes, *_plans_own(own, evaluator.goal)),
        engine=f"batched rows of scores, common random numbers, {point.done:,} replicates at the answer",
        provenance=Provenance(
            made_by="power.solve",
            conventions=(
                f"{vary} counts these units in all" if search.whole else f"varied: {vary}",
                "the answer is where a line through the probits (logarithms of widths) of the values tried near the "
                "target meets it; 'reached' is what was simulated there",
                "its range is plus and minus two Monte-Carlo errors, replicates with one number taken as a cluster",
            ),
            design_hash=study.design_hash,
            data_sha256=(("world", evaluator.world.digest()),),
            seed=evaluator.seed,
        ),
    )


def _assumed(point: Point, vary: str) -> tuple[tuple[str, str], ...]:
    model, asked = point.known
    found = assumptions(model, asked, without=(vary,))
    rows = [float(np.nanmean(each.n)) if np.isfinite(each.n).any() else math.nan for each in point.answers()]
    told = enters([each.hypothesis.name for each in asked], rows, model.n)
    return (*found, *([("rows that enter", told)] if told else []))


def _unit(study: Study, vary: str) -> str:
    """Return what is counted, in words."""
    name = vary.removeprefix("n.")
    if not vary.startswith("n."):
        return ""
    return (study.units[name].label or f"units ({name})") if name in study.units.names else "people"


def _groups(model: Model, vary: str) -> int:
    """Return the number of groups of one size that single people are assigned to; 0 where there are none."""
    if vary != f"n.{next(iter(model.numbers))}" or len(model.numbers) > 1 or len(model.cells) < 2:
        return 0
    made = conditions_of(model.study)
    return len(made.cells) if made.cluster is None and len(set(made.weights)) == 1 and len(made.cells) > 1 else 0
