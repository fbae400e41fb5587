"""Rounding by the people behind a number, so that it says no more about a count than the rounded count does."""

import math
from collections.abc import Iterable

__all__ = ["coarse_p", "levelled", "significant", "step_of", "to_step"]

_STEPS = (1.0, 2.0, 5.0, 10.0)


def step_of(share: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least a share.

    Parameters
    ----------
    share : float
        What may not be told apart, such as 5 people of 600; 0 for no rounding.

    Returns
    -------
    float
        The step, 0 where nothing is rounded.
    """
    if not share > 0 or math.isinf(share):
        return 0.0 if not share > 0 else math.inf
    power = math.floor(math.log10(share))
    scaled = share / 10.0**power
    return float(f"{next(step for step in _STEPS if step >= scaled * (1 - 1e-12)):g}e{power}")


def to_step(value: float | None, step: float) -> float | None:
    """Round a number to a multiple of a step.

    Parameters
    ----------
    value : float or None
        The number; None and what is no number stay as they are.
    step : float
        The step; 0 rounds nothing.

    Returns
    -------
    float or None
        The nearest multiple, written with as many decimals as the step has.
    """
    if value is None or not math.isfinite(value) or step == 0:
        return value
    if math.isinf(step):
        return math.nan
    return round(round(value / step) * step, max(0, -math.floor(math.log10(step))))


def significant(value: float | None, digits: int) -> float | None:
    """Round a number to so many digits.

    Parameters
    ----------
    value : float or None
        The number; None and what is no number stay as they are.
    digits : int
        Digits that count.

    Returns
    -------
    float or None
        The rounded number.
    """
    return value if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}")


def coarse_p(p: float | None) -> float | None:
    """Round a p value to two decimals, below .01 to three, and say of smaller ones only that they are.

    Parameters
    ----------
    p : float or None
        The p value.

    Returns
    -------
    float or None
        The rounded p value; 0 stands for below .001, because the power of ten of a tiny p gives counts away.
    """
    if p is None or not math.isfinite(p):
        return p
    return round(p, 2) if p >= 0.01 else round(p, 3) if p >= 0.001 else 0.0


def levelled(sizes: Iterable[int], least: int) -> dict[int, int]:
    """Let sizes that differ by few people be one, because their difference is a count as well.

    Parameters
    ----------
    sizes : iterable of int
        Sizes.
    least : int
        Smallest difference that may be seen.

    Returns
    -------
    dict
        Size -> size that is shown in its place: the largest of those that are too close to it.
    """
    found: dict[int, int] = {}
    shown: int | None = None
    for size in sorted(set(sizes), reverse=True):
        if shown is None or shown - size >= least:
            shown = size
        found[size] = shown
    return found
