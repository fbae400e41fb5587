"""Cluster-robust covariances of models whose variance depends on the mean."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.clustered import ABSORBED, Clustered, ClusterRobust, cluster_robust

__all__ = ["model_robust"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


def model_robust(D: Floats, residuals: Floats, sd: Floats, cluster: Integers, kind: Clustered) -> ClusterRobust:
    r"""Return the cluster-robust covariance of the coefficients of a generalised linear model.

    Parameters
    ----------
    D : ndarray, shape (n, p)
        Derivatives of the means by the coefficients, over `sd`.
    residuals : ndarray, shape (n,)
        Outcome minus mean, over `sd`.
    sd : ndarray, shape (n,)
        Standard deviation of each row under the model; its unit does not matter.
    cluster : ndarray of int, shape (n,)
        Cluster of each row, numbered from 0.
    kind : {"CR0", "CR1", "CR1S", "CR2", "CR3"}
        The correction.

    Returns
    -------
    ClusterRobust
        Covariance, and degrees of freedom for any contrast.

    Raises
    ------
    DataError
        As `cluster_robust`.

    Notes
    -----
    The values are those of ``clubSandwich::vcovCR`` of a ``glm``. With :math:`\Phi` the variances of a cluster and H
    its leverages in coordinates in which they are one, its CR2 multiplies the scores by
    :math:`(\Phi (I - H) \Phi)^{-1/2} \Phi` (Pustejovsky & Tipton, 2018, Journal of Business & Economic Statistics 36,
    672-683, eq. 11); Kauermann and Carroll's :math:`(I - H)^{-1/2}`, which `gee` uses, is another root of the same
    matrix: both are unbiased under the model, and they differ where variances differ within a cluster. CR0, CR1 and
    CR3 do not depend on the root.
    """
    if kind != "CR2":
        return cluster_robust(D, residuals, cluster, kind)
    plain = cluster_robust(D, residuals, cluster, "CR0")
    B, variance = plain.root @ plain.root.T, sd**2
    absorbed = (np.linalg.eigvalsh(np.asarray(plain.within)) > 1 - ABSORBED).sum(axis=1)
    adjust = np.empty_like(D)
    order = np.argsort(cluster, kind="stable")
    starts = np.searchsorted(cluster[order], np.arange(1, plain.clusters))
    for at, gone in zip(np.split(order, starts), absorbed, strict=True):
        v = variance[at]
        left = (np.eye(at.size) - D[at] @ B @ D[at].T) * np.outer(v, v)
        values, vectors = np.linalg.eigh(left)
        kept, turned = values[gone:], vectors[:, gone:]
        adjust[at] = v[:, None] * ((turned / np.sqrt(kept)) @ (turned.T @ D[at]))
    scores = np.stack([np.bincount(cluster, column * residuals, minlength=plain.clusters) for column in adjust.T], 1)
    carried = scores @ B
    return ClusterRobust(
        covariance=carried.T @ carried,
        clusters=plain.clusters,
        adjust=adjust,
        within=None,
        root=plain.root,
        alone=plain.alone,
        weighted=(D, np.ones(len(D)), cluster, B),
    )
