"""Sphericity of repeated measures: Mauchly's test and the epsilons of Greenhouse-Geisser and Huynh-Feldt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Sphericity", "orthonormal_contrasts", "sphericity"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sphericity:
    """Departure of repeated measures from sphericity.

    Attributes
    ----------
    w : float
        Mauchly's W: 1 under sphericity; NaN where there are fewer error degrees of freedom than contrasts.
    p : float
        Its p value.
    greenhouse_geisser : float
        Epsilon of Greenhouse and Geisser.
    huynh_feldt : float
        Epsilon of Huynh and Feldt in Lecoutre's form; may exceed 1, and is cut to 1 when it corrects.
    """

    w: float
    p: float
    greenhouse_geisser: float
    huynh_feldt: float


def orthonormal_contrasts(levels: int) -> Floats:
    """Return orthonormal columns that sum to zero.

    Parameters
    ----------
    levels : int
        Levels of a factor, at least two.

    Returns
    -------
    ndarray, shape (levels, levels - 1)
        Helmert's contrasts, normalised.
    """
    found = np.zeros((levels, levels - 1))
    for j in range(1, levels):
        found[:j, j - 1] = 1.0
        found[j, j - 1] = -j
    return np.asarray(found / np.linalg.norm(found, axis=0), dtype=np.float64)


def sphericity(error: Floats, df: int) -> Sphericity:
    r"""Test sphericity from the error cross-products of orthonormal contrasts.

    Parameters
    ----------
    error : ndarray, shape (r, r)
        Cross-products within groups, pooled, of r > 1 orthonormal contrasts.
    df : int
        Their degrees of freedom: participants minus groups (minus covariates).

    Returns
    -------
    Sphericity
        Test and epsilons; with too few participants the epsilons only.

    Notes
    -----
    Mauchly (1940), Annals of Mathematical Statistics 11, 204-209, p with the second-order term of Box (1949):
    :math:`W = |S| / (\mathrm{tr} S / r)^r`. :math:`\hat\epsilon = (\mathrm{tr} S)^2 / (r\, \mathrm{tr} S^2)`
    (Greenhouse & Geisser, 1959, Psychometrika 24, 95-112);
    :math:`\tilde\epsilon = [(\nu + 1) r \hat\epsilon - 2] / [r (\nu - r \hat\epsilon)]` (Lecoutre, 1991, Journal of
    Educational Statistics 16, 371-372). R's `mauchly.test` has the number of occasions in place of r in one small term.
    """
    r = error.shape[0]
    trace = float(np.trace(error))
    gg = trace**2 / (r * float((error**2).sum()))
    hf = ((df + 1) * r * gg - 2) / (r * (df - r * gg))
    if df < r:
        return Sphericity(w=np.nan, p=np.nan, greenhouse_geisser=gg, huynh_feldt=hf)
    log_w = float(np.linalg.slogdet(error)[1]) - r * np.log(trace / r)
    rho = 1 - (2 * r**2 + r + 2) / (6 * r * df)
    second = (r + 2) * (r - 1) * (r - 2) * (2 * r**3 + 6 * r**2 + 3 * r + 2) / (288 * (df * r * rho) ** 2)
    z, degrees = -df * rho * log_w, r * (r + 1) / 2 - 1
    first = stats.chi2.sf(z, degrees)
    p = first + second * (stats.chi2.sf(z, degrees + 4) - first)
    return Sphericity(w=float(np.exp(log_w)), p=float(np.clip(p, 0, 1)), greenhouse_geisser=gg, huynh_feldt=hf)
