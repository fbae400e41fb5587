"""`diagnose`: many invented studies, analysed as planned, against the truth that made them."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.assign.allocation import Allocation
from feedbackstudy.errors import InputError
from feedbackstudy.power.analysed import by_analyse
from feedbackstudy.power.answering import Setting
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.assumptions import assumptions, enters
from feedbackstudy.power.criteria import deciding_p
from feedbackstudy.power.diagnosed import Diagnosis, HypothesisDiagnosis
from feedbackstudy.power.noncentral import t_power
from feedbackstudy.power.saying import applied, notes_of, strata_of
from feedbackstudy.power.summarising import Judged, adjusted, judged, summarised
from feedbackstudy.power.working import Analysis, Task, answered, blocks_of, joined
from feedbackstudy.provenance import Provenance
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.people import allocation_plan
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Analysis", "Verdicts", "diagnose", "verdicts"]

_CONVENTIONS = (
    "failed fits are left out of power; power_low counts them as missed, power_high as found",
    "type M is the mean of |estimate| / |truth| among significant results",
    "ROPE rates use a flat prior: the posterior is t around the estimate",
)


def diagnose(
    study: Study,
    world: World,
    *,
    seed: int,
    n_simulations: int = 1000,
    analysis: Analysis | None = None,
    executor: Executor | None = None,
    allocation: Allocation | None = None,
) -> Diagnosis:
    """Say what a study would find in an assumed world, for all hypotheses from one simulated set.

    Parameters
    ----------
    study : Study
        The study.
    world : World
        What is assumed true.
    seed : int
        Seed; the same seed gives the same answer, whatever the executor.
    n_simulations : int, default 1000
        Invented studies; of at least 20.
    analysis : callable, optional
        An analysis of your own: it gets the scores of one invented study, and the study, and returns for each
        hypothesis
        that it answers ``{"estimate": ..., "low": ..., "high": ..., "p": ...}``. It must be importable by workers.
    executor : concurrent.futures.Executor, optional
        Where the work is done: processes, or the executor of a Dask client.
    allocation : Allocation, optional
        An allocation whose people, units and strata take the place of invented ones, and whose scheme is drawn anew for
        each block of replicates. Where people of one condition have different probabilities (a scheme of unequal
        ratios over strata), rows are weighted by their inverse with HC3, as `analyse` does.

    Returns
    -------
    Diagnosis
        Power, bias, RMSE, coverage, type S and M, width, equivalence and ROPE rates, failures, each with its
        Monte-Carlo error.

    Raises
    ------
    InputError
        For a hypothesis that cannot be estimated, a world that does not fit, or too few simulations.

    Notes
    -----
    The truth leaves out drift, non-compliance, carelessness and attrition: what these do to an estimate is its bias.
    """
    if isinstance(n_simulations, bool) or n_simulations < 20:
        raise InputError(f"n_simulations = {n_simulations} says nothing about rates; give at least 20, better 1000.")
    task = Task(study=study, world=world, seed=seed, analysis=analysis, allocation=allocation)
    model, asked = task.compiled()
    parts = answered(task, blocks_of(n_simulations), executor=executor, known=(model, asked))
    answers = [joined([part[i] for part in parts]) for i in range(len(asked))]
    return _diagnosis(model, asked, answers, task, n_simulations)


def _exact(model: Model, asked: Asked, alpha: float) -> float:
    """Return the exact power of a normal outcome where nothing goes wrong with the data; NaN where something does."""
    world = model.world
    clean = not (world.attrition.share or world.attrition.by_cell or world.skipped or world.carelessness.share)
    clean = clean and not (world.non_compliance.share or world.non_compliance.by_cell or any(world.drift.values()))
    simple = asked.kind == "cells" and not asked.covariates and not asked.minus
    clean = clean and not model.study.plan.exclusions and model.world.effects == "means"
    fixed = not strata_of(model.study) and model.study.assignment.method != "simple"
    if not (clean and simple and fixed) or model.given is not None or len(model.roots) > 1 or Setting.of(model).random:
        return math.nan
    plan = allocation_plan(model.study, model.numbers)
    arms = [cell.arm for cell in model.cells]
    here = np.array([model.study.measure_of(asked.hypothesis.outcome).asks(arm) for arm in arms])
    here &= model.inside | (not asked.inside(model))
    sizes = np.array([float(w) for w in plan.weights]) * plan.n
    used = asked.weights[0] != 0
    se = asked.sd * math.sqrt(float((asked.weights[0][used] ** 2 / sizes[used]).sum()))
    df = float(sizes[here].sum() - here.sum())
    return float(t_power(asked.truth / se, df, alpha))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """What many replicates say to the hypotheses.

    Attributes
    ----------
    rows : tuple of HypothesisDiagnosis
        One for each hypothesis.
    judged : mapping of str to Judged
        Hypothesis -> what every replicate says.
    notes : tuple of str
        Corrections that were replaced.
    """

    rows: tuple[HypothesisDiagnosis, ...]
    judged: dict[str, Judged]
    notes: tuple[str, ...]

    def decided(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """Return in which replicates the plan's criterion says what each of some hypotheses expects.

        Parameters
        ----------
        names : sequence of str
            The hypotheses.

        Returns
        -------
        ndarray of bool, shape (replicates, hypotheses)
            One column for each.
        """
        return np.column_stack([self.judged[name].verdict for name in names])


def verdicts(model: Model, asked: Sequence[Asked], answers: Sequence[Answers], *, own: str = "") -> Verdicts:
    """Summarise the answers to all hypotheses.

    Parameters
    ----------
    model : Model
        Study and world as numbers.
    asked : sequence of Asked
        The hypotheses.
    answers : sequence of Answers
        Their answers.
    own : str
        Whose analysis answered, in words, where it was not that of batched rows; there is no exact power then.

    Returns
    -------
    Verdicts
        Rows, decisions, notes.
    """
    plan = model.study.plan
    random = () if own else Setting.of(model).random
    by_name = {
        each.hypothesis.name: deciding_p(each, a, plan.decides.get(each.hypothesis.name))
        for each, a in zip(asked, answers, strict=True)
    }
    corrected, notes = adjusted(plan.families, by_name)
    rows: list[HypothesisDiagnosis] = []
    made: dict[str, Judged] = {}
    for each, found in zip(asked, answers, strict=True):
        name = each.hypothesis.name
        exact = math.nan if own else _exact(model, each, plan.alpha)
        words = own if own else each.words(random)
        made[name] = judged(each, found, plan, corrected.get(name))
        rows.append(summarised(each, found, plan, each=made[name], exact=exact, words=words))
    return Verdicts(rows=tuple(rows), judged=made, notes=tuple(notes))


def _whose(task: Task) -> str:
    """Say whose analysis takes whole invented studies; empty for batched rows."""
    if task.analysis is None:
        return ""
    return "analyse itself" if task.analysis is by_analyse else "user callable"


def _diagnosis(
    model: Model, asked: tuple[Asked, ...], answers: list[Answers], task: Task, n_simulations: int
) -> Diagnosis:
    study, own = model.study, _whose(task)
    found = verdicts(model, asked, answers, own=own)
    tests = [h.name for h in study.hypotheses if h.confirmatory] or [each.hypothesis.name for each in asked]
    matrix = found.decided(tests)
    whose = f"{own} on whole invented studies" if own else "batched rows of scores"
    setting = Setting.of(model)
    return Diagnosis(
        rows=found.rows,
        alpha=study.plan.alpha,
        n_simulations=n_simulations,
        any_decided=float(matrix.any(axis=1).mean()),
        all_decided=float(matrix.all(axis=1).mean()),
        jointly=tuple(tests),
        engine=f"{whose}, {n_simulations:,} replicates",
        numbers=dict(model.numbers),
        assumed=_assumed(model, asked, found.rows),
        notes=(*found.notes, *(() if own else notes_of(setting, asked))),
        provenance=Provenance(
            made_by="power.diagnose",
            conventions=(
                "the truth is that of attentive, complying people who stay, without drift",
                f"effects, correlations and ICCs of the world are those of the {model.world.metric}s",
                *_CONVENTIONS,
                *(() if own else applied(setting)),
            ),
            design_hash=study.design_hash,
            data_sha256=(("world", model.world.digest()),),
            seed=task.seed,
        ),
    )


def _assumed(
    model: Model, asked: tuple[Asked, ...], rows: tuple[HypothesisDiagnosis, ...]
) -> tuple[tuple[str, str], ...]:
    told = enters([row.hypothesis for row in rows], [row.n_mean for row in rows], model.n)
    return (*assumptions(model, asked), *([("rows that enter", told)] if told else []))
