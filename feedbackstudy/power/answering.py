"""The answer to a hypothesis in every replicate of a block of simulated scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.frequentist.assigned_clusters import compares_clusters
from feedbackstudy.power.answers import Answers
from feedbackstudy.power.asking import Asked
from feedbackstudy.power.clustered_rows import least_squares
from feedbackstudy.power.cross_products import Repeated
from feedbackstudy.power.imputing import imputed
from feedbackstudy.power.ordinal_rows import cumulative_contrast
from feedbackstudy.power.outcome_rows import odds_contrast, rates_contrast
from feedbackstudy.power.path_equations import equations
from feedbackstudy.power.path_rows import Legs, multiplied
from feedbackstudy.power.random_rows import random_fit, random_joint
from feedbackstudy.power.rows import Fits, cell_contrast, joint_f, slope_contrast
from feedbackstudy.power.screening import Screen
from feedbackstudy.power.story_rows import story_fit, story_joint
from feedbackstudy.power.truth import truth_of
from feedbackstudy.power.weighted_rows import weighted_contrast, weighted_joint
from feedbackstudy.simulate.draw import Block
from feedbackstudy.simulate.model import Model
from feedbackstudy.simulate.streams import stream

__all__ = ["Setting", "ask"]

type Floats = NDArray[np.float64]

_OWN_MODELS = {"graded": cumulative_contrast, "odds": odds_contrast, "rates": rates_contrast}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """How a study answers.

    Attributes
    ----------
    model : Model
        Study and world as numbers.
    screen : Screen
        The plan's exclusions.
    random : tuple of str
        Random factors of the design: people where they read several stories, units that contain them, and the exemplar
        of the message.
    """

    model: Model
    screen: Screen
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
        told = any(factor.varies == "within" for factor in model.study.factors)
        units = [name for name in list(model.numbers)[1:] if 1 < model.numbers[name] < model.n]
        read = ("exemplar",) if len(model.exemplars) > 1 else ()
        random = (*(("participant",) if told else ()), *units, *read)
        return cls(model=model, screen=Screen.of(model), random=random)

    @property
    def told(self) -> bool:
        """Whether people read several stories each."""
        return "participant" in self.random

    @property
    def resampled(self) -> str | None:
        """What paths take as clusters, as in `analyse`: the unit of assignment, else the outermost; no exemplars."""
        held = [name for name in self.random if name != "exemplar"]
        assigned = {factor.assigned_to for factor in self.model.study.factors}
        return next(reversed([name for name in held if name in assigned] or held), None)

    def clusters(self, block: Block) -> NDArray[np.int64] | None:
        """Return the codes of the random factor that paths take as clusters.

        Parameters
        ----------
        block : Block
            Scores.

        Returns
        -------
        ndarray or None
            None where rows are independent.
        """
        return None if self.resampled is None else self.groups(block)[self.resampled]

    def assigned(self, asked: Asked, block: Block) -> bool:
        """Say whether a hypothesis compares whole clusters, in which all other random factors are nested.

        Parameters
        ----------
        asked : Asked
            The hypothesis.
        block : Block
            Scores.

        Returns
        -------
        bool
            Whether `analyse` tests it against the mean square between clusters where their variance is 0.
        """
        if asked.question.kind != "cells":
            return False
        return compares_clusters(asked.weights, block.cell, self.groups(block))

    def groups(self, block: Block) -> dict[str, NDArray[np.int64]]:
        """Return the group of each row for each random factor, people first, then those with most groups.

        Parameters
        ----------
        block : Block
            Scores.

        Returns
        -------
        dict
            Random factor -> codes from 0; -1 where a row belongs to none.
        """
        known = {"participant": block.person, "exemplar": block.exemplar, **block.clusters}
        found = {name: known[name] for name in self.random}
        order = sorted(found, key=lambda name: (name != "participant", -int(found[name].max())))
        return {name: found[name] for name in order}


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
    x = _covariates(block, asked, setting.model)
    if block.weight is not None and asked.question.family != "gaussian" and asked.kind != "path":
        y = np.full_like(y, np.nan)  # analyse combines no weights with the models of other outcomes
    if asked.kind == "omnibus":
        return _joint(asked, block, y, x, setting, truth)
    if asked.kind == "path":
        return _path(asked, block, y, x, setting, truth)
    if asked.kind in {"slope", "slopes"}:
        x = np.concatenate([_stack(block, asked.steps), x], axis=2)
    elif asked.kind in {"cells", "welch"} and setting.model.study.plan.missing != "listwise":
        return _interval(_imputed(asked, block, y, x, setting), asked.value, level, truth)
    return _interval(_fitted(asked, block, y, x, setting), asked.value, level, truth)


def _path(asked: Asked, block: Block, y: Floats, x: Floats, setting: Setting, truth: Floats) -> Answers:
    """Answer a path through mediators."""
    mediators = [_sum(block, step) for step in asked.steps]
    legs = Legs(cell=block.cell, weights=asked.weights[0], covariates=x, cluster=setting.clusters(block))
    chance = stream(*block.key, f"path:{asked.hypothesis.name}")
    level = setting.model.study.plan.interval_level
    if asked.compared is None:
        return multiplied(legs, mediators, y, chance=chance, level=level, truth=truth)
    by = _sum(block, asked.by) if asked.by else None
    return equations(legs, mediators, y, asked.compared, moderator=by, chance=chance, level=level, truth=truth)


def _joint(asked: Asked, block: Block, y: Floats, x: Floats, setting: Setting, truth: Floats) -> Answers:
    """Test several contrasts at once; there is a p value and no estimate."""
    if setting.random:
        design, _ = _design(asked, block, x)
        more = np.zeros((len(asked.weights), design.shape[2] - asked.weights.shape[1]))
        matrix, groups = np.hstack([asked.weights, more]), list(setting.groups(block).values())
        if setting.told:
            p = story_joint(y, design, matrix, groups)[0]
        else:
            p = random_joint(y, design, matrix, groups, assigned=setting.assigned(asked, block))[0]
    elif block.weight is not None:
        design, _ = _design(asked, block, x)
        more = np.zeros((len(asked.weights), design.shape[2] - asked.weights.shape[1]))
        p = weighted_joint(y, design, np.hstack([asked.weights, more]), block.weight)
    else:
        p = joint_f(y, x, block.cell, asked.weights)
    none = np.full(len(p), np.nan)
    n = np.isfinite(y).sum(axis=1).astype(np.float64)
    return Answers(estimate=none, se=none, df=none, low=none, high=none, p=p, sigma=none, n=n, truth=truth)


def _covariates(block: Block, asked: Asked, model: Model) -> Floats:
    """Return what is adjusted for; a nominal covariate as an indicator of each of its levels but the first."""
    columns = []
    for part in asked.covariates:
        column = _sum(block, part)
        slot = model.slots[next(iter(part))]
        declared = model.study.covariates.get(slot.name) if not slot.occasion else None
        if declared is not None and declared.kind == "nominal":
            columns += [np.where(np.isnan(column), np.nan, column == k) for k in range(1, len(declared.levels))]
        else:
            columns.append(column)
    reps, n = block.scores.shape[:2]
    return np.stack(columns, axis=2) if columns else np.zeros((reps, n, 0))


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

    ratio, repeated = None, Repeated(columns=asked.weights.shape[1])
    made: list[tuple[Floats, tuple[Floats, Floats]]] = []
    if asked.takes_intercepts and setting.random:
        ratio = _mixed(asked, block, y, x, setting, ratio=None)[1]

    def fit(full_y: Floats, full_x: Floats) -> Fits:
        if ratio is not None:
            if not made or made[0][0] is not full_x:  # variables without gaps are the same in all completed sets
                made[:] = [(full_x, _design(asked, block, full_x))]
            design = made[0][1]
            return _mixed(asked, block, full_y, full_x, setting, ratio=ratio, repeated=repeated, design=design)[0]
        return _fitted(asked, block, full_y, full_x, setting)

    groups = list(setting.groups(block).values())
    return imputed(y, x, extra, block.cell, fit=fit, chance=chance, groups=groups)


def _mixed(
    asked: Asked,
    block: Block,
    y: Floats,
    x: Floats,
    setting: Setting,
    *,
    ratio: Floats | None,
    repeated: Repeated | None = None,
    design: tuple[Floats, Floats] | None = None,
) -> tuple[Fits, Floats]:
    """Fit with the design's random intercepts."""
    columns, weights = _design(asked, block, x) if design is None else design
    groups = list(setting.groups(block).values())
    if setting.told:
        return story_fit(y, columns, weights, groups, ratio=ratio)
    assigned = setting.assigned(asked, block)
    return random_fit(y, columns, weights, groups, ratio=ratio, assigned=assigned, repeated=repeated)


def _fitted(asked: Asked, block: Block, y: Floats, x: Floats, setting: Setting) -> Fits:
    row, own = asked.weights[0], _OWN_MODELS.get(asked.kind)
    if block.weight is not None:
        return weighted_contrast(y, *_design(asked, block, x), block.weight)
    if own is not None:
        return own(y, block.cell, row)
    if setting.random:
        return _mixed(asked, block, y, x, setting, ratio=None)[0]
    if asked.kind == "slope":
        return slope_contrast(y, x, block.cell, None)
    if asked.kind == "slopes" and x.shape[2] > 1:
        design, weights = _design(asked, block, x)
        return least_squares(y, design, weights)
    if asked.kind == "slopes":
        return slope_contrast(y, x, block.cell, row)
    return cell_contrast(y, x, block.cell, row, robust=asked.kind == "welch")


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
        by, rest = inside * centred[..., :1], centred[..., 1:]
        return np.concatenate([inside, by, rest], axis=2), np.concatenate([0 * row, row, none[1:]])
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
