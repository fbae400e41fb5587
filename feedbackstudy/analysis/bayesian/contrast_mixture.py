"""The posterior of one contrast as a mixture of normal distributions, for many models in short time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells
from feedbackstudy.analysis.bayesian.normal_mixture import NormalMixture
from feedbackstudy.analysis.bayesian.priors import CellPrior

__all__ = ["ContrastPosterior", "approximate_contrast", "averaged", "exact_contrast", "quantiles"]

type Floats = NDArray[np.float64]

_NODES = 16
_LIGHT = 1e-7
_STEPS = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContrastPosterior:
    """The posterior of one contrast.

    Attributes
    ----------
    mixture : NormalMixture
        Its distribution.
    log_bayes_factor : float
        Natural logarithm of the Bayes factor for an effect under the prior of the scale (Savage-Dickey).
    """

    mixture: NormalMixture
    log_bayes_factor: float

    def in_units(self, unit: float) -> NormalMixture:
        """Return the distribution of the contrast divided by a unit.

        Parameters
        ----------
        unit : float
            Such as a standard deviation.

        Returns
        -------
        NormalMixture
            The same weights.
        """
        mix = self.mixture
        return NormalMixture(weights=mix.weights, means=mix.means / unit, sds=mix.sds / unit)


def exact_contrast(
    y: Floats,
    cell: NDArray[np.int64],
    weights: Floats,
    *,
    prior: CellPrior,
    covariates: Floats | None,
    groups: Mapping[str, NDArray[np.int64]],
) -> ContrastPosterior:
    """Solve the normal model and read off one contrast.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    cell : ndarray of int, shape (n,)
        Cells.
    weights : ndarray, shape (cells,)
        The contrast.
    prior : CellPrior
        The prior, from the scale.
    covariates : ndarray, shape (n, q), or None
        Centred covariates.
    groups : mapping of str to ndarray of int
        Up to two grouping factors.

    Returns
    -------
    ContrastPosterior
        Exact but for quadrature with 16 nodes an axis, which gives medians and tail probabilities to three digits;
        components that together weigh less than 1e-7 are left out of the mixture, not of the Bayes factor.
    """
    model = gaussian_cells(y, cell, weights.size, prior=prior, covariates=covariates, groups=groups)
    solved = model.posterior(nodes=_NODES)
    found = solved.cells.project(weights)
    before = solved.prior_cells.project(weights)
    factor = before.log_density(0.0) - found.log_density(0.0)
    order = np.argsort(found.weights)
    kept = np.sort(order[np.searchsorted(np.cumsum(found.weights[order]), _LIGHT) :])
    light = NormalMixture(
        weights=found.weights[kept] / found.weights[kept].sum(), means=found.means[kept], sds=found.sds[kept]
    )
    return ContrastPosterior(mixture=light, log_bayes_factor=factor)


def approximate_contrast(estimate: float, se: float, prior_sd: float) -> ContrastPosterior:
    r"""Combine a likelihood that is taken as normal with a normal prior around no effect.

    Parameters
    ----------
    estimate, se : float
        Top and spread of the likelihood.
    prior_sd : float
        Standard deviation of the prior.

    Returns
    -------
    ContrastPosterior
        Precision :math:`1/se^2 + 1/\tau^2`.
    """
    variance = 1 / (1 / se**2 + 1 / prior_sd**2)
    mean = variance * estimate / se**2
    mix = NormalMixture(weights=np.ones(1), means=np.array([mean]), sds=np.array([np.sqrt(variance)]))
    factor = 0.5 * (np.log(variance) + mean**2 / variance) - np.log(prior_sd)
    return ContrastPosterior(mixture=mix, log_bayes_factor=float(factor))


def averaged(parts: Sequence[NormalMixture]) -> NormalMixture:
    """Return the mixture of several distributions with equal weights.

    Parameters
    ----------
    parts : sequence of NormalMixture
        The distributions.

    Returns
    -------
    NormalMixture
        Of all their components.
    """
    return NormalMixture(
        weights=np.concatenate([part.weights for part in parts]) / len(parts),
        means=np.concatenate([part.means for part in parts]),
        sds=np.concatenate([part.sds for part in parts]),
    )


def quantiles(mixture: NormalMixture, at: Floats) -> Floats:
    """Return several quantiles at once.

    Parameters
    ----------
    mixture : NormalMixture
        The distribution.
    at : ndarray
        Probabilities.

    Returns
    -------
    ndarray
        By Newton's method from the normal approximation; by root finding where that has not ended.
    """
    spread = mixture.sd
    x = mixture.mean + special.ndtri(at) * spread
    for _ in range(_STEPS):
        z = (x[:, None] - mixture.means) / mixture.sds
        gap = special.ndtr(z) @ mixture.weights - at
        if np.abs(gap).max() < 1e-10:
            return np.asarray(x, dtype=np.float64)
        slope = np.exp(-0.5 * z**2) @ (mixture.weights / mixture.sds) / np.sqrt(2 * np.pi)
        x = x - np.clip(gap / np.maximum(slope, 1e-12), -spread, spread)
    return np.array([mixture.quantile(float(p)) for p in at])
