"""`diagnose`: many invented studies, analysed as planned, against the truth that made them."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.frames import Scores
from feedbackstudy.power.answering import Answers, ask
from feedbackstudy.power.asking import Asked, questions
from feedbackstudy.power.diagnosed import Diagnosis, HypothesisDiagnosis
from feedbackstudy.power.noncentral import t_power
from feedbackstudy.power.summarising import adjusted, summarised
from feedbackstudy.provenance import Provenance
from feedbackstudy.scales import score
from feedbackstudy.simulate.draw import BLOCK, Drawer
from feedbackstudy.simulate.model import Model, compiled
from feedbackstudy.simulate.people import allocation_plan
from feedbackstudy.simulate.respond import invented
from feedbackstudy.simulate.world import World
from feedbackstudy.study import Study

__all__ = ["Analysis", "diagnose"]

type Floats = NDArray[np.float64]
type Analysis = Callable[[Scores, Study], Mapping[str, Mapping[str, float]]]
"""Scores and study -> hypothesis -> ``estimate``, ``low``, ``high`` and ``p`` (``se`` and ``df`` where known)."""

_CONVENTIONS = (
    "failed fits are left out of power; power_low counts them as missed, power_high as found",
    "n counts participants; type M is the mean of |estimate| / |truth| among significant results",
    "ROPE rates use a flat prior: the posterior is t around the estimate",
    "people assigned one by one are analysed without their clusters: unbiased, a little conservative",
)

_FIELDS = ("estimate", "se", "df", "low", "high", "p", "sigma", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    study: Study
    world: World
    seed: int
    analysis: Analysis | None


def diagnose(
    study: Study,
    world: World,
    *,
    seed: int,
    n_simulations: int = 1000,
    analysis: Analysis | None = None,
    executor: Executor | None = None,
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
    model = compiled(study, world)
    asked = questions(model)
    task = _Task(study=study, world=world, seed=seed, analysis=analysis)
    sizes = [min(BLOCK, n_simulations - start) for start in range(0, n_simulations, BLOCK)]
    if executor is None:
        parts = _work(task, list(enumerate(sizes)), model, asked)
    else:
        jobs = [executor.submit(_work, task, [pair]) for pair in enumerate(sizes)]
        parts = [part for job in jobs for part in job.result()]
    answers = [_joined([part[i] for part in parts]) for i in range(len(asked))]
    return _diagnosis(model, asked, answers, task, n_simulations)


def _work(
    task: _Task, blocks: Sequence[tuple[int, int]], model: Model | None = None, asked: tuple[Asked, ...] = ()
) -> list[list[Answers]]:
    """Answer all hypotheses in some blocks; runs in a worker, which compiles for itself."""
    if model is None:
        model = compiled(task.study, task.world)
        asked = questions(model)
    if task.analysis is not None:
        return [_called(task, model, asked, number, size) for number, size in blocks]
    plan = allocation_plan(task.study, model.numbers)
    group = None
    if plan.cluster is not None:
        group = np.array([[w[c] > 0 for w, _ in plan.outer].index(True) for c in range(len(model.cells))])
    names = [name for name, codes in Drawer(model, task.seed, needed=()).clusters.items() if codes is not None]
    cluster = next((name for name in names if _is_assigned(task.study, name)), None)
    drawer = Drawer(model, task.seed, needed={slot for each in asked for slot in each.slots})
    found = []
    for number, size in blocks:
        block = drawer.block(number, size)
        level = task.study.plan.interval_level
        found.append([ask(each, block, level=level, group=group, cluster=cluster) for each in asked])
    return found


def _is_assigned(study: Study, unit: str) -> bool:
    return any(factor.assigned_to == unit for factor in study.factors)


def _called(task: _Task, model: Model, asked: tuple[Asked, ...], number: int, size: int) -> list[Answers]:
    """Give whole invented studies to the user's own analysis."""
    rows: list[Mapping[str, Mapping[str, float]]] = []
    for replicate in range(number * BLOCK, number * BLOCK + size):
        scores = score(invented(model, seed=task.seed, replicate=replicate), tuple(task.study.measures))
        rows.append(task.analysis(scores, task.study) if task.analysis is not None else {})
    found = []
    for each in asked:
        columns = {
            field: np.array([float(row.get(each.hypothesis.name, {}).get(field, math.nan)) for row in rows])
            for field in _FIELDS
        }
        columns["se"] = np.where(np.isnan(columns["se"]), (columns["high"] - columns["low"]) / 3.92, columns["se"])
        columns["df"] = np.where(np.isnan(columns["df"]), 1e9, columns["df"])
        found.append(Answers(**columns))
    return found


def _joined(parts: Sequence[Answers]) -> Answers:
    return Answers(**{field: np.concatenate([getattr(part, field) for part in parts]) for field in _FIELDS})


def _exact(model: Model, asked: Asked, alpha: float) -> float:
    """Return the exact power of a normal outcome where nothing goes wrong with the data; NaN where something does."""
    world = model.world
    clean = not (world.attrition.share or world.attrition.by_cell or world.skipped or world.carelessness.share)
    clean = clean and not (world.non_compliance.share or world.non_compliance.by_cell or any(world.drift.values()))
    simple = asked.kind == "cells" and not asked.covariates and not asked.minus and not asked.robust
    if not (clean and simple) or len(model.roots) > 1:
        return math.nan
    plan = allocation_plan(model.study, model.numbers)
    arms = [cell.arm for cell in model.cells]
    here = np.array([model.study.measure_of(asked.hypothesis.outcome).asks(arm) for arm in arms])
    sizes = np.array([float(w) for w in plan.weights]) * plan.n
    used = asked.weights[0] != 0
    se = asked.sd * math.sqrt(float((asked.weights[0][used] ** 2 / sizes[used]).sum()))
    df = float(sizes[here].sum() - here.sum())
    return float(t_power(asked.truth / se, df, alpha))


def _unclustered(model: Model, asked: tuple[Asked, ...]) -> list[str]:
    if allocation_plan(model.study, model.numbers).cluster is None:
        return []
    names = [each.hypothesis.name for each in asked if each.kind not in {"cells", "clusters"}]
    said = "clusters were assigned, but these are analysed by persons, so that their power is too high"
    return [f"{', '.join(names)}: {said}; give diagnose an 'analysis' of your own."] if names else []


def _diagnosis(
    model: Model, asked: tuple[Asked, ...], answers: list[Answers], task: _Task, n_simulations: int
) -> Diagnosis:
    study = model.study
    alpha = study.plan.alpha
    by_name = {each.hypothesis.name: a.p for each, a in zip(asked, answers, strict=True)}
    corrected, notes = adjusted(study.plan.families, by_name)
    rows: list[HypothesisDiagnosis] = []
    decided: dict[str, NDArray[np.bool_]] = {}
    for each, found in zip(asked, answers, strict=True):
        name = each.hypothesis.name
        exact = _exact(model, each, alpha) if task.analysis is None else math.nan
        row, verdict = summarised(each, found, study.plan, corrected=corrected.get(name), exact=exact)
        rows.append(row)
        decided[name] = verdict
    notes += [*_unclustered(model, asked), *_unapplied(study)] if task.analysis is None else []
    tests = [h.name for h in study.hypotheses if h.confirmatory] or [each.hypothesis.name for each in asked]
    matrix = np.column_stack([decided[name] for name in tests])
    whose = "user callable on whole invented studies" if task.analysis is not None else "batched rows of scores"
    return Diagnosis(
        rows=tuple(rows),
        alpha=alpha,
        n_simulations=n_simulations,
        any_decided=float(matrix.any(axis=1).mean()),
        all_decided=float(matrix.all(axis=1).mean()),
        jointly=tuple(tests),
        engine=f"{whose}, {n_simulations:,} replicates",
        numbers=dict(model.numbers),
        notes=tuple(notes),
        provenance=Provenance(
            made_by="power.diagnose",
            conventions=(
                "the truth is that of attentive, complying people who stay, without drift",
                f"effects, correlations and ICCs of the world are those of the {model.world.metric}s",
                *_CONVENTIONS,
            ),
            design_hash=study.design_hash,
            data_sha256=(("world", model.world.digest()),),
            seed=task.seed,
        ),
    )


def _unapplied(study: Study) -> list[str]:
    """Say which parts of the plan the batched rows pass over."""
    notes = []
    if study.plan.exclusions:
        names = ", ".join(study.plan.exclusions.names)
        notes.append(f"The plan's exclusions ({names}) are not applied: everyone who answers counts.")
    if study.plan.missing != "listwise":
        how = study.plan.missing.replace("_", " ")
        notes.append(f"The plan answers missing values by {how}; here each hypothesis uses its complete cases.")
    return notes
