"""Cell means by full-information maximum likelihood: everybody enters with what they answered."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.path_fiml import slope_derivatives
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.cfa.missing import (
    Patterns,
    expectation_maximisation,
    saturated_pairs,
    spread_out,
)

__all__ = ["fiml_cells"]

type Floats = NDArray[np.float64]


def fiml_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    covariates: ArrayLike | None = None,
    auxiliary: ArrayLike | None = None,
) -> CellFit:
    r"""Fit cell means, adjusted for covariates, to rows with missing outcomes and covariates.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome; NaN where missing.
    cell : array_like of int, shape (n,)
        Cell of each row; always known.
    n_cells : int
        Cells of the design.
    covariates : array_like, shape (n, q), optional
        Covariates; NaN where missing.
    auxiliary : array_like, shape (n, a), optional
        Columns that are no part of the model but may tell why values are missing, such as the outcome at other waves.

    Returns
    -------
    CellFit
        Means at the covariates' estimated mean, with normal reference.

    Raises
    ------
    DataError
        For a cell in which nobody has the outcome, a column without any value, or rows that do not determine the
        covariances.

    Notes
    -----
    Indicators of cells, covariates, auxiliary columns and outcome get unrestricted normal moments by EM; given the
    cells, which are complete, this is multivariate normal regression with one mean for every cell. Adjusted means are
    read off the regression of the outcome on cells and covariates, so that auxiliary columns inform without adjusting
    (saturated correlates: Graham, 2003). Standard errors from observed information, as lavaan's ``missing = "fiml"``
    with ``fixed.x = FALSE``.
    """
    outcome, cells = np.asarray(y, dtype=np.float64), np.asarray(cell, dtype=np.int64)
    X, Z = (_matrix(given, outcome.size) for given in (covariates, auxiliary))
    counts = np.bincount(cells, minlength=n_cells)
    used = np.flatnonzero(counts)
    _refuse(outcome, cells, n_cells, X)
    indicators = (cells[:, None] == used[1:]).astype(np.float64)
    raw = np.column_stack([indicators, X, Z, outcome])
    mean, cov, variance, n = _moments(raw)
    r, inside = raw.shape[1] - 1, used.size - 1
    p = list(range(inside + X.shape[1]))
    beta = np.linalg.solve(cov[np.ix_(p, p)], cov[p, r]) if p else np.empty(0)
    slopes, constant = slope_derivatives(mean, cov, p, r, beta)
    # Coefficients become means of cells: the constant, the cell's own step, covariates at their mean.
    reading = np.zeros((used.size, len(p) + 1))
    reading[:, -1] = 1.0
    reading[np.arange(1, used.size), np.arange(inside)] = 1.0
    reading[:, inside : len(p)] = mean[inside : len(p)]
    theta = np.append(beta, mean[r] - (beta @ mean[p] if p else 0.0))
    jacobian = reading @ np.vstack([slopes, constant])
    means, covariance = np.full(n_cells, np.nan), np.full((n_cells, n_cells), np.nan)
    means[used] = reading @ theta
    covariance[np.ix_(used, used)] = jacobian @ variance @ jacobian.T
    left = cov[r, r] - (beta @ cov[p, r] if p else 0.0)
    adjusted = f", {X.shape[1]} covariate(s) at their mean" if X.shape[1] else ""
    helped = f", {Z.shape[1]} auxiliary column(s)" if Z.shape[1] else ""
    return CellFit(
        means=means,
        covariance=covariance,
        df=lambda _: float("inf"),
        counts=counts,
        scale="response",
        sd=float(np.sqrt(left * n / (n - len(p) - 1))),
        n=n,
        model=f"cell means{adjusted}{helped} by full-information maximum likelihood; observed information",
    )


def _matrix(given: ArrayLike | None, n: int) -> Floats:
    return np.empty((n, 0)) if given is None else np.asarray(given, dtype=np.float64).reshape(n, -1)


def _refuse(y: Floats, cell: NDArray[np.int64], n_cells: int, covariates: Floats) -> None:
    known = np.bincount(cell[~np.isnan(y)], minlength=n_cells)
    empty = np.flatnonzero((known == 0) & (np.bincount(cell, minlength=n_cells) > 0))
    if empty.size:
        raise DataError(
            f"Nobody in {empty.size} of the {n_cells} cells has the outcome (positions {empty.tolist()}); its mean "
            "there cannot be estimated from other cells. Leave these cells out of the question."
        )
    gone = [j for j in range(covariates.shape[1]) if np.isnan(covariates[:, j]).all()]
    if gone:
        raise DataError(f"Covariate {gone[0] + 1} is missing in all {y.size} rows; leave it out.")


def _moments(raw: Floats) -> tuple[Floats, Floats, Floats, int]:
    """Return means, covariances, the covariance of both (lower triangle last), and rows."""
    centre, scale = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    size = raw.shape[1]
    data = Patterns.of((raw - centre) / np.where(scale > 0, scale, 1.0))
    try:
        found = expectation_maximisation(data)
        observed = spread_out(data, found.mean, found.cov, saturated_pairs(size)).observed
        variance = np.linalg.inv(data.n * observed)
    except np.linalg.LinAlgError as fault:
        raise DataError(
            "The values that are there do not determine how outcome, covariates and cells covary; use fewer covariates "
            "or more people."
        ) from fault
    outward = np.concatenate([scale, np.outer(scale, scale)[np.tril_indices(size)]])
    return (
        found.mean * scale + centre,
        found.cov * np.outer(scale, scale),
        variance * np.outer(outward, outward),
        data.n,
    )
