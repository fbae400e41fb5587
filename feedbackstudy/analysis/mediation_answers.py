"""Every effect of a path model, both ways, from one set of bootstrap draws and one of posterior draws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_posterior import PathPosterior
from feedbackstudy.analysis.frequentist.bootstrap import PathDraws
from feedbackstudy.analysis.frequentist.path_fit import PathFit, delta, joint_significance
from feedbackstudy.analysis.frequentist.path_intervals import (
    IntervalMethod,
    Intervals,
    bca,
    equivalence_p,
    monte_carlo,
    percentile,
)
from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.analysis.mediation_system import Effect, values
from feedbackstudy.analysis.posterior import Posterior

__all__ = ["STANDARDISED", "Asked", "PathAnswer", "answer_all", "outcome_sd", "spread_of"]

type Floats = NDArray[np.float64]

STANDARDISED = "standardised_path"
"""Kind of the standardised effect: the effect over the outcome's standard deviation (within cells)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is wanted of every effect.

    Attributes
    ----------
    level : float
        Level of intervals.
    interval : {"percentile", "bca", "monte carlo", "delta"}
        Kind of frequentist interval.
    seed : int
        Seed of the Monte-Carlo interval.
    sesoi : float or None
        Smallest effect of interest.
    rope : tuple of float or None
        Region of practical equivalence.
    x_sd : float
        Multiplies standardised effects: the cause's standard deviation where it is measured, otherwise 1.
    outcome_sd : tuple of (float, ndarray), optional
        The outcome's standard deviation, estimated and in every posterior draw, where rows are incomplete.
    """

    level: float = 0.95
    interval: IntervalMethod = "percentile"
    seed: int
    sesoi: float | None = None
    rope: tuple[float, float] | None = None
    x_sd: float = 1.0
    outcome_sd: tuple[float, Floats] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathAnswer:
    """One effect, both ways.

    Attributes
    ----------
    effect : Effect
        What it is.
    estimate : float
        From least squares.
    se : float
        Standard deviation of the bootstrap draws.
    low, high, level : float
        Interval.
    p : float
        By inversion of the same draws: at most 1 - level exactly where the interval leaves 0 out.
    p_joint : float or None
        Of the weakest leg, where the effect is one product: the test that `power.diagnose` counts.
    p_equivalence : float or None
        Two one-sided bootstrap tests against the smallest effect of interest.
    standardised, std_low, std_high : float or None
        The effect over the outcome's standard deviation within cells, in every draw; None for a single leg a.
    posterior : Posterior
        Draw by draw.
    posterior_standardised : Posterior or None
        Over the model's standard deviation of the outcome within cells.
    sd : float
        Posterior standard deviation.
    beyond : float or None
        Posterior probability of an effect beyond the smallest effect of interest, in the estimate's direction.
    bayes_factor : float or None
        In favour of an effect.
    bayes_factor_note : str
        How, or why there is none.
    weakest_leg : float or None
        Bayes factor of the leg that is least supported, free of the prior odds of the legs.
    """

    effect: Effect
    estimate: float
    se: float
    low: float
    high: float
    level: float
    p: float
    p_joint: float | None
    p_equivalence: float | None
    standardised: float | None
    std_low: float | None
    std_high: float | None
    posterior: Posterior
    posterior_standardised: Posterior | None
    sd: float
    beyond: float | None
    bayes_factor: float | None
    bayes_factor_note: str
    weakest_leg: float | None


def answer_all(
    built: PathDesign, fit: PathFit, boot: PathDraws, posterior: PathPosterior, asked: Asked
) -> tuple[PathAnswer, ...]:
    """Answer every effect both ways.

    Parameters
    ----------
    built : PathDesign
        Equations and effects.
    fit : PathFit
        Least squares.
    boot : PathDraws
        Bootstrap.
    posterior : PathPosterior
        Exact draws.
    asked : Asked
        Kind and level of the intervals.

    Returns
    -------
    tuple of PathAnswer
        In the order of the effects.
    """
    effects = built.effects
    estimate = values(effects, fit.theta)
    drawn = values(effects, boot.theta)
    found, drawn = _intervals(built, fit, boot, drawn, estimate, asked)
    scaled, scaled_draws = _standardised(built, estimate, boot, asked)
    posterior_sd = (asked.outcome_sd[1] if asked.outcome_sd else outcome_sd(built, posterior)) / asked.x_sd
    every = posterior.draws(effects)
    answers = []
    for i, effect in enumerate(effects):
        factor, note = posterior.bayes_factor(effect)
        sized = effect.kind not in ("a", "b", "d")
        curve = posterior.effect(effect, level=asked.level, rope=asked.rope)
        answers.append(
            PathAnswer(
                effect=effect,
                estimate=float(estimate[i]),
                se=float(found.se[i]),
                low=float(found.low[i]),
                high=float(found.high[i]),
                level=asked.level,
                p=float(found.p[i]),
                p_joint=joint_significance(effect, fit),
                p_equivalence=None if asked.sesoi is None else equivalence_p(drawn[:, i], asked.sesoi),
                standardised=float(scaled[i]) if sized else None,
                std_low=float(scaled_draws.low[i]) if sized else None,
                std_high=float(scaled_draws.high[i]) if sized else None,
                posterior=curve,
                posterior_standardised=posterior.effect(
                    effect, level=asked.level, scale=posterior_sd, quantity=f"{effect.name}, standardised"
                )
                if sized
                else None,
                sd=float(every[:, i].std(ddof=1)),
                beyond=_beyond(every[:, i], curve.median, asked.sesoi),
                bayes_factor=factor,
                bayes_factor_note=note,
                weakest_leg=posterior.weakest_leg(effect),
            )
        )
    return tuple(answers)


def _beyond(draws: Floats, median: float, sesoi: float | None) -> float | None:
    if sesoi is None:
        return None
    return float((draws > sesoi).mean() if median >= 0 else (draws < -sesoi).mean())


def _intervals(
    built: PathDesign, fit: PathFit, boot: PathDraws, drawn: Floats, estimate: Floats, asked: Asked
) -> tuple[Intervals, Floats]:
    if asked.interval == "monte carlo":
        return monte_carlo(
            built.effects, fit.theta, fit.covariance, draws=len(drawn), seed=asked.seed, level=asked.level
        )
    if asked.interval == "delta":
        normal = delta(built.effects, fit, level=asked.level)
        return Intervals(low=normal.low, high=normal.high, p=normal.p, se=normal.se), drawn
    if asked.interval == "bca":
        return bca(drawn, estimate, values(built.effects, boot.jackknife), level=asked.level), drawn
    return percentile(drawn, level=asked.level), drawn


def _standardised(built: PathDesign, estimate: Floats, boot: PathDraws, asked: Asked) -> tuple[Floats, Intervals]:
    """Divide effects by the outcome's standard deviation (within cells), in the sample and in every draw."""
    spread = (asked.outcome_sd[0] if asked.outcome_sd else spread_of(built)) / asked.x_sd
    drawn = asked.x_sd * values(built.effects, boot.theta) / boot.spread[:, -1:]
    if asked.interval == "bca":
        left = asked.x_sd * values(built.effects, boot.jackknife) / boot.jackknife_spread[:, -1:]
        return estimate / spread, bca(drawn, estimate / spread, left, level=asked.level)
    return estimate / spread, percentile(drawn, level=asked.level)


def spread_of(built: PathDesign, column: int = -1) -> float:
    """Return a column's standard deviation around the constant's columns: within cells where they are indicators.

    Parameters
    ----------
    built : PathDesign
        Columns.
    column : int, default -1
        Which; the outcome by default.

    Returns
    -------
    float
        Root of the residual sum of squares over its degrees of freedom.
    """
    x, y = built.system.matrix[:, list(built.system.constant)], built.system.matrix[:, column]
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.sqrt(left @ left / (len(y) - x.shape[1])))


def outcome_sd(built: PathDesign, posterior: PathPosterior) -> Floats:
    """Return the model's standard deviation of the outcome within cells, in every posterior draw.

    Parameters
    ----------
    built : PathDesign
        Columns and equations.
    posterior : PathPosterior
        Draws.

    Returns
    -------
    ndarray of shape (draws,)
        From the outcome's residual variance (that between clusters included), the drawn slopes, and the predictors'
        covariance around the constant's columns, which is taken from the data.
    """
    system = built.system
    last = len(system.equations) - 1
    predictors = list(system.equations[last].predictors)
    inside = [i for i, j in enumerate(predictors) if j not in system.constant]
    total = posterior.sigma[:, last] ** 2 + posterior.tau[:, last] ** 2
    if inside:
        x, base = system.matrix[:, [predictors[i] for i in inside]], system.matrix[:, list(system.constant)]
        left = x - base @ np.linalg.lstsq(base, x, rcond=None)[0]
        spread = left.T @ left / (system.n - base.shape[1])
        slopes = posterior.theta[:, system.block(last)][:, inside]
        total = total + np.einsum("di,ij,dj->d", slopes, spread, slopes)
    return np.sqrt(total)
