"""Cell quantities as functions of a model's parameters, with their covariance by the delta method."""

from collections.abc import Callable

import numpy as np

from feedbackstudy.analysis.frequentist.links import Array
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Integers

__all__ = ["averaged", "delta", "gradient", "spread_over"]

_STEP = 1e-20
_NODES = 40


def delta(function: Callable[[Array], Array], at: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Return the values of a function of the parameters, and their covariance.

    Parameters
    ----------
    function : callable
        Takes parameters, perhaps complex, and returns values, shape (k,).
    at : ndarray, shape (p,)
        Estimates.
    covariance : ndarray, shape (p, p)
        Their covariance.

    Returns
    -------
    tuple of ndarray
        Values and covariance, with exact derivatives by an imaginary step.
    """
    values, slopes = gradient(function, at)
    return values, np.asarray(slopes @ covariance @ slopes.T, dtype=np.float64)


def gradient(function: Callable[[Array], Array], at: Floats) -> tuple[Floats, Floats]:
    """Return the values of a function of the parameters, and their derivatives.

    Parameters
    ----------
    function : callable
        Takes parameters, perhaps complex, and returns values, shape (k,).
    at : ndarray, shape (p,)
        Where.

    Returns
    -------
    tuple of ndarray
        Values, shape (k,), and derivatives, shape (k, p), by an imaginary step.
    """
    values = np.asarray(function(at), dtype=np.float64)
    slopes = np.column_stack([np.imag(function(at + 1j * _STEP * unit)) / _STEP for unit in np.eye(at.size)])
    return values, np.asarray(slopes, dtype=np.float64)


def averaged(function: Callable[[Array], Array], predictor: Array, sd: Array) -> Array:
    """Average a function of the linear predictor over normal random effects.

    Parameters
    ----------
    function : callable
        Of the predictor, element by element.
    predictor : ndarray
        Its value where random effects are zero.
    sd : ndarray, shape (factors,)
        Standard deviations of the random effects; empty for none.

    Returns
    -------
    ndarray
        The mean over the population of levels.
    """
    if not sd.size:
        return function(predictor)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    total = np.sqrt(np.sum(sd * sd))
    moved = function(predictor[..., None] + total * nodes)
    return np.asarray(moved @ (weights / weights.sum()))


def spread_over(used: Integers, size: int, values: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Put the values of the used cells in their places; NaN elsewhere.

    Parameters
    ----------
    used : ndarray of int
        Cells with data.
    size : int
        All cells.
    values : ndarray
        One for each used cell.
    covariance : ndarray
        Theirs.

    Returns
    -------
    tuple of ndarray
        Of all cells.
    """
    means, full = np.full(size, np.nan), np.full((size, size), np.nan)
    means[used] = values
    full[np.ix_(used, used)] = covariance
    return means, full
