"""Random intercepts with clusters of one size: in the right basis every matrix is diagonal, and draws are a handful."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.power.batched.cluster_moments import Moments, Response
from feedbackstudy.power.batched.optimum import Optimum

__all__ = ["Even", "Layout", "draw_even", "layout"]

type Floats = NDArray[np.float64]

_NOTHING = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Designs in the basis in which X'X is the identity and the clusters' sums are orthogonal.

    Attributes
    ----------
    size, clusters, rows : int
        People in a cluster, clusters, rows.
    values : ndarray of shape (designs, p)
        Squared lengths of the columns of cluster sums; between 0 and `size`.
    basis : ndarray of shape (designs, p, p)
        Columns are the new coefficients in terms of the old ones.
    """

    size: int
    clusters: int
    rows: int
    values: Floats
    basis: Floats


def layout(x: Floats, codes: NDArray[np.intp]) -> Layout:
    """Compute the basis of one or many designs.

    Parameters
    ----------
    x : ndarray of shape (designs, n, p)
        Design matrices.
    codes : ndarray of shape (n,)
        Cluster of each row, from 0; all of one size.

    Returns
    -------
    Layout
        Of all designs.

    Notes
    -----
    With :math:`X'X = LL'` and the eigenvectors U of :math:`L^{-1} S'S L^{-T}`, S being the cluster sums, the basis is
    :math:`L^{-T} U`.
    """
    designs, n, p = x.shape
    k = int(codes.max()) + 1
    sums = x[:, np.argsort(codes, kind="stable")].reshape(designs, k, n // k, p).sum(axis=2)
    lower = np.linalg.cholesky(np.swapaxes(x, 1, 2) @ x)
    back = np.linalg.inv(lower)
    scaled = sums @ np.swapaxes(back, 1, 2)
    values, vectors = np.linalg.eigh(np.swapaxes(scaled, 1, 2) @ scaled)
    basis = np.swapaxes(back, 1, 2) @ vectors
    return Layout(size=n // k, clusters=k, rows=n, values=values.clip(0.0, n // k), basis=basis)


@dataclass(frozen=True, slots=True, eq=False)
class Even:
    """The profile deviance of each replicate; arrays are coefficients by replicates.

    Attributes
    ----------
    largest, clusters, df : float
        People in a cluster, clusters, rows minus coefficients.
    values : ndarray of shape (p, reps) or (p, 1)
        Of `Layout`.
    basis : ndarray of shape (designs, p, p)
        Of `Layout`.
    design : ndarray of shape (reps,)
        Which design each replicate has.
    xy, block_xy : ndarray of shape (p, reps)
        Products of the design, and of its cluster sums, with the outcome.
    block_yy, yy : ndarray of shape (reps,)
        Squares of the outcome's cluster sums, and of the outcome.
    """

    largest: float
    clusters: float
    df: float
    values: Floats
    basis: Floats
    design: NDArray[np.intp]
    xy: Floats
    block_xy: Floats
    block_yy: Floats
    yy: Floats

    @classmethod
    def of(cls, known: Moments, y: Response) -> "Even":
        """Turn moments of one design into the basis.

        Parameters
        ----------
        known : Moments
            Of a design with clusters of one size.
        y : Response
            Of the outcomes.

        Returns
        -------
        Even
            The same problem.
        """
        values, basis = linalg.eigh(known.blocks[0], known.cross)
        return cls(
            float(known.distinct[0]),
            float(known.counts[0]),
            float(known.rows - len(values)),
            values[:, None],
            basis[None],
            np.zeros(len(y.yy), dtype=np.intp),
            basis.T @ y.xy.T,
            basis.T @ y.block_xy[0].T,
            y.block_yy[0],
            y.yy,
        )

    def part(self, rows: NDArray[np.intp]) -> "Even":
        """Return the problem of some replicates.

        Parameters
        ----------
        rows : ndarray of int
            Their positions.

        Returns
        -------
        Even
            The same, for these.
        """
        values = self.values if self.values.shape[1] == 1 else self.values[:, rows]
        chosen = (self.xy[:, rows], self.block_xy[:, rows], self.block_yy[rows], self.yy[rows])
        return Even(self.largest, self.clusters, self.df, values, self.basis, self.design[rows], *chosen)

    def coarse(self, grid: Floats) -> Floats:
        """Return the deviance on a grid.

        Parameters
        ----------
        grid : ndarray
            Ratios of variances.

        Returns
        -------
        ndarray of shape (grid, reps)
            The deviance but for a constant.
        """
        found = np.empty((len(grid), len(self.yy)))
        for i, ratio in enumerate(grid):
            weight = ratio / (1 + ratio * self.largest)
            diagonal = 1 - weight * self.values
            right = self.xy - weight * self.block_xy
            rss = self.yy - weight * self.block_yy - (right**2 / diagonal).sum(axis=0)
            log_size = self.clusters * np.log1p(ratio * self.largest) + np.log(diagonal).sum(axis=0)
            found[i] = self.df * np.log(np.maximum(rss, 1e-300)) + log_size
        return found

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
        rss, slope, curve, log_slope, log_curve, *_ = self._parts(ratio)
        share = slope / rss
        return self.df * share + log_slope, self.df * (curve / rss - share**2) + log_curve

    def _parts(self, ratio: Floats) -> tuple[Floats, ...]:
        scale = 1 / (1 + ratio * self.largest)
        weight, first, second = ratio * scale, scale**2, -2 * self.largest * scale**3
        diagonal = 1 - weight * self.values
        beta = (self.xy - weight * self.block_xy) / diagonal
        rss = self.yy - weight * self.block_yy - (beta**2 * diagonal).sum(axis=0)
        left = self.block_xy - beta * self.values
        squares = self.block_yy - (beta * (self.block_xy + left)).sum(axis=0)
        curve = -second * squares - 2 * first**2 * (left**2 / diagonal).sum(axis=0)
        part = self.values / diagonal
        total = part.sum(axis=0)
        grown = self.largest * scale
        log_curve = -self.clusters * grown**2 - second * total - first**2 * (part**2).sum(axis=0)
        return rss, -first * squares, curve, self.clusters * grown - first * total, log_curve, diagonal, beta, first

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
        rss, slope, curve, _, log_curve, diagonal, beta, first = self._parts(ratio)
        turned = contrasts @ self.basis  # (designs, k, p)
        per_rep = turned[0][..., None] if len(turned) == 1 else np.moveaxis(turned, 0, 2)[:, :, self.design]
        squared = per_rep**2 / diagonal
        return Optimum(
            estimate=(per_rep * beta).sum(axis=1).T,
            spread=squared.sum(axis=1).T,
            bend=(squared * self.values / diagonal).sum(axis=1).T * first[:, None],
            rss=rss,
            rss_slope=slope,
            curvature=self.df * curve / rss + log_curve,
        )


def draw_even(
    known: Layout, beta: Floats, *, between: float, within: float, reps: int, rng: np.random.Generator
) -> Even:
    r"""Draw the problem of many outcomes, shared evenly over the designs, from its exact distribution.

    Parameters
    ----------
    known : Layout
        The designs.
    beta : ndarray of shape (p,)
        True coefficients.
    between, within : float
        Variances.
    reps : int
        Replicates.
    rng : Generator
        Source of chance.

    Returns
    -------
    Even
        Of all replicates.

    Notes
    -----
    With clusters of m people, cluster sums have variance :math:`v = m^2 \tau^2 + m \sigma^2`. In the basis of `Layout`
    the products of the design's and the outcome's cluster sums are :math:`\lambda b + \sqrt{v \lambda}\, z`, those
    within clusters :math:`(1 - \lambda / m) b + \sigma \sqrt{1 - \lambda / m}\, z'`; what is left of the squares is
    chi-squared.
    """
    design = np.arange(reps) * len(known.values) // reps
    m, p = known.size, len(beta)
    one = len(known.values) == 1
    values = known.values.T if one else known.values.T[:, design]
    b = np.linalg.solve(known.basis, np.broadcast_to(beta[:, None], (len(known.values), p, 1)))[..., 0].T
    b = b if one else b[:, design]
    above = m**2 * between + m * within
    outer, inner = values, 1 - values / m
    found = known.values > _NOTHING * m
    alone = known.values < m * (1 - _NOTHING)
    far = np.sqrt(above * outer * (values > _NOTHING * m)) * rng.standard_normal((p, reps))
    near = np.sqrt(within * inner.clip(0.0) * (values < m * (1 - _NOTHING))) * rng.standard_normal((p, reps))
    left_outer = above * rng.chisquare((known.clusters - found.sum(axis=1))[design].clip(1e-12))
    left_inner = within * rng.chisquare((known.rows - known.clusters - alone.sum(axis=1))[design].clip(1e-12))
    block_xy = outer * b + far
    within_xy = inner * b + near
    block_yy = _square(block_xy, outer) + left_outer
    return Even(
        float(m),
        float(known.clusters),
        float(known.rows - p),
        values,
        known.basis,
        design,
        within_xy + block_xy / m,
        block_xy,
        block_yy,
        _square(within_xy, inner) + left_inner + block_yy / m,
    )


def _square(products: Floats, lengths: Floats) -> Floats:
    """Return the squared projection on columns of the given squared lengths."""
    return np.asarray((products**2 / np.where(lengths > _NOTHING, lengths, np.inf)).sum(axis=0))
