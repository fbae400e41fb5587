"""Reference distributions of contrasts: one number of degrees of freedom for all, or Satterthwaite's for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.clustered import ClusterRobust, independent_rows
from feedbackstudy.errors import DataError

__all__ = ["Reference", "same_df", "satterthwaite"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a contrast and several contrasts at once are tested against.

    Attributes
    ----------
    df : callable
        Takes weights, shape (k,), and returns degrees of freedom of t; infinite for the normal distribution.
    joint_df, joint_scale : callable or None
        Take weights, shape (contrasts, k), and return denominator degrees of freedom and factor of F; None where `df`
        agrees for all and the factor is 1.
    """

    df: Callable[[Floats], float]
    joint_df: Callable[[Floats], float] | None = None
    joint_scale: Callable[[Floats], float] | None = None


def same_df(df: float) -> Reference:
    """Return a reference that is the same for every contrast.

    Parameters
    ----------
    df : float
        Its degrees of freedom.

    Returns
    -------
    Reference
        Without a factor.
    """
    return Reference(df=lambda _: df)


def satterthwaite(robust: ClusterRobust, slopes: Floats) -> Reference:
    """Return the reference of contrasts whose covariance is a sandwich over clusters.

    Parameters
    ----------
    robust : ClusterRobust
        Of the coefficients.
    slopes : ndarray, shape (k, p)
        Derivatives of the quantities that are compared by the coefficients; the identity for the coefficients.

    Returns
    -------
    Reference
        Satterthwaite's degrees of freedom; HTZ for joint tests. Each raises a `DataError` where one cluster determines
        a quantity alone.
    """

    def carried(rows: Floats) -> Floats:
        return independent_rows(np.atleast_2d(rows) @ slopes)

    return Reference(
        df=lambda row: robust.df(row @ slopes),
        joint_df=lambda rows: robust.hotelling(carried(rows))[1],
        joint_scale=lambda rows: robust.hotelling(carried(rows))[0],
    )


def coefficient_errors(covariance: Floats, reference: Reference) -> tuple[Floats, list[float]]:
    """Return standard error and degrees of freedom of each coefficient.

    Parameters
    ----------
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    reference : Reference
        Of contrasts of them.

    Returns
    -------
    tuple of (ndarray, list of float)
        NaN where one cluster determines a coefficient alone; `without_error` says so.
    """
    ses, dfs = np.sqrt(np.diag(covariance)), []
    for at, unit in enumerate(np.eye(len(covariance))):
        try:
            dfs.append(float(reference.df(unit)))
        except DataError:
            ses[at] = np.nan
            dfs.append(np.nan)
    return ses, dfs


def without_error(names: Sequence[str]) -> tuple[str, ...]:
    """Say why coefficients have no standard error.

    Parameters
    ----------
    names : sequence of str
        Theirs.

    Returns
    -------
    tuple of str
        Empty where all have one.
    """
    if not names:
        return ()
    return (f"without a standard error, as one cluster determines them alone: {', '.join(names)}",)


def untested_terms(terms: Sequence[str]) -> tuple[str, ...]:
    """Say why terms have no joint test.

    Parameters
    ----------
    terms : sequence of str
        Theirs.

    Returns
    -------
    tuple of str
        Empty where all have one.
    """
    if not terms:
        return ()
    return (f"Not tested jointly, as the clusters are too few or determine them alone: {', '.join(terms)}.",)
