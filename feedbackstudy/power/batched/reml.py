"""Restricted maximum likelihood of the random-intercept model, batched over replicates."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.batched.optimum import Problem

__all__ = ["Boundary", "Fits", "fit"]

type Floats = NDArray[np.float64]
type Boundary = Literal["zero", "free"]

_GRID = np.concatenate([[0.0], np.geomspace(2e-3, 100.0, 19)])
_NEWTON_STEPS = 25
_CLOSE = 1e-7  # Newton steps are quadratic: after one this small nothing is left to gain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fits:
    """Of each replicate.

    Attributes
    ----------
    estimate, se, df : ndarray of shape (reps, k)
        Of each contrast; Satterthwaite degrees of freedom.
    between, within : ndarray of shape (reps,)
        Estimated variances.
    failed : ndarray of bool, shape (reps,)
        Where no maximum was found.
    """

    estimate: Floats
    se: Floats
    df: Floats
    between: Floats
    within: Floats
    failed: NDArray[np.bool_]


def _best(problem: Problem, boundary: Boundary) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the best ratio of each replicate, where it lies on the boundary, and where none was found."""
    least = -1 / problem.largest
    grid = _GRID if boundary == "zero" else np.concatenate([least * np.array([0.98, 0.8, 0.5, 0.25, 0.1]), _GRID])
    index = problem.coarse(grid).argmin(axis=0)
    low = grid[np.maximum(index - 1, 0)]
    low = np.where((index == 0) & (boundary == "free"), least * (1 - 1e-9), low)
    high = grid[np.minimum(index + 1, len(grid) - 1)] * np.where(index == len(grid) - 1, 1e4, 1.0)
    ratio = grid[index].copy()
    edge = np.zeros(len(ratio), dtype=bool)
    if boundary == "zero":
        first = np.flatnonzero(index == 0)
        edge[first] = problem.part(first).slopes(np.zeros(len(first)))[0] >= 0
        inner = first[~edge[first]]
        ratio[inner] = high[inner] / 2
    return ratio, edge, _polish(problem, ratio, low=low, high=high, active=np.flatnonzero(~edge))


def _polish(
    problem: Problem, ratio: Floats, *, low: Floats, high: Floats, active: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Move each active ratio, in place, to the root of the slope between its limits; return which did not settle."""
    part = problem.part(active)
    for _ in range(_NEWTON_STEPS):
        if not active.size:
            break
        slope, curvature = part.slopes(ratio[active])
        rising = slope > 0
        high[active[rising]] = ratio[active[rising]]
        low[active[~rising]] = ratio[active[~rising]]
        with np.errstate(divide="ignore", invalid="ignore"):
            step = ratio[active] - slope / curvature
        inside = (step > low[active]) & (step < high[active]) & (curvature > 0)
        moved = np.where(inside, step, (low[active] + high[active]) / 2)
        going = np.flatnonzero(np.abs(moved - ratio[active]) > _CLOSE * (1e-2 + np.abs(moved)))
        ratio[active] = moved
        active = active[going]
        part = part.part(going)
    lost = np.zeros(len(ratio), dtype=bool)
    lost[active] = True
    return lost


def fit(problem: Problem, contrasts: Floats, *, boundary: Boundary) -> Fits:
    r"""Fit every replicate.

    Parameters
    ----------
    problem : Problem
        Moments of designs and outcomes.
    contrasts : ndarray of shape (k, p)
        Weights over the coefficients.
    boundary : {"zero", "free"}
        Whether the between variance stops at 0.

    Returns
    -------
    Fits
        Estimates, standard errors, Satterthwaite degrees of freedom, variances.

    Notes
    -----
    With :math:`\lambda = \tau^2 / \sigma^2`, :math:`V^{-1} \propto I - \lambda/(1 + \lambda n_j) J`. Satterthwaite:
    :math:`2 (l'Cl)^2 / (g'Wg)`, g the gradient of :math:`l'Cl` in :math:`(\lambda, \sigma^2)` and W twice the inverse
    Hessian of the deviance (Giesbrecht & Burns 1985); on the boundary only :math:`\sigma^2` varies, as in lmerTest.
    """
    ratio, edge, lost = _best(problem, boundary)
    at = problem.at(ratio, contrasts)
    s2 = at.rss / problem.df
    by_ratio = s2[:, None] * at.bend
    h_ss, h_sl, h_ll = problem.df / s2**2, -at.rss_slope / s2**2, at.curvature
    determinant = h_ss * h_ll - h_sl**2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (
            h_ll[:, None] * at.spread**2 - 2 * h_sl[:, None] * at.spread * by_ratio + h_ss[:, None] * by_ratio**2
        ) / determinant[:, None]
        inner = (s2[:, None] * at.spread) ** 2 / spread
    bad = lost | ~np.isfinite(s2) | (s2 <= 0)
    usable = (determinant > 0) & ~edge
    return Fits(
        estimate=at.estimate,
        se=np.sqrt(np.maximum(s2[:, None] * at.spread, 0.0)),
        df=np.where(usable[:, None], inner, problem.df),
        between=ratio * s2,
        within=s2,
        failed=bad,
    )
