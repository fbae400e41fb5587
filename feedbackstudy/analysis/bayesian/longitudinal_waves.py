"""The constrained longitudinal model with priors on the scale: exact conditionals, drawn in turn."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.gates import Gates, converged
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.bayesian.r_draws import gates_script
from feedbackstudy.errors import DataError

__all__ = ["MEDIAN_RATIO", "TUNE", "waves_posterior"]

type Floats = NDArray[np.float64]

MEDIAN_RATIO = 0.6307
"""Scale of the inverse-Wishart over the squared half-normal scale: their median variances then agree."""
TUNE = 300
"""Draws of each chain before those that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """People by pattern of answered waves."""

    y: Floats
    X: Floats
    masks: NDArray[np.bool_]
    members: tuple[NDArray[np.int64], ...]
    products: Floats
    moments: Floats


def waves_posterior(
    Y: ArrayLike,
    design: ArrayLike,
    cells: int,
    *,
    prior: CellPrior,
    seed: int,
    chains: int = 4,
    draws: int = 1500,
    tune: int = TUNE,
) -> CellDraws:
    r"""Draw from the posterior of the means of arms at waves.

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
    seed : int
        Seed.
    chains, draws, tune : int
        Chains, kept draws of each, and draws before them.

    Returns
    -------
    CellDraws
        Draws of the cell means, with their prior.

    Raises
    ------
    DataError
        Where a cell holds no answer.

    Notes
    -----
    Given the covariance the coefficients are normal (drawn with the missing scores integrated out); given both, missing
    scores are normal; given complete scores the covariance is inverse Wishart (Gelman et al., 2013, sections 3.6 and
    18.4). Its prior has waves + 1 degrees of freedom, so that every correlation is uniform, and the median variance of
    the half-normal prior of `CellPrior`. Chains start from different covariances.
    """
    rows = _rows(np.asarray(Y, dtype=np.float64), np.asarray(design, dtype=np.float64))
    _refuse(rows, cells)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 79]))
    waves, p = rows.y.shape[1], rows.X.shape[2]
    precision = np.zeros((p, p))
    precision[:cells, :cells] = np.linalg.inv(prior.cells(cells).covariances[0])
    precision[cells:, cells:] = np.eye(p - cells) / prior.slope_sd**2
    pull = precision @ np.r_[np.full(cells, prior.middle), np.zeros(p - cells)]
    scale = MEDIAN_RATIO * prior.residual_sd**2 * np.eye(waves)
    sigma = prior.residual_sd**2 * rng.uniform(0.2, 1.5, size=(chains, 1, 1)) * np.eye(waves)
    beta_draws, sd_draws = np.empty((chains, draws, p)), np.empty((chains, draws))
    full = np.broadcast_to(rows.y, (chains, *rows.y.shape)).copy()
    for i in range(tune + draws):
        beta = _coefficients(rows, sigma, precision, pull, rng)
        _complete(rows, full, beta, sigma, rng)
        left = full - np.einsum("ntp,cp->cnt", rows.X, beta)
        sigma = _inverse_wishart(scale + np.swapaxes(left, 1, 2) @ left, waves + 1 + left.shape[1], rng)
        if i >= tune:
            beta_draws[:, i - tune] = beta
            later = np.diagonal(sigma, axis1=1, axis2=2)[:, 1:]
            sd_draws[:, i - tune] = np.sqrt(later.mean(axis=1))
    return CellDraws(
        draws=beta_draws[:, :, :cells].reshape(-1, cells),
        chains=chains,
        sds=sd_draws.ravel(),
        gates=_gates(beta_draws, sd_draws),
        n=len(rows.y),
        model=f"constrained longitudinal model ({waves} waves, common mean before treatment, unstructured covariance), "
        f"Gibbs sampling, {chains} chains of {draws} draws",
        prior=f"{prior}; covariance of the waves inverse Wishart with {waves + 1} degrees of freedom, so that "
        "correlations are uniform",
        prior_cells=prior.cells(cells),
    )


def _rows(Y: Floats, X: Floats) -> _Rows:
    seen = ~np.isnan(Y)
    kept = seen.any(axis=1)
    seen, y, X = seen[kept], np.where(seen, Y, 0.0)[kept], X[kept]
    masks, which = np.unique(seen, axis=0, return_inverse=True)
    members = tuple(np.flatnonzero(which.ravel() == k) for k in range(len(masks)))
    products = np.stack([np.einsum("nsp,ntq->stpq", X[at], X[at]) for at in members])
    moments = np.stack([np.einsum("nsp,nt->stp", X[at], y[at]) for at in members])
    return _Rows(y=y, X=X, masks=masks, members=members, products=products, moments=moments)


def _refuse(rows: _Rows, cells: int) -> None:
    seen = np.zeros(rows.y.shape)
    for mask, at in zip(rows.masks, rows.members, strict=True):
        seen[at] = mask
    counts = np.einsum("ntp,nt->p", rows.X[:, :, :cells], seen)
    if (counts == 0).any():
        raise DataError(
            f"{int((counts == 0).sum())} of the {cells} means of arms at waves have no answer behind them; leave the "
            "arm or the wave out."
        )


def _coefficients(rows: _Rows, sigma: Floats, precision: Floats, pull: Floats, rng: np.random.Generator) -> Floats:
    """Draw coefficients of every chain given its covariance, from the answered scores."""
    chains, p = len(sigma), rows.X.shape[2]
    gram, right = np.tile(precision, (chains, 1, 1)), np.tile(pull, (chains, 1))
    for mask, products, moments in zip(rows.masks, rows.products, rows.moments, strict=True):
        at = np.flatnonzero(mask)
        inverse = np.linalg.inv(sigma[:, at[:, None], at])
        inside = (len(at) ** 2, p * p)
        gram += (inverse.reshape(chains, -1) @ products[at[:, None], at].reshape(inside)).reshape(chains, p, p)
        right += inverse.reshape(chains, -1) @ moments[at[:, None], at].reshape(len(at) ** 2, p)
    root = np.linalg.cholesky(gram)
    mean = np.linalg.solve(gram, right[:, :, None])
    noise = np.linalg.solve(np.swapaxes(root, 1, 2), rng.standard_normal((chains, p, 1)))
    return np.asarray((mean + noise)[:, :, 0], dtype=np.float64)


def _complete(rows: _Rows, full: Floats, beta: Floats, sigma: Floats, rng: np.random.Generator) -> None:
    """Draw the missing scores in place."""
    for mask, members in zip(rows.masks, rows.members, strict=True):
        if mask.all():
            continue
        seen, gone = np.flatnonzero(mask), np.flatnonzero(~mask)
        mean = np.einsum("ntp,cp->cnt", rows.X[members], beta)
        cross = sigma[:, gone[:, None], seen]
        weights = cross @ np.linalg.inv(sigma[:, seen[:, None], seen])
        centre = mean[:, :, gone] + (rows.y[members][:, seen] - mean[:, :, seen]) @ np.swapaxes(weights, 1, 2)
        spread = sigma[:, gone[:, None], gone] - weights @ np.swapaxes(cross, 1, 2)
        root = np.linalg.cholesky(spread)
        drawn = centre + rng.standard_normal(centre.shape) @ np.swapaxes(root, 1, 2)
        full[:, members[:, None], gone] = drawn


def _inverse_wishart(scale: Floats, df: int, rng: np.random.Generator) -> Floats:
    """Draw one covariance a chain: the inverse of a Wishart draw by Bartlett's decomposition."""
    chains, size = scale.shape[:2]
    lower = np.tril(rng.standard_normal(scale.shape), -1)
    diagonal = np.arange(size)
    lower[:, diagonal, diagonal] = np.sqrt(rng.chisquare(df - diagonal, size=(chains, size)))
    root = np.linalg.cholesky(np.linalg.inv(scale)) @ lower
    return np.asarray(np.linalg.inv(root @ np.swapaxes(root, 1, 2)), dtype=np.float64)


def _gates(beta: Floats, sd: Floats) -> Gates:
    each = [converged(beta[:, :, j]) for j in range(beta.shape[2])] + [converged(sd)]
    return Gates(
        rhat=max(one.rhat for one in each),
        ess_bulk=min(one.ess_bulk for one in each),
        ess_tail=min(one.ess_tail for one in each),
        divergences=0,
        ebfmi=float("inf"),
        script=partial(gates_script, {"beta": beta, "sd": sd}, None, None),
    )
