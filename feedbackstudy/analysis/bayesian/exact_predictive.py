"""Studies drawn from a posterior that was solved exactly, beside the data."""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.gaussian import GaussianCells
from feedbackstudy.analysis.bayesian.predictive import PredictiveCheck, checked

__all__ = ["exact_posterior_predictive"]

type Floats = NDArray[np.float64]


def exact_posterior_predictive(
    model: GaussianCells, solved: CellMixture, *, seed: int, studies: int = 1000
) -> PredictiveCheck:
    r"""Lay studies drawn from the exact posterior beside the data.

    Parameters
    ----------
    model : GaussianCells
        The model with its rows.
    solved : CellMixture
        Its posterior, `model.posterior()`.
    seed : int
        Seed of the draws.
    studies : int, default 1000
        Studies to draw, at least 100.

    Returns
    -------
    PredictiveCheck
        The same checks as `predictive.posterior_predictive` gives for a sampled model; new outcomes of the same people
        in the same groups.

    Raises
    ------
    DataError
        For fewer than 100 studies.

    Notes
    -----
    Standard deviations are drawn from the grid by its weights. Given them, cells, coefficients and effects of the
    groups are jointly normal with precision :math:`W'W/\sigma^2 + P` (P the prior's, :math:`1/\tau^2` for the effects
    of a group), so each study is an independent draw: there are no chains and nothing to converge.
    """
    rng = np.random.default_rng(seed)
    return checked(
        model.rows,
        _drawn(model, solved, rng, studies),
        words=f"{solved.model}; independent draws from the exact posterior",
        whole=False,
    )


def _drawn(model: GaussianCells, solved: CellMixture, rng: np.random.Generator, studies: int) -> Floats:
    rows, prior = model.rows, model.prior
    k, q = rows.n_cells, rows.covariates.shape[1]
    design = np.column_stack([np.eye(k)[rows.cell], rows.covariates, *(group.indicators for group in rows.groups)])
    gram, pull = design.T @ design, design.T @ (rows.y - prior.middle)
    fixed = linalg.block_diag(np.linalg.inv(prior.cells(k).covariances[0]), np.eye(q) / prior.slope_sd**2)
    points = rng.choice(solved.cells.weights.size, size=studies, p=solved.cells.weights / solved.cells.weights.sum())
    made = np.empty((studies, rows.n))
    for point in np.unique(points):
        here = np.flatnonzero(points == point)
        sigma = float(solved.variances["residual"][point])
        spreads = [np.full(group.count, solved.variances[group.name][point]) for group in rows.groups]
        precision = gram / sigma**2
        precision[: k + q, : k + q] += fixed
        own = np.arange(k + q, design.shape[1])
        precision[own, own] += 1 / np.concatenate([np.empty(0), *spreads]) ** 2
        root = np.linalg.cholesky(precision)
        centre = linalg.cho_solve((root, True), pull / sigma**2)
        noise = linalg.solve_triangular(root, rng.standard_normal((design.shape[1], here.size)), lower=True, trans="T")
        made[here] = (design @ (centre[:, None] + noise)).T + sigma * rng.standard_normal((here.size, rows.n))
    return np.asarray(made + prior.middle, dtype=np.float64)
