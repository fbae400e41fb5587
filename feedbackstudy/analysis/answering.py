"""One question answered by the engines that are asked for: rows of people, models, rows of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.bayesian_model import CellPosterior, bayesian_fit
from feedbackstudy.analysis.classical_model import classical_fit
from feedbackstudy.analysis.classical_rows import classical_rows
from feedbackstudy.analysis.compile import Column, Question
from feedbackstudy.analysis.deciding import decides_with
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.material import Material, gather
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.missing.auxiliary import auxiliary_columns, never_asked
from feedbackstudy.analysis.missing.methods import treatment
from feedbackstudy.analysis.missing.path_answer import path_with_gaps
from feedbackstudy.analysis.missing.treating import Asking
from feedbackstudy.analysis.model_key import model_key
from feedbackstudy.analysis.path_rows import answer_path, path_rows
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.posterior_rows import posterior_rows
from feedbackstudy.analysis.problem import Metric, Problem, complete_cases, posed
from feedbackstudy.analysis.proportional import ProportionalCheck, proportional_check
from feedbackstudy.analysis.r_path import path_script
from feedbackstudy.analysis.r_views import led_out
from feedbackstudy.analysis.thresholds import Thresholds, thresholds
from feedbackstudy.analysis.wording import Worded, worded
from feedbackstudy.assign import Allocation
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import Scores
from feedbackstudy.provenance import Provenance
from feedbackstudy.study import Study

__all__ = ["Setting", "answer_material", "answer_question"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What all questions of one run share.

    Attributes
    ----------
    study : Study
        The study.
    scores : Scores
        The scores, after exclusions.
    excluded : mapping of str to str
        Participant -> condition of those taken out.
    engines : tuple of str
        The engines asked for.
    case_weights : mapping of str to float, or None
        Participant -> inverse probability of assignment.
    seed : int
        Seed of all that is drawn.
    provenance : Provenance
        What makes the run.
    allocation : Allocation or None
        Who was assigned what, by which scheme.
    undeclared : mapping of str to str
        Hypothesis -> why its answer may not decide, whatever it is.
    models : dict
        Models fitted so far: questions about the same cells of the same rows share theirs.
    """

    study: Study
    scores: Scores
    excluded: Mapping[str, str]
    engines: tuple[str, ...]
    case_weights: Mapping[str, float] | None
    seed: int
    provenance: Provenance
    allocation: Allocation | None = None
    undeclared: Mapping[str, str] = field(default_factory=dict)
    models: dict[object, tuple[CellFit | None, CellPosterior | None, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fits:
    """The models of one question."""

    problem: Problem
    classical: CellFit | None = None
    bayesian: CellPosterior | None = None
    path: DeclaredPath | None = None
    undeclared: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


def answer_question(asked: Question, setting: Setting) -> Answer:
    """Answer one question.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    setting : Setting
        Study, scores and engines.

    Returns
    -------
    Answer
        Rows before adjustment and decision; where the declared treatment of missing values cannot be carried out, rows
        say so in their note and `Problem.notes`, and must not decide. Where a cell that is compared holds one row, its
        spread cannot be estimated and no row is fit to report.

    Raises
    ------
    InputError
        Where it cannot be answered.
    """
    return answer_material(asked, gather(asked, setting.scores, setting.study, excluded=setting.excluded), setting)


def answer_material(asked: Question, material: Material, setting: Setting) -> Answer:
    """Answer one question with rows that are already collected.

    Parameters
    ----------
    asked : Question
        The compiled hypothesis.
    material : Material
        Everybody concerned, missing values still missing.
    setting : Setting
        Study, scores and engines.

    Returns
    -------
    Answer
        As `answer_question`.

    Raises
    ------
    InputError
        Where it cannot be answered.
    """
    metric = _metric_of(Column(asked.hypothesis.outcome, asked.occasion), setting)
    words = worded(asked, setting.study, metric)
    fits = _fitted(asked, material, metric, setting)
    limits = _limits(fits.problem)
    checked = proportional_check(fits.problem) if fits.path is None else None
    rows, posteriors = _rows(fits, words, limits, setting, checked)
    notes = (*_alone(fits.problem.lone_cells), *fits.problem.notes, *limits.notes, *_assigned_elsewhere(setting))
    unweighted = _unweighted(asked, setting)
    said = tuple(_noted(row, notes, unweighted) for row in rows)
    return Answer(
        problem=fits.problem,
        rows=tuple(_counted(row, fits.problem) for row in said),
        classical=fits.classical,
        bayesian=fits.bayesian,
        path=fits.path,
        posteriors=led_out(fits.problem, posteriors, fits.bayesian),
        undeclared="; ".join(
            filter(
                None,
                (
                    fits.undeclared,
                    unweighted and _loses(asked, unweighted),
                    setting.undeclared.get(asked.hypothesis.name),
                ),
            )
        ),
        faults=fits.faults,
        provenance=setting.provenance,
        allocation=setting.allocation,
        proportional=checked,
    )


def _noted(row: Estimate, notes: tuple[str, ...], unweighted: str) -> Estimate:
    own = (unweighted,) if unweighted and (row.engine == "bayesian" or "paths" in unweighted) else ()
    return replace(row, note="; ".join(filter(None, (row.note, *own, *notes))))


def _alone(cells: tuple[str, ...]) -> tuple[str, ...]:
    held = f"{'each of ' * (len(cells) > 1)}the cell{'s' * (len(cells) > 1)} {', '.join(cells)} holds one row only"
    taken = "its spread would be taken from the other cells, which nothing here supports; collect more answers there"
    return (f"{held}: {taken}",) if cells else ()


def _assigned_elsewhere(setting: Setting) -> tuple[str, ...]:
    if setting.allocation is None or setting.allocation.origin != "platform":
        return ()
    return ("randomised by platform: the draw itself cannot be proved here, its result was audited",)


def _unweighted(asked: Question, setting: Setting) -> str:
    """Say what is not weighted where probabilities of assignment differ."""
    if setting.case_weights is None:
        return ""
    what = "paths are" if asked.kind == "path" else "the Bayesian answer is"
    return f"{what} not weighted by the inverse probabilities of assignment, which differ between people: no decision"


def _loses(asked: Question, unweighted: str) -> str:
    """Return why the declared criterion decides nothing: it reads an answer without weights."""
    return unweighted if asked.kind == "path" or decides_with(asked.criterion) == "bayesian" else ""


def _fitted(asked: Question, material: Material, metric: Metric, setting: Setting) -> _Fits:
    method = asked.plan.missing
    declared, why = treatment(method), ""
    if declared is not None and any(mask.any() for mask in material.absent.values()):
        asking = _asking(asked, material, metric, setting)
        try:
            if asked.kind == "path":
                tables, path = path_with_gaps(asked, material, asking, method, _path_of(asked, setting))
                return _Fits(problem=tables, path=path)
            done = declared(asked, material, asking)
            return _Fits(problem=done.problem, classical=done.classical, bayesian=done.posterior, faults=done.faults)
        except InputError as fault:
            why = str(fault)
    complete, missing, said = complete_cases(material, asked.occasion)
    undeclared = _undeclared(asked, method, missing, why)
    problem = posed(
        asked,
        complete,
        metric=metric,
        case_weights=setting.case_weights,
        missing=missing,
        notes=(*said, *((undeclared,) if undeclared else ())),
    )
    if asked.kind == "path":
        path = _path_of(asked, setting)(problem, 5000, 20_000, setting.seed)
        return _Fits(problem=problem, path=path, undeclared=undeclared)
    return _both(problem, setting, undeclared)


def _asking(asked: Question, material: Material, metric: Metric, setting: Setting) -> Asking:
    return Asking(
        metric=metric,
        engines=setting.engines,
        seed=setting.seed,
        case_weights=setting.case_weights,
        auxiliary=auxiliary_columns(asked, material, setting.scores),
        not_asked=never_asked(asked, material, setting.scores),
        models=setting.models,
    )


def _path_of(asked: Question, setting: Setting) -> Callable[[Problem, int, int, int], DeclaredPath]:
    """Return what answers a path: rows, bootstrap draws, posterior draws and a seed in, answers out."""
    metrics = tuple(_metric_of(step, setting) for step in asked.steps)

    def answer(problem: Problem, n_boot: int, draws: int, seed: int) -> DeclaredPath:
        limits = _limits(problem)
        return answer_path(problem, setting.study, limits, metrics, seed=seed, n_boot=n_boot, draws=draws)

    return answer


def _both(problem: Problem, setting: Setting, undeclared: str) -> _Fits:
    """Fit what is asked for; an engine that cannot answer leaves the other's answer standing, and is named."""
    key = model_key(problem)
    if key not in setting.models:
        setting.models[key] = _models(problem, setting)
    classical, bayesian, faults = setting.models[key]
    if classical is None and bayesian is None:
        raise DataError(" ".join(dict.fromkeys(faults.values())))
    return _Fits(problem=problem, classical=classical, bayesian=bayesian, undeclared=undeclared, faults=faults)


def _models(problem: Problem, setting: Setting) -> tuple[CellFit | None, CellPosterior | None, Mapping[str, str]]:
    classical: CellFit | None = None
    bayesian: CellPosterior | None = None
    faults: dict[str, str] = {}
    try:
        classical = classical_fit(problem) if "frequentist" in setting.engines else None
    except InputError as fault:
        faults["frequentist"] = str(fault)
    try:
        bayesian = bayesian_fit(problem, seed=setting.seed) if "bayesian" in setting.engines else None
    except InputError as fault:
        faults["bayesian"] = str(fault)
    return classical, bayesian, faults


def _undeclared(asked: Question, method: str, missing: int, why: str) -> str:
    """Say that complete cases stand in for the declared treatment, where somebody is missing."""
    if method == "listwise" or not missing:
        return ""
    what = "paths" if asked.kind == "path" else "this question"
    because = f" ({why.rstrip('.')})" if why else ""
    return (
        f"the plan declares {method.replace('_', ' ')}, which is not carried out for {what}{because}: these are "
        "complete cases, which do not decide"
    )


def _metric_of(column: Column, setting: Setting) -> Metric:
    """Return what is known of a column's scale before there are numbers.

    Parameters
    ----------
    column : Column
        A score at an occasion.
    setting : Setting
        Study and scores.

    Returns
    -------
    Metric
        Limits from how it was scored, else from the measure's declaration.
    """
    about = setting.scores.about.get(column.name)
    try:
        measure = setting.study.measure_of(column.name)
    except InputError:
        return Metric()
    low, high = (about.low, about.high) if about is not None else (float("nan"), float("nan"))
    if not low < high and measure.limits is not None:
        low, high = measure.limits
    categories = tuple(float(i + 1) for i in range(len(measure.levels))) if measure.kind == "ordinal" else ()
    return Metric(low=low, high=high, categories=categories, unit=measure.unit)


def _limits(problem: Problem) -> Thresholds:
    sd_x = None if problem.predictor is None else problem.within_sd(problem.predictor)
    return thresholds(problem.question, sd=None if problem.question.family == "ordinal" else problem.sd, sd_x=sd_x)


def _rows(
    fits: _Fits, words: Worded, limits: Thresholds, setting: Setting, checked: ProportionalCheck | None
) -> tuple[tuple[Estimate, ...], dict[str, Posterior]]:
    problem = fits.problem
    if fits.path is not None:
        rows = path_rows(problem, fits.path, words, limits, setting.engines, study=setting.study)
        one = replace(fits.path.main.posterior, script=partial(path_script, problem, fits.path))
        return rows, {row.contrast: one for row in rows if row.engine == "bayesian"}
    classical: tuple[Estimate, ...] = ()
    if fits.classical is not None:
        classical = classical_rows(problem, fits.classical, words, limits, checked=checked)
    if fits.bayesian is None:
        return classical, {}
    bayesian, drawn = posterior_rows(problem, fits.bayesian, words, limits)
    if checked is not None and checked.differs:
        bayesian = tuple(replace(row, note="; ".join(filter(None, (checked.words, row.note)))) for row in bayesian)
    return (*classical, *bayesian), dict(zip(words.contrasts, drawn, strict=True))


def _counted(row: Estimate, problem: Problem) -> Estimate:
    alone = _alone(problem.lone_cells) if problem.question.kind == "cells" else ()
    unfit = "; ".join(filter(None, (row.unfit, *alone)))
    fit = row.fit_to_report and not alone
    return replace(row, n_excluded=problem.excluded, n_missing=problem.missing, fit_to_report=fit, unfit=unfit)
