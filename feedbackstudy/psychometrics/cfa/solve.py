"""Fit a parameter table to a sample: start, minimise, check identification."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.issues import Issue
from feedbackstudy.psychometrics.cfa.estimators import Estimator
from feedbackstudy.psychometrics.cfa.evaluation import Objective, collect
from feedbackstudy.psychometrics.cfa.improper import improper, not_converged, unidentified
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares
from feedbackstudy.psychometrics.cfa.likelihood import Likelihood
from feedbackstudy.psychometrics.cfa.objective import objective_of
from feedbackstudy.psychometrics.cfa.optimise import Minimum, minimise
from feedbackstudy.psychometrics.cfa.sample import Sample
from feedbackstudy.psychometrics.cfa.start import modest_starts, start_values
from feedbackstudy.psychometrics.cfa.structure import Structure, structure_of
from feedbackstudy.psychometrics.cfa.table import ParameterTable

__all__ = ["Solved", "solve"]

type Floats = NDArray[np.float64]

_SHRINKS = 12
_SAME = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """A fitted table with what was found out on the way.

    Attributes
    ----------
    fitted : Fitted
        The model at its estimates.
    converged : bool
        Whether the search settled.
    identified : bool
        Whether the data determine the parameters.
    iterations : int
        Steps of the search.
    issues : tuple of Issue
        Conditions of the solution.
    """

    fitted: Fitted
    converged: bool
    identified: bool
    iterations: int
    issues: tuple[Issue, ...]

    @property
    def usable(self) -> bool:
        """Whether fit and standard errors exist."""
        return self.converged and self.identified


def _start(structure: Structure, sample: Sample) -> Floats:
    taus = [dict(zip(p.items, p.thresholds, strict=True)) for p in sample.polychorics] or None
    return start_values(structure, [(m.mean, m.cov) for m in sample.moments], taus)


def _search(
    structure: Structure,
    sample: Sample,
    objective: Objective,
    theta: Floats,
    *,
    newton: bool,
) -> Minimum:
    """Minimise from the start; shrink its covariances while the implied matrix is not positive definite."""
    at = collect(objective, structure)
    rows = structure.table.rows
    off = np.array(
        [any(rows[k].op == "~~" and rows[k].lhs != rows[k].rhs for k in np.flatnonzero(c)) for c in structure.K.T]
    )
    for _ in range(_SHRINKS):
        try:
            at(theta, observed=False)
            break
        except np.linalg.LinAlgError:
            theta = np.where(off, 0.5 * theta, theta)
    else:
        theta = _safe(structure, sample)
    tries = [minimise(at, theta, newton=newton)]
    for start in _other_starts(structure, sample, objective, theta):
        if tries[-1].converged:
            break
        try:
            tries.append(minimise(at, start, newton=newton))
        except np.linalg.LinAlgError:
            continue
    # a converged search counts only where no other one went lower: otherwise it is a local minimum
    lowest = min(found.evaluation.value for found in tries)
    good = [found for found in tries if found.converged and found.evaluation.value <= lowest + _SAME]
    return good[0] if good else tries[0]


def _other_starts(structure: Structure, sample: Sample, objective: Objective, theta: Floats) -> Iterator[Floats]:
    """Yield modest starts, and for least squares the estimates of greatest likelihood."""
    yield from modest_starts(structure, [m.cov for m in sample.moments], theta)
    if isinstance(objective, LeastSquares) and not sample.polychorics:
        likelihood = Likelihood(groups=sample.moments, means=objective.means, weights=sample.shares)
        yield _search(structure, sample, likelihood, theta, newton=True).theta


def _safe(structure: Structure, sample: Sample) -> Floats:
    """Return a start that is always positive definite: small loadings, full residual variances."""
    values = np.zeros(len(structure.c))
    at = {name: k for k, name in enumerate(structure.table.items)}
    for k, row in enumerate(structure.table.rows):
        if row.op == "~~" and row.lhs == row.rhs:
            values[k] = sample.moments[row.group].cov[at[row.lhs], at[row.lhs]] if row.lhs in at else 0.1
        elif row.op == "=~":
            values[k] = 0.1
        elif row.op == "~1" and row.lhs in at:
            values[k] = sample.moments[row.group].mean[at[row.lhs]]
    free = np.any(structure.K != 0, axis=1)
    return np.linalg.lstsq(structure.K[free], values[free] - structure.c[free], rcond=None)[0]


def solve(
    table: ParameterTable, sample: Sample, estimator: Estimator, *, means: bool, errors: str, likelihood: str = "normal"
) -> Solved:
    """Fit a parameter table.

    Parameters
    ----------
    table : ParameterTable
        The model.
    sample : Sample
        The data.
    estimator : Estimator
        How to fit.
    means : bool
        Whether means are modelled.
    errors : str
        ``expected``, ``observed``, ``sandwich`` or ``moments``.
    likelihood : {"normal", "wishart"}
        Divisor of complete-data likelihood.

    Returns
    -------
    Solved
        The fit and its conditions.
    """
    structure = structure_of(table)
    objective = objective_of(sample, estimator, means=means, likelihood=likelihood)
    theta = _start(structure, sample)
    newton = not sample.polychorics
    if sample.patterns:
        complete = Likelihood(groups=sample.moments, means=True, weights=objective.weights)
        theta = _search(structure, sample, complete, theta, newton=True).theta
    minimum = _search(structure, sample, objective, theta, newton=newton)
    fitted = Fitted(structure, sample, estimator, objective, minimum.theta, minimum.evaluation, means, errors)
    issues: list[Issue] = []
    if not minimum.converged:
        issues.append(
            not_converged(minimum.iterations, float(np.max(np.abs(minimum.evaluation.gradient), initial=0.0)))
        )
    undetermined = unidentified(structure, minimum.evaluation.expected, fitted.df)
    if undetermined is not None:
        issues.append(undetermined)
    if minimum.converged and undetermined is None:
        issues += improper(fitted)
    return Solved(
        fitted=fitted,
        converged=minimum.converged,
        identified=undetermined is None,
        iterations=minimum.iterations,
        issues=tuple(issues),
    )
