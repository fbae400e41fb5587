"""Which frequentist model the design calls for, fitted: cell quantities with their covariance."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.compile import Family, without_model
from feedbackstudy.analysis.frequentist.assigned_clusters import assigned_cells, compares_clusters, independent_unit
from feedbackstudy.analysis.frequentist.between_within import BETWEEN_WITHIN, BetweenWithin
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, Scale
from feedbackstudy.analysis.frequentist.cumulative import CumulativeFit, fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells, cumulative_notes
from feedbackstudy.analysis.frequentist.cumulative_mixed import CumulativeMixedFit, fit_cumulative_mixed
from feedbackstudy.analysis.frequentist.generalised import GeneralisedFit, fit_generalised
from feedbackstudy.analysis.frequentist.generalised_cells import binary_cells, count_cells
from feedbackstudy.analysis.frequentist.generalised_mixed import GeneralisedMixedFit, fit_generalised_mixed
from feedbackstudy.analysis.frequentist.generalised_words import family_words, generalised_notes
from feedbackstudy.analysis.frequentist.linear import fit_cells, fit_linear
from feedbackstudy.analysis.frequentist.mixed_cells import fit_notes, mixed_cells
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed
from feedbackstudy.analysis.frequentist.satterthwaite import Satterthwaite
from feedbackstudy.analysis.frequentist.zero_inflated_cells import zero_inflated_cells
from feedbackstudy.analysis.material import as_clusters
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.thresholds import measured_by
from feedbackstudy.errors import DataError

__all__ = ["classical_fit", "slope_columns"]

type Floats = NDArray[np.float64]


def classical_fit(problem: Problem) -> CellFit:
    """Fit the frequentist model that a question's design calls for.

    Parameters
    ----------
    problem : Problem
        The arrays.

    Returns
    -------
    CellFit
        Quantities of the cells (means, or slopes), on the model's scale.

    Raises
    ------
    DataError
        Where no engine answers for this kind of outcome, or the data cannot carry the model.

    Notes
    -----
    Scores: least squares with pooled variance; with clusters, exemplars or other random factors REML with
    Satterthwaite's degrees of freedom; where whole clusters are compared and their variance is estimated as zero, least
    squares against the mean square between clusters, and a note says so; with unequal probabilities of assignment
    weights and HC3 or, with clusters, CR2.
    Binary: logistic; counts: negative binomial (its limit, the Poisson, where counts vary no more than that);
    ordered categories: cumulative probit; with random intercepts by
    Laplace's approximation, and t where a contrast is taken across their levels (`BetweenWithin`). Their contrasts are
    ratios of odds or rates, or latent differences, unless the smallest effect of interest is declared in percentage
    points or raw units: then differences of probabilities, expected counts or expected ratings.
    """
    family = problem.question.family
    if family is None:
        raise DataError(without_model(problem.question))
    if problem.case_weights is not None and family != "gaussian":
        raise DataError(
            f"Weights by the probability of assignment are not combined with a model of {family} outcomes; leave "
            "'allocation' out and adjust for the strata instead."
        )
    return _FITS[family](problem)


def _gaussian(problem: Problem) -> CellFit:
    if problem.question.kind in {"slope", "slopes"}:
        return _slopes(problem)
    k = len(problem.cells)
    if problem.case_weights is not None:
        unit = independent_unit(problem.groups)
        fit = fit_cells(
            problem.y,
            problem.cell,
            k,
            covariates=problem.covariates,
            vcov="HC3",
            cluster=None if unit is None else as_clusters(problem.groups[unit]),
            weights=problem.case_weights,
        )
        return replace(fit, notes=(*fit.notes, *_of_weights(problem, unit)))
    if problem.groups:
        if compares_clusters(problem.weights, problem.cell, problem.groups):
            return assigned_cells(problem.y, problem.cell, k, problem.covariates, problem.groups)
        return mixed_cells(problem.y, problem.cell, k, problem.covariates, problem.groups)
    return fit_cells(problem.y, problem.cell, k, covariates=problem.covariates)


def _of_weights(problem: Problem, unit: str | None) -> tuple[str, ...]:
    """Say whose levels a weighted model takes as independent, and which random factors it does not know."""
    if unit is None:
        return ()
    others = " and ".join(name for name in problem.groups if name != unit)
    left = f"; {others} {'are' if ' and ' in others else 'is'} no random factor in weighted models" if others else ""
    return (f"errors are clustered by {unit}{left}",)


def slope_columns(problem: Problem) -> tuple[Floats, Floats]:
    """Return the design of a question about slopes.

    Parameters
    ----------
    problem : Problem
        An association or moderation.

    Returns
    -------
    tuple of ndarray
        Columns that are adjusted for (an indicator of each cell, covariates), and the predictor: one column for an
        association, one for each cell for a moderation.
    """
    indicators = np.eye(len(problem.cells))[problem.cell]
    x = problem.predictor if problem.predictor is not None else np.zeros(problem.n)
    slopes = x[:, None] if problem.question.kind == "slope" else indicators * x[:, None]
    return np.hstack([indicators, problem.covariates]), np.asarray(slopes, dtype=np.float64)


def _slopes(problem: Problem) -> CellFit:
    adjusted, slopes = slope_columns(problem)
    design, size = np.hstack([slopes, adjusted]), slopes.shape[1]
    counts = np.array([problem.n]) if size == 1 else problem.counts
    if problem.groups and problem.case_weights is None:
        return _mixed_slopes(problem, design, size, counts)
    weighted, unit = problem.case_weights is not None, independent_unit(problem.groups)
    cluster = None if unit is None else as_clusters(problem.groups[unit])
    fit = fit_linear(
        problem.y, design, vcov="HC3" if weighted else "classical", cluster=cluster, weights=problem.case_weights
    )

    def padded(rows: Floats) -> Floats:
        at = np.atleast_2d(rows)
        return np.hstack([at, np.zeros((len(at), adjusted.shape[1]))])

    return CellFit(
        means=fit.beta[:size],
        covariance=fit.covariance[:size, :size],
        df=lambda row: fit.df(padded(row)[0]),
        counts=counts,
        scale="response",
        sd=float(np.sqrt(fit.mse)),
        n=problem.n,
        model=f"{_slope_words(problem)} by least squares; {fit.words}",
        notes=(*fit.notes, *_of_weights(problem, unit)),
        joint_df=lambda rows: fit.joint_test(padded(rows))[1],
        joint_scale=lambda rows: fit.joint_test(padded(rows))[0],
    )


def _mixed_slopes(problem: Problem, design: Floats, size: int, counts: NDArray[np.int64]) -> CellFit:
    factors = [RandomFactor.of(name, codes) for name, codes in problem.groups.items()]
    fit = fit_mixed(problem.y, design, factors)
    tests = Satterthwaite(fit)
    notes, failures = fit_notes(fit)

    def padded(rows: Floats) -> Floats:
        at = np.atleast_2d(rows)
        return np.hstack([at, np.zeros((len(at), design.shape[1] - size))])

    return CellFit(
        means=fit.beta[:size],
        covariance=tests.covariance[:size, :size],
        df=lambda row: tests.df(padded(row)[0]),
        counts=counts,
        scale="response",
        sd=float(np.sqrt(fit.total_variance)),
        n=problem.n,
        model=f"{_slope_words(problem)} in a linear mixed model (REML), random: {', '.join(problem.groups)}; "
        "degrees of freedom by Satterthwaite",
        notes=notes,
        failures=failures,
        joint_df=lambda rows: tests.joint_df(padded(rows)),
        joint_scale=lambda rows: tests.joint_scale(padded(rows)),
    )


def _slope_words(problem: Problem) -> str:
    what = "common slope within cells" if problem.question.kind == "slope" else "a slope in each cell"
    adjusted = f", {problem.covariates.shape[1]} covariate(s) at their mean" if problem.covariates.shape[1] else ""
    return what + adjusted


def _binary(problem: Problem) -> CellFit:
    if problem.question.kind in {"slope", "slopes"}:
        return _generalised_slopes(problem, "binomial", "log odds")
    return binary_cells(
        problem.y,
        problem.cell,
        len(problem.cells),
        _covariates(problem),
        groups=problem.groups,
        scale="response" if measured_by(problem.question) == "probability" else "log odds",
        cell_names=problem.cells,
    )


def _count(problem: Problem) -> CellFit:
    law = problem.question.distribution or "negative binomial"
    if law == "zero-inflated":
        return _zero_inflated(problem)
    if problem.question.kind in {"slope", "slopes"}:
        return _generalised_slopes(problem, law, "log rate")
    return count_cells(
        problem.y,
        problem.cell,
        len(problem.cells),
        _covariates(problem),
        groups=problem.groups,
        family="poisson" if law == "poisson" else "negative binomial",
        scale="response" if measured_by(problem.question) == "rate" else "log rate",
        cell_names=problem.cells,
    )


def _zero_inflated(problem: Problem) -> CellFit:
    if problem.groups or problem.question.kind in {"slope", "slopes"}:
        raise DataError(
            "The zero-inflated model of the frequentist engine has cells and covariates, no random effects and no "
            "slopes. Declare the negative binomial, or read the Bayesian answer."
        )
    return zero_inflated_cells(
        problem.y,
        problem.cell,
        len(problem.cells),
        _covariates(problem),
        scale="response" if measured_by(problem.question) == "rate" else "log rate",
        cell_names=problem.cells,
    )


def _ordinal(problem: Problem) -> CellFit:
    if problem.question.kind in {"slope", "slopes"}:
        return _cumulative_slopes(problem)
    return cumulative_cells(
        problem.y,
        problem.cell,
        len(problem.cells),
        _covariates(problem),
        groups=problem.groups,
        link="probit",
        scale="response" if measured_by(problem.question) == "rating" else "latent",
        cell_names=problem.cells,
    )


def _covariates(problem: Problem) -> Floats | None:
    return problem.covariates if problem.covariates.shape[1] else None


def _generalised_slopes(problem: Problem, family: str, scale: Scale) -> CellFit:
    adjusted, slopes = slope_columns(problem)
    design, k = np.hstack([slopes, adjusted]), slopes.shape[1]
    factors = [RandomFactor.of(name, codes) for name, codes in problem.groups.items()]
    fit: GeneralisedFit | GeneralisedMixedFit
    spread = np.empty(0)
    if factors:
        fit = fit_generalised_mixed(problem.y, design, family, factors)
        spread = fit.sd
    else:
        fit = fit_generalised(problem.y, design, family)
    reference = BetweenWithin.of(design, k, factors, spread)
    notes, failures = generalised_notes(fit)
    model = f"{_slope_words(problem)}, {family_words(fit)}" + _random_words(problem)
    return _of_slopes(problem, fit.beta[:k], fit.covariance[:k, :k], reference, scale=scale, model=model, notes=notes,
                      failures=failures)  # fmt: skip


def _cumulative_slopes(problem: Problem) -> CellFit:
    adjusted, slopes = slope_columns(problem)
    design, k = np.hstack([slopes, adjusted]), slopes.shape[1]
    columns = np.delete(design, k, axis=1)
    values, codes = np.unique(problem.y, return_inverse=True)
    factors = [RandomFactor.of(name, groups) for name, groups in problem.groups.items()]
    fit: CumulativeFit | CumulativeMixedFit
    spread = np.empty(0)
    if factors:
        fit = fit_cumulative_mixed(codes, columns, values.size, factors, link="probit")
        spread = fit.sd
    else:
        fit = fit_cumulative(codes, columns, values.size, link="probit")
    at = np.arange(k) + fit.thresholds.size
    model = f"{_slope_words(problem)}, cumulative probit model" + _random_words(problem)
    reference = BetweenWithin.of(design, k, factors, spread)
    notes, failures = cumulative_notes(fit)
    return _of_slopes(problem, fit.beta[:k], fit.covariance[np.ix_(at, at)], reference, scale="latent", model=model,
                      notes=notes, failures=failures)  # fmt: skip


def _random_words(problem: Problem) -> str:
    return f", random intercepts of {', '.join(problem.groups)}; {BETWEEN_WITHIN}" if problem.groups else ""


def _of_slopes(
    problem: Problem,
    slopes: Floats,
    covariance: Floats,
    reference: BetweenWithin,
    *,
    scale: Scale,
    model: str,
    notes: tuple[str, ...] = (),
    failures: tuple[str, ...] = (),
) -> CellFit:
    return CellFit(
        means=slopes,
        covariance=covariance,
        df=reference.df,
        inflation=reference.inflation,
        counts=np.array([problem.n]) if len(slopes) == 1 else problem.counts,
        scale=scale,
        sd=None,
        n=problem.n,
        model=model,
        notes=notes,
        failures=failures,
    )


_FITS: Mapping[Family, Callable[[Problem], CellFit]] = {
    "gaussian": _gaussian,
    "binary": _binary,
    "count": _count,
    "ordinal": _ordinal,
}
