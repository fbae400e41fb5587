"""From a mixture of normal distributions of one quantity to a posterior that can be read."""

from dataclasses import replace

import numpy as np

from feedbackstudy.analysis.bayesian.densities import GridDensity, IntervalKind, from_density
from feedbackstudy.analysis.bayesian.normal_mixture import NormalMixture
from feedbackstudy.analysis.posterior import Posterior

__all__ = ["summary"]

_POINTS = 801
_REACH = 10.0
"""Posterior standard deviations that a drawn curve covers on each side."""
_NULL_WITHIN = 30.0
"""Posterior standard deviations up to which the curve is drawn as far as the null."""


def summary(
    found: NormalMixture,
    before: NormalMixture | None,
    *,
    quantity: str,
    level: float,
    interval: IntervalKind,
    rope: tuple[float, float] | None,
) -> Posterior:
    """Summarise the mixture of one quantity: curve on a grid, probabilities and quantiles from the mixture itself.

    Parameters
    ----------
    found : NormalMixture
        Posterior.
    before : NormalMixture or None
        Prior.
    quantity : str
        What it is.
    level : float
        Probability inside the interval.
    interval : {"HDI", "equal-tailed"}
        Kind of the interval.
    rope : tuple of (float, float) or None
        Region of practical equivalence.

    Returns
    -------
    Posterior
        Ready to be read or drawn.
    """
    found = found.trimmed(1e-11)
    middle, sd = found.mean, found.sd
    reach = [middle - _REACH * sd, middle + _REACH * sd]
    if abs(middle) < _NULL_WITHIN * sd:
        reach = [min(reach[0], -sd), max(reach[1], sd)]
    grid = np.linspace(reach[0], reach[1], _POINTS)
    given = GridDensity(
        grid=grid, density=found.density(grid), prior=before.density(grid) if before is not None else None
    )
    curve = from_density(given, quantity=quantity, level=level, interval=interval, rope=rope, engine="quadrature")
    median, tail = found.quantile(0.5), (1 - level) / 2
    low, high = (
        (found.quantile(tail), found.quantile(1 - tail))
        if interval == "equal-tailed"
        else found.shortest(level, (curve.low, curve.high))
    )
    return replace(
        curve,
        median=median,
        low=low,
        high=high,
        prob_rope=found.below(rope[1]) - found.below(rope[0]) if rope is not None else None,
        prob_direction=found.below(0.0) if median < 0 else found.above(0.0),
    )
