"""What a random-intercept model needs to know of its rows: cross-products, and sums over clusters of equal size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import InputError

__all__ = ["Moments", "Response", "draw", "moments", "observed"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Of a design.

    Attributes
    ----------
    rows : int
        Rows.
    sizes : ndarray of shape (clusters,)
        Cluster sizes, sorted.
    distinct, counts : ndarray of shape (s,)
        Distinct sizes, and how many clusters have each.
    sums : ndarray of shape (clusters, p)
        Column sums of each cluster, in the order of `sizes`.
    cross : ndarray of shape (p, p)
        X'X.
    blocks : ndarray of shape (s, p, p)
        Outer products of the sums, added up over clusters of each size.
    codes : ndarray of shape (rows,)
        Position of each row's cluster.
    """

    rows: int
    sizes: Floats
    distinct: Floats
    counts: Floats
    sums: Floats
    cross: Floats
    blocks: Floats
    codes: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """Of an outcome, for each replicate.

    Attributes
    ----------
    xy : ndarray of shape (reps, p)
        X'y.
    yy : ndarray of shape (reps,)
        y'y.
    block_xy : ndarray of shape (s, reps, p)
        Products of the clusters' sums of X and y, added up over clusters of each size.
    block_yy : ndarray of shape (s, reps)
        Squared sums of y, added up likewise.
    """

    xy: Floats
    yy: Floats
    block_xy: Floats
    block_yy: Floats


def moments(x: Floats, cluster: ArrayLike) -> Moments:
    """Compute the moments of a design.

    Parameters
    ----------
    x : ndarray of shape (n, p)
        Design matrix.
    cluster : array_like of shape (n,)
        Cluster of each row.

    Returns
    -------
    Moments
        Clusters sorted by size.

    Raises
    ------
    InputError
        Where clusters do not fit the rows, or none has two rows, or there is one only.
    """
    names, codes = np.unique(np.asarray(cluster), return_inverse=True)
    if codes.shape != x.shape[:1]:
        raise InputError(f"There are {codes.size} cluster labels for {len(x)} rows of the design; give one for each.")
    count = np.bincount(codes)
    if len(names) < 2 or count.max() < 2:
        raise InputError(
            f"{len(names)} clusters of at most {count.max()} rows: a random intercept needs two clusters or more, and "
            "more than one row in some of them. With clusters of size 1 use the linear model."
        )
    order = np.argsort(count, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    codes, sizes = place[codes], count[order].astype(np.float64)
    sums = np.zeros((len(names), x.shape[1]))
    np.add.at(sums, codes, x)
    distinct, counts = np.unique(sizes, return_counts=True)
    blocks = np.stack([sums[sizes == k].T @ sums[sizes == k] for k in distinct])
    return Moments(
        rows=len(x),
        sizes=sizes,
        distinct=distinct,
        counts=counts.astype(np.float64),
        sums=sums,
        cross=x.T @ x,
        blocks=blocks,
        codes=codes,
    )


def _response(known: Moments, cluster_sums: Floats, within_xy: Floats, within_yy: Floats) -> Response:
    scaled = known.sums / known.sizes[:, None]
    chosen = [known.sizes == k for k in known.distinct]
    return Response(
        xy=within_xy + cluster_sums @ scaled,
        yy=within_yy + cluster_sums**2 @ (1 / known.sizes),
        block_xy=np.stack([cluster_sums[:, rows] @ known.sums[rows] for rows in chosen]),
        block_yy=np.stack([np.einsum("rj,rj->r", cluster_sums[:, rows], cluster_sums[:, rows]) for rows in chosen]),
    )


def observed(known: Moments, x: Floats, y: Floats, cluster: ArrayLike) -> Response:
    """Compute the moments of one observed outcome.

    Parameters
    ----------
    known : Moments
        Of the design.
    x : ndarray of shape (n, p)
        Design matrix.
    y : ndarray of shape (n,)
        Outcome.
    cluster : array_like of shape (n,)
        Cluster of each row.

    Returns
    -------
    Response
        One replicate.

    Raises
    ------
    InputError
        Where the outcome does not fit the rows.
    """
    if y.shape != (known.rows,) or np.shape(cluster) != y.shape:
        raise InputError(f"The outcome has shape {y.shape}; the design has {known.rows} rows.")
    sums = np.bincount(known.codes, weights=y, minlength=len(known.sizes))[None]
    means = known.sums / known.sizes[:, None]
    centred_x, centred_y = x - means[known.codes], y - (sums[0] / known.sizes)[known.codes]
    return _response(known, sums, (centred_x.T @ centred_y)[None], np.array([centred_y @ centred_y]))


def draw(
    known: Moments, beta: Floats, *, between: float, within: float, reps: int, rng: np.random.Generator
) -> Response:
    r"""Draw the moments of many outcomes from their exact distribution.

    Parameters
    ----------
    known : Moments
        Of the design.
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
    Response
        Of all replicates.

    Notes
    -----
    Cluster sums are normal with variance :math:`n_j^2 \tau^2 + n_j \sigma^2`. Within clusters, :math:`X_w' e` is
    normal with covariance :math:`\sigma^2 X_w' X_w`; what it leaves of e'e is :math:`\sigma^2 \chi^2` with n -
    clusters - rank degrees of freedom.
    """
    inside = known.cross - known.sums.T @ (known.sums / known.sizes[:, None])
    values, vectors = np.linalg.eigh(inside)
    kept = values > 1e-10 * max(float(np.trace(known.cross)), 1e-300)
    root = vectors[:, kept] * np.sqrt(values[kept])
    sums = known.sums @ beta + rng.standard_normal((reps, len(known.sizes))) * np.sqrt(
        known.sizes**2 * between + known.sizes * within
    )
    inner = np.sqrt(within) * rng.standard_normal((reps, int(kept.sum())))
    left = within * rng.chisquare(known.rows - len(known.sizes) - int(kept.sum()), reps)
    noise = inner @ root.T
    signal = inside @ beta
    yy = beta @ signal + 2 * noise @ beta + np.einsum("rj,rj->r", inner, inner) + left
    return _response(known, sums, signal + noise, yy)
