"""Generalised estimating equations of statsmodels: arrays in, coefficients and working correlation out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.adapters import quiet

__all__ = ["Family", "GeeFit", "Structure", "gee"]

type _Floats = NDArray[np.float64]
type Family = Literal["gaussian", "binomial", "poisson"]
type Structure = Literal["exchangeable", "independence"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeeFit:
    """A fit of statsmodels.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Coefficients on the scale of the link (identity, logit, log).
    correlation : float
        Working correlation within clusters.
    scale : float
        Dispersion.
    robust, bias_reduced : ndarray, shape (p, p)
        Its sandwich covariance, and that of Mancl and DeRouen, for comparison with ours.
    converged : bool
        Whether the iterations ended.
    """

    params: _Floats
    correlation: float
    scale: float
    robust: _Floats
    bias_reduced: _Floats
    converged: bool


def gee(y: _Floats, X: _Floats, cluster: NDArray[np.int64], family: Family, structure: Structure) -> GeeFit:
    """Fit generalised estimating equations.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Design.
    cluster : ndarray of int, shape (n,)
        Cluster of each row.
    family : {"gaussian", "binomial", "poisson"}
        Distribution, with its canonical link.
    structure : {"exchangeable", "independence"}
        Working correlation.

    Returns
    -------
    GeeFit
        ``statsmodels.genmod.generalized_estimating_equations.GEE``.
    """
    from statsmodels.genmod import cov_struct, families  # type: ignore[import-untyped, unused-ignore]
    from statsmodels.genmod.generalized_estimating_equations import GEE  # type: ignore[import-untyped, unused-ignore]

    made = {"gaussian": families.Gaussian, "binomial": families.Binomial, "poisson": families.Poisson}[family]()
    working = cov_struct.Exchangeable() if structure == "exchangeable" else cov_struct.Independence()
    with quiet("statsmodels"):
        model = GEE(y, X, groups=cluster, family=made, cov_struct=working)
        fit = model.fit(maxiter=200, ctol=1e-10, cov_type="bias_reduced")
    alpha = float(np.ravel(working.dep_params)[0]) if structure == "exchangeable" else 0.0
    return GeeFit(
        params=np.asarray(fit.params, dtype=np.float64),
        correlation=alpha,
        scale=float(fit.scale),
        robust=np.asarray(fit.cov_robust, dtype=np.float64),
        bias_reduced=np.asarray(fit.cov_robust_bc, dtype=np.float64),
        converged=bool(fit.converged),
    )
