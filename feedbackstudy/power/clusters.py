"""Power for people in clusters: candidates of interviewers, interviewers of sites."""

import math
from typing import Literal

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.noncentral import Alternative, t_critical, t_power
from feedbackstudy.power.solving import Range, one_of, positive, question

__all__ = ["IccConvention", "cluster", "icc"]

type IccConvention = Literal["total", "residual"]


def icc(value: float | None) -> None:
    """Refuse an intraclass correlation that is not at least 0 and below 1; None passes.

    Parameters
    ----------
    value : float or None
        What was given.

    Raises
    ------
    InputError
        Where it is not.
    """
    if value is not None and not 0 <= value < 1:
        raise InputError(
            f"icc = {value} cannot be used: it is a share of variance from 0 to below 1. At 1 everybody in a cluster "
            "would answer alike, and only the number of clusters would count."
        )


def cluster(
    d: float | None = None,
    clusters: float | None = None,
    *,
    size: float | None,
    icc: float | None,
    power: float | None = None,
    alpha: float | None = 0.05,
    level: Literal["cluster", "person"] = "cluster",
    size_cv: float = 0.0,
    convention: IccConvention = "total",
    alternative: Alternative = "two-sided",
) -> PowerAnswer:
    r"""Solve a two-arm comparison of people in clusters for its power, clusters, size, effect, ICC or level.

    Parameters
    ----------
    d : float or None
        Standardised difference.
    clusters : float or None
        Clusters in each arm, or in all where people are assigned within clusters.
    size : float or None
        People in each cluster.
    icc : float or None
        Intraclass correlation: the clusters' share of the variance.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Significance level.
    level : {"cluster", "person"}
        What is assigned: whole clusters, or half of the people within each.
    size_cv : float, default 0
        Standard deviation of the cluster sizes over their mean.
    convention : {"total", "residual"}
        Whether `d` is in units of the total or of the within-cluster standard deviation.
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
    Clusters: t with :math:`2K - 2` degrees of freedom and :math:`\delta = d \sqrt{K m / (2 D)}`,
    :math:`D = 1 + [(1 + cv^2) m - 1] \rho` (Donner & Klar 2000; Eldridge et al. 2006). People within clusters:
    :math:`D = 1 - \rho`, :math:`Km - K - 1` degrees of freedom.
    """
    _check(d, clusters=clusters, size=size, rho=icc, size_cv=size_cv)
    one_of("The level", level, ("cluster", "person"))
    one_of("The convention", convention, ("total", "residual"))
    whole = level == "cluster"

    def parts(d: float, clusters: float, size: float, icc: float) -> tuple[float, float, float]:
        deff = 1 + ((1 + size_cv**2) * size - 1) * icc if whole else 1 - icc
        effect = d if convention == "total" else d * math.sqrt(1 - icc)
        people = clusters * size if whole else clusters * size / 2
        df = 2 * clusters - 2 if whole else clusters * size - clusters - 1
        return effect * math.sqrt(people / (2 * deff)), df, deff

    def power_at(alpha: float, **at: float) -> float:
        ncp, df, _ = parts(**at)
        return float(t_power(ncp, df, alpha, alternative=alternative))

    def details(alpha: float, **at: float) -> dict[str, float]:
        ncp, df, deff = parts(**at)
        people = at["clusters"] * at["size"] * (2 if whole else 1)
        critical = float(t_critical(df, alpha, alternative))
        return {"design effect": deff, "ncp": ncp, "df": df, "critical t": critical, "people in all": people}

    unit = "clusters in each arm" if whole else "clusters in all"
    return question(
        "cluster",
        power_at,
        given={"d": d, "clusters": clusters, "size": size, "icc": icc, "power": power, "alpha": alpha},
        ranges={
            "d": Range(-60.0, 0.0) if alternative == "less" else Range(0.0, 60.0),
            "clusters": Range(1.5 if whole else 2.0, 1e7, unit),
            "size": Range(2.0, 1e7, "people in each cluster"),
            "icc": Range(0.0, 1 - 1e-9),
            "alpha": Range(1e-12, 1 - 1e-9),
        },
        title="Two arms of clusters" if whole else "Two arms within clusters",
        engine=f"{'exact for equal sizes' if size_cv == 0 else 'approximate, unequal sizes'}: noncentral t",
        conventions=_conventions(convention, unit, alternative),
        details=details,
    )


def _conventions(convention: IccConvention, unit: str, alternative: str) -> tuple[str, ...]:
    return (
        f"d in units of the {'total' if convention == 'total' else 'residual, within-cluster,'} standard deviation",
        "ICC = between / (between + within variance)",
        f"clusters counts {unit}; {'df = 2K - 2' if 'arm' in unit else 'df = people - clusters - 1'}",
        f"{alternative} test",
    )


def _check(d: float | None, *, clusters: float | None, size: float | None, rho: float | None, size_cv: float) -> None:
    if d is not None and not math.isfinite(d):
        raise InputError(f"d = {d} cannot be used: give a finite number.")
    positive("clusters", clusters, least=1.0, unit="clusters; one cluster in an arm has no error term")
    if size is not None and not (math.isfinite(size) and size > 1):
        raise InputError(
            f"size = {size} cannot be used: clusters of one person have no intraclass correlation; give 2 or more, or "
            "use power.t_test."
        )
    icc(rho)
    if not (math.isfinite(size_cv) and size_cv >= 0):
        raise InputError(f"size_cv = {size_cv} cannot be used: it is a standard deviation over a mean, 0 or larger.")
