"""Bayes factors of t tests with a Cauchy prior on the standardised effect (JZS), by quadrature."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.densities import GridDensity
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.errors import DataError

__all__ = ["effect_density", "log_jzs_t", "log_jzs_t_interval"]

type Floats = NDArray[np.float64]

# Trapezoidal rule over log g: the integrand is analytic and decays at both ends, so it converges geometrically.
_LOG_G = np.linspace(-6.0, 60.0, 500)
_LOG_WEIGHT = math.log(_LOG_G[1] - _LOG_G[0]) - 0.5 * (_LOG_G + np.exp(-_LOG_G) + math.log(2 * math.pi))
_NODES, _NODE_WEIGHTS = special.roots_legendre(24)
_PANELS = 24
_REACH = 16.0
"""Standard errors around the effect beyond which its likelihood is nothing."""


def log_jzs_t(t: ArrayLike, n_effective: float, *, df: float, scale: float, alternative: Alternative) -> Floats:
    r"""Return the logarithm of the Bayes factor of a t test with a Cauchy prior on the standardised effect.

    Parameters
    ----------
    t : array_like
        Observed t.
    n_effective : float
        n, or n1 n2 / (n1 + n2) for two samples.
    df : float
        Degrees of freedom.
    scale : float
        Scale of the Cauchy prior.
    alternative : {"two-sided", "greater", "less"}
        Cauchy, or its half on one side of 0.

    Returns
    -------
    ndarray
        Log evidence for the alternative over no effect.

    Notes
    -----
    Rouder et al. (2009, Psychonomic Bulletin & Review 16, 225-237), equation 1, over :math:`\log g`. For a half-Cauchy
    each g's factor is multiplied by :math:`2 P(\mu > 0 \mid t, g)`, where :math:`\mu` has a t posterior with
    :math:`\nu + 1` degrees of freedom.
    """
    sign = -1.0 if alternative == "less" else 1.0
    value = sign * np.asarray(t, dtype=np.float64)[..., None]
    a = n_effective * scale**2 * np.exp(_LOG_G)
    power = -(df + 1) / 2
    log_factor = -0.5 * np.log1p(a) + power * (np.log1p(value**2 / ((1 + a) * df)) - np.log1p(value**2 / df))
    terms = log_factor + _LOG_WEIGHT
    if alternative != "two-sided":
        spread = np.sqrt((df + value**2 / (1 + a)) / (df + 1))
        chance = special.stdtr(df + 1, np.sqrt(a / (1 + a)) * value / spread)
        terms = terms + np.log(2 * np.maximum(chance, 1e-300))
    largest = terms.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(terms - largest).sum(axis=-1)) + largest[..., 0])


def log_jzs_t_interval(
    t: float, n_effective: float, *, df: float, scale: float, low: float, high: float
) -> tuple[float, float]:
    r"""Return the log Bayes factors of an effect inside an interval, and of one outside it, against no effect at all.

    Parameters
    ----------
    t : float
        Observed t.
    n_effective : float
        n, or n1 n2 / (n1 + n2) for two samples.
    df : float
        Degrees of freedom.
    scale : float
        Scale of the Cauchy prior, which is cut to the interval or to what lies outside it.
    low, high : float
        The interval on the standardised effect; may be infinite on one side.

    Returns
    -------
    tuple of float
        Log Bayes factor inside, and outside; their difference compares the two.

    Raises
    ------
    DataError
        For an interval that is upside down or the whole line.

    Notes
    -----
    :math:`\int_I f(t \mid \delta) \pi(\delta) d\delta / [\pi(I) f(t \mid 0)]` with the noncentral t density (Morey and
    Rouder, 2011, Psychological Methods 16, 406-419), by Gauss-Legendre panels around the effect.
    """
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise DataError(f"An interval of effects must rise and be finite on one side; given {low:g} to {high:g}.")
    inside = _log_mass(t, n_effective, df, scale, low, high)
    parts = [_log_mass(t, n_effective, df, scale, a, b) for a, b in ((-math.inf, low), (high, math.inf)) if a < b]
    outside = float(np.logaddexp.reduce(parts))
    share = (math.atan(high / scale) - math.atan(low / scale)) / math.pi
    return inside - math.log(share), outside - math.log1p(-share)


def effect_density(t: float, n_effective: float, *, df: float, scale: float, alternative: Alternative) -> GridDensity:
    """Return the posterior of the standardised effect.

    Parameters
    ----------
    t : float
        Observed t.
    n_effective : float
        n, or n1 n2 / (n1 + n2) for two samples.
    df : float
        Degrees of freedom.
    scale : float
        Scale of the Cauchy prior.
    alternative : {"two-sided", "greater", "less"}
        Cauchy, or its half on one side of 0.

    Returns
    -------
    GridDensity
        Normalised, with the prior beside it.
    """
    centre, error = _location(t, n_effective, df)
    low, high = min(centre - 10 * error, -error), max(centre + 10 * error, error)
    if alternative != "two-sided":
        low, high = (0.0, max(high, 4 * error)) if alternative == "greater" else (min(low, -4 * error), 0.0)
    grid = np.linspace(low, high, 2001)
    half = math.log(2.0) if alternative != "two-sided" else 0.0
    log_prior = half - np.log(np.pi * scale) - np.log1p((grid / scale) ** 2)
    log_factor = float(log_jzs_t(t, n_effective, df=df, scale=scale, alternative=alternative))
    log_density = _log_likelihood(grid, t, n_effective, df) + log_prior - log_factor
    return GridDensity(grid=grid, density=np.exp(log_density), prior=np.exp(log_prior))


def _location(t: float, n_effective: float, df: float) -> tuple[float, float]:
    effect = t / math.sqrt(n_effective)
    return effect, math.sqrt((1 + t**2 / df) / n_effective)


def _log_mass(t: float, n_effective: float, df: float, scale: float, low: float, high: float) -> float:
    """Return the log integral of likelihood ratio times Cauchy density from low to high."""
    centre, error = _location(t, n_effective, df)
    near = min(max(centre, low), high)
    start, stop = max(low, near - _REACH * error), min(high, near + _REACH * error)
    edges = np.linspace(start, stop, _PANELS + 1)
    half = (edges[1:] - edges[:-1])[:, None] / 2
    at = ((edges[1:] + edges[:-1])[:, None] / 2 + half * _NODES).ravel()
    log_weight = np.log(half * _NODE_WEIGHTS).ravel()
    log_prior = -np.log(np.pi * scale) - np.log1p((at / scale) ** 2)
    return float(special.logsumexp(_log_likelihood(at, t, n_effective, df) + log_prior + log_weight))


def _log_likelihood(effect: Floats, t: float, n_effective: float, df: float) -> Floats:
    r"""Return the log noncentral t density over the central one.

    With :math:`\lambda = \delta \sqrt n`, :math:`x = \lambda t / \sqrt{t^2 + \nu}`: :math:`e^{-\lambda^2/2}` times the
    mean of :math:`e^{ux}` over a chi variable u with :math:`\nu + 1` degrees of freedom.
    """
    noncentrality = effect * math.sqrt(n_effective)
    x = noncentrality * t / math.sqrt(t**2 + df)
    top = (x + np.sqrt(x**2 + 4 * df)) / 2
    width = 1 / np.sqrt(1 + df / top**2)
    low = np.maximum(top - 12 * width, 0.0)
    half = (top + 12 * width - low)[:, None] / 2
    nodes, weights = special.roots_legendre(80)
    u = low[:, None] + half * (nodes + 1)
    exponent = df * np.log(u) - 0.5 * u**2 + u * x[:, None]
    log_constant = (df - 1) / 2 * math.log(2) + special.gammaln((df + 1) / 2)
    return np.asarray(
        special.logsumexp(exponent + np.log(half * weights), axis=1) - log_constant - noncentrality**2 / 2
    )
