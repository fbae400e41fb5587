"""Batched rows of a path as the equations of `analyse`: every leg at two values of a moderator, legs drawn together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.answers import Answers
from feedbackstudy.power.clustered_rows import Solved
from feedbackstudy.power.cross_products import group_sums
from feedbackstudy.power.path_effects import Comparison, LegValues, effect_at
from feedbackstudy.power.path_rows import DRAWS, Legs, drawn_answers

__all__ = ["equations"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


def equations(
    legs: Legs,
    mediators: Sequence[Floats],
    y: Floats,
    asked: Comparison,
    *,
    moderator: Floats | None = None,
    chance: np.random.Generator,
    level: float,
    truth: Floats,
) -> Answers:
    r"""Estimate an effect of a path, or how it changes with a moderator, in every replicate.

    Parameters
    ----------
    legs : Legs
        Cells, covariates and clusters.
    mediators : sequence of ndarray of shape (replicates, n)
        In order.
    y : ndarray of shape (replicates, n)
        The outcome.
    asked : Comparison
        What is compared.
    moderator : ndarray of shape (replicates, n), optional
        A measured moderator.
    chance : Generator
        A stream.
    level : float
        Of the interval.
    truth : ndarray of shape (replicates,)
        The true value.

    Returns
    -------
    Answers
        Interval and p from draws of the legs, on rows without any gap.

    Notes
    -----
    The index of moderated mediation (Hayes 2015, Multivariate Behavioral Research 50, 1-22): the effect at the last
    level of a factor minus that at the first; with a measured moderator per unit where one kind of leg is moderated,
    else between a standard deviation above and below its mean (between its values where it has two). Legs of one
    equation, and of all mediators side by side, are drawn together from a multivariate t with covariance
    :math:`s_{ij} w'(X'X)^{-1}v`, or with clusters :math:`\sum_g S_{ig}S_{jg}`, :math:`S_{ig} = \sum_{k \in g} e_{ik}
    x_k'(X'X)^{-1}w`, with the correction of CR1.
    """
    parts = [y, *mediators, *(() if moderator is None else (moderator,))]
    there = np.isfinite(parts).all(axis=0) & np.isfinite(legs.covariates).all(axis=2)
    middle = [_centred(each, there) for each in mediators]
    measured = None if moderator is None else _Measured.of(moderator, there)
    columns = _Columns(legs, asked, middle, measured)
    estimated, drawn, outcome = _solved(columns, np.where(there, y, np.nan), middle, chance)
    ends = [effect_at(one, asked.structure, asked.effect, end) for one in (estimated, drawn) for end in (0, 1)]
    estimate, cloud = ends[0], ends[2]
    if asked.on:
        scale = np.ones(len(y))
        if measured is not None and asked.per_unit:
            scale = measured.steps[:, 1] - measured.steps[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate, cloud = (ends[1] - ends[0]) / scale, (ends[3] - ends[2]) / scale[:, None]
    sigma = np.sqrt((outcome.left**2).sum(axis=1) / np.maximum(outcome.rows - outcome.rank, 1.0))
    return drawn_answers(estimate, cloud, sigma=sigma, n=outcome.rows, level=level, truth=truth)


def _centred(values: Floats, there: NDArray[np.bool_]) -> Floats:
    """Return values minus their mean over complete rows; NaN elsewhere."""
    kept = np.where(there, values, 0.0)
    mean = kept.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.where(there, values - mean[:, None], np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """A measured moderator minus its mean, and the two values at which effects are compared."""

    values: Floats
    steps: Floats

    @classmethod
    def of(cls, values: Floats, there: NDArray[np.bool_]) -> "_Measured":
        centred = _centred(values, there)
        n = there.sum(axis=1)
        sd = np.sqrt(np.nan_to_num(centred**2).sum(axis=1) / np.maximum(n - 1, 1))
        low = np.where(there, centred, np.inf).min(axis=1)
        high = np.where(there, centred, -np.inf).max(axis=1)
        two = (~there | (centred == low[:, None]) | (centred == high[:, None])).all(axis=1)
        steps = np.where(two[:, None], np.stack([low, high], axis=1), np.stack([-sd, sd], axis=1))
        return cls(centred, steps)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Columns of an equation, and weights over them at both ends."""

    entries: Floats
    ends: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The columns of the equations."""

    legs: Legs
    asked: Comparison
    mediators: list[Floats]
    measured: _Measured | None

    def cause(self, rows: Floats, *, moderated: bool) -> _Part:
        """Return cells, and the moderator with or without its products, with the comparison at both ends."""
        inside = np.eye(rows.shape[1])[self.legs.cell]
        reps = len(self.legs.covariates)
        entries = np.broadcast_to(inside, (reps, *inside.shape))
        ends = np.broadcast_to(rows, (reps, *rows.shape))
        if self.measured is None:
            return _Part(entries, ends)
        w = self.measured.values[..., None]
        if not moderated:
            return _Part(np.concatenate([entries, w], axis=2), np.concatenate([ends, np.zeros((reps, 2, 1))], axis=2))
        more = self.measured.steps[..., None] * ends
        return _Part(np.concatenate([entries, entries * w], axis=2), np.concatenate([ends, more], axis=2))

    def slope(self, mediator: Floats) -> _Part:
        """Return a mediator, and its products with what moderates its slope."""
        one, reps = mediator[..., None], len(mediator)
        if "second" in self.asked.on and self.measured is not None:
            entries = np.concatenate([one, one * self.measured.values[..., None]], axis=2)
            steps = self.measured.steps
            return _Part(entries, np.stack([np.ones_like(steps), steps], axis=2))
        if self.asked.level is not None:
            inside = np.eye(self.asked.levels)[self.asked.level[self.legs.cell]]
            ends = np.eye(self.asked.levels)[[0, -1]]
            return _Part(one * inside, np.broadcast_to(ends, (reps, *ends.shape)))
        return _Part(one, np.ones((reps, 2, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Legs of equations with the same columns, under names; with clusters the scores behind their covariance."""

    keys: list[object]
    found: Floats
    covariance: Floats
    scores: Floats | None
    df: Floats
    solved: Solved


def _solved(
    columns: _Columns, y: Floats, mediators: Sequence[Floats], chance: np.random.Generator
) -> tuple[LegValues, LegValues, Solved]:
    """Estimate and draw all legs; the last equation is that of the outcome."""
    asked, k = columns.asked, len(mediators)
    first = columns.cause(asked.first, moderated="first" in asked.on)
    last = columns.cause(asked.direct, moderated="direct" in asked.on)
    slopes = [columns.slope(each) for each in mediators]
    blocks = []
    if asked.structure == "serial":
        for j in range(k):
            before = [_Part(each[..., None], np.ones((len(y), 1, 1))) for each in mediators[:j]]
            keys = [("a", j, 0), ("a", j, 1), *(("d", i, j) for i in range(j))]
            blocks.append(_block(keys, columns.legs, [first, *before], [mediators[j]]))
    else:
        keys = [("a", j, end) for j in range(k) for end in (0, 1)]
        blocks.append(_block(keys, columns.legs, [first], mediators))
    keys = [("c", 0, 0), ("c", 0, 1), *(("b", j, end) for j in range(k) for end in (0, 1))]
    blocks.append(_block(keys, columns.legs, [last, *slopes], [y]))
    estimated = {key: each.found[:, i] for each in blocks for i, key in enumerate(each.keys)}
    drawn = {key: each[:, i] for keys, each in _drawn(blocks, chance) for i, key in enumerate(keys)}
    return _named(estimated, k), _named(drawn, k), blocks[-1].solved


def _named(values: Mapping[object, Floats], k: int) -> LegValues:
    return LegValues(
        a=[(values["a", j, 0], values["a", j, 1]) for j in range(k)],
        b=[(values["b", j, 0], values["b", j, 1]) for j in range(k)],
        d={(i, j): values["d", i, j] for j in range(k) for i in range(j) if ("d", i, j) in values},
        direct=(values["c", 0, 0], values["c", 0, 1]),
    )


def _block(keys: Sequence[object], legs: Legs, parts: Sequence[_Part], targets: Sequence[Floats]) -> _Block:
    """Fit equations that share their columns; legs in the order of targets, then parts, then ends."""
    reps, q = len(legs.covariates), legs.covariates.shape[2]
    x = np.concatenate([*(part.entries for part in parts), legs.covariates], axis=2)
    rows, at = [], 0
    for part in parts:
        held = np.zeros((reps, part.ends.shape[1], x.shape[2]))
        held[..., at : at + part.ends.shape[2]] = part.ends
        rows.append(held)
        at += part.ends.shape[2]
    weights = np.concatenate(rows, axis=1)
    used = (weights != 0).any(axis=(0, 1)) | (np.arange(x.shape[2]) >= x.shape[2] - q)
    fits = [Solved.of(target, x, used) for target in targets]
    aims = fits[0].x @ (fits[0].inverse @ np.swapaxes(weights, 1, 2))
    found = np.concatenate([np.einsum("rlp,rp->rl", weights, fit.beta) for fit in fits], axis=1)
    scores, free = _scores(fits, aims, legs.cluster)
    covariance = _shared(fits, aims, free) if scores is None else np.swapaxes(scores, 1, 2) @ scores
    bad = np.any([fit.bad for fit in fits], axis=0) | ~np.isfinite(covariance).all(axis=(1, 2))
    found[bad] = np.nan
    return _Block(list(keys), found, np.where(bad[:, None, None], 0.0, covariance), scores, free, fits[0])


def _shared(fits: Sequence[Solved], aims: Floats, free: Floats) -> Floats:
    """Return the covariance of all legs of equations with the same columns, their residuals correlated."""
    left = np.stack([fit.left for fit in fits], axis=1)
    residual = left @ np.swapaxes(left, 1, 2) / free[:, None, None]
    found = np.einsum("rij,rlm->riljm", residual, np.swapaxes(aims, 1, 2) @ aims)
    size = len(fits) * aims.shape[2]
    return np.asarray(found.reshape(len(free), size, size))


def _scores(fits: Sequence[Solved], aims: Floats, cluster: Ints | None) -> tuple[Floats | None, Floats]:
    """Return what each cluster adds to the error of each leg, CR1's correction included, and degrees of freedom."""
    one = fits[0]
    free = np.maximum(one.rows - one.rank, 1.0)
    if cluster is None:
        return None, free
    size = int(cluster.max()) + 1
    scores = np.concatenate([group_sums(fit.left[..., None] * aims, cluster, size) for fit in fits], axis=2)
    g = (group_sums(one.there.astype(np.float64), cluster, size) > 0).sum(axis=1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(g / (g - 1) * (one.rows - 1) / (one.rows - one.rank))
    return factor[:, None, None] * scores, np.maximum(g - 1, 1.0)


def _drawn(blocks: Sequence[_Block], chance: np.random.Generator) -> list[tuple[list[object], Floats]]:
    """Draw the legs of each block; with clusters those of all equations together, as they share the clusters."""
    if blocks[0].scores is None:
        return [(each.keys, _multivariate(each.found, each.covariance, each.df, chance)) for each in blocks]
    scores = np.nan_to_num(np.concatenate([each.scores for each in blocks if each.scores is not None], axis=2))
    found = np.concatenate([each.found for each in blocks], axis=1)
    drawn = _multivariate(found, np.swapaxes(scores, 1, 2) @ scores, blocks[-1].df, chance)
    return [([key for each in blocks for key in each.keys], drawn)]


def _multivariate(found: Floats, covariance: Floats, df: Floats, chance: np.random.Generator) -> Floats:
    """Draw from multivariate t distributions."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    noise = root @ chance.standard_normal((len(found), found.shape[1], DRAWS))
    wide = np.sqrt(df[:, None] / chance.chisquare(df[:, None], (len(df), DRAWS)))
    return np.asarray(found[..., None] + noise * wide[:, None, :])
