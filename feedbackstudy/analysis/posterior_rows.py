"""From a posterior of cell quantities to rows of the estimates table, and to the posteriors behind them."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.bayesian.cell_contrast import CellContrast
from feedbackstudy.analysis.bayesian.densities import IntervalKind, exponentiated
from feedbackstudy.analysis.bayesian.joint_evidence import joint_evidence
from feedbackstudy.analysis.bayesian_model import CellPosterior
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.scaled_weights import unit_of, with_scaled_d
from feedbackstudy.analysis.thresholds import Thresholds
from feedbackstudy.analysis.wording import Worded
from feedbackstudy.design.plan import ByBayesFactor

__all__ = ["posterior_rows", "prior_scale"]

_DEFAULT = ByBayesFactor().prior_scale
_OF_RATIOS = (
    "equal-tailed, because the shortest interval of a ratio depends on its scale; posterior sd is that of the logarithm"
)


def prior_scale(problem: Problem) -> float:
    """Return the scale of the Cauchy prior of the standardised effect that Bayes factors are reported with.

    Parameters
    ----------
    problem : Problem
        The question.

    Returns
    -------
    float
        The declared one where the Bayes factor decides, else the default of `ByBayesFactor`; it is the scale of a
        difference of two averages, so that the Bayes factor of a trend does not depend on the unit of its scores.
    """
    return _declared_scale(problem) * unit_of(problem.question)


def _declared_scale(problem: Problem) -> float:
    criterion = problem.question.criterion
    return criterion.prior_scale if isinstance(criterion, ByBayesFactor) else _DEFAULT


def posterior_rows(
    problem: Problem, fit: CellPosterior, worded: Worded, limits: Thresholds
) -> tuple[tuple[Estimate, ...], tuple[Posterior, ...]]:
    """Answer a question with a posterior.

    Parameters
    ----------
    problem : Problem
        The arrays, with the weights.
    fit : CellMixture or CellDraws
        Posterior of the cells' quantities.
    worded : Worded
        The contrasts in words, and the scale of the estimate.
    limits : Thresholds
        Smallest effect of interest and region, on the scale of the model.

    Returns
    -------
    tuple of (tuple of Estimate, tuple of Posterior)
        One row for each contrast; where there are several, first all at once. A posterior for each contrast.
    """
    pairs = [
        _row(problem, fit, weights, text, worded, limits)
        for weights, text in zip(problem.weights, worded.contrasts, strict=True)
    ]
    rows, posteriors = tuple(row for row, _ in pairs), tuple(posterior for _, posterior in pairs)
    if len(rows) == 1:
        return rows, posteriors
    return (_joint(problem, fit, worded), *rows), posteriors


def _row(
    problem: Problem, fit: CellPosterior, weights: np.ndarray, text: str, worded: Worded, limits: Thresholds
) -> tuple[Estimate, Posterior]:
    asked = problem.question
    level, kind = asked.plan.interval_level, _kind(problem, ratio=worded.ratio)
    found = fit.contrast(weights, value=asked.value, quantity=text, level=level, interval=kind, rope=limits.rope)
    posterior = found.posterior
    factor, words = _factor(problem, fit, weights, found)
    failures = fit.gates.failures if fit.gates is not None else ()
    row = Estimate(
        hypothesis=asked.hypothesis.name,
        outcome=asked.hypothesis.outcome,
        term=asked.term,
        contrast=text,
        engine="bayesian",
        model=f"{fit.model}; prior: {fit.prior}",
        estimate=posterior.median,
        se=found.sd,
        low=posterior.low,
        high=posterior.high,
        level=posterior.level,
        interval=posterior.interval_kind,
        null=0.0,
        sesoi=limits.sesoi,
        prob_direction=posterior.prob_direction,
        prob_sesoi=_beyond(found, limits.sesoi, asked.hypothesis.direction),
        prob_rope=posterior.prob_rope,
        bayes_factor=factor,
        rhat=posterior.rhat,
        ess=posterior.ess,
        n=fit.n,
        fit_to_report=not failures,
        unfit="; ".join(failures),
        note="; ".join(filter(None, (*failures, *fit.notes, words))),
    )
    if worded.ratio:
        return _ratio(row, exponentiated(posterior, quantity=text))
    return with_scaled_d(_standardised(row, problem, fit, weights), problem, weights), posterior


def _factor(problem: Problem, fit: CellPosterior, weights: np.ndarray, found: CellContrast) -> tuple[float | None, str]:
    """Return the Bayes factor under the declared Cauchy prior; of probabilities, under the model's own."""
    if fit.prior_cells is None:
        return None, "the model has no proper prior of this contrast, so no Bayes factor"
    if fit.scale == "response" and fit.sd is None:
        return found.bayes_factor, f"Bayes factor: {found.bayes_factor_note}" if found.bayes_factor_note else ""
    under = fit.effect_bayes_factor(weights, scale=prior_scale(problem), value=problem.question.value)
    trend = unit_of(problem.question) != 1
    also = f", which is {_declared_scale(problem):g} for a difference of two averages" if trend else ""
    return (under.bayes_factor if under.resolved else None), f"Bayes factor: {under.words}{also}"


def _kind(problem: Problem, *, ratio: bool = False) -> IntervalKind:
    equal = ratio or problem.question.plan.interval_kind == "equal_tailed"
    return "equal-tailed" if equal else "HDI"


def _beyond(found: CellContrast, sesoi: float | None, direction: str) -> float | None:
    if sesoi is None:
        return None
    down = direction == "negative" or (direction != "positive" and found.posterior.median < 0)
    return 1 - found.beyond(-sesoi) if down else found.beyond(sesoi)


def _standardised(row: Estimate, problem: Problem, fit: CellPosterior, weights: np.ndarray) -> Estimate:
    """Add the contrast in units of the pooled sd, keeping how uncertain the model's own sd is."""
    if problem.question.family not in {"gaussian", None} or fit.sd is None:
        return row
    plan = problem.question.plan
    if problem.question.kind in {"slope", "slopes"} and problem.predictor is not None:
        unit = problem.within_sd(problem.predictor) / problem.sd
        return replace(
            row,
            std_estimate=row.estimate * unit,
            std_low=None if row.low is None else row.low * unit,
            std_high=None if row.high is None else row.high * unit,
            std_kind="standardised slope",
        )
    found = fit.standardised(
        weights,
        value=problem.question.value,
        level=plan.interval_level,
        interval=_kind(problem),
    ).posterior
    unit = fit.sd / problem.sd
    return replace(
        row, std_estimate=found.median * unit, std_low=found.low * unit, std_high=found.high * unit, std_kind="d"
    )


def _ratio(row: Estimate, posterior: Posterior) -> tuple[Estimate, Posterior]:
    sesoi = None if row.sesoi is None else float(np.exp(row.sesoi))
    row = replace(
        row,
        estimate=posterior.median,
        low=posterior.low,
        high=posterior.high,
        null=1.0,
        sesoi=sesoi,
        note="; ".join(filter(None, (row.note, _OF_RATIOS))),
    )
    return row, posterior


def _joint(problem: Problem, fit: CellPosterior, worded: Worded) -> Estimate:
    """Return all contrasts at once: the posterior of partial eta squared, and the Bayes factor against none."""
    asked = problem.question
    joint = joint_evidence(
        fit, problem.weights, counts=problem.counts, level=asked.plan.interval_level, value=asked.value
    )
    failures = fit.gates.failures if fit.gates is not None else ()
    return Estimate(
        hypothesis=asked.hypothesis.name,
        outcome=asked.hypothesis.outcome,
        term=asked.term,
        contrast=worded.joint,
        engine="bayesian",
        model=f"{fit.model}; prior: {fit.prior}",
        estimate=joint.median,
        low=joint.low,
        high=joint.high,
        level=asked.plan.interval_level,
        interval="equal-tailed",
        std_estimate=joint.median,
        std_low=joint.low,
        std_high=joint.high,
        std_kind="partial eta squared",
        null=0.0,
        bayes_factor=joint.bayes_factor,
        n=fit.n,
        fit_to_report=not failures,
        unfit="; ".join(failures),
        note="; ".join(filter(None, (*failures, *fit.notes, joint.note))),
    )
