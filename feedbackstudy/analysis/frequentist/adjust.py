"""p values and intervals of a family of contrasts, adjusted for their number."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from feedbackstudy.analysis.frequentist.multivariate_t import beyond_any, simultaneous_quantile
from feedbackstudy.errors import DataError, NotFoundError, choices

__all__ = ["ADJUSTMENTS", "Adjusted", "Family", "adjust", "adjusted_for_number", "adjustment"]

type Floats = NDArray[np.float64]
type Family = Literal[
    "none", "holm", "bonferroni", "hochberg", "hommel", "fdr", "fdr_bh", "fdr_by", "tukey", "mvt", "dunnett"
]

ADJUSTMENTS = {
    "none": "no adjustment",
    "holm": "Holm",
    "bonferroni": "Bonferroni",
    "hochberg": "Hochberg",
    "hommel": "Hommel",
    "fdr_bh": "false discovery rate, Benjamini and Hochberg",
    "fdr_by": "false discovery rate, Benjamini and Yekutieli",
    "tukey": "Tukey's studentised range",
    "mvt": "single step by the multivariate t distribution",
    "dunnett": "Dunnett's comparison with one (multivariate t)",
}
"""The adjustments in words."""

_ALSO_CALLED = {"fdr": "fdr_bh"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adjusted:
    """Adjusted p values of a family.

    Attributes
    ----------
    p : ndarray, shape (m,)
        Adjusted p values.
    quantile : float or None
        Half width of simultaneous intervals in standard errors; None for step-wise methods, which have none.
    """

    p: Floats
    quantile: float | None


def adjustment(method: str) -> str:
    """Return the name of an adjustment under which it is kept.

    Parameters
    ----------
    method : str
        A key of `ADJUSTMENTS`, or "fdr" for the false discovery rate of Benjamini and Hochberg, as in R's ``p.adjust``.

    Returns
    -------
    str
        A key of `ADJUSTMENTS`.

    Raises
    ------
    NotFoundError
        For another name.
    """
    kept = _ALSO_CALLED.get(method, method)
    if kept not in ADJUSTMENTS:
        raise NotFoundError(choices("Adjustment", method, (*ADJUSTMENTS, *_ALSO_CALLED)))
    return kept


def adjust(
    statistics: Floats, p: Floats, df: float, method: str, *, covariance: Floats, means: int, level: float
) -> Adjusted:
    """Adjust the p values of a family of contrasts.

    Parameters
    ----------
    statistics, p : ndarray, shape (m,)
        Their t statistics and two-sided p values.
    df : float
        Common degrees of freedom, for "tukey", "mvt" and "dunnett".
    method : str
        A key of `ADJUSTMENTS`.
    covariance : ndarray, shape (m, m)
        Covariance of the estimates, for "mvt" and "dunnett".
    means : int
        Means that were compared, for "tukey".
    level : float
        Level of simultaneous intervals.

    Returns
    -------
    Adjusted
        p values, and the quantile of simultaneous intervals where the method has one.

    Raises
    ------
    NotFoundError
        For an unknown method.
    DataError
        For "tukey" on contrasts that are not all pairs of the means.
    """
    method = adjustment(method)
    if method == "none" or p.size == 1:
        return Adjusted(p=p, quantile=None)
    if method == "tukey":
        return _tukey(statistics, df, means, level)
    if method in ("mvt", "dunnett"):
        sd = np.sqrt(np.diag(covariance))
        R = covariance / np.outer(sd, sd)
        found = np.array([beyond_any(abs(t), R, df) for t in statistics])
        return Adjusted(p=np.maximum(found, p), quantile=simultaneous_quantile(level, R, df))
    quantile = float(stats.t.isf((1 - level) / 2 / p.size, df)) if method == "bonferroni" else None
    return Adjusted(p=adjusted_for_number(p, method), quantile=quantile)


def adjusted_for_number(p: ArrayLike, method: str) -> Floats:
    r"""Adjust p values by their number alone.

    Parameters
    ----------
    p : array_like, shape (m,)
        p values of one family.
    method : {"bonferroni", "holm", "hochberg", "hommel", "fdr", "fdr_bh", "fdr_by"}
        The adjustment.

    Returns
    -------
    ndarray, shape (m,)
        Adjusted p values.

    Raises
    ------
    DataError
        For a p value outside 0 to 1, or none at all.
    NotFoundError
        For another method.

    Notes
    -----
    Holm (1979), Hochberg (1988), Hommel (1988; by the algorithm of Wright, 1992, Biometrics 48, 1005-1013), Benjamini
    & Hochberg (1995), Benjamini & Yekutieli (2001). As `statsmodels.stats.multitest.multipletests`, which empties
    Python's memory at each call and so takes a hundred times as long.
    """
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise DataError(f"Give the p values of a family, each between 0 and 1; given {values.tolist()}.")
    m, method = values.size, adjustment(method)
    order = np.argsort(values, kind="stable")
    ordered, rank = values[order], np.arange(1, m + 1)
    if method in ("holm", "bonferroni"):
        found = np.maximum.accumulate((m - rank + 1) * ordered) if method == "holm" else m * ordered
    elif method == "hommel":
        found = _hommel(ordered)
    elif method in ("hochberg", "fdr_bh", "fdr_by"):
        factor = {"hochberg": m - rank + 1.0, "fdr_bh": m / rank, "fdr_by": m / rank * (1 / rank).sum()}[method]
        found = np.minimum.accumulate((factor * ordered)[::-1])[::-1]
    else:
        raise NotFoundError(choices("Adjustment", method, ADJUSTMENTS))
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(found, 1.0)
    return adjusted


def _hommel(ordered: Floats) -> Floats:
    m = ordered.size
    found = np.full(m, (m * ordered / np.arange(1, m + 1)).min())
    for k in range(m - 1, 1, -1):
        tail = ordered[m - k + 1 :]
        least = float((k * tail / np.arange(2, k + 1)).min())
        bound = np.where(np.arange(m) <= m - k, np.minimum(k * ordered, least), 0.0)
        bound[m - k + 1 :] = bound[m - k]
        found = np.maximum(found, bound)
    return np.maximum(found, ordered)


def _tukey(statistics: Floats, df: float, means: int, level: float) -> Adjusted:
    if statistics.size != means * (means - 1) // 2:
        raise DataError(
            f"Tukey's test is for all {means * (means - 1) // 2} pairs of {means} means; there are {statistics.size} "
            "contrasts. Use 'mvt' or 'holm'."
        )
    # scipy's studentised range knows no infinite df; from 100,000 on its digits do not change
    finite = min(df, 1e5)
    p = stats.studentized_range.sf(np.abs(statistics) * np.sqrt(2), means, finite)
    return Adjusted(p=np.clip(p, 0, 1), quantile=_range_quantile(level, means, finite))


@lru_cache(maxsize=64)
def _range_quantile(level: float, means: int, df: float) -> float:
    """Return Tukey's half width in standard errors; scipy's search takes a tenth of a second."""
    return float(stats.studentized_range.isf(1 - level, means, df)) / float(np.sqrt(2))
