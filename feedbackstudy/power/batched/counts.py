"""Ordered and binary outcomes: the counts of answers in each cell are drawn, and all replicates are fitted at once."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.errors import InputError
from feedbackstudy.power.batched.linear import weights_of
from feedbackstudy.power.batched.replicates import Replicates
from feedbackstudy.power.odds import shifted
from feedbackstudy.power.solving import whole

__all__ = ["cumulative_logit", "fit_counts"]

type Floats = NDArray[np.float64]
type Link = Literal["logit", "probit"]

_STEPS = 40
_SCORING_STEPS = 2
_CLOSE = 1e-6  # Newton steps are quadratic: after one this small nothing is left to gain
_CHUNK = 1000  # replicates fitted together: as many as stay in the processor's cache
_TOO_FAR = 12.0  # a log odds ratio beyond this means that a cell answers in one category only
_TINY = 1e-12


def cumulative_logit(
    design: ArrayLike,
    beta: ArrayLike,
    *,
    n: ArrayLike,
    reference: Sequence[float],
    contrasts: ArrayLike | None = None,
    labels: tuple[str, ...] = (),
    reps: int = 10_000,
    seed: int,
) -> Replicates:
    r"""Simulate proportional-odds fits of ordered (or, with two categories, logistic fits of binary) answers.

    Parameters
    ----------
    design : array_like of shape (cells, p)
        Codes of each cell; no intercept column, the thresholds stand for it.
    beta : array_like of shape (p,)
        True log odds ratios of answering above any threshold.
    n : array_like
        Participants in each cell; one number, or one for each.
    reference : sequence of float
        Category probabilities where all codes are 0, lowest category first.
    contrasts : array_like of shape (k, p), optional
        Weights over the coefficients; each coefficient by default.
    labels : tuple of str
        Names of the contrasts.
    reps : int, default 10000
        Replicates.
    seed : int
        Seed of the draws.

    Returns
    -------
    Replicates
        Of each contrast, with Wald tests.

    Raises
    ------
    InputError
        For codes that are not estimable, empty cells, or impossible probabilities.

    Notes
    -----
    Counts by cell and category are sufficient. Fisher scoring, then Newton; standard errors from the observed
    information, as in R's clm. A category that nobody chose is dropped from a replicate, as polr does. A replicate
    fails where estimates run away: some contrast of cells is perfectly separated.
    """
    x, b = np.asarray(design, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    if x.ndim != 2 or b.shape != x.shape[1:] or not (np.isfinite(x).all() and np.isfinite(b).all()):
        raise InputError(
            f"The design has shape {x.shape} and beta {b.shape}: give one finite coefficient for each column."
        )
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(x)), x])) <= x.shape[1]:
        raise InputError(f"The codes of the {len(x)} cells, with the thresholds, do not tell all coefficients apart.")
    whole("reps", reps, least=2)
    weights, names = weights_of(contrasts, labels, x.shape[1])
    sizes = np.broadcast_to(np.asarray(n), len(x))
    if not ((sizes > 0) & (sizes == np.floor(sizes))).all():
        raise InputError(
            f"n = {np.asarray(n).tolist()} cannot be used: every cell needs a whole number of 1 or more people."
        )
    rng = np.random.default_rng(seed)
    chances = [shifted(reference, float(np.exp(eta))) for eta in x @ b]
    counts = np.stack(
        [rng.multinomial(int(size), chance, size=reps) for size, chance in zip(sizes, chances, strict=True)], axis=1
    )
    estimate, covariance, failed = fit_counts(counts.astype(np.float64), x)
    variance = np.einsum("kp,rpq,kq->rk", weights, covariance, weights, optimize=True)
    return Replicates(
        labels=names,
        truth=weights @ b,
        estimate=estimate @ weights.T,
        se=np.sqrt(np.maximum(variance, 0.0)),
        df=np.broadcast_to(np.float64(np.inf), variance.shape),
        failed=failed,
        engine=f"batched cell counts: cumulative logit of {len(reference)} categories",
        seed=seed,
    )


def fit_counts(counts: Floats, design: Floats, *, link: Link = "logit") -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Fit a cumulative logit or probit to counts, all replicates at once.

    Parameters
    ----------
    counts : ndarray of shape (reps, cells, categories)
        Answers.
    design : ndarray of shape (cells, p)
        Codes of each cell.
    link : {"logit", "probit"}, default "logit"
        Distribution of the latent variable.

    Returns
    -------
    tuple of ndarray
        Coefficients (reps, p), their covariances (reps, p, p), and which fits failed (reps,).
    """
    reps, p = len(counts), design.shape[1]
    beta, covariance, failed = np.full((reps, p), np.nan), np.full((reps, p, p), np.nan), np.ones(reps, dtype=bool)
    chosen = counts.sum(axis=1) > 0
    patterns, which = np.unique(chosen, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.reshape(-1) == i)
        for part in np.array_split(rows, 1 + len(rows) // _CHUNK) if pattern.sum() > 1 else ():
            beta[part], covariance[part], failed[part] = _scoring(counts[part][:, :, pattern], design, link)
    return beta, covariance, failed


def _scoring(counts: Floats, design: Floats, link: Link) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    reps, _, categories = counts.shape
    cut, p = categories - 1, design.shape[1]
    total = counts.sum(axis=1)
    inverse = special.logit if link == "logit" else special.ndtri
    start = inverse(np.cumsum(total, axis=1)[:, :-1] / total.sum(axis=1, keepdims=True))
    at = np.concatenate([start, np.zeros((reps, p))], axis=1)
    covariance = np.full((reps, p, p), np.nan)
    active, lost = np.arange(reps), np.zeros(reps, dtype=bool)
    for turn in range(_STEPS):
        # Scoring is safe far from the maximum, Newton quick near it; the last step's information is the observed one.
        gradient, information = _score(counts[active], design, at[active], link, observed=turn >= _SCORING_STEPS)
        try:
            step = np.linalg.solve(information, gradient[..., None])[..., 0]
        except np.linalg.LinAlgError:
            information, step = _one_by_one(information, gradient)
        step = np.clip(step, -2.0, 2.0)
        at[active] += step
        far = ~np.isfinite(step).all(axis=1) | (np.abs(at[active, cut:]).max(axis=1) > _TOO_FAR)
        done = (np.abs(step).max(axis=1) < _CLOSE) & ~far & (turn >= _SCORING_STEPS)
        lost[active[far]] = True
        if done.any():
            covariance[active[done]] = np.linalg.inv(information[done])[:, cut:, cut:]
        active = active[~(done | far)]
        if not active.size:
            break
    lost[active] = True
    return at[:, cut:], covariance, lost


def _one_by_one(information: Floats, gradient: Floats) -> tuple[Floats, Floats]:
    """Solve where some replicate is singular; that one gets NaN and so fails."""
    singular = np.linalg.matrix_rank(information) < information.shape[1]
    safe = np.where(singular[:, None, None], np.eye(information.shape[1]), information)
    step = np.linalg.solve(safe, gradient[..., None])[..., 0]
    return safe, np.where(singular[:, None], np.nan, step)


def _below(eta: Floats, link: Link) -> tuple[Floats, Floats, Floats]:
    """Return distribution, density, and the density's logarithmic derivative."""
    if link == "logit":
        below = special.expit(eta)
        return below, below * (1 - below), 1 - 2 * below
    return special.ndtr(eta), np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi), -eta


def _score(counts: Floats, design: Floats, at: Floats, link: Link, *, observed: bool) -> tuple[Floats, Floats]:
    """Return the gradient and the observed or expected information of thresholds and coefficients."""
    cut = counts.shape[2] - 1
    slope = at[:, cut:] @ design.T
    below, density, bend = _below(at[:, None, :cut] - slope[:, :, None], link)
    chance = np.maximum(np.diff(below, axis=2, prepend=0.0, append=1.0), _TINY)
    ratio = counts / chance
    push = (ratio[..., :-1] - ratio[..., 1:]) * density
    weight = ratio / chance if observed else counts.sum(axis=2, keepdims=True) / chance
    diagonal = density**2 * (weight[..., :-1] + weight[..., 1:])
    if observed:
        diagonal -= push * bend
    beside = -density[..., :-1] * density[..., 1:] * weight[..., 1:-1]
    row = diagonal.copy()
    row[..., :-1] += beside
    row[..., 1:] += beside
    size = cut + design.shape[1]
    information = np.zeros((len(counts), size, size))
    k = np.arange(cut)
    information[:, k, k] = diagonal.sum(axis=1)
    information[:, k[:-1], k[1:]] = information[:, k[1:], k[:-1]] = beside.sum(axis=1)
    mixed = -np.einsum("rjk,jp->rkp", row, design, optimize=True)
    information[:, :cut, cut:] = mixed
    information[:, cut:, :cut] = mixed.transpose(0, 2, 1)
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    information[:, cut:, cut:] = (row.sum(axis=2) @ outer).reshape(len(counts), design.shape[1], -1)
    gradient = np.concatenate([push.sum(axis=1), -push.sum(axis=2) @ design], axis=1)
    return gradient, information
