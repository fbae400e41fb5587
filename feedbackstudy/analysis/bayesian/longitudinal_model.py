"""The constrained longitudinal model as a PyMC model, to inspect or extend; the table's draws are by Gibbs sampling."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.longitudinal_waves import MEDIAN_RATIO
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.sampling import load_pymc

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["waves_model"]


def waves_model(Y: ArrayLike, design: ArrayLike, cells: int, *, prior: CellPrior) -> "pymc.Model":
    r"""Return the model that `waves_posterior` draws from.

    Parameters
    ----------
    Y : array_like, shape (n, waves)
        Scores; NaN where missing.
    design : array_like, shape (n, waves, p)
        Columns of each person at each wave: indicators of the cells first, then covariates in standard deviations.
    cells : int
        Cells among the columns.
    prior : CellPrior
        Prior of cell means and slopes, from the scale.

    Returns
    -------
    pymc.Model
        Free variables ``cells``, ``slopes`` (with covariates), and the parts of the precision matrix in Bartlett's
        decomposition; ``covariance`` is their result. Answers enter by pattern, missing ones are integrated out.

    Notes
    -----
    A precision :math:`\Lambda = L A A' L'` with L the Cholesky root of the inverse scale, normal numbers below the
    diagonal of A and roots of chi square on it, is Wishart (Bartlett, 1933): the covariance is inverse Wishart.
    """
    pm = load_pymc()
    scores, X = np.asarray(Y, dtype=np.float64), np.asarray(design, dtype=np.float64)
    waves, slopes = scores.shape[1], X.shape[2] - cells
    with pm.Model() as model:
        around = np.full(cells, prior.middle)
        beta: Any = pm.MvNormal("cells", around, cov=prior.cells(cells).covariances[0])
        if slopes:
            beta = pm.math.concatenate([beta, pm.Normal("slopes", 0.0, prior.slope_sd, shape=slopes)])
        covariance = pm.Deterministic("covariance", _covariance(pm, waves, prior))
        mean = pm.math.dot(X, beta)
        for name, people, at in _patterns(scores):
            inside = mean[people][:, at] if len(at) < waves else mean[people]
            pm.MvNormal(name, inside, cov=covariance[at][:, at], observed=scores[np.ix_(people, at)])
    return model


def _covariance(pm: Any, waves: int, prior: CellPrior) -> Any:  # noqa: ANN401 - PyMC's graphs have no types
    scale = MEDIAN_RATIO * prior.residual_sd**2
    below = pm.Normal("below", 0.0, 1.0, shape=waves * (waves - 1) // 2)
    squares = pm.ChiSquared("squares", np.arange(waves + 1, 1, -1), shape=waves)
    root = pm.math.zeros_like(pm.math.dot(np.zeros((waves, 1)), np.zeros((1, waves))))
    rows, columns = np.tril_indices(waves, -1)
    for k, (i, j) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        root = root[i, j].set(below[k])
    for i in range(waves):
        root = root[i, i].set(pm.math.sqrt(squares[i]))
    return pm.math.matrix_inverse(pm.math.dot(root, root.T) / scale)


def _patterns(scores: NDArray[np.float64]) -> list[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    """Return a name, the people and the waves of every pattern of answers."""
    masks, which = np.unique(~np.isnan(scores), axis=0, return_inverse=True)
    found = []
    for k, mask in enumerate(masks):
        if mask.any():
            name = "y_" + "".join("1" if seen else "0" for seen in mask)
            found.append((name, np.flatnonzero(which.ravel() == k), np.flatnonzero(mask)))
    return found
