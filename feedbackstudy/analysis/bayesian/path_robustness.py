"""The Bayes factor of a path or an indirect effect over the width of the prior of its legs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior, equation_posterior
from feedbackstudy.analysis.bayesian.path_posterior import joint_factor
from feedbackstudy.analysis.bayesian.robustness import Robustness, widths_around
from feedbackstudy.analysis.mediation_system import Effect, PathSystem
from feedbackstudy.errors import DataError

__all__ = ["path_robustness"]

type Floats = NDArray[np.float64]


def path_robustness(
    system: PathSystem,
    effect: Effect,
    *,
    priors: Sequence[EquationPrior | None],
    cluster: NDArray[np.int64] | None = None,
    fold: float = 5.0,
    points: int = 21,
) -> Robustness:
    r"""Compute the Bayes factor of an effect that is one product while the priors of its legs widen together.

    Parameters
    ----------
    system : PathSystem
        Columns and equations.
    effect : Effect
        The effect.
    priors : sequence of EquationPrior or None
        The declared priors, one for each equation.
    cluster : ndarray of int, shape (n,), optional
        Cluster of each row.
    fold : float, default 5
        From the declared standard deviations / fold to those x fold.
    points : int, default 21
        Widths, evenly spaced in logarithm.

    Returns
    -------
    Robustness
        Widths are multiples of the declared prior standard deviation of each leg: 1 is the declared one.

    Raises
    ------
    DataError
        For a sum of several products, or a leg with a flat prior.

    Notes
    -----
    The prior of every coefficient that is in a leg is widened, :math:`D P D` for its precision P with :math:`D_{jj} =
    1/w` there and 1 elsewhere; what a leg is adjusted for keeps its prior. Each factor is the exact one of
    `Mixture.bayes_factor`, and a product has that of `PathPosterior.bayes_factor`.
    """
    if not effect.single:
        raise DataError(f"{effect.name!r} is a sum of several products; a Bayes factor is that of one product.")
    parts = [_part(system, leg) for leg in effect.single]

    def log_factor(width: float) -> float:
        factors = [_factor(system, k, leg, priors[k] if priors else None, cluster, width) for k, leg in parts]
        return float(np.log(joint_factor(factors)))

    widths = widths_around(1.0, fold=fold, points=points)
    return Robustness(
        quantity=effect.name,
        family="normal",
        alternative="two-sided",
        scales=widths,
        log_bayes_factors=np.array([log_factor(float(width)) for width in widths]),
        declared=1.0,
        log_declared=log_factor(1.0),
        note="widths are multiples of the declared prior standard deviation of each leg; exact posteriors at each",
    )


def _part(system: PathSystem, leg: Floats) -> tuple[int, Floats]:
    """Return the equation of a leg and its weights there."""
    for k in range(len(system.equations)):
        own = leg[system.block(k)]
        if own.any():
            return k, own
    raise DataError("A leg of the effect has no coefficient.")


def _factor(
    system: PathSystem,
    k: int,
    leg: Floats,
    prior: EquationPrior | None,
    cluster: NDArray[np.int64] | None,
    width: float,
) -> float:
    found = None
    if prior is not None:
        scale = np.where(leg != 0, 1 / width, 1.0)
        equation = system.equations[k]
        x, y = system.matrix[:, list(equation.predictors)], system.matrix[:, equation.response]
        wider = replace(prior, precision=prior.precision * np.outer(scale, scale))
        found = equation_posterior(x, y, wider, cluster).bayes_factor(leg)
    if found is None:
        raise DataError(
            "The prior of a leg is flat (the reference prior), so there is no Bayes factor at any width; give priors "
            "for the scales (priors=)."
        )
    return found
