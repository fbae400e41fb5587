"""The one typed door to statsmodels: arrays and frames in, arrays and floats out; it is imported when first used."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.adapters import quiet
from feedbackstudy.errors import DataError

__all__ = ["CountFit", "adjusted_p", "zero_inflated_negative_binomial"]

_Floats = NDArray[np.float64]
type Adjustment = Literal["holm", "bonferroni", "hochberg", "hommel", "fdr_bh", "fdr_by"]
_METHODS = {
    "holm": "holm",
    "bonferroni": "bonferroni",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "fdr_bh": "fdr_bh",
    "fdr_by": "fdr_by",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountFit:
    """A fit of statsmodels, for comparison with ours.

    Attributes
    ----------
    count, zero : ndarray
        Coefficients of the log mean and of the log odds of a structural zero.
    log_theta : float
        Logarithm of the size (minus the logarithm of statsmodels' alpha).
    log_likelihood : float
        At the maximum.
    """

    count: _Floats
    zero: _Floats
    log_theta: float
    log_likelihood: float


def adjusted_p(p: ArrayLike, *, method: Adjustment) -> _Floats:
    """Adjust p values for multiplicity.

    Parameters
    ----------
    p : array_like, shape (k,)
        p values of one family.
    method : {"holm", "bonferroni", "hochberg", "hommel", "fdr_bh", "fdr_by"}
        The adjustment.

    Returns
    -------
    ndarray, shape (k,)
        Adjusted p values, from `statsmodels.stats.multitest.multipletests`.

    Raises
    ------
    DataError
        For a p value outside 0 to 1, or none at all.
    """
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped, unused-ignore]

    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise DataError(f"Give the p values of a family, each between 0 and 1; given {values.tolist()}.")
    with quiet("statsmodels"):
        return np.asarray(multipletests(values, method=_METHODS[method])[1], dtype=np.float64)


def zero_inflated_negative_binomial(
    y: ArrayLike, count_design: ArrayLike, zero_design: ArrayLike, *, start: ArrayLike
) -> CountFit:
    """Fit a zero-inflated negative binomial with statsmodels, as a check of our own.

    Parameters
    ----------
    y : array_like of int, shape (people,)
        Counts, one row for each person.
    count_design, zero_design : array_like, shape (people, p) and (people, q)
        Predictors.
    start : array_like, shape (q + p + 1,)
        Start: zero part, count part, log size. Without a good one statsmodels stops early.

    Returns
    -------
    CountFit
        ``ZeroInflatedNegativeBinomialP`` with p = 2 (NB2), by BFGS.
    """
    from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP  # type: ignore[import-untyped, unused-ignore]

    X, Z = np.asarray(count_design, dtype=np.float64), np.asarray(zero_design, dtype=np.float64)
    first = np.asarray(start, dtype=np.float64).copy()
    first[-1] = np.exp(-first[-1])
    with quiet("statsmodels"):
        model = ZeroInflatedNegativeBinomialP(np.asarray(y), X, exog_infl=Z, p=2)
        fit = model.fit(start_params=first, method="bfgs", maxiter=500, gtol=1e-8, disp=False)
    params = np.asarray(fit.params, dtype=np.float64)
    q = Z.shape[1]
    return CountFit(
        count=params[q:-1], zero=params[:q], log_theta=float(-np.log(params[-1])), log_likelihood=float(fit.llf)
    )
