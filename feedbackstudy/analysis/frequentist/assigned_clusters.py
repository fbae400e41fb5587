"""Contrasts of whole clusters where the variance between clusters is estimated as zero."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.frequentist.cell_fit import CellFit
from feedbackstudy.analysis.frequentist.mixed_cells import cell_columns, cell_fit_of
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.analysis.frequentist.reml import SINGULAR_SD, fit_mixed
from feedbackstudy.errors import DataError

__all__ = [
    "NO_UNITS",
    "assigned_cells",
    "compares_clusters",
    "independent_unit",
    "mean_square_between",
    "outermost",
]

NO_UNITS = ("participant", "exemplar")
"""Random factors that are no units: nobody is assigned by them."""


def outermost(groups: Mapping[str, NDArray[np.int64]]) -> str | None:
    """Return the unit that contains all others, where the random factors are units nested in each other.

    Parameters
    ----------
    groups : mapping of str to ndarray of int, shape (n,)
        Random factors; level of each row, -1 for none.

    Returns
    -------
    str or None
        None where there is no factor, a person or an exemplar among them, a row of no level, or a crossing.
    """
    codes = {name: np.asarray(levels) for name, levels in groups.items()}
    if not codes or set(codes) & set(NO_UNITS) or any(each.size == 0 or each.min() < 0 for each in codes.values()):
        return None
    chain = sorted(codes, key=lambda name: int(codes[name].max()))
    for outer, inner in pairwise(chain):
        first = np.zeros(int(codes[inner].max()) + 1, dtype=np.int64)
        first[codes[inner]] = codes[outer]
        if (first[codes[inner]] != codes[outer]).any():
            return None
    return chain[0]


def independent_unit(groups: Mapping[str, NDArray[np.int64]], among: Collection[str] = ()) -> str | None:
    """Return the random factor whose levels are taken as independent where only one can be.

    Parameters
    ----------
    groups : mapping of str to ndarray of int, shape (n,)
        Random factors; level of each row, -1 for none.
    among : collection of str
        Names that are chosen from, such as the units that conditions were assigned to; all where none of them is there.

    Returns
    -------
    str or None
        The factor that contains most others, then that with the fewest levels. Exemplars only where there is nothing
        else: they are crossed with people.
    """
    codes = {name: np.asarray(levels) for name, levels in groups.items() if name != "exemplar"} or dict(groups)
    levels = {name: int(each.max()) + 1 for name, each in codes.items()}

    def contains(outer: str, inner: str) -> bool:
        both = np.unique(np.column_stack([codes[inner], codes[outer]]), axis=0)
        return len(both) == len(np.unique(both[:, 0]))

    contained = {name: sum(contains(name, other) for other in codes) for name in codes}
    return min(set(among) & set(codes) or codes, key=lambda name: (-contained[name], levels[name], name), default=None)


def compares_clusters(weights: ArrayLike, cell: ArrayLike, groups: Mapping[str, NDArray[np.int64]]) -> bool:
    """Say whether all contrasts compare whole clusters: no cluster has rows on both sides of one of them.

    Parameters
    ----------
    weights : array_like, shape (contrasts, cells)
        Weights over the cells.
    cell : array_like of int, shape (n,)
        Cell of each row.
    groups : mapping of str to ndarray of int, shape (n,)
        Random factors; level of each row, -1 for none. Of nested units the clusters are the outermost.

    Returns
    -------
    bool
        Never where a random factor is the person or the exemplar, or where factors are crossed.
    """
    name = outermost(groups)
    if name is None:
        return False
    codes = np.asarray(groups[name])
    sides = np.atleast_2d(np.asarray(weights, dtype=np.float64))[:, np.asarray(cell)]
    k = int(codes.max()) + 1
    return all(
        (side > 0).any()
        and (side < 0).any()
        and not (np.bincount(codes[side > 0], minlength=k) * np.bincount(codes[side < 0], minlength=k)).any()
        for side in sides
    )


def mean_square_between(
    y: Floats, X: Floats, codes: NDArray[np.int64], *, inner: Sequence[tuple[NDArray[np.int64], float]] = ()
) -> tuple[float, int]:
    r"""Return the mean square between clusters, adjusted for the fixed columns.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Fixed columns.
    codes : ndarray of int, shape (n,)
        Cluster of each row, from 0.
    inner : sequence of (ndarray of int, float)
        Units nested in the clusters: unit of each row, from 0, and their variance relative to the residual one.

    Returns
    -------
    tuple of (float, int)
        :math:`r'S^{-}r / q` and q, the rank of S, with :math:`S = Z'PZ`, :math:`r = Z'Py`,
        :math:`P = V^{-1} - V^{-1}X(X'V^{-1}X)^{-1}X'V^{-1}` and V the identity and what `inner` adds to it.
    """
    turned, _ = np.linalg.qr(X)
    columns = np.column_stack([turned, y - turned @ (turned.T @ y)])
    groups = [codes, *(levels for levels, _ in inner)]
    ends = np.cumsum([0, *(int(levels.max()) + 1 for levels in groups)])
    sums, s = np.zeros((ends[-1], columns.shape[1])), np.zeros((ends[-1], ends[-1]))
    for at, levels in zip(ends[:-1], groups, strict=True):
        np.add.at(sums, levels + at, columns)
        for beside, others in zip(ends[:-1], groups, strict=True):
            np.add.at(s, (levels + at, others + beside), 1.0)
    s, r, k = s - sums[:, :-1] @ sums[:, :-1].T, sums[:, -1], int(ends[1])
    if inner:
        ratio = np.repeat([0.0, *(each for _, each in inner)], np.diff(ends))
        solved = np.linalg.solve(np.eye(ends[-1]) + s * ratio, np.column_stack([s, r]))
        s, r = solved[:, :-1], solved[:, -1]
    values, vectors = np.linalg.eigh((s[:k, :k] + s[:k, :k].T) / 2)
    used = values > 1e-9 * max(float(values[-1]), 1.0)
    seen = vectors[:, used].T @ r[:k]
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
        The clusters, and units nested in them.

    Returns
    -------
    CellFit
        Of the mixed model; where its variance between the outermost clusters is zero, with the mean square between
        these as error, and a note.

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
    (``nlme::gls`` with ``corCompSymm``), whose correlation may be negative. Where other units are nested in the
    clusters, X and the mean square are weighted by their variances as REML estimates them; with one number of units and
    of people in each, this is again the F of nested analysis of variance, and the t test of the clusters' means.
    """
    outcome = np.asarray(y, dtype=np.float64)
    X, counts = cell_columns(cell, n_cells, covariates)
    name = outermost(groups)
    if name is None:
        raise DataError(
            f"{', '.join(groups)}: no units nested in each other, of which the outermost could be compared."
        )
    factors = [RandomFactor.of(each, levels) for each, levels in groups.items()]
    fit = fit_mixed(outcome, X, factors)
    mixed = cell_fit_of(fit, counts, df="satterthwaite")
    ratio = {part.factor: float(part.covariance[0, 0]) / fit.sigma2 for part in fit.components}
    (factor,) = (each for each in factors if each.name == name)
    inner = [(each.codes, ratio[each.name]) for each in factors if each is not factor]
    square, df = mean_square_between(outcome, X, factor.codes, inner=inner)
    if not df:
        raise DataError(
            f"{factor.levels} levels of {name} are compared with as many fixed effects that differ between them: a "
            f"difference between conditions cannot be told from one between levels of {name}. Assign more of them."
        )
    if ratio[name] >= SINGULAR_SD**2 or not square > 0:
        return mixed
    beside = f", with random {', '.join(each.name for each in factors if each is not factor)}" if inner else ""
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
        model=f"{'weighted ' if inner else ''}least squares with the mean square between {name} clusters "
        f"({factor.levels}) as error{beside}, in place of a linear mixed model (REML) with random {name} whose "
        "variance is zero",
        notes=(note, *(each for each in mixed.notes if "singular" not in each)),
    )
