"""Multiple imputation in batched rows: normal regressions on cells and all other variables, Rubin's rules."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.rows import Fits

__all__ = ["IMPUTATIONS", "imputed"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

IMPUTATIONS = 5
_CYCLES = 2


def imputed(
    y: Floats, x: Floats, extra: Floats, cell: Ints, fit: Callable[[Floats, Floats], Fits], chance: np.random.Generator
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

    Returns
    -------
    Fits
        Pooled by Rubin's rules, with the degrees of freedom of Barnard and Rubin (1999).

    Notes
    -----
    Chained normal regressions, each on cells and all other variables, with parameters drawn from their posterior;
    people who answered none of the variables do not enter. :math:`T = \bar U + (1 + 1/m) B`.
    """
    joint = np.concatenate([y[..., None], x, extra], axis=2)
    known = np.isfinite(joint)
    enters = known.any(axis=2)
    if known[enters].all():
        return fit(y, x)
    made = []
    for _ in range(IMPUTATIONS):
        full = _completed(joint, known, enters, cell, chance)
        made.append(fit(full[..., 0], full[..., 1 : 1 + x.shape[2]]))
    return _pooled(made)


def _completed(
    joint: Floats, known: NDArray[np.bool_], enters: NDArray[np.bool_], cell: Ints, chance: np.random.Generator
) -> Floats:
    """Return one completed set, from a start at cell means."""
    inside = np.eye(int(cell.max()) + 1)[cell]
    full = np.where(known, joint, 0.0)
    counts = np.maximum(np.swapaxes(known, 1, 2).astype(np.float64) @ inside, 1.0)
    means = (np.swapaxes(full, 1, 2) @ inside) / counts
    full = np.where(known, full, np.swapaxes(means[:, :, cell], 1, 2))
    gaps = [j for j in range(joint.shape[2]) if not known[..., j][enters].all()]
    for _ in range(_CYCLES if len(gaps) > 1 else 1):
        for j in gaps:
            full[..., j] = _drawn(full, j, known[..., j], inside, cell, chance)
    full[~enters] = np.nan
    return full


def _drawn(
    full: Floats, j: int, known: NDArray[np.bool_], inside: Floats, cell: Ints, chance: np.random.Generator
) -> Floats:
    """Draw a variable from its regression on cells and all others, with uncertain parameters."""
    others = np.delete(full, j, axis=2)
    there = known.astype(np.float64)
    counts = there @ inside
    safe = np.maximum(counts, 1.0)
    y0, x0 = full[..., j] * there, others * there[..., None]
    y_means = (y0 @ inside) / safe
    x_means = np.swapaxes(np.swapaxes(x0, 1, 2) @ inside, 1, 2) / safe[..., None]
    left_y, left_x = (full[..., j] - y_means[:, cell]) * there, (others - x_means[:, cell]) * there[..., None]
    cross = np.swapaxes(left_x, 1, 2) @ left_x
    scale = np.einsum("rpp->rp", cross)
    cross = cross + np.eye(cross.shape[1]) * (1e-9 * scale + (scale <= 1e-12))[:, None]
    inverse = np.linalg.inv(cross)
    slopes = np.einsum("rpq,rnq,rn->rp", inverse, left_x, left_y, optimize=True)
    rest = left_y - np.einsum("rnq,rq->rn", left_x, slopes)
    df = np.maximum(there.sum(axis=1) - (counts > 0).sum(axis=1) - others.shape[2], 1.0)
    sigma = np.sqrt((rest**2).sum(axis=1) / chance.chisquare(df))
    root = np.linalg.cholesky(inverse)
    slopes = slopes + sigma[:, None] * np.einsum("rpq,rq->rp", root, chance.standard_normal(slopes.shape))
    level = y_means + sigma[:, None] * chance.standard_normal(y_means.shape) / np.sqrt(safe)
    row, person = np.nonzero(~known)
    at = cell[person]
    off = others[row, person] - x_means[row, at]
    fitted = level[row, at] + np.einsum("iq,iq->i", off, slopes[row])
    found = full[..., j].copy()
    found[row, person] = fitted + sigma[row] * chance.standard_normal(len(row))
    return found


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
