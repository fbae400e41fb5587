"""Bayes factors of regressions with a multivariate Cauchy prior on the coefficients, by quadrature."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["log_bic_factor", "log_jzs_r2"]

type Floats = NDArray[np.float64]

_STEP = 0.2
_LOG_G = np.arange(-5.0, 80.0, _STEP)


def log_jzs_r2(r2: ArrayLike, *, n: int, predictors: ArrayLike, scale: float) -> Floats:
    r"""Return the log Bayes factor of a regression against the intercept alone.

    Parameters
    ----------
    r2 : array_like
        Coefficient of determination, of one model or of many.
    n : int
        Rows.
    predictors : array_like
        Number of predictors of each model.
    scale : float
        Scale r of the prior of the standardised coefficients.

    Returns
    -------
    ndarray
        Natural logarithms.

    Notes
    -----
    :math:`\int (1 + g)^{(N-p-1)/2} [1 + g (1 - R^2)]^{-(N-1)/2} p(g) dg` with :math:`g \sim` inverse gamma(1/2,
    N r^2 / 2): Zellner and Siow's prior (1980) as in Liang et al. (2008, Journal of the American Statistical
    Association 103, 410-423, equation 5), over :math:`\log g` by the trapezoidal rule.
    """
    found, p = np.asarray(r2, dtype=np.float64)[..., None], np.asarray(predictors, dtype=np.float64)[..., None]
    half = n * scale**2 / 2
    log_g = math.log(half) + _LOG_G
    grown = np.exp(log_g)
    log_prior = 0.5 * math.log(half) - 0.5 * math.log(math.pi) - 0.5 * log_g - half / grown
    log_factor = (n - p - 1) / 2 * np.log1p(grown) - (n - 1) / 2 * np.log1p(grown * (1 - found))
    return np.asarray(special.logsumexp(log_factor + log_prior, axis=-1) + math.log(_STEP))


def log_bic_factor(r2: ArrayLike, *, n: int, predictors: ArrayLike) -> Floats:
    r"""Return the log Bayes factor against the intercept alone by the BIC approximation.

    Parameters
    ----------
    r2 : array_like
        Coefficient of determination.
    n : int
        Rows.
    predictors : array_like
        Number of coefficients beside the intercept.

    Returns
    -------
    ndarray
        :math:`(BIC_0 - BIC_1)/2 = -\frac{n}{2}\log(1 - R^2) - \frac{p}{2}\log n` (Wagenmakers, 2007, Psychonomic
        Bulletin & Review 14, 779-804): it stands for a unit-information prior.
    """
    found = np.asarray(r2, dtype=np.float64)
    return np.asarray(-n / 2 * np.log1p(-found) - np.asarray(predictors, dtype=np.float64) / 2 * math.log(n))
