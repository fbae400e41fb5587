"""Least squares with a covariance of one's choice: coefficients, or the means of cells for contrasts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

from feedbackstudy.analysis.frequentist.cell_fit import CellFit, ContrastFit, JointTest
from feedbackstudy.analysis.frequentist.clustered import (
    CLUSTERED,
    Clustered,
    cluster_robust,
    few_clusters,
    independent_rows,
)
from feedbackstudy.analysis.frequentist.robust import heteroscedastic, per_cell
from feedbackstudy.errors import DataError, choices

__all__ = ["Covariance", "LinearFit", "fit_cells", "fit_linear"]

_DEPENDENT = 1e-9  # what is left of a column of length one that is a combination of the others

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Covariance = Literal["classical", "welch", "HC0", "HC1", "HC2", "HC3", "HC4"]

_COVARIANCES = ("classical", "welch", "HC0", "HC1", "HC2", "HC3", "HC4")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearFit:
    """Coefficients of least squares.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients.
    covariance : ndarray, shape (p, p)
        Their covariance.
    df : callable
        Takes weights, shape (p,), and returns the degrees of freedom of t.
    joint_test : callable
        Takes independent rows of weights, shape (q, p), and returns factor on F and denominator degrees of freedom.
    residuals : ndarray, shape (n,)
        Residuals.
    mse : float
        Residual mean square on `residual_df`.
    residual_df : int
        n - p.
    r_squared : float
        Share of the outcome's (weighted) variance about its mean.
    inverse : ndarray, shape (p, p)
        Inverse of the (weighted) cross-products of the design.
    words : str
        Covariance and degrees of freedom in words.
    notes : tuple of str
        What a reader must know.
    """

    beta: Floats
    covariance: Floats
    df: Callable[[Floats], float]
    joint_test: Callable[[Floats], tuple[float, float]]
    residuals: Floats
    mse: float
    residual_df: int
    r_squared: float
    inverse: Floats
    words: str
    notes: tuple[str, ...]

    def contrast(self, row: ArrayLike) -> ContrastFit:
        """Return a weighted sum of the coefficients.

        Parameters
        ----------
        row : array_like, shape (p,)
            Weights.

        Returns
        -------
        ContrastFit
            Estimate, standard error and degrees of freedom.
        """
        w = np.asarray(row, dtype=np.float64)
        se = float(np.sqrt(w @ self.covariance @ w))
        return ContrastFit(estimate=float(w @ self.beta), se=se, df=float(self.df(w)))

    def joint(self, rows: ArrayLike) -> JointTest:
        """Test that several weighted sums are zero together.

        Parameters
        ----------
        rows : array_like, shape (q, p)
            Linearly independent weights.

        Returns
        -------
        JointTest
            F, or Hotelling's approximation with clusters (HTZ).
        """
        C = np.atleast_2d(np.asarray(rows, dtype=np.float64))
        estimate, (factor, df2) = C @ self.beta, self.joint_test(C)
        f = float(estimate @ np.linalg.solve(C @ self.covariance @ C.T, estimate)) / len(C) * factor
        return JointTest(f=f, df=float(len(C)), df2=df2, p=float(special.fdtrc(len(C), df2, f)))


def fit_linear(
    y: ArrayLike,
    X: ArrayLike,
    *,
    vcov: Covariance = "classical",
    cluster: ArrayLike | None = None,
    clustered: Clustered | None = None,
    weights: ArrayLike | None = None,
    cell: Integers | None = None,
) -> LinearFit:
    """Fit a linear model by least squares.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    X : array_like, shape (n, p)
        Design, with its intercept or cells.
    vcov : {"classical", "welch", "HC0", "HC1", "HC2", "HC3", "HC4"}, default "classical"
        Covariance without clusters; "welch" needs `cell`.
    cluster : array_like of int, shape (n,), optional
        Cluster of each row, numbered from 0; makes the covariance cluster-robust.
    clustered : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, optional
        Its correction; CR2 by default. Degrees of freedom are Satterthwaite's in every case.
    weights : array_like, shape (n,), optional
        Positive weights, such as inverse probabilities of assignment; they need a robust covariance.
    cell : ndarray of int, shape (n,), optional
        Cell of each row, for "welch".

    Returns
    -------
    LinearFit
        Coefficients with covariance.

    Raises
    ------
    DataError
        For dependent columns, no residual degree of freedom, weights that do not fit, one cluster.
    """
    outcome, design = np.asarray(y, dtype=np.float64), np.asarray(X, dtype=np.float64)
    n, p = design.shape
    w = _weights(weights, n, robust=cluster is not None or vcov.startswith("HC"))
    if n <= p:
        raise DataError(f"{n} rows cannot estimate {p} coefficients and an error; simplify the model.")
    root = np.sqrt(w) if w is not None else np.ones(n)
    half, turned = _solved(design * root[:, None])
    constant = np.round(half @ (turned.T @ root), 12)  # the coefficients of 1: a far-away outcome is moved near 0 first
    shift = float(np.average(outcome, weights=w)) if np.allclose(design @ constant, 1.0, atol=1e-8) else 0.0
    moved = outcome - shift
    beta, inverse = half @ (turned.T @ (moved * root)), half @ half.T
    residuals = moved - design @ beta
    beta = beta + shift * constant
    rss = float((root * residuals) @ (root * residuals))
    if rss <= 1e-20 * float((root * moved) @ (root * moved)):
        raise DataError("The model fits every row exactly; there is no error left to test against.")
    centred = (outcome - np.average(outcome, weights=w)) * root
    covariance, df, joint, words, notes = _covariance(
        design, residuals, inverse, rss, vcov, cluster, clustered, w, cell
    )
    return LinearFit(
        beta=beta,
        covariance=covariance,
        df=df,
        joint_test=joint,
        residuals=residuals,
        mse=rss / (n - p),
        residual_df=n - p,
        r_squared=1 - rss / float(centred @ centred),
        inverse=inverse,
        words=words,
        notes=notes,
    )


def _solved(X: Floats) -> tuple[Floats, Floats]:
    """Return C with C C' the inverse of X'X, and XC; columns are brought to one length first."""
    norms = np.linalg.norm(X, axis=0)
    Q, R = linalg.qr(X / np.where(norms > 0, norms, 1.0), mode="economic")
    if np.abs(np.diag(R)).min() < _DEPENDENT:
        raise DataError("Columns of the model depend on each other perfectly (collinearity); leave one out.")
    return linalg.solve_triangular(R, np.eye(X.shape[1])) / norms[:, None], Q


type _Parts = tuple[Floats, Callable[[Floats], float], Callable[[Floats], tuple[float, float]], str, tuple[str, ...]]


def _covariance(
    X: Floats,
    residuals: Floats,
    inverse: Floats,
    rss: float,
    vcov: Covariance,
    cluster: ArrayLike | None,
    clustered: Clustered | None,
    w: Floats | None,
    cell: Integers | None,
) -> _Parts:
    n, p = X.shape
    if vcov not in _COVARIANCES:
        raise DataError(choices("Covariance", vcov, _COVARIANCES))
    if cluster is not None:
        return _clustered(X, residuals, np.asarray(cluster, dtype=np.int64), clustered, w)
    if vcov == "welch":
        return _welch(X, residuals, inverse, cell)
    if vcov == "classical":
        covariance, words = inverse * (rss / (n - p)), "pooled variance"
    else:
        covariance = heteroscedastic(X, residuals, inverse, vcov, weights=w)
        words = f"{vcov} covariance"
    fixed = float(n - p)
    return covariance, lambda _: fixed, lambda _: (1.0, fixed), f"{words}, n - p degrees of freedom", _weight_note(w)


def _clustered(X: Floats, residuals: Floats, cluster: Integers, kind: Clustered | None, w: Floats | None) -> _Parts:
    if kind is not None and kind not in CLUSTERED:
        raise DataError(choices("Cluster-robust covariance", kind, CLUSTERED))
    chosen = kind or "CR2"
    found = cluster_robust(X, residuals, cluster, chosen, weights=w)
    notes = _weight_note(w) + few_clusters(found.clusters, chosen)
    words = f"{chosen} covariance over {found.clusters} clusters, Satterthwaite degrees of freedom"
    return found.covariance, found.df, found.hotelling, words, notes


def _welch(X: Floats, residuals: Floats, inverse: Floats, cell: Integers | None) -> _Parts:
    if cell is None:
        raise DataError("Welch's variances belong to cells; this model has none. Use HC2 or HC3.")
    found = per_cell(X, residuals, inverse, cell)

    def joint(rows: Floats) -> tuple[float, float]:
        single = len(rows) == 1 or X.shape[1] > found.counts.size
        return (1.0, min(found.df(row) for row in rows)) if single else found.johansen(rows)

    return found.covariance, found.df, joint, "variance of each cell (Welch), Satterthwaite degrees of freedom", ()


def _weights(weights: ArrayLike | None, n: int, *, robust: bool) -> Floats | None:
    if weights is None:
        return None
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n,) or not np.isfinite(w).all() or not (w > 0).all():
        raise DataError(f"Give one positive, finite weight for each of the {n} rows; none may be zero or missing.")
    if not robust:
        raise DataError(
            "Weights by the probability of assignment make the classical covariance wrong; choose vcov 'HC2' or 'HC3', "
            "or name the cluster."
        )
    return w / w.mean()


def _weight_note(w: Floats | None) -> tuple[str, ...]:
    said = "" if w is None else f"their effective number is {w.sum() ** 2 / (w @ w):.0f} of {w.size} (Kish)."
    return (f"Rows are weighted; {said}",) if said else ()


def fit_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    covariates: ArrayLike | None = None,
    vcov: Covariance = "classical",
    cluster: ArrayLike | None = None,
    clustered: Clustered | None = None,
    weights: ArrayLike | None = None,
) -> CellFit:
    r"""Fit cell means by least squares.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Cell of each row.
    n_cells : int
        Cells, also those without rows.
    covariates : array_like, shape (n, q), optional
        Centred covariates with one slope each; the cell means are those at their mean.
    vcov : {"classical", "welch", "HC0", "HC1", "HC2", "HC3", "HC4"}, default "classical"
        Pooled variance; a variance of each cell; or a heteroscedasticity-consistent covariance.
    cluster : array_like of int, shape (n,), optional
        Cluster of each row, numbered from 0; makes the covariance cluster-robust.
    clustered : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, optional
        Its correction; CR2 by default, whatever the number of clusters.
    weights : array_like, shape (n,), optional
        Inverse probabilities of assignment; they need "HC0" to "HC4" or clusters.

    Returns
    -------
    CellFit
        Means, covariance and degrees of freedom.

    Raises
    ------
    DataError
        As `fit_linear`; also for a cell outside the range.

    Notes
    -----
    Without covariates the means are those of the rows. Joint tests: F; Johansen's with "welch"; the approximate
    Hotelling test (HTZ) with clusters. `sd` is the root of the residual mean square.
    """
    outcome, place = np.asarray(y, dtype=np.float64), np.asarray(cell, dtype=np.int64)
    if place.shape != outcome.shape or place.min() < 0 or place.max() >= n_cells:
        raise DataError(f"Give a cell from 0 to {n_cells - 1} for each of the {outcome.size} rows.")
    counts = np.bincount(place, minlength=n_cells).astype(np.int64)
    filled = np.flatnonzero(counts)
    dense = np.searchsorted(filled, place)
    slopes = np.empty((outcome.size, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    X = np.hstack([np.eye(filled.size)[dense], slopes])
    fit = fit_linear(
        outcome, X, vcov=vcov, cluster=cluster, clustered=clustered, weights=weights, cell=dense.astype(np.int64)
    )
    means, covariance = np.full(n_cells, np.nan), np.full((n_cells, n_cells), np.nan)
    means[filled] = fit.beta[: filled.size]
    covariance[np.ix_(filled, filled)] = fit.covariance[: filled.size, : filled.size]

    def padded(rows: Floats) -> Floats:
        at = np.atleast_2d(rows)[:, filled]
        return np.hstack([at, np.zeros((len(at), slopes.shape[1]))])

    adjusted = f", {slopes.shape[1]} covariate(s) at their mean" if slopes.shape[1] else ""
    return CellFit(
        means=means,
        covariance=covariance,
        df=lambda row: fit.df(padded(row)[0]),
        counts=counts,
        scale="response",
        sd=float(np.sqrt(fit.mse)),
        n=int(outcome.size),
        model=f"cell means by least squares{', weighted' * (weights is not None)}{adjusted}; {fit.words}",
        notes=fit.notes,
        joint_df=lambda rows: fit.joint_test(independent_rows(padded(rows)))[1],
        joint_scale=lambda rows: fit.joint_test(independent_rows(padded(rows)))[0],
    )
