"""What can be asked of the Bayesian model behind an answer: its prior, its fit, its sensitivity, its saved draws."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.comparison import Loo, loo
from feedbackstudy.analysis.bayesian.exact_predictive import exact_posterior_predictive
from feedbackstudy.analysis.bayesian.gaussian import GaussianCells, gaussian_cells
from feedbackstudy.analysis.bayesian.gaussian_sensitivity import PriorWidths, prior_widths, widened
from feedbackstudy.analysis.bayesian.predictive import PredictiveCheck, posterior_predictive
from feedbackstudy.analysis.bayesian.predictive_bars import Bars, prior_bars, prior_script
from feedbackstudy.analysis.bayesian.prior_predictive import PriorPredictive
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.bayesian.saved_draws import save_draws
from feedbackstudy.analysis.bayesian.sensitivity import Sensitivity, prior_sensitivity
from feedbackstudy.analysis.bayesian.student import student
from feedbackstudy.analysis.bayesian_model import CellPosterior, gaussian_prior
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.analysis.missing.resting import resting
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_views import prior_widths_script
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Facts, Page, Rendered, Table, interval, number

__all__ = [
    "PriorShares",
    "heavy_tailed",
    "leave_one_out",
    "predictive_check",
    "prior_check",
    "saved",
    "sensitivity_to_prior",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriorShares(Rendered):
    """Outcomes of studies drawn from the prior, before any answer is looked at.

    Attributes
    ----------
    model, prior : str
        Model and prior in words.
    studies : int
        Drawn studies.
    bars : Bars
        Shares of values over all rows.
    script : RScript or callable or None
        The way out to R.
    """

    model: str
    prior: str
    studies: int
    bars: Bars
    script: Way = None

    def r_script(self) -> RScript:
        """Return the drawn studies for R.

        Returns
        -------
        RScript
            Counts the shares of values in our studies (``share mean``, ``share lower``, ``share upper``), and in as
            many that R draws from the prior (``share anew mean`` and so on; not with random slopes).

        Raises
        ------
        DataError
            Where the numbers were laid together without a model.
        """
        return carried(self.script, "The prior predictive check")

    def page(self) -> Page:
        """Return the shares as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        bars = self.bars
        columns = zip(bars.low, bars.mean, bars.lower, bars.upper, strict=True)
        rows = tuple((number(float(v)), number(float(m), 3), interval(float(a), float(b))) for v, m, a, b in columns)
        facts = Facts((("model", self.model), ("prior", self.prior), ("drawn studies", number(self.studies))))
        table = Table(("value from", "share", "95% interval of drawn studies"), rows, "What the prior expects")
        return Page(title="Prior predictive check", blocks=(facts, table))


def leave_one_out(problem: Problem, bayesian: CellPosterior | None) -> Loo:
    """Return the expected log density of left-out rows.

    Parameters
    ----------
    problem : Problem
        The rows.
    bayesian : CellMixture, CellDraws or None
        The posterior.

    Returns
    -------
    Loo
        By Pareto-smoothed importance sampling; its gate closes where a Pareto shape exceeds 0.7.

    Raises
    ------
    DataError
        Where the model was not sampled, or its posterior averages those of completed tables.
    """
    resting(problem, "Leaving rows out needs")
    return loo(_sampled(bayesian))


def predictive_check(problem: Problem, bayesian: CellPosterior | None, *, seed: int, studies: int) -> PredictiveCheck:
    """Lay studies drawn from the posterior beside the data.

    Parameters
    ----------
    problem : Problem
        The rows.
    bayesian : CellMixture, CellDraws or None
        The posterior.
    seed, studies : int
        Seed and number of drawn studies.

    Returns
    -------
    PredictiveCheck
        Shares of values, and statistics that the model does not reproduce.

    Raises
    ------
    DataError
        Where there is no Bayesian model of cells, one of slopes that was solved exactly, or a posterior that averages
        those of completed tables.
    """
    problem = resting(problem, "A predictive check needs")
    if isinstance(bayesian, CellMixture):
        return exact_posterior_predictive(_exact(problem, bayesian), bayesian, seed=seed, studies=studies)
    return posterior_predictive(_sampled(bayesian), seed=seed, studies=studies)


def prior_check(
    problem: Problem, bayesian: CellPosterior | None, *, seed: int, studies: int
) -> PriorPredictive | PriorShares:
    """Draw whole studies from the prior.

    Parameters
    ----------
    problem : Problem
        The rows, whose outcome is not used.
    bayesian : CellMixture, CellDraws or None
        The posterior, which knows its model.
    seed, studies : int
        Seed and number of drawn studies.

    Returns
    -------
    PriorPredictive or PriorShares
        For scores the share outside the scale and the spread expected; for sampled models the shares of values.

    Raises
    ------
    DataError
        Without a Bayesian model of cells.
    """
    if isinstance(bayesian, CellDraws) and bayesian.source is not None:
        model = bayesian.source.model
        bars, _ = prior_bars(model, seed=seed, studies=studies)
        script = partial(prior_script, model, seed=seed, studies=studies)
        return PriorShares(model=model.words, prior=model.prior, studies=studies, bars=bars, script=script)
    return _exact(problem, bayesian).prior_predictive(seed=seed, studies=studies)


def sensitivity_to_prior(
    problem: Problem, bayesian: CellPosterior | None, weights: np.ndarray, quantity: str
) -> Sensitivity | PriorWidths:
    """Say how far the answer depends on the prior.

    Parameters
    ----------
    problem : Problem
        The rows.
    bayesian : CellMixture, CellDraws or None
        The posterior.
    weights : ndarray, shape (cells,)
        The contrast.
    quantity : str
        The contrast in words.

    Returns
    -------
    Sensitivity or PriorWidths
        By power-scaling of the draws; for models that are solved exactly, the answer under wider and narrower priors.

    Raises
    ------
    DataError
        Without a Bayesian model of cells, or with a posterior that averages those of completed tables.
    """
    problem = resting(problem, "The sensitivity to the prior needs")
    if isinstance(bayesian, CellDraws) and bayesian.source is not None:
        return prior_sensitivity(bayesian.source, weights, scale=bayesian.scale)
    model = _exact(problem, bayesian)
    found = prior_widths(
        model,
        weights,
        value=problem.question.value,
        level=problem.question.plan.interval_level,
        quantity=quantity,
    )
    folds = [(row.fold, widened(model.prior, row.fold)) for row in found.rows]
    return replace(found, script=partial(prior_widths_script, problem, weights, folds))


def heavy_tailed(problem: Problem, *, seed: int) -> SampledCells:
    """Fit the Student-t twin of a model of scores on the same rows: robustness against outliers.

    Parameters
    ----------
    problem : Problem
        The rows.
    seed : int
        Seed of the chains.

    Returns
    -------
    SampledCells
        Its ``cells().contrast(weights)`` answers the question again.

    Raises
    ------
    DataError
        For an outcome that is no score of cells or has no limits, and where several tables were completed.
    """
    problem = resting(problem, "The model of heavy tails needs")
    if problem.question.kind != "cells" or problem.question.family != "gaussian":
        raise DataError(f"Hypothesis {problem.question.hypothesis.name!r} does not compare scores of cells.")
    return student(
        problem.y,
        problem.cell,
        len(problem.cells),
        prior=gaussian_prior(problem.metric, change=problem.question.minus is not None),
        seed=seed,
        covariates=problem.covariates if problem.covariates.shape[1] else None,
        groups=problem.groups,
    )


def saved(problem: Problem, bayesian: CellPosterior | None, folder: Path, name: str, *, provenance: Provenance) -> Path:
    """Save the draws as zarr.

    Parameters
    ----------
    problem : Problem
        The rows.
    bayesian : CellMixture, CellDraws or None
        The posterior.
    folder : Path
        The study's folder.
    name : str
        Name of the store below it.
    provenance : Provenance
        What made them.

    Returns
    -------
    Path
        The store.

    Raises
    ------
    DataError
        Where the model was not sampled, or its draws are those of several completed tables.
    """
    resting(problem, "A store of draws is that of")
    return save_draws(_sampled(bayesian), folder, name, provenance=provenance)


def _sampled(bayesian: CellPosterior | None) -> SampledCells:
    if isinstance(bayesian, CellDraws) and bayesian.source is not None:
        return bayesian.source
    if bayesian is None:
        raise DataError("There is no Bayesian model of cells here: the engine was not asked, or a path was.")
    raise DataError(
        "This model was solved exactly and has no draws of its own. pymc_model() gives the same model to sample; "
        "prior_check(), predictive_check() and prior_sensitivity() need no draws."
    )


def _exact(problem: Problem, bayesian: CellPosterior | None) -> GaussianCells:
    asked = problem.question
    if bayesian is None or asked.kind != "cells" or asked.family != "gaussian":
        raise DataError(f"Hypothesis {asked.hypothesis.name!r} has no Bayesian model of the scores of cells here.")
    prior = gaussian_prior(problem.metric, change=asked.minus is not None)
    covariates = problem.covariates if problem.covariates.shape[1] else None
    return gaussian_cells(
        problem.y, problem.cell, len(problem.cells), prior=prior, covariates=covariates, groups=problem.groups
    )
