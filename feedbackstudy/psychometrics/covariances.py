"""Covariances and correlations of checked answers, listwise or pairwise."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError, choices
from feedbackstudy.psychometrics.matrix import Matrix

__all__ = ["correlation", "covariance", "refuse_singular"]

_COLLINEAR = 1e-10  # smallest eigenvalue of a correlation matrix that still counts as positive


def covariance(matrix: Matrix, *, missing: str = "listwise") -> NDArray[np.float64]:
    """Return the covariance matrix with divisor n - 1.

    Parameters
    ----------
    matrix : Matrix
        Checked answers.
    missing : {"listwise", "pairwise"}
        Rows used; pairwise takes each covariance from the people who answered both items.

    Returns
    -------
    ndarray of shape (n_items, n_items)
        Covariances.
    """
    if missing not in {"listwise", "pairwise"}:
        raise DataError(choices("Missing rule", missing, ("listwise", "pairwise")))
    values = matrix.answers
    if missing == "listwise" or not np.isnan(values).any():
        values = matrix.complete.answers
        centred = values - values.mean(axis=0)
        return np.asarray(centred.T @ centred / (len(values) - 1))
    seen = (~np.isnan(values)).astype(np.float64)
    filled = np.where(seen > 0, values - np.nanmean(values, axis=0), 0.0)
    n = seen.T @ seen
    if (n < 2).any():
        i, j = (int(at) for at in np.argwhere(n < 2)[0])
        raise DataError(f"Fewer than two people answered both {matrix.items[i]!r} and {matrix.items[j]!r}.")
    sums = filled.T @ seen
    return np.asarray((filled.T @ filled - sums * sums.T / n) / (n - 1))


def correlation(matrix: Matrix, *, missing: str = "listwise", invertible: bool = False) -> NDArray[np.float64]:
    """Return the Pearson correlation matrix.

    Parameters
    ----------
    matrix : Matrix
        Checked answers.
    missing : {"listwise", "pairwise"}
        Rows used; pairwise takes each correlation with the means and variances of the people who answered both.
    invertible : bool, default False
        Refuse a singular matrix and name the items that make it so.

    Returns
    -------
    ndarray of shape (n_items, n_items)
        Correlations with a unit diagonal.

    Raises
    ------
    DataError
        Where `invertible` is asked for and the items are collinear.
    """
    if missing == "pairwise" and np.isnan(matrix.answers).any():
        R = _pairwise_correlation(matrix)
    else:
        S = covariance(matrix, missing=missing)
        sd = np.sqrt(np.diag(S))
        _refuse_zero(sd, matrix.items)
        R = S / np.outer(sd, sd)
    np.fill_diagonal(R, 1.0)
    if invertible:
        refuse_singular(R, matrix.items)
    return R


def _refuse_zero(sd: NDArray[np.float64], items: tuple[str, ...]) -> None:
    if (sd <= 0).any():
        raise DataError(
            f"Item {items[int(np.argmin(sd))]!r} is constant among the people with complete answers; leave it out "
            'or use missing="pairwise".'
        )


def _pairwise_correlation(matrix: Matrix) -> NDArray[np.float64]:
    values = matrix.answers
    seen = (~np.isnan(values)).astype(np.float64)
    x = np.where(seen > 0, values - np.nanmean(values, axis=0), 0.0)
    n = seen.T @ seen
    sums, squares = x.T @ seen, (x * x).T @ seen
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = squares - sums**2 / n
        R = (x.T @ x - sums * sums.T / n) / np.sqrt(variance * variance.T)
    if not np.isfinite(R).all():
        i, j = (int(at) for at in np.argwhere(~np.isfinite(R))[0])
        raise DataError(
            f"No correlation of {matrix.items[i]!r} and {matrix.items[j]!r} exists: among the people who answered "
            "both, one of them is constant or fewer than two answered."
        )
    return np.asarray(R)


def refuse_singular(R: NDArray[np.float64], items: tuple[str, ...]) -> None:
    """Refuse a correlation matrix that cannot be inverted, naming the items involved.

    Parameters
    ----------
    R : ndarray
        Correlation matrix.
    items : tuple of str
        Item names.

    Raises
    ------
    DataError
        Where the smallest eigenvalue is not positive.
    """
    roots, vectors = np.linalg.eigh(R)
    if roots[0] > _COLLINEAR:
        return
    involved = [name for name, weight in zip(items, np.abs(vectors[:, 0]), strict=True) if weight > 0.05]
    raise DataError(
        f"The items are collinear (smallest eigenvalue of their correlation matrix {roots[0]:.1e}): a weighted sum of "
        f"{', '.join(involved)} is constant, or the matrix is not positive definite. Leave one of these items out "
        "(a copied item, a total among its parts, or fewer people than items)."
    )
