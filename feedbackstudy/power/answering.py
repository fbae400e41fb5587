"""The answer to a hypothesis in every replicate of a block of simulated scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.power.asking import Asked
from feedbackstudy.power.imputing import imputed
from feedbackstudy.power.ordinal_rows import logit_contrast
from feedbackstudy.power.random_rows import random_fit
from feedbackstudy.power.rows import Fits, by_cluster, cell_contrast, joint_f, slope_contrast
from feedbackstudy.power.screening import Screen
from feedbackstudy.power.truth import truth_of
from feedbackstudy.simulate.draw import Block
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.people import allocation_plan
from feedbackstudy.simulate.streams import stream

__all__ = ["Answers", "Setting", "ask"]

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
    truth : ndarray of shape (replicates,)
        True value, which differs between replicates where effects are drawn from priors.
    """

    estimate: Floats
    se: Floats
    df: Floats
    low: Floats
    high: Floats
    p: Floats
    sigma: Floats
    n: Floats
    truth: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """How a study answers.

    Attributes
    ----------
    model : Model
        Study and world as numbers.
    screen : Screen
        The plan's exclusions.
    group : ndarray or None
        Where clusters are assigned: which cells go together.
    cluster : str or None
        The unit that is assigned as a whole.
    random : tuple of str
        Random factors of the design: units that contain participants, and the exemplar of the message.
    """

    model: Model
    screen: Screen
    group: NDArray[np.int64] | None
    cluster: str | None
    random: tuple[str, ...]

    @classmethod
    def of(cls, model: Model) -> "Setting":
        """Read how a study answers.

        Parameters
        ----------
        model : Model
            Study and world as numbers.

        Returns
        -------
        Setting
            The same in every worker.
        """
        wedge = model.study.assignment.method == "stepped_wedge"
        plan = None if wedge else allocation_plan(model.study, model.numbers)
        units = [name for name in list(model.numbers)[1:] if model.numbers[name] < model.n]
        group, cluster = None, None
        if plan is not None and plan.cluster is not None:
            group = np.array([[w[c] > 0 for w, _ in plan.outer].index(True) for c in range(len(model.cells))])
            assigned = {factor.assigned_to for factor in model.study.factors}
            cluster = next((name for name in units if name in assigned), None)
        random = (*units, *(("exemplar",) if len(model.exemplars) > 1 else ()))
        return cls(model=model, screen=Screen.of(model), group=group, cluster=cluster, random=random)


def _sum(block: Block, part: dict[int, float]) -> Floats:
    return np.asarray(sum(weight * block.scores[:, :, slot] for slot, weight in part.items()), dtype=np.float64)


def _stack(block: Block, parts: Sequence[dict[int, float]]) -> Floats:
    reps, n = block.scores.shape[:2]
    return np.stack([_sum(block, part) for part in parts], axis=2) if parts else np.zeros((reps, n, 0))


def ask(asked: Asked, block: Block, *, setting: Setting) -> Answers:
    """Answer a hypothesis in every replicate of a block.

    Parameters
    ----------
    asked : Asked
        The hypothesis.
    block : Block
        Scores.
    setting : Setting
        How the study answers.

    Returns
    -------
    Answers
        One for each replicate.
    """
    level = setting.model.study.plan.interval_level
    truth = _truths(asked, block, setting.model)
    y = _sum(block, asked.outcome)
    if asked.minus:
        y = y - _sum(block, asked.minus)
    if asked.inside(setting.model):
        y = np.where(setting.model.inside[block.cell], y, np.nan)
    x = _stack(block, asked.covariates)
    if asked.kind == "omnibus":
        p = joint_f(y, x, block.cell, asked.weights)
        none = np.full(len(p), np.nan)
        n = np.isfinite(y).sum(axis=1).astype(np.float64)
        return Answers(estimate=none, se=none, df=none, low=none, high=none, p=p, sigma=none, n=n, truth=truth)
    if asked.kind == "path":
        return _path(asked, block, y, level, truth)
    if asked.kind in {"slope", "slopes"}:
        x = _stack(block, asked.steps)
    elif asked.kind != "ordinal" and setting.model.study.plan.missing != "listwise":
        return _interval(_imputed(asked, block, y, x, setting), asked.value, level, truth)
    return _interval(_fitted(asked, block, y, x, setting), asked.value, level, truth)


def _truths(asked: Asked, block: Block, model: Model) -> Floats:
    if block.shifts is None:
        return np.full(len(block.scores), asked.truth)
    return np.array([truth_of(replace(model, shifts=shifts), asked) for shifts in block.shifts])


def _imputed(asked: Asked, block: Block, y: Floats, x: Floats, setting: Setting) -> Fits:
    """Impute whoever could have answered and is not excluded."""
    extra = _stack(block, asked.extra)
    can = setting.model.asked(next(iter(asked.outcome)))[block.cell]
    can &= setting.model.inside[block.cell] | (not asked.inside(setting.model))
    x, extra = (np.where(can[:, None], part, np.nan) for part in (x, extra))
    chance = stream(*block.key, f"impute:{asked.hypothesis.name}")

    ratio = None
    if asked.takes_intercepts and setting.random:
        ratio = _mixed(asked, block, y, x, setting, ratio=None)[1]

    def fit(full_y: Floats, full_x: Floats) -> Fits:
        if ratio is not None:
            return _mixed(asked, block, full_y, full_x, setting, ratio=ratio)[0]
        return _fitted(asked, block, full_y, full_x, setting)

    return imputed(y, x, extra, block.cell, fit, chance)


def _mixed(
    asked: Asked, block: Block, y: Floats, x: Floats, setting: Setting, *, ratio: Floats | None
) -> tuple[Fits, Floats]:
    """Fit with the design's random intercepts, the grouping with most groups first."""
    design, weights = _design(asked, block, x)
    groups = [block.exemplar if name == "exemplar" else block.clusters[name] for name in setting.random]
    groups.sort(key=lambda codes: -int(codes.max()))
    return random_fit(y, design, weights, groups, ratio=ratio)


def _fitted(asked: Asked, block: Block, y: Floats, x: Floats, setting: Setting) -> Fits:
    row = asked.weights[0]
    slopes = row if asked.kind == "slopes" else None
    if asked.kind == "ordinal":
        return logit_contrast(y, block.cell, row)
    if asked.kind == "clusters" and setting.group is not None and setting.cluster is not None:
        return by_cluster(y, x, block.cell, row, cluster=block.clusters[setting.cluster], group=setting.group)
    if asked.takes_intercepts and setting.random:
        return _mixed(asked, block, y, x, setting, ratio=None)[0]
    if asked.kind in {"slope", "slopes"}:
        return slope_contrast(y, x, block.cell, slopes)
    return cell_contrast(y, x, block.cell, row, robust=asked.robust)


def _design(asked: Asked, block: Block, x: Floats) -> tuple[Floats, Floats]:
    """Return cells and covariates, centred, as a design, and the contrast's weights."""
    cells = np.eye(asked.weights.shape[1])[block.cell]
    inside = np.broadcast_to(cells, (len(x), *cells.shape))
    with np.errstate(invalid="ignore"):
        centred = x - np.nanmean(x, axis=1, keepdims=True) if x.shape[2] else x
    if block.period is not None:
        later = np.eye(int(block.period.max()) + 1)[block.period][:, 1:]
        centred = np.concatenate([centred, np.broadcast_to(later, (len(x), *later.shape))], axis=2)
    row, none = asked.weights[0], np.zeros(centred.shape[2])
    if asked.kind == "slopes":
        by = inside * centred[..., :1]
        return np.concatenate([inside, by], axis=2), np.concatenate([0 * row, row])
    if asked.kind == "slope":
        return np.concatenate([inside, centred], axis=2), np.concatenate([0 * row, np.eye(centred.shape[2])[0]])
    return np.concatenate([inside, centred], axis=2), np.concatenate([row, none])


def _interval(fits: Fits, value: float, level: float, truth: Floats) -> Answers:
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
        truth=truth,
    )


def _path(asked: Asked, block: Block, y: Floats, level: float, truth: Floats) -> Answers:
    """Multiply the steps; an interval from draws of their product, significance where every step is significant."""
    path = asked.hypothesis.path
    routes = _routes(asked, block, y)
    sign = -1.0 if path is not None and path.effect == "difference" else 1.0
    chance = stream(*block.key, f"path:{asked.hypothesis.name}")
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
        truth=truth,
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
