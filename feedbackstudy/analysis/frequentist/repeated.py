"""Means of groups at repeated occasions, with the covariance of the occasions left free."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.errors import DataError

__all__ = ["fit_repeated"]

type Floats = NDArray[np.float64]


def fit_repeated(
    Y: ArrayLike, cell: ArrayLike, n_cells: int, *, covariates: ArrayLike | None = None, unequal: bool = False
) -> CellFit:
    r"""Fit the means of groups at several occasions.

    Parameters
    ----------
    Y : array_like, shape (participants, occasions)
        Outcomes, none missing.
    cell : array_like of int, shape (participants,)
        Group of each participant.
    n_cells : int
        Groups, each with a participant.
    covariates : array_like, shape (participants, q), optional
        Centred covariates, with slopes of their own at each occasion.
    unequal : bool, default False
        Let the covariance of the occasions differ between groups (Welch); not with covariates.

    Returns
    -------
    CellFit
        Over group x occasion, occasions fastest. t of a contrast is exact where its weights are a product of weights
        over groups and over occasions.

    Raises
    ------
    DataError
        For a group without participants (two with `unequal`), no error degree of freedom, or `unequal` with covariates.

    Notes
    -----
    Multivariate linear model :math:`Y = XB + E`: :math:`\mathrm{Cov}(\mathrm{vec}\, B') = (X'X)^{-1} \otimes S`, on
    :math:`N - p` degrees of freedom; no sphericity is assumed. Unequal: :math:`S_g / n_g` and Satterthwaite's degrees
    of freedom.
    """
    outcomes, group = np.asarray(Y, dtype=np.float64), np.asarray(cell, dtype=np.int64)
    n, k = outcomes.shape
    slopes = np.empty((n, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    counts = np.bincount(group, minlength=n_cells).astype(np.int64)
    if (counts < (2 if unequal else 1)).any():
        raise DataError(f"Group {int(counts.argmin())} holds {int(counts.min())} participant(s), which is too few.")
    if unequal and slopes.shape[1]:
        raise DataError("Welch's covariances of occasions are not available with covariates; leave one of them out.")
    X = np.hstack([np.eye(n_cells)[group], slopes])
    left = n - X.shape[1]
    if left < 1 or np.linalg.matrix_rank(X) < X.shape[1]:
        raise DataError(f"{n} participants cannot estimate {X.shape[1]} groups and slopes, and an error.")
    B = np.linalg.lstsq(X, outcomes, rcond=None)[0]
    E = outcomes - X @ B
    pooled = E.T @ E / left
    words = "covariance of occasions free, n - p degrees of freedom"
    if unequal:
        covariance, words = _unequal(E, group, counts), "covariance of occasions free in each group, Satterthwaite"
    else:
        covariance = np.kron(np.linalg.inv(X.T @ X)[:n_cells, :n_cells], pooled)
    adjusted = f", {slopes.shape[1]} covariate(s) at their mean" if slopes.shape[1] else ""

    def df(row: Floats) -> float:
        if not unequal:
            return float(left)
        blocks = covariance.reshape(n_cells, k, n_cells, k)
        parts = np.array([w @ blocks[g, :, g] @ w for g, w in enumerate(row.reshape(n_cells, k))])
        return float(parts.sum() ** 2 / (parts**2 / (counts - 1)).sum())

    return CellFit(
        means=B[:n_cells].ravel(),
        covariance=covariance,
        df=df,
        counts=np.repeat(counts, k),
        scale="response",
        sd=float(np.sqrt(np.trace(pooled) / k)),
        n=n * k,
        model=f"means of groups at occasions{adjusted}; {words}",
    )


def _unequal(E: Floats, group: NDArray[np.int64], counts: NDArray[np.int64]) -> Floats:
    k = E.shape[1]
    covariance = np.zeros((counts.size * k, counts.size * k))
    for g, n in enumerate(counts):
        own = E[group == g]
        covariance[g * k : (g + 1) * k, g * k : (g + 1) * k] = own.T @ own / (n - 1) / n
    return covariance
