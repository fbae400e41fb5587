"""Sizes for an interval of a wanted width, instead of a test."""

import math

from scipy import special

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer, made
from feedbackstudy.power.solving import one_open, positive, probability

__all__ = ["precision"]


def precision(d: float, n: float | None = None, *, width: float | None = None, level: float = 0.95) -> PowerAnswer:
    r"""Find the size for an interval of a standardised difference of a wanted width, or the width of a size.

    Parameters
    ----------
    d : float
        Expected standardised difference.
    n : float or None
        Participants in each group.
    width : float or None
        Full width of the interval.
    level : float, default 0.95
        Level of the interval.

    Returns
    -------
    PowerAnswer
        The argument left None. ``"power"`` is the level: the interval covers the truth that often.

    Raises
    ------
    InputError
        For impossible arguments, or not exactly one of `n` and `width`.

    Notes
    -----
    Accuracy in parameter estimation (Kelley & Rausch 2006) with the large-sample variance
    :math:`2/n + d^2 / (4 n)`: :math:`w = 2 z \sqrt{(2 + d^2/4)/n}`.
    """
    opened = one_open("precision", {"n": n, "width": width})
    probability("level", level)
    positive("n", n, least=1.0, unit="participants in each group")
    positive("width", width)
    if not math.isfinite(d):
        raise InputError(f"d = {d} cannot be used: give a finite number.")
    factor = 2 * float(special.ndtri(0.5 + level / 2)) * math.sqrt(2 + d**2 / 4)
    size = float(n) if n is not None else (factor / float(width or 1.0)) ** 2
    reached = factor / math.sqrt(size)
    up = {"n, whole": float(math.ceil(size - 1e-9))} if n is None else {}
    return PowerAnswer(
        question="Precision: the interval of a standardised difference",
        solved=opened,
        values={"d": d, "n": size, "width": reached, "power": level},
        details=up,
        engine="large sample: normal interval of d",
        provenance=made("precision", ("width is the full width", "n counts participants in each group")),
    )
