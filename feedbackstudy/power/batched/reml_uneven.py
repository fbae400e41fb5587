"""Restricted likelihood of the random-intercept model where clusters differ in size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.batched.cluster_moments import Moments, Response
from feedbackstudy.power.batched.optimum import Optimum

__all__ = ["Uneven"]

type Floats = NDArray[np.float64]


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
class Uneven:
    """The profile deviance of each replicate, by inverting a matrix for each.

    Attributes
    ----------
    known : Moments
        Of the design.
    y : Response
        Of the outcomes.
    """

    known: Moments
    y: Response

    def part(self, rows: NDArray[np.intp]) -> "Uneven":
        """Return the problem of some replicates.

        Parameters
        ----------
        rows : ndarray of int
            Their positions.

        Returns
        -------
        Problem
            The same, for these.
        """
        y = self.y
        chosen = Response(xy=y.xy[rows], yy=y.yy[rows], block_xy=y.block_xy[:, rows], block_yy=y.block_yy[:, rows])
        return Uneven(self.known, chosen)

    def coarse(self, grid: Floats) -> Floats:
        """Return the deviance on a grid of ratios.

        Parameters
        ----------
        grid : ndarray
            Ratios of variances.

        Returns
        -------
        ndarray of shape (grid, reps)
            The deviance but for a constant.
        """
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

    @property
    def largest(self) -> float:
        """Size of the largest cluster."""
        return float(self.known.distinct.max())

    @property
    def df(self) -> float:
        """Rows minus coefficients."""
        return float(self.known.rows - self.known.cross.shape[0])

    def at(self, ratio: Floats, contrasts: Floats) -> Optimum:
        """Return what the fit needs at the best ratio.

        Parameters
        ----------
        ratio : ndarray of shape (reps,)
            Ratio of variances.
        contrasts : ndarray of shape (k, p)
            Weights over the coefficients.

        Returns
        -------
        Optimum
            Of each replicate.
        """
        found = _profile(self.known, self.y, ratio)
        turned = contrasts @ found.inverse
        return Optimum(
            estimate=found.beta @ contrasts.T,
            spread=np.einsum("rkp,kp->rk", turned, contrasts),
            bend=-np.einsum("rkp,rkp->rk", turned @ found.change, turned),
            rss=found.rss,
            rss_slope=found.rss_slope,
            curvature=found.curvature_full,
        )

    def slopes(self, ratio: Floats) -> tuple[Floats, Floats]:
        """Return the derivatives of the deviance.

        Parameters
        ----------
        ratio : ndarray of shape (reps,)
            Ratio of variances.

        Returns
        -------
        tuple of ndarray
            First and second derivative.
        """
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
