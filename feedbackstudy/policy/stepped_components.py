"""Variance components of a stepped wedge from its cell means, exactly as a mixed model of the rows has them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from feedbackstudy.errors import DataError

__all__ = ["CellMeans", "Components", "fit_components"]

type Floats = NDArray[np.float64]

_STEP = 1e-4
_SEARCH: Any = {"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000, "maxfev": 8000}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellMeans:
    """Cells of a stepped wedge as one list.

    Attributes
    ----------
    mean, n : ndarray, shape (cells,)
        Mean and rows of each cell.
    within : float
        Sum of squares within cells.
    cluster : ndarray of int, shape (cells,)
        Cluster of each cell, numbered from 0; cells of a cluster stand together.
    design : ndarray, shape (cells, p)
        Regressors.
    """

    mean: Floats
    n: Floats
    within: float
    cluster: NDArray[np.intp]
    design: Floats

    def roots(self, cluster_sd: float, period_sd: float, residual_sd: float) -> list[Floats]:
        """Return the lower Cholesky factor of each cluster's covariance of cell means.

        Parameters
        ----------
        cluster_sd, period_sd, residual_sd : float
            Standard deviations between clusters, between periods of a cluster, and of rows.

        Returns
        -------
        list of ndarray
            One for each cluster.
        """
        found = []
        for g in range(int(self.cluster.max()) + 1):
            n = self.n[self.cluster == g]
            covariance = np.diag(residual_sd**2 / n + period_sd**2) + cluster_sd**2
            found.append(np.linalg.cholesky(covariance))
        return found

    def whitened(self, cluster_sd: float, period_sd: float, residual_sd: float) -> tuple[Floats, Floats, float]:
        """Return design and means with the covariance taken off, and the log determinant of that covariance.

        Parameters
        ----------
        cluster_sd, period_sd, residual_sd : float
            As in `roots`.

        Returns
        -------
        tuple of (ndarray, ndarray, float)
            Whitened design, whitened means, log determinant.
        """
        x, y, log_det = np.empty_like(self.design), np.empty_like(self.mean), 0.0
        for g, root in enumerate(self.roots(cluster_sd, period_sd, residual_sd)):
            here = self.cluster == g
            x[here] = np.linalg.solve(root, self.design[here])
            y[here] = np.linalg.solve(root, self.mean[here])
            log_det += 2 * float(np.log(np.diag(root)).sum())
        return x, y, log_det


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Components:
    """Standard deviations, and how well they are known.

    Attributes
    ----------
    cluster_sd, period_sd, residual_sd : float
        Between clusters, between periods of a cluster, and of rows.
    cells : CellMeans
        What they were fitted to.
    free : tuple of int
        Which of the three are above 0.
    criterion : float
        Minus twice the REML log likelihood of rows, without its constant.
    """

    cluster_sd: float
    period_sd: float
    residual_sd: float
    cells: CellMeans
    free: tuple[int, ...]
    criterion: float

    @property
    def sds(self) -> tuple[float, float, float]:
        """All three."""
        return self.cluster_sd, self.period_sd, self.residual_sd

    @property
    def icc(self) -> float:
        """Correlation of two rows of one cluster and period."""
        own = self.cluster_sd**2 + self.period_sd**2
        return own / (own + self.residual_sd**2)

    @property
    def autocorrelation(self) -> float:
        """Correlation of two periods of one cluster relative to that within a period; NaN without clustering."""
        own = self.cluster_sd**2 + self.period_sd**2
        return self.cluster_sd**2 / own if own > 0 else float("nan")

    def satterthwaite(self, contrast: Floats) -> float:
        r"""Return the degrees of freedom of a contrast.

        Parameters
        ----------
        contrast : ndarray, shape (p,)
            Weights over the coefficients.

        Returns
        -------
        float
            :math:`2 v^2 / g'Ag`, g the gradient of the contrast's variance v in the variances that are above 0 and A
            the inverse of half the Hessian of the REML criterion (numerical; Giesbrecht & Burns 1985).
        """
        at = np.array([self.sds[i] ** 2 for i in self.free])
        scale = at.copy()

        def sds(variances: Floats) -> tuple[float, float, float]:
            whole = [0.0, 0.0, 0.0]
            for i, value in zip(self.free, variances, strict=True):
                whole[i] = float(np.sqrt(max(value, 1e-300)))
            return whole[0], whole[1], whole[2]

        def variance(v: Floats) -> float:
            x, _, _ = self.cells.whitened(*sds(v))
            return float(contrast @ np.linalg.solve(x.T @ x, contrast))

        def criterion(v: Floats) -> float:
            return _criterion(self.cells, *sds(v))

        k = at.size
        steps = np.eye(k) * scale * _STEP
        gradient = np.array([(variance(at + s) - variance(at - s)) / (2 * s.sum()) for s in steps])
        hessian = np.empty((k, k))
        wide = np.eye(k) * scale * 1e-2
        for i in range(k):
            for j in range(k):
                corners = [criterion(at + a * wide[i] + b * wide[j]) * a * b for a in (1, -1) for b in (1, -1)]
                hessian[i, j] = sum(corners) / (4 * wide[i].sum() * wide[j].sum())
        spread = 2 * float(gradient @ np.linalg.solve(hessian, gradient))
        return 2 * variance(at) ** 2 / spread if spread > 0 else float("inf")


def _criterion(cells: CellMeans, cluster_sd: float, period_sd: float, residual_sd: float) -> float:
    x, y, log_det = cells.whitened(cluster_sd, period_sd, residual_sd)
    q, r = np.linalg.qr(x)
    left = y - q @ (q.T @ y)
    inside = float((cells.n - 1).sum())
    own = inside * 2 * np.log(residual_sd) + cells.within / residual_sd**2
    return float(log_det + 2 * np.log(np.abs(np.diag(r))).sum() + left @ left + own)


def fit_components(cells: CellMeans, *, nested: bool) -> Components:
    r"""Fit the variance components by REML.

    Parameters
    ----------
    cells : CellMeans
        Cell means.
    nested : bool
        Whether periods of one cluster differ beyond its own level (nested exchangeable).

    Returns
    -------
    Components
        Standard deviations.

    Raises
    ------
    DataError
        Where no cell holds two rows that differ: nothing says how much rows vary.

    Notes
    -----
    Rows within a cell are exchangeable, so the REML criterion of the rows is that of the cell means plus
    :math:`(N - C)\log\sigma^2 + SS_W/\sigma^2`. Two Nelder-Mead starts on relative standard deviations.
    """
    inside = float((cells.n - 1).sum())
    if inside <= 0 or cells.within <= 0:
        raise DataError("No cell holds two applications that differ: nothing says how much applications vary.")
    sigma = float(np.sqrt(cells.within / inside))

    def objective(theta: Floats) -> float:
        return _criterion(cells, *at(theta))

    def at(theta: Floats) -> tuple[float, float, float]:
        residual = sigma * float(np.exp(theta[0]))
        period = abs(float(theta[2])) * residual if nested else 0.0
        return abs(float(theta[1])) * residual, period, residual

    best = None
    for start in (0.1, 0.4):
        first = np.array([0.0, start, *([start / 2] if nested else [])])
        found = optimize.minimize(objective, first, method="Nelder-Mead", options=_SEARCH)
        best = found if best is None or found.fun < best.fun else best
    cluster, period, residual = at(np.asarray(best.x)) if best is not None else (0.0, 0.0, sigma)
    cluster, period = (value if value > 1e-4 * residual else 0.0 for value in (cluster, period))
    free = tuple(i for i, value in enumerate((cluster, period, residual)) if value > 0)
    return Components(
        cluster_sd=cluster,
        period_sd=period,
        residual_sd=residual,
        cells=cells,
        free=free,
        criterion=_criterion(cells, cluster, period, residual),
    )
