"""Which Bayesian model the design calls for, solved or sampled: the twin of the frequentist one on the same rows."""

from collections.abc import Callable, Mapping

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.gaussian_slopes import gaussian_slopes
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.compile import Family
from feedbackstudy.analysis.problem import Metric, Problem
from feedbackstudy.errors import DataError, choices

__all__ = ["CellPosterior", "bayesian_fit", "gaussian_prior"]

type CellPosterior = CellMixture | CellDraws


def bayesian_fit(problem: Problem, *, seed: int) -> CellPosterior:
    """Fit the Bayesian model that a question's design calls for.

    Parameters
    ----------
    problem : Problem
        The arrays.
    seed : int
        Seed of the chains, where a sampler is needed.

    Returns
    -------
    CellMixture or CellDraws
        Posterior of the cells' quantities; exact for scores with up to two grouping factors.

    Raises
    ------
    DataError
        Where no engine answers for this kind of outcome, or its prior cannot be stated on a scale.
    """
    family = problem.question.family
    if family is None or family not in _FITS:
        raise DataError(choices("Kind of outcome", str(family), _FITS))
    return _FITS[family](problem, seed)


def gaussian_prior(metric: Metric, *, change: bool) -> CellPrior:
    """Return the prior of a score from the limits of its scale.

    Parameters
    ----------
    metric : Metric
        The scale.
    change : bool
        Whether the outcome is a difference of two scores, which centres on 0 with the same range.

    Returns
    -------
    CellPrior
        The prior.

    Raises
    ------
    DataError
        For a scale without limits.
    """
    if not metric.bounded:
        raise DataError(
            "The outcome has no limits, so no prior can be stated on its scale; declare the 'range' of its measure "
            "(never taken from these data), or run the frequentist engine alone."
        )
    if change:
        half = (metric.high - metric.low) / 2
        return CellPrior.of_scale(-half, half)
    return CellPrior.of_scale(metric.low, metric.high)


def _gaussian(problem: Problem, seed: int) -> CellPosterior:  # noqa: ARG001 - exact
    prior = gaussian_prior(problem.metric, change=problem.question.minus is not None)
    k = len(problem.cells)
    covariates = problem.covariates if problem.covariates.shape[1] else None
    if problem.question.kind in {"slope", "slopes"} and problem.predictor is not None:
        return gaussian_slopes(
            problem.y,
            problem.cell,
            k,
            predictor=problem.predictor,
            common=problem.question.kind == "slope",
            prior=prior,
            covariates=covariates,
            groups=problem.groups,
        )
    stated = gaussian_cells(problem.y, problem.cell, k, prior=prior, covariates=covariates, groups=problem.groups)
    return stated.posterior()


_FITS: Mapping[Family, Callable[[Problem, int], CellPosterior]] = {"gaussian": _gaussian}
