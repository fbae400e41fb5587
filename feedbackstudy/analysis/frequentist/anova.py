"""Sums of squares of types I, II and III for factorial, repeated-measures and mixed designs, with covariates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.frequentist.sphericity import Sphericity, orthonormal_contrasts, sphericity
from feedbackstudy.errors import DataError

__all__ = ["Correction", "SquaresType", "Stratum", "Tested", "strata"]

type Floats = NDArray[np.float64]
type SquaresType = Literal[1, 2, 3]
type Correction = Literal["gg", "hf", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One term of an analysis of variance.

    Attributes
    ----------
    parts : tuple of str
        Between part, then within part.
    ss, df : float
        Sum of squares and degrees of freedom.
    """

    parts: tuple[str, ...]
    ss: float
    df: float

    def f(self, stratum: "Stratum") -> float:
        """Return the F ratio.

        Parameters
        ----------
        stratum : Stratum
            The stratum whose error tests the term.

        Returns
        -------
        float
            F.
        """
        return (self.ss / self.df) / (stratum.ss_error / stratum.df_error)

    def p(self, stratum: "Stratum", epsilon: float = 1.0) -> float:
        """Return the p value of F.

        Parameters
        ----------
        stratum : Stratum
            The stratum whose error tests the term.
        epsilon : float, default 1
            Factor on both degrees of freedom.

        Returns
        -------
        float
            Upper tail.
        """
        return float(special.fdtrc(self.df * epsilon, stratum.df_error * epsilon, self.f(stratum)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """The terms that share one error.

    Attributes
    ----------
    within : tuple of str
        Within factors of the stratum; empty for the comparison of participants.
    terms : tuple of Tested
        Terms tested here.
    ss_error, df_error : float
        Their error.
    sphericity : Sphericity or None
        For a stratum of more than one degree of freedom per participant.
    """

    within: tuple[str, ...]
    terms: tuple[Tested, ...]
    ss_error: float
    df_error: float
    sphericity: Sphericity | None

    def epsilon(self, correction: Correction) -> float:
        """Return the factor on the degrees of freedom.

        Parameters
        ----------
        correction : {"gg", "hf", "none"}
            Greenhouse-Geisser, Huynh-Feldt (at most 1) or none.

        Returns
        -------
        float
            1 where nothing is to correct.
        """
        if self.sphericity is None or correction == "none":
            return 1.0
        found = self.sphericity
        return min(1.0, found.greenhouse_geisser if correction == "gg" else found.huynh_feldt)


def strata(
    Y: Floats,
    X: Floats,
    spans: Mapping[tuple[str, ...], slice],
    within: Mapping[str, int],
    *,
    ss_type: SquaresType = 3,
) -> tuple[Stratum, ...]:
    r"""Decompose repeated measures of participants into strata.

    Parameters
    ----------
    Y : ndarray, shape (participants, occasions)
        Outcomes; the last within factor varies fastest; one column where nothing is repeated.
    X : ndarray, shape (participants, p)
        Between design: intercept, then sum-coded terms and centred covariates.
    spans : mapping of tuple of str to slice
        Parts of each between term -> its columns, in the order for type I.
    within : mapping of str to int
        Within factor -> levels.
    ss_type : {1, 2, 3}, default 3
        Each term after those before it; after all that do not contain it; after all others.

    Returns
    -------
    tuple of Stratum
        Participants first, then one stratum for each within factor and interaction of them.

    Raises
    ------
    DataError
        For no error degree of freedom, or columns that depend on each other.

    Notes
    -----
    For orthonormal within contrasts :math:`P` the stratum is the multivariate model of :math:`YP`; its univariate sums
    of squares are traces of hypothesis and error cross-products (O'Brien & Kaiser, 1985, Psychological Bulletin 97,
    316-333). The epsilons use the error pooled within groups.
    """
    n, p = X.shape
    if n - p < 1:
        raise DataError(f"{n} participants cannot estimate {p} between effects and an error; simplify the model.")
    if np.linalg.matrix_rank(X) < p:
        raise DataError("Between terms depend on each other perfectly (an empty cell, or collinear covariates).")
    names, found = list(within), []
    # Moved near 0, an outcome of large numbers keeps its digits; no term here tests the constant.
    centred = Y - Y.mean()
    for size in range(len(names) + 1):
        for chosen in combinations(names, size):
            found.append(_stratum(centred @ _contrasts(within, chosen), X, spans, chosen, ss_type))
    return tuple(found)


def _contrasts(within: Mapping[str, int], chosen: Sequence[str]) -> Floats:
    P: Floats = np.ones((1, 1))
    for name, levels in within.items():
        part = orthonormal_contrasts(levels) if name in chosen else np.full((levels, 1), levels**-0.5)
        P = np.asarray(np.kron(P, part), dtype=np.float64)
    return P


def _stratum(
    T: Floats, X: Floats, spans: Mapping[tuple[str, ...], slice], chosen: tuple[str, ...], ss_type: SquaresType
) -> Stratum:
    n, p = X.shape
    r = T.shape[1]
    residuals = T - X @ np.linalg.lstsq(X, T, rcond=None)[0]
    error = residuals.T @ residuals
    if not np.trace(error) > 1e-20 * float((T**2).sum()):
        raise DataError("The model fits every value exactly; there is no error left to test against.")
    tests: dict[tuple[str, ...], slice] = dict(spans) if not chosen else {(): slice(0, 1), **spans}
    terms = tuple(
        Tested(parts=parts + chosen, ss=_sum_of_squares(T, X, tests, parts, ss_type), df=float((s.stop - s.start) * r))
        for parts, s in tests.items()
    )
    return Stratum(
        within=chosen,
        terms=terms,
        ss_error=float(np.trace(error)),
        df_error=float((n - p) * r),
        sphericity=sphericity(error, n - p) if r > 1 else None,
    )


def _sum_of_squares(
    T: Floats, X: Floats, tests: Mapping[tuple[str, ...], slice], parts: tuple[str, ...], ss_type: SquaresType
) -> float:
    """Return what the columns of a term explain beyond those that its type puts before it."""
    before = np.zeros(X.shape[1], dtype=np.bool_)
    before[0] = parts != ()
    own = np.zeros_like(before)
    own[tests[parts]] = True
    for other, span in tests.items():
        if other == parts:
            if ss_type == 1:
                break
            continue
        if ss_type != 2 or not set(parts) <= set(other):
            before[span] = True
    if ss_type == 1 and parts == ():
        before[:] = False
    reduced = X[:, before]
    added = X[:, own]
    if reduced.shape[1]:
        added = added - reduced @ np.linalg.lstsq(reduced, added, rcond=None)[0]
    basis, _ = np.linalg.qr(added)
    return float(((basis.T @ T) ** 2).sum())
