"""The exact posterior of one normal equation: a mixture of normals over its variances."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from feedbackstudy.errors import DataError

__all__ = ["EquationPrior", "Mixture", "equation_posterior"]

type Floats = NDArray[np.float64]

_SIGMAS = 241
_RATIOS = 81


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquationPrior:
    """Normal prior of one equation's coefficients around 0.

    Attributes
    ----------
    precision : ndarray of shape (predictors, predictors)
        Inverse covariance; zeros are flat directions.
    residual_sd : float or None
        Scale of the half-normal prior of the residual standard deviation; None for p(sigma) proportional to 1/sigma.
    group_sd : float or None
        Scale of the half-normal prior of the standard deviation between clusters; None for a uniform one.
    """

    precision: Floats
    residual_sd: float | None = None
    group_sd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """One equation: given a grid point, coefficients are normal.

    Attributes
    ----------
    weight : ndarray of shape (points,)
        Posterior probability of each point.
    mean : ndarray of shape (points, predictors)
        Means.
    root : ndarray of shape (ratios, predictors, predictors)
        Columns that diagonalise cross-products and prior precision together, for each ratio of variances.
    shrink : ndarray of shape (points, predictors)
        Variance along each of those columns.
    ratio : ndarray of int, shape (points,)
        Which ratio a point belongs to.
    sigma, tau : ndarray of shape (points,)
        Residual standard deviation, and that between clusters.
    prior : ndarray of shape (predictors, predictors)
        Prior precision.
    """

    weight: Floats
    mean: Floats
    root: Floats
    shrink: Floats
    ratio: NDArray[np.int64]
    sigma: Floats
    tau: Floats
    prior: Floats

    def draw(self, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Draw coefficients, residual standard deviation and that between clusters.

        Parameters
        ----------
        draws : int
            How many.
        rng : Generator
            Source of chance.

        Returns
        -------
        tuple of ndarray
            Shapes (draws, predictors), (draws,), (draws,).
        """
        # Stratified: the number of draws at a grid point differs from its share by less than one.
        at = np.searchsorted(np.cumsum(self.weight), (np.arange(draws) + rng.random(draws)) / draws)
        at = rng.permutation(np.minimum(at, self.weight.size - 1))
        noise = rng.standard_normal((draws, self.mean.shape[1])) * np.sqrt(self.shrink[at])
        beta = self.mean[at]
        for ratio in np.unique(self.ratio[at]):
            rows = self.ratio[at] == ratio
            beta[rows] += noise[rows] @ self.root[ratio].T
        return beta, self.sigma[at], self.tau[at]

    def bayes_factor(self, leg: Floats) -> float | None:
        """Return the Bayes factor of a weighted sum against its being 0.

        Parameters
        ----------
        leg : ndarray of shape (predictors,)
            Weights.

        Returns
        -------
        float or None
            Prior density at 0 over posterior density at 0; None where the prior is flat along it.
        """
        roots, vectors = np.linalg.eigh(self.prior)
        along = vectors.T @ leg
        flat = roots <= 1e-12 * max(float(roots.max()), 1e-300)
        if (np.abs(along[flat]) > 1e-9 * np.abs(leg).max()).any() or flat.all():
            return None
        before = float((along[~flat] ** 2 / roots[~flat]).sum())
        centre = self.mean @ leg
        variance = np.empty(self.weight.size)
        for ratio in np.unique(self.ratio):
            rows = self.ratio == ratio
            variance[rows] = self.shrink[rows] @ (leg @ self.root[ratio]) ** 2
        log_density = logsumexp(-0.5 * (centre**2 / variance + np.log(variance)) + _logarithm(self.weight))
        return float(np.exp(-0.5 * np.log(before) - log_density))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Cross-products of one equation, in all and by cluster."""

    xx: Floats
    xy: Floats
    yy: float
    sizes: Floats
    x_sums: Floats
    y_sums: Floats
    n: int

    def at(self, ratio: float) -> tuple[Floats, Floats, float, float]:
        """Return X'RX, X'Ry, y'Ry and log det R, R the inverse of I + ratio ZZ'."""
        take = ratio / (1 + ratio * self.sizes)
        weighted = self.x_sums * take[:, None]
        log_det = -float(np.log1p(ratio * self.sizes).sum())
        return (
            self.xx - weighted.T @ self.x_sums,
            self.xy - weighted.T @ self.y_sums,
            self.yy - float(take @ self.y_sums**2),
            log_det,
        )


def _sums(x: Floats, y: Floats, cluster: NDArray[np.int64] | None) -> _Sums:
    sizes, x_sums, y_sums = np.zeros(1), np.zeros((1, x.shape[1])), np.zeros(1)
    if cluster is not None:
        _, code = np.unique(cluster, return_inverse=True)
        groups = int(code.max()) + 1
        sizes = np.bincount(code, minlength=groups).astype(np.float64)
        x_sums = np.zeros((groups, x.shape[1]))
        np.add.at(x_sums, code, x)
        y_sums = np.bincount(code, weights=y, minlength=groups)
    return _Sums(x.T @ x, x.T @ y, float(y @ y), sizes, x_sums, y_sums, len(y))


def equation_posterior(x: Floats, y: Floats, prior: EquationPrior | None, cluster: NDArray[np.int64] | None) -> Mixture:
    """Return the posterior of one equation.

    Parameters
    ----------
    x : ndarray of shape (n, predictors)
        Predictors; the constant is among them, or is the sum of some.
    y : ndarray of shape (n,)
        Response.
    prior : EquationPrior or None
        Prior of the first coefficients; the others, or all without, are flat.
    cluster : ndarray of int, shape (n,), or None
        Clusters with a random intercept.

    Returns
    -------
    Mixture
        Normal given the variances.

    Raises
    ------
    DataError
        For predictors that determine each other, or no residual variance.
    """
    centre = y.mean()  # the prior is flat along the constant, so a shift of the response moves it alone
    size = x.shape[1]
    precision = np.zeros((size, size))
    if prior is not None:
        own = len(prior.precision)
        precision[:own, :own] = prior.precision
    given = replace(prior, precision=precision) if prior is not None else EquationPrior(precision=precision)
    sums = _sums(x, y - centre, cluster)
    ratios = _ratios(cluster is not None)
    parts = [_at_ratio(sums, ratio, given, clustered=cluster is not None) for ratio in ratios]
    log_weight = np.concatenate([part.log_weight for part in parts])
    shift = np.linalg.lstsq(x, np.full(len(y), centre), rcond=None)[0]
    weight = np.exp(log_weight - logsumexp(log_weight))
    return Mixture(
        weight=weight,
        mean=np.concatenate([part.mean for part in parts]) + shift,
        root=np.stack([part.root for part in parts]),
        shrink=np.concatenate([part.shrink for part in parts]),
        ratio=np.repeat(np.arange(len(parts)), _SIGMAS),
        sigma=np.concatenate([part.sigma for part in parts]),
        tau=np.concatenate([part.sigma * np.sqrt(ratio) for part, ratio in zip(parts, ratios, strict=True)]),
        prior=given.precision,
    )


def _ratios(clustered: bool) -> Floats:
    """Return tau^2 / sigma^2 on a grid that is even in the intraclass correlation's arc sine."""
    if not clustered:
        return np.zeros(1)
    share = np.sin(np.linspace(0.0, 1.0, _RATIOS + 1)[:-1] * np.pi / 2) ** 2
    return np.asarray(share / (1 - share), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _AtRatio:
    log_weight: Floats
    mean: Floats
    root: Floats
    shrink: Floats
    sigma: Floats


def _at_ratio(sums: _Sums, ratio: float, prior: EquationPrior, *, clustered: bool) -> _AtRatio:
    xx, xy, yy, log_det = sums.at(ratio)
    try:
        lower = np.linalg.cholesky(xx)
    except np.linalg.LinAlgError as fault:
        raise DataError("The predictors of an equation determine each other; leave one of them out.") from fault
    half = np.linalg.inv(lower)
    penalty, turn = np.linalg.eigh(half @ prior.precision @ half.T)
    penalty = np.maximum(penalty, 0.0)
    root = half.T @ turn
    z = root.T @ xy
    rest = yy - float(z @ z)
    size = len(xy)
    if not rest > 0:
        raise DataError("An equation leaves no residual variance; nothing can be inferred.")
    df = sums.n - size
    log_sigma = 0.5 * np.log(rest / df) + np.linspace(-7.0, 9.0, _SIGMAS) / np.sqrt(2 * df)
    variance = np.exp(2 * log_sigma)[:, None]
    loss = 1 + penalty * variance
    # y'Ry / s2 - b'A^-1 b = rest / s2 + sum z^2 penalty / loss
    squares = rest / variance[:, 0] + (z**2 * penalty / loss).sum(axis=1)
    log_weight = -df * log_sigma - 0.5 * (squares + np.log(loss).sum(axis=1))
    log_weight += 0.5 * log_det - float(np.log(np.diag(lower)).sum())
    if prior.residual_sd is not None:
        log_weight += log_sigma - 0.5 * variance[:, 0] / prior.residual_sd**2
    if clustered:
        log_weight += _log_tau_prior(ratio, log_sigma, prior)
    return _AtRatio(log_weight, (z / loss) @ root.T, root, variance / loss, np.exp(log_sigma))


def _log_tau_prior(ratio: float, log_sigma: Floats, prior: EquationPrior) -> Floats:
    """Return the log prior of tau on the grid, with the Jacobian of the grid's arc sine."""
    # tau = sigma tan(u), so d tau / d u = sigma (1 + ratio).
    # The integrand is even in u: the trapezoidal rule gives its end at zero half the weight of the others.
    found = log_sigma + np.log1p(ratio) - (np.log(2) if ratio == 0 else 0.0)
    if prior.group_sd is not None:
        found = found - 0.5 * ratio * np.exp(2 * log_sigma) / prior.group_sd**2
    return np.asarray(found, dtype=np.float64)


def _logarithm(weight: Floats) -> Floats:
    """Return log weights; scipy's own weights overflow where one is as small as the smallest float."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(weight), dtype=np.float64)
