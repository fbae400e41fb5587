"""Path models with missing mediators or outcomes: data augmentation of the same normal equations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.gates import Convergence, converged
from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.mediation_system import Effect, PathSystem

__all__ = ["AugmentedPaths", "augmented_paths", "failures_of"]

type Floats = NDArray[np.float64]

_CHAINS = 8
_WARM = 250
_RHAT, _ESS = 1.01, 400.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AugmentedPaths:
    """Draws by data augmentation.

    Attributes
    ----------
    posterior : PathPosterior
        All chains together.
    outcome_sd : ndarray of shape (draws,)
        Standard deviation of the outcome in the completed data.
    chains : int
        Number of chains; draws are in the order of the chains.
    """

    posterior: PathPosterior
    outcome_sd: Floats
    chains: int


def augmented_paths(system: PathSystem, *, draws: int, seed: int) -> AugmentedPaths:
    r"""Draw missing values and coefficients in turn.

    Parameters
    ----------
    system : PathSystem
        Columns, NaN where a mediator or the outcome is missing; everything else complete.
    draws : int
        Draws in all, over eight chains; at most 1,000 a chain are kept.
    seed : int
        Seed.

    Returns
    -------
    AugmentedPaths
        The reference posterior of the equations given the values that are there.

    Notes
    -----
    Tanner & Wong (1987). Each mediator is regressed on the cause, the covariates and all mediators before it, the
    outcome on all; given the coefficients the missing values of a row are jointly normal, given the completed rows
    every equation has its normal/inverse-chi-square posterior, as without missing values. Coefficients without the
    earlier mediators (parallel) are :math:`\beta_j + \sum_k d_{jk} \beta_k`.
    """
    state = _State.of(system)
    rng = np.random.default_rng(seed)
    kept = min(max(draws // _CHAINS, 50), 1000)
    full = np.broadcast_to(state.start, (_CHAINS, *state.start.shape)).copy()
    theta = np.empty((_CHAINS, kept, system.size))
    sigma = np.empty((_CHAINS, kept, len(system.equations)))
    spread = np.empty((_CHAINS, kept))
    for step in range(_WARM + kept):
        betas, residual = _coefficients(state, full, rng)
        _impute(state, full, betas, residual, rng)
        if step >= _WARM:
            at = step - _WARM
            theta[:, at], sigma[:, at] = _translated(system, state, betas, residual)
            spread[:, at] = full[:, :, -1].std(axis=1, ddof=1)
    return AugmentedPaths(
        posterior=PathPosterior(
            theta=theta.reshape(-1, system.size),
            sigma=sigma.reshape(-1, len(system.equations)),
            tau=np.zeros((_CHAINS * kept, len(system.equations))),
            n=system.n,
            mixtures=(),
            model="normal equations in causal order; reference prior: flat coefficients, p(sigma) proportional to "
            f"1/sigma; missing values drawn with them (data augmentation, {_CHAINS} chains)",
        ),
        outcome_sd=spread.ravel(),
        chains=_CHAINS,
    )


def failures_of(found: AugmentedPaths, effects: tuple[Effect, ...]) -> tuple[tuple[str, ...], Convergence]:
    """Return why draws are not fit to report.

    Parameters
    ----------
    found : AugmentedPaths
        Draws.
    effects : tuple of Effect
        Effects whose chains are judged.

    Returns
    -------
    tuple of (tuple of str, Convergence)
        Failed gates in words, and the worst figures over the effects.
    """
    drawn = found.posterior.draws(effects).reshape(found.chains, -1, len(effects))
    each = [converged(drawn[:, :, i]) for i in range(len(effects))]
    worst = Convergence(
        rhat=max(c.rhat for c in each),
        ess_bulk=min(c.ess_bulk for c in each),
        ess_tail=min(c.ess_tail for c in each),
        mcse_median=max(c.mcse_median for c in each),
    )
    failed = []
    if not worst.rhat <= _RHAT:
        failed.append(f"R-hat {worst.rhat:.4f} of an effect exceeds {_RHAT}")
    if not min(worst.ess_bulk, worst.ess_tail) >= _ESS:
        failed.append(f"effective sample size {min(worst.ess_bulk, worst.ess_tail):.0f} is below {_ESS:.0f}")
    return tuple(failed), worst


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Complete columns, the endogenous columns in causal order, and the patterns of what is missing."""

    base: Floats
    columns: tuple[int, ...]
    endogenous: tuple[int, ...]
    start: Floats
    patterns: tuple[tuple[NDArray[np.intp], NDArray[np.bool_]], ...]

    @classmethod
    def of(cls, system: PathSystem) -> "_State":
        endogenous = tuple(e.response for e in system.equations)
        columns = tuple(j for j in system.equations[0].predictors if j not in endogenous)
        values = system.matrix[:, list(endogenous)]
        gone = np.isnan(values)
        kinds, code = np.unique(gone, axis=0, return_inverse=True)
        patterns = tuple((np.flatnonzero(code.ravel() == k), kind) for k, kind in enumerate(kinds) if kind.any())
        start = np.where(gone, np.nanmean(values, axis=0), values)
        return cls(system.matrix[:, list(columns)], columns, endogenous, start, patterns)


def _coefficients(state: _State, full: Floats, rng: np.random.Generator) -> tuple[list[Floats], list[Floats]]:
    """Draw every equation of the triangular system given completed rows, in all chains."""
    betas, residual = [], []
    base = np.broadcast_to(state.base, (len(full), *state.base.shape))
    for j in range(len(state.endogenous)):
        x = np.concatenate([base, full[:, :, :j]], axis=2)
        y = full[:, :, j]
        lower = np.linalg.cholesky(np.swapaxes(x, 1, 2) @ x)
        half = np.linalg.inv(lower)
        z = (half @ (np.swapaxes(x, 1, 2) @ y[:, :, None]))[:, :, 0]
        rest = (y**2).sum(axis=1) - (z**2).sum(axis=1)
        s = np.sqrt(rest / rng.chisquare(x.shape[1] - x.shape[2], len(full)))
        noise = z + s[:, None] * rng.standard_normal(z.shape)
        betas.append((np.swapaxes(half, 1, 2) @ noise[:, :, None])[:, :, 0])
        residual.append(s)
    return betas, residual


def _impute(state: _State, full: Floats, betas: list[Floats], residual: list[Floats], rng: np.random.Generator) -> None:
    """Draw the missing values of every row from their normal distribution given the others."""
    chains, _, size = full.shape
    fixed = state.base.shape[1]
    # E = A b + U e with unit lower triangular inverse: mean of all endogenous given the complete columns.
    unit = np.broadcast_to(np.eye(size), (chains, size, size)).copy()
    for j in range(size):
        unit[:, j, :j] = -betas[j][:, fixed:]
    spread = np.linalg.inv(unit)
    slopes = spread @ np.stack([b[:, :fixed] for b in betas], axis=1)
    scaled = spread * np.stack(residual, axis=1)[:, None, :]
    omega = scaled @ np.swapaxes(scaled, 1, 2)
    for rows, gone in state.patterns:
        mean = state.base[rows] @ np.swapaxes(slopes, 1, 2)
        seen = ~gone
        inner, cross = omega[:, gone][:, :, gone], omega[:, gone][:, :, seen]
        centre = mean[:, :, gone]
        if seen.any():
            weights = np.linalg.solve(omega[:, seen][:, :, seen], np.swapaxes(cross, 1, 2))
            centre = centre + (full[:, rows][:, :, seen] - mean[:, :, seen]) @ weights
            inner = inner - cross @ weights
        root = np.linalg.cholesky(inner)
        noise = rng.standard_normal(centre.shape) @ np.swapaxes(root, 1, 2)
        block = full[:, rows]
        block[:, :, gone] = centre + noise
        full[:, rows] = block


def _translated(
    system: PathSystem, state: _State, betas: list[Floats], residual: list[Floats]
) -> tuple[Floats, Floats]:
    """Return the coefficients of the equations as they are written: without earlier mediators where they have none."""
    fixed = state.base.shape[1]
    chains = len(residual[0])
    theta, sigma = np.empty((chains, system.size)), np.empty((chains, len(system.equations)))
    whole: list[Floats] = []
    for j, equation in enumerate(system.equations):
        triangular = betas[j]
        own = triangular[:, :fixed]
        alone = not set(equation.predictors) & set(state.endogenous)
        variance = residual[j] ** 2
        if alone:
            for k in range(j):
                own = own + triangular[:, fixed + k, None] * whole[k]
            variance = variance + _explained(betas, residual, fixed, j)
        whole.append(own)
        known = {column: own[:, i] for i, column in enumerate(state.columns)}
        if not alone:
            known |= {state.endogenous[k]: triangular[:, fixed + k] for k in range(j)}
        start = system.offsets[j]
        for i, column in enumerate(equation.predictors):
            theta[:, start + i] = known[column]
        sigma[:, j] = np.sqrt(variance)
    return theta, sigma


def _explained(betas: list[Floats], residual: list[Floats], fixed: int, j: int) -> Floats:
    """Return the residual variance that earlier mediators carry into the j-th."""
    if j == 0:
        return np.zeros(len(residual[0]))
    unit = np.broadcast_to(np.eye(j), (len(residual[0]), j, j)).copy()
    for k in range(j):
        unit[:, k, :k] = -betas[k][:, fixed:]
    scaled = np.linalg.inv(unit) * np.stack(residual[:j], axis=1)[:, None, :]
    carried = (betas[j][:, None, fixed : fixed + j] @ scaled)[:, 0]
    return np.asarray((carried**2).sum(axis=1), dtype=np.float64)
