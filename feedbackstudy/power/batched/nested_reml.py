"""Restricted maximum likelihood of two nested intercepts, batched over replicates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answers", "Nest", "NestedFits", "fit"]

type Floats = NDArray[np.float64]

_GRID = np.array([0.0, 0.15, 0.25, 0.4, 0.6, 0.9, 1.5, 3.0])  # of standard deviations over the residual one
_STEPS = 40
_CLOSE = 1e-6
_APART = 3e-4
_CHUNK = 500  # replicates fitted together: as many as stay in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Nest:
    """Of a design.

    Attributes
    ----------
    rows : int
        Rows.
    sizes : ndarray of shape (inner,)
        Rows of each inner cluster.
    sums : ndarray of shape (inner, p)
        Their column sums.
    cross : ndarray of shape (p, p)
        X'X.
    outer : ndarray of shape (inner, outer)
        1 where an inner cluster lies in an outer one.
    codes : ndarray of shape (rows,)
        Inner cluster of each row.
    """

    rows: int
    sizes: Floats
    sums: Floats
    cross: Floats
    outer: Floats
    codes: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Of the outcomes, for each replicate.

    Attributes
    ----------
    xy : ndarray of shape (reps, p)
        X'y.
    yy : ndarray of shape (reps,)
        y'y.
    sums : ndarray of shape (reps, inner)
        Sums over inner clusters.
    """

    xy: Floats
    yy: Floats
    sums: Floats


@dataclass(frozen=True, slots=True, eq=False)
class NestedFits:
    """Of each replicate.

    Attributes
    ----------
    estimate, se, df : ndarray of shape (reps, k)
        Of each contrast; Satterthwaite degrees of freedom.
    variances : ndarray of shape (reps, 3)
        Inner, outer, residual.
    failed : ndarray of bool, shape (reps,)
        Where no minimum was found.
    """

    estimate: Floats
    se: Floats
    df: Floats
    variances: Floats
    failed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Solved:
    rss: Floats
    logs: Floats
    beta: Floats
    inverse: Floats


def _solve(nest: Nest, y: Answers, roots: Floats) -> _Solved:
    """Return the generalised least squares fit at standard deviations relative to the residual one."""
    one, two = roots[:, :1] ** 2, roots[:, 1:] ** 2
    shrink = 1 / (1 + one * nest.sizes)
    held = (nest.sizes * shrink) @ nest.outer
    share = two / (1 + two * held)
    p, k = nest.cross.shape[0], nest.outer.shape[1]
    flat = (nest.sums[:, :, None] * nest.sums[:, None, :]).reshape(len(nest.sizes), -1)
    spread = (nest.sums[:, None, :] * nest.outer[:, :, None]).reshape(len(nest.sizes), -1)
    total_x = (shrink @ spread).reshape(-1, k, p)
    total_y = (shrink * y.sums) @ nest.outer
    matrix = (nest.cross.ravel() - (one * shrink) @ flat).reshape(-1, p, p)
    matrix = matrix - (share[:, :, None] * total_x).transpose(0, 2, 1) @ total_x
    right = y.xy - (one * shrink * y.sums) @ nest.sums - ((share * total_y)[:, None, :] @ total_x)[:, 0]
    inverse = np.linalg.inv(matrix)
    beta = (inverse @ right[..., None])[..., 0]
    rss = y.yy - (one * shrink * y.sums**2).sum(axis=1) - (share * total_y**2).sum(axis=1) - (right * beta).sum(axis=1)
    logs = -np.log(shrink).sum(axis=1) + np.log1p(two * held).sum(axis=1) + np.linalg.slogdet(matrix)[1]
    return _Solved(np.maximum(rss, 1e-300), logs, beta, inverse)


def _deviance(nest: Nest, y: Answers, roots: Floats) -> Floats:
    at = _solve(nest, y, roots)
    return np.asarray((nest.rows - nest.cross.shape[0]) * np.log(at.rss) + at.logs)


_STEPS_AROUND = _APART * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]], dtype=np.float64)


def _slopes(values: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Hessian from values at the seven points around, the points first."""
    here, right, left, up, down, both, neither = values
    gradient = np.stack([right - left, up - down], axis=-1) / (2 * _APART)
    across = (both - right - up + 2 * here - left - down + neither) / (2 * _APART**2)
    first, second = (right - 2 * here + left) / _APART**2, (up - 2 * here + down) / _APART**2
    hessian = np.stack([np.stack([first, across], -1), np.stack([across, second], -1)], -2)
    return gradient, hessian


def _part(y: Answers, rows: NDArray[np.intp]) -> Answers:
    return Answers(y.xy[rows], y.yy[rows], y.sums[rows])


def _minimum(nest: Nest, y: Answers) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the best roots, and where none was found.

    The deviance is even in each root, so that a minimum at 0 is an ordinary one and Newton needs no bounds.
    """
    points = np.stack(np.meshgrid(_GRID, _GRID, indexing="ij"), axis=-1).reshape(-1, 2)
    values = np.stack([_deviance(nest, y, point[None]) for point in points])
    roots = points[values.argmin(axis=0)] + 1e-3
    best, damping = _deviance(nest, y, roots), np.full(len(roots), 1e-3)
    active = np.arange(len(roots))
    for _ in range(_STEPS):
        part = _part(y, active)
        around = np.stack([_deviance(nest, part, roots[active] + step) for step in _STEPS_AROUND])
        gradient, hessian = _slopes(around)
        size = np.abs(np.einsum("rii->ri", hessian)) + 1.0
        low = np.linalg.eigvalsh(hessian)[:, 0]
        ridge = np.maximum(0.0, -1.5 * low)[:, None] + damping[active, None] * size
        step = -np.linalg.solve(hessian + ridge[:, :, None] * np.eye(2), gradient[..., None])[..., 0]
        tried = roots[active] + np.clip(step, -0.5, 0.5)
        value = _deviance(nest, part, tried)
        better = value <= best[active] + 1e-9
        roots[active[better]], best[active[better]] = tried[better], value[better]
        damping[active] = np.where(better, np.maximum(damping[active] / 20, 1e-9), damping[active] * 10)
        active = active[(np.abs(step).max(axis=1) > _CLOSE) & (damping[active] < 1e8)]
        if not active.size:
            break
    lost = np.zeros(len(roots), dtype=bool)
    lost[active] = True
    return np.abs(roots), lost


def fit(nest: Nest, y: Answers, contrasts: Floats) -> NestedFits:
    """Fit every replicate.

    Parameters
    ----------
    nest : Nest
        Of the design.
    y : Answers
        Of the outcomes.
    contrasts : ndarray of shape (k, p)
        Weights over the coefficients.

    Returns
    -------
    NestedFits
        Estimates, standard errors, Satterthwaite degrees of freedom, variances.
    """
    parts = [
        _fit(nest, _part(y, rows), contrasts)
        for rows in np.array_split(np.arange(len(y.yy)), 1 + len(y.yy) // _CHUNK)
        if rows.size
    ]
    return NestedFits(
        np.concatenate([part.estimate for part in parts]),
        np.concatenate([part.se for part in parts]),
        np.concatenate([part.df for part in parts]),
        np.concatenate([part.variances for part in parts]),
        np.concatenate([part.failed for part in parts]),
    )


def _fit(nest: Nest, y: Answers, contrasts: Floats) -> NestedFits:
    roots, lost = _minimum(nest, y)
    around = [_solve(nest, y, roots + step) for step in _STEPS_AROUND]
    here, df = around[0], nest.rows - nest.cross.shape[0]
    s2 = here.rss / df
    plain = np.stack([np.einsum("kp,rpq,kq->rk", contrasts, at.inverse, contrasts, optimize=True) for at in around])
    by_root = np.stack([plain[1] - plain[2], plain[3] - plain[4]], axis=-1) / (2 * _APART)
    _, bend = _slopes(np.stack([at.rss / s2 + at.logs for at in around]))
    slope, _ = _slopes(np.stack([at.rss for at in around]))
    hessian = np.empty((len(s2), 3, 3))
    hessian[:, :2, :2] = bend
    hessian[:, :2, 2] = hessian[:, 2, :2] = -slope / s2[:, None] ** 2
    hessian[:, 2, 2] = df / s2**2
    gradient = np.concatenate([s2[:, None, None] * by_root, plain[0][..., None]], axis=-1)
    definite = np.linalg.eigvalsh(hessian)[:, 0] > 0
    safe = np.where(definite[:, None, None], hessian, np.eye(3))
    spread = np.einsum("rki,rij,rkj->rk", gradient, np.linalg.inv(safe), gradient, optimize=True)
    variance = s2[:, None] * plain[0]
    return NestedFits(
        here.beta @ contrasts.T,
        np.sqrt(np.maximum(variance, 0.0)),
        np.minimum(variance**2 / spread, 1e9),
        np.column_stack([roots**2 * s2[:, None], s2]),
        lost | ~definite | ~np.isfinite(variance).all(axis=1),
    )
