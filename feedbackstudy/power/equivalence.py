"""Power of two one-sided tests of equivalence."""

import math
from typing import Literal

import numpy as np
from scipy import special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import t_critical
from feedbackstudy.power.solving import Range, positive, question

__all__ = ["equivalence_power", "tost"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)

_N = {"two": "participants in each group", "paired": "pairs", "one": "participants"}


def equivalence_power(d: float, bounds: tuple[float, float], *, se: float, df: float, alpha: float) -> float:
    r"""Return the probability that both one-sided t tests reject.

    Parameters
    ----------
    d : float
        True effect.
    bounds : tuple of float
        Lower and upper bound of equivalence, on the scale of `d`.
    se : float
        Standard error of the estimate where the standard deviation is 1.
    df : float
        Degrees of freedom.
    alpha : float
        Level of each one-sided test.

    Returns
    -------
    float
        Power.

    Notes
    -----
    With the estimated standard deviation s of :math:`s^2 \sim \chi^2_\nu / \nu`,
    :math:`P = \int [\Phi((U - t s\,se - d)/se) - \Phi((L + t s\,se - d)/se)]^+ f(s)\,ds`, an exact form of Owen's Q
    (Phillips 1990), on 200 points of the interval of s that is not negligible.
    """
    critical = float(t_critical(df, alpha, "greater"))
    low, high = bounds
    widest = (high - low) / (2 * critical * se)
    first, last = np.sqrt(special.chdtri(df, [1 - 1e-15, 1e-15]) / df)
    last = min(float(last), widest)
    if last <= first:
        return 0.0
    s = (last - first) / 2 * _NODES + (last + first) / 2
    log_density = math.log(2) + df / 2 * math.log(df / 2) - special.gammaln(df / 2) + (df - 1) * np.log(s)
    density = np.exp(log_density - df * s**2 / 2)
    inside = special.ndtr((high - d) / se - critical * s) - special.ndtr((low - d) / se + critical * s)
    return float((last - first) / 2 * (_WEIGHTS * density) @ np.maximum(inside, 0.0))


def tost(
    bound: float | None = None,
    n: float | None = None,
    *,
    d: float = 0.0,
    power: float | None = None,
    alpha: float | None = 0.05,
    samples: Literal["two", "paired", "one"] = "two",
    lower: float | None = None,
) -> PowerAnswer:
    """Solve a test of equivalence for its power, sample size, bound or level.

    Parameters
    ----------
    bound : float or None
        Upper bound of equivalence in standard deviations; the lower one is its negative unless given.
    n : float or None
        Participants in each group, pairs, or participants.
    d : float, default 0
        True standardised effect.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Level of each one-sided test; the interval is of level 1 - 2 alpha.
    samples : {"two", "paired", "one"}
        Which t test.
    lower : float or None
        Lower bound, where it is not the negative of the upper one.

    Returns
    -------
    PowerAnswer
        The argument left None, and the power.

    Raises
    ------
    InputError
        For impossible arguments, a true effect outside the bounds, or none or several left None.

    Notes
    -----
    See `equivalence_power`.
    """
    if samples not in _N:
        raise InputError(choices("The kind of samples", samples, _N))
    positive("bound", bound)
    positive("n", n, least=1.0, unit=_N[samples])
    if not math.isfinite(d) or (lower is not None and not (math.isfinite(lower) and lower < 0)):
        raise InputError(f"d = {d} and lower = {lower} must be finite, and the lower bound negative.")
    if bound is not None and not (-bound if lower is None else lower) < d < bound:
        raise InputError(
            f"The true effect d = {d} is not inside the bounds of equivalence {-bound if lower is None else lower} to "
            f"{bound}: no sample size gives more power than alpha. Widen the bounds or assume a smaller effect."
        )
    two = samples == "two"

    def power_at(bound: float, n: float, alpha: float) -> float:
        low = -bound if lower is None else lower
        se, df = (math.sqrt(2 / n), 2 * n - 2) if two else (math.sqrt(1 / n), n - 1)
        return equivalence_power(d, (low, bound), se=se, df=df, alpha=alpha)

    return question(
        "tost",
        power_at,
        given={"bound": bound, "n": n, "power": power, "alpha": alpha},
        ranges={
            "bound": Range(max(abs(d), 1e-9), 100.0),
            "n": Range(1.5 if two else 2.0, 1e7, _N[samples]),
            "alpha": Range(1e-9, 0.4999),
        },
        title="Two one-sided tests of equivalence",
        engine="exact: normal estimate integrated over the chi distribution of s",
        conventions=(
            f"bounds and d in standard deviations{'' if two else ' of the differences'}",
            f"n counts {_N[samples]}",
            "alpha is that of each one-sided test",
        ),
        details=lambda **at: {"d": d, "lower": -at["bound"] if lower is None else lower},
    )
