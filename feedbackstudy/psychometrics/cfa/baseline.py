"""The independence model that CFI and its kin compare with; every form of it is closed."""

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares, weighted
from feedbackstudy.psychometrics.cfa.moments import normal_weight
from feedbackstudy.psychometrics.cfa.robust import Block, Blocks, Test, scale_test

__all__ = ["baseline_test", "own_moments"]

type Floats = NDArray[np.float64]


def own_moments(values: Floats) -> tuple[Floats, Floats]:
    """Return each item's mean and variance (divisor n) over the people who answered it.

    Parameters
    ----------
    values : ndarray of shape (n, p)
        Answers, NaN where missing.

    Returns
    -------
    tuple of ndarray
        Means and variances, each of shape (p,).
    """
    return np.nanmean(values, axis=0), np.nanvar(values, axis=0)


def _likelihood_chisq(fitted: Fitted) -> float:
    total = 0.0
    for g, m in enumerate(fitted.sample.moments):
        share = fitted.objective.weights[g]
        if fitted.sample.patterns:
            data = fitted.sample.patterns[g]
            mean, variance = own_moments(data.answers)
            total += share * 2.0 * (data.value(mean, np.diag(variance)) - data.value(m.mean, m.cov))
        else:
            total += share * (float(np.log(np.diag(m.cov)).sum()) - m.log_det)
    return fitted.sample.n * total


def _score_trace(fitted: Fitted) -> float:
    """tr(A^-1 B) of the independence model: (kurtosis - 1)/2 for each variance, one for each mean."""
    total = 0.0
    for values in fitted.sample.answers:
        mean, variance = own_moments(values)
        kurtosis = np.nanmean((values - mean) ** 4, axis=0) / variance**2
        total += float(np.sum(0.5 * (kurtosis - 1.0))) + (len(mean) if fitted.means else 0)
    return total


def _selection(fitted: Fitted, g: int, size: int) -> Floats:
    """Return the derivatives of the moments in the free ones: thresholds, or means and variances."""
    p = fitted.structure.n_items
    if fitted.sample.polychorics:
        return np.eye(size)[:, : len(fitted.sample.polychorics[g].tau)]
    i, j = np.tril_indices(p)
    lead = p if fitted.means else 0
    free = np.concatenate([np.arange(lead), lead + np.flatnonzero(i == j)])
    return np.eye(size)[:, free]


def _blocks(fitted: Fitted) -> Blocks:
    parts = []
    selections = [_selection(fitted, g, len(G)) for g, G in enumerate(fitted.gamma)]
    width = sum(D.shape[1] for D in selections)
    at = 0
    for g, (D, G) in enumerate(zip(selections, fitted.gamma, strict=True)):
        if isinstance(fitted.objective, LeastSquares):
            W = fitted.objective.groups[g].weight
        else:
            W = normal_weight(np.diag(1.0 / np.diag(fitted.sample.moments[g].cov)), means=fitted.means)
        wide = np.zeros((len(D), width))
        wide[:, at : at + D.shape[1]] = D
        at += D.shape[1]
        parts.append(Block(share=fitted.sample.shares[g], W=W, D=wide, G=G))
    return Blocks(parts)


def _least_squares_chisq(fitted: Fitted, objective: LeastSquares) -> float:
    total = 0.0
    for g, target in enumerate(objective.groups):
        D = _selection(fitted, g, len(target.s))
        WD = weighted(target.weight, D)
        residual = target.s - D @ np.linalg.solve(D.T @ WD, WD.T @ target.s)
        total += objective.weights[g] * float(residual @ weighted(target.weight, residual))
    return fitted.sample.n * total


def baseline_test(fitted: Fitted) -> Test:
    """Test the independence model in the way the fitted model is tested.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.

    Returns
    -------
    Test
        Chi-square of independence.
    """
    p = fitted.structure.n_items
    df = len(fitted.sample.names) * p * (p - 1) // 2
    objective, kind = fitted.objective, fitted.estimator.test
    if isinstance(objective, LeastSquares):
        chisq = _least_squares_chisq(fitted, objective)
    else:
        chisq = _likelihood_chisq(fitted)
    if kind == "yuan_bentler":
        return scale_test(chisq, df, kind, trace=fitted.saturated_trace - _score_trace(fitted))
    if kind == "standard" or df == 0:
        return scale_test(chisq, df, "standard", trace=0.0)
    blocks = _blocks(fitted)
    squared = float("nan") if kind == "mean" else blocks.trace_squared
    return scale_test(chisq, df, kind, trace=blocks.trace, trace_squared=squared)
