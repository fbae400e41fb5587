"""Power for means: t tests, with unequal groups, a covariate, an unreliable measure or several tests."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import Alternative, t_critical, t_power
from feedbackstudy.power.solving import Range, correlation, positive, probability, question, whole

__all__ = ["Samples", "t_test"]

type Samples = Literal["two", "paired", "one"]

ALTERNATIVES = ("two-sided", "greater", "less")
_TITLES: Mapping[Samples, str] = {
    "two": "t test of two independent means",
    "paired": "t test of paired means",
    "one": "t test of one mean",
}
_N = {"two": "participants in the first group", "paired": "pairs", "one": "participants"}
_EFFECT = {
    "two": "d is the difference over the common within-group standard deviation",
    "paired": "d is dz: the mean difference over the standard deviation of the differences",
    "one": "d is the mean's distance from the fixed value over the standard deviation",
}


def t_test(
    d: float | None = None,
    n: float | None = None,
    *,
    power: float | None = None,
    alpha: float | None = 0.05,
    samples: Samples = "two",
    ratio: float = 1.0,
    alternative: Alternative = "two-sided",
    r: float = 0.0,
    reliability: float = 1.0,
    tests: int = 1,
) -> PowerAnswer:
    r"""Solve a t test for its power, sample size, effect or level.

    Parameters
    ----------
    d : float or None
        Standardised difference of the true scores.
    n : float or None
        Participants in the first group, pairs, or participants.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level of the family of tests.
    samples : {"two", "paired", "one"}
        Which t test.
    ratio : float, default 1
        Size of the second group over that of the first.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.
    r : float, default 0
        Correlation of a covariate with the outcome within groups (analysis of covariance; two samples only).
    reliability : float, default 1
        Reliability of the outcome's score; the observed d is d times its root.
    tests : int, default 1
        Tests in the family, Bonferroni-adjusted.

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
    Noncentrality :math:`\delta = d \sqrt{\rho / (1 - r^2)} \, (1/n_1 + 1/n_2)^{-1/2}`, with :math:`\rho` the
    reliability; Cohen (1988), chapter 2. A covariate takes one degree of freedom.
    """
    if samples not in _TITLES:
        raise InputError(choices("The kind of samples", samples, _TITLES))
    _check(n, ratio=ratio, alternative=alternative, r=r, reliability=reliability, samples=samples)
    whole("tests", tests)
    size = np.sqrt(reliability / (1 - r**2))

    def parts(d: float, n: float, alpha: float) -> tuple[float, float, float]:
        if samples == "two":
            return d * size * np.sqrt(n * ratio / (1 + ratio)), n * (1 + ratio) - 2 - (r != 0), alpha / tests
        return d * size * np.sqrt(n), n - 1, alpha / tests

    def power_at(d: float, n: float, alpha: float) -> float:
        ncp, df, level = parts(d, n, alpha)
        return float(t_power(ncp, df, level, alternative=alternative))

    def details(d: float, n: float, alpha: float) -> dict[str, float]:
        ncp, df, level = parts(d, n, alpha)
        second = {"n in the second group": n * ratio} if samples == "two" else {}
        return {**second, "ncp": ncp, "df": df, "critical t": float(t_critical(df, level, alternative))}

    smallest = max(3 / (1 + ratio), 1 / ratio) if samples == "two" else 2.0
    smallest = max(smallest, 4 / (1 + ratio)) if r else smallest
    return question(
        "t_test",
        power_at,
        given={"d": d, "n": n, "power": power, "alpha": alpha},
        ranges={
            "d": Range(-60.0, 0.0) if alternative == "less" else Range(0.0, 60.0),
            "n": Range(smallest, 1e9, _N[samples]),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title=_TITLES[samples],
        engine="exact: noncentral t",
        conventions=_conventions(samples, alternative, r=r, reliability=reliability, tests=tests),
        details=details,
    )


def _check(n: float | None, *, ratio: float, alternative: str, r: float, reliability: float, samples: Samples) -> None:
    positive("n", n, least=1.0, unit=_N[samples])
    positive("ratio", ratio)
    if alternative not in ALTERNATIVES:
        raise InputError(choices("The alternative", alternative, ALTERNATIVES))
    correlation("r", r)
    if r and samples != "two":
        raise InputError("r, a covariate's correlation with the outcome, has a meaning for two samples only.")
    if reliability != 1.0:
        probability("reliability", reliability)


def _conventions(samples: Samples, alternative: str, *, r: float, reliability: float, tests: int) -> tuple[str, ...]:
    told = [_EFFECT[samples], f"n counts {_N[samples]}", f"{alternative} test; both tails count where two-sided"]
    told += [f"covariate r = {r:g} within groups, one df"] if r else []
    told += [f"d is of true scores; observed d = d x sqrt({reliability:g})"] if reliability != 1.0 else []
    told += [f"each of {tests} tests at alpha / {tests} (Bonferroni)"] if tests > 1 else []
    return tuple(told)
