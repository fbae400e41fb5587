"""Logistic and count models with random intercepts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedbackstudy.analysis.frequentist.generalised import FamilyRows, fit_generalised
from feedbackstudy.analysis.frequentist.laplace import fit_random_intercepts, row_order
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor

__all__ = ["GeneralisedMixedFit", "fit_generalised_mixed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralisedMixedFit:
    """A generalised linear model with random intercepts.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients on the link scale, for somebody with random effects of zero.
    sd : ndarray, shape (factors,)
        Standard deviations of the random intercepts.
    factors : tuple of str
        Their names.
    covariance : ndarray
        Of the coefficients (and log theta), then the standard deviations that are not zero.
    log_likelihood : float
        Approximated.
    parameters, n : int
        Parameters and rows.
    family : str
        Which.
    theta : float or None
        Size of the negative binomial.
    quadrature : int
        Nodes; 1 is Laplace's approximation.
    singular, converged : bool
        Whether a standard deviation is zero; whether the gradient vanished.
    """

    beta: Floats
    sd: Floats
    factors: tuple[str, ...]
    covariance: Floats
    log_likelihood: float
    parameters: int
    n: int
    family: str
    theta: float | None
    quadrature: int
    singular: bool
    converged: bool

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.parameters - 2 * self.log_likelihood

    @property
    def df(self) -> float:
        """Degrees of freedom: the normal distribution is the reference."""
        return float("inf")


def fit_generalised_mixed(
    y: Floats, X: Floats, family: str, factors: Sequence[RandomFactor], *, nodes: int = 1
) -> GeneralisedMixedFit:
    """Fit a generalised linear model with random intercepts by Laplace's approximation or quadrature.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Zeros and ones, or counts.
    X : ndarray, shape (n, p)
        Columns, the intercept or all cells among them.
    family : {"binomial", "poisson", "negative binomial"}
        Distribution.
    factors : sequence of RandomFactor
        Grouping factors, crossed or nested.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature, for one factor.

    Returns
    -------
    GeneralisedMixedFit
        As ``lme4::glmer`` in R.

    Raises
    ------
    DataError
        Where the likelihood has no maximum.
    """
    plain = fit_generalised(y, X, family)
    start, covariance = plain.beta, plain.covariance
    if plain.theta is not None and plain.log_theta_se is not None:
        start = np.append(start, np.log(plain.theta))
        covariance = np.pad(covariance, (0, 1))
        covariance[-1, -1] = plain.log_theta_se**2
    order = row_order(factors)
    found = fit_random_intercepts(FamilyRows(y[order], X[order], family), factors, start, covariance, nodes=nodes)
    return GeneralisedMixedFit(
        beta=found.fixed[: X.shape[1]],
        sd=found.sd,
        factors=tuple(factor.name for factor in factors),
        covariance=found.covariance,
        log_likelihood=found.log_likelihood,
        parameters=start.size + len(factors),
        n=y.size,
        family=family,
        theta=None if plain.theta is None else float(np.exp(found.fixed[-1])),
        quadrature=nodes,
        singular=found.singular,
        converged=found.converged,
    )
