"""Which Bayesian model the design calls for, solved or sampled: the twin of the frequentist one on the same rows."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.binary import Binary, BinaryPrior, binary
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.count_model import CountPrior, Counts, count_model
from feedbackstudy.analysis.bayesian.crossed import crossed
from feedbackstudy.analysis.bayesian.cumulative import Cumulative, CumulativePrior, cumulative
from feedbackstudy.analysis.bayesian.family import Family as SampledFamily
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.gaussian_slopes import gaussian_slopes
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampled_slopes import sampled_slopes
from feedbackstudy.analysis.compile import Family, without_model
from feedbackstudy.analysis.count_law import count_law
from feedbackstudy.analysis.problem import Metric, Problem
from feedbackstudy.analysis.thresholds import measured_by
from feedbackstudy.errors import DataError

__all__ = ["CellPosterior", "bayesian_fit", "gaussian_prior"]

type CellPosterior = CellMixture | CellDraws

_QUADRATURE_GROUPS = 60
"""Levels of the smaller of two grouping factors up to which the exact model serves."""


def bayesian_fit(problem: Problem, *, seed: int, nodes: int = 32) -> CellPosterior:
    """Fit the Bayesian model that a question's design calls for.

    Parameters
    ----------
    problem : Problem
        The arrays.
    seed : int
        Seed of the chains, where a sampler is needed.
    nodes : int, default 32
        Quadrature nodes along each standard deviation, where the model is solved exactly.

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
    if family is None:
        raise DataError(without_model(problem.question))
    if family == "gaussian":
        return _gaussian(problem, seed, nodes)
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


def _gaussian(problem: Problem, seed: int, nodes: int = 32) -> CellPosterior:
    prior = gaussian_prior(problem.metric, change=problem.question.minus is not None)
    k = len(problem.cells)
    if problem.question.kind in {"slope", "slopes"} and problem.predictor is not None:
        return gaussian_slopes(
            problem.y,
            problem.cell,
            k,
            predictor=problem.predictor,
            common=problem.question.kind == "slope",
            prior=prior,
            covariates=_covariates(problem),
            groups=problem.groups,
            nodes=nodes,
        )
    sizes = sorted(len(levels) for levels in problem.group_levels.values())
    if len(sizes) > 2 or (len(sizes) == 2 and sizes[0] > _QUADRATURE_GROUPS):
        return crossed(
            problem.y,
            problem.cell,
            k,
            prior=prior,
            seed=seed,
            covariates=_covariates(problem),
            groups=problem.groups,
        ).cells()
    return gaussian_cells(
        problem.y, problem.cell, k, prior=prior, covariates=_covariates(problem), groups=problem.groups
    ).posterior(nodes=nodes)


def _binary(problem: Problem, seed: int) -> CellPosterior:
    if problem.question.kind in {"slope", "slopes"}:
        return _slopes(problem, Binary(prior=BinaryPrior()), seed)
    found = binary(
        problem.y,
        problem.cell,
        len(problem.cells),
        seed=seed,
        covariates=_covariates(problem),
        groups=problem.groups,
    )
    return found.cells("response" if measured_by(problem.question) == "probability" else "log odds")


def _count(problem: Problem, seed: int) -> CellPosterior:
    chosen = count_law(problem)
    law: Literal["Poisson", "negative binomial"] = "Poisson" if chosen.name.endswith("poisson") else "negative binomial"
    inflated = chosen.name.startswith("zero-inflated")
    if problem.question.kind in {"slope", "slopes"}:
        family = Counts(law=law, zero_inflated=inflated, prior=CountPrior())
        return _noted(_slopes(problem, family, seed), chosen.note)
    found = count_model(
        problem.y,
        problem.cell,
        len(problem.cells),
        law=law,
        zero_inflated=inflated,
        seed=seed,
        covariates=_covariates(problem),
        groups=problem.groups,
    )
    return _noted(found.cells("response" if measured_by(problem.question) == "rate" else "log rate"), chosen.note)


def _noted(cells: CellDraws, note: str) -> CellDraws:
    return replace(cells, notes=(*cells.notes, note)) if note else cells


def _ordinal(problem: Problem, seed: int) -> CellPosterior:
    values = np.array(problem.metric.categories or tuple(np.unique(problem.y)))
    if not np.isin(problem.y, values).all():
        raise DataError(f"Answers must be among the declared categories {values.tolist()}.")
    codes = np.searchsorted(values, problem.y)
    if problem.question.kind in {"slope", "slopes"}:
        family = Cumulative(categories=values.size, link="probit", prior=CumulativePrior(), lowest=float(values[0]))
        return _slopes(replace(problem, y=codes.astype(np.float64)), family, seed)
    found = cumulative(
        codes,
        problem.cell,
        len(problem.cells),
        categories=values.size,
        seed=seed,
        lowest=float(values[0]),
        covariates=_covariates(problem),
        groups=problem.groups,
    )
    return found.cells("response" if measured_by(problem.question) == "rating" else "latent")


def _covariates(problem: Problem) -> NDArray[np.float64] | None:
    return problem.covariates if problem.covariates.shape[1] else None


def _slopes(problem: Problem, family: SampledFamily, seed: int) -> CellDraws:
    if problem.predictor is None:
        raise DataError("A question about slopes needs a predictor.")
    return sampled_slopes(
        family,
        problem.y,
        problem.cell,
        len(problem.cells),
        predictor=problem.predictor,
        common=problem.question.kind == "slope",
        covariates=_covariates(problem),
        groups=problem.groups,
        seed=seed,
    )


_FITS: Mapping[Family, Callable[[Problem, int], CellPosterior]] = {
    "gaussian": _gaussian,
    "binary": _binary,
    "count": _count,
    "ordinal": _ordinal,
}
