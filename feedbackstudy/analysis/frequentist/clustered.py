"""Cluster-robust covariances CR0 to CR3 of a linear model, with Satterthwaite df and Hotelling's test."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import DataError

__all__ = [
    "ABSORBED",
    "CLUSTERED",
    "FEW_CLUSTERS",
    "ClusterRobust",
    "Clustered",
    "cluster_robust",
    "few_clusters",
    "independent_rows",
]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Clustered = Literal["CR0", "CR1", "CR1S", "CR2", "CR3"]

CLUSTERED: tuple[Clustered, ...] = ("CR0", "CR1", "CR1S", "CR2", "CR3")
"""Corrections of a covariance over clusters."""

FEW_CLUSTERS = 40
"""Below about so many clusters CR0 and CR1 reject too often (Cameron & Miller, 2015, Journal of Human Resources 50)."""

_SHARE = 1e-6
ABSORBED = 1e-9
"""An eigenvalue of I - H of a cluster below this is zero: the cluster determines a coefficient alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterRobust:
    """A cluster-robust covariance, and what its degrees of freedom need.

    Attributes
    ----------
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    clusters : int
        How many.
    adjust : ndarray
        What carries a contrast into the clusters (see `_pieces`).
    within : ndarray, shape (clusters, p, p) or None
        Cross-products of each cluster in coordinates in which those of all rows are the identity; None with weights.
    root : ndarray, shape (p, p)
        Those coordinates: its product with its transpose is the inverse of the cross-products.
    alone : ndarray, shape (k, p)
        Directions of the coefficients, in the coordinates of `root`, that one cluster determines alone; the spread
        between clusters says nothing of their error.
    weighted : tuple of ndarray or None
        With weights, or corrections that differ by row: rows, weights, clusters and the correction of the working
        covariance.
    """

    covariance: Floats
    clusters: int
    adjust: Floats
    within: Floats | None
    root: Floats
    alone: Floats
    weighted: tuple[Floats, Floats, Integers, Floats] | None = None

    def df(self, row: Floats) -> float:
        r"""Return the Satterthwaite degrees of freedom of one contrast.

        Parameters
        ----------
        row : ndarray, shape (p,)
            Weights over the coefficients.

        Returns
        -------
        float
            Degrees of freedom under independent errors of one variance.

        Raises
        ------
        DataError
            Where the contrast needs a coefficient that one cluster determines alone.

        Notes
        -----
        :math:`\nu = (\mathrm{tr} P)^2 / \mathrm{tr}(P^2)` with :math:`P_{ij} = p_i' p_j`, where the variance estimate
        is :math:`\sum_j (p_j' y)^2` (Bell & McCaffrey, 2002, Survey Methodology 28, 169-181; Pustejovsky & Tipton,
        2018, Journal of Business & Economic Statistics 36, 672-683).
        """
        self._between_clusters(row[None, :])
        own, shared, T = self._pieces(row[None, :])
        expected, variance = _moments(own, shared, T)
        return float(2 * expected[0, 0] ** 2 / variance)

    def hotelling(self, rows: Floats) -> tuple[float, float]:
        r"""Return factor and denominator degrees of freedom of the approximate Hotelling test (HTZ).

        Parameters
        ----------
        rows : ndarray, shape (q, p)
            Linearly independent weights over the coefficients.

        Returns
        -------
        tuple of float
            :math:`(\eta - q + 1)/\eta`, which multiplies the Wald statistic over q, and :math:`\eta - q + 1`.

        Raises
        ------
        DataError
            Where the clusters are too few for so many contrasts, or one of them determines a coefficient alone.

        Notes
        -----
        :math:`\eta = q (q + 1) / \sum_{s,t} \mathrm{Var}(d_{st})`, with the covariance estimate standardised by its
        expectation (Tipton & Pustejovsky, 2015, Journal of Educational and Behavioral Statistics 40, 604-634).
        """
        self._between_clusters(rows)
        own, shared, T = self._pieces(rows)
        expected, _ = _moments(own, shared, T)
        values, vectors = np.linalg.eigh(expected)
        standard = (vectors / np.sqrt(values)) @ vectors.T
        own, shared, T = self._pieces(standard @ rows)
        q = len(rows)
        eta = q * (q + 1) / _moments(own, shared, T)[1]
        if eta - q + 1 <= 0:
            raise DataError(
                f"{self.clusters} clusters carry too little information for {q} contrasts at once "
                f"({eta:.1f} degrees of freedom); test fewer at a time."
            )
        return (eta - q + 1) / eta, eta - q + 1

    def _between_clusters(self, rows: Floats) -> None:
        carried = rows @ self.root
        share = np.abs(carried @ self.alone.T) / np.linalg.norm(carried, axis=1, keepdims=True)
        if share.size and share.max() > _SHARE:
            raise DataError(
                "This contrast needs a mean that rests on one cluster (a cell in a single class or site): the "
                "spread between clusters says nothing of its error. Assign more clusters to it, or leave it out."
            )

    def _pieces(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        """Return own (q, q, G), shared (q, G, m), T: p_si' p_tj = own[s, t, i] (i = j) - shared_si' T shared_tj."""
        if self.weighted is not None:
            return self._weighted_pieces(rows)
        within = np.asarray(self.within)
        carried = np.einsum("gij,sj->sgi", self.adjust, rows @ self.root)
        shared = np.einsum("gij,sgj->sgi", within, carried)
        own = np.einsum("sgi,tgi->stg", carried, shared)
        return own, shared, np.eye(rows.shape[1])

    def _weighted_pieces(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        X, w, cluster, C = self.weighted  # type: ignore[misc]
        B = self.root @ self.root.T
        g = np.einsum("np,sp->sn", self.adjust, rows @ B)
        G, q, p = self.clusters, len(rows), X.shape[1]
        own, shared = np.empty((q, q, G)), np.zeros((q, G, 2 * p))
        for s in range(q):
            for t in range(q):
                own[s, t] = np.bincount(cluster, g[s] * g[t], minlength=G)
            np.add.at(shared[s], cluster, np.hstack([X * g[s][:, None], X * (w * g[s])[:, None]]))
        T = np.block([[-C, B], [B, np.zeros((p, p))]])
        return own, shared, T


def _moments(own: Floats, shared: Floats, T: Floats) -> tuple[Floats, float]:
    """Return the expectation (q, q) of the covariance estimate and the sum of the variances of its elements."""
    turned = shared @ T
    crossed = np.einsum("sgi,tgi->stg", turned, shared)
    expected = (own - crossed).sum(axis=2)
    M = np.einsum("sgi,tgj->stij", turned, shared)
    diagonal = np.einsum("ssg->sg", own)
    spread = np.einsum("ssg->sg", crossed)
    total = diagonal @ diagonal.T - diagonal @ spread.T - spread @ diagonal.T + np.einsum("stij,tsji->st", M, M)
    total = total + (own**2 - 2 * own * crossed).sum(axis=2) + np.einsum("stij,stji->st", M, M)
    return expected, float(total.sum())


def few_clusters(clusters: int, kind: Clustered) -> tuple[str, ...]:
    """Return what a reader must know of so many clusters.

    Parameters
    ----------
    clusters : int
        How many.
    kind : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
        The correction that was used.

    Returns
    -------
    tuple of str
        Empty from `FEW_CLUSTERS` on.
    """
    if clusters >= FEW_CLUSTERS:
        return ()
    corrects = " corrects for it." if kind in ("CR2", "CR3") else " was asked for; CR2 would be less biased."
    return (f"{clusters} clusters are few: {kind} with Satterthwaite degrees of freedom{corrects}",)


def independent_rows(rows: Floats) -> Floats:
    """Return independent rows that span the same space.

    Parameters
    ----------
    rows : ndarray, shape (contrasts, k)
        Rows that may depend on each other.

    Returns
    -------
    ndarray, shape (rank, k)
        Orthonormal.
    """
    _, values, right = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(right[values > 1e-10 * values[0]], dtype=np.float64)


def cluster_robust(
    X: Floats, residuals: Floats, cluster: Integers, kind: Clustered, *, weights: Floats | None = None
) -> ClusterRobust:
    r"""Return the cluster-robust covariance of least-squares coefficients.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Design, of full rank.
    residuals : ndarray, shape (n,)
        Residuals of the fit.
    cluster : ndarray of int, shape (n,)
        Cluster of each row, numbered from 0.
    kind : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
        The correction.
    weights : ndarray, shape (n,), optional
        Weights of the fit, such as inverse probabilities; the working model of errors stays one of equal variances.

    Returns
    -------
    ClusterRobust
        Covariance, and degrees of freedom for any contrast.

    Raises
    ------
    DataError
        For fewer than two clusters, or CR3 where one cluster determines a coefficient alone.

    Notes
    -----
    :math:`V = B \left(\sum_j X_j' A_j e_j e_j' A_j' X_j\right) B`, :math:`B = (X'X)^{-1}`; CR2 has
    :math:`A_j = (I - H_{jj})^{-1/2}`, CR3 :math:`(I - H_{jj})^{-1}`, CR1 :math:`\sqrt{G/(G-1)}`, CR1S
    :math:`\sqrt{G (N-1) / ((G-1)(N-p))}`. Everything runs on p by p matrices, as
    :math:`(I - ZZ')^{-1/2} Z = Z (I - Z'Z)^{-1/2}`.
    """
    G = int(cluster.max()) + 1
    if G < 2:
        raise DataError("There is one cluster; a cluster-robust covariance needs at least two, and better twenty.")
    n, p = X.shape
    factor = {"CR1": G / (G - 1), "CR1S": G * (n - 1) / ((G - 1) * (n - p))}.get(kind, 1.0)
    if weights is not None:
        return _weighted(X, residuals, cluster, kind, weights, factor)
    root = np.linalg.inv(np.linalg.cholesky(X.T @ X)).T
    Z = X @ root
    order = np.argsort(cluster, kind="stable")
    starts = np.searchsorted(cluster[order], np.arange(G))
    within = np.stack([part.T @ part for part in np.split(Z[order], starts[1:])])
    scores = np.add.reduceat((Z * residuals[:, None])[order], starts, axis=0)
    adjust = _adjustment(within, kind) * np.sqrt(factor)
    carried = np.einsum("gij,gj->gi", adjust, scores) @ root.T
    return ClusterRobust(
        covariance=carried.T @ carried, clusters=G, adjust=adjust, within=within, root=root, alone=_alone(within)
    )


def _alone(within: Floats) -> Floats:
    """Return the directions in which one cluster holds all cross-products."""
    values, vectors = np.linalg.eigh(within)
    found: Floats = np.swapaxes(vectors, 1, 2)[values > 1 - ABSORBED]
    return found


def _adjustment(within: Floats, kind: Clustered) -> Floats:
    if kind not in ("CR2", "CR3"):
        return np.broadcast_to(np.eye(within.shape[1]), within.shape).copy()
    values, vectors = np.linalg.eigh(within)
    return (vectors * _power(1 - values, kind)[:, None, :]) @ np.swapaxes(vectors, 1, 2)


def _power(remaining: Floats, kind: Clustered) -> Floats:
    absorbed = remaining < ABSORBED
    if kind == "CR3" and absorbed.any():
        raise DataError("CR3 does not exist where one cluster determines a coefficient alone; use CR2.")
    exponent = -0.5 if kind == "CR2" else -1.0
    return np.where(absorbed, 0.0, np.where(absorbed, 1.0, remaining) ** exponent)


def _weighted(
    X: Floats, residuals: Floats, cluster: Integers, kind: Clustered, w: Floats, factor: float
) -> ClusterRobust:
    B = np.linalg.inv((X * w[:, None]).T @ X)
    C = B @ ((X * w[:, None] ** 2).T @ X) @ B
    G = int(cluster.max()) + 1
    adjust = X * w[:, None] * np.sqrt(factor)
    if kind in ("CR2", "CR3"):
        for j in range(G):
            at = np.flatnonzero(cluster == j)
            adjust[at] = _cluster_adjustment(X[at], w[at], B, C, kind) @ adjust[at]
    carried = np.stack([np.bincount(cluster, column * residuals, minlength=G) for column in adjust.T], axis=1) @ B
    root = np.linalg.cholesky(B)
    Z = X @ root * np.sqrt(w)[:, None]
    return ClusterRobust(
        covariance=carried.T @ carried,
        clusters=G,
        adjust=adjust,
        within=None,
        root=root,
        alone=_alone(np.stack([Z[cluster == j].T @ Z[cluster == j] for j in range(G)])),
        weighted=(X, w, cluster, C),
    )


def _cluster_adjustment(X: Floats, w: Floats, B: Floats, C: Floats, kind: Clustered) -> Floats:
    if kind == "CR3":
        left = np.eye(len(w)) - X @ B @ (X * w[:, None]).T
        if abs(np.linalg.det(left)) < ABSORBED:
            raise DataError("CR3 does not exist where one cluster determines a coefficient alone; use CR2.")
        # the transpose, because the adjustment stands beside the rows here and beside the residuals in the formula
        return np.asarray(np.linalg.inv(left).T, dtype=np.float64)
    hat = X @ B @ (X * w[:, None]).T
    values, vectors = np.linalg.eigh(np.eye(len(w)) - hat - hat.T + X @ C @ X.T)
    return (vectors * _power(values, kind)) @ vectors.T
