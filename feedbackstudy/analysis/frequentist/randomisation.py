"""Randomisation inference: what a statistic would have been under the other assignments that could have been drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError

__all__ = ["Randomised", "randomisation_test"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

_CHUNK = 2_000_000
_TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Randomised:
    """A contrast against its randomisation distribution.

    Attributes
    ----------
    estimate, statistic : float
        The contrast, and the contrast over its Welch standard error.
    p : float
        Share of assignments whose statistic is as large in size; for drawn ones with the real one counted in.
    p_low, p_high : float
        99 % interval of the Monte Carlo error of p; both p where all assignments are listed.
    exact : bool
        Whether all assignments are listed.
    draws : int
        Assignments compared.
    """

    estimate: float
    statistic: float
    p: float
    p_low: float
    p_high: float
    exact: bool
    draws: int


def randomisation_test(
    y: ArrayLike,
    cell: ArrayLike,
    weights: ArrayLike,
    permutations: ArrayLike,
    *,
    probability: ArrayLike,
    exact: bool,
    covariates: ArrayLike | None = None,
    inverse: ArrayLike | None = None,
) -> Randomised:
    r"""Test the sharp null hypothesis that no assignment would have changed any outcome.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Cell that each row was assigned to.
    weights : array_like, shape (cells,)
        The contrast.
    permutations : array_like of int, shape (m, n)
        Other assignments by the same scheme.
    probability : array_like, shape (m,)
        Probability of each.
    exact : bool
        Whether these are all assignments there are.
    covariates : array_like, shape (n, q), optional
        Covariates measured before the assignment; the outcome is replaced by its residual on them.
    inverse : array_like, shape (n, cells), optional
        Inverse probability of each cell for each row, where these differ between rows.

    Returns
    -------
    Randomised
        The p value, with the interval of its Monte Carlo error.

    Raises
    ------
    DataError
        For arrays that do not fit, or a cell of the contrast with fewer than two rows.

    Notes
    -----
    The statistic is studentised, so that the test also holds its size approximately where only the means are equal
    (Wu & Ding, 2021, Journal of the American Statistical Association 116, 1898-1913). Drawn assignments:
    :math:`p = (1 + \#) / (1 + m)` (Phipson & Smyth, 2010). Assignments under which a cell of the contrast holds fewer
    than two rows count as at least as large.
    """
    outcome, own, row = (np.asarray(x) for x in (np.asarray(y, dtype=np.float64), cell, weights))
    others = np.asarray(permutations)
    chance = np.asarray(probability, dtype=np.float64)
    if others.ndim != 2 or others.shape[1] != outcome.size or own.shape != outcome.shape or chance.size != len(others):
        raise DataError(
            f"Assignments, outcomes and probabilities must fit; given {others.shape}, {outcome.shape}, {chance.shape}."
        )
    if covariates is not None:
        X = np.column_stack([np.ones(outcome.size), np.asarray(covariates, dtype=np.float64)])
        outcome = outcome - X @ np.linalg.lstsq(X, outcome, rcond=None)[0]
    w = np.asarray(row, dtype=np.float64)
    table = None if inverse is None else np.asarray(inverse, dtype=np.float64)
    estimate, statistic = (float(x[0]) for x in _statistics(outcome, own[None, :], w, table))
    if not np.isfinite(statistic):
        raise DataError("Each cell of the contrast needs two rows and some spread.")
    step = max(1, _CHUNK // outcome.size)
    found = np.concatenate(
        [np.abs(_statistics(outcome, others[i : i + step], w, table)[1]) for i in range(0, len(others), step)]
    )
    beyond = (found >= abs(statistic) * (1 - _TIE)) | ~np.isfinite(found)
    if exact:
        p = float(chance @ beyond)
        return Randomised(estimate=estimate, statistic=statistic, p=p, p_low=p, p_high=p, exact=True, draws=len(others))
    count, m = int(beyond.sum()), len(others)
    low = float(special.betaincinv(count, m - count + 1, 0.005)) if count else 0.0
    high = float(special.betaincinv(count + 1, m - count, 0.995)) if count < m else 1.0
    return Randomised(
        estimate=estimate,
        statistic=statistic,
        p=(1 + count) / (1 + m),
        p_low=low,
        p_high=high,
        exact=False,
        draws=m,
    )


def _statistics(y: Floats, cells: Integers, w: Floats, inverse: Floats | None) -> tuple[Floats, Floats]:
    """Return contrast and studentised contrast under each assignment, shape (m,)."""
    estimate, variance = np.zeros(len(cells)), np.zeros(len(cells))
    squares = y**2
    for c in np.flatnonzero(w):
        inside = (cells == c).astype(np.float64)
        n = inside.sum(axis=1)
        h = inside if inverse is None else inside * inverse[:, c]
        total = h.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = h @ y / total
            if inverse is None:
                spread = (inside @ squares - n * mean**2) / (n - 1) / n
            else:
                h2 = h**2
                spread = (h2 @ squares - 2 * mean * (h2 @ y) + mean**2 * h2.sum(axis=1)) / total**2 * n / (n - 1)
        estimate += w[c] * mean
        variance += w[c] ** 2 * np.where(n > 1, spread, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return estimate, np.where(variance > 0, estimate / np.sqrt(variance), np.nan)
