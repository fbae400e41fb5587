"""The answer to a hypothesis in every replicate of a block of simulated scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.asking import Asked
from feedbackstudy.power.rows import Fits, by_cluster, cell_contrast, joint_f, slope_contrast
from feedbackstudy.simulate.draw import Block

__all__ = ["Answers", "ask"]

type Floats = NDArray[np.float64]

_DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What every replicate says to one hypothesis.

    Attributes
    ----------
    estimate, se, df, low, high, p : ndarray of shape (replicates,)
        NaN where the fit failed; only `p` for several contrasts at once.
    sigma, n : ndarray of shape (replicates,)
        Residual standard deviation, and rows that entered.
    """

    estimate: Floats
    se: Floats
    df: Floats
    low: Floats
    high: Floats
    p: Floats
    sigma: Floats
    n: Floats


def _sum(block: Block, part: dict[int, float]) -> Floats:
    return np.asarray(sum(weight * block.scores[:, :, slot] for slot, weight in part.items()), dtype=np.float64)


def _stack(block: Block, parts: Sequence[dict[int, float]]) -> Floats:
    reps, n = block.scores.shape[:2]
    return np.stack([_sum(block, part) for part in parts], axis=2) if parts else np.zeros((reps, n, 0))


def ask(asked: Asked, block: Block, *, level: float, group: NDArray[np.int64] | None, cluster: str | None) -> Answers:
    """Answer a hypothesis in every replicate of a block.

    Parameters
    ----------
    asked : Asked
        The hypothesis.
    block : Block
        Scores.
    level : float
        Level of the intervals.
    group : ndarray or None
        Where clusters are assigned: which cells go together.
    cluster : str or None
        The unit that is assigned as a whole.

    Returns
    -------
    Answers
        One for each replicate.
    """
    y = _sum(block, asked.outcome)
    if asked.minus:
        y = y - _sum(block, asked.minus)
    x = _stack(block, asked.covariates)
    row = asked.weights[0]
    if asked.kind == "omnibus":
        p = joint_f(y, x, block.cell, asked.weights)
        none = np.full(len(p), np.nan)
        n = np.isfinite(y).sum(axis=1).astype(np.float64)
        return Answers(estimate=none, se=none, df=none, low=none, high=none, p=p, sigma=none, n=n)
    if asked.kind == "path":
        return _path(asked, block, y, level)
    if asked.kind in {"slope", "slopes"}:
        x = _stack(block, asked.steps)
        fits = slope_contrast(y, x, block.cell, row if asked.kind == "slopes" else None)
    elif asked.kind == "clusters" and group is not None and cluster is not None:
        fits = by_cluster(y, x, block.cell, row, cluster=block.clusters[cluster], group=group)
    else:
        fits = cell_contrast(y, x, block.cell, row, robust=asked.robust)
    return _interval(fits, asked.value, level)


def _interval(fits: Fits, value: float, level: float) -> Answers:
    estimate = fits.estimate - value
    half = -special.stdtrit(fits.df, (1 - level) / 2) * fits.se
    p = 2 * special.stdtr(fits.df, -np.abs(estimate / fits.se))
    return Answers(
        estimate=estimate,
        se=fits.se,
        df=fits.df,
        low=estimate - half,
        high=estimate + half,
        p=p,
        sigma=fits.sigma,
        n=fits.n,
    )


def _path(asked: Asked, block: Block, y: Floats, level: float) -> Answers:
    """Multiply the steps; an interval from draws of their product, significance where every step is significant."""
    path = asked.hypothesis.path
    routes = _routes(asked, block, y)
    sign = -1.0 if path is not None and path.effect == "difference" else 1.0
    chance = np.random.default_rng(np.random.SeedSequence(20261, spawn_key=(len(routes), len(routes[0]))))
    estimate, drawn = np.zeros(len(y)), np.zeros((len(y), _DRAWS))
    for j, legs in enumerate(routes):
        noise = chance.standard_normal((len(legs), _DRAWS))
        side = sign if j else 1.0
        estimate += side * np.prod([leg.estimate for leg in legs], axis=0)
        drawn += side * np.prod(
            [leg.estimate[:, None] + leg.se[:, None] * e for leg, e in zip(legs, noise, strict=True)], axis=0
        )
    failed = ~np.isfinite(estimate)
    low, high = np.quantile(np.where(failed[:, None], 0.0, drawn), [(1 - level) / 2, (1 + level) / 2], axis=1)
    se = np.where(failed, np.nan, drawn.std(axis=1))
    if len(routes) == 1:
        p = np.asarray(np.max([leg.p for leg in routes[0]], axis=0), dtype=np.float64)
    else:
        below = (drawn < 0).mean(axis=1)
        p = np.where(failed, np.nan, 2 * np.minimum(below, 1 - below))
    return Answers(
        estimate=estimate,
        se=se,
        df=np.where(failed, np.nan, 1e9),
        low=np.where(failed, np.nan, low),
        high=np.where(failed, np.nan, high),
        p=p,
        sigma=routes[0][-1].sigma,
        n=routes[0][-1].n,
    )


def _routes(asked: Asked, block: Block, y: Floats) -> list[list[Fits]]:
    """Return the legs of each route from cause to outcome."""
    path, row, cell = asked.hypothesis.path, asked.weights[0], block.cell
    mediators = [_stack(block, (step,)) for step in asked.steps]
    none = np.zeros((*y.shape, 0))
    if path is None or path.structure == "serial" or len(mediators) == 1:
        legs = [cell_contrast(mediators[0][..., 0], none, cell, row, robust=False)]
        for j in range(1, len(mediators) + 1):
            target = mediators[j][..., 0] if j < len(mediators) else y
            before = np.concatenate([mediators[j - 1], *mediators[: j - 1]], axis=2)
            legs.append(slope_contrast(target, before, cell, None))
        return [legs]
    routes = []
    for j, mediator in enumerate(mediators):
        others = [m for k, m in enumerate(mediators) if k != j]
        first = cell_contrast(mediator[..., 0], none, cell, row, robust=False)
        routes.append([first, slope_contrast(y, np.concatenate([mediator, *others], axis=2), cell, None)])
    return routes
