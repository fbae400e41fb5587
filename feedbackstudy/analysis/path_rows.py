"""A declared path through mediators, both ways, as rows of the estimates table."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian_model import gaussian_prior
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.frequentist.assigned_clusters import independent_unit
from feedbackstudy.analysis.mediation_answers import PathAnswer
from feedbackstudy.analysis.mediation_cells import CellPath, LevelModerator, ValueModerator
from feedbackstudy.analysis.mediation_declared import DeclaredPath, declared_path
from feedbackstudy.analysis.problem import Metric, Problem
from feedbackstudy.analysis.thresholds import Thresholds
from feedbackstudy.analysis.wording import Worded
from feedbackstudy.design.hypotheses import Path
from feedbackstudy.errors import DataError
from feedbackstudy.study import Study

__all__ = ["answer_path", "path_rows", "resampled_unit"]


def answer_path(
    problem: Problem,
    study: Study,
    limits: Thresholds,
    metrics: tuple[Metric, ...],
    *,
    seed: int,
    n_boot: int = 5000,
    draws: int = 20_000,
) -> DeclaredPath:
    """Answer a path by bootstrap and by its exact posterior.

    Parameters
    ----------
    problem : Problem
        The arrays; the weights are one contrast of cells.
    study : Study
        The study, for a factor that moderates.
    limits : Thresholds
        Smallest effect of interest and region, in the outcome's units.
    metrics : tuple of Metric
        Scale of each mediator.
    seed : int
        Seed of bootstrap and posterior.
    n_boot, draws : int
        Bootstrap draws, and draws from the posterior.

    Returns
    -------
    DeclaredPath
        All effects, both ways.

    Raises
    ------
    DataError
        For several contrasts at once, an outcome that is no score, or rows that cannot carry the path.
    """
    asked, path = problem.question, _path(problem)
    if len(problem.weights) > 1:
        raise DataError("A path starts at one difference; name 'level' and 'against' of its contrast.")
    if asked.family != "gaussian":
        raise DataError(
            f"The outcome {asked.hypothesis.outcome!r} is {asked.family}; products of linear paths are answered for "
            "scores only."
        )
    cluster = resampled_unit(problem, study)
    return declared_path(
        CellPath(
            y=problem.y,
            outcome=asked.hypothesis.outcome,
            mediators=problem.steps,
            mediator_names=[step.name for step in asked.steps],
            cell=problem.cell,
            weights=problem.weights[0],
            contrast=asked.term,
            structure=path.structure,
            covariates=problem.covariates if problem.covariates.shape[1] else None,
            covariate_names=problem.covariate_names,
            cluster=None if cluster is None else problem.groups[cluster],
            moderator=_moderator(problem, study, path),
        ),
        effect=path.effect,
        level=asked.plan.interval_level,
        scales=_scales(problem, metrics),
        sesoi=limits.sesoi,
        rope=limits.rope,
        seed=seed,
        n_boot=n_boot,
        draws=draws,
    )


def _path(problem: Problem) -> Path:
    path = problem.question.hypothesis.path
    if path is None:
        raise DataError(f"Hypothesis {problem.question.hypothesis.name!r} declares no path.")
    return path


def resampled_unit(problem: Problem, study: Study) -> str | None:
    """Return the random factor whose levels a path resamples as wholes.

    Parameters
    ----------
    problem : Problem
        The rows.
    study : Study
        The study.

    Returns
    -------
    str or None
        The unit that conditions were assigned to, which decides what is independent; where people were assigned one by
        one, the factor that contains most others, then that with the fewest levels. Exemplars are crossed with units
        and too few to be resampled.
    """
    units = {name: codes for name, codes in problem.groups.items() if name != "exemplar"}
    return independent_unit(units, {factor.assigned_to for factor in study.factors if factor.assigned_to})


def _left_out(problem: Problem, study: Study) -> tuple[str, ...]:
    """Say which random factors a path has, and which not."""
    unit = resampled_unit(problem, study)
    others = [name for name in problem.groups if name != unit]
    kept = (f"resampled by whole {unit}, as the unit of assignment or outermost cluster",) if unit else ()
    if not others:
        return kept
    return (*kept, f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} no random factor in models of paths")


def _scales(problem: Problem, metrics: tuple[Metric, ...]) -> dict[str, CellPrior] | None:
    """Return priors on the scales, where all of them have limits."""
    asked = problem.question
    if not all(metric.bounded for metric in (*metrics, problem.metric)):
        return None
    found = {step.name: gaussian_prior(metric, change=False) for step, metric in zip(asked.steps, metrics, strict=True)}
    return found | {asked.hypothesis.outcome: gaussian_prior(problem.metric, change=asked.minus is not None)}


def _moderator(problem: Problem, study: Study, path: Path) -> LevelModerator | ValueModerator | None:
    declared = path.moderator
    if declared is None:
        return None
    if problem.predictor is not None:
        return ValueModerator(name=declared.by, values=problem.predictor, on=tuple(declared.on))
    levels = tuple(sorted(study.factors[declared.by].codes()))
    of = {cell.key: dict(cell.levels).get(declared.by) for cell in study.crossing.cells()}
    at = [levels.index(str(of[key])) if of[key] is not None else -1 for key in problem.cells]
    return LevelModerator(
        name=declared.by, levels=levels, cell_level=np.array(at, dtype=np.int64), on=tuple(declared.on)
    )


def path_rows(
    problem: Problem, found: DeclaredPath, worded: Worded, limits: Thresholds, engines: tuple[str, ...], *, study: Study
) -> tuple[Estimate, ...]:
    """Lay the main effect of a path out, one row for each engine.

    Parameters
    ----------
    problem : Problem
        The arrays.
    found : DeclaredPath
        The answers.
    worded : Worded
        The contrast in words.
    limits : Thresholds
        In the outcome's units.
    engines : tuple of str
        Those asked for.
    study : Study
        The study, whose unit of assignment is resampled.

    Returns
    -------
    tuple of Estimate
        Nothing is decided yet.
    """
    asked, answer = problem.question, found.main
    path = _path(problem)
    through = {"serial": ", then ", "parallel": " and ", "simple": ""}[path.structure].join(
        step.name.replace("_", " ") for step in asked.steps
    )
    effect = f"{path.effect} effect through {through}"
    if answer.effect.kind == "index":
        effect = f"index of moderated mediation ({effect}, {answer.effect.compares})"
    text = f"{effect}: {worded.contrasts[0]}"
    shared = Estimate(
        hypothesis=asked.hypothesis.name,
        outcome=asked.hypothesis.outcome,
        term=asked.term,
        contrast=text,
        engine="frequentist",
        model=found.model,
        estimate=answer.estimate,
        null=0.0,
        sesoi=limits.sesoi,
        n=found.n,
    )
    notes = "; ".join((*found.notes, *_left_out(problem, study)))
    rows = [_classical(shared, answer, notes)] if "frequentist" in engines else []
    return (*rows, *((_bayesian(shared, found, notes),) if "bayesian" in engines else ()))


def _classical(row: Estimate, answer: PathAnswer, notes: str) -> Estimate:
    joint = f"; every leg significant at p = {answer.p_joint:.3g}" if answer.p_joint is not None else ""
    return replace(
        row,
        se=answer.se,
        low=answer.low,
        high=answer.high,
        level=answer.level,
        interval="CI",
        p=answer.p,
        std_estimate=answer.standardised,
        std_low=answer.std_low,
        std_high=answer.std_high,
        std_kind="standardised path" if answer.standardised is not None else "",
        p_equivalence=answer.p_equivalence,
        note=f"{notes}; p by inversion of the bootstrap{joint}",
    )


def _bayesian(row: Estimate, found: DeclaredPath, notes: str) -> Estimate:
    answer, posterior = found.main, found.main.posterior
    standard = answer.posterior_standardised
    return replace(
        row,
        engine="bayesian",
        model=found.model_bayesian,
        estimate=posterior.median,
        se=answer.sd,
        low=posterior.low,
        high=posterior.high,
        level=posterior.level,
        interval=posterior.interval_kind,
        std_estimate=None if standard is None else standard.median,
        std_low=None if standard is None else standard.low,
        std_high=None if standard is None else standard.high,
        std_kind="" if standard is None else "standardised path",
        prob_direction=posterior.prob_direction,
        prob_sesoi=answer.beyond,
        prob_rope=posterior.prob_rope,
        bayes_factor=answer.bayes_factor,
        note="; ".join(filter(None, (notes, answer.bayes_factor_note))),
    )
