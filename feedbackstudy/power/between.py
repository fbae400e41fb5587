"""Power of an F test between groups from Cohen's f alone, where no means are known."""

import math

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import f_critical, f_power
from feedbackstudy.power.solving import Range, positive, question, whole

__all__ = ["f_test"]


def f_test(
    f: float | None = None,
    n: float | None = None,
    *,
    groups: int,
    df: int | None = None,
    power: float | None = None,
    alpha: float | None = 0.05,
) -> PowerAnswer:
    r"""Solve the F test of an effect between groups for its power, sample size, f or level.

    Parameters
    ----------
    f : float or None
        Cohen's f: standard deviation of the population means over that within groups.
    n : float or None
        Participants in each group.
    groups : int
        Groups: cells of the whole crossing.
    df : int or None
        Numerator degrees of freedom of the effect; groups - 1, the one-way test, by default.
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
    :math:`\lambda = f^2 N`, Cohen (1988), chapter 8.
    """
    whole("groups", groups, least=2)
    numerator = groups - 1 if df is None else df
    whole("df", numerator)
    if numerator > groups - 1:
        raise InputError(f"df = {numerator} is more than {groups} groups allow; an effect has at most {groups - 1}.")
    positive("n", n, least=1.0, unit="participants in each group")
    if f is not None and not (math.isfinite(f) and f >= 0):
        raise InputError(f"f = {f} cannot be used: it is a ratio of standard deviations, 0 or larger.")

    def parts(f: float, n: float) -> tuple[float, float]:
        return f**2 * n * groups, (n - 1) * groups

    def power_at(f: float, n: float, alpha: float) -> float:
        ncp, df2 = parts(f, n)
        return float(f_power(ncp, numerator, df2, alpha=alpha))

    def details(f: float, n: float, alpha: float) -> dict[str, float]:
        ncp, df2 = parts(f, n)
        shown = {"ncp": ncp, "df": float(numerator), "df2": df2, "people in all": n * groups}
        return {**shown, "critical F": float(f_critical(numerator, df2, alpha))}

    return question(
        "f_test",
        power_at,
        given={"f": f, "n": n, "power": power, "alpha": alpha},
        ranges={
            "f": Range(0.0, 50.0),
            "n": Range(1 + 1 / groups, 1e7, "participants in each group"),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title=f"F test between {groups} groups, df = {numerator}",
        engine="exact: noncentral F",
        conventions=(
            "f of the population means (f2 = eta2 / (1 - eta2)); lambda = f2 N",
            "n counts participants in each group",
        ),
        details=details,
    )
