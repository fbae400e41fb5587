"""Extraction of common factors from a correlation matrix: maximum likelihood, minres, principal axis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from feedbackstudy.errors import DataError, InputError, choices

__all__ = ["EXTRACTIONS", "Extraction", "extract", "refuse_too_many", "squared_multiple_correlations"]

type Floats = NDArray[np.float64]

EXTRACTIONS = ("ml", "minres", "pa")
_LOWEST = 0.005  # smallest unique variance allowed, as in R's factanal; an item that lies on it is a Heywood case
_PA_STEPS = 5000
_PA_CLOSE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """Unrotated common factors.

    Attributes
    ----------
    loadings : ndarray of shape (n_items, n_factors)
        Loadings, factors by falling variance.
    uniquenesses : ndarray of shape (n_items,)
        Unique variances.
    at_boundary : ndarray of bool, shape (n_items,)
        Items without unique variance: Heywood cases.
    converged : bool
        Whether the search ended at an optimum.
    iterations : int
        Steps taken.
    """

    loadings: Floats
    uniquenesses: Floats
    at_boundary: NDArray[np.bool_]
    converged: bool
    iterations: int


def squared_multiple_correlations(R: Floats) -> Floats:
    """Return each item's squared multiple correlation with all others.

    Parameters
    ----------
    R : ndarray
        Correlation matrix that can be inverted.

    Returns
    -------
    ndarray
        One value an item.
    """
    return np.asarray(1.0 - 1.0 / np.diag(np.linalg.inv(R)))


def extract(R: Floats, n_factors: int, *, method: str) -> Extraction:
    r"""Extract common factors.

    Parameters
    ----------
    R : ndarray of shape (n_items, n_items)
        Correlation matrix.
    n_factors : int
        How many.
    method : {"ml", "minres", "pa"}
        Maximum likelihood, minimum residuals (unweighted least squares), or iterated principal axis.

    Returns
    -------
    Extraction
        Loadings and uniquenesses.

    Raises
    ------
    InputError
        For an unknown method.

    Notes
    -----
    ML: the discrepancy is minimised over the uniquenesses alone, since given them the loadings follow from the
    eigenvectors of :math:`\Psi^{-1/2}R\Psi^{-1/2}` (Jöreskog 1967). Minres: likewise with the eigenvectors of
    :math:`R-\Psi` (Harman & Jones 1966); its optimum is also that of iterated principal axis.
    """
    if method not in EXTRACTIONS:
        raise InputError(choices("Extraction", method, EXTRACTIONS))
    start = np.clip(1.0 - squared_multiple_correlations(R), 0.05, 0.95) * (1.0 - 0.5 * n_factors / len(R))
    if method == "pa":
        return _principal_axis(R, n_factors)
    target = _likelihood if method == "ml" else _least_squares
    found = minimize(
        target,
        np.clip(start, _LOWEST * 2, 1.0),
        args=(R, n_factors),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LOWEST, 1.0)] * len(R),
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000, "maxcor": 20},
    )
    psi = np.asarray(found.x)
    # A stop for lack of further decrease at rounding level is an optimum too, if the free gradient is nil.
    free = (psi > _LOWEST * 1.0001) & (psi < 1.0)
    slope = float(np.abs(np.asarray(found.jac)[free]).max()) if free.any() else 0.0
    make = _ml_loadings if method == "ml" else _reduced_loadings
    return Extraction(
        loadings=make(R, psi, n_factors),
        uniquenesses=psi,
        at_boundary=psi <= _LOWEST * 1.0001,
        converged=bool(found.success or slope < 1e-5) and slope < 1e-4,
        iterations=int(found.nit),
    )


def _likelihood(psi: Floats, R: Floats, m: int) -> tuple[float, Floats]:
    root = np.sqrt(psi)
    values, vectors = np.linalg.eigh(R / np.outer(root, root))
    rest = values[:-m]
    value = float(-(np.log(rest) - rest).sum() - len(rest))
    loadings = root[:, None] * vectors[:, -m:] * np.sqrt(np.maximum(values[-m:] - 1.0, 0.0))
    fitted = loadings @ loadings.T + np.diag(psi) - R
    return value, np.diag(fitted) / psi**2


def _ml_loadings(R: Floats, psi: Floats, m: int) -> Floats:
    root = np.sqrt(psi)
    values, vectors = np.linalg.eigh(R / np.outer(root, root))
    strength = np.sqrt(np.maximum(values[::-1][:m] - 1.0, 0.0))
    return np.asarray(root[:, None] * vectors[:, ::-1][:, :m] * strength)


def _least_squares(psi: Floats, R: Floats, m: int) -> tuple[float, Floats]:
    values, vectors = np.linalg.eigh(R - np.diag(psi))
    kept = np.maximum(values[-m:], 0.0)
    residual = R - np.diag(psi) - (vectors[:, -m:] * kept) @ vectors[:, -m:].T
    return 0.5 * float((residual**2).sum()), -np.diag(residual)


def _reduced_loadings(R: Floats, psi: Floats, m: int) -> Floats:
    values, vectors = np.linalg.eigh(R - np.diag(psi))
    return np.asarray(vectors[:, ::-1][:, :m] * np.sqrt(np.maximum(values[::-1][:m], 0.0)))


def _principal_axis(R: Floats, m: int) -> Extraction:
    h2 = squared_multiple_correlations(R)
    step, change = 0, np.inf
    while step < _PA_STEPS and change >= _PA_CLOSE:
        step += 1
        loadings = _reduced_loadings(R, 1.0 - h2, m)
        new = (loadings**2).sum(axis=1)
        change = float(np.abs(new - h2).max())
        h2 = np.minimum(new, 1.0 - _LOWEST)
    return Extraction(
        loadings=loadings,
        uniquenesses=1.0 - h2,
        at_boundary=h2 >= 1.0 - _LOWEST * 1.0001,
        converged=change < _PA_CLOSE,
        iterations=step,
    )


def refuse_too_many(k: int, m: int) -> None:
    """Refuse a number of factors that the correlations cannot settle.

    Parameters
    ----------
    k, m : int
        Items and factors.

    Raises
    ------
    DataError
        Where the model has negative degrees of freedom.
    """
    if m < 1:
        raise DataError(f"{m} factors asked for; extract at least one.")
    if (k - m) ** 2 < k + m:
        most = max((j for j in range(1, k) if (k - j) ** 2 >= k + j), default=0)
        raise DataError(
            f"{m} factor(s) of {k} items have more parameters than there are correlations, so no unique solution "
            f"exists; at most {most} can be identified."
        )
