"""A declared path with missing values: every completed table answered, coefficients and draws pooled."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.missing_paths import mixed_paths
from feedbackstudy.analysis.frequentist.bootstrap import PathDraws
from feedbackstudy.analysis.frequentist.path_fit import PathFit
from feedbackstudy.analysis.frequentist.path_intervals import IntervalMethod
from feedbackstudy.analysis.mediation_answers import Asked, answer_all, outcome_sd, spread_of
from feedbackstudy.analysis.mediation_declared import DeclaredPath
from feedbackstudy.analysis.missing.pooling import pooled
from feedbackstudy.analysis.missing.treating import ImputedProblem
from feedbackstudy.analysis.problem import Problem

__all__ = ["DRAWS", "N_BOOT", "imputed_path", "pooled_paths"]

type Floats = NDArray[np.float64]

N_BOOT, DRAWS = 10_000, 20_000
"""Bootstrap and posterior draws in all, shared among the tables."""


def imputed_path(
    problem: ImputedProblem,
    answer: Callable[[Problem, int, int, int], DeclaredPath],
    *,
    sesoi: float | None,
    rope: tuple[float, float] | None,
    seed: int,
) -> DeclaredPath:
    """Answer a path in every completed table and pool.

    Parameters
    ----------
    problem : ImputedProblem
        The tables.
    answer : callable
        Takes a table, numbers of bootstrap and posterior draws, and a seed.
    sesoi : float or None
        Smallest effect of interest in the outcome's units.
    rope : tuple of float, or None
        Region of practical equivalence.
    seed : int
        Seed.

    Returns
    -------
    DeclaredPath
        As for complete rows; without residuals.
    """
    m = len(problem.tables)
    seeds = np.random.SeedSequence([seed, 78]).generate_state(m)
    parts = [answer(table, N_BOOT // m, DRAWS // m, int(own)) for table, own in zip(problem.tables, seeds, strict=True)]
    return pooled_paths(parts, sesoi=sesoi, rope=rope, seed=seed)


def pooled_paths(
    parts: Sequence[DeclaredPath], *, sesoi: float | None, rope: tuple[float, float] | None, seed: int
) -> DeclaredPath:
    r"""Pool a path that was answered in several completed tables.

    Parameters
    ----------
    parts : sequence of DeclaredPath
        One for each table.
    sesoi : float or None
        Smallest effect of interest.
    rope : tuple of float, or None
        Region of practical equivalence.
    seed : int
        Seed of a Monte-Carlo interval.

    Returns
    -------
    DeclaredPath
        Effects from pooled coefficients.

    Notes
    -----
    Coefficients by Rubin's rules. Bootstrap draws of table i enter as :math:`\bar\theta + (\theta_i^* - \hat\theta_i) +
    \sqrt{(m+1)/(m-1)}\,(\hat\theta_i - \bar\theta)`, so that their variance is Rubin's total variance; percentiles of
    the effects of all these draws are the interval (bootstrap within imputations: Schomaker and Heumann, 2018). The
    posterior is the equal mixture over tables.
    """
    first = parts[0]
    fit, boot = _coefficients(parts), _draws(parts)
    posterior = mixed_paths([part.posterior for part in parts], [part.design.system for part in parts])
    spread = (
        float(np.sqrt(np.mean([spread_of(part.design) ** 2 for part in parts]))),
        np.concatenate([outcome_sd(part.design, part.posterior) for part in parts]),
    )
    kind: IntervalMethod = "monte carlo" if first.interval == "Monte-Carlo interval" else "percentile"
    answers = answer_all(
        first.design,
        fit,
        boot,
        posterior,
        Asked(level=first.main.level, interval=kind, seed=seed, sesoi=sesoi, rope=rope, outcome_sd=spread),
    )
    main = next(answer for answer in answers if answer.effect.name == first.main.effect.name)
    return replace(
        first,
        main=main,
        others=tuple(answer for answer in answers if answer is not main),
        fit=fit,
        draws=boot,
        posterior=posterior,
        model=f"{first.design.structure} mediation, least squares on cell means and slopes within cells; {len(parts)} "
        f"imputations pooled by Rubin's rules; percentile bootstrap within imputations, {len(boot.theta):,} draws",
        model_bayesian=f"{first.design.structure} mediation, {posterior.model}",
        notes=(*first.notes, f"fraction of missing information of the legs up to {_largest_fmi(parts):.2f}"),
    )


def _coefficients(parts: Sequence[DeclaredPath]) -> PathFit:
    each = [part.fit for part in parts]
    theta = np.stack([fit.theta for fit in each])
    mean, m = theta.mean(axis=0), len(parts)
    centred = theta - mean
    covariance = np.mean([fit.covariance for fit in each], axis=0) + (1 + 1 / m) * centred.T @ centred / (m - 1)
    df = [pooled(theta[:, i], [f.covariance[i, i] for f in each], df=float(each[0].df[i])).df for i in range(mean.size)]
    return replace(
        each[0],
        theta=mean,
        covariance=covariance,
        df=np.array(df),
        sigma=np.sqrt(np.mean([fit.sigma**2 for fit in each], axis=0)),
        r2=np.mean([fit.r2 for fit in each], axis=0),
        residuals=np.empty((0, each[0].sigma.size)),
    )


def _draws(parts: Sequence[DeclaredPath]) -> PathDraws:
    mean, m = np.mean([part.fit.theta for part in parts], axis=0), len(parts)
    wider = np.sqrt((m + 1) / (m - 1))
    theta = [part.draws.theta - part.fit.theta + mean + wider * (part.fit.theta - mean) for part in parts]
    first = parts[0].draws
    return PathDraws(
        theta=np.concatenate(theta),
        spread=np.concatenate([part.draws.spread for part in parts]),
        jackknife=np.empty((0, first.jackknife.shape[1])),
        jackknife_spread=np.empty((0, first.jackknife_spread.shape[1])),
        lost=sum(part.draws.lost for part in parts),
        units=first.units,
    )


def _largest_fmi(parts: Sequence[DeclaredPath]) -> float:
    legs = [leg for effect in parts[0].design.effects for leg in effect.single]
    theta = np.stack([part.fit.theta for part in parts])
    found = [pooled(theta @ leg, [float(leg @ part.fit.covariance @ leg) for part in parts]).fmi for leg in legs]
    return max(found, default=0.0)
