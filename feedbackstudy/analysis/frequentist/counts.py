"""Counts with many zeros: the zero-inflated negative binomial and Poisson, from a frequency table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit

from feedbackstudy.analysis.frequencies import InflatedLaw
from feedbackstudy.analysis.frequentist.zero_inflated_likelihood import (
    Maximum,
    Vector,
    ZeroInflatedRows,
    derivatives,
    maximise,
    starts,
)
from feedbackstudy.errors import DataError

__all__ = [
    "POISSON_LIMIT",
    "CoefficientContrast",
    "ZeroInflated",
    "expected_law",
    "zero_inflated",
]

POISSON_LIMIT = (
    "The counts that are no structural zeros vary no more than a Poisson allows, so the likelihood of the negative "
    "binomial has its maximum there: this is the zero-inflated Poisson model."
)

_LARGEST = 12.0  # log size from which on a negative binomial is a Poisson to five digits, and its terms lose theirs
_AT_END = 12.0  # log odds beyond which a share is 0 or 1 to five digits
_UNTOLD = 1e-7  # information about a log odds, as a share of that of coin tosses, below which there is none
_PART = 1e-3  # share of the largest coefficient from which a column takes part in a direction
_GAIN = 1e-4  # log likelihood that a size must add to a Poisson for a negative binomial to have a maximum of its own

_Floats = NDArray[np.float64]
type Part = Literal["count", "zero"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZeroInflated:
    """Maximum-likelihood fit of a zero-inflated negative binomial or Poisson.

    Attributes
    ----------
    count : ndarray, shape (p,)
        Coefficients of the log mean of the count part.
    zero : ndarray, shape (q,)
        Coefficients of the log odds of a structural zero.
    log_theta : float or None
        Logarithm of the size; the count variance is mean + mean squared / theta. None for a Poisson.
    covariance : ndarray, shape (p + q + 1, p + q + 1), or without the last for a Poisson
        Inverse of the observed information, in the order count, zero, log theta.
    log_likelihood, aic : float
        With as many parameters as `covariance` has columns.
    n : int
        People.
    iterations : int
        Steps until the gradient vanished.
    """

    count: _Floats
    zero: _Floats
    log_theta: float | None
    covariance: _Floats
    log_likelihood: float
    aic: float
    n: int
    iterations: int

    @property
    def se(self) -> _Floats:
        """Standard errors, in the order count, zero, log theta."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=np.float64)

    def wald(self, *, level: float = 0.95) -> tuple[_Floats, _Floats, _Floats, _Floats]:
        """Return estimate, low, high and p of all coefficients, on the log scale.

        Parameters
        ----------
        level : float, default 0.95
            Level of the intervals.

        Returns
        -------
        tuple of ndarray
            In the order count, zero, log theta.
        """
        last = [] if self.log_theta is None else [self.log_theta]
        estimate = np.concatenate([self.count, self.zero, last])
        half = stats.norm.ppf(0.5 + level / 2) * self.se
        p = np.asarray(2 * stats.norm.sf(np.abs(estimate / self.se)), dtype=np.float64)
        return estimate, estimate - half, estimate + half, p

    def contrast(self, weights: ArrayLike, *, part: Part, level: float = 0.95) -> "CoefficientContrast":
        """Test a weighted sum of the coefficients of one part.

        Parameters
        ----------
        weights : array_like
            One weight for each coefficient of the part; for weights over cells multiply them with the cells' design.
        part : {"count", "zero"}
            Log means, or log odds of a structural zero.
        level : float, default 0.95
            Level of the interval.

        Returns
        -------
        CoefficientContrast
            On the log scale.

        Raises
        ------
        DataError
            For weights that do not fit or are all zero.
        """
        w = np.asarray(weights, dtype=np.float64)
        coefficients = self.count if part == "count" else self.zero
        if w.shape != coefficients.shape or not w.any():
            raise DataError(f"Give one weight for each of {coefficients.size} coefficients; given {w.tolist()}.")
        start = 0 if part == "count" else self.count.size
        block = slice(start, start + w.size)
        estimate, se = float(w @ coefficients), float(np.sqrt(w @ self.covariance[block, block] @ w))
        half = float(stats.norm.ppf(0.5 + level / 2)) * se
        return CoefficientContrast(
            estimate=estimate,
            se=se,
            low=estimate - half,
            high=estimate + half,
            level=level,
            z=estimate / se,
            p=float(2 * stats.norm.sf(abs(estimate / se))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoefficientContrast:
    """A weighted sum of the coefficients of one part, on the log scale.

    Attributes
    ----------
    estimate, se : float
        The sum and its standard error.
    low, high, level : float
        Wald interval.
    z, p : float
        Wald test of zero, two-sided.
    """

    estimate: float
    se: float
    low: float
    high: float
    level: float
    z: float
    p: float


def zero_inflated(
    y: ArrayLike,
    weights: ArrayLike,
    *,
    count_design: ArrayLike,
    zero_design: ArrayLike,
    law: Literal["negative binomial", "poisson"] = "negative binomial",
    zero_names: Sequence[str] = (),
) -> ZeroInflated:
    r"""Fit counts with structural zeros, whose others follow a negative binomial or a Poisson, to a frequency table.

    Parameters
    ----------
    y : array_like of int, shape (rows,)
        Distinct counts.
    weights : array_like of int, shape (rows,)
        People behind each row.
    count_design : array_like, shape (rows, p)
        Predictors of the log mean.
    zero_design : array_like, shape (rows, q)
        Predictors of the log odds of a structural zero.
    law : {"negative binomial", "poisson"}, default "negative binomial"
        Law of the counts that are no structural zeros. A negative binomial whose likelihood rises until it is a
        Poisson becomes one.
    zero_names : sequence of str
        What messages call the columns of `zero_design`; their positions where left out.

    Returns
    -------
    ZeroInflated
        The fit; the weighted likelihood of distinct rows equals the likelihood of all people. `log_theta` is None where
        it is a Poisson.

    Raises
    ------
    DataError
        For counts or weights that are not whole, data without any zero or without any other count, a design that does
        not fit or has dependent columns, or a likelihood without a maximum, such as that of a share of structural
        zeros of nothing.

    Notes
    -----
    Lambert (1992), Technometrics 34, 1-14, who has the Poisson; with the negative binomial (NB2)
    :math:`P(0) = \pi + (1-\pi) (\theta/(\theta+\mu))^\theta`,
    :math:`P(y) = (1-\pi)\, \frac{\Gamma(y+\theta)}{\Gamma(\theta) y!} \left(\frac{\theta}{\theta+\mu}\right)^\theta
    \left(\frac{\mu}{\theta+\mu}\right)^y`. Gradient and Hessian are analytic; the maximum is found by a trust-region
    Newton method from several starts, and the best one is returned.
    """
    rows = ZeroInflatedRows.of(y, weights, count_design, zero_design)
    size = rows.X.shape[1] + rows.Z.shape[1]
    of_poisson = [start[:size] for start in starts(rows)]
    if law == "poisson":
        return _fitted(of_poisson, rows, zero_names)
    found = [each for each in (maximise(start, rows) for start in starts(rows)) if each.at[-1] < _LARGEST]
    try:
        limit = _fitted(of_poisson, rows, zero_names)
    except DataError:
        if not found:
            raise
        return _judged(found, rows, zero_names)
    best = max((each.log_likelihood for each in found), default=-np.inf)
    return _judged(found, rows, zero_names) if best > limit.log_likelihood + _GAIN else limit


def _fitted(begin: Sequence[Vector], rows: ZeroInflatedRows, names: Sequence[str]) -> ZeroInflated:
    return _judged([maximise(start, rows) for start in begin], rows, names)


def _judged(found: Sequence[Maximum], rows: ZeroInflatedRows, names: Sequence[str]) -> ZeroInflated:
    """Return the highest end of the searches, refused where it is no maximum."""
    best = max(found, key=lambda fit: fit.log_likelihood, default=None)
    gradient, hessian = (np.inf, np.zeros((1, 1))) if best is None else derivatives(best.at, rows)
    endless = () if best is None else _endless(best.at, hessian, rows)
    if endless:
        called = [names[j] if names else f"column {j} of zero_design, counted from 0" for j in endless]
        raise DataError(
            f"The share of structural zeros comes to nothing or to one ({'; '.join(called)}), so the zero-inflated "
            "likelihood has no maximum: there are no more zeros than the counts explain, or nothing but zeros. Use a "
            "model without inflation, or a Bayesian prior, which keeps the share inside."
        )
    values = np.linalg.eigvalsh(hessian)
    if best is None or np.abs(gradient).max() > 1e-4 * rows.w.sum() or values[0] <= 1e-10 * values[-1]:
        raise DataError(
            "The zero-inflated likelihood has no maximum with these predictors (one part may be empty in a group, such "
            "as a group without zeros). Use a model without inflation, or a Bayesian prior."
        )
    p, q = rows.X.shape[1], rows.Z.shape[1]
    return ZeroInflated(
        count=best.at[:p],
        zero=best.at[p : p + q],
        log_theta=float(best.at[-1]) if best.at.size > p + q else None,
        covariance=np.linalg.inv(hessian),
        log_likelihood=best.log_likelihood,
        aic=2 * best.at.size - 2 * best.log_likelihood,
        n=int(rows.w.sum()),
        iterations=best.steps,
    )


def _endless(at: _Floats, hessian: _Floats, rows: ZeroInflatedRows) -> tuple[int, ...]:
    """Return the zero columns whose coefficients run off: a search ends where their slope is lost in rounding.

    There the information about a log odds, the count part unknown, is next to nothing beside that of as many tosses of
    a coin, which no log odds exceeds.
    """
    p, q = rows.X.shape[1], rows.Z.shape[1]
    zero = slice(p, p + q)
    if np.abs(rows.Z[rows.w > 0] @ at[zero]).max() <= _AT_END:
        return ()
    others = np.delete(np.arange(at.size), np.arange(p, p + q))
    across = hessian[zero][:, others]
    own = hessian[zero, zero] - across @ np.linalg.pinv(hessian[np.ix_(others, others)], hermitian=True) @ across.T
    root = np.linalg.inv(np.linalg.cholesky((rows.Z.T * rows.w) @ rows.Z / 4))
    values, vectors = np.linalg.eigh(root @ own @ root.T)
    directions = np.abs(root.T @ vectors[:, values < _UNTOLD])
    if not directions.size:
        return ()
    weight = (directions / directions.max(axis=0)).max(axis=1)
    return tuple(np.flatnonzero(weight > _PART).tolist())


def expected_law(fit: ZeroInflated, *, count_design: ArrayLike, zero_design: ArrayLike) -> InflatedLaw:
    """Return the law of counts that a fit expects in each group.

    Parameters
    ----------
    fit : ZeroInflated
        The fit.
    count_design, zero_design : array_like, shape (groups, p) and (groups, q)
        Predictors of each group.

    Returns
    -------
    InflatedLaw
        Mean, share of structural zeros and size.
    """
    return InflatedLaw(
        mean=np.exp(np.asarray(count_design, dtype=np.float64) @ fit.count),
        zero=np.asarray(expit(np.asarray(zero_design, dtype=np.float64) @ fit.zero), dtype=np.float64),
        size=None if fit.log_theta is None else float(np.exp(fit.log_theta)),
    )
