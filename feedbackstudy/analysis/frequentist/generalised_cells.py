"""Cell quantities of logistic and count models: log odds or probabilities, log rates or expected counts."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from feedbackstudy.analysis.frequentist.between_within import BETWEEN_WITHIN, BetweenWithin
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, Scale
from feedbackstudy.analysis.frequentist.generalised import GeneralisedFit, fit_generalised
from feedbackstudy.analysis.frequentist.generalised_mixed import GeneralisedMixedFit, fit_generalised_mixed
from feedbackstudy.analysis.frequentist.generalised_words import family_words, fit_words, generalised_notes, named_cell
from feedbackstudy.analysis.frequentist.links import LINKS, Array
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Integers, RandomFactor
from feedbackstudy.analysis.frequentist.references import Reference, same_df, satterthwaite
from feedbackstudy.analysis.frequentist.response_means import averaged, gradient, spread_over
from feedbackstudy.errors import DataError, choices

__all__ = [
    "binary_cells",
    "count_cells",
    "generalised_gradient",
    "generalised_quantities",
    "reference_of",
]


def binary_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    scale: Literal["log odds", "response"] = "log odds",
    firth: bool = False,
    cluster: ArrayLike | None = None,
    nodes: int = 1,
    cell_names: Sequence[str] = (),
) -> CellFit:
    """Fit a logistic model to the cells.

    Parameters
    ----------
    y : array_like, shape (n,)
        Zeros and ones.
    cell : array_like of int, shape (n,)
        Cell of each row, 0 to `n_cells` - 1.
    n_cells : int
        Cells of the design; some may hold no data.
    covariates : array_like, shape (n, q), or None
        Centred covariates.
    groups : mapping of str to array_like, optional
        Level of each row in each grouping factor, which get random intercepts.
    scale : {"log odds", "response"}, default "log odds"
        Log odds for somebody with random effects of zero; or the probability, averaged over the population of random
        effects and over the covariates of all rows (standardised).
    firth : bool, default False
        Firth's penalised likelihood, finite under separation; without random effects only.
    cluster : array_like, shape (n,), optional
        Clusters of a sandwich covariance (CR2, Satterthwaite's degrees of freedom); instead of random effects.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature for one grouping factor.
    cell_names : sequence of str
        Names of the cells, for messages; their positions where left out.

    Returns
    -------
    CellFit
        `sd` is that of the logistic distribution (with random effects) on the log odds, None for probabilities.

    Raises
    ------
    DataError
        For other values than 0 and 1, or a cell without yes or without no (separation).
    """
    if scale not in ("log odds", "response"):
        raise DataError(choices("scale", scale, ("log odds", "response")))
    outcome = np.asarray(y, dtype=np.float64)
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise DataError(f"A binary outcome is 0 or 1; given {np.unique(outcome)[:6].tolist()}.")
    cells = np.asarray(cell, dtype=np.int64)
    if not firth:
        _one_sided_cells(outcome, cells, cell_names)
    factors = _factors(groups)
    X, counts = cell_columns(cells, n_cells, covariates)
    fit = _fitted(outcome, X, factors, "binomial", nodes, firth, cluster)
    added = float(np.sum(fit.sd**2)) if isinstance(fit, GeneralisedMixedFit) else 0.0
    sd = float(np.sqrt(LINKS["logit"].sd ** 2 + added)) if scale == "log odds" else None
    return _cell_fit(fit, X, counts, factors, scale, sd, "logistic model")


def count_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    family: Literal["poisson", "negative binomial"] = "negative binomial",
    scale: Literal["log rate", "response"] = "log rate",
    cluster: ArrayLike | None = None,
    nodes: int = 1,
    cell_names: Sequence[str] = (),
) -> CellFit:
    """Fit a model of counts to the cells.

    Parameters
    ----------
    y : array_like, shape (n,)
        Counts.
    cell : array_like of int, shape (n,)
        Cell of each row, 0 to `n_cells` - 1.
    n_cells : int
        Cells of the design; some may hold no data.
    covariates : array_like, shape (n, q), or None
        Centred covariates.
    groups : mapping of str to array_like, optional
        Level of each row in each grouping factor, which get random intercepts.
    family : {"poisson", "negative binomial"}, default "negative binomial"
        Distribution.
    scale : {"log rate", "response"}, default "log rate"
        Log of the mean for somebody with random effects of zero; or the mean count, averaged over random effects and
        over the covariates of all rows.
    cluster : array_like, shape (n,), optional
        Clusters of a sandwich covariance (CR2, Satterthwaite's degrees of freedom); instead of random effects.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature for one grouping factor.
    cell_names : sequence of str
        Names of the cells, for messages; their positions where left out.

    Returns
    -------
    CellFit
        With a note where a Poisson is overdispersed, or where the negative binomial has its maximum at the Poisson.

    Raises
    ------
    DataError
        For values that are no counts, or a cell without any count above zero.
    """
    if scale not in ("log rate", "response"):
        raise DataError(choices("scale", scale, ("log rate", "response")))
    if family not in ("poisson", "negative binomial"):
        raise DataError(choices("family", family, ("poisson", "negative binomial")))
    outcome = np.asarray(y, dtype=np.float64)
    if (outcome < 0).any() or (outcome != np.floor(outcome)).any():
        raise DataError(f"Counts are whole and not negative; given {np.unique(outcome)[:6].tolist()}.")
    cells = np.asarray(cell, dtype=np.int64)
    for at in np.unique(cells):
        if not outcome[cells == at].any():
            raise DataError(
                f"All {int((cells == at).sum())} counts of {named_cell(int(at), cell_names)} are 0, so its log rate is "
                "infinite. Ask about cells that hold counts above zero, or use the Bayesian model, whose prior keeps "
                "the rate finite."
            )
    factors = _factors(groups)
    X, counts = cell_columns(cells, n_cells, covariates)
    fit = _fitted(outcome, X, factors, family, nodes, False, cluster)  # noqa: FBT003
    return _cell_fit(fit, X, counts, factors, scale, None, f"{family_words(fit)} of counts")


def _one_sided_cells(y: Floats, cell: Integers, names: Sequence[str]) -> None:
    for at in np.unique(cell):
        there = y[cell == at]
        if there.min() == there.max():
            raise DataError(
                f"All {there.size} answers of {named_cell(int(at), names)} are {there[0]:g}, so its log odds are "
                "infinite (separation). Ask about cells that hold both answers, or use the Bayesian model, whose prior "
                "keeps the odds finite."
            )


def _factors(groups: Mapping[str, ArrayLike] | None) -> list[RandomFactor]:
    return [RandomFactor.of(name, np.asarray(levels)) for name, levels in (groups or {}).items()]


def _fitted(
    y: Floats,
    X: Floats,
    factors: Sequence[RandomFactor],
    family: str,
    nodes: int,
    firth: bool,
    cluster: ArrayLike | None,
) -> GeneralisedFit | GeneralisedMixedFit:
    if not factors:
        codes = None if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1]
        return fit_generalised(y, X, family, firth=firth, cluster=codes)
    if firth or cluster is not None:
        raise DataError("Random effects go without Firth's penalty and without a sandwich; choose one.")
    return fit_generalised_mixed(y, X, family, factors, nodes=nodes)


def _cell_fit(
    fit: GeneralisedFit | GeneralisedMixedFit,
    X: Floats,
    counts: Integers,
    factors: Sequence[RandomFactor],
    scale: Scale,
    sd: float | None,
    words: str,
) -> CellFit:
    used = np.flatnonzero(counts)
    k, p = used.size, fit.beta.size
    mixed = BetweenWithin.of(X, k, factors, fit.sd, counts) if isinstance(fit, GeneralisedMixedFit) else None
    shared = X[:, k:] if p > k else X[:1, k:]
    rows = np.stack([np.hstack([np.tile(unit, (shared.shape[0], 1)), shared]) for unit in np.eye(k)])
    values, slopes = generalised_gradient(fit, rows if scale == "response" else np.eye(k, p), scale)
    notes, failures = generalised_notes(fit)
    means, full = spread_over(used, counts.size, values, slopes @ fit.covariance @ slopes.T)
    everywhere = np.zeros((counts.size, slopes.shape[1]))
    everywhere[used] = slopes
    reference = reference_of(fit, everywhere)
    return CellFit(
        means=means,
        covariance=full,
        df=reference.df if mixed is None else mixed.df,
        joint_df=reference.joint_df,
        joint_scale=reference.joint_scale,
        inflation=None if mixed is None else mixed.inflation,
        counts=counts,
        scale=scale,
        sd=sd,
        n=fit.n,
        model=f"{words} ({fit_words(fit)}); {_on(scale, fit.family)}" + (f"; {BETWEEN_WITHIN}" if factors else ""),
        notes=notes if mixed is None else (*notes, *mixed.notes),
        failures=failures,
    )


def generalised_quantities(
    fit: GeneralisedFit | GeneralisedMixedFit, rows: Floats, scale: Scale
) -> tuple[Floats, Floats]:
    """Return quantities of a logistic or count model at given rows of its columns, with their covariance.

    Parameters
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        The model.
    rows : ndarray, shape (k, p) or (k, m, p)
        Columns at which they are wanted; with m settings each, the probability or count is their mean.
    scale : {"log odds", "log rate", "response"}
        Linear predictor, or probability or expected count, averaged over random effects.

    Returns
    -------
    tuple of ndarray
        Values and covariance.
    """
    values, slopes = generalised_gradient(fit, rows, scale)
    return values, slopes @ fit.covariance @ slopes.T


def reference_of(fit: GeneralisedFit | GeneralisedMixedFit, slopes: Floats) -> Reference:
    """Return what contrasts of quantities of a model are tested against.

    Parameters
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        The model.
    slopes : ndarray, shape (k, parameters)
        Derivatives of the quantities by its parameters.

    Returns
    -------
    Reference
        The normal distribution; with a sandwich over clusters t with Satterthwaite's degrees of freedom.
    """
    robust = fit.robust if isinstance(fit, GeneralisedFit) else None
    return same_df(float("inf")) if robust is None else satterthwaite(robust, slopes)


def generalised_gradient(
    fit: GeneralisedFit | GeneralisedMixedFit, rows: Floats, scale: Scale
) -> tuple[Floats, Floats]:
    """Return quantities as `generalised_quantities` does, with their derivatives by the parameters.

    Parameters
    ----------
    fit : GeneralisedFit or GeneralisedMixedFit
        The model.
    rows : ndarray, shape (k, p) or (k, m, p)
        As there.
    scale : {"log odds", "log rate", "response"}
        As there.

    Returns
    -------
    tuple of ndarray
        Values, shape (k,), and derivatives, shape (k, parameters).
    """
    settings = rows[:, None, :] if rows.ndim == 2 else rows
    p = fit.beta.size
    if scale != "response":
        weights = settings.mean(axis=1)
        return weights @ fit.beta, np.hstack([weights, np.zeros((len(weights), fit.covariance.shape[0] - p))])
    inverse = LINKS["logit"].cdf if fit.family == "binomial" else np.exp
    kept = fit.sd[fit.sd > 1e-4] if isinstance(fit, GeneralisedMixedFit) else np.empty(0)
    first = fit.covariance.shape[0] - kept.size

    def standardised(at: Array) -> Array:
        return np.asarray(averaged(inverse, settings @ at[:p], at[first:]).mean(axis=1))

    return gradient(standardised, np.concatenate([fit.beta, np.zeros(first - p), kept]))


def _on(scale: Scale, family: str) -> str:
    if scale != "response":
        return scale
    return "probabilities, standardised" if family == "binomial" else "expected counts, standardised"
