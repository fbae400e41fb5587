"""Linear mixed models by restricted or full maximum likelihood."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from scipy.linalg.lapack import dtrtri

from feedbackstudy.analysis.frequentist.mixed_likelihood import Curvature, minimise
from feedbackstudy.analysis.frequentist.mixed_pieces import OneInterceptProducts
from feedbackstudy.analysis.frequentist.mixed_products import CrossedProducts, products_of
from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.errors import DataError

__all__ = ["SINGULAR_SD", "MixedFit", "VarianceComponent", "fit_mixed", "orthonormal", "unit_terms"]

_NOTHING = 1e-12  # relative variance that is zero but for rounding
SINGULAR_SD = 1e-4  # relative standard deviation below which lme4 calls a fit singular


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceComponent:
    """Covariance of the random effects of one grouping factor.

    Attributes
    ----------
    factor : str
        The grouping factor.
    terms : tuple of str
        Its terms; ``"1"`` is the intercept.
    covariance : ndarray, shape (terms, terms)
        Of intercepts and slopes between levels.
    levels : int
        How many levels it has.
    correlated : bool
        Whether correlations were estimated.
    share : float
        Mean over rows of the variance that the factor adds to the outcome.
    """

    factor: str
    terms: tuple[str, ...]
    covariance: Floats
    levels: int
    correlated: bool
    share: float

    @property
    def sd(self) -> Floats:
        """Standard deviation of each term."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=np.float64)

    @property
    def correlation(self) -> Floats:
        """Correlations; NaN where a standard deviation is zero."""
        sd = np.where(self.sd > 0, self.sd, np.nan)
        return np.asarray(self.covariance / np.outer(sd, sd), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedFit:
    """A fitted linear mixed model.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Fixed effects.
    covariance : ndarray, shape (p, p)
        Their covariance.
    sigma2 : float
        Residual variance.
    components : tuple of VarianceComponent
        In the order given.
    log_likelihood, deviance, aic, bic : float
        Restricted where `reml`; parameters counted as in R.
    parameters : int
        Fixed effects, covariances and the residual variance.
    n : int
        Rows.
    reml : bool
        Restricted likelihood.
    singular : bool
        Whether a variance is zero or a correlation is one: the data do not support this structure.
    converged : bool
        Whether the search ended at a minimum.
    steps : int
        Newton steps.
    curvature : Curvature
        Derivatives at the minimum, for orthonormal fixed columns and a standardised outcome.
    basis : ndarray, shape (p, p)
        Fixed effects = ols + `scale` x basis @ those of the orthonormal columns.
    scale : float
        Standard deviation that the outcome was divided by.
    theta : ndarray
        Relative covariance factors in the order of the search.
    """

    beta: Floats
    covariance: Floats
    sigma2: float
    components: tuple[VarianceComponent, ...]
    log_likelihood: float
    parameters: int
    n: int
    reml: bool
    singular: bool
    converged: bool
    steps: int
    curvature: Curvature
    basis: Floats
    scale: float
    theta: Floats

    @property
    def deviance(self) -> float:
        """Minus twice the (restricted) log likelihood."""
        return -2 * self.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.deviance + 2 * self.parameters

    @property
    def bic(self) -> float:
        """The Bayesian information criterion of Schwarz, with the rows as n."""
        return self.deviance + float(np.log(self.n)) * self.parameters

    @property
    def total_variance(self) -> float:
        """Residual variance and the mean contribution of every factor: the square of the standardising SD."""
        return self.sigma2 + sum(component.share for component in self.components)

    @property
    def icc(self) -> dict[str, float]:
        """Share of each grouping factor in the total variance."""
        return {component.factor: component.share / self.total_variance for component in self.components}

    @property
    def se(self) -> Floats:
        """Standard errors of the fixed effects."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=np.float64)


def fit_mixed(y: Floats, X: Floats, factors: Sequence[RandomFactor], *, reml: bool = True) -> MixedFit:
    r"""Fit a linear mixed model.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Fixed columns, the intercept among them.
    factors : sequence of RandomFactor
        Random effects, crossed or nested as their levels say.
    reml : bool, default True
        Restricted likelihood; False for maximum likelihood, needed to compare fixed effects by likelihood.

    Returns
    -------
    MixedFit
        Estimates with the derivatives that Satterthwaite and Kenward-Roger need.

    Raises
    ------
    DataError
        Where fixed columns depend on each other, nothing is left to vary, or rows do not suffice.

    Notes
    -----
    Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67(1): random effects have relative
    covariance :math:`\Lambda_\theta\Lambda_\theta'`, and residual variance and fixed effects are profiled out of the
    deviance. Here derivatives are exact and the search is Newton's. Fixed columns are orthonormalised and the outcome
    is replaced by standardised residuals of least squares, so that units do not matter.
    """
    n, p = X.shape
    factors = list(factors)
    scaled = [unit_terms(factor) for factor in factors]
    q, r = orthonormal(X)
    if n - p < 2:
        raise DataError(f"{n} rows cannot carry {p} fixed effects and random effects.")
    start = q.T @ y
    residual = y - q @ start
    rms = float(np.sqrt(residual @ residual / (n - p)))
    if not rms > 1e-10 * max(float(np.abs(y).max()), 1e-300):
        raise DataError("The fixed effects fit the outcome perfectly (or it is constant); no variance is left.")
    products = products_of([factor for factor, _ in scaled], np.concatenate([q, (residual / rms)[:, None]], axis=1))
    found = minimise(products, n, reml=reml)
    at = found.curvature
    basis: Floats = dtrtri(r)[0]
    deviance = at.deviance + 2 * (n - p * reml) * log(rms)
    deviance += 2 * float(np.log(np.abs(r.diagonal())).sum()) * reml
    components, singular = _components(products, found.theta, scaled, at.sigma2 * rms**2)
    return MixedFit(
        beta=basis @ (start + rms * at.beta),
        covariance=rms**2 * basis @ at.inverse @ basis.T,
        sigma2=at.sigma2 * rms**2,
        components=components,
        log_likelihood=float(-deviance / 2),
        parameters=p + found.theta.size + 1,
        n=n,
        reml=reml,
        singular=singular,
        converged=found.converged,
        steps=found.steps,
        curvature=at,
        basis=basis,
        scale=rms,
        theta=found.theta,
    )


def orthonormal(X: Floats) -> tuple[Floats, Floats]:
    """Return the QR factors of the fixed columns, refusing columns that depend on each other.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Fixed columns.

    Returns
    -------
    tuple of ndarray
        Orthonormal columns and the triangular factor.

    Raises
    ------
    DataError
        For perfect collinearity.
    """
    gram = X.T @ X
    norms = np.sqrt(gram.diagonal())
    if np.count_nonzero(gram) == X.shape[1] and norms.all() and X.shape[0] >= X.shape[1]:
        return X / norms, np.sqrt(gram)
    q, r = np.linalg.qr(X)
    size = np.abs(np.diag(r))
    dependent = np.flatnonzero(size <= 1e-9 * norms)
    if dependent.size or X.shape[0] < X.shape[1]:
        raise DataError(
            f"Fixed columns depend on each other (perfect collinearity; columns {dependent.tolist()} of "
            f"{X.shape[1]}, counted from 0). Drop a covariate or a term, or merge an empty cell."
        )
    return q, r


def unit_terms(factor: RandomFactor) -> tuple[RandomFactor, Floats]:
    """Divide slopes by their root mean square, so that the search starts at comparable variances.

    Parameters
    ----------
    factor : RandomFactor
        A grouping factor.

    Returns
    -------
    tuple of (RandomFactor, ndarray)
        The scaled factor and the root mean squares.

    Raises
    ------
    DataError
        For a term that is zero in every row.
    """
    if factor.terms == ("1",) and factor.design.all():
        return factor, np.ones(1)
    rms = np.sqrt(np.mean(factor.design**2, axis=0))
    if not (rms > 0).all():
        raise DataError(f"A random term of {factor.name!r} is zero in every row.")
    if (rms == 1).all():
        return factor, rms
    return replace(factor, design=factor.design / rms), rms


def _components(
    products: OneInterceptProducts | CrossedProducts,
    theta: Floats,
    scaled: list[tuple[RandomFactor, Floats]],
    sigma2: float,
) -> tuple[tuple[VarianceComponent, ...], bool]:
    made: dict[int, VarianceComponent] = {}
    at, singular = 0, False
    for k, shape in zip(products.order, products.patterns, strict=True):
        factor, rms = scaled[k]
        lower = shape.factor(theta[at : at + len(shape.cells)])
        at += len(shape.cells)
        singular |= bool((np.abs(lower.diagonal()) < SINGULAR_SD).any())
        relative = lower @ lower.T
        relative[np.abs(relative) < _NOTHING] = 0.0
        moments = factor.design.T @ factor.design / factor.codes.size
        made[k] = VarianceComponent(
            factor=factor.name,
            terms=factor.terms,
            covariance=sigma2 * relative / (rms[:, None] * rms),
            levels=factor.levels,
            correlated=factor.correlated,
            share=sigma2 * float(np.vdot(moments, relative)),
        )
    return tuple(made[k] for k in range(len(scaled))), singular
