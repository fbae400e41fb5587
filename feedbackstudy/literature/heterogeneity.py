"""The between-study variance tau squared: eight estimators, for one meta-analysis or for many at once.

Everything works on effects `y` and sampling variances `v` of shape ``(..., k)`` and a design matrix `x` of shape
``(k, p)`` shared by all; leading axes are separate meta-analyses of the same size.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from feedbackstudy.errors import DataError, choices

__all__ = ["TAU2_METHODS", "Tau2Method", "Weighted", "estimate_tau2", "q_profile", "weighted"]

type Array = NDArray[np.float64]
type Tau2Method = Literal["DL", "PM", "ML", "REML", "EB", "HE", "SJ", "HS", "EE"]

_TOLERANCE = 1e-12
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """A weighted regression of the effects, with the traces that the estimators need.

    Attributes
    ----------
    beta : ndarray, shape (..., p)
        Coefficients.
    covariance : ndarray, shape (..., p, p)
        Inverse of X'WX.
    residuals : ndarray, shape (..., k)
        y - X beta.
    weights : ndarray, shape (..., k)
        W.
    q : ndarray, shape (...)
        y'Py, the weighted residual sum of squares.
    yppy : ndarray, shape (...)
        y'PPy.
    trace_p, trace_pp : ndarray, shape (...)
        Traces of P and PP.
    """

    beta: Array
    covariance: Array
    residuals: Array
    weights: Array
    q: Array
    yppy: Array
    trace_p: Array
    trace_pp: Array


def weighted(y: Array, w: Array, x: Array) -> Weighted:
    r"""Fit y on x with weights w, without forming a k by k matrix.

    Parameters
    ----------
    y, w : ndarray, shape (..., k)
        Effects and weights.
    x : ndarray, shape (k, p)
        Design matrix.

    Returns
    -------
    Weighted
        Coefficients, residuals and traces.

    Notes
    -----
    With :math:`P = W - W X A X' W` and :math:`A = (X'WX)^{-1}`:
    :math:`tr P = \sum w - tr(A X'W^2X)` and
    :math:`tr PP = \sum w^2 - 2\,tr(A X'W^3X) + tr(A X'W^2X A X'W^2X)`.
    """
    s1, s2, s3 = (np.einsum("...k,ki,kj->...ij", w**power, x, x) for power in (1, 2, 3))
    a = np.linalg.inv(s1)
    beta = np.einsum("...ij,kj,...k,...k->...i", a, x, w, y)
    residuals = y - beta @ x.T
    a_s2 = a @ s2
    return Weighted(
        beta=beta,
        covariance=a,
        residuals=residuals,
        weights=w,
        q=(w * residuals**2).sum(-1),
        yppy=(w**2 * residuals**2).sum(-1),
        trace_p=w.sum(-1) - np.trace(a_s2, axis1=-2, axis2=-1),
        trace_pp=(w**2).sum(-1) - 2 * np.trace(a @ s3, axis1=-2, axis2=-1) + np.trace(a_s2 @ a_s2, axis1=-2, axis2=-1),
    )


def _hedges(y: Array, v: Array, x: Array) -> Array:
    k, p = x.shape
    fit = weighted(y, np.ones_like(v), x)
    leverage = np.einsum("ki,ij,kj->k", x, np.linalg.inv(x.T @ x), x)
    return np.asarray((fit.q - ((1 - leverage) * v).sum(-1)) / (k - p))


def _dersimonian_laird(y: Array, v: Array, x: Array) -> Array:
    k, p = x.shape
    fit = weighted(y, 1 / v, x)
    return np.asarray((fit.q - (k - p)) / fit.trace_p)


def _hunter_schmidt(y: Array, v: Array, x: Array) -> Array:
    fit = weighted(y, 1 / v, x)
    return np.asarray((fit.q - x.shape[0]) / (1 / v).sum(-1))


def _sidik_jonkman(y: Array, v: Array, x: Array) -> Array:
    k, p = x.shape
    start = y.var(-1)
    fit = weighted(y, 1 / (v + start[..., None]), x)
    return np.asarray(start * fit.q / (k - p))


def _paule_mandel(y: Array, v: Array, x: Array) -> Array:
    """Solve Q(tau2) = k - p by Newton steps; Q falls and is convex, so steps from the left never overshoot."""
    k, p = x.shape
    tau2 = np.zeros(y.shape[:-1])
    for _ in range(_MOST_STEPS):
        fit = weighted(y, 1 / (v + tau2[..., None]), x)
        gap = fit.q - (k - p)
        # At zero with Q already below k - p the answer is zero; the step there would divide by almost nothing.
        moves = (fit.yppy > 0) & ((gap > 0) | (tau2 > 0))
        step = np.divide(gap, fit.yppy, out=np.zeros_like(gap), where=moves)
        tau2 = np.maximum(tau2 + step, 0.0)
        if np.all((np.abs(step) <= _TOLERANCE * (1 + tau2)) | ((tau2 == 0) & (step <= 0))):
            return np.asarray(tau2)
    raise DataError("The Paule-Mandel equation did not converge; look for a sampling variance far from all others.")


def _newton(restricted: bool) -> Callable[[Array, Array, Array], Array]:
    """Return Newton's method for ML or REML, all meta-analyses at once.

    The observed information is used where it is clearly positive, the expected one elsewhere; what oscillates at the
    edge of zero is left to a direct search.
    """

    def solve(y: Array, v: Array, x: Array) -> Array:
        tau2 = np.maximum(_hedges(y, v, x), 0.0)
        done = np.zeros(tau2.shape, dtype=bool)
        for _ in range(_MOST_STEPS):
            fit = weighted(y, 1 / (v + tau2[..., None]), x)
            w = fit.weights
            score = fit.yppy - (fit.trace_p if restricted else w.sum(-1))
            expected = fit.trace_pp if restricted else (w**2).sum(-1)
            observed = 2 * _ypppy(fit, x) - expected
            step = score / np.where(observed > expected / 4, observed, expected)
            done = done | (np.abs(step) <= _TOLERANCE * (1 + tau2)) | ((tau2 == 0) & (step <= 0))
            if done.all():
                return np.asarray(tau2)
            tau2 = np.where(done, tau2, np.maximum(tau2 + step, 0.0))
        for index in zip(*np.nonzero(~np.atleast_1d(done)), strict=True):
            at = index if tau2.ndim else ()
            tau2[at] = _by_search(y[at], v[at], x, restricted=restricted)
        return np.asarray(tau2)

    return solve


def _ypppy(fit: Weighted, x: Array) -> Array:
    u = fit.weights * fit.residuals
    projected = np.einsum("ki,...k,...k->...i", x, fit.weights, u)
    explained = np.einsum("...i,...ij,...j->...", projected, fit.covariance, projected)
    return np.asarray((fit.weights * u**2).sum(-1) - explained)


def _by_search(y: Array, v: Array, x: Array, *, restricted: bool) -> float:
    """Maximise the likelihood directly, where scoring oscillates."""

    def loss(tau2: float) -> float:
        fit = weighted(y, 1 / (v + tau2), x)
        penalty = -np.linalg.slogdet(fit.covariance)[1] if restricted else 0.0
        return float(np.log(v + tau2).sum() + penalty + fit.q)

    top = 100 * float(y.var() + v.max())
    found = optimize.minimize_scalar(loss, bounds=(0.0, top), method="bounded", options={"xatol": 1e-14 * top})
    return float(found.x) if loss(float(found.x)) < loss(0.0) else 0.0


def _equal_effects(y: Array, v: Array, x: Array) -> Array:  # noqa: ARG001
    return np.zeros(y.shape[:-1])


TAU2_METHODS: Mapping[str, tuple[Callable[[Array, Array, Array], Array], str]] = {
    "EE": (_equal_effects, "equal effects (tau2 = 0)"),
    "DL": (_dersimonian_laird, "DerSimonian & Laird (1986)"),
    "PM": (_paule_mandel, "Paule & Mandel (1982)"),
    "ML": (_newton(restricted=False), "maximum likelihood"),
    "REML": (_newton(restricted=True), "restricted maximum likelihood"),
    "EB": (_paule_mandel, "empirical Bayes (Morris 1983), whose fixed point is that of Paule & Mandel"),
    "HE": (_hedges, "Hedges & Olkin (1985)"),
    "SJ": (_sidik_jonkman, "Sidik & Jonkman (2005), start: variance of the effects with divisor k"),
    "HS": (_hunter_schmidt, "Hunter & Schmidt (1990)"),
}
"""Abbreviation -> estimator and its name; the abbreviations are those of metafor."""


def estimate_tau2(y: Array, v: Array, x: Array, method: str) -> Array:
    """Estimate tau squared, cut off at zero.

    Parameters
    ----------
    y, v : ndarray, shape (..., k)
        Effects and sampling variances.
    x : ndarray, shape (k, p)
        Design matrix.
    method : {"DL", "PM", "ML", "REML", "EB", "HE", "SJ", "HS", "EE"}
        The estimator.

    Returns
    -------
    ndarray, shape (...)
        One value for each meta-analysis.

    Raises
    ------
    DataError
        Where the method is unknown.
    """
    if method not in TAU2_METHODS:
        raise DataError(choices("Estimator of tau squared", method, TAU2_METHODS))
    return np.maximum(TAU2_METHODS[method][0](y, v, x), 0.0)


def q_profile(y: Array, v: Array, x: Array, level: float) -> tuple[float, float]:
    """Return the Q-profile confidence interval of tau squared of one meta-analysis.

    Parameters
    ----------
    y, v : ndarray, shape (k,)
        Effects and sampling variances.
    x : ndarray, shape (k, p)
        Design matrix.
    level : float
        Confidence level.

    Returns
    -------
    tuple of (float, float)
        Lower and upper limit; a limit below zero is zero.

    Notes
    -----
    The values of tau squared whose generalised Q statistic lies between the quantiles of chi square with k - p degrees
    of freedom (Viechtbauer, 2007).
    """
    df = x.shape[0] - x.shape[1]
    tail = (1 - level) / 2

    def excess(tau2: float, quantile: float) -> float:
        return float(weighted(y, 1 / (v + tau2), x).q) - quantile

    limits = []
    for quantile in (special.chdtri(df, tail), special.chdtri(df, 1 - tail)):
        if excess(0.0, quantile) <= 0:
            limits.append(0.0)
            continue
        top = float(y.var() + v.max())
        while excess(top, quantile) > 0:
            top *= 4
        limits.append(float(optimize.brentq(excess, 0.0, top, args=(quantile,), xtol=1e-14, rtol=1e-12)))
    return limits[0], limits[1]
