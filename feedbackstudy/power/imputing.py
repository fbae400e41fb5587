"""Multiple imputation in batched rows: normal regressions on cells and all other variables, Rubin's rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.cross_products import group_sums
from feedbackstudy.power.rows import Fits

__all__ = ["IMPUTATIONS", "imputed"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Flags = NDArray[np.bool_]

IMPUTATIONS = 5
_CYCLES = 2
_SWEEPS = 3  # of effects of groups and all others in turn


def imputed(
    y: Floats,
    x: Floats,
    extra: Floats,
    cell: Ints,
    *,
    fit: Callable[[Floats, Floats], Fits],
    chance: np.random.Generator,
    groups: Sequence[Ints] = (),
) -> Fits:
    r"""Impute, fit each completed set, and pool.

    Parameters
    ----------
    y : ndarray of shape (replicates, n)
        Outcome; NaN where it is missing, also for people who shall not enter.
    x : ndarray of shape (replicates, n, q)
        Variables of the model.
    extra : ndarray of shape (replicates, n, a)
        Variables that are not in the model but tell about what is missing.
    cell : ndarray of shape (n,)
        Cell of each row.
    fit : callable
        Completed outcome and variables -> fits.
    chance : Generator
        A stream.
    groups : sequence of ndarray of shape (n,)
        Group of each row in random factors, from 0; -1 where a row belongs to none.

    Returns
    -------
    Fits
        Pooled by Rubin's rules, with the degrees of freedom of Barnard and Rubin (1999).

    Notes
    -----
    Chained normal regressions, each on cells and all other variables, with parameters drawn from their posterior;
    with groups a Gibbs sampler of a few sweeps draws effects :math:`u_g \sim N(0, \tau^2)` and their variances (flat
    prior on :math:`\tau`) in turn with the others. People who answered none of the variables do not enter.
    :math:`T = \bar U + (1 + 1/m) B`.
    """
    joint = np.concatenate([y[..., None], x, extra], axis=2)
    known = np.isfinite(joint)
    enters = known.any(axis=2)
    if known[enters].all():
        return fit(y, x)
    start, gaps = _filled(joint, known, cell), [j for j in range(joint.shape[2]) if not known[..., j][enters].all()]
    same = _Regression.beside(start, known, gaps[0], cell) if len(gaps) == 1 else None
    made, full_x = [], x
    for i in range(IMPUTATIONS):
        full = _completed(start, known, gaps, cell, chance=chance, groups=groups, same=same)
        full[~enters] = np.nan
        if not i or any(0 < j <= x.shape[2] for j in gaps):
            full_x = full[..., 1 : 1 + x.shape[2]]
        made.append(fit(full[..., 0], full_x))
    return _pooled(made)


def _filled(joint: Floats, known: Flags, cell: Ints) -> Floats:
    """Return the variables with cell means where something is missing."""
    inside = np.eye(int(cell.max()) + 1)[cell]
    full = np.where(known, joint, 0.0)
    counts = np.maximum(np.swapaxes(known, 1, 2).astype(np.float64) @ inside, 1.0)
    means = (np.swapaxes(full, 1, 2) @ inside) / counts
    return np.where(known, full, np.swapaxes(means[:, :, cell], 1, 2))


def _completed(
    start: Floats,
    known: Flags,
    gaps: Sequence[int],
    cell: Ints,
    *,
    chance: np.random.Generator,
    groups: Sequence[Ints],
    same: "_Regression | None",
) -> Floats:
    """Return one completed set; `same` is the regression of the only variable with gaps."""
    full = start.copy()
    for _ in range(_CYCLES if len(gaps) > 1 else 1):
        for j in gaps:
            made = same or _Regression.beside(full, known, j, cell)
            full[..., j] = _drawn(full[..., j], made, groups, chance)
    return full


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    """A variable's regression on cells and all others, as far as it does not depend on the variable."""

    x: Floats
    there: Floats
    inside: Floats
    cell: Ints
    counts: Floats
    x_means: Floats
    left: Floats
    inverse: Floats
    root: Floats
    df: Floats

    @classmethod
    def beside(cls, full: Floats, known: Flags, j: int, cell: Ints) -> "_Regression":
        """Return the regression of a variable on all others."""
        x, there, inside = (
            np.delete(full, j, axis=2),
            known[..., j].astype(np.float64),
            np.eye(int(cell.max()) + 1)[cell],
        )
        counts = there @ inside
        x_means = np.swapaxes(np.swapaxes(x * there[..., None], 1, 2) @ inside, 1, 2)
        x_means = x_means / np.maximum(counts, 1.0)[..., None]
        left = (x - x_means[:, cell]) * there[..., None]
        cross = np.swapaxes(left, 1, 2) @ left
        scale = np.einsum("rpp->rp", cross)
        cross = cross + np.eye(cross.shape[1]) * (1e-9 * scale + (scale <= 1e-12))[:, None]
        inverse = np.linalg.inv(cross)
        df = np.maximum(there.sum(axis=1) - (counts > 0).sum(axis=1) - x.shape[2], 1.0)
        return cls(x, there, inside, cell, counts, x_means, left, inverse, np.linalg.cholesky(inverse), df)

    def drawn(self, y: Floats, chance: np.random.Generator) -> tuple[Floats, Floats]:
        """Return fitted values of all rows by parameters drawn from their posterior, and the residual deviation."""
        safe = np.maximum(self.counts, 1.0)
        y_means = ((y * self.there) @ self.inside) / safe
        left = (y - y_means[:, self.cell]) * self.there
        slopes = np.einsum("rpq,rq->rp", self.inverse, (np.swapaxes(self.left, 1, 2) @ left[..., None])[..., 0])
        rest = left - (self.left @ slopes[..., None])[..., 0]
        sigma = np.sqrt((rest**2).sum(axis=1) / chance.chisquare(self.df))
        slopes = slopes + sigma[:, None] * np.einsum("rpq,rq->rp", self.root, chance.standard_normal(slopes.shape))
        level = y_means + sigma[:, None] * chance.standard_normal(y_means.shape) / np.sqrt(safe)
        level = level - np.einsum("rcp,rp->rc", self.x_means, slopes)
        return level[:, self.cell] + (self.x @ slopes[..., None])[..., 0], sigma


def _drawn(y: Floats, made: _Regression, groups: Sequence[Ints], chance: np.random.Generator) -> Floats:
    """Draw what is missing of a variable, with uncertain parameters and effects of groups."""
    effects = [np.zeros_like(y) for _ in groups]
    spread = [np.full(len(y), np.nan) for _ in groups]
    shared = np.zeros_like(y)
    counts = [group_sums(made.there, codes, int(codes.max()) + 1) for codes in groups]
    for _ in range(_SWEEPS if groups else 1):
        fitted, sigma = made.drawn(y - shared, chance)
        for i, codes in enumerate(groups):
            left = (y - fitted - shared + effects[i]) * made.there
            effects[i], spread[i] = _group_effects(left, counts[i], codes, sigma, known=spread[i], chance=chance)
            shared = sum(effects[1:], start=effects[0])
    noise = sigma[:, None] * chance.standard_normal(y.shape)
    return np.asarray(np.where(made.there > 0, y, fitted + shared + noise))


def _group_effects(
    left: Floats, counts: Floats, codes: Ints, sigma: Floats, *, known: Floats, chance: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw the effects of groups given all else, as rows, and then their variance given them."""
    k = counts.shape[1]
    sums = group_sums(left, codes, k)
    used = np.maximum((counts > 0).sum(axis=1), 2)
    means = sums / np.maximum(counts, 1.0)
    moment = (means**2).sum(axis=1) / used - sigma**2 / np.maximum(counts.sum(axis=1) / used, 1.0)
    variance = np.where(np.isnan(known), np.maximum(moment, 0.01 * sigma**2), known)
    weight = counts + (sigma**2 / variance)[:, None]
    drawn = sums / weight + sigma[:, None] / np.sqrt(weight) * chance.standard_normal(sums.shape)
    fresh = (drawn**2).sum(axis=1) / chance.chisquare(max(k - 1, 1), len(left))
    rows = np.where(codes >= 0, drawn[:, codes], 0.0)
    return rows, np.maximum(fresh, 1e-6 * sigma**2)


def _pooled(made: list[Fits]) -> Fits:
    m = len(made)
    estimates = np.stack([each.estimate for each in made])
    within = np.mean([each.se**2 for each in made], axis=0)
    between = estimates.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    complete = np.mean([each.df for each in made], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (1 + 1 / m) * between / total
        old = (m - 1) / share**2
        observed = (complete + 1) / (complete + 3) * complete * (1 - share)
        df = np.where(share > 1e-12, 1 / (1 / old + 1 / observed), complete)
    return Fits(
        estimate=estimates.mean(axis=0),
        se=np.sqrt(total),
        df=df,
        sigma=np.mean([each.sigma for each in made], axis=0),
        n=made[0].n,
    )
