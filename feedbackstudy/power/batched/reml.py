"""Restricted maximum likelihood of the random-intercept model, batched over replicates."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.power.batched.cluster_moments import Moments, Response

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


@dataclass(slots=True)
class _Profile:
    """The profile deviance at one ratio of variances for each replicate, with its derivatives."""

    slope: Floats
    curvature: Floats
    curvature_full: Floats
    rss: Floats
    rss_slope: Floats
    inverse: Floats
    beta: Floats
    change: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Even:
    """The same problem in the basis in which both cross-products are diagonal; clusters are all of one size.

    There every replicate's matrix is diagonal too, so that no step inverts anything.
    """

    size: float
    clusters: float
    rows: int
    values: Floats
    xy: Floats
    block_xy: Floats
    block_yy: Floats
    yy: Floats

    @classmethod
    def of(cls, known: Moments, y: Response) -> "_Even":
        values, basis = linalg.eigh(known.blocks[0], known.cross)
        xy, block = y.xy @ basis, y.block_xy[0] @ basis
        return cls(float(known.distinct[0]), float(known.counts[0]), known.rows, values, xy, block, y.block_yy[0], y.yy)

    def part(self, rows: NDArray[np.intp]) -> "_Even":
        chosen = (self.xy[rows], self.block_xy[rows], self.block_yy[rows], self.yy[rows])
        return _Even(self.size, self.clusters, self.rows, self.values, *chosen)

    def coarse(self, grid: Floats) -> Floats:
        df = self.rows - len(self.values)
        found = np.empty((len(grid), len(self.yy)))
        for i, ratio in enumerate(grid):
            weight = ratio / (1 + ratio * self.size)
            diagonal = 1 - weight * self.values
            right = self.xy - weight * self.block_xy
            rss = self.yy - weight * self.block_yy - right**2 @ (1 / diagonal)
            log_size = self.clusters * np.log1p(ratio * self.size) + np.log(diagonal).sum()
            found[i] = df * np.log(np.maximum(rss, 1e-300)) + log_size
        return found

    def slopes(self, ratio: Floats) -> tuple[Floats, Floats]:
        scale = 1 / (1 + ratio * self.size)
        weight, first, second = ratio * scale, scale**2, -2 * self.size * scale**3
        diagonal = 1 - weight[:, None] * self.values
        right = self.xy - weight[:, None] * self.block_xy
        beta = right / diagonal
        rss = self.yy - weight * self.block_yy - (right * beta).sum(axis=1)
        left = self.block_xy - beta * self.values
        squares = self.block_yy - (beta * (self.block_xy + left)).sum(axis=1)
        rss_slope = -first * squares
        rss_curve = -second * squares - 2 * first**2 * (left**2 / diagonal).sum(axis=1)
        part = self.values / diagonal
        log_slope = self.clusters * self.size * scale - first * part.sum(axis=1)
        log_curve = (
            -self.clusters * (self.size * scale) ** 2 - second * part.sum(axis=1) - first**2 * (part**2).sum(axis=1)
        )
        df = self.rows - len(self.values)
        return df * rss_slope / rss + log_slope, df * (rss_curve / rss - (rss_slope / rss) ** 2) + log_curve


@dataclass(frozen=True, slots=True, eq=False)
class _Uneven:
    """The same questions where clusters differ in size."""

    known: Moments
    y: Response

    def part(self, rows: NDArray[np.intp]) -> "_Uneven":
        y = self.y
        chosen = Response(xy=y.xy[rows], yy=y.yy[rows], block_xy=y.block_xy[:, rows], block_yy=y.block_yy[:, rows])
        return _Uneven(self.known, chosen)

    def coarse(self, grid: Floats) -> Floats:
        known, y = self.known, self.y
        df = known.rows - known.cross.shape[0]
        found = np.empty((len(grid), len(y.yy)))
        for i, ratio in enumerate(grid):
            weight = ratio / (1 + ratio * known.distinct)
            matrix = known.cross - np.tensordot(weight, known.blocks, 1)
            right = y.xy - np.tensordot(weight, y.block_xy, 1)
            solved = right @ np.linalg.inv(matrix)
            rss = y.yy - weight @ y.block_yy - np.einsum("rp,rp->r", right, solved)
            log_size = known.counts @ np.log1p(ratio * known.distinct) + np.linalg.slogdet(matrix)[1]
            found[i] = df * np.log(np.maximum(rss, 1e-300)) + log_size
        return found

    def slopes(self, ratio: Floats) -> tuple[Floats, Floats]:
        at = _profile(self.known, self.y, ratio)
        return at.slope, at.curvature


def _profile(known: Moments, y: Response, ratio: Floats) -> _Profile:
    n = known.distinct[:, None]
    scale = 1 / (1 + ratio * n)
    weight, first, second = ratio * scale, scale**2, -2 * n * scale**3
    p = known.cross.shape[0]
    flat = known.blocks.reshape(len(known.distinct), -1)
    matrix = (known.cross.ravel() - weight.T @ flat).reshape(-1, p, p)
    right = y.xy - np.einsum("sr,srp->rp", weight, y.block_xy)
    inverse = np.linalg.inv(matrix)
    beta = np.einsum("rpq,rq->rp", inverse, right)
    rss = y.yy - np.einsum("sr,sr->r", weight, y.block_yy) - np.einsum("rp,rp->r", right, beta)
    fitted = np.einsum("rp,spq->srq", beta, known.blocks)
    residual_xy = y.block_xy - fitted
    squares = y.block_yy - np.einsum("rp,srp->sr", beta, y.block_xy + residual_xy)
    rss_slope = -np.einsum("sr,sr->r", first, squares)
    push = np.einsum("sr,srp->rp", first, residual_xy)
    rss_curve = -np.einsum("sr,sr->r", second, squares) - 2 * np.einsum(
        "rp,rpq,rq->r", push, inverse, push, optimize=True
    )
    change = -(first.T @ flat).reshape(-1, p, p)
    bend = -(second.T @ flat).reshape(-1, p, p)
    turned = inverse @ change
    log_slope = known.counts @ (n * scale) + np.einsum("rpp->r", turned)
    log_curve = (
        -(known.counts @ (n * scale) ** 2)
        + np.einsum("rpq,rqp->r", inverse, bend)
        - np.einsum("rpq,rqp->r", turned, turned)
    )
    df = known.rows - p
    return _Profile(
        slope=df * rss_slope / rss + log_slope,
        curvature=df * (rss_curve / rss - (rss_slope / rss) ** 2) + log_curve,
        curvature_full=df * rss_curve / rss + log_curve,
        rss=rss,
        rss_slope=rss_slope,
        inverse=inverse,
        beta=beta,
        change=change,
    )


def _best(known: Moments, y: Response, boundary: Boundary) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the best ratio of each replicate, where it lies on the boundary, and where none was found."""
    problem = _Even.of(known, y) if len(known.distinct) == 1 else _Uneven(known, y)
    least = -1 / float(known.distinct.max())
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
    problem: _Even | _Uneven, ratio: Floats, *, low: Floats, high: Floats, active: NDArray[np.intp]
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


def fit(known: Moments, y: Response, contrasts: Floats, *, boundary: Boundary) -> Fits:
    r"""Fit every replicate.

    Parameters
    ----------
    known : Moments
        Of the design.
    y : Response
        Of the outcomes.
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
    ratio, edge, lost = _best(known, y, boundary)
    at = _profile(known, y, ratio)
    df = known.rows - known.cross.shape[0]
    s2 = at.rss / df
    plain = np.einsum("kp,rpq,kq->rk", contrasts, at.inverse, contrasts, optimize=True)
    turned = contrasts @ at.inverse
    by_ratio = -s2[:, None] * np.einsum("rkp,rpq,rkq->rk", turned, at.change, turned, optimize=True)
    h_ss, h_sl, h_ll = df / s2**2, -at.rss_slope / s2**2, at.curvature_full
    determinant = h_ss * h_ll - h_sl**2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (
            h_ll[:, None] * plain**2 - 2 * h_sl[:, None] * plain * by_ratio + h_ss[:, None] * by_ratio**2
        ) / determinant[:, None]
        inner = (s2[:, None] * plain) ** 2 / spread
    bad = lost | ~np.isfinite(s2) | (s2 <= 0)
    usable = (determinant > 0) & ~edge
    return Fits(
        estimate=at.beta @ contrasts.T,
        se=np.sqrt(np.maximum(s2[:, None] * plain, 0.0)),
        df=np.where(usable[:, None], inner, float(df)),
        between=ratio * s2,
        within=s2,
        failed=bad,
    )
