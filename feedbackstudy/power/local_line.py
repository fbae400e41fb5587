"""A line through the values tried near the target, in scaled units, with the error of the place where it meets it.

Shares are scaled by probits, widths by logarithms. Values share their streams of chance, so replicates with the same
number belong together: the error of the line takes them as clusters and holds whether they agree much or not at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Line", "Slope", "Tried", "fitted", "gap_of", "steepness"]

type Floats = NDArray[np.float64]

_STEPS = 12
_EDGE = 4.0  # probits beyond which no share is told from 0 or 1
_REACH = 0.6  # scaled units from the target at which a value counts for 1/e


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """One value that was tried.

    Attributes
    ----------
    u : float
        The value on the scale on which the line is straight.
    each : ndarray of shape (replicates,)
        The goal's figure in every replicate, 0 or 1 for shares; NaN where it does not count.
    """

    u: float
    each: Floats

    @property
    def n(self) -> int:
        """How many replicates count."""
        return int(np.isfinite(self.each).sum())

    @property
    def mean(self) -> float:
        """The goal; NaN where no replicate counts."""
        return float(np.nanmean(self.each)) if self.n else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What is known about the slope beforehand.

    Attributes
    ----------
    value, sd : float
        Guess, and how far it may be off.
    """

    value: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A line, its level relative to the target.

    Attributes
    ----------
    centre, level, slope : float
        Its level at `centre`, and its slope.
    covariances : tuple of ndarray of shape (2, 2)
        Of level and slope: with replicates of one number as clusters, and with all replicates independent.
    n : float
        Replicates behind it, each counted by its closeness to the target.
    """

    centre: float
    level: float
    slope: float
    covariances: tuple[Floats, Floats]
    n: float

    @property
    def root(self) -> float:
        """Where the line meets the target."""
        return self.centre - self.level / self.slope

    @property
    def root_error(self) -> float:
        """Standard error of the root (delta method): the larger one, since the one from clusters is noisy itself."""
        at = np.array([1.0, self.root - self.centre])
        return math.sqrt(max(float(at @ matrix @ at) for matrix in self.covariances)) / abs(self.slope)


def gap_of(tried: Tried, target: float, *, shares: bool) -> float:
    """Return how far a value is from the target in scaled units.

    Parameters
    ----------
    tried : Tried
        The value.
    target : float
        The target.
    shares : bool
        Whether the goal is a share, or else a width.

    Returns
    -------
    float
        Above 0 where the goal is larger than the target.
    """
    if not shares:
        return math.log(max(tried.mean, 1e-300)) - math.log(target)
    edge = 0.5 / max(tried.n, 1)
    return float(special.ndtri(min(max(tried.mean, edge), 1 - edge)) - special.ndtri(target))


def steepness(target: float, *, shares: bool) -> float:
    """Return how much the goal changes for one scaled unit, at the target.

    Parameters
    ----------
    target : float
        The target.
    shares : bool
        Whether the goal is a share, or else a width.

    Returns
    -------
    float
        Normal density at the target's probit, or the target.
    """
    return _density(float(special.ndtri(target))) if shares else target


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def fitted(tried: Sequence[Tried], target: float, *, shares: bool, guess: Slope | None) -> Line | None:
    """Fit a line to the values tried, by maximum likelihood for shares, each value weighted by its closeness.

    Parameters
    ----------
    tried : sequence of Tried
        Values not far from the target.
    target : float
        The target.
    shares : bool
        Whether the goal is a share, or else a width.
    guess : Slope or None
        What is known about the slope; without it two values are needed.

    Returns
    -------
    Line or None
        None where the values do not determine a line.
    """
    u = np.array([each.u for each in tried])
    if guess is None and (len(tried) < 2 or np.ptp(u) < 1e-9):
        return None
    gaps = np.array([gap_of(each, target, shares=shares) for each in tried])
    close = np.exp(-((gaps / _REACH) ** 2))
    size = close * np.array([each.n for each in tried])
    centre = float(np.average(u, weights=size))
    x = np.column_stack([np.ones(len(u)), u - centre])
    prior = np.diag([0.0, 0.0 if guess is None else guess.sd**-2])
    pull = np.array([0.0, 0.0 if guess is None else guess.value * guess.sd**-2])
    beta = np.array([0.0, 0.0 if guess is None else guess.value])
    most = 1.0 / np.array([1.0, max(float(np.ptp(u)), 1e-9)])
    for _ in range(_STEPS):
        left, spread = _residuals(tried, x @ beta, target, shares=shares)
        weight = size / spread
        mean = np.array([float(np.nansum(each)) / max(one.n, 1) for each, one in zip(left, tried, strict=True)])
        inverse = np.linalg.pinv(x.T @ (weight[:, None] * x) + prior)
        step = inverse @ (x.T @ (weight * mean) + pull - prior @ beta)
        beta = beta + np.clip(step, -most, most)
    score = _scores(left, x, close / spread)
    alone = x.T @ ((size * close / spread)[:, None] * x)
    both = tuple(inverse @ (meat + prior) @ inverse for meat in (score.T @ score, alone))
    return Line(
        centre=centre,
        level=float(beta[0]),
        slope=float(beta[1]),
        covariances=(both[0], both[1]),
        n=float(size.sum()),
    )


def _residuals(tried: Sequence[Tried], line: Floats, target: float, *, shares: bool) -> tuple[list[Floats], Floats]:
    """Return what every replicate is off, in scaled units, and the variance of one replicate."""
    left, spread = [], []
    for each, at in zip(tried, line, strict=True):
        if shares:
            z = min(max(float(special.ndtri(target)) + at, -_EDGE), _EDGE)
            p, density = float(special.ndtr(z)), _density(z)
            toward = (0.5 - p) / max(each.n, 1)  # half a hit and half a miss, so that 0 and 1 have a probit
            left.append((each.each - p + toward) / density)
            spread.append(p * (1 - p) / density**2)
        else:
            mean = each.mean
            left.append(np.log(mean / target) - at + (each.each - mean) / mean)
            spread.append(max(float(np.nanvar(each.each)) / mean**2, 1e-12))
    return left, np.array(spread)


def _scores(left: Sequence[Floats], x: Floats, weight: Floats) -> Floats:
    """Sum over the values what each replicate, known by its number, contributes."""
    total = np.zeros((max(len(each) for each in left), x.shape[1]))
    for each, row, w in zip(left, x, weight, strict=True):
        total[: len(each)] += w * np.nan_to_num(each)[:, None] * row
    return total
