"""Rubin's rules: one answer from the analyses of several completed tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError

__all__ = ["Pooled", "barnard_rubin", "joint_of", "pooled"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """One quantity over all completed tables.

    Attributes
    ----------
    estimate : float
        Mean of the estimates.
    se : float
        Root of the total variance.
    df : float
        Degrees of freedom of t (Barnard and Rubin).
    within, between : float
        Mean of the squared standard errors, and variance of the estimates.
    fmi : float
        Fraction of missing information.
    riv : float
        Relative increase in variance from missing values.
    m : int
        Tables.
    """

    estimate: float
    se: float
    df: float
    within: float
    between: float
    fmi: float
    riv: float
    m: int


def pooled(estimates: ArrayLike, variances: ArrayLike, *, df: float = float("inf")) -> Pooled:
    r"""Pool estimates of one quantity.

    Parameters
    ----------
    estimates : array_like, shape (m,)
        One for each completed table.
    variances : array_like, shape (m,)
        Their squared standard errors.
    df : float, default inf
        Degrees of freedom that a complete table would have.

    Returns
    -------
    Pooled
        Estimate, standard error, degrees of freedom and fraction of missing information.

    Raises
    ------
    DataError
        For fewer than two tables, or variances that are not positive.

    Notes
    -----
    :math:`T = \bar W + (1 + 1/m) B` (Rubin, 1987); degrees of freedom for small samples by Barnard and Rubin (1999);
    fraction of missing information :math:`(r + 2/(\nu + 3))/(1 + r)`, :math:`r = (1 + 1/m) B / \bar W`.
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if q.ndim != 1 or q.shape != u.shape or q.size < 2:
        raise DataError(f"Pooling takes one estimate and one variance for each of at least two tables; given {q.shape}"
                        f" and {u.shape}.")  # fmt: skip
    if not (np.isfinite(q).all() and np.isfinite(u).all() and (u > 0).all()):
        raise DataError("Estimates must be finite and variances positive in every completed table.")
    within, between, m = float(u.mean()), float(q.var(ddof=1)), q.size
    total = within + (1 + 1 / m) * between
    riv = (1 + 1 / m) * between / within
    nu = barnard_rubin(between, total, m, df)
    fmi = (riv + 2 / (nu + 3)) / (1 + riv) if between > 0 else 0.0
    return Pooled(
        estimate=float(q.mean()), se=float(np.sqrt(total)), df=nu, within=within, between=between, fmi=fmi, riv=riv, m=m
    )


def barnard_rubin(between: float, total: float, m: int, df: float) -> float:
    """Return degrees of freedom of a pooled estimate.

    Parameters
    ----------
    between, total : float
        Variance between tables and total variance.
    m : int
        Tables.
    df : float
        Degrees of freedom of a complete table.

    Returns
    -------
    float
        Those of Barnard and Rubin (1999); `df` where the tables agree.
    """
    share = (1 + 1 / m) * between / total
    if share <= 0:
        return df
    old = (m - 1) / share**2
    if np.isinf(df):
        return old
    seen = (df + 1) / (df + 3) * df * (1 - share)
    return old * seen / (old + seen)


def joint_of(estimates: Floats, covariances: Sequence[Floats] | Floats, *, df: float) -> tuple[float, float, int]:
    r"""Test several quantities at once.

    Parameters
    ----------
    estimates : ndarray, shape (m, k)
        Estimates of independent contrasts in each table.
    covariances : ndarray, shape (m, k, k)
        Their covariances.
    df : float
        Degrees of freedom of a complete table.

    Returns
    -------
    tuple of (float, float, int)
        F, its denominator degrees of freedom, and k.

    Notes
    -----
    Statistic D1 of Li, Raghunathan and Rubin (1991): missing information is taken as equal for all quantities,
    :math:`r = (1 + 1/m)\,\mathrm{tr}(B \bar W^{-1})/k`, :math:`F = \bar q' \bar W^{-1} \bar q / (k (1 + r))`;
    degrees of freedom of Reiter (2007) where a complete table has finite ones.
    """
    m, k = estimates.shape
    mean, within = estimates.mean(axis=0), np.mean(np.asarray(covariances), axis=0)
    centred = estimates - mean
    between = centred.T @ centred / (m - 1)
    inverse = np.linalg.inv(within)
    r = (1 + 1 / m) * float(np.trace(between @ inverse)) / k
    f = float(mean @ inverse @ mean) / (k * (1 + r))
    return f, _joint_df(r, m, k, df), k


def _joint_df(r: float, m: int, k: int, df: float) -> float:
    t = k * (m - 1)
    if r <= 0 or (np.isinf(df) and t <= 4):
        return df if r <= 0 else t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    if np.isinf(df):
        return 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    if t <= 4:
        return min(df, t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2)
    found = _reiter(r, t, df)
    return found if np.isfinite(found) and found > 0 else min(df, t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2)


def _reiter(r: float, t: int, df: float) -> float:
    star = df * (df + 1) / (df + 3)
    a = r * t / (t - 2)
    c0 = 1 / (t - 4)
    c1, c2 = star - 2 * (1 + a), star - 4 * (1 + a)
    if c2 <= 0:
        return float("nan")
    z = (
        1 / c2
        + c0 * (a**2 * c1 / ((1 + a) ** 2 * c2))
        + c0 * (8 * a**2 * c1 / ((1 + a) * c2**2) + 4 * a**2 / ((1 + a) * c2))
        + c0 * (4 * a**2 / (c2 * c1) + 16 * a**2 * c1 / c2**3)
        + c0 * (8 * a**2 / c2**2)
    )
    return 4 + 1 / z
