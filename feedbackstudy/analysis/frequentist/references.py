"""Reference distributions of contrasts: one number of degrees of freedom for all, or Satterthwaite's for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.clustered import ClusterRobust, independent_rows
from feedbackstudy.errors import DataError

__all__ = ["Reference", "coefficient_errors", "nuisance", "same_df", "satterthwaite", "untested_terms", "without_error"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


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


def nuisance(
    names: Sequence[str], spans: Mapping[str, slice], factors: Mapping[str, Integers], cluster: Integers | None
) -> frozenset[str]:
    """Return the coefficients that no question is about: the intercept, and indicators of the clusters themselves.

    Parameters
    ----------
    names : sequence of str
        All coefficients.
    spans : mapping of str to slice
        Those of each term.
    factors : mapping of str to ndarray, shape (n,)
        Codes of each factor.
    cluster : ndarray of int, shape (n,), or None
        Cluster of each row.

    Returns
    -------
    frozenset of str
        Their names.
    """
    found = ["(Intercept)"]
    for term, codes in factors.items():
        if cluster is not None and term in spans:
            pairs, levels, clusters = (len(set(x)) for x in (zip(codes, cluster, strict=True), codes, cluster))
            found += names[spans[term]] if pairs == levels == clusters else ()
    return frozenset(found)


def without_error(names: Sequence[str], aside: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say why coefficients have no standard error.

    Parameters
    ----------
    names : sequence of str
        Theirs.
    aside : frozenset of str
        Those that no question is about.

    Returns
    -------
    tuple of (tuple of str, tuple of str)
        Notes, and failures where a question is about one of them.
    """
    if not names:
        return (), ()
    said = f"Without a standard error, as one cluster determines them alone: {', '.join(names)}."
    asked = [name for name in names if name not in aside]
    failures = (f"no standard error of {', '.join(asked)}, which one cluster determines alone",) if asked else ()
    return (said,), failures


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
