"""Power for proportions and tables of frequencies."""

import math
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.means import ALTERNATIVES
from feedbackstudy.power.noncentral import Alternative, chi2_power, z_power
from feedbackstudy.power.solving import Range, positive, probability, question, whole

__all__ = ["ProportionTest", "chi2", "cohen_h", "proportions"]

type ProportionTest = Literal["arcsine", "unpooled", "pooled"]

_TESTS = ("arcsine", "unpooled", "pooled")


def proportions(
    p1: float | None = None,
    p2: float | None = None,
    n: float | None = None,
    *,
    h: float | None = None,
    power: float | None = None,
    alpha: float | None = 0.05,
    ratio: float = 1.0,
    alternative: Alternative = "two-sided",
    test: ProportionTest = "arcsine",
) -> PowerAnswer:
    r"""Solve the comparison of two proportions for its power, sample size, effect or level.

    Parameters
    ----------
    p1, p2 : float or None
        The proportions, `p1` minus `p2` being the effect; give both, or `p2` alone to solve for `p1`, or `h`.
    n : float or None
        Participants in the first group.
    h : float or None
        Cohen's h instead of the proportions: 2 asin sqrt(p1) - 2 asin sqrt(p2).
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level.
    ratio : float, default 1
        Size of the second group over that of the first.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    test : {"arcsine", "unpooled", "pooled"}
        Test statistic: on the arcsine scale, or a z test with the variance under the alternative or the hypothesis.

    Returns
    -------
    PowerAnswer
        The argument left None, and the power.

    Raises
    ------
    InputError
        For impossible arguments, or none or several left None.

    Notes
    -----
    Arcsine: Cohen (1988), chapter 6. Pooled: Fleiss, Levin & Paik (2003), :math:`\Phi[(|p_1 - p_2| - z s_0)/s_1]`.
    """
    for name, value in (("p1", p1), ("p2", p2)):
        probability(name, value)
    positive("n", n, unit="participants in the first group")
    positive("ratio", ratio)
    if alternative not in ALTERNATIVES:
        raise InputError(choices("The alternative", alternative, ALTERNATIVES))
    if test not in _TESTS:
        raise InputError(choices("The test", test, _TESTS))
    by_h = p2 is None
    if by_h and (p1 is not None or test != "arcsine"):
        raise InputError("Give p2 with p1 (or p2 alone, to solve for p1), or h alone with test='arcsine'.")
    if not by_h and h is not None:
        raise InputError(f"h = {h} and p2 = {p2} say the effect twice: give h, or the proportions.")
    effect = {"h": h} if by_h else {"p1": p1}

    def power_at(n: float, alpha: float, h: float = 0.0, p1: float = 0.5) -> float:
        if test == "arcsine":
            size = h if p2 is None else cohen_h(p1, p2)
            return float(z_power(size * math.sqrt(n * ratio / (1 + ratio)), alpha, alternative=alternative))
        return _z_test(p1, p2 or 0.0, n, ratio=ratio, alpha=alpha, alternative=alternative, pooled=test == "pooled")

    less = alternative == "less"
    start = p2 or 0.5
    return question(
        "proportions",
        power_at,
        given={**effect, "n": n, "power": power, "alpha": alpha},
        ranges={
            "h": Range(-math.pi, 0.0) if less else Range(0.0, math.pi),
            "p1": Range(1e-9, start) if less else Range(start, 1 - 1e-9),
            "n": Range(1.0, 1e9, "participants in the first group"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title="Comparison of two proportions",
        engine=f"approximate: normal, {test} test",
        conventions=(
            "h = 2 asin sqrt(p1) - 2 asin sqrt(p2)",
            "n counts participants in the first group",
            f"{alternative} test" + ("; p1 is looked for above p2" if p1 is None and not by_h and not less else ""),
        ),
        details=lambda **at: {} if p2 is None else {"p2": p2, "h": cohen_h(at["p1"], p2)},
    )


def cohen_h(p1: float, p2: float) -> float:
    """Return Cohen's h of two proportions.

    Parameters
    ----------
    p1, p2 : float
        Proportions.

    Returns
    -------
    float
        2 asin sqrt(p1) - 2 asin sqrt(p2).
    """
    return 2 * math.asin(math.sqrt(p1)) - 2 * math.asin(math.sqrt(p2))


def _z_test(
    p1: float, p2: float, n: float, *, ratio: float, alpha: float, alternative: Alternative, pooled: bool
) -> float:
    mean = (p1 + ratio * p2) / (1 + ratio)
    under_h1 = math.sqrt(p1 * (1 - p1) / n + p2 * (1 - p2) / (n * ratio))
    under_h0 = math.sqrt(mean * (1 - mean) * (1 / n + 1 / (n * ratio))) if pooled else under_h1
    # The critical value is scaled, so the z test's power is that of a shifted and rescaled normal.
    tail = alpha / 2 if alternative == "two-sided" else alpha
    bound = -ndtri(tail) * under_h0
    above = float(ndtr((p1 - p2 - bound) / under_h1))
    below = float(ndtr((p2 - p1 - bound) / under_h1))
    return {"two-sided": above + below, "greater": above, "less": below}[alternative]


def chi2(
    w: float | None = None,
    n: float | None = None,
    *,
    df: int,
    power: float | None = None,
    alpha: float | None = 0.05,
) -> PowerAnswer:
    r"""Solve a chi-squared test for its power, sample size, effect or level.

    Parameters
    ----------
    w : float or None
        Cohen's w.
    n : float or None
        Observations in all.
    df : int
        Degrees of freedom: (rows - 1)(columns - 1), or categories - 1.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level.

    Returns
    -------
    PowerAnswer
        The argument left None, and the power.

    Raises
    ------
    InputError
        For impossible arguments, or none or several left None.

    Notes
    -----
    :math:`\lambda = n w^2`, Cohen (1988), chapter 7.
    """
    whole("df", df)
    positive("n", n, unit="observations")
    if w is not None and not (np.isfinite(w) and w >= 0):
        raise InputError(f"w = {w} cannot be used: it is a root of squared deviations, 0 or larger.")
    return question(
        "chi2",
        lambda w, n, alpha: float(chi2_power(n * w**2, df, alpha)),
        given={"w": w, "n": n, "power": power, "alpha": alpha},
        ranges={"w": Range(0.0, 10.0), "n": Range(1e-3, 1e9, "observations in all"), "alpha": Range(1e-12, 1 - 1e-9)},
        title=f"Chi-squared test, df = {df}",
        engine="asymptotic: noncentral chi-squared",
        conventions=("w = sqrt(sum (p1 - p0)^2 / p0)", "n counts observations in all cells together"),
        details=lambda w, n, alpha: {"ncp": n * w**2, "df": float(df)},  # noqa: ARG005
    )
