"""Randomisation inference for units that were assigned: what the difference would be under other draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError

__all__ = ["RandomisationTest", "draws_of_arms", "inverted", "randomisation_test"]

type Floats = NDArray[np.float64]

_CHUNK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomisationTest:
    """What other draws say.

    Attributes
    ----------
    estimate : float
        The difference that was observed.
    p : float
        Share of draws with a difference at least as large, the observed draw among them.
    low, high : float
        Effects that would not be rejected at 1 - level, taken as the same for every row.
    level : float
        Level of the interval.
    draws : int
        Draws looked at.
    exact : bool
        Whether they are all there are.
    smallest_p : float
        The smallest p value that so many draws can give.
    """

    estimate: float
    p: float
    low: float
    high: float
    level: float
    draws: int
    exact: bool
    smallest_p: float


def draws_of_arms(
    treated: ArrayLike, strata: Sequence[object] | None = None, *, most: int = 10_000, seed: int
) -> tuple[NDArray[np.bool_], bool]:
    """Return other draws with as many treated units in each stratum.

    Parameters
    ----------
    treated : array_like of bool, shape (units,)
        The draw that happened.
    strata : sequence, length units, optional
        Strata within which units were drawn.
    most : int, default 10000
        So many draws at most; all of them where there are no more.
    seed : int
        Seed of the draws.

    Returns
    -------
    tuple of (ndarray of bool, shape (draws, units), bool)
        The draws, the observed one first, and whether they are all.
    """
    observed = np.asarray(treated, dtype=bool)
    group = np.zeros(observed.size, dtype=np.intp)
    if strata is not None:
        _, group = np.unique(np.asarray(strata), return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(int(group.max()) + 1)]
    total = 1
    for own in members:
        total *= comb(own.size, int(observed[own].sum()))
    if total <= most:
        return _all_draws(observed, members), True
    rng = np.random.default_rng(seed)
    drawn = np.zeros((most, observed.size), dtype=bool)
    drawn[0] = observed
    for own in members:
        order = np.argsort(rng.random((most - 1, own.size)), axis=1)
        drawn[1:, own] = order < int(observed[own].sum())
    return drawn, False


def _all_draws(observed: NDArray[np.bool_], members: Sequence[NDArray[np.intp]]) -> NDArray[np.bool_]:
    found = np.zeros((1, observed.size), dtype=bool)
    for own in members:
        chosen = list(combinations(own.tolist(), int(observed[own].sum())))
        block = np.zeros((len(chosen), observed.size), dtype=bool)
        for i, units in enumerate(chosen):
            block[i, list(units)] = True
        found = (found[:, None, :] | block[None, :, :]).reshape(-1, observed.size)
    first = np.flatnonzero((found == observed).all(axis=1))[0]
    order = np.concatenate([[first], np.delete(np.arange(len(found)), first)])
    return np.asarray(found[order])


def randomisation_test(
    n: ArrayLike,
    total: ArrayLike,
    draws: NDArray[np.bool_],
    *,
    strata: Sequence[object] | None = None,
    exact: bool,
    level: float = 0.95,
) -> RandomisationTest:
    r"""Test the difference of two arms' means against other draws of units.

    Parameters
    ----------
    n, total : array_like, shape (units,)
        Rows of each unit and their sum (or, for a ratio, the sum of its linearised residuals).
    draws : ndarray of bool, shape (draws, units)
        Who is treated in each draw; the first is what happened.
    strata : sequence, length units, optional
        Strata that the draws keep; they are held constant in the difference.
    exact : bool
        Whether these are all draws.
    level : float, default .95
        Level of the interval.

    Returns
    -------
    RandomisationTest
        p value of the sharp null of no effect, and the effects that are not rejected.

    Raises
    ------
    DataError
        For fewer than 20 draws, with which nothing can be said at 5 %.

    Notes
    -----
    With an effect :math:`\delta` on every row, draw b gives :math:`A_b - \delta B_b`, where A is the difference of
    means of the outcome and B that of the observed treatment; the interval holds every :math:`\delta` for which
    :math:`|A_0 - \delta|` is not among the largest. An interval limit is infinite where the draws are too few. With
    strata the difference is the coefficient of the arm beside effects of strata, weighted by rows.
    """
    if len(draws) < 20:
        raise DataError(f"There are {len(draws)} possible draws; below 20 no result can reach p = .05.")
    rows, sums = np.asarray(n, dtype=np.float64), np.asarray(total, dtype=np.float64)
    names = np.asarray(strata) if strata is not None else np.zeros(rows.size)
    member = (names[:, None] == np.unique(names)).astype(np.float64)
    a = _differences(draws, rows, sums, member)
    b = _differences(draws, rows, rows * draws[0], member)
    at_least = np.abs(a) >= abs(a[0]) - 1e-12 * max(abs(a[0]), 1.0)
    low, high = inverted(a, b, level)
    return RandomisationTest(
        estimate=float(a[0]),
        p=float(at_least.mean()),
        low=low,
        high=high,
        level=level,
        draws=len(draws),
        exact=exact,
        smallest_p=float((np.isclose(np.abs(b), 1.0)).mean()),
    )


def _differences(draws: NDArray[np.bool_], rows: Floats, sums: Floats, member: Floats) -> Floats:
    """Return the coefficient of each draw beside effects of strata: the difference of means where there is one."""
    held = member.T @ rows
    left = sums - rows * (member @ (member.T @ sums / held))
    found = np.empty(len(draws))
    for start in range(0, len(draws), _CHUNK):
        t = draws[start : start + _CHUNK].astype(np.float64)
        inside = (t * rows) @ member
        found[start : start + _CHUNK] = (t @ left) / (t @ rows - (inside**2 / held).sum(axis=1))
    return found


def inverted(a: Floats, b: Floats, level: float) -> tuple[float, float]:
    """Invert the test: p(delta) as a step function, searched outwards from the estimate by bisection.

    Parameters
    ----------
    a : ndarray, shape (draws,)
        Statistic of the outcome under each draw, the observed one first.
    b : ndarray, shape (draws,)
        The same statistic of the observed treatment.
    level : float
        Level of the interval.

    Returns
    -------
    tuple of float
        Limits; infinite where the draws are too few.
    """

    def p(delta: float) -> float:
        moved = np.abs(a - delta * b)
        return float((moved >= abs(a[0] - delta) - 1e-12 * max(abs(a[0]), 1.0)).mean())

    spread = float(np.std(a - a[0] * b)) or abs(a[0]) or 1.0
    limits = []
    for side in (-1.0, 1.0):
        far = spread
        while p(a[0] + side * far) > 1 - level and far < 1e6 * spread:
            far *= 2
        if p(a[0] + side * far) > 1 - level:
            limits.append(side * np.inf)
            continue
        near = 0.0
        for _ in range(60):
            middle = (near + far) / 2
            near, far = (middle, far) if p(a[0] + side * middle) > 1 - level else (near, middle)
        limits.append(float(a[0] + side * far))
    return limits[0], limits[1]
