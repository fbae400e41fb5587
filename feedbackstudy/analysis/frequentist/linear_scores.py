"""One contrast by a fast model, with the share that every row has in it: what a joint test over models needs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from feedbackstudy.analysis.frequentist.cumulative import fit_cumulative
from feedbackstudy.analysis.frequentist.linear import fit_linear
from feedbackstudy.analysis.frequentist.mixed_structure import RandomFactor
from feedbackstudy.analysis.frequentist.reml import fit_mixed
from feedbackstudy.analysis.frequentist.satterthwaite import Satterthwaite
from feedbackstudy.errors import DataError

__all__ = ["ScoredContrast", "least_squares", "mixed", "ordered", "student"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

STUDENT_DF = 4.0
"""Degrees of freedom of the robust model; fixed, so that few rows suffice (Lange et al., 1989)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredContrast:
    r"""One contrast with its rows' shares.

    Attributes
    ----------
    estimate, se, df : float
        Estimate, standard error, degrees of freedom of t (infinite for z).
    shares : ndarray, shape (n,)
        What each row adds to the estimate where the model is fitted under "no effect"; they sum to the estimate.
    """

    estimate: float
    se: float
    df: float
    shares: Floats

    @property
    def p(self) -> float:
        """Two-sided p value."""
        t = abs(self.estimate / self.se)
        return float(2 * (special.ndtr(-t) if np.isinf(self.df) else special.stdtr(self.df, -t)))

    @property
    def critical(self) -> float:
        """Half width of the 95 % interval in standard errors."""
        return float(special.ndtri(0.975) if np.isinf(self.df) else special.stdtrit(self.df, 0.975))


def least_squares(y: Floats, X: Floats, row: Floats, cluster: Ints | None) -> ScoredContrast:
    """Estimate by least squares.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Design.
    row : ndarray, shape (p,)
        The contrast.
    cluster : ndarray of int or None
        Makes the error cluster-robust (CR2, Satterthwaite's degrees of freedom).

    Returns
    -------
    ScoredContrast
        With classical errors where there are no clusters.
    """
    fit = fit_linear(y, X, cluster=cluster)
    found = fit.contrast(row)
    pull = X @ (fit.inverse @ row)
    return ScoredContrast(
        estimate=found.estimate, se=found.se, df=found.df, shares=_under_none(pull, fit.residuals, found.estimate, pull)
    )


def mixed(y: Floats, X: Floats, row: Floats, groups: Mapping[str, Ints]) -> ScoredContrast:
    r"""Estimate by REML with random intercepts.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Design.
    row : ndarray, shape (p,)
        The contrast.
    groups : mapping of str to ndarray of int
        Grouping factors.

    Returns
    -------
    ScoredContrast
        With Satterthwaite's degrees of freedom.

    Raises
    ------
    DataError
        Where the search for the variances does not converge.

    Notes
    -----
    The weights of the rows are those of generalised least squares with the estimated variances,
    :math:`V^{-1} X (X'V^{-1}X)^{-1} w`, by Woodbury's identity.
    """
    fit = fit_mixed(y, X, [RandomFactor.of(name, codes) for name, codes in groups.items()])
    if not fit.converged:
        raise DataError("The search for the variance components did not converge.")
    df = Satterthwaite(fit).df(row)
    estimate, se = float(row @ fit.beta), float(np.sqrt(row @ fit.covariance @ row))
    blocks, spreads = [], []
    for component, codes in zip(fit.components, groups.values(), strict=True):
        levels = int(codes.max()) + 1
        blocks.append(np.eye(levels)[codes] * (codes >= 0)[:, None])
        spreads.append(np.full(levels, float(component.covariance[0, 0]) / fit.sigma2))
    Z = np.column_stack(blocks) * np.sqrt(np.concatenate(spreads))
    inner = np.linalg.inv(np.eye(Z.shape[1]) + Z.T @ Z)
    plain = X @ (fit.covariance @ row)
    pull = (plain - Z @ (inner @ (Z.T @ plain))) / fit.sigma2
    return ScoredContrast(
        estimate=estimate, se=se, df=float(df), shares=_under_none(pull, y - X @ fit.beta, estimate, plain)
    )


def student(y: Floats, X: Floats, row: Floats, cluster: Ints | None) -> ScoredContrast:
    r"""Estimate by maximum likelihood of the Student-t distribution with 4 degrees of freedom.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    X : ndarray, shape (n, p)
        Design.
    row : ndarray, shape (p,)
        The contrast.
    cluster : ndarray of int or None
        Makes the error cluster-robust (sum of scores by cluster, CR1).

    Returns
    -------
    ScoredContrast
        Expected information :math:`(\nu + 1)/(\nu + 3)\, X'X/s^2` without clusters.

    Raises
    ------
    DataError
        Where the search does not end.

    Notes
    -----
    Iterated weights :math:`(\nu + 1)/(\nu + e^2/s^2)` (Lange, Little and Taylor, 1989, Journal of the American
    Statistical Association 84, 881-896).
    """
    nu, n = STUDENT_DF, y.size
    fit = fit_linear(y, X)
    beta, scale2 = fit.beta, float(fit.residuals @ fit.residuals) / n / 2
    for _ in range(500):
        residual = y - X @ beta
        weight = (nu + 1) / (nu + residual**2 / scale2)
        weighted = X * weight[:, None]
        new = np.linalg.solve(weighted.T @ X, weighted.T @ y)
        new_scale2 = float(weight @ (y - X @ new) ** 2) / float(weight.sum())
        moved = float(np.abs(X @ (new - beta)).max()) / np.sqrt(new_scale2) + abs(new_scale2 / scale2 - 1)
        beta, scale2 = new, new_scale2
        if moved < 1e-9:
            break
    else:
        raise DataError("The search for the robust model did not end.")
    residual = y - X @ beta
    weight = (nu + 1) / (nu + residual**2 / scale2)
    covariance = fit.inverse * scale2 * (nu + 3) / (nu + 1)
    pull = X @ (covariance @ row) / scale2
    scores = pull * weight * residual
    estimate = float(row @ beta)
    shares = scores + estimate * pull**2 / float(pull @ pull)
    se, df = _error(scores, float(np.sqrt(row @ covariance @ row)), cluster)
    return ScoredContrast(estimate=estimate, se=se, df=df if cluster is not None else float(n - X.shape[1]),
                          shares=shares)  # fmt: skip


def ordered(y: Floats, X: Floats, row: Floats, cluster: Ints | None) -> ScoredContrast:
    r"""Estimate by the cumulative probit model, in standard deviations of the latent answer.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Ratings; their distinct values are the categories.
    X : ndarray, shape (n, p)
        Design whose columns hold an indicator of each cell first; thresholds take the place of one level.
    row : ndarray, shape (p,)
        The contrast; weights of cells sum to 0.
    cluster : ndarray of int or None
        Makes the error cluster-robust (sum of scores by cluster, CR1).

    Returns
    -------
    ScoredContrast
        With the normal distribution as reference without clusters.

    Raises
    ------
    DataError
        For more than 15 categories.
    """
    values, codes = np.unique(y, return_inverse=True)
    if values.size > 15:
        raise DataError(f"{values.size} different values are no ordered categories; the ordinal model takes up to 15.")
    fit = fit_cumulative(codes.astype(np.int64), X[:, 1:], values.size, link="probit")
    cuts = fit.thresholds.size
    g = np.concatenate([np.zeros(cuts), row[1:]])
    edges = np.concatenate([[-np.inf], fit.thresholds, [np.inf]])
    eta = X[:, 1:] @ fit.beta
    upper, lower = edges[codes + 1] - eta, edges[codes] - eta
    above, below = stats.norm.pdf(upper), stats.norm.pdf(lower)
    mass = np.maximum(special.ndtr(upper) - special.ndtr(lower), 1e-300)
    gradient = np.zeros((y.size, cuts + fit.beta.size))
    inner = codes < cuts
    gradient[np.flatnonzero(inner), codes[inner]] += (above / mass)[inner]
    outer = codes > 0
    gradient[np.flatnonzero(outer), codes[outer] - 1] -= (below / mass)[outer]
    gradient[:, cuts:] = X[:, 1:] * ((below - above) / mass)[:, None]
    size = cuts + fit.beta.size
    scores = gradient @ (fit.covariance[:size, :size] @ g)
    estimate = float(row[1:] @ fit.beta)
    shares = scores + estimate * scores**2 / float(scores @ scores)
    se, df = _error(scores, float(np.sqrt(g @ fit.covariance[:size, :size] @ g)), cluster)
    return ScoredContrast(estimate=estimate, se=se, df=df, shares=shares)


def _under_none(pull: Floats, residuals: Floats, estimate: float, moved: Floats) -> Floats:
    """Return pull times the residuals of the model whose contrast is 0."""
    return np.asarray(pull * (residuals + estimate * moved / float(pull @ moved)), dtype=np.float64)


def _error(scores: Floats, plain: float, cluster: Ints | None) -> tuple[float, float]:
    if cluster is None:
        return plain, float("inf")
    sums = np.bincount(cluster, weights=scores)
    count = int((np.bincount(cluster) > 0).sum())
    if count < 2:
        raise DataError("One cluster has no error between clusters.")
    return float(np.sqrt(count / (count - 1) * (sums @ sums))), float(count - 1)
