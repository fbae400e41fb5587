"""Logistic and count models with random intercepts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedbackstudy.analysis.frequentist.generalised import FamilyRows, GeneralisedFit, fit_generalised
from feedbackstudy.analysis.frequentist.laplace import SumFit, fit_random_intercepts, log_likelihood_at, row_order
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor

__all__ = ["GeneralisedMixedFit", "fit_generalised_mixed"]

_NEARLY_POISSON = 8.0  # log of theta at which a negative binomial is held against the Poisson


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
    poisson_limit : bool
        Whether a negative binomial was asked for whose likelihood has its maximum where it is a Poisson: `family` is
        then "poisson".
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
    poisson_limit: bool = False

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
        As ``lme4::glmer`` in R. Where the counts of a level vary no more than a Poisson allows, the negative binomial
        has its maximum there, and the Poisson model is returned.

    Raises
    ------
    DataError
        Where the likelihood has no maximum.

    Notes
    -----
    Laplace's approximation takes the curvature of the log likelihood that was observed. ``lme4::glmer`` takes the
    expected one (its working weights). For the binomial with logit and the Poisson with log link they are the same;
    for the negative binomial they are not, so that ``glmer.nb`` approximates the same integral otherwise and reports
    another log likelihood and slightly other estimates. Neither is the larger by nature, neither is exact; more
    `nodes` lead both to the integral itself (tests hold 25 nodes against numerical integration).
    """
    plain = fit_generalised(y, X, family)
    limit = plain.poisson_limit
    if plain.theta is None:
        found = _intercepts(y, X, plain, factors, nodes)
    else:
        poisson = fit_generalised(y, X, "poisson")
        found = _intercepts(y, X, poisson, factors, nodes)
        limit = _at_limit(y, X, found, factors, nodes)
        plain = poisson if limit else plain
        found = found if limit else _intercepts(y, X, plain, factors, nodes)
    return GeneralisedMixedFit(
        beta=found.fixed[: X.shape[1]],
        sd=found.sd,
        factors=tuple(factor.name for factor in factors),
        covariance=found.covariance,
        log_likelihood=found.log_likelihood,
        parameters=found.fixed.size + len(factors),
        n=y.size,
        family=plain.family,
        theta=None if plain.theta is None else float(np.exp(found.fixed[-1])),
        quadrature=nodes,
        singular=found.singular,
        converged=found.converged,
        poisson_limit=limit,
    )


def _intercepts(y: Floats, X: Floats, plain: GeneralisedFit, factors: Sequence[RandomFactor], nodes: int) -> SumFit:
    """Add random intercepts to a model, from its estimates as the start."""
    start, covariance = plain.beta, plain.covariance
    if plain.theta is not None and plain.log_theta_se is not None:
        start = np.append(start, np.log(plain.theta))
        covariance = np.pad(covariance, (0, 1))
        covariance[-1, -1] = plain.log_theta_se**2
    order = row_order(factors)
    rows = FamilyRows(y[order], X[order], plain.family)
    return fit_random_intercepts(rows, factors, start, covariance, nodes=nodes)


def _at_limit(y: Floats, X: Floats, poisson: SumFit, factors: Sequence[RandomFactor], nodes: int) -> bool:
    """Say whether the likelihood falls as soon as the counts may vary a little more than the Poisson model's."""
    order = row_order(factors)
    rows = FamilyRows(y[order], X[order], "negative binomial")
    near = log_likelihood_at(rows, factors, np.append(poisson.fixed, _NEARLY_POISSON), poisson.sd, nodes=nodes)
    return near <= poisson.log_likelihood
