"""From a correlation, a log odds ratio or a chi square to the standardised difference d."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError

__all__ = ["d_from_chi_square", "d_from_log_odds", "d_from_phi", "d_variance_from_phi"]

LOGISTIC_SD = np.pi / np.sqrt(3)
"""Standard deviation of the logistic distribution, the unit that turns log odds into d."""


def d_from_phi(phi: ArrayLike) -> NDArray[np.float64]:
    r"""Convert a correlation of two equal groups to d.

    Parameters
    ----------
    phi : array_like
        Correlations between -1 and 1, both excluded.

    Returns
    -------
    ndarray
        d.

    Raises
    ------
    DataError
        For a correlation of 1 or more in size.

    Notes
    -----
    :math:`d = 2 r / \sqrt{1 - r^2}` (Borenstein et al., 2009, Introduction to Meta-Analysis, chapter 7).
    """
    r = np.asarray(phi, dtype=np.float64)
    if not (np.abs(r) < 1).all():
        raise DataError(f"A correlation must lie between -1 and 1 to become d; given {np.ravel(r)[:5].tolist()}.")
    return np.asarray(2 * r / np.sqrt(1 - r**2), dtype=np.float64)


def d_variance_from_phi(phi: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Return the sampling variance of the d made from a correlation.

    Parameters
    ----------
    phi : array_like
        Correlations.
    n : array_like
        People behind each correlation; at least 2.

    Returns
    -------
    ndarray
        Variance of d.

    Raises
    ------
    DataError
        For n below 2 or a correlation of 1 or more in size.

    Notes
    -----
    :math:`V_d = 4 V_r / (1 - r^2)^3` with :math:`V_r = (1 - r^2)^2 / (n - 1)` (Borenstein et al., 2009, chapter 7).
    """
    r, size = np.asarray(phi, dtype=np.float64), np.asarray(n, dtype=np.float64)
    d_from_phi(r)
    if not (size >= 2).all():
        raise DataError(f"A correlation needs at least 2 people; given n {np.ravel(size)[:5].tolist()}.")
    return np.asarray(4 / ((size - 1) * (1 - r**2)), dtype=np.float64)


def d_from_log_odds(log_odds_ratio: ArrayLike) -> NDArray[np.float64]:
    r"""Convert a log odds ratio to d, as if a logistic variable had been cut in two.

    Parameters
    ----------
    log_odds_ratio : array_like
        Natural logarithm of odds ratios; a standard error converts by the same factor.

    Returns
    -------
    ndarray
        d.

    Notes
    -----
    :math:`d = \ln(OR) \sqrt{3} / \pi` (Hasselblad and Hedges, 1995, Psychological Bulletin 117, 167-178).
    """
    return np.asarray(np.asarray(log_odds_ratio, dtype=np.float64) / LOGISTIC_SD, dtype=np.float64)


def d_from_chi_square(statistic: float, n: int) -> float:
    r"""Convert a chi square with one degree of freedom to d.

    Parameters
    ----------
    statistic : float
        Chi square, with or without continuity correction.
    n : int
        People in the table.

    Returns
    -------
    float
        The size of d; chi square knows no sign.

    Raises
    ------
    DataError
        Where chi square is negative or not below `n`.

    Notes
    -----
    :math:`d = 2 \sqrt{\chi^2 / (N - \chi^2)}` (Borenstein et al., 2009, chapter 7, through
    :math:`r = \sqrt{\chi^2 / N}`).
    """
    if not 0 <= statistic < n:
        raise DataError(f"Chi square of a two by two table lies between 0 and n; given {statistic} with n {n}.")
    return float(2 * np.sqrt(statistic / (n - statistic)))
