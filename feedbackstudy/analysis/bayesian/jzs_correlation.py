"""The Bayes factor of a correlation with a stretched beta prior, by quadrature."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.densities import GridDensity
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative

__all__ = ["correlation_density", "log_jzs_correlation"]

type Floats = NDArray[np.float64]

_NODES, _NODE_WEIGHTS = special.roots_legendre(20)
_PANELS = 60


def log_jzs_correlation(r: float, n: int, *, kappa: float, alternative: Alternative) -> float:
    r"""Return the log Bayes factor of a correlation against none.

    Parameters
    ----------
    r : float
        Pearson's correlation, below 1 in absolute value.
    n : int
        Pairs.
    kappa : float
        Width of the prior: :math:`\rho` is a beta(1/kappa, 1/kappa) variable stretched to (-1, 1); 1 is uniform.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or its half on one side of 0.

    Returns
    -------
    float
        Natural logarithm.

    Notes
    -----
    The exact density of r given :math:`\rho` (Hotelling, 1953), means and variances being out of the way; the same as
    Ly, Verhagen and Wagenmakers (2016, Journal of Mathematical Psychology 72, 19-32). Integrated over
    :math:`\mathrm{artanh}\rho` by Gauss-Legendre panels.
    """
    error = 1 / math.sqrt(max(n - 3, 1))
    centre = math.atanh(r)
    low, high = min(centre - 14 * error, -14.0 * kappa), max(centre + 14 * error, 14.0 * kappa)
    edges = np.unique(np.r_[np.linspace(centre - 14 * error, centre + 14 * error, _PANELS), low, high, 0.0])
    edges = np.unique(np.r_[edges, np.linspace(low, high, _PANELS)])
    half = np.diff(edges)[:, None] / 2
    z = ((edges[1:] + edges[:-1])[:, None] / 2 + half * _NODES).ravel()
    log_weight = np.log(half * _NODE_WEIGHTS).ravel()
    terms = _log_likelihood(z, r, n) + _log_prior(z, kappa, alternative) + log_weight
    return float(special.logsumexp(terms))


def correlation_density(r: float, n: int, *, kappa: float, alternative: Alternative) -> GridDensity:
    """Return the posterior of the correlation.

    Parameters
    ----------
    r : float
        Pearson's correlation.
    n : int
        Pairs.
    kappa : float
        Width of the prior.
    alternative : {"two-sided", "greater", "less"}
        The whole prior, or its half on one side of 0.

    Returns
    -------
    GridDensity
        Normalised, with the prior beside it.
    """
    centre, error = math.atanh(r), 1 / math.sqrt(max(n - 3, 1))
    low, high = min(centre - 9 * error, -error), max(centre + 9 * error, error)
    if alternative != "two-sided":
        low, high = (0.0, max(high, 4 * error)) if alternative == "greater" else (min(low, -4 * error), 0.0)
    z = np.linspace(low, high, 2001)
    log_slope = 2 * _log_cosh(z)  # d artanh(rho) / d rho
    log_prior = _log_prior(z, kappa, alternative) + log_slope
    log_factor = log_jzs_correlation(r, n, kappa=kappa, alternative=alternative)
    density = np.exp(_log_likelihood(z, r, n) + log_prior - log_factor)
    return GridDensity(grid=np.tanh(z), density=density, prior=np.exp(log_prior))


def _log_prior(z: Floats, kappa: float, alternative: Alternative) -> Floats:
    """Return the log prior density of artanh(rho)."""
    shape = 1 / kappa
    whole = -2 * shape * _log_cosh(z) - (2 * shape - 1) * math.log(2) - special.betaln(shape, shape)
    if alternative == "two-sided":
        return np.asarray(whole, dtype=np.float64)
    inside = z >= 0 if alternative == "greater" else z <= 0
    return np.where(inside, whole + math.log(2), -np.inf)


def _log_likelihood(z: Floats, r: float, n: int) -> Floats:
    """Return the log density of r at rho = tanh(z) over that at rho = 0."""
    rho = np.tanh(z)
    series = np.log(special.hyp2f1(0.5, 0.5, n - 0.5, (1 + rho * r) / 2))
    none = math.log(special.hyp2f1(0.5, 0.5, n - 0.5, 0.5))
    return np.asarray(-(n - 1) * _log_cosh(z) - (n - 1.5) * np.log1p(-rho * r) + series - none, dtype=np.float64)


def _log_cosh(z: Floats) -> Floats:
    return np.asarray(np.abs(z) + np.log1p(np.exp(-2 * np.abs(z))) - math.log(2), dtype=np.float64)
