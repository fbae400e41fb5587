"""Slopes on something measured, for outcomes whose model is sampled: coefficients read as the cells' quantities."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_model import stated
from feedbackstudy.analysis.bayesian.family import Family
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.sampled_cells import fitted
from feedbackstudy.errors import DataError

__all__ = ["sampled_slopes"]

type Floats = NDArray[np.float64]


def sampled_slopes(
    family: Family,
    y: ArrayLike,
    cell: ArrayLike,
    n_cells: int,
    *,
    predictor: ArrayLike,
    common: bool,
    seed: int,
    covariates: ArrayLike | None = None,
    groups: Mapping[str, ArrayLike] | None = None,
    **settings: Any,  # noqa: ANN401
) -> CellDraws:
    """Sample slopes on a predictor.

    Parameters
    ----------
    family : Family
        Kind of outcome with its prior.
    y : array_like, shape (n,)
        Outcome.
    cell : array_like of int, shape (n,)
        Position of each row's cell; every cell holds rows and has a level of its own.
    n_cells : int
        Cells.
    predictor : array_like, shape (n,)
        The measured variable, centred.
    common : bool
        One slope for all cells, or one for each.
    seed : int
        Seed of the chains.
    covariates : array_like, shape (n, q), optional
        Covariates, centred.
    groups : mapping of str to array_like of int, optional
        Grouping factors of random intercepts.
    **settings
        `draws`, `tune`, `chains`, `target_accept`, `progress`, as in `fitted`.

    Returns
    -------
    CellDraws
        Its "cells" are the slopes on the predictor's own scale, for one unit of the variable; each has the prior of a
        covariate's coefficient for one standard deviation.

    Raises
    ------
    DataError
        For a predictor that does not vary.
    """
    x, at = np.asarray(predictor, dtype=np.float64), np.asarray(cell, dtype=np.int64)
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    if not spread > 0:
        raise DataError("The predictor is the same in all rows; it has no slope.")
    slopes = x[:, None] if common else np.eye(n_cells)[at] * x[:, None]
    k = slopes.shape[1]
    others = np.empty((x.size, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    units = np.concatenate([np.full(k, spread), others.std(axis=0, ddof=1)])
    model = stated(family, y, at, n_cells, covariates=np.hstack([slopes, others]), covariate_sd=units, groups=groups)
    done = fitted(model, seed=seed, **settings)
    cells = done.cells()
    sd = family.prior.covariate_sd / spread
    return CellDraws(
        draws=done.values["coefficient"][:, :k] / spread,
        chains=done.chains,
        sds=cells.sds,
        gates=cells.gates,
        n=cells.n,
        model=f"{cells.model}; {'one slope for all cells' if common else 'a slope in each cell'}",
        prior=cells.prior,
        scale=cells.scale,
        prior_cells=NormalCells(weights=np.ones(1), means=np.zeros((1, k)), covariances=(sd**2 * np.eye(k))[None]),
        notes=cells.notes,
        counts=np.array([x.size]) if common else model.counts,
        sampled=done,
    )
