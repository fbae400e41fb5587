"""Several contrasts of cells at once: how much of the variance they explain, and the evidence against none of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.cell_posterior import CellMixture
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells

__all__ = ["JointEvidence", "joint_evidence"]

type Floats = NDArray[np.float64]

_DRAWS = 20_000
_SEED = 20260115


@dataclass(frozen=True, slots=True, kw_only=True)
class JointEvidence:
    """All contrasts at once.

    Attributes
    ----------
    median, low, high : float
        Posterior median and equal-tailed limits of partial eta squared.
    bayes_factor : float or None
        For any difference against none, under the model's own prior; None where draws cannot carry a joint density.
    note : str
        How it was computed.
    """

    median: float
    low: float
    high: float
    bayes_factor: float | None
    note: str


def joint_evidence(
    fit: CellMixture | CellDraws, weights: ArrayLike, *, counts: ArrayLike, level: float, value: float = 0.0
) -> JointEvidence:
    r"""Summarise several contrasts of cells together.

    Parameters
    ----------
    fit : CellMixture or CellDraws
        The posterior.
    weights : array_like, shape (contrasts, cells)
        Weights; rows may depend on each other.
    counts : array_like, shape (cells,)
        Rows in each cell.
    level : float
        Probability inside the interval.
    value : float, default 0
        The fixed value that is subtracted.

    Returns
    -------
    JointEvidence
        Partial eta squared and Bayes factor.

    Notes
    -----
    :math:`\eta^2 = Q / (Q + n \sigma^2)`, :math:`Q = (Lm)' (L N^{-1} L')^{-} Lm` with N the counts on a diagonal, from
    20,000 independent draws of the mixture (fixed seed) or the draws themselves. The Bayes factor is the ratio of prior
    to posterior density of the independent contrasts at zero, exact for a mixture.
    """
    rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    used = np.asarray(counts, dtype=np.float64)
    free = _independent(rows)
    cells, sds = _drawn(fit)
    offsets = free @ np.linalg.lstsq(rows, np.full(len(rows), value), rcond=None)[0]
    found = cells @ free.T - offsets
    metric = np.linalg.inv(free @ np.diag(1 / np.maximum(used, 1.0)) @ free.T)
    q = np.einsum("si,ij,sj->s", found, metric, found)
    eta = q / (q + used.sum() * sds**2)
    tail = (1 - level) / 2
    low, median, high = np.quantile(eta, [tail, 0.5, 1 - tail])
    factor = _factor(fit, free, offsets) if isinstance(fit, CellMixture) else None
    note = "Bayes factor of any difference against none: ratio of densities at zero under the model's own prior"
    return JointEvidence(
        median=float(median),
        low=float(low),
        high=float(high),
        bayes_factor=factor,
        note=note if factor is not None else "no joint Bayes factor from draws",
    )


def _independent(rows: Floats) -> Floats:
    _, values, right = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(right[values > 1e-10 * values[0]], dtype=np.float64)


def _drawn(fit: CellMixture | CellDraws) -> tuple[Floats, Floats]:
    if isinstance(fit, CellDraws):
        return fit.draws, fit.sds if fit.sds is not None else np.full(len(fit.draws), np.pi / np.sqrt(3))
    chance = np.random.default_rng(_SEED)
    component = chance.choice(fit.cells.weights.size, _DRAWS, p=fit.cells.weights)
    roots = np.linalg.cholesky(fit.cells.covariances + 1e-14 * np.eye(fit.cells.cells))
    noise = chance.standard_normal((_DRAWS, fit.cells.cells))
    drawn = fit.cells.means[component] + np.einsum("sij,sj->si", roots[component], noise)
    return np.asarray(drawn), np.asarray(fit.sds[component])


def _factor(fit: CellMixture, free: Floats, offsets: Floats) -> float:
    return exponential(_log_density(fit.prior_cells, free, offsets) - _log_density(fit.cells, free, offsets))


def _log_density(cells: NormalCells, free: Floats, at: Floats) -> float:
    means, covariances = cells.means @ free.T, free @ cells.covariances @ free.T
    off = at - means
    _, log_det = np.linalg.slogdet(covariances)
    square = np.einsum("ki,ki->k", off, np.linalg.solve(covariances, off[..., None])[..., 0])
    terms = -0.5 * (log_det + square + len(free) * np.log(2 * np.pi))
    with np.errstate(divide="ignore"):
        return float(special.logsumexp(terms + np.log(cells.weights)))
