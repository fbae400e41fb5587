"""Contrasts of whole clusters where the variance between clusters is estimated as zero."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns, cell_fit_of
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed
from feedbackstudy.errors import DataError

__all__ = ["NO_UNITS", "assigned_cells", "compares_clusters", "mean_square_between"]

NO_UNITS = ("participant", "exemplar")
"""Random factors that are no units: nobody is assigned by them."""


def compares_clusters(weights: ArrayLike, cell: ArrayLike, groups: Mapping[str, NDArray[np.int64]]) -> bool:
    """Say whether all contrasts compare whole clusters: no cluster has rows on both sides of one of them.

    Parameters
    ----------
    weights : array_like, shape (contrasts, cells)
        Weights over the cells.
    cell : array_like of int, shape (n,)
        Cell of each row.
    groups : mapping of str to ndarray of int, shape (n,)
        Random factors; level of each row, -1 for none.

    Returns
    -------
    bool
        Never with several random factors, nor where the only one is the person or the exemplar.
    """
    if len(groups) != 1 or next(iter(groups)) in NO_UNITS:
        return False
    codes = np.asarray(next(iter(groups.values())))
    if codes.size == 0 or codes.min() < 0:
        return False
    sides = np.atleast_2d(np.asarray(weights, dtype=np.float64))[:, np.asarray(cell)]
    k = int(codes.max()) + 1
    return all(
        (side > 0).any()
        and (side < 0).any()
        and not (np.bincount(codes[side > 0], minlength=k) * np.bincount(codes[side < 0], minlength=k)).any()
        for side in sides
    )


def mean_square_between(y: Floats, X: Floats, codes: NDArray[np.int64]) -> tuple[float, int]:
    r"""Return the mean square between clusters, adjusted for the fixed columns.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Fixed columns.
    codes : ndarray of int, shape (n,)
        Cluster of each row, from 0.

    Returns
    -------
    tuple of (float, int)
        :math:`r'S^{-}r / q` and q, the rank of S, with :math:`S = Z'MZ`, :math:`r = Z'My` and M the projection off X.
    """
    turned, _ = np.linalg.qr(X)
    sums = np.zeros((int(codes.max()) + 1, X.shape[1] + 1))
    np.add.at(sums, codes, np.column_stack([turned, y - turned @ (turned.T @ y)]))
    s = np.diag(np.bincount(codes).astype(np.float64)) - sums[:, :-1] @ sums[:, :-1].T
    values, vectors = np.linalg.eigh(s)
    used = values > 1e-9 * max(float(values[-1]), 1.0)
    seen = vectors[:, used].T @ sums[:, -1]
    df = int(used.sum())
    return (float((seen**2 / values[used]).sum()) / df if df else float("nan")), df


def assigned_cells(
    y: ArrayLike, cell: ArrayLike, n_cells: int, covariates: ArrayLike | None, groups: Mapping[str, NDArray[np.int64]]
) -> CellFit:
    r"""Fit cell means for contrasts of whole clusters.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome, finite.
    cell : array_like of int, shape (n,)
        Cell of each row.
    n_cells : int
        Cells of the design.
    covariates : array_like, shape (n, q), or None
        Centred covariates.
    groups : mapping of str to ndarray of int, shape (n,)
        The clusters, one entry.

    Returns
    -------
    CellFit
        Of the mixed model; where its variance between clusters is zero, of least squares with the mean square between
        clusters as error, and a note.

    Raises
    ------
    DataError
        Where the data cannot carry the random effect, columns depend on each other, or each condition has one cluster.

    Notes
    -----
    REML holds a variance at zero where clusters differ less than chance would have it. The error of a comparison of
    clusters is then too large on average, and its test rejects too rarely. The test of nested analysis of variance has
    no such limit: :math:`l'b / \sqrt{MS_b\, l'(X'X)^{-1}l}` with t on the degrees of freedom of the mean square
    between clusters. With clusters of one size it is the t test of the clusters' means, and REML with compound symmetry
    (``nlme::gls`` with ``corCompSymm``), whose correlation may be negative.
    """
    outcome = np.asarray(y, dtype=np.float64)
    X, counts = cell_columns(cell, n_cells, covariates)
    name, codes = next(iter(groups.items()))
    factor = RandomFactor.of(name, codes)
    fit = fit_mixed(outcome, X, [factor])
    mixed = cell_fit_of(fit, counts, df="satterthwaite")
    square, df = mean_square_between(outcome, X, factor.codes)
    if not df:
        raise DataError(
            f"{factor.levels} levels of {name} are compared with as many fixed effects that differ between them: a "
            f"difference between conditions cannot be told from one between levels of {name}. Assign more of them."
        )
    if not fit.singular or not square > 0:
        return mixed
    note = (
        f"The variance between levels of {name} is estimated as zero (clusters differ less than by chance). Whole "
        "clusters are compared, so the error is the mean square between clusters, not the residual variance that "
        "lmer would take: the t test of clusters' means where clusters have one size."
    )
    return replace(
        mixed,
        covariance=mixed.covariance * (square / fit.sigma2),
        df=lambda _: float(df),
        joint_df=lambda _: float(df),
        model=f"least squares with the mean square between {name} clusters ({factor.levels}) as error, in place of a "
        f"linear mixed model (REML) with random {name} whose variance is zero",
        notes=(note, *(each for each in mixed.notes if "singular" not in each)),
    )
