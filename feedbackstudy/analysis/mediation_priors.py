"""Priors of a path model on the scales of its variables, the same as those of cell means."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.path_mixture import EquationPrior
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.mediation_design import PathDesign
from feedbackstudy.errors import DataError

__all__ = ["FLAT", "equation_priors"]

type Floats = NDArray[np.float64]

FLAT = "reference prior: flat coefficients, p(sigma) proportional to 1/sigma (no prior on the scales was given)"


def equation_priors(design: PathDesign, scales: Mapping[str, CellPrior]) -> tuple[tuple[EquationPrior, ...], str]:
    r"""Turn priors of scales into one prior for each equation.

    Parameters
    ----------
    design : PathDesign
        Columns and equations.
    scales : mapping of str to CellPrior
        Prior of each mediator and of the outcome, made from its scale.

    Returns
    -------
    tuple of (tuple of EquationPrior, str)
        In the order of the equations, and what they are in words.

    Raises
    ------
    DataError
        Where a mediator or the outcome has no prior.

    Notes
    -----
    Cells: exchangeable, :math:`N(0, s^2)` on every orthonormal contrast, the grand mean flat. A two-valued cause
    beside a constant: its difference :math:`N(0, 2 s^2)`, as that of two cells; a numeric one: `slope_sd` for one of
    its standard deviations. A mediator's slope: :math:`N(0, (\text{slope}_y / \text{sd}_m)^2)` with the prior's typical
    standard deviation of the mediator. Products with a moderator: the same, for one standard deviation of the
    moderator. Covariates: `slope_sd` for one standard deviation.
    """
    names = (*design.mediators, design.y)
    lost = [name for name in names if name not in scales]
    if lost:
        raise DataError(f"No prior is given for {', '.join(lost)}; give a CellPrior for each of {', '.join(names)}.")
    priors = tuple(_equation(design, k, scales, names) for k in range(len(names)))
    said = "; ".join(f"{name}: {_words(scales[name])}" for name in names)
    return priors, f"normal priors on the scales, level flat ({said})"


def _words(prior: CellPrior) -> str:
    where = f"{prior.low:g} to {prior.high:g}, " if prior.low is not None and prior.high is not None else ""
    return (
        f"{where}cell effects sd {prior.effect_sd:.3g}, slopes sd {prior.slope_sd:.3g} for a typical sd of the "
        f"predictor, residual sd half-normal({prior.residual_sd:.3g})"
    )


def _equation(design: PathDesign, k: int, scales: Mapping[str, CellPrior], names: tuple[str, ...]) -> EquationPrior:
    system = design.system
    equation = system.equations[k]
    own = scales[names[k]]
    size = len(equation.predictors)
    precision = np.zeros((size, size))
    constant = [i for i, j in enumerate(equation.predictors) if j in system.constant]
    cells = len(constant)
    precision[np.ix_(constant, constant)] = (np.eye(cells) - 1 / cells) / own.effect_sd**2
    for i, j in enumerate(equation.predictors):
        if i not in constant:
            precision[i, i] = 1 / _sd(design, j, own, scales) ** 2
    return EquationPrior(precision=precision, residual_sd=own.residual_sd, group_sd=own.group_sd)


def _sd(design: PathDesign, column: int, own: CellPrior, scales: Mapping[str, CellPrior]) -> float:
    """Return the prior standard deviation of one coefficient."""
    name, values = design.system.columns[column], design.system.matrix[:, column]
    mediator, _, factor = name.partition(" x ")
    if mediator in design.mediators:
        numeric = factor in design.system.columns and bool(design.moderation and design.moderation.at)
        by = float(design.system.matrix[:, design.system.columns.index(factor)].std()) if numeric else 1.0
        return own.slope_sd / (scales[mediator].residual_sd * by)
    different = np.unique(values)
    if different.size == 2:
        return float(np.sqrt(2) * own.effect_sd / np.ptp(different))
    return own.slope_sd / float(values.std())
