"""Generalised estimating equations with standard errors that are corrected for few clusters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.adapters.statsmodels_gee import Family, Structure, gee
from feedbackstudy.analysis.frequentist.cell_fit import CellFit, ContrastFit, Scale
from feedbackstudy.analysis.frequentist.clustered import FEW_CLUSTERS, Clustered, ClusterRobust, cluster_robust
from feedbackstudy.analysis.frequentist.separation import refuse_separation
from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["CORRECTIONS", "Correction", "EstimatingFit", "fit_estimating_equations", "fit_gee_cells"]

type Floats = NDArray[np.float64]
type Correction = Literal["kauermann-carroll", "mancl-derouen", "none"]

CORRECTIONS: dict[str, Clustered] = {"kauermann-carroll": "CR2", "mancl-derouen": "CR3", "none": "CR0"}
"""Corrections of the sandwich; on rows whitened by the working covariance they are CR2, CR3 and CR0."""

_SCALES: dict[str, Scale] = {"gaussian": "response", "binomial": "log odds", "poisson": "log rate"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EstimatingFit:
    """Coefficients of generalised estimating equations.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients on the scale of the link.
    robust : ClusterRobust
        Their covariance, with degrees of freedom for any contrast.
    correlation : float
        Working correlation within clusters.
    dispersion : float
        Scale parameter.
    notes, failures : tuple of str
        What a reader must know, and what stands against reporting.
    """

    beta: Floats
    robust: ClusterRobust
    correlation: float
    dispersion: float
    notes: tuple[str, ...]
    failures: tuple[str, ...]

    def contrast(self, row: ArrayLike) -> ContrastFit:
        """Return a weighted sum of the coefficients.

        Parameters
        ----------
        row : array_like, shape (p,)
            Weights.

        Returns
        -------
        ContrastFit
            With Satterthwaite degrees of freedom.
        """
        w = np.asarray(row, dtype=np.float64)
        se = float(np.sqrt(w @ self.robust.covariance @ w))
        return ContrastFit(estimate=float(w @ self.beta), se=se, df=self.robust.df(w))


def fit_estimating_equations(
    y: ArrayLike,
    X: ArrayLike,
    cluster: ArrayLike,
    *,
    family: Family = "gaussian",
    structure: Structure = "exchangeable",
    correction: Correction = "kauermann-carroll",
    names: Sequence[str] = (),
) -> EstimatingFit:
    r"""Fit generalised estimating equations.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    X : array_like, shape (n, p)
        Design.
    cluster : array_like of int, shape (n,)
        Cluster of each row, numbered from 0.
    family : {"gaussian", "binomial", "poisson"}, default "gaussian"
        Distribution, with canonical link.
    structure : {"exchangeable", "independence"}, default "exchangeable"
        Working correlation within clusters.
    correction : {"kauermann-carroll", "mancl-derouen", "none"}, default "kauermann-carroll"
        Small-sample correction of the sandwich.
    names : sequence of str
        Names of the columns, for messages; their positions where left out.

    Returns
    -------
    EstimatingFit
        Coefficients by statsmodels; covariance and degrees of freedom by `cluster_robust` on whitened rows.

    Raises
    ------
    DataError
        For fewer than two clusters, an outcome outside the family, dependent columns, separation (a coefficient without
        a finite estimate), or a working correlation at its bound.
    NotFoundError
        For an unknown family, structure or correction.

    Notes
    -----
    Liang & Zeger (1986), Biometrika 73, 13-22; Kauermann & Carroll (2001), Journal of the American Statistical
    Association 96, 1387-1396; Mancl & DeRouen (2001), Biometrics 57, 126-134. With
    :math:`\tilde D = V^{-1/2} D` and :math:`\tilde r = V^{-1/2} r` the corrected sandwiches are CR2 and CR3, as
    :math:`(I - H)^{-1/2}` is similar to its symmetric form.
    """
    outcome, design = np.asarray(y, dtype=np.float64), np.asarray(X, dtype=np.float64)
    group = np.asarray(cluster, dtype=np.int64)
    _checked(outcome, family, structure, correction)
    clusters = int(group.max()) + 1
    if clusters < 2:
        raise DataError("There is one cluster; estimating equations need at least two, and better forty.")
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError("Columns of the model depend on each other perfectly (collinearity); leave one out.")
    offer = "use analysis.logistic with firth=True and cluster=, " if family == "binomial" else ""
    refuse_separation(outcome, design, names, family, offer=offer)
    order = np.argsort(group, kind="stable")
    found = gee(outcome[order], design[order], group[order], family, structure)
    mean, slope = _mean(design @ found.params, family)
    sizes = np.bincount(group)
    if found.correlation <= -1 / (sizes.max() - 1) if sizes.max() > 1 else False:
        raise DataError(f"The working correlation {found.correlation:.3f} has no valid covariance; use 'independence'.")
    # variance function and dispersion: the covariance does not depend on the dispersion, as it scales both sides
    half = 1 / np.sqrt(np.maximum(_variance(mean, family), 1e-300))
    D = _whitened(design * (slope * half)[:, None], group, found.correlation)
    r = _whitened(((outcome - mean) * half)[:, None], group, found.correlation)[:, 0]
    notes: tuple[str, ...] = ()
    if clusters < FEW_CLUSTERS:
        done = "corrected for it" if correction != "none" else "not corrected for it"
        notes = (f"{clusters} clusters are few; standard errors are {done}, with Satterthwaite degrees of freedom.",)
    failures = () if found.converged else ("the estimating equations did not converge",)
    return EstimatingFit(
        beta=found.params,
        robust=cluster_robust(D, r, group, CORRECTIONS[correction]),
        correlation=found.correlation,
        dispersion=found.scale,
        notes=notes,
        failures=failures,
    )


def _checked(y: Floats, family: str, structure: str, correction: str) -> None:
    if family not in _SCALES:
        raise NotFoundError(choices("Family", family, _SCALES))
    if structure not in ("exchangeable", "independence"):
        raise NotFoundError(choices("Working correlation", structure, ("exchangeable", "independence")))
    if correction not in CORRECTIONS:
        raise NotFoundError(choices("Correction", correction, CORRECTIONS))
    if family == "binomial" and not np.isin(y, (0, 1)).all():
        raise DataError(f"A binomial outcome is 0 or 1; given {np.unique(y)[:6].tolist()}.")
    if family == "poisson" and ((y < 0).any() or (y != np.floor(y)).any()):
        raise DataError("A Poisson outcome is a count: whole and not negative.")


def _mean(eta: Floats, family: str) -> tuple[Floats, Floats]:
    """Return the means and their slopes on the linear predictor."""
    if family == "gaussian":
        return eta, np.ones_like(eta)
    if family == "poisson":
        return np.exp(eta), np.exp(eta)
    p = special.expit(eta)
    return p, p * (1 - p)


def _variance(mean: Floats, family: str) -> Floats:
    functions: dict[str, Callable[[Floats], Floats]] = {
        "gaussian": np.ones_like,
        "binomial": lambda m: m * (1 - m),
        "poisson": lambda m: m,
    }
    return functions[family](mean)


def _whitened(columns: Floats, group: NDArray[np.int64], correlation: float) -> Floats:
    """Return the inverse root of an exchangeable correlation times columns, cluster by cluster."""
    sizes = np.bincount(group)
    means = np.stack([np.bincount(group, column) for column in columns.T], axis=1) / sizes[:, None]
    inside = columns - means[group]
    between = means / np.sqrt(1 - correlation + sizes * correlation)[:, None]
    return np.asarray(inside / np.sqrt(1 - correlation) + between[group], dtype=np.float64)


def fit_gee_cells(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    covariates: ArrayLike | None,
    cluster: ArrayLike,
    *,
    family: Family = "gaussian",
    structure: Structure = "exchangeable",
    correction: Correction = "kauermann-carroll",
) -> CellFit:
    """Fit cell means by generalised estimating equations.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Cell of each row.
    n_cells : int
        Cells, also those without rows.
    covariates : array_like, shape (n, q), or None
        Centred covariates.
    cluster : array_like of int, shape (n,)
        Cluster of each row.
    family : {"gaussian", "binomial", "poisson"}, default "gaussian"
        Distribution, with canonical link.
    structure : {"exchangeable", "independence"}, default "exchangeable"
        Working correlation.
    correction : {"kauermann-carroll", "mancl-derouen", "none"}, default "kauermann-carroll"
        Small-sample correction.

    Returns
    -------
    CellFit
        Population-averaged means on the scale of the link.

    Raises
    ------
    DataError
        As `fit_estimating_equations`; also for separation: a cell in which nobody or everybody has the event.
    """
    outcome, place = np.asarray(y, dtype=np.float64), np.asarray(cell, dtype=np.int64)
    counts = np.bincount(place, minlength=n_cells).astype(np.int64)
    filled = np.flatnonzero(counts)
    _separated(outcome, place, filled, family)
    slopes = np.empty((outcome.size, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    X = np.hstack([np.eye(filled.size)[np.searchsorted(filled, place)], slopes])
    fit = fit_estimating_equations(outcome, X, cluster, family=family, structure=structure, correction=correction)
    means, covariance = np.full(n_cells, np.nan), np.full((n_cells, n_cells), np.nan)
    means[filled] = fit.beta[: filled.size]
    covariance[np.ix_(filled, filled)] = fit.robust.covariance[: filled.size, : filled.size]

    def padded(rows: Floats) -> Floats:
        at = np.atleast_2d(rows)[:, filled]
        _, values, right = np.linalg.svd(at, full_matrices=False)
        at = right[values > 1e-10 * values[0]] if len(at) > 1 else at
        return np.hstack([at, np.zeros((len(at), slopes.shape[1]))])

    return CellFit(
        means=means,
        covariance=covariance,
        df=lambda row: fit.robust.df(padded(row)[0]),
        counts=counts,
        scale=_SCALES[family],
        sd=float(np.sqrt(fit.dispersion)) if family == "gaussian" else None,
        n=int(outcome.size),
        model=(
            f"generalised estimating equations, {family}, {structure} working correlation {fit.correlation:.3f}; "
            f"{correction} covariance over {fit.robust.clusters} clusters, Satterthwaite degrees of freedom"
        ),
        notes=fit.notes,
        failures=fit.failures,
        joint_df=lambda rows: fit.robust.hotelling(padded(rows))[1],
        joint_scale=lambda rows: fit.robust.hotelling(padded(rows))[0],
    )


def _separated(y: Floats, cell: NDArray[np.int64], filled: NDArray[np.int64], family: str) -> None:
    if family == "gaussian":
        return
    totals = np.bincount(cell, y)[filled]
    counts = np.bincount(cell)[filled]
    bad = (totals == 0) | ((totals == counts) if family == "binomial" else np.zeros(filled.size, dtype=np.bool_))
    if bad.any():
        raise DataError(
            f"In cell {int(filled[bad.argmax()])} nobody or everybody has the event (separation), so its log has no "
            "finite estimate; use the Bayesian engine, or Firth's or an exact method."
        )
