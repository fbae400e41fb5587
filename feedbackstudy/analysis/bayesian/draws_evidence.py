"""The Bayes factor of one contrast under any prior of its size, from the draws of a sampled model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.analysis.bayesian.spline_density import BATCHES
from feedbackstudy.errors import DataError

__all__ = ["DrawsEvidence"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawsEvidence:
    r"""Draws of one contrast, to be weighted from the model's prior to another.

    Attributes
    ----------
    effects : ndarray, shape (s,)
        Draws of the contrast, chain after chain.
    log_prior : ndarray, shape (s,)
        Log density of the model's own prior of the contrast at each draw.
    units : ndarray, shape (s,)
        What the contrast is standardised by in each draw.
    log_savage_dickey : float
        Log Bayes factor for an effect against none under the model's own prior.
    error : float
        Its Monte-Carlo standard error.
    shortfall : float
        How far a bound that the draws support lies below it.

    Notes
    -----
    With :math:`\pi` the model's prior of the contrast and :math:`\pi_1` another one given everything else,
    :math:`BF_1 = BF_\pi \cdot E[\pi_1(c) / \pi(c)]` over the posterior: both share all other priors given the contrast.
    """

    effects: Floats
    log_prior: Floats
    units: Floats
    log_savage_dickey: float
    error: float
    shortfall: float = float("inf")

    def cauchy(self, scale: float, alternative: Alternative = "two-sided") -> float:
        """Return the log Bayes factor under a Cauchy prior of the standardised effect.

        Parameters
        ----------
        scale : float
            Scale of the Cauchy prior, in `units`.
        alternative : {"two-sided", "greater", "less"}
            The whole Cauchy, or the half on one side of 0.

        Returns
        -------
        float
            Natural logarithm of the evidence for an effect over that for none.
        """
        return self._total(self._cauchy_ratios(scale, alternative))

    def cauchy_error(self, scale: float, alternative: Alternative = "two-sided") -> float:
        """Return the Monte-Carlo standard error of `cauchy`.

        Parameters
        ----------
        scale : float
            Scale of the Cauchy prior.
        alternative : {"two-sided", "greater", "less"}
            The whole Cauchy, or the half on one side of 0.

        Returns
        -------
        float
            From the spread over consecutive batches, and the error of the Savage-Dickey ratio.
        """
        ratios = self._cauchy_ratios(scale, alternative)
        parts = [special.logsumexp(part) - np.log(part.size) for part in np.array_split(ratios, BATCHES)]
        return float(np.hypot(self.error, np.std(parts, ddof=1) / np.sqrt(BATCHES)))

    def normal(self, sd: float, alternative: Alternative = "two-sided") -> float:
        """Return the log Bayes factor under a normal prior of the effect around 0.

        Parameters
        ----------
        sd : float
            Its standard deviation, in units of the contrast.
        alternative : {"two-sided", "greater", "less"}
            The whole normal, or the half on one side of 0.

        Returns
        -------
        float
            Natural logarithm of the evidence for an effect over that for none.
        """
        _positive(sd)
        other = -0.5 * (self.effects / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
        return self._total(other + self._side(alternative) - self.log_prior)

    def _cauchy_ratios(self, scale: float, alternative: Alternative) -> Floats:
        _positive(scale)
        width = scale * self.units
        other = -np.log(np.pi * width) - np.log1p((self.effects / width) ** 2)
        return np.asarray(other + self._side(alternative) - self.log_prior, dtype=np.float64)

    def _side(self, alternative: Alternative) -> Floats:
        if alternative == "two-sided":
            return np.zeros(self.effects.size)
        inside = self.effects > 0 if alternative == "greater" else self.effects < 0
        return np.where(inside, np.log(2.0), -np.inf)

    def _total(self, log_ratios: Floats) -> float:
        with np.errstate(divide="ignore"):
            return float(self.log_savage_dickey + special.logsumexp(log_ratios) - np.log(log_ratios.size))


def _positive(scale: float) -> None:
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(f"The scale of a prior must be positive and finite; given {scale}.")
