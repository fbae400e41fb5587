"""Fit of extracted common factors: the Bartlett test, RMSEA, TLI, residuals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from feedbackstudy.psychometrics.extraction import Extraction

__all__ = ["FactorFit", "factor_fit"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorFit:
    """How well common factors reproduce a correlation matrix.

    Attributes
    ----------
    objective : float
        Likelihood discrepancy of the model.
    chi_square, df, p : float, int, float
        Bartlett-corrected test of the number of factors; p is NaN without degrees of freedom.
    rmsea, rmsea_low, rmsea_high : float
        Root mean square error of approximation with its 90 % interval.
    tli : float
        Tucker-Lewis index.
    bic : float
        Chi-square less df times log n.
    rmsr : float
        Root mean square residual correlation.
    """

    objective: float
    chi_square: float
    df: int
    p: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    tli: float
    bic: float
    rmsr: float


def factor_fit(R: Floats, found: Extraction, n: int) -> FactorFit:
    r"""Compute the fit of extracted factors.

    Parameters
    ----------
    R : ndarray
        Correlations.
    found : Extraction
        Factors.
    n : int
        People.

    Returns
    -------
    FactorFit
        Indices.

    Notes
    -----
    :math:`\chi^2 = (n - 1 - (2p+5)/6 - 2m/3) F` (Bartlett 1950); RMSEA
    :math:`\sqrt{\max(0,(\chi^2-df)/(df(n-1)))}` with the noncentral interval of Steiger (1990).
    """
    p, m = found.loadings.shape
    sigma = found.loadings @ found.loadings.T + np.diag(found.uniquenesses)
    _, logdet = np.linalg.slogdet(sigma)
    _, logdet_r = np.linalg.slogdet(R)
    objective = float(logdet - logdet_r + np.trace(np.linalg.solve(sigma, R)) - p)
    df = ((p - m) ** 2 - p - m) // 2
    chi = max(n - 1 - (2 * p + 5) / 6 - 2 * m / 3, 0.0) * objective
    null, null_df = (n - 1 - (2 * p + 5) / 6) * -float(logdet_r), p * (p - 1) // 2
    residual = (R - sigma)[np.tril_indices(p, -1)]
    blank = float("nan")
    low, high = (_rmsea_limit(chi, df, n, q) for q in (0.95, 0.05)) if df else (blank, blank)
    return FactorFit(
        objective=objective,
        chi_square=chi,
        df=df,
        p=float(stats.chi2.sf(chi, df)) if df else blank,
        rmsea=float(np.sqrt(max(0.0, chi - df) / (df * (n - 1)))) if df else blank,
        rmsea_low=low,
        rmsea_high=high,
        tli=(null / null_df - chi / df) / (null / null_df - 1) if df else blank,
        bic=chi - df * float(np.log(n)),
        rmsr=float(np.sqrt((residual**2).mean())),
    )


def _rmsea_limit(chi: float, df: int, n: int, quantile: float) -> float:
    if stats.chi2.cdf(chi, df) < quantile:
        return 0.0
    top = chi + 10.0
    while stats.ncx2.cdf(chi, df, top) > quantile:
        top *= 2.0
    return float(np.sqrt(brentq(lambda nc: stats.ncx2.cdf(chi, df, nc) - quantile, 1e-10, top) / (df * (n - 1))))
