"""Cell quantities of cumulative models: the latent mean, or the expected rating."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from feedbackstudy.analysis.frequentist.between_within import BETWEEN_WITHIN, BetweenWithin
from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.cumulative import CumulativeFit, Floats, Integers, fit_cumulative
from feedbackstudy.analysis.frequentist.cumulative_mixed import CumulativeMixedFit, fit_cumulative_mixed
from feedbackstudy.analysis.frequentist.generalised_words import named_cell
from feedbackstudy.analysis.frequentist.links import Array, Link, link_of
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.response_means import averaged, delta, spread_over
from feedbackstudy.errors import DataError, choices

__all__ = [
    "CumulativeScale",
    "cumulative_cells",
    "cumulative_notes",
    "cumulative_quantities",
    "expected_ratings",
    "spread_of",
]

type CumulativeScale = Literal["latent", "response"]


def cumulative_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    link: str = "logit",
    scale: CumulativeScale = "latent",
    nodes: int = 1,
    cell_names: Sequence[str] = (),
) -> CellFit:
    r"""Fit a cumulative model of ordered categories to the cells.

    Parameters
    ----------
    y : array_like, shape (n,)
        Ratings as numbers; their distinct values are the categories, in order.
    cell : array_like of int, shape (n,)
        Cell of each row, 0 to `n_cells` - 1.
    n_cells : int
        Cells of the design; some may hold no data.
    covariates : array_like, shape (n, q), or None
        Centred covariates.
    groups : mapping of str to array_like, optional
        Level of each row in each grouping factor, which get random intercepts.
    link : {"logit", "probit"}, default "logit"
        Latent distribution.
    scale : {"latent", "response"}, default "latent"
        The latent mean minus the mean threshold, in units of the latent distribution; or the expected rating, averaged
        over the population of random effects.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature for one grouping factor; 1 is Laplace's approximation.
    cell_names : sequence of str
        Names of the cells, for messages; their positions where left out.

    Returns
    -------
    CellFit
        With the normal distribution as reference, t where a contrast is taken across levels of a grouping factor. `sd`
        is that of the latent answer with its random effects, or the pooled one of the ratings within cells.

    Raises
    ------
    DataError
        For a single category, a cell whose answers all lie in the lowest or highest category, or no maximum.

    Notes
    -----
    Latent means as in emmeans: :math:`x'\beta - \bar\alpha`. Expected rating :math:`\sum_k v_k P(Y = k)` with the
    values v of the categories.
    """
    if scale not in ("latent", "response"):
        raise DataError(choices("scale", scale, ("latent", "response")))
    ratings = np.asarray(y, dtype=np.float64)
    values, codes = np.unique(ratings, return_inverse=True)
    if values.size < 2:
        raise DataError("All answers lie in one category; there is nothing to compare.")
    X, counts = cell_columns(cell, n_cells, covariates)
    used = np.flatnonzero(counts)
    _extreme_cells(codes, np.asarray(cell, dtype=np.int64), used, values.size, cell_names)
    factors = [RandomFactor.of(name, np.asarray(levels)) for name, levels in (groups or {}).items()]
    fit: CumulativeFit | CumulativeMixedFit
    if factors:
        fit = fit_cumulative_mixed(codes, X[:, 1:], values.size, factors, link=link, nodes=nodes)
    else:
        fit = fit_cumulative(codes, X[:, 1:], values.size, link=link)
    spread = fit.sd if isinstance(fit, CumulativeMixedFit) else np.empty(0)
    reference = BetweenWithin.of(X, used.size, factors, spread, counts)
    rows = np.eye(X.shape[1])[: used.size, 1:]
    found, covariance = cumulative_quantities(fit, rows, values, scale)
    means, full = spread_over(used, n_cells, found, covariance)
    notes, failures = cumulative_notes(fit)
    return CellFit(
        means=means,
        covariance=full,
        df=reference.df,
        inflation=reference.inflation,
        counts=counts,
        scale=scale,
        sd=spread_of(fit, ratings, np.asarray(cell, dtype=np.int64), scale),
        n=ratings.size,
        model=_words(fit, scale, values.size),
        notes=(*notes, *reference.notes),
        failures=failures,
    )


def _extreme_cells(codes: Integers, cell: Integers, used: Integers, categories: int, names: Sequence[str]) -> None:
    for at in used:
        there = codes[cell == at]
        if (there == 0).all() or (there == categories - 1).all():
            which = "lowest" if there[0] == 0 else "highest"
            raise DataError(
                f"All {there.size} answers of {named_cell(int(at), names)} lie in the {which} category, so its latent "
                "mean is infinite (separation). Merge categories, ask about other cells, or use the Bayesian model, "
                "whose prior keeps it finite."
            )


def cumulative_quantities(
    fit: CumulativeFit | CumulativeMixedFit, rows: Floats, values: Floats, scale: CumulativeScale
) -> tuple[Floats, Floats]:
    """Return quantities of a cumulative model at given rows of its columns, with their covariance.

    Parameters
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        The model.
    rows : ndarray, shape (k, p) or (k, m, p)
        Columns at which they are wanted; with m settings each the expected rating is their mean.
    values : ndarray, shape (categories,)
        Number of each category.
    scale : {"latent", "response"}
        Latent mean minus the mean threshold, or expected rating.

    Returns
    -------
    tuple of ndarray
        Values and covariance.
    """
    settings = rows[:, None, :] if rows.ndim == 2 else rows
    cuts, p = fit.thresholds.size, fit.beta.size
    fixed = np.concatenate([fit.thresholds, fit.beta])
    if scale == "latent":
        weights = np.hstack([np.full((rows.shape[0], cuts), -1 / cuts), settings.mean(axis=1)])
        size = cuts + p
        return weights @ fixed, weights @ fit.covariance[:size, :size] @ weights.T
    sd = fit.sd[fit.sd > 1e-4] if isinstance(fit, CumulativeMixedFit) else np.empty(0)
    link = link_of(fit.link)
    return delta(
        lambda at: expected_ratings(at[:cuts], settings @ at[cuts : cuts + p], at[cuts + p :], values, link).mean(
            axis=1
        ),
        np.concatenate([fixed, sd]),
        fit.covariance,
    )


def expected_ratings(thresholds: Array, predictor: Array, sd: Array, values: Floats, link: Link) -> Array:
    """Return the expected rating at values of the linear predictor.

    Parameters
    ----------
    thresholds : ndarray, shape (categories - 1,)
        Of the model.
    predictor : ndarray
        Without thresholds.
    sd : ndarray, shape (factors,)
        Standard deviations of random intercepts, which are averaged over; empty for none.
    values : ndarray, shape (categories,)
        Number of each category.
    link : Link
        Latent distribution.

    Returns
    -------
    ndarray
        Expected ratings, one for each predictor.
    """
    above = averaged(link.cdf, predictor[..., None] - thresholds, sd)
    return np.asarray(values[0] + above @ np.diff(values))


def spread_of(
    fit: CumulativeFit | CumulativeMixedFit, ratings: Floats, cell: Integers, scale: CumulativeScale
) -> float | None:
    """Return the standard deviation that effects are divided by.

    Parameters
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        The model.
    ratings : ndarray, shape (n,)
        Ratings as numbers.
    cell : ndarray of int, shape (n,)
        Cells.
    scale : {"latent", "response"}
        Of the latent answer with its random effects, or pooled of the ratings within cells.

    Returns
    -------
    float or None
        None where ratings do not vary within cells.
    """
    if scale == "latent":
        added = float(np.sum(fit.sd**2)) if isinstance(fit, CumulativeMixedFit) else 0.0
        return float(np.sqrt(link_of(fit.link).sd ** 2 + added))
    counts = np.bincount(cell)
    sums, squares = np.bincount(cell, ratings), np.bincount(cell, ratings**2)
    within = float(np.sum(squares - sums**2 / np.maximum(counts, 1)))
    left = ratings.size - int((counts > 0).sum())
    return float(np.sqrt(within / left)) if left > 0 and within > 0 else None


def _words(fit: CumulativeFit | CumulativeMixedFit, scale: CumulativeScale, categories: int) -> str:
    what = "latent means" if scale == "latent" else "expected ratings"
    if isinstance(fit, CumulativeFit):
        return f"cumulative {fit.link} model of {categories} categories (maximum likelihood); {what}, z"
    how = "Laplace" if fit.quadrature == 1 else f"adaptive quadrature, {fit.quadrature} nodes"
    return (
        f"cumulative {fit.link} model of {categories} categories with random intercepts of {', '.join(fit.factors)} "
        f"({how}), which stand for the clusters in place of a sandwich covariance; {what}; {BETWEEN_WITHIN}"
    )


def cumulative_notes(fit: CumulativeFit | CumulativeMixedFit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a reader must know of a cumulative model, and why nothing of it may be reported.

    Parameters
    ----------
    fit : CumulativeFit or CumulativeMixedFit
        The model.

    Returns
    -------
    tuple of (tuple of str, tuple of str)
        Notes and failures.
    """
    if isinstance(fit, CumulativeFit):
        return (), ()
    singular = ("The fit is singular: a variance between levels is estimated as zero.",) if fit.singular else ()
    return singular, () if fit.converged else ("The search did not converge.",)
