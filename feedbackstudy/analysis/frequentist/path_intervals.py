"""Intervals of effects from draws, each with the p value that its own inversion gives."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.frequentist.levels import check_level
from feedbackstudy.analysis.mediation_system import Effect, values
from feedbackstudy.errors import DataError, choices

__all__ = [
    "IntervalMethod",
    "Intervals",
    "acceleration",
    "bca",
    "checked_draws",
    "equivalence_p",
    "from_sorted",
    "monte_carlo",
    "percentile",
]

type Floats = NDArray[np.float64]
type IntervalMethod = Literal["percentile", "bca", "monte carlo", "delta"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intervals:
    """Intervals with p values that never contradict them.

    Attributes
    ----------
    low, high : ndarray of shape (effects,)
        Limits; infinite where the draws are too few for a bias-corrected limit.
    p : ndarray of shape (effects,)
        The smallest alpha at which the interval of level 1 - alpha leaves 0 out.
    se : ndarray of shape (effects,)
        Standard deviation of the draws.
    """

    low: Floats
    high: Floats
    p: Floats
    se: Floats


def checked_draws(method: str, draws: int, level: float) -> None:
    """Refuse a number of draws from which no interval of this level can be read.

    Parameters
    ----------
    method : str
        Kind of interval.
    draws : int
        Number of draws.
    level : float
        Level of the interval.

    Raises
    ------
    DataError
        For an unknown method, a level outside (0, 1), or too few draws.
    """
    if method not in ("percentile", "bca", "monte carlo", "delta"):
        raise DataError(choices("Interval", method, ("percentile", "bca", "monte carlo", "delta")))
    check_level(level)
    least = math.ceil(20 / (1 - level) - 1e-9) - 1
    if draws < least:
        raise DataError(
            f"An interval of level {level:g} needs at least {least} bootstrap draws (ten beyond each limit); given "
            f"{draws}. 5,000 is usual."
        )


def percentile(draws: Floats, *, level: float = 0.95) -> Intervals:
    r"""Return percentile intervals with the p of their inversion.

    Parameters
    ----------
    draws : ndarray of shape (draws, effects)
        Bootstrap draws of effects.
    level : float, default 0.95
        Level.

    Returns
    -------
    Intervals
        Limits, p and standard error.

    Notes
    -----
    With B draws the limits are the order statistics :math:`k = \lfloor (B+1)\alpha/2 \rfloor` from each end. Zero lies
    outside exactly where fewer than k draws lie on its other side, so
    :math:`p = 2 (1 + \min(\#\{\theta^* \le 0\}, \#\{\theta^* \ge 0\})) / (B+1)`, at most 1, and
    :math:`p \le \alpha` if and only if the interval leaves 0 out.
    """
    nothing = np.zeros(draws.shape[1])
    return from_sorted(np.sort(draws, axis=0), bias=nothing, skew=nothing, level=level)


def monte_carlo(
    effects: Sequence[Effect], theta: Floats, covariance: Floats, *, draws: int, seed: int, level: float = 0.95
) -> tuple[Intervals, Floats]:
    """Return Monte-Carlo intervals: coefficients drawn from their normal sampling distribution.

    Parameters
    ----------
    effects : sequence of Effect
        The effects.
    theta : ndarray of shape (size,)
        Coefficients.
    covariance : ndarray of shape (size, size)
        Their covariance.
    draws : int
        Number of draws.
    seed : int
        Seed.
    level : float, default 0.95
        Level.

    Returns
    -------
    tuple of Intervals and ndarray
        The intervals, and the draws of shape (draws, effects) (MacKinnon, Lockwood & Williams, 2004).
    """
    rng = np.random.default_rng(seed)
    roots, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(roots, 0.0))
    drawn = values(effects, theta + rng.standard_normal((draws, theta.size)) @ factor.T)
    return percentile(drawn, level=level), drawn


def bca(draws: Floats, estimate: Floats, jackknife: Floats, *, level: float = 0.95) -> Intervals:
    r"""Return bias-corrected and accelerated intervals with the p of their inversion.

    Parameters
    ----------
    draws : ndarray of shape (draws, effects)
        Bootstrap draws of effects.
    estimate : ndarray of shape (effects,)
        Estimates.
    jackknife : ndarray of shape (units, effects)
        Estimates without each unit (cluster, where clusters were drawn).
    level : float, default 0.95
        Level.

    Returns
    -------
    Intervals
        Limits, p and standard error.

    Notes
    -----
    :math:`z_0 = \Phi^{-1}(\#\{\theta^* < \hat\theta\}/B)` (ties by half), a from the jackknife; the limits are the
    draws at :math:`\Phi(z_0 + (z_0 + z)/(1 - a(z_0 + z)))` (Efron, 1987, JASA 82, 171-185). p solves the same
    equation for the level at which a limit meets 0.
    """
    share = ((draws < estimate).mean(axis=0) + (draws <= estimate).mean(axis=0)) / 2
    edge = 0.5 / len(draws)
    return from_sorted(
        np.sort(draws, axis=0),
        bias=special.ndtri(np.clip(share, edge, 1 - edge)),
        skew=acceleration(jackknife),
        level=level,
    )


def acceleration(jackknife: Floats) -> Floats:
    r"""Return the acceleration of BCa.

    Parameters
    ----------
    jackknife : ndarray of shape (units, effects)
        Estimates without each unit.

    Returns
    -------
    ndarray of shape (effects,)
        :math:`\sum d_i^3 / (6 (\sum d_i^2)^{3/2})`, :math:`d_i = \bar\theta - \theta_{(i)}`.
    """
    gap = jackknife.mean(axis=0) - jackknife
    squares = (gap**2).sum(axis=0)
    return np.asarray((gap**3).sum(axis=0) / (6 * np.where(squares > 0, squares, 1.0) ** 1.5), dtype=np.float64)


def from_sorted(ordered: Floats, *, bias: Floats, skew: Floats, level: float) -> Intervals:
    """Return intervals and p from sorted draws, bias correction and acceleration.

    Parameters
    ----------
    ordered : ndarray of shape (draws, effects)
        Draws, each column increasing.
    bias, skew : ndarray of shape (effects,)
        z0 and a; zeros give the percentile interval.
    level : float
        Level.

    Returns
    -------
    Intervals
        Limits, p and standard error.
    """
    many = len(ordered)
    half = (1 - level) / 2
    low_at, high_at = _adjusted(half, bias, skew), 1 - _adjusted(1 - half, bias, skew)
    each = np.arange(ordered.shape[1])
    first, last = _rank(low_at, many), _rank(high_at, many)
    low = np.where(first >= 1, ordered[np.maximum(first - 1, 0), each], -np.inf)
    high = np.where(last >= 1, ordered[np.minimum(many - last, many - 1), each], np.inf)
    below, above = (ordered <= 0).sum(axis=0), (ordered >= 0).sum(axis=0)
    tails = np.minimum(
        _tail((below + 1) / (many + 1), bias, skew, upper=False),
        _tail((above + 1) / (many + 1), bias, skew, upper=True),
    )
    return Intervals(low=low, high=high, p=np.minimum(2 * tails, 1.0), se=ordered.std(axis=0, ddof=1))


def _rank(share: Floats, many: int) -> NDArray[np.int64]:
    # A share of (B+1) that is whole but for rounding counts as whole, as the count behind p does.
    return np.floor((many + 1) * share + 1e-9).astype(np.int64)


def _adjusted(probability: float, bias: Floats, skew: Floats) -> Floats:
    z = bias + float(special.ndtri(probability))
    slope = 1 - skew * z
    inside = special.ndtr(bias + z / np.where(slope > 0, slope, 1.0))
    return np.asarray(np.where(slope > 0, inside, np.where(z > 0, 1.0, 0.0)), dtype=np.float64)


def _tail(share: Floats, bias: Floats, skew: Floats, *, upper: bool) -> Floats:
    """Return the tail probability whose adjusted limit has this share of draws beyond it."""
    plain = np.minimum(share, 1.0)
    target = special.ndtri(np.clip(1 - plain if upper else plain, 1e-300, 1 - 1e-16)) - bias
    with np.errstate(divide="ignore", invalid="ignore"):
        z = target / (1 + skew * target) - bias
    found = special.ndtr(-z if upper else z)
    found = np.where(1 + skew * target > 0, found, 1.0)
    return np.where((bias == 0) & (skew == 0), plain, found)


def equivalence_p(draws: Floats, bound: float) -> float:
    """Return the p of two one-sided bootstrap tests against minus and plus a bound.

    Parameters
    ----------
    draws : ndarray of shape (draws,)
        Draws of one effect.
    bound : float
        Smallest effect of interest, without sign.

    Returns
    -------
    float
        The larger one-sided p; at most alpha exactly where the percentile interval of level 1 - 2 alpha lies inside.
    """
    many = len(draws)
    return float((1 + max((draws <= -bound).sum(), (draws >= bound).sum())) / (many + 1))
