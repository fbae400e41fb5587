"""Quadrature over the standard deviations of a normal model whose other parameters integrate in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.errors import DataError

__all__ = ["Products", "Quadrature", "integrate"]

type Floats = NDArray[np.float64]
type Bounds = tuple[tuple[float, float], ...]

_DEPTH = 30.0
"""Drop of the log posterior beyond which the region is cut off, where no effect is contradicted; see `_depth`."""
_DEEPEST = 600.0
"""Beyond it a Bayes factor is out of the range of floating point numbers."""
_SPACING = 1.3
"""Most widths of the posterior between two nodes in the middle of the region."""
_TWICE_DEPTH = 60.0
_LEFT_OUT = 1e-14
"""Posterior weight of the nodes left out; another prior of a contrast may weigh them more by orders of magnitude."""
_MOSTLY_ALONE = 0.6
"""Groups for each row above which residual and group spread trade against each other along a ridge: more nodes."""
_NODES_OF_THREE = 24
_CHUNK = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Products:
    """What the rows say, in cross-products.

    Attributes
    ----------
    whole : ndarray, shape (p + 1, p + 1)
        Cross-products of cells, covariates, groups of the smaller factor, and the outcome minus `middle`.
    n, n_cells : int
        Rows and cells.
    middle : float
        Prior mean of the cells.
    precision : ndarray, shape (p0, p0)
        Prior precision of cells and coefficients.
    sizes, counts : ndarray, shape (u,)
        Sizes that groups of the larger factor have, and how many groups have each.
    by_size : ndarray, shape (u, p + 1, p + 1)
        Cross-products of group sums, summed over the groups of each size.
    big, small : str
        Names of the larger and the smaller grouping factor; empty where there is none.
    small_count : int
        Groups of the smaller factor.
    """

    whole: Floats
    n: int
    n_cells: int
    middle: float
    precision: Floats
    sizes: Floats
    counts: Floats
    by_size: Floats
    big: str
    small: str
    small_count: int
    level: bool = True
    """Whether the cells hold means, so that one value common to all is no effect; False for slopes, where it is 0."""

    @property
    def axes(self) -> int:
        """Number of standard deviations."""
        return 1 + bool(self.big) + bool(self.small)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quadrature:
    """The posterior on the nodes.

    Attributes
    ----------
    weights : ndarray, shape (k,)
        Posterior weight of each node.
    means : ndarray, shape (k, cells)
        Posterior cell means there.
    covariances : ndarray, shape (k, cells, cells)
        Their covariances.
    sds : dict of str to ndarray, shape (k,)
        The standard deviations there: ``"residual"`` and the grouping factors.
    log_marginal : float
        Log marginal likelihood.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    sds: dict[str, Floats]
    log_marginal: float


def integrate(given: Products, prior: CellPrior, *, nodes: int) -> Quadrature:
    """Integrate over the standard deviations.

    Parameters
    ----------
    given : Products
        The rows.
    prior : CellPrior
        Scales of the half-normal priors of the standard deviations.
    nodes : int
        Nodes along each of two axes; twice as many along a single one, at most 24 along three.

    Returns
    -------
    Quadrature
        Weights, and the normal distribution of the cell means on every node that carries weight.

    Raises
    ------
    DataError
        For fewer than eight nodes.
    """
    if nodes < 8:
        raise DataError(f"Quadrature needs 8 nodes along each axis; given {nodes}.")
    alone = given.counts.sum() > _MOSTLY_ALONE * given.n
    depth = _depth(given)
    each = {1: 2 * nodes, 2: 2 * nodes if alone else nodes, 3: min(nodes, _NODES_OF_THREE)}[given.axes]
    if depth > _DEPTH:
        each = max(each, int(np.ceil(np.pi * np.sqrt(2 * depth) / _SPACING)))
    bounds = _region(given, prior, depth)
    rules = [_legendre(low, high, each) for low, high in bounds]
    points = _cross([points for points, _ in rules])
    mass = np.prod(_cross([weights for _, weights in rules]), axis=1)
    log_terms = _log_posterior(given, prior, points) + np.log(mass)
    points = _with_sds(given, points)
    log_marginal = float(special.logsumexp(log_terms))
    weights = np.exp(log_terms - log_marginal)
    order = np.argsort(weights)
    kept = np.sort(order[np.searchsorted(np.cumsum(weights[order]), _LEFT_OUT * np.exp(_DEPTH - depth)) :])
    means, covariances = _cells(given, points[kept])
    names = ["residual", *([given.big] if given.big else []), *([given.small] if given.small else [])]
    sds = np.column_stack([np.exp(points[kept, 0]), points[kept, 1:]])
    return Quadrature(
        weights=weights[kept] / weights[kept].sum(),
        means=means,
        covariances=covariances,
        sds={name: sds[:, k] for k, name in enumerate(names)},
        log_marginal=log_marginal,
    )


def _legendre(low: float, high: float, nodes: int) -> tuple[Floats, Floats]:
    x, w = special.roots_legendre(nodes)
    half = (high - low) / 2
    return np.asarray(low + half * (x + 1)), np.asarray(half * w)


def _cross(axes: list[Floats]) -> Floats:
    return np.stack([grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")], axis=1)


def _depth(given: Products) -> float:
    r"""Return how far below its height the posterior of the spreads is still needed.

    A Bayes factor weighs the nodes by the density of no effect, whose posterior lies at larger spreads: by at most the
    log likelihood ratio of no effect in any cell, :math:`(n/2)\log(S_0/S_1)` with sums of squares of both, of rows and
    within groups.
    """
    fixed = given.precision.shape[0]
    deepest = 0.0
    for moments in (given.whole, *([_within(given)] if given.big else [])):
        design = moments[:-1, :-1]
        turned = np.eye(len(design))[:, given.n_cells :]
        if given.level:
            turned = np.column_stack([np.eye(len(design))[:, : given.n_cells].sum(axis=1), turned])
        with_cells = _left(design, moments[:-1, -1], moments[-1, -1])
        without = _left(turned.T @ design @ turned, turned.T @ moments[:-1, -1], moments[-1, -1])
        floor = 1e-12 * max(float(moments[-1, -1]), 1e-300)
        ratio = max(without, floor) / max(with_cells, floor)
        deepest = max(deepest, 0.5 * (given.n + fixed) * float(np.log(max(ratio, 1.0))))
    return _DEPTH + min(deepest, _DEEPEST)


def _left(design: Floats, outcome: Floats, total: float) -> float:
    """Return the residual sum of squares from cross-products."""
    return float(total - outcome @ np.linalg.lstsq(design, outcome, rcond=None)[0]) if outcome.size else float(total)


def _region(given: Products, prior: CellPrior, depth: float) -> Bounds:
    """Return the box over log residual sd and stretched group sds outside which the posterior has no height."""
    total = float(np.sqrt(given.whole[-1, -1] / given.n)) + prior.residual_sd
    least = np.log(_residual_at_least(given))
    axes = [np.linspace(least, np.log(total) + 1.0, 24)]
    axes += [np.linspace(0.0, np.arcsinh(3 * total / unit), 14) for unit in _units(given)]
    for _ in range(3):
        axes = _tightened(given, prior, axes, depth)
    return tuple((float(axis[0]), float(axis[-1])) for axis in axes)


def _tightened(given: Products, prior: CellPrior, axes: list[Floats], depth: float) -> list[Floats]:
    points = _cross(axes)
    height = _log_posterior(given, prior, points).reshape([axis.size for axis in axes])
    above = height > height.max() - depth
    found = []
    for k, axis in enumerate(axes):
        reached = np.flatnonzero(above.any(axis=tuple(j for j in range(len(axes)) if j != k)))
        low = axis[max(int(reached[0]) - 1, 0)]
        high = axis[min(int(reached[-1]) + 1, axis.size - 1)]
        found.append(np.linspace(low, high, 16 if len(axes) < 3 else 11))
    return found


def _units(given: Products) -> tuple[float, ...]:
    """Return the unit of each group sd: about its standard error, so that asinh(sd / unit) draws in its long tail."""
    residual = _residual(given)
    groups = [float(given.counts.sum())] * bool(given.big) + [float(given.small_count)] * bool(given.small)
    return tuple(residual / np.sqrt(given.n / count) for count in groups)


def _with_sds(given: Products, points: Floats) -> Floats:
    """Return points whose group sds are no longer stretched."""
    found = points.copy()
    for k, unit in enumerate(_units(given), start=1):
        found[:, k] = unit * np.sinh(points[:, k])
    return found


def _within(given: Products) -> Floats:
    """Return cross-products around the means of the larger factor's groups; what is nothing but rounding is zero."""
    found = given.whole - np.tensordot(1 / given.sizes, given.by_size, 1)
    size = np.sqrt(np.maximum(np.diag(given.whole), 0.0))
    found[np.abs(found) < 1e-12 * np.outer(size, size)] = 0.0
    return np.asarray(found, dtype=np.float64)


def _residual(given: Products) -> float:
    """Return the root mean square that is left when every cell, covariate and group is fitted freely."""
    moments = _within(given) if given.big else given.whole
    design, outcome = moments[:-1, :-1], moments[:-1, -1]
    left = _left(design, outcome, float(moments[-1, -1]))
    floor = 1e-4 * np.sqrt(given.whole[-1, -1] / given.n)
    return float(max(np.sqrt(max(left, 0.0) / given.n), floor, 1e-12))


def _residual_at_least(given: Products) -> float:
    """Return a residual sd so far below what is left that the likelihood there is nothing."""
    free = max(given.n - given.counts.sum() - given.small_count - given.precision.shape[0], 1.0)
    return _residual(given) * float(np.exp(-np.sqrt(_TWICE_DEPTH / free)))


def _system(given: Products, points: Floats) -> tuple[Floats, Floats, Floats]:
    """Return precision (k, p, p), right-hand side (k, p) and outcome's quadratic form (k,) of the linear part."""
    variance = np.exp(2 * points[:, 0])
    moments = np.broadcast_to(given.whole, (points.shape[0], *given.whole.shape))
    if given.big:
        # within groups plus what is left of the sums: no difference of two large numbers where the residual is small
        grown = given.sizes * points[:, 1, None] ** 2 / variance[:, None]
        moments = _within(given) + np.tensordot(1 / (given.sizes * (1 + grown)), given.by_size, 1)
    moments = moments / variance[:, None, None]
    matrix = moments[:, :-1, :-1].copy()
    fixed = given.precision.shape[0]
    matrix[:, :fixed, :fixed] += given.precision
    if given.small:
        at = np.arange(fixed, matrix.shape[1])
        matrix[:, at, at] += 1 / np.maximum(points[:, -1, None], 1e-150) ** 2
    return matrix, moments[:, :-1, -1], moments[:, -1, -1]


def _log_posterior(given: Products, prior: CellPrior, points: Floats) -> Floats:
    """Return log likelihood plus log prior of log residual sd and stretched group sds, all else integrated out."""
    log_stretch = np.zeros(points.shape[0])
    for k, unit in enumerate(_units(given), start=1):
        log_stretch = log_stretch + np.log(unit) + np.log(np.cosh(points[:, k]))
    points = _with_sds(given, points)
    parts = [_log_likelihood(given, points[i : i + _CHUNK]) for i in range(0, points.shape[0], _CHUNK)]
    log_sd, residual = points[:, 0], np.exp(points[:, 0])
    log_prior = _half_normal(residual, prior.residual_sd) + log_sd
    for k in range(1, points.shape[1]):
        log_prior = log_prior + _half_normal(points[:, k], prior.group_sd)
    return np.asarray(np.concatenate(parts) + log_prior + log_stretch, dtype=np.float64)


def _log_likelihood(given: Products, points: Floats) -> Floats:
    matrix, right, square = _system(given, points)
    root = np.linalg.cholesky(matrix)
    solved = np.linalg.solve(root, right[..., None])[..., 0]
    log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    log_prior_det = np.linalg.slogdet(given.precision)[1]
    if given.small:
        log_prior_det = log_prior_det - 2 * given.small_count * np.log(np.maximum(points[:, -1], 1e-150))
    variance = np.exp(2 * points[:, 0])
    log_spread = 2 * given.n * points[:, 0]
    if given.big:
        ratio = given.sizes * points[:, 1, None] ** 2 / variance[:, None]
        log_spread = log_spread + np.log1p(ratio) @ given.counts
    constant = given.n * np.log(2 * np.pi)
    return np.asarray(-0.5 * (constant + log_spread + square - (solved**2).sum(axis=1) + log_det - log_prior_det))


def _half_normal(values: Floats, scale: float) -> Floats:
    return np.asarray(0.5 * np.log(2 / np.pi) - np.log(scale) - 0.5 * (values / scale) ** 2)


def _cells(given: Products, points: Floats) -> tuple[Floats, Floats]:
    """Return posterior means and covariances of the cells on each node."""
    means, covariances = [], []
    for i in range(0, points.shape[0], _CHUNK):
        matrix, right, _ = _system(given, points[i : i + _CHUNK])
        inverse = np.linalg.inv(matrix)
        means.append((inverse @ right[..., None])[:, : given.n_cells, 0] + given.middle)
        covariances.append(inverse[:, : given.n_cells, : given.n_cells])
    return np.concatenate(means), np.concatenate(covariances)
