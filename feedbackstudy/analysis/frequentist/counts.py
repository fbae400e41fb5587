"""Counts with many zeros: the zero-inflated negative binomial, from a frequency table."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.special import expit

from feedbackstudy.analysis.frequentist.negative_binomial import negative_binomial_terms
from feedbackstudy.analysis.tables import whole_numbers
from feedbackstudy.errors import DataError

__all__ = ["CoefficientContrast", "ZeroInflated", "expected_counts", "zero_inflated_negative_binomial"]

_Floats = NDArray[np.float64]
type Part = Literal["count", "zero"]
_Vector = np.ndarray[tuple[int], np.dtype[np.float64]]


class _Maximum(NamedTuple):
    at: _Floats
    log_likelihood: float
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZeroInflated:
    """Maximum-likelihood fit of a zero-inflated negative binomial.

    Attributes
    ----------
    count : ndarray, shape (p,)
        Coefficients of the log mean of the count part.
    zero : ndarray, shape (q,)
        Coefficients of the log odds of a structural zero.
    log_theta : float
        Logarithm of the size; the count variance is mean + mean squared / theta.
    covariance : ndarray, shape (p + q + 1, p + q + 1)
        Inverse of the observed information, in the order count, zero, log theta.
    log_likelihood, aic : float
        With p + q + 1 parameters.
    n : int
        People.
    iterations : int
        Steps until the gradient vanished.
    """

    count: _Floats
    zero: _Floats
    log_theta: float
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
        estimate = np.concatenate([self.count, self.zero, [self.log_theta]])
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


def zero_inflated_negative_binomial(
    y: ArrayLike, weights: ArrayLike, *, count_design: ArrayLike, zero_design: ArrayLike
) -> ZeroInflated:
    r"""Fit a zero-inflated negative binomial to a frequency table.

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

    Returns
    -------
    ZeroInflated
        The fit; the weighted likelihood of distinct rows equals the likelihood of all people.

    Raises
    ------
    DataError
        For counts or weights that are not whole, data without any zero or without any other count, a design that does
        not fit or has dependent columns, or a likelihood without a maximum.

    Notes
    -----
    Lambert (1992), Technometrics 34, 1-14, with the negative binomial (NB2) for the Poisson:
    :math:`P(0) = \pi + (1-\pi) (\theta/(\theta+\mu))^\theta`,
    :math:`P(y) = (1-\pi)\, \frac{\Gamma(y+\theta)}{\Gamma(\theta) y!} \left(\frac{\theta}{\theta+\mu}\right)^\theta
    \left(\frac{\mu}{\theta+\mu}\right)^y`. Gradient and Hessian are analytic; the maximum is found by a trust-region
    Newton method from several starts, and the best one is returned.
    """
    counts, people = whole_numbers("the counts", y), whole_numbers("the weights", weights)
    X, Z = (np.asarray(design, dtype=np.float64) for design in (count_design, zero_design))
    _check(counts, people, X, Z)
    fits = [_maximise(start, counts, people, X, Z) for start in _starts(counts, people, X, Z)]
    best = max(fits, key=lambda fit: fit.log_likelihood)
    gradient, hessian = _derivatives(best.at, counts, people, X, Z)
    values = np.linalg.eigvalsh(hessian)
    if np.abs(gradient).max() > 1e-4 * people.sum() or values[0] <= 1e-10 * values[-1]:
        raise DataError(
            "The zero-inflated likelihood has no maximum with these predictors (one part may be empty in a group, such "
            "as a group without zeros). Use a negative binomial without inflation, or a Bayesian prior."
        )
    p, q = X.shape[1], Z.shape[1]
    return ZeroInflated(
        count=best.at[:p],
        zero=best.at[p : p + q],
        log_theta=float(best.at[-1]),
        covariance=np.linalg.inv(hessian),
        log_likelihood=best.log_likelihood,
        aic=2 * (p + q + 1) - 2 * best.log_likelihood,
        n=int(people.sum()),
        iterations=best.steps,
    )


def expected_counts(
    fit: ZeroInflated, values: ArrayLike, n: ArrayLike, *, count_design: ArrayLike, zero_design: ArrayLike
) -> _Floats:
    """Return how many people the fit expects at each count.

    Parameters
    ----------
    fit : ZeroInflated
        The fit.
    values : array_like of int, shape (values,)
        Counts.
    n : array_like, shape (groups,)
        People of each group.
    count_design, zero_design : array_like, shape (groups, p) and (groups, q)
        Predictors of each group.

    Returns
    -------
    ndarray, shape (groups, values)
        Expected people.
    """
    eta = np.asarray(count_design, dtype=np.float64) @ fit.count
    zeta = np.asarray(zero_design, dtype=np.float64) @ fit.zero
    y = np.asarray(values, dtype=np.float64)
    log_p, _, _ = negative_binomial_terms(y[None, :], eta[:, None], fit.log_theta)
    inflated = expit(-zeta)[:, None] * np.exp(log_p) + expit(zeta)[:, None] * (y == 0)
    return np.asarray(np.asarray(n, dtype=np.float64)[:, None] * inflated, dtype=np.float64)


def _check(y: _Floats, weights: _Floats, X: _Floats, Z: _Floats) -> None:
    if y.ndim != 1 or weights.shape != y.shape or X.shape[:1] != y.shape or Z.shape[:1] != y.shape:
        raise DataError(f"Counts, weights and designs need one row each; given {y.size}, {weights.size}, {X.shape}.")
    used = weights > 0
    if not (y[used] == 0).any() or not (y[used] > 0).any():
        raise DataError("A zero-inflated model needs both zeros and other counts in the data.")
    for name, design in (("count_design", X), ("zero_design", Z)):
        if np.linalg.matrix_rank(design[used]) < design.shape[1]:
            raise DataError(f"The columns of {name} depend on each other (or a group is empty); drop one.")


def _starts(y: _Floats, w: _Floats, X: _Floats, Z: _Floats) -> list[_Vector]:
    """Return starts from the moments: half of the zeros structural, then few, then nearly all."""
    zeros = float(w[y == 0].sum() / w.sum())
    positive = float((w * y)[y > 0].sum() / w[y > 0].sum())
    starts: list[_Vector] = []
    for share, theta in ((0.5, 1.0), (0.1, 0.5), (0.9, 2.0)):
        log_odds = np.log(share * zeros / (1 - share * zeros))
        eta, _, _, _ = np.linalg.lstsq(X, np.full(y.size, np.log(positive)), rcond=None)
        zeta, _, _, _ = np.linalg.lstsq(Z, np.full(y.size, log_odds), rcond=None)
        starts.append(np.concatenate([eta, zeta, [np.log(theta)]]))
    return starts


def _maximise(start: _Vector, y: _Floats, w: _Floats, X: _Floats, Z: _Floats) -> _Maximum:
    def value(at: _Vector) -> float:
        return _negative_log_likelihood(at, y, w, X, Z)

    def gradient(at: _Vector) -> _Floats:
        return _derivatives(at, y, w, X, Z)[0]

    def hessian(at: _Vector) -> _Floats:
        return _derivatives(at, y, w, X, Z)[1]

    found = optimize.minimize(value, start, jac=gradient, hess=hessian, method="trust-exact", tol=1e-9 * float(w.sum()))
    return _Maximum(np.asarray(found.x, dtype=np.float64), float(-found.fun), int(found.nit))


def _negative_log_likelihood(at: _Floats, y: _Floats, w: _Floats, X: _Floats, Z: _Floats) -> float:
    p = X.shape[1]
    zeta = Z @ at[p:-1]
    log_p, _, _ = negative_binomial_terms(y, X @ at[:p], float(at[-1]))
    inflated = np.where(y == 0, np.logaddexp(zeta, log_p), log_p) - np.logaddexp(0.0, zeta)
    return float(-(w @ inflated))


def _derivatives(at: _Floats, y: _Floats, w: _Floats, X: _Floats, Z: _Floats) -> tuple[_Floats, _Floats]:
    """Return gradient and Hessian of the negative log likelihood.

    With r the probability that a zero is structural (log odds zeta - log p) and f = 1 - r, the derivatives of log P are
    those of the negative binomial times f, plus r (1 - r) times their products for zeros.
    """
    p = X.shape[1]
    zeta = Z @ at[p:-1]
    log_p, first, second = negative_binomial_terms(y, X @ at[:p], float(at[-1]))
    pi = expit(zeta)
    structural = np.where(y == 0, expit(zeta - log_p), 0.0)
    spread = structural * (1 - structural)
    count = (1 - structural) * first
    zero = structural - pi
    blocks = np.empty((3, 3, y.size))
    blocks[:2, :2] = (1 - structural) * second + spread * first[:, None] * first[None, :]
    blocks[2, 2] = spread - pi * (1 - pi)
    blocks[:2, 2] = blocks[2, :2] = -spread * first
    design = [X, np.ones((y.size, 1)), Z]
    gradient = np.concatenate([part.T @ (w * slope) for part, slope in zip(design, (*count, zero), strict=True)])
    hessian = np.block(
        [[a.T @ ((w * blocks[i, j])[:, None] * b) for j, b in enumerate(design)] for i, a in enumerate(design)]
    )
    order = np.r_[0:p, p + 1 : p + 1 + Z.shape[1], p]
    return -gradient[order], -hessian[np.ix_(order, order)]
