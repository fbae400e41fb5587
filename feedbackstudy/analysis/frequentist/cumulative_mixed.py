"""Cumulative models of ordered categories with random intercepts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedbackstudy.analysis.frequentist.cumulative import Floats, Integers, fit_cumulative
from feedbackstudy.analysis.frequentist.laplace import RowTerms, SumFit, fit_random_intercepts, row_order
from feedbackstudy.analysis.frequentist.links import Array, Link, link_of
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor

__all__ = ["CumulativeMixedFit", "fit_cumulative_mixed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeMixedFit:
    """A cumulative model with random intercepts.

    Attributes
    ----------
    thresholds : ndarray, shape (categories - 1,)
        Between categories, for somebody with random effects of zero.
    beta : ndarray
        Effects on the latent answer.
    sd : ndarray, shape (factors,)
        Standard deviations of the random intercepts, in the order given.
    factors : tuple of str
        Their names.
    covariance : ndarray
        Of thresholds and beta, then the standard deviations that are not zero.
    log_likelihood : float
        Approximated.
    parameters, n : int
        Parameters and answers.
    link : str
        Latent distribution.
    quadrature : int
        Nodes; 1 is Laplace's approximation.
    singular, converged : bool
        Whether a standard deviation is zero; whether the gradient vanished.
    """

    thresholds: Floats
    beta: Floats
    sd: Floats
    factors: tuple[str, ...]
    covariance: Floats
    log_likelihood: float
    parameters: int
    n: int
    link: str
    quadrature: int
    singular: bool
    converged: bool

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2 * self.parameters - 2 * self.log_likelihood


class _Rows:
    """Likelihood of ordered answers given what is added to the latent one."""

    def __init__(self, y: Integers, X: Floats, categories: int, link: Link) -> None:
        self.X, self.link, self.cuts = X, link, categories - 1
        self.y = y

    def terms(self, fixed: Array, added: Array) -> RowTerms:
        """Return log probability and derivatives by the linear predictor.

        Parameters
        ----------
        fixed : ndarray, shape (settings, parameters)
            Thresholds, then effects.
        added : ndarray, shape (settings, n)
            Random part of the predictor.

        Returns
        -------
        RowTerms
            By row.
        """
        predictor = fixed[:, self.cuts :] @ self.X.T + added
        far = np.full((fixed.shape[0], 1), 1e3)
        cuts = np.hstack([-far, fixed[:, : self.cuts], far])
        a, b = cuts[:, self.y + 1] - predictor, cuts[:, self.y] - predictor
        p = self.link.between(b, a)
        bad = ~(np.real(p) > 1e-300)
        p = np.where(bad, 1.0, p)
        fa, fb = self.link.density(a) / p, self.link.density(b) / p
        first = fb - fa
        second = (self.link.slope(a) - self.link.slope(b)) / p - first**2
        return RowTerms(np.where(bad, -np.inf, np.log(p)), first, second)


def fit_cumulative_mixed(
    y: Integers,
    X: Floats,
    categories: int,
    factors: Sequence[RandomFactor],
    *,
    link: str = "logit",
    nodes: int = 1,
) -> CumulativeMixedFit:
    """Fit a cumulative model with random intercepts by Laplace's approximation or quadrature.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Category of each answer, 0 to `categories` - 1; all occur.
    X : ndarray, shape (n, p)
        Columns that move the latent answer; no intercept.
    categories : int
        How many categories there are.
    factors : sequence of RandomFactor
        Grouping factors, crossed or nested.
    link : {"logit", "probit"}, default "logit"
        Latent distribution.
    nodes : int, default 1
        Nodes of adaptive Gauss-Hermite quadrature, for one factor; 1 is Laplace's approximation.

    Returns
    -------
    CumulativeMixedFit
        As ``ordinal::clmm`` in R.

    Raises
    ------
    DataError
        Where the likelihood has no maximum, or quadrature is asked for with several factors.
    """
    plain = fit_cumulative(y, X, categories, link=link)
    order = row_order(factors)
    rows = _Rows(y[order], X[order], categories, link_of(link))
    start = np.concatenate([plain.thresholds, plain.beta])
    found: SumFit = fit_random_intercepts(rows, factors, start, plain.covariance, nodes=nodes)
    return CumulativeMixedFit(
        thresholds=found.fixed[: categories - 1],
        beta=found.fixed[categories - 1 :],
        sd=found.sd,
        factors=tuple(factor.name for factor in factors),
        covariance=found.covariance,
        log_likelihood=found.log_likelihood,
        parameters=start.size + len(factors),
        n=y.size,
        link=link,
        quadrature=nodes,
        singular=found.singular,
        converged=found.converged,
    )
