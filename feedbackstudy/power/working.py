"""The work of a diagnosis: blocks of invented studies, here or in workers, with the same answer wherever they run."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.errors import InputError
from feedbackstudy.frames import Scores
from feedbackstudy.power.analysed import by_analyse
from feedbackstudy.power.answering import Setting, ask
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked, questions
from feedbackstudy.power.screening import Screen
from feedbackstudy.scales import score
from feedbackstudy.simulate.allocated import given_by
from feedbackstudy.simulate.compiling import compiled
from feedbackstudy.simulate.draw import BLOCK, Drawer
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.people import participants_of
from feedbackstudy.simulate.respond import invented
from feedbackstudy.simulate.streams import stream
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Analysis", "Task", "answered", "blocks_of", "joined", "refuse_weights"]

type Floats = NDArray[np.float64]
type Analysis = Callable[[Scores, Study], Mapping[str, Mapping[str, float]]]
"""Scores and study -> hypothesis -> ``estimate``, ``low``, ``high`` and ``p`` (``se`` and ``df`` where known)."""

_JOBS = 16  # jobs of a round: each compiles study and world anew in its worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is diagnosed.

    Attributes
    ----------
    study : Study
        The study.
    world : World
        The world.
    seed : int
        Seed.
    analysis : callable or None
        The user's own analysis.
    only : tuple of str
        Hypotheses to answer; all where empty.
    allocation : Allocation or None
        Its people and its scheme take the place of the study's own assignment.
    """

    study: Study
    world: World
    seed: int
    analysis: Analysis | None = None
    only: tuple[str, ...] = ()
    allocation: Allocation | None = None

    def compiled(self) -> tuple[Model, tuple[Asked, ...]]:
        """Return study and world as numbers, and the hypotheses as questions.

        Returns
        -------
        Model, tuple of Asked
            Ready to draw from, and to ask.
        """
        model = compiled(self.study, self.world)
        if self.allocation is not None:
            model = replace(model, given=given_by(self.study, model.numbers, self.allocation))
        random = bool(Setting.of(model).random) and self.analysis is None
        asked = questions(model, only=self.only, random=random)
        if self.analysis is not None:
            return model, asked
        refuse_weights(model)
        strata = {model.slot(name) for name in self.study.assignment.by if name in self.study.covariates.names}
        model = model.reduced({slot for each in asked for slot in each.slots} | Screen.of(model).slots | strata)
        return model, questions(model, only=self.only, random=random)


def blocks_of(n_simulations: int, done: int = 0) -> list[tuple[int, int]]:
    """Return the blocks that bring the replicates from `done`, whole blocks, to a number.

    Parameters
    ----------
    n_simulations : int
        Replicates wanted.
    done : int
        Replicates that are there.

    Returns
    -------
    list of (int, int)
        Number and size of each block.
    """
    return [(start // BLOCK, min(BLOCK, n_simulations - start)) for start in range(done, n_simulations, BLOCK)]


def answered(
    task: Task,
    blocks: Sequence[tuple[int, int]],
    *,
    executor: Executor | None,
    known: tuple[Model, tuple[Asked, ...]] | None = None,
) -> list[list[Answers]]:
    """Answer all hypotheses in some blocks.

    Parameters
    ----------
    task : Task
        What is diagnosed.
    blocks : sequence of (int, int)
        Of `blocks_of`.
    executor : Executor or None
        Where the work is done; here where None.
    known : tuple, optional
        Of `Task.compiled`, where it is already there.

    Returns
    -------
    list of list of Answers
        For each block the answers to each hypothesis, in order, whatever the executor.
    """
    if executor is None:
        return _work(task, blocks, known)
    step = max(1, math.ceil(len(blocks) / _JOBS))
    jobs = [executor.submit(_work, task, blocks[i : i + step]) for i in range(0, len(blocks), step)]
    return [part for job in jobs for part in job.result()]


def joined(parts: Sequence[Answers]) -> Answers:
    """Join the answers of blocks.

    Parameters
    ----------
    parts : sequence of Answers
        To one hypothesis.

    Returns
    -------
    Answers
        Of all replicates.
    """
    return Answers(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Answers)})


def _work(
    task: Task, blocks: Sequence[tuple[int, int]], known: tuple[Model, tuple[Asked, ...]] | None = None
) -> list[list[Answers]]:
    """Answer in this process; a worker compiles for itself."""
    model, asked = task.compiled() if known is None else known
    if task.analysis is not None:
        return [_called(task, model, asked, number, size) for number, size in blocks]
    setting = Setting.of(model)
    drawer = Drawer(model, task.seed)
    found = []
    for number, size in blocks:
        block = setting.screen.applied(drawer.block(number, size))
        found.append([ask(each, block, setting=setting) for each in asked])
    return found


def refuse_weights(model: Model) -> None:
    """Refuse an allocation whose probabilities differ, beside random factors: batched rows have no such weights.

    Parameters
    ----------
    model : Model
        Study and world as numbers.

    Raises
    ------
    InputError
        The message names what has them.
    """
    random = Setting.of(model).random
    if model.given is not None and model.given.weighted and random:
        raise InputError(
            f"The allocation's probabilities differ between people of one condition, and {', '.join(random)} is a "
            "random factor: 'analyse' takes weights and CR2 there, batched rows do not. Use "
            "power.diagnose(..., allocation=..., analysis=power.by_analyse), which is analyse itself, row by row."
        )


def _analysed(task: Task, model: Model, scores: Scores, replicate: int) -> Mapping[str, Mapping[str, float]]:
    """Answer one invented study; `by_analyse` gets its allocation too."""
    if task.analysis is by_analyse and model.given is not None:
        given = model.given
        drawn = given.draw(stream(task.seed, replicate, "allocation"))
        frame = given.allocation.frame.assign(participant=participants_of(model.numbers))
        own = replace(given.allocation, _frame=frame, drawn=tuple(int(i) for i in drawn))
        return by_analyse(scores, task.study, allocation=own)
    return task.analysis(scores, task.study) if task.analysis is not None else {}


def _called(task: Task, model: Model, asked: tuple[Asked, ...], number: int, size: int) -> list[Answers]:
    """Give whole invented studies to the user's own analysis."""
    rows: list[Mapping[str, Mapping[str, float]]] = []
    for replicate in range(number * BLOCK, number * BLOCK + size):
        scores = score(invented(model, seed=task.seed, replicate=replicate), tuple(task.study.measures))
        rows.append(_analysed(task, model, scores, replicate))
    found = []
    for each in asked:
        columns = {
            field.name: np.array([float(row.get(each.hypothesis.name, {}).get(field.name, math.nan)) for row in rows])
            for field in fields(Answers)
        }
        columns["se"] = np.where(np.isnan(columns["se"]), (columns["high"] - columns["low"]) / 3.92, columns["se"])
        columns["df"] = np.where(np.isnan(columns["df"]), 1e9, columns["df"])
        # The truth of a linear model that stands in for another is on a scale that analyse does not estimate.
        other = task.analysis is by_analyse and each.approximated
        columns["truth"] = np.full(size, math.nan if other else each.truth)
        found.append(Answers(**columns))
    return found
