"""Regressions of time series by statsmodels: arrays in, coefficients and covariance out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.adapters import quiet

__all__ = ["SeriesFit", "newey_west"]

type _Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesFit:
    """A fit of statsmodels.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Coefficients.
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    residuals : ndarray, shape (n,)
        Residuals, not weighted.
    """

    params: _Floats
    covariance: _Floats
    residuals: _Floats


def newey_west(y: _Floats, X: _Floats, *, weights: _Floats, lags: int) -> SeriesFit:
    """Fit weighted least squares with a covariance that allows for heteroscedasticity and autocorrelation.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome, in the order of time.
    X : ndarray, shape (n, p)
        Design.
    weights : ndarray, shape (n,)
        Weights.
    lags : int
        Largest lag of the Bartlett kernel.

    Returns
    -------
    SeriesFit
        ``WLS(...).fit(cov_type="HAC", use_correction=True)``.
    """
    from statsmodels.regression.linear_model import WLS  # type: ignore[import-untyped, unused-ignore]

    with quiet("statsmodels"):
        fit = WLS(y, X, weights=weights).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    return SeriesFit(
        params=np.asarray(fit.params, dtype=np.float64),
        covariance=np.asarray(fit.cov_params(), dtype=np.float64),
        residuals=np.asarray(fit.resid, dtype=np.float64),
    )
