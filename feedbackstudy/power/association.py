"""Power for correlations and for sets of predictors in a regression."""

import math

from scipy import special

from feedbackstudy.errors import InputError, choices
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.means import ALTERNATIVES
from feedbackstudy.power.noncentral import Alternative, f_critical, f_power, t_critical
from feedbackstudy.power.solving import Range, positive, question, whole
from feedbackstudy.power.solving import correlation as check_correlation

__all__ = ["correlation", "regression"]


def correlation(
    r: float | None = None,
    n: float | None = None,
    *,
    power: float | None = None,
    alpha: float | None = 0.05,
    alternative: Alternative = "two-sided",
) -> PowerAnswer:
    r"""Solve the test of a correlation for its power, sample size, r or level.

    Parameters
    ----------
    r : float or None
        Correlation in the population.
    n : float or None
        Participants.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level.
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
    The t test's critical r, against Fisher's z with the bias term :math:`r / (2(n - 1))` and variance
    :math:`1/(n - 3)`; Cohen (1988), p. 546.
    """
    check_correlation("r", r)
    positive("n", n, least=3.0, unit="participants")
    if alternative not in ALTERNATIVES:
        raise InputError(choices("The alternative", alternative, ALTERNATIVES))

    def power_at(r: float, n: float, alpha: float) -> float:
        rho = abs(r) if alternative == "two-sided" else -r if alternative == "less" else r
        t = float(t_critical(n - 2, alpha, alternative))
        critical = math.atanh(t / math.sqrt(t**2 + n - 2))
        centre = math.atanh(rho) + rho / (2 * (n - 1))
        upper = float(special.ndtr((centre - critical) * math.sqrt(n - 3)))
        if alternative != "two-sided":
            return upper
        return upper + float(special.ndtr((-centre - critical) * math.sqrt(n - 3)))

    return question(
        "correlation",
        power_at,
        given={"r": r, "n": n, "power": power, "alpha": alpha},
        ranges={
            "r": Range(-0.999999, 0.0) if alternative == "less" else Range(0.0, 0.999999),
            "n": Range(4.0, 1e9, "participants"),
            "alpha": Range(1e-9, 1 - 1e-9),
        },
        title="Test of a correlation",
        engine="approximate: Fisher's z with bias term, critical value of the t test",
        conventions=("r is Pearson's in the population, both variables random", f"{alternative} test"),
    )


def regression(
    f2: float | None = None,
    n: float | None = None,
    *,
    predictors: int,
    tested: int | None = None,
    power: float | None = None,
    alpha: float | None = 0.05,
) -> PowerAnswer:
    r"""Solve the F test of predictors in a linear regression for its power, sample size, effect or level.

    Parameters
    ----------
    f2 : float or None
        Cohen's f squared of the tested predictors: their increment of R squared over the full model's residual share.
    n : float or None
        Participants.
    predictors : int
        Predictors in the full model, the intercept not counted.
    tested : int or None
        How many of them are tested together; all by default.
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
    :math:`\lambda = f^2 (u + v + 1)` as in Cohen (1988) and the R package pwr, with u tested predictors and
    :math:`v = n - p - 1`; for a test of all predictors that is :math:`f^2 n`.
    """
    whole("predictors", predictors)
    u = predictors if tested is None else tested
    whole("tested", u)
    if u > predictors:
        raise InputError(f"tested = {u} predictors cannot be more than the {predictors} in the model.")
    positive("n", n, least=predictors + 1.0, unit="participants; more than predictors + 1")
    if f2 is not None and not (math.isfinite(f2) and f2 >= 0):
        raise InputError(f"f2 = {f2} cannot be used: it is a ratio of variances, 0 or larger.")

    def details(f2: float, n: float, alpha: float) -> dict[str, float]:
        v = n - predictors - 1
        return {"ncp": f2 * (u + v + 1), "df": float(u), "df2": v, "critical F": float(f_critical(u, v, alpha))}

    def power_at(f2: float, n: float, alpha: float) -> float:
        v = n - predictors - 1
        return float(f_power(f2 * (u + v + 1), u, v, alpha=alpha))

    return question(
        "regression",
        power_at,
        given={"f2": f2, "n": n, "power": power, "alpha": alpha},
        ranges={
            "f2": Range(0.0, 1e4),
            "n": Range(predictors + 1.000001, 1e8, "participants"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title=f"F test of {u} of {predictors} predictors",
        engine="exact for fixed predictors: noncentral F",
        conventions=(
            "f2 = (R2 full - R2 reduced) / (1 - R2 full)",
            "lambda = f2 (u + v + 1), as in Cohen (1988) and pwr; G*Power's f2 n is the same when all are tested",
        ),
        details=details,
    )
