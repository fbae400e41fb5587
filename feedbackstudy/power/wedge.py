"""Power of stepped-wedge roll-outs by generalised least squares: immediate or exposure-time effects."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.errors import InputError
from feedbackstudy.power.answer import PowerAnswer
from feedbackstudy.power.clusters import icc as check_icc
from feedbackstudy.power.noncentral import t_power
from feedbackstudy.power.solving import Range, one_of, positive, question, whole

__all__ = ["Estimand", "stepped_wedge", "wedge_variance"]

type Floats = NDArray[np.float64]
type Estimand = Literal["immediate", "average", "last"]

_ESTIMANDS: Mapping[Estimand, str] = {
    "immediate": "the effect is there at once and stays (Hussey & Hughes 2007)",
    "average": "effects differ by time since the step; the estimand is their even average",
    "last": "effects differ by time since the step; the estimand is the one after the longest exposure",
}
_RANGES: Mapping[str, Range] = {
    "clusters": Range(3.0, 1e7, "clusters in all"),
    "n": Range(1.0, 1e7, "people in each cluster and period"),
    "alpha": Range(1e-12, 1 - 1e-9),
}
_CONVENTIONS = (
    "two-sided test; rejections on the wrong side do not count as power (Hussey & Hughes)",
    "clusters counts all of them, spread evenly over the steps",
)


def wedge_variance(treated: NDArray[np.bool_], covariance: Floats, estimand: Estimand) -> float:
    r"""Return the variance of the estimated effect with one cluster in each sequence.

    Parameters
    ----------
    treated : ndarray of shape (sequences, periods)
        Whether a sequence has the treatment in a period; once begun it stays.
    covariance : ndarray of shape (periods, periods)
        Covariance of a cluster's period means.
    estimand : {"immediate", "average", "last"}
        One effect, or effects by exposure time, averaged or the last.

    Returns
    -------
    float
        Variance; divide by the clusters in each sequence.

    Notes
    -----
    :math:`(\sum_s X_s' V^{-1} X_s)^{-1}` with period effects and indicators of treatment or of exposure time.
    """
    exposure = treated.cumsum(axis=1)
    kinds = 1 if estimand == "immediate" else int(exposure.max())
    marks = treated[:, :, None] if estimand == "immediate" else exposure[:, :, None] == np.arange(1, kinds + 1)
    periods = np.broadcast_to(np.eye(treated.shape[1]), (len(treated), *covariance.shape))
    design = np.concatenate([periods, marks.astype(np.float64)], axis=2)
    precision = np.linalg.inv(covariance)
    information = np.einsum("stp,tu,suq->pq", design, precision, design)
    weights = np.zeros(information.shape[0])
    weights[-1 if estimand == "last" else slice(-kinds, None)] = 1.0 if estimand == "last" else 1 / kinds
    return float(weights @ np.linalg.solve(information, weights))


def stepped_wedge(
    effect: float | None = None,
    clusters: float | None = None,
    *,
    steps: int,
    n: float | None,
    icc: float,
    power: float | None = None,
    alpha: float | None = 0.05,
    sd: float = 1.0,
    cac: float = 1.0,
    iac: float = 0.0,
    baseline: int = 1,
    estimand: Estimand = "immediate",
    test: Literal["z", "t"] = "z",
) -> PowerAnswer:
    r"""Solve a stepped wedge for its power, clusters, people, effect or level.

    Parameters
    ----------
    effect : float or None
        Effect in units of the outcome.
    clusters : float or None
        Clusters in all, spread evenly over the steps.
    steps : int
        Steps (sequences): one group of clusters begins at each.
    n : float or None
        People in each cluster and period.
    icc : float
        Within-period intraclass correlation.
    power : float or None
        Wanted power.
    alpha : float or None, default 0.05
        Two-sided level.
    sd : float, default 1
        Total standard deviation.
    cac : float, default 1
        Cluster autocorrelation: correlation of a cluster's means over periods, sampling error apart.
    iac : float, default 0
        Individual autocorrelation; above 0 the same people answer in every period.
    baseline : int, default 1
        Periods before the first step.
    estimand : {"immediate", "average", "last"}
        What is estimated; see `wedge_variance`.
    test : {"z", "t"}
        Normal test, or t with clusters - 2 degrees of freedom.

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
    Hussey & Hughes (2007) with :math:`\tau^2 = \rho\,sd^2`, :math:`\sigma^2 = (1 - \rho)\,sd^2`; block-exchangeable
    correlation as in Hooper et al. (2016); exposure-time effects as in Kenny et al. (2022).
    """
    _check(clusters, steps=steps, n=n, rho=icc, sd=sd, cac=cac, iac=iac)
    whole("baseline", baseline, unit="periods before the first step")
    one_of("The estimand", estimand, _ESTIMANDS)
    one_of("The test", test, ("z", "t"))
    treated = np.arange(steps + baseline) >= baseline + np.arange(steps)[:, None]

    def error(clusters: float, n: float, *, kind: Estimand = estimand) -> float:
        tau2, sigma2 = icc * sd**2, (1 - icc) * sd**2 / n
        together = tau2 * cac + sigma2 * iac
        apart = tau2 * (1 - cac) + sigma2 * (1 - iac)
        covariance = np.full((steps + baseline,) * 2, together) + apart * np.eye(steps + baseline)
        return math.sqrt(wedge_variance(treated, covariance, kind) * steps / clusters)

    def power_at(effect: float, clusters: float, n: float, alpha: float) -> float:
        df = np.inf if test == "z" else clusters - 2
        return float(t_power(abs(effect) / error(clusters, n), df, alpha / 2, alternative="greater"))

    def details(effect: float, clusters: float, n: float, alpha: float) -> dict[str, float]:  # noqa: ARG001
        se, simple = error(clusters, n), error(clusters, n, kind="immediate")
        people = clusters * n * (1 if iac else steps + baseline)
        shown = {"variance": se**2, "statistic expected": effect / se, "people in all": people}
        return (
            shown
            if estimand == "immediate"
            else shown | {"clusters over those of an immediate effect": (se / simple) ** 2}
        )

    return question(
        "stepped_wedge",
        power_at,
        given={"effect": effect, "clusters": clusters, "n": n, "power": power, "alpha": alpha},
        ranges={**_RANGES, "effect": Range(0.0, 100 * sd)},
        title=f"Stepped wedge, {steps} steps, {steps + baseline} periods",
        engine="generalised least squares, variances known; " + ("normal" if test == "z" else "t, clusters - 2 df"),
        conventions=(
            _ESTIMANDS[estimand],
            f"ICC {icc:g}: clusters' share of the total variance {sd**2:g} within a period; CAC {cac:g}, IAC {iac:g}",
            *_CONVENTIONS,
        ),
        details=details,
        notes=_notes(clusters, steps, estimand),
    )


def _notes(clusters: float | None, steps: int, estimand: Estimand) -> tuple[str, ...]:
    notes = (
        [f"{clusters:g} clusters do not spread evenly over {steps} steps; the power is that of an even spread."]
        if clusters is not None and clusters % steps
        else []
    )
    told = [
        "If the effect grows or fades with time since the step, this estimate can mislead, even in sign: compare "
        "estimand='average'."
    ]
    return tuple(notes + (told if estimand == "immediate" else []))


def _check(
    clusters: float | None, *, steps: int, n: float | None, rho: float | None, sd: float, cac: float, iac: float
) -> None:
    whole("steps", steps, least=2, unit="groups of clusters that begin one after the other")
    positive("clusters", clusters, unit="clusters in all")
    positive("n", n, unit="people in each cluster and period")
    positive("sd", sd)
    check_icc(rho)
    if clusters is not None and clusters < steps:
        raise InputError(f"clusters = {clusters} are fewer than the {steps} steps: some step would have no cluster.")
    if not 0 <= cac <= 1 or not 0 <= iac < 1:
        raise InputError(
            f"cac = {cac} must lie between 0 and 1, and iac = {iac} from 0 to below 1: both are correlations."
        )
