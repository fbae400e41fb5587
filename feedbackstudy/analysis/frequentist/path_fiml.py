"""Path models by full-information maximum likelihood: slopes from the moments of greatest likelihood."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.path_fit import PathFit
from feedbackstudy.analysis.mediation_system import PathSystem
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.cfa.missing import (
    Patterns,
    expectation_maximisation,
    saturated_pairs,
    spread_out,
)

__all__ = ["FimlFit", "fit_fiml", "slope_derivatives"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FimlFit:
    """Coefficients and moments of greatest likelihood.

    Attributes
    ----------
    fit : PathFit
        Coefficients with the covariance from observed information; no residuals.
    outcome_sd : float
        Standard deviation of the outcome (n - 1 in the denominator).
    patterns : int
        Patterns of missing values.
    """

    fit: PathFit
    outcome_sd: float
    patterns: int


def fit_fiml(system: PathSystem) -> FimlFit:
    r"""Fit every equation from the unrestricted normal moments of rows with missing values.

    Parameters
    ----------
    system : PathSystem
        Columns, NaN where missing; the first column of the constant is the only one, and complete.

    Returns
    -------
    FimlFit
        As lavaan's ``missing = "fiml"`` with fixed, complete exogenous variables.

    Raises
    ------
    DataError
        Where the values do not determine a covariance.

    Notes
    -----
    The equations of a serial path, or of parallel mediators with correlated residuals, restrict nothing: slopes are
    :math:`\Sigma_{pp}^{-1} \Sigma_{pr}` of the moments by EM; their covariance is the inverse observed information of
    the moments, carried over by exact derivatives.
    """
    used = [j for j in range(len(system.columns)) if j not in system.constant]
    data, mean, cov, variance = _moments(system.matrix[:, used])
    size = len(used)
    place = {column: i for i, column in enumerate(used)}
    theta, jacobian = np.empty(system.size), np.zeros((system.size, size + size * (size + 1) // 2))
    sigma, r2 = np.empty(len(system.equations)), np.empty(len(system.equations))
    for k, equation in enumerate(system.equations):
        r = place[equation.response]
        p = [place[j] for j in equation.predictors if j not in system.constant]
        slopes = [system.offsets[k] + i for i, j in enumerate(equation.predictors) if j not in system.constant]
        at = system.offsets[k] + equation.predictors.index(system.constant[0])
        beta = np.linalg.solve(cov[np.ix_(p, p)], cov[p, r])
        theta[slopes], theta[at] = beta, mean[r] - beta @ mean[p]
        jacobian[slopes], jacobian[at] = slope_derivatives(mean, cov, p, r, beta)
        left = cov[r, r] - beta @ cov[p, r]
        sigma[k] = np.sqrt(left * data.n / (data.n - len(equation.predictors)))
        r2[k] = 1 - left / cov[r, r]
    last = place[system.equations[-1].response]
    return FimlFit(
        fit=PathFit(
            theta=theta,
            covariance=jacobian @ variance @ jacobian.T,
            df=np.full(system.size, np.inf),
            sigma=sigma,
            r2=r2,
            residuals=np.empty((0, len(system.equations))),
            n=data.n,
            vcov="fiml",
        ),
        outcome_sd=float(np.sqrt(cov[last, last] * data.n / (data.n - 1))),
        patterns=len(data.counts),
    )


def _moments(raw: Floats) -> tuple[Patterns, Floats, Floats, Floats]:
    """Return rows by pattern, means, covariance, and the covariance of both; the search runs on scaled columns."""
    centre, scale = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    data = Patterns.of((raw - centre) / scale)
    size = raw.shape[1]
    try:
        moments = expectation_maximisation(data)
        observed = spread_out(data, moments.mean, moments.cov, saturated_pairs(size)).observed
        variance = np.linalg.inv(data.n * observed)
    except np.linalg.LinAlgError as fault:
        raise DataError(
            "The values that are there do not determine how the variables covary; use more rows or fewer variables."
        ) from fault
    both = np.outer(scale, scale)
    outward = np.concatenate([scale, both[np.tril_indices(size)]])
    return data, moments.mean * scale + centre, moments.cov * both, variance * np.outer(outward, outward)


def slope_derivatives(mean: Floats, cov: Floats, p: list[int], r: int, beta: Floats) -> tuple[Floats, Floats]:
    """Return the derivatives of a regression's coefficients by the moments it is read from.

    Parameters
    ----------
    mean : ndarray of shape (size,)
        Means.
    cov : ndarray of shape (size, size)
        Covariances.
    p : list of int
        Positions of the predictors.
    r : int
        Position of the response.
    beta : ndarray of shape (predictors,)
        Slopes.

    Returns
    -------
    tuple of ndarray
        Of the slopes, shape (predictors, moments), and of the constant, shape (moments,); means come first, then the
        lower triangle of the covariances.
    """
    size = len(mean)
    rows, columns = np.tril_indices(size)
    moves = np.zeros((rows.size, size, size))
    each = np.arange(rows.size)
    moves[each, rows, columns] = moves[each, columns, rows] = 1.0
    pulled = moves[:, p, r] - moves[:, p][:, :, p] @ beta
    of_cov = np.linalg.solve(cov[np.ix_(p, p)], pulled.T)
    slopes = np.concatenate([np.zeros((len(p), size)), of_cov], axis=1)
    constant = -mean[p] @ slopes
    constant[r] += 1.0
    constant[p] -= beta
    return slopes, constant
