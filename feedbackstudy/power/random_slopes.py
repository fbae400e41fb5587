"""Power for an effect within people that differs from person to person: the mixed model with a random slope."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import Alternative, t_critical, t_power
from feedbackstudy.power.rows import Fits
from feedbackstudy.power.solving import Range, one_of, positive, question

__all__ = ["random_slope", "slope_rows"]

type Floats = NDArray[np.float64]


def random_slope(
    effect: float | None = None,
    n: float | None = None,
    *,
    rows: float | None,
    slope_sd: float,
    sd: float = 1.0,
    power: float | None = None,
    alpha: float | None = 0.05,
    samples: Literal["one", "two"] = "one",
    alternative: Alternative = "two-sided",
) -> PowerAnswer:
    r"""Solve an effect within people, which differs between them, for its power, people, rows, size or level.

    Parameters
    ----------
    effect : float or None
        Mean difference between the two levels, in units of the outcome; with two samples, between their differences.
    n : float or None
        People; in each sample where there are two.
    rows : float or None
        Answers of each person at each of the two levels, such as stories.
    slope_sd : float
        Standard deviation of the difference between people: the random slope of -1/2 and 1/2.
    sd : float, default 1
        Residual standard deviation: of one answer about its person's own means.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level.
    samples : {"one", "two"}
        The difference itself, or its interaction with a factor between people of two levels.
    alternative : {"two-sided", "greater", "less"}
        Direction of the test.

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
    A person's difference of means has variance :math:`v = \tau^2 + 2\sigma^2/m`; the test is t with
    :math:`\delta = \beta\sqrt{n/v}` on :math:`n - 1` degrees of freedom, with two samples
    :math:`\delta = \beta\sqrt{n/(2v)}` on :math:`2n - 2`. In a balanced design this is the mixed model with random
    intercepts and slopes by REML and Satterthwaite, wherever no variance of it is estimated as zero and no correlation
    as one; how far people's intercepts differ does not matter. More people help without end; more rows bring v no
    nearer to 0 than :math:`\tau^2`.
    """
    _check(effect, n=n, rows=rows, slope_sd=slope_sd, sd=sd)
    one_of("The samples", samples, ("one", "two"))
    groups = 1 if samples == "one" else 2

    def parts(effect: float, n: float, rows: float) -> tuple[float, float]:
        variance = slope_sd**2 + 2 * sd**2 / rows
        return effect * math.sqrt(n / (groups * variance)), groups * (n - 1)

    def power_at(alpha: float, **at: float) -> float:
        ncp, df = parts(**at)
        return float(t_power(ncp, df, alpha, alternative=alternative))

    def details(alpha: float, **at: float) -> dict[str, float]:
        ncp, df = parts(**at)
        critical = float(t_critical(df, alpha, alternative))
        share = slope_sd**2 / (slope_sd**2 + 2 * sd**2 / at["rows"])
        return {
            "ncp": ncp,
            "df": df,
            "critical t": critical,
            "share of the slopes in the variance of a person's difference": share,
            "people in all": groups * at["n"],
        }

    people = "people in each sample" if groups == 2 else "people"
    return question(
        "random_slope",
        power_at,
        given={"effect": effect, "n": n, "rows": rows, "power": power, "alpha": alpha},
        ranges={
            "effect": Range(-60.0 * (slope_sd + sd), 0.0)
            if alternative == "less"
            else Range(0.0, 60 * (slope_sd + sd)),
            "n": Range(1.5, 1e7, people),
            "rows": Range(1.0, 1e7, "rows of a person at each level"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title="An effect within people with a random slope" + (", compared between two samples" if groups == 2 else ""),
        engine="exact for balanced rows: noncentral t",
        conventions=_conventions(people, alternative),
        details=details,
    )


def _conventions(people: str, alternative: str) -> tuple[str, ...]:
    return (
        "effect, slope_sd and sd in units of the outcome; levels coded -1/2 and 1/2",
        f"n counts {people}; df = {'n - 1' if people == 'people' else '2n - 2'}",
        f"{alternative} test",
    )


def slope_rows(y: Floats, x: Floats) -> Fits:
    r"""Fit the mixed model with random intercepts and slopes to balanced rows in every replicate.

    Parameters
    ----------
    y : ndarray of shape (replicates, people, rows)
        Outcome; a person with a gap is left out.
    x : ndarray of shape (rows,)
        What varies within people, the same for all of them.

    Returns
    -------
    Fits
        The mean slope on people minus 1 degrees of freedom; failed with fewer than two people.

    Notes
    -----
    People's own slopes :math:`b_i` by least squares are independent, with variance
    :math:`\tau^2 + \sigma^2 / \sum (x - \bar x)^2`: their mean and its standard error are those of REML with
    Satterthwaite's degrees of freedom wherever no variance is estimated as zero and no correlation as one. `sigma` is
    the standard deviation of the slopes.
    """
    centred = x - x.mean()
    slopes = y @ (centred / (centred @ centred))
    there = np.isfinite(slopes)
    n = there.sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, slopes, 0.0).sum(axis=1) / n
        left = np.where(there, slopes - mean[:, None], 0.0)
        sigma = np.sqrt((left**2).sum(axis=1) / np.where(n > 1, n - 1, np.nan))
        bad = ~(sigma > 0)
        hidden = [np.where(bad, np.nan, values) for values in (mean, sigma / np.sqrt(n), n - 1, sigma)]
    return Fits(estimate=hidden[0], se=hidden[1], df=hidden[2], sigma=hidden[3], n=n * x.size)


def _check(effect: float | None, *, n: float | None, rows: float | None, slope_sd: float, sd: float) -> None:
    if effect is not None and not math.isfinite(effect):
        raise InputError(f"effect = {effect} cannot be used: give a finite number.")
    positive("n", n, least=1.0, unit="people; one has no spread between people")
    positive("sd", sd)
    if rows is not None and not (math.isfinite(rows) and rows >= 1):
        raise InputError(f"rows = {rows} cannot be used: give at least 1 answer of each person at each level.")
    if not (math.isfinite(slope_sd) and slope_sd >= 0):
        raise InputError(f"slope_sd = {slope_sd} cannot be used: it is a standard deviation, 0 or larger.")
