"""Separation: data for which a likelihood has no maximum, found by linear programming."""

from collections.abc import Sequence

import numpy as np
from scipy import optimize

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, Integers
from feedbackstudy.errors import DataError

__all__ = ["refuse_separation", "separated", "without_counts"]

_NAMED = 6


def separated(y: Floats, X: Floats) -> Integers:
    """Return the columns whose coefficients are infinite, by linear programming.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Zeros and ones.
    X : ndarray, shape (n, p)
        Columns.

    Returns
    -------
    ndarray of int
        Positions; empty where the likelihood has a maximum.

    Notes
    -----
    Konis (2007), Linear programming algorithms for detecting separated data: a direction in which no row loses and one
    gains makes the likelihood increase for ever.
    """
    rows = np.unique(X * np.where(y > 0.5, 1.0, -1.0)[:, None], axis=0)
    return _recession(rows, rows.sum(axis=0))


def without_counts(y: Floats, X: Floats) -> Integers:
    """Return the columns whose coefficients fall without end, as no count above zero goes with them.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Counts.
    X : ndarray, shape (n, p)
        Columns.

    Returns
    -------
    ndarray of int
        Positions; empty where the likelihood has a maximum.
    """
    zero = np.unique(-X[y == 0], axis=0)
    if not zero.size:
        return np.empty(0, dtype=np.int64)
    positive = np.unique(X[y > 0], axis=0)
    return _recession(zero, zero.sum(axis=0), positive)


def refuse_separation(y: Floats, X: Floats, names: Sequence[str], family: str, *, offer: str = "") -> None:
    """Refuse data for which the likelihood of a logistic or count model has no maximum.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Zeros and ones, or counts.
    X : ndarray, shape (n, p)
        Columns.
    names : sequence of str
        What the message calls the columns; their positions where empty.
    family : str
        Distribution; with the log link those of counts, and "gaussian", which always has a maximum.
    offer : str
        A remedy that the model has, such as ``"use firth=True, "``.

    Raises
    ------
    DataError
        Naming the columns whose coefficients are infinite.
    """
    if family == "gaussian":
        return
    infinite = separated(y, X) if family == "binomial" else without_counts(y, X)
    if infinite.size:
        called = names or [f"column {i} (counted from 0)" for i in range(X.shape[1])]
        named = ", ".join(called[int(i)] for i in infinite[:_NAMED])
        raise DataError(
            f"Separation: the coefficients of {named} are infinite, as some combination of the predictors has one "
            f"answer only. Drop or merge levels, {offer}or use the Bayesian model."
        )


def _recession(rows: Floats, gain: Floats, level: Floats | None = None) -> Integers:
    scale = np.maximum(np.abs(rows).max(axis=0), 1e-300)
    found = optimize.linprog(
        -gain / scale,
        A_ub=-rows / scale,
        b_ub=np.zeros(rows.shape[0]),
        A_eq=None if level is None else level / scale,
        b_eq=None if level is None else np.zeros(level.shape[0]),
        bounds=(-1.0, 1.0),
        method="highs",
    )
    if not found.success or found.x is None or float(gain / scale @ found.x) < 1e-7:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.abs(found.x) > 1e-7).astype(np.int64)
