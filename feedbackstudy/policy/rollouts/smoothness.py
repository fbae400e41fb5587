"""Robust intervals where the slope of a difference in trends may change by so much per period, of any size."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.adapters.diff_diff import Bounds, StaggeredFit

__all__ = ["folded_quantile", "largest_bend", "smooth_bounds"]

type Floats = NDArray[np.float64]

_PASSES, _GRID, _NODES = 2000, 120, 64


def smooth_bounds(
    fit: StaggeredFit, sizes: Sequence[float], *, reference: int, alpha: float, df: float
) -> tuple[Bounds, ...]:
    r"""Return the shortest interval of fixed length for the average effect, for each bound on changes of slope.

    Parameters
    ----------
    fit : StaggeredFit
        Effects by time since the start with their covariance.
    sizes : sequence of float
        Largest change of slope M per period.
    reference : int
        Time since the start of the period that effects are measured against.
    alpha : float
        Error rate.
    df : float
        Degrees of freedom of t, as for the other intervals.

    Returns
    -------
    tuple of Bounds
        One for each size; NaN where no run of periods before the reference has standard errors.

    Notes
    -----
    Rambachan & Roth (2023), section 4.1. The estimator :math:`l'\hat\beta_{post} + v'\hat\beta_{pre}` takes a linear
    difference in trends off; its worst bias is :math:`M (k + \sum_j |c_j|)` with :math:`c_j = \sum_m v_m (m - j)_+`, m
    periods before the reference, :math:`c_0` given and k what the periods after it add. Weights trade bias against
    variance h²: each is the solution of a lasso in c, so all of them lie on one path, and the one with the smallest
    half length :math:`h\,q(M\,bias/h)` is taken, q the quantile of a folded noncentral t. diff-diff's own search finds
    no interval for larger M; where it does, both agree.
    """
    parts = _parts(fit, reference)
    if parts is None:
        return tuple(Bounds(size=size, low=float("nan"), high=float("nan")) for size in sizes)
    effects, weights = parts
    biases, deviations, centres = weights
    found = []
    for size in sizes:
        length = deviations * folded_quantile(size * biases / deviations, alpha, df=df)
        best = int(np.argmin(length))
        centre = float(centres[best] @ effects)
        found.append(Bounds(size=float(size), low=centre - float(length[best]), high=centre + float(length[best])))
    return tuple(found)


def largest_bend(fit: StaggeredFit, *, reference: int) -> float:
    """Return the largest change of slope that was seen before the start, chance included.

    Parameters
    ----------
    fit : StaggeredFit
        Effects by time since the start.
    reference : int
        Time of the reference period, whose effect is 0.

    Returns
    -------
    float
        Largest absolute second difference of neighbouring periods up to the reference; NaN for fewer than three.
    """
    before = _run_before(fit, reference)
    if before.size < 2:
        return float("nan")
    return float(np.abs(np.diff(np.append(fit.effects[before], 0.0), 2)).max())


def folded_quantile(shift: ArrayLike, alpha: float, *, df: float) -> Floats:
    """Return the 1 - alpha quantile of the size of a noncentral t variable.

    Parameters
    ----------
    shift : array_like
        Noncentrality, not negative.
    alpha : float
        Error rate.
    df : float
        Degrees of freedom; infinite for a normal variable of variance 1.

    Returns
    -------
    ndarray
        The quantiles, to 1e-4 of themselves or better from 5 degrees of freedom on.
    """
    away = np.asarray(shift, dtype=np.float64)
    spread, mass = _deviations(df)

    def beyond(q: Floats) -> Floats:
        at = q[..., None] * spread
        return np.asarray((special.ndtr(away[..., None] - at) + special.ndtr(-at - away[..., None])) @ mass)

    low, high = np.zeros_like(away), away + 10.0
    while (beyond(high) > alpha).any():
        high = 2 * high
    for _ in range(55):
        middle = (low + high) / 2
        out = beyond(middle) > alpha
        low, high = np.where(out, middle, low), np.where(out, high, middle)
    return np.asarray(high)


def _deviations(df: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of the estimated standard deviation in true ones, by Gauss and Legendre in its rank."""
    if not np.isfinite(df):
        return np.ones(1), np.ones(1)
    nodes, mass = np.polynomial.legendre.leggauss(_NODES)
    return np.sqrt(special.chdtri(df, (1 - nodes) / 2) / df), mass / 2


def _run_before(fit: StaggeredFit, reference: int) -> NDArray[np.intp]:
    """Return positions of the unbroken run of periods that ends just before the reference, in time order."""
    place = {int(t): i for i, t in enumerate(fit.time)}
    run: list[int] = []
    time = reference - 1
    while time in place and fit.covariance[place[time], place[time]] > 0 and np.isfinite(fit.effects[place[time]]):
        run.insert(0, place[time])
        time -= 1
    return np.array(run, dtype=np.intp)


def _parts(fit: StaggeredFit, reference: int) -> tuple[Floats, tuple[Floats, Floats, Floats]] | None:
    """Return effects and, along the path, bias for M = 1, standard deviation, and weights of the effects."""
    before = _run_before(fit, reference)[::-1]
    good = (np.diag(fit.covariance) > 0) & np.isfinite(fit.effects)
    after = np.flatnonzero((fit.time >= 0) & good)
    if not before.size or not after.size:
        return None
    steps = fit.time[after] - reference
    share = np.full(after.size, 1 / after.size)
    target = float(share @ steps)
    fixed = float(sum(share @ np.maximum(steps - j, 0) for j in range(1, int(steps.max()))))
    m = np.arange(1, before.size + 1)
    unfold = np.linalg.inv(np.maximum(m[None, :] - np.arange(before.size)[:, None], 0).astype(np.float64))
    used = np.concatenate([before, after])
    covariance = fit.covariance[np.ix_(used, used)]
    base = np.concatenate([unfold[:, 0] * target, share])
    free = np.vstack([unfold[:, 1:], np.zeros((after.size, before.size - 1))])
    path = _path(free.T @ covariance @ free, free.T @ covariance @ base)
    weights = base + path @ free.T
    deviations = np.sqrt(np.maximum(np.einsum("ip,pq,iq->i", weights, covariance, weights), 1e-300))
    biases = fixed + target + np.abs(path).sum(axis=1)
    return fit.effects[used], (biases, deviations, weights)


def _path(square: Floats, linear: Floats) -> Floats:
    r"""Return the minima of :math:`z'Az + 2b'z + \lambda\sum|z|` from all 0 to no penalty, one row each."""
    k = linear.size
    if not k:
        return np.zeros((1, 0))
    top = 2 * float(np.abs(linear).max())
    free = np.linalg.lstsq(square, -linear, rcond=None)[0]
    penalty = top * np.logspace(0, -7, _GRID)
    z, diagonal = np.zeros((_GRID, k)), np.maximum(np.diag(square), 1e-300)
    for _ in range(_PASSES):
        last = z.copy()
        for i in range(k):  # one coordinate at a time reaches the minimum, as the penalty is separable
            pull = linear[i] + z @ square[i] - square[i, i] * z[:, i]
            z[:, i] = -np.sign(pull) * np.maximum(np.abs(pull) - penalty / 2, 0.0) / diagonal[i]
        if np.abs(z - last).max() <= 1e-8 * max(1e-12, float(np.abs(z).max())):
            break
    return np.vstack([np.zeros(k), z, free])
