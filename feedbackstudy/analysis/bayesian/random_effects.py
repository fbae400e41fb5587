"""Normal random effects with known sampling variances: exact posteriors by quadrature over the between-study sd."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import logsumexp

from feedbackstudy.analysis.bayesian.densities import GridDensity
from feedbackstudy.errors import DataError

__all__ = ["RandomEffectsPosterior", "RandomEffectsPrior", "random_effects"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomEffectsPrior:
    """Prior of the mean effect and of the standard deviation between studies, on the scale of the effects.

    Attributes
    ----------
    mean, mean_sd : float
        Normal prior of the mean effect.
    tau_sd : float
        Scale of the half-normal prior of the standard deviation between studies.
    """

    mean: float = 0.0
    mean_sd: float = 1.0
    tau_sd: float = 0.5

    def __post_init__(self) -> None:
        if not (self.mean_sd > 0 and self.tau_sd > 0 and np.isfinite(self.mean + self.mean_sd + self.tau_sd)):
            raise DataError(f"The scales of a prior must be positive and finite; given {self!r}.")

    def __str__(self) -> str:
        return f"mean N({self.mean:g}, {self.mean_sd:g}), sd between studies half-normal({self.tau_sd:g})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomEffectsPosterior:
    """Posterior of mean, spread, next study and each study.

    Attributes
    ----------
    mean : GridDensity
        Mean effect, with its prior.
    tau : GridDensity
        Standard deviation between studies, with its prior.
    predicted : GridDensity
        True effect of a new study.
    study_mean, study_sd : ndarray, shape (k,)
        Posterior mean and standard deviation of each study's true effect.
    mean_sd : float
        Posterior standard deviation of the mean effect.
    log_marginal : float
        Log marginal likelihood.
    n : int
        Studies.
    """

    mean: GridDensity
    tau: GridDensity
    predicted: GridDensity
    study_mean: _Floats
    study_sd: _Floats
    mean_sd: float
    log_marginal: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mixture:
    """The mean effect given tau is normal; the grid of tau carries the weights."""

    tau: _Floats
    weight: _Floats
    centre: _Floats
    variance: _Floats


def random_effects(yi: ArrayLike, vi: ArrayLike, *, prior: RandomEffectsPrior | None = None) -> RandomEffectsPosterior:
    r"""Compute the posterior of a random-effects meta-analysis.

    Parameters
    ----------
    yi, vi : array_like, shape (k,)
        Effects and their sampling variances.
    prior : RandomEffectsPrior, optional
        The prior.

    Returns
    -------
    RandomEffectsPosterior
        Exact up to quadrature; no draws.

    Raises
    ------
    DataError
        For fewer than two effects, a variance that is not positive, or a figure that is not finite.

    Notes
    -----
    :math:`y_i \sim N(\theta_i, v_i)`, :math:`\theta_i \sim N(\mu, \tau^2)`. Given :math:`\tau`, :math:`\mu` is normal
    and integrates in closed form; :math:`\tau` is integrated on 801 points by Simpson's weights (Gelman et al., 2013,
    Bayesian Data Analysis, section 5.4).
    """
    y, v = _checked(yi, vi)
    chosen = prior or RandomEffectsPrior()
    tau = np.linspace(0.0, _largest_tau(y, v, chosen), 801)
    log_weight, centre, variance = _given_tau(y, v, tau, chosen)
    rule = _simpson(tau)
    log_marginal = float(logsumexp(log_weight, b=rule))
    mixture = _Mixture(tau=tau, weight=rule * np.exp(log_weight - log_marginal), centre=centre, variance=variance)
    study_mean, study_sd = _studies(y, v, mixture)
    mean_variance = float(mixture.weight @ (variance + centre**2) - (mixture.weight @ centre) ** 2)
    return RandomEffectsPosterior(
        mean=_mean_density(mixture, chosen),
        tau=GridDensity(
            grid=tau,
            density=np.exp(log_weight - log_marginal),
            prior=np.asarray(2 * stats.norm.pdf(tau, 0, chosen.tau_sd), dtype=np.float64),
        ),
        predicted=_normal_mixture(mixture, mixture.variance + tau**2),
        study_mean=study_mean,
        study_sd=study_sd,
        mean_sd=float(np.sqrt(mean_variance)),
        log_marginal=log_marginal,
        n=y.size,
    )


def _checked(yi: ArrayLike, vi: ArrayLike) -> tuple[_Floats, _Floats]:
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if y.ndim != 1 or y.shape != v.shape or y.size < 2:
        raise DataError(f"Give at least two effects and as many variances; given {y.shape} and {v.shape}.")
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise DataError("Effects must be finite and sampling variances positive; leave out, by name, what is not.")
    return y, v


def _given_tau(y: _Floats, v: _Floats, tau: _Floats, prior: RandomEffectsPrior) -> tuple[_Floats, _Floats, _Floats]:
    """Return log prior times likelihood of tau, and mean and variance of the mean effect given tau."""
    total = v + tau[:, None] ** 2
    precision = (1 / total).sum(axis=1) + 1 / prior.mean_sd**2
    centre = ((y / total).sum(axis=1) + prior.mean / prior.mean_sd**2) / precision
    spread = ((y - centre[:, None]) ** 2 / total).sum(axis=1) + (prior.mean - centre) ** 2 / prior.mean_sd**2
    constant = y.size * np.log(2 * np.pi) + 2 * np.log(prior.mean_sd)
    log_likelihood = -0.5 * (constant + np.log(total).sum(axis=1) + np.log(precision) + spread)
    log_prior = np.log(2) + stats.norm.logpdf(tau, 0, prior.tau_sd)
    return np.asarray(log_likelihood + log_prior, dtype=np.float64), centre, np.asarray(1 / precision)


def _largest_tau(y: _Floats, v: _Floats, prior: RandomEffectsPrior) -> float:
    """Return the tau beyond which the posterior has no mass worth counting."""
    coarse = np.geomspace(1e-4, 1.0, 400) * 8 * prior.tau_sd
    log_weight, _, _ = _given_tau(y, v, coarse, prior)
    return float(coarse[min(int(np.flatnonzero(log_weight > log_weight.max() - 28)[-1]) + 1, 399)])


def _studies(y: _Floats, v: _Floats, mixture: _Mixture) -> tuple[_Floats, _Floats]:
    shrink = v / (v + mixture.tau[:, None] ** 2)
    given = (1 - shrink) * y + shrink * mixture.centre[:, None]
    within = (1 - shrink) * v + shrink**2 * mixture.variance[:, None]
    mean = mixture.weight @ given
    return mean, np.sqrt(mixture.weight @ (within + given**2) - mean**2)


def _mean_density(mixture: _Mixture, prior: RandomEffectsPrior) -> GridDensity:
    density = _normal_mixture(mixture, mixture.variance)
    before = stats.norm.pdf(density.grid, prior.mean, prior.mean_sd)
    return GridDensity(grid=density.grid, density=density.density, prior=np.asarray(before, dtype=np.float64))


def _normal_mixture(mixture: _Mixture, variance: _Floats) -> GridDensity:
    centre = float(mixture.weight @ mixture.centre)
    sd = float(np.sqrt(mixture.weight @ (variance + mixture.centre**2) - centre**2))
    grid = np.linspace(min(centre - 10 * sd, -sd), max(centre + 10 * sd, sd), 2001)
    curves = stats.norm.pdf(grid[:, None], mixture.centre, np.sqrt(variance))
    return GridDensity(grid=grid, density=np.asarray(curves @ mixture.weight, dtype=np.float64))


def _simpson(grid: _Floats) -> _Floats:
    weights = np.ones(grid.size)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return np.asarray(weights * (grid[1] - grid[0]) / 3, dtype=np.float64)
