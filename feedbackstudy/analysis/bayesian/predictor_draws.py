"""The linear predictor in plain arrays: forward draws of the effects of groups, and the predictor of every draw."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_rows import CellRows, Grouping
from feedbackstudy.analysis.bayesian.predictor import cell_basis, random_columns

__all__ = ["Values", "cells_of_draws", "cholesky", "effects", "predictor_of", "spread"]

type Floats = NDArray[np.float64]
type Values = Mapping[str, Floats]
"""Draws by variable, shape (s, ...)."""


def effects(group: Grouping, values: Values, rng: np.random.Generator) -> Floats:
    """Draw the effects of a grouping factor forward.

    Parameters
    ----------
    group : Grouping
        The factor.
    values : mapping of str to ndarray
        Draws of the standard deviations and partial correlations.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray, shape (s, groups) or (s, groups, size)
        One set of effects a draw.
    """
    sd = values[f"sd_{group.name}"]
    raw = rng.standard_normal((sd.size, group.count, group.size))
    if group.size == 1:
        return np.asarray(sd[:, None] * raw[:, :, 0], dtype=np.float64)
    sds = np.column_stack([sd, values[f"slope_sd_{group.name}"]])
    factor = sds[:, :, None] * cholesky(values[f"partial_{group.name}"], group.size)
    return np.asarray(np.einsum("sgk,sjk->sgj", raw, factor), dtype=np.float64)


def cholesky(partial: Floats, size: int) -> Floats:
    """Return Cholesky factors of correlation matrices from partial correlations.

    Parameters
    ----------
    partial : ndarray, shape (s, pairs)
        Partial correlations, row by row.
    size : int
        Rows of the matrices.

    Returns
    -------
    ndarray, shape (s, size, size)
        Lower triangular, rows of length one.
    """
    found, at = np.zeros((partial.shape[0], size, size)), 0
    for i in range(size):
        left = np.ones(partial.shape[0])
        for j in range(i):
            found[:, i, j] = partial[:, at] * np.sqrt(left)
            left = left * (1 - partial[:, at] ** 2)
            at += 1
        found[:, i, i] = np.sqrt(left)
    return found


def predictor_of(rows: CellRows, values: Values) -> Floats:
    """Return the predictor of every row for every draw.

    Parameters
    ----------
    rows : CellRows
        The rows.
    values : mapping of str to ndarray
        Draws with `cells`, and with `coefficient` and `effect_<factor>` where the rows need them.

    Returns
    -------
    ndarray, shape (s, n)
        The predictor.
    """
    found = values["cells"][:, rows.cell]
    if rows.covariates.shape[1]:
        found = found + values["coefficient"] @ rows.covariates.T
    for group in rows.groups:
        effect = values[f"effect_{group.name}"][:, group.member]
        found = found + (effect * group.held if group.size == 1 else (effect * random_columns(group)).sum(axis=2))
    return np.asarray(found, dtype=np.float64)


def spread(rows: CellRows, values: Values) -> Floats:
    """Return the variance that random effects add to a row with all slopes at their reference, draw by draw.

    Parameters
    ----------
    rows : CellRows
        The rows.
    values : mapping of str to ndarray
        Draws of the standard deviations.

    Returns
    -------
    ndarray, shape (s,)
        Sum of the variances of the random intercepts, each by the share of rows that carry it; zero where there are
        none.
    """
    found = np.zeros(values["cells"].shape[0])
    for group in rows.groups:
        found = found + group.share * values[f"sd_{group.name}"] ** 2
    return np.asarray(found, dtype=np.float64)


def cells_of_draws(rows: CellRows, values: Values, size: int, *, prefix: str = "") -> Floats:
    """Return the cells from draws of level and deviations.

    Parameters
    ----------
    rows : CellRows
        The rows.
    values : mapping of str to ndarray
        Draws.
    size : int
        Draws.
    prefix : str, default ""
        Put before the names.

    Returns
    -------
    ndarray, shape (size, cells)
        The cells on the scale of the predictor.
    """
    level = values.get(f"{prefix}level", np.zeros(size))[:, None]
    if rows.n_cells == 1:
        return np.asarray(level, dtype=np.float64)
    return np.asarray(level + values[f"{prefix}deviation"] @ cell_basis(rows.n_cells).T, dtype=np.float64)
