"""Robust CFI and RMSEA where a scaling factor is not enough: ordinal items and incomplete data.

Both take the complete-data likelihood discrepancy X of the estimated moments at the estimates of the model and
subtract what
it amounts to by chance, k (Savalei, 2021, for ordinal items; Zhang & Savalei, 2023, for incomplete data): with
``K = I - D (D'WD)^-1 D'W`` and V the normal-theory weight, ``k = tr(V K Gamma K')``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.psychometrics.cfa.baseline import own_moments
from feedbackstudy.psychometrics.cfa.inference import Fitted
from feedbackstudy.psychometrics.cfa.leastsquares import LeastSquares
from feedbackstudy.psychometrics.cfa.likelihood import log_determinant
from feedbackstudy.psychometrics.cfa.moments import continuous_vector, normal_weight
from feedbackstudy.psychometrics.cfa.residuals import implied_correlations

__all__ = ["Corrected", "corrected"]

type Floats = NDArray[np.float64]

_SATURATED = 1e-6  # thresholds that a model leaves free are met to rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Discrepancies and what they amount to by chance.

    Attributes
    ----------
    chisq, expected : float
        Of the model.
    baseline, baseline_expected : float
        Of the independence model.
    """

    chisq: float
    expected: float
    baseline: float
    baseline_expected: float


def _discrepancy(S: Floats, sigma: Floats, gap: Floats | None = None) -> float:
    P = np.linalg.inv(sigma)
    value = log_determinant(sigma) - log_determinant(S) + float(np.sum(P * S)) - len(S)
    return value if gap is None else value + float(gap @ P @ gap)


def _ordinal(fitted: Fitted) -> Corrected:
    """Savalei (2021): correlations only; thresholds enter through their weight where they are constrained."""
    chisq = expected = baseline = baseline_expected = 0.0
    p = fitted.structure.n_items
    i, j = np.tril_indices(p)
    # the weight is over the lower triangle, the correlations over the upper one row by row: reorder and drop variances
    position = {(int(a), int(b)): k for k, (a, b) in enumerate(zip(i, j, strict=True))}
    upper = np.array([position[int(b), int(a)] for a, b in zip(*np.triu_indices(p, 1), strict=True)])
    products = fitted.blocks.residual_covariances
    for g, (part, n) in enumerate(zip(fitted.blocks.parts, fitted.sample.counts, strict=True)):
        R = fitted.sample.polychorics[g].R
        sigma = implied_correlations(fitted, g)
        nt = len(fitted.sample.polychorics[g].tau)
        V = normal_weight(np.linalg.inv(sigma), means=False)[np.ix_(upper, upper)]
        chisq += n * _discrepancy(R, sigma)
        baseline -= n * log_determinant(R)
        expected += float(np.sum(V * products[g][nt:, nt:]))
        baseline_expected += float(np.trace(part.G[nt:, nt:]))
    return Corrected(chisq=chisq, expected=expected, baseline=baseline, baseline_expected=baseline_expected)


def _incomplete(fitted: Fitted) -> Corrected:
    """Zhang & Savalei (2023)."""
    robust = fitted.estimator.scaled
    infos = [fitted.saturated(g) for g in range(len(fitted.sample.names))]
    weights = [H for _, _, H in infos]
    middles = [J if robust else H for _, J, H in infos]
    deltas = [continuous_vector(fitted.structure, g, fitted.x, means=True).delta @ g.K for g in fitted.structure.groups]
    p = fitted.structure.n_items
    i, j = np.tril_indices(p)
    free = np.concatenate([np.arange(p), p + np.flatnonzero(i == j)])
    chisq = baseline = baseline_expected = 0.0
    for g, (m, n) in enumerate(zip(fitted.sample.moments, fitted.sample.counts, strict=True)):
        state = fitted.states[g].state
        chisq += n * _discrepancy(m.cov, state.sigma, m.mean - state.mu)
        mean, variance = own_moments(fitted.sample.answers[g])
        baseline += n * _discrepancy(m.cov, np.diag(variance), m.mean - mean)
        alone = np.eye(p + len(i))[:, free]
        baseline_expected += _chance([weights[g]], [middles[g]], [m.cov], [alone], [1.0])
    expected = _chance(weights, middles, [m.cov for m in fitted.sample.moments], deltas, list(fitted.objective.weights))
    return Corrected(chisq=chisq, expected=expected, baseline=baseline, baseline_expected=baseline_expected)


def _chance(
    weights: list[Floats], middles: list[Floats], covs: list[Floats], deltas: list[Floats], shares: list[float]
) -> float:
    """Return tr(V K Gamma K') with Gamma = W^-1 J W^-1 and V the complete-data weight."""
    WD = [W @ D for W, D in zip(weights, deltas, strict=True)]
    E = np.linalg.inv(sum((f * D.T @ wd for f, D, wd in zip(shares, deltas, WD, strict=True)), start=np.zeros(())))
    JD = [J @ D for J, D in zip(middles, deltas, strict=True)]
    meat = sum((f * D.T @ jd for f, D, jd in zip(shares, deltas, JD, strict=True)), start=np.zeros(()))
    total = 0.0
    for W, J, S, D, f in zip(weights, middles, covs, deltas, shares, strict=True):
        V = normal_weight(np.linalg.inv(S), means=True)
        inverse = np.linalg.inv(W)
        DE = D @ E
        cross = DE @ (D.T @ J @ inverse) * f
        total += float(np.sum(V * (inverse @ J @ inverse - cross - cross.T + f * DE @ meat @ DE.T)))
    return total


def _thresholds_fit(fitted: Fitted) -> bool:
    """Say whether the model leaves thresholds free: the correction sees correlations only, not their misfit."""
    for g, group in enumerate(fitted.structure.groups):
        tau = fitted.sample.polychorics[g].tau
        if not isinstance(fitted.objective, LeastSquares):
            return False
        implied = fitted.objective.vector(fitted.structure, group, fitted.x).sigma[: len(tau)]
        if np.max(np.abs(implied - tau), initial=0.0) > _SATURATED:
            return False
    return True


def corrected(fitted: Fitted) -> Corrected | None:
    """Return the corrected discrepancies, or None where a scaling factor serves or none is defined.

    Parameters
    ----------
    fitted : Fitted
        The fitted model.

    Returns
    -------
    Corrected or None
        None for complete continuous data, and where a matrix of correlations is not
        positive definite or the model restricts thresholds.
    """
    try:
        if fitted.sample.patterns:
            return _incomplete(fitted)
        if fitted.sample.polychorics and isinstance(fitted.objective, LeastSquares) and fitted.estimator.scaled:
            return _ordinal(fitted) if _thresholds_fit(fitted) else None
    except np.linalg.LinAlgError:
        return None
    return None
