"""Least squares on cells with cluster-robust inference for few clusters, exactly as on the rows behind them.

Rows of one cell share their regressors, so a cluster's leverage acts on as many directions as it has cells. CR2, CR3
and their degrees of freedom therefore follow from counts and sums, whatever the number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import DataError

__all__ = ["CellRegression", "Correction", "Effect", "fit_cells"]

type Floats = NDArray[np.float64]
type Correction = Literal["CR0", "CR1", "CR2", "CR3"]

_SMALLEST = 1e-10  # an eigenvalue of I - H below this belongs to a direction that the cluster alone determines


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One linear combination of coefficients.

    Attributes
    ----------
    estimate, se : float
        Estimate and cluster-robust standard error.
    df : float
        Degrees of freedom of t.
    """

    estimate: float
    se: float
    df: float

    @property
    def statistic(self) -> float:
        """The estimate in standard errors."""
        return self.estimate / self.se

    @property
    def p(self) -> float:
        """Two-sided p value."""
        return float(2 * special.stdtr(self.df, -abs(self.statistic)))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the confidence interval.

        Parameters
        ----------
        level : float
            Its level.

        Returns
        -------
        tuple of float
            Lower and upper limit.
        """
        half = float(special.stdtrit(self.df, (1 + level) / 2)) * self.se
        return self.estimate - half, self.estimate + half


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellRegression:
    """A fitted regression.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients.
    inverse : ndarray, shape (p, p)
        Inverse cross-products.
    scores : ndarray, shape (clusters, p)
        Sums of residual times regressor within clusters, corrected as `correction` says.
    correction : {"CR0", "CR1", "CR2", "CR3"}
        How leverage is made up for.
    rows, clusters : int
        Rows behind the cells, and clusters.
    """

    beta: Floats
    inverse: Floats
    scores: Floats
    correction: Correction
    rows: int
    clusters: int
    _pulls: tuple[Floats, ...]
    _cells: tuple[Floats, ...]

    @property
    def covariance(self) -> Floats:
        """Cluster-robust covariance of the coefficients."""
        half = self.scores @ self.inverse
        factor = self.clusters / (self.clusters - 1) if self.correction == "CR1" else 1.0
        return np.asarray(factor * (half.T @ half), dtype=np.float64)

    def effect(self, weights: ArrayLike) -> Effect:
        r"""Estimate a linear combination.

        Parameters
        ----------
        weights : array_like, shape (p,)
            Weights over the coefficients.

        Returns
        -------
        Effect
            With Satterthwaite degrees of freedom for CR2 and CR3, clusters - 1 otherwise.

        Raises
        ------
        DataError
            Where the combination has no sampling variance.

        Notes
        -----
        Bell & McCaffrey (2002): :math:`\nu = (\mathrm{tr}\,\Omega)^2 / \mathrm{tr}\,\Omega^2` with
        :math:`\Omega_{gh} = p_g'p_h`, :math:`p_g = (I - H)_{\cdot g} A_g X_g M^{-1} c`, working model: independent
        rows of one variance.
        """
        c = np.asarray(weights, dtype=np.float64)
        variance = float(c @ self.covariance @ c)
        rounding = (1e-13 * float(np.abs(c) @ np.abs(self.beta))) ** 2
        if not variance > rounding or self._rests_on_one_cluster_a_side(c):
            raise DataError(self._without_variance(c))
        df = float(self.clusters - 1) if self.correction in {"CR0", "CR1"} else self._satterthwaite(c)
        return Effect(estimate=float(c @ self.beta), se=float(np.sqrt(variance)), df=df)

    def _rests_on_one_cluster_a_side(self, c: Floats) -> bool:
        """Say whether every cluster that bears on the combination alone determines what it adds to it."""
        m = self.inverse @ c
        reach = [cell @ m for cell in self._cells]
        through = [cell @ (self.inverse @ (cell.T @ part)) for cell, part in zip(self._cells, reach, strict=True)]
        bears = [(part, own) for part, own in zip(reach, through, strict=True) if np.abs(part).max() > _SMALLEST]
        return all(np.allclose(part, own, rtol=1e-6, atol=_SMALLEST) for part, own in bears)

    def _without_variance(self, c: Floats) -> str:
        if self._rests_on_one_cluster_a_side(c):
            return (
                f"Each arm has one cluster ({self.clusters} in all), so nothing says how clusters of one arm differ. "
                "Two in each arm are the least; one unit before and after is an interrupted time series."
            )
        return "The effect has no sampling variance: no cluster departs from what the model predicts."

    def _satterthwaite(self, c: Floats) -> float:
        """Return the degrees of freedom; p_g'p_h follows from what each cluster pulls and from the cross-products."""
        m = self.inverse @ c
        own = np.array([float(((pull @ m) ** 2).sum()) for pull in self._pulls])
        through = np.array([cell.T @ (pull @ m) for pull, cell in zip(self._pulls, self._cells, strict=True)])
        omega = np.diag(own) - through @ self.inverse @ through.T
        total = float(np.trace(omega))
        return total**2 / float((omega**2).sum())


def fit_cells(
    x: ArrayLike, n: ArrayLike, total: ArrayLike, cluster: Sequence[object], *, correction: Correction = "CR2"
) -> CellRegression:
    r"""Fit least squares to cells.

    Parameters
    ----------
    x : array_like, shape (cells, p)
        Regressors of each cell; of full column rank where there are rows.
    n : array_like, shape (cells,)
        Rows in each cell (or their weights).
    total : array_like, shape (cells,)
        Sum of the outcome in each cell.
    cluster : sequence, length cells
        The cluster of each cell.
    correction : {"CR0", "CR1", "CR2", "CR3"}, default "CR2"
        Correction of the residuals for leverage: none, :math:`G/(G-1)`, :math:`(I-H_{gg})^{-1/2}`,
        :math:`(I-H_{gg})^{-1}`.

    Returns
    -------
    CellRegression
        Coefficients with all that their covariance needs.

    Raises
    ------
    DataError
        For fewer than two clusters, cells without rows only, or regressors that depend on each other.

    Notes
    -----
    Let D hold the counts of a cluster's cells and :math:`B = D^{1/2} X M^{-1} X' D^{1/2}`. On the span of the cells'
    indicators :math:`(I-H_{gg})^{-1/2}` is :math:`(I-B)^{-1/2}`, and it is the identity elsewhere, where regressors are
    constant: so :math:`X_g'A_g e_g = X'D^{1/2}(I-B)^{-1/2}D^{-1/2}s`, s the residual sums of the cells. A direction
    that the cluster determines alone is left out (pseudo-inverse), as clubSandwich does for CR2.
    """
    design, counts, sums = (np.asarray(a, dtype=np.float64) for a in (x, n, total))
    there = counts > 0
    labels, member = np.unique(np.asarray(cluster)[there], return_inverse=True)
    design, counts, sums = design[there], counts[there], sums[there]
    if len(labels) < 2:
        raise DataError(f"Clusters say how much results vary, and there are {len(labels)}; two are the least.")
    cross = design.T @ (counts[:, None] * design)
    if np.linalg.matrix_rank(np.sqrt(counts)[:, None] * design) < design.shape[1]:
        raise DataError("The regressors of the cells depend on each other: the effects cannot be told apart.")
    inverse = np.linalg.inv(cross)
    beta = inverse @ (design.T @ sums)
    residual = sums - counts * (design @ beta)
    scores, pulls, cells = [], [], []
    for g in range(len(labels)):
        here = member == g
        root = np.sqrt(counts[here])
        scaled = root[:, None] * design[here]
        power = _power(np.eye(int(here.sum())) - scaled @ inverse @ scaled.T, correction)
        pull = power @ scaled
        scores.append(pull.T @ (residual[here] / root))
        pulls.append(pull)
        cells.append(scaled)
    return CellRegression(
        beta=beta,
        inverse=inverse,
        scores=np.array(scores),
        correction=correction,
        rows=round(float(counts.sum())),
        clusters=len(labels),
        _pulls=tuple(pulls),
        _cells=tuple(cells),
    )


def _power(matrix: Floats, correction: Correction) -> Floats:
    """Return the matrix to the power that the correction asks for."""
    if correction in {"CR0", "CR1"}:
        return np.eye(len(matrix))
    values, vectors = np.linalg.eigh(matrix)
    exponent = -0.5 if correction == "CR2" else -1.0
    raised = np.where(values > _SMALLEST, np.maximum(values, _SMALLEST) ** exponent, 0.0)
    return np.asarray((vectors * raised) @ vectors.T, dtype=np.float64)
