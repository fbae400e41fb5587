"""Ordered ratings as ratings: the probability of superiority and the proportional odds ratio, from counts."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.errors import DataError
from feedbackstudy.policy.arm_means import FEW_CLUSTERS, ArmSums, Means, design_of, strata_of, two_means
from feedbackstudy.policy.declared import Experiment, Metric
from feedbackstudy.policy.effect import EffectEstimate
from feedbackstudy.policy.inference.cell_regression import Correction
from feedbackstudy.policy.proportional_odds import ProportionalOdds, proportional_odds
from feedbackstudy.policy.readout_draws import tested_by_draws

__all__ = ["ordinal_rows"]

type Floats = NDArray[np.float64]

_SUPERIORITY = "probability that a rating of the first arm is higher than one of the second, ties halved"
_ODDS = "log odds ratio of a higher rating, proportional odds"


def ordinal_rows(
    arms: ArmSums,
    metric: Metric,
    shared: EffectEstimate,
    experiment: Experiment,
    *,
    arm: str,
    draws: int,
    seed: int,
    correction: Correction | None = None,
) -> list[EffectEstimate]:
    r"""Compare the ratings of two arms without taking the codes for distances.

    Parameters
    ----------
    arms : ArmSums
        With counts ``k0, k1 ...``.
    metric : Metric
        An ordered rating.
    shared : EffectEstimate
        The row of the difference of means, for what all rows have alike.
    experiment : Experiment
        Arms and how they came about.
    arm : str
        The treated arm.
    draws, seed : int
        For randomisation inference.
    correction : {"CR0", "CR1", "CR2", "CR3"}, optional
        Correction for leverage; by default CR2 below 50 clusters and CR1 above.

    Returns
    -------
    list of EffectEstimate
        The probability of superiority (below 12 clusters assigned by chance the test by draws of mean ranks, which is
        also the score test of proportional odds, and the model beside it), and the log odds ratio. Not fit to report
        where the arms do not overlap.

    Notes
    -----
    With :math:`F` the share below a rating plus half of that at it, in the other arm, the difference of the arms' mean
    placements is :math:`2\theta - 1` and its variance, both arms' projections together, that of :math:`\theta`
    (DeLong, DeLong & Clarke-Pearson 1988; Brunner & Munzel 2000 for independent ratings, whose degrees of freedom are
    Welch's). Mean ranks differ by :math:`N(\theta - 1/2)`, so that draws of units permute ranks that stay as they are.
    """
    frame = arms.frame[arms.frame["arm"].isin([arm, experiment.control])].reset_index(drop=True)
    counts = frame[[f"k{i}" for i in range(len(metric.categories))]].to_numpy(dtype=np.float64)
    occurs = counts.sum(axis=0) > 0
    counts = counts[:, occurs]
    base = replace(shared, se=None, df=None, low=None, high=None, p=None, decides=False, verdict="", p_adjusted=None)
    placed = _placements(counts, (frame["arm"] == arm).to_numpy())
    means = _placed_means(replace(arms, frame=frame.assign(**placed, stratum="")), arm, experiment.control, correction)
    if isinstance(means, str):
        unusable = replace(base, estimate=float("nan"), warnings=(*base.warnings, means), fit_to_report=False)
        return [replace(unusable, scale="superiority", method=_SUPERIORITY)]
    superior = _superiority(base, means, strata=strata_of(frame) is not None)
    ranks = counts @ _middle_ranks(counts.sum(axis=0))
    rows = tested_by_draws(superior, frame, ranks, experiment, arm=arm, draws=draws, seed=seed)
    if len(rows) > 1:
        same = "" if strata_of(frame) is not None else "; the score test of proportional odds"
        words = f"{rows[0].covariance} (mean ranks{same})"
        rows[0] = replace(rows[0], low=None, high=None, covariance=words)
    return [*rows, _odds(base, frame, counts, means, arms=(arm, experiment.control), correction=correction)]


def _placed_means(sums: ArmSums, arm: str, control: str, correction: Correction | None) -> Means | str:
    try:
        return two_means(sums, arm, control, correction=correction)
    except DataError as fault:
        return f"the arms' ratings do not overlap, or do not vary: {fault}"


def _middle_ranks(total: Floats) -> Floats:
    """Return the middle rank of each category as a share of all ratings."""
    return np.asarray((total.cumsum() - total / 2) / total.sum(), dtype=np.float64)


def _placements(counts: Floats, treated: NDArray[np.bool_]) -> dict[str, Floats]:
    """Return sums of each row's placements in the other arm, and of their squares."""
    own = {True: _middle_ranks(counts[~treated].sum(axis=0)), False: _middle_ranks(counts[treated].sum(axis=0))}
    values = np.array([own[bool(t)] for t in treated])
    return {
        "n": counts.sum(axis=1),
        "sum": (counts * values).sum(axis=1),
        "sumsq": (counts * values**2).sum(axis=1),
    }


def _superiority(base: EffectEstimate, means: Means, *, strata: bool) -> EffectEstimate:
    variance = float(means.covariance[0, 0] + means.covariance[1, 1] - 2 * means.covariance[0, 1])
    theta = (means.treated - means.control + 1) / 2
    notes = ("strata are not held constant in the probability of superiority",) if strata else ()
    row = replace(base, scale="superiority", estimate=theta, baseline=0.5, method=_SUPERIORITY,
                  covariance=f"placements: {means.words}", warnings=(*base.warnings, *notes))  # fmt: skip
    if not variance > 0:
        note = "the arms' ratings do not overlap, or do not vary: no standard error"
        return replace(row, warnings=(*row.warnings, note), fit_to_report=False)
    se = variance**0.5
    half = float(special.stdtrit(means.df, (1 + base.level) / 2)) * se
    p = float(2 * special.stdtr(means.df, -abs((theta - 0.5) / se)))
    return replace(row, se=se, df=means.df, low=max(0.0, theta - half), high=min(1.0, theta + half), p=p)


def _odds(
    base: EffectEstimate,
    frame: pd.DataFrame,
    counts: Floats,
    means: Means,
    *,
    arms: tuple[str, str],
    correction: Correction | None,
) -> EffectEstimate:
    row = replace(base, scale="log odds", method=_ODDS, estimate=float("nan"), baseline=None)
    treated = (frame["arm"] == arms[0]).to_numpy(dtype=np.float64)[:, None]
    x = np.hstack([treated, design_of(frame, arms)[:, 2:]])
    used: Correction = correction or ("CR2" if (means.clusters or FEW_CLUSTERS) < FEW_CLUSTERS else "CR1")
    independent = means.clusters is None
    cluster = np.arange(len(frame)) if independent else frame["unit"].to_numpy()
    try:
        fit = proportional_odds(counts, x, cluster, correction="CR0" if independent else used)
    except DataError as fault:
        return replace(row, warnings=(*row.warnings, f"no odds ratio: {fault}"), fit_to_report=False)
    return _with_error(row, fit, means, used, independent=independent, strata=x.shape[1] > 1)


def _with_error(
    row: EffectEstimate, fit: ProportionalOdds, means: Means, used: Correction, *, independent: bool, strata: bool
) -> EffectEstimate:
    at = fit.thresholds.size
    if independent:
        variance, df, words = float(fit.naive[at, at]), None, "applications independent, observed information"
    else:
        variance, df = float(fit.covariance[at, at]), means.df
        which = "Satterthwaite's degrees of freedom of the arms" if used in {"CR2", "CR3"} else "clusters - 1"
        words = f"{used} over {means.clusters} clusters, {which}{', strata held constant' if strata else ''}"
    if not variance > 0:
        note = "no standard error: clusters do not depart from the model"
        return replace(row, estimate=float(fit.beta[0]), warnings=(*row.warnings, note), fit_to_report=False)
    se, beta = variance**0.5, float(fit.beta[0])
    quantile = float(special.ndtri((1 + row.level) / 2) if df is None else special.stdtrit(df, (1 + row.level) / 2))
    p = float(2 * (special.ndtr(-abs(beta / se)) if df is None else special.stdtr(df, -abs(beta / se))))
    return replace(row, estimate=beta, se=se, df=df, low=beta - quantile * se, high=beta + quantile * se, p=p,
                   covariance=words)  # fmt: skip
