"""Slopes on something measured, exactly: one common slope within cells, or a slope in each cell."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.gaussian import GaussianCells, gaussian_cells, total_sd
from feedbackstudy.analysis.bayesian.gaussian_grid import Products, integrate
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import load_pymc
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["gaussian_slopes"]

type Floats = NDArray[np.float64]


def gaussian_slopes(
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    predictor: ArrayLike,
    common: bool,
    prior: CellPrior,
    covariates: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    nodes: int = 32,
) -> CellMixture:
    r"""Return the posterior of slopes on a predictor.

    Parameters
    ----------
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell; every cell holds rows and has a mean of its own.
    n_cells : int
        Cells.
    predictor : array_like, shape (n,)
        The measured variable, centred.
    common : bool
        One slope for all cells, or one for each.
    prior : CellPrior
        The prior, from the outcome's scale.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    groups : mapping of str to array_like of int, shape (n,), optional
        Position of each row's group, for up to two grouping factors.
    nodes : int, default 32
        Quadrature nodes along each standard deviation.

    Returns
    -------
    CellMixture
        Its "cells" are the slopes, in units of the outcome for one unit of the predictor.

    Raises
    ------
    DataError
        As `gaussian_cells`; also for a predictor that does not vary.

    Notes
    -----
    With s the prior's `slope_sd` for one standard deviation of the predictor: a common slope is N(0, s); slopes of k
    cells have covariance :math:`s^2 (J + I - J/k)`: their mean and every orthonormal contrast of them is N(0, s).
    """
    x = np.asarray(predictor, dtype=np.float64)
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    if not spread > 0:
        raise DataError("The predictor is the same in all rows; it has no slope.")
    stated = gaussian_cells(y, cell, n_cells, prior=prior, covariates=covariates, groups=groups)
    rows = stated.rows
    slopes = x[:, None] if common else np.eye(n_cells)[rows.cell] * x[:, None]
    k = slopes.shape[1]
    covariance = (prior.slope_sd / spread) ** 2 * (np.ones((k, k)) + (0 if k == 1 else 1) * (np.eye(k) - 1 / k))
    done = integrate(_products(stated, slopes, covariance), prior, nodes=nodes)
    what = "one slope for all cells" if common else "a slope in each cell"
    return CellMixture(
        cells=NormalCells(weights=done.weights, means=done.means, covariances=done.covariances),
        sds=total_sd(rows, done.sds),
        prior_cells=NormalCells(weights=np.ones(1), means=np.zeros((1, k)), covariances=covariance[None]),
        counts=np.array([rows.n]) if common else np.bincount(rows.cell, minlength=n_cells),
        n=rows.n,
        model=f"normal model with cell means and {what}{_adjusted(stated)}; exact but for quadrature over spreads",
        prior=f"slopes N(0, {prior.slope_sd:.4g}) for one sd of the predictor; {prior}",
        log_marginal=done.log_marginal,
        variances=done.sds,
        twin=lambda: _twin(stated, slopes, covariance),
    )


def _adjusted(stated: GaussianCells) -> str:
    q, names = stated.rows.covariates.shape[1], [group.name for group in stated.rows.groups]
    return (f", {q} covariate{'s' if q > 1 else ''}" if q else "") + (
        f", random intercepts of {' and '.join(names)}" if names else ""
    )


def _products(stated: GaussianCells, slopes: Floats, covariance: Floats) -> Products:
    """Return cross-products in which the slopes stand first; cells count as deviations from the prior's middle."""
    rows, prior = stated.rows, stated.prior
    ordered = sorted(rows.groups, key=lambda group: group.count, reverse=True)
    big, small = (ordered[0] if ordered else None), (ordered[1] if len(ordered) > 1 else None)
    columns = [slopes, np.eye(rows.n_cells)[rows.cell], rows.covariates]
    columns += [small.indicators] if small is not None else []
    design = np.column_stack([*columns, rows.y - prior.middle])
    k, q = slopes.shape[1], rows.covariates.shape[1]
    precision = np.zeros((k + rows.n_cells + q,) * 2)
    precision[:k, :k] = np.linalg.inv(covariance)
    at = slice(k, k + rows.n_cells)
    precision[at, at] = np.linalg.inv(prior.cells(rows.n_cells).covariances[0])
    precision[k + rows.n_cells :, k + rows.n_cells :] = np.eye(q) / prior.slope_sd**2
    sizes, counts, by_size = np.zeros(0), np.zeros(0), np.zeros((0, design.shape[1], design.shape[1]))
    if big is not None:
        sums = big.sums(design)
        sizes, place = np.unique(big.sizes, return_inverse=True)
        counts = np.bincount(place).astype(np.float64)
        by_size = np.stack([sums[place == i].T @ sums[place == i] for i in range(sizes.size)])
    return Products(
        whole=design.T @ design,
        n=rows.n,
        n_cells=k,
        middle=0.0,
        precision=precision,
        sizes=sizes.astype(np.float64),
        counts=counts,
        by_size=by_size,
        big="" if big is None else big.name,
        small="" if small is None else small.name,
        small_count=0 if small is None else small.count,
        level=False,
    )


def _twin(stated: GaussianCells, slopes: Floats, covariance: Floats) -> "pymc.Model":
    pm = load_pymc()
    rows, prior = stated.rows, stated.prior
    with pm.Model() as model:
        slope = pm.MvNormal("slopes", np.zeros(slopes.shape[1]), cov=covariance)
        cells = pm.MvNormal("cells", np.full(rows.n_cells, prior.middle), cov=prior.cells(rows.n_cells).covariances[0])
        mean = cells[rows.cell] + pm.math.dot(slopes, slope)
        if rows.covariates.shape[1]:
            beta = pm.Normal("coefficients", 0.0, prior.slope_sd, shape=rows.covariates.shape[1])
            mean = mean + pm.math.dot(rows.covariates, beta)
        for group in rows.groups:
            sd = pm.HalfNormal(f"sd_{group.name}", prior.group_sd)
            effect = pm.Normal(f"effect_{group.name}", 0.0, 1.0, shape=group.count)
            mean = mean + sd * effect[group.member] * group.held
        pm.Normal("outcome", mean, pm.HalfNormal("sd_residual", prior.residual_sd), observed=rows.y)
    return model
