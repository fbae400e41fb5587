"""Bootstrap of path models from cross-products: no draw touches the rows again."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.mediation_system import PathSystem
from feedbackstudy.errors import DataError
from feedbackstudy.threads import one_thread

__all__ = ["PathDraws", "bootstrap_paths"]

type Floats = NDArray[np.float64]

_CELLS = 2_000_000  # counts held at once
_SINGULAR = 1e-9  # of a column's own sum of squares
_LOST = 0.05  # largest share of draws that may be singular


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathDraws:
    """Coefficients in bootstrap samples, and with each unit left out.

    Attributes
    ----------
    theta : ndarray of shape (draws, size)
        Coefficients, equation after equation.
    spread : ndarray of shape (draws, columns)
        Standard deviation of every column in the sample: around its mean, or pooled within cells where indicators of
        cells hold the constant.
    jackknife : ndarray of shape (units, size)
        Coefficients without each row, or each cluster; for BCa intervals. No row where none was asked.
    jackknife_spread : ndarray of shape (units, columns)
        Standard deviations without each unit.
    lost : int
        Samples in which an equation was singular (a cell drawn empty); they are left out of `theta`.
    units : str
        ``"rows"`` or ``"clusters"``: what was drawn with replacement.
    """

    theta: Floats
    spread: Floats
    jackknife: Floats
    jackknife_spread: Floats
    lost: int
    units: str


def bootstrap_paths(
    system: PathSystem,
    *,
    draws: int,
    seed: int | np.random.SeedSequence,
    cluster: NDArray[np.int64] | None = None,
    jackknife: bool = True,
) -> PathDraws:
    r"""Draw rows (or whole clusters) with replacement and fit every equation in every sample.

    Parameters
    ----------
    system : PathSystem
        Columns and equations.
    draws : int
        Bootstrap samples.
    seed : int or SeedSequence
        Seed.
    cluster : ndarray of int, shape (n,), optional
        Cluster of each row; then clusters are drawn.
    jackknife : bool, default True
        Whether to compute the leave-one-out coefficients.

    Returns
    -------
    PathDraws
        Coefficients in every sample.

    Raises
    ------
    DataError
        Where more than one sample in twenty is singular, or there are fewer than two units to draw.

    Notes
    -----
    The :math:`k(k+1)/2` products of columns are formed once, W (draws x units) counts how often each unit was drawn,
    and W times the products gives all cross-product matrices; each equation is then eliminated for all draws
    together. Columns other than the constant's are centred and all are scaled, so the normal equations stay well
    conditioned.
    """
    scaled, scale, shift = _scaled(system)
    rows, columns = np.triu_indices(scaled.shape[1])
    products = np.column_stack([scaled[:, rows] * scaled[:, columns], np.ones(system.n)])
    if cluster is not None:
        _, code = np.unique(cluster, return_inverse=True)
        summed = np.zeros((int(code.max()) + 1, products.shape[1]))
        np.add.at(summed, code, products)
        products = summed
    units = len(products)
    if units < 2:
        raise DataError("A bootstrap needs at least two units to draw; the data hold one cluster.")
    rng = np.random.default_rng(seed)
    with one_thread():
        parts = [_solved(system, products.T @ counts.T, scale, shift) for counts in _counts(units, draws, rng)]
        theta, spread = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        left, left_spread = np.empty((0, system.size)), np.empty((0, len(system.columns)))
        if jackknife:
            left, left_spread = _solved(system, (products.sum(axis=0) - products).T, scale, shift)
    kept = np.isfinite(theta).all(axis=1)
    lost = int((~kept).sum())
    if lost > _LOST * draws:
        raise DataError(
            f"In {lost} of {draws} bootstrap samples an equation is singular: a cell or level holds too few rows (or "
            "too few clusters) to be drawn every time. Pool cells, leave the moderator out, or use the delta method."
        )
    good = np.isfinite(left).all(axis=1)
    return PathDraws(
        theta=theta[kept],
        spread=spread[kept],
        jackknife=left[good],
        jackknife_spread=left_spread[good],
        lost=lost,
        units="rows" if cluster is None else "clusters",
    )


def _scaled(system: PathSystem) -> tuple[Floats, Floats, Floats]:
    shift = system.matrix.mean(axis=0)
    shift[list(system.constant)] = 0.0
    centred = system.matrix - shift
    scale = np.sqrt((centred**2).mean(axis=0))
    scale[scale == 0] = 1.0
    return centred / scale, scale, shift


def _counts(units: int, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each unit is drawn, a chunk of samples at a time."""
    size = max(1, min(draws, 1000, _CELLS // units))
    for start in range(0, draws, size):
        many = min(size, draws - start)
        picked = rng.integers(0, units, size=(many, units))
        picked += np.arange(many)[:, None] * units
        yield np.bincount(picked.ravel(), minlength=many * units).reshape(many, units).astype(np.float64)


def _solved(system: PathSystem, sums: Floats, scale: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """Return coefficients (draws, size) and standard deviations (draws, columns) from sums of products."""
    k = len(system.columns)
    rows, columns = np.triu_indices(k)
    many = sums.shape[1]
    gram = np.empty((k, k, many))
    gram[rows, columns] = gram[columns, rows] = sums[: rows.size]
    at = list(system.constant)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (gram[at] ** 2 / gram[at, at][:, None]).sum(axis=0)
    left = np.maximum(np.einsum("iib->ib", gram) - means, 0.0)
    spread = np.sqrt(left / (sums[-1] - len(at))) * scale[:, None]
    theta = np.empty((system.size, many))
    for i, equation in enumerate(system.equations):
        used = list(equation.predictors)
        beta = _eliminate(gram[np.ix_(used, used)], gram[used, equation.response])
        beta *= (scale[equation.response] / scale[used])[:, None]
        level = [k for k, j in enumerate(used) if j in system.constant]
        beta[level] += shift[equation.response] - shift[used] @ beta
        theta[system.block(i)] = beta
    return theta.T, spread.T


def _eliminate(matrix: Floats, right: Floats) -> Floats:
    """Solve symmetric positive definite systems, the last axis being the draws; NaN where singular."""
    a, r = matrix.copy(), right.copy()
    size = len(a)
    least = _SINGULAR * np.einsum("iib->ib", a)
    with np.errstate(divide="ignore", invalid="ignore"):
        for i in range(size):
            a[i, i] = np.where(a[i, i] > least[i], a[i, i], np.nan)
            if i + 1 < size:
                factor = a[i + 1 :, i] / a[i, i]
                a[i + 1 :, i + 1 :] -= factor[:, None] * a[i, i + 1 :]
                r[i + 1 :] -= factor * r[i]
        for i in reversed(range(size)):
            r[i] = (r[i] - (a[i, i + 1 :] * r[i + 1 :]).sum(axis=0)) / a[i, i]
    return r
