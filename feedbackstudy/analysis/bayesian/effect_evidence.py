"""The Bayes factor of one contrast under any prior of its size, from one fitted posterior."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.normal_mixture import NormalMixture
from feedbackstudy.errors import DataError

__all__ = ["Alternative", "EffectEvidence", "evidence_of"]

type Floats = NDArray[np.float64]
type Alternative = Literal["two-sided", "greater", "less"]

# Trapezoidal rule over log g, g ~ inverse gamma(1/2, 1/2): the integrand is analytic and decays at both ends.
_LOG_G = np.linspace(-6.0, 64.0, 281)
_LOG_MASS = np.log(_LOG_G[1] - _LOG_G[0]) - 0.5 * (_LOG_G + np.exp(-_LOG_G) + np.log(2 * np.pi))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectEvidence:
    r"""The likelihood of one contrast, everything else integrated out, in each component of a mixture.

    Attributes
    ----------
    weights : ndarray, shape (k,)
        Posterior weights of the components where there is no effect.
    score, information : ndarray, shape (k,)
        The likelihood of an effect c over that of none is :math:`\exp(h c - \lambda c^2 / 2)`.
    sds : ndarray, shape (k,)
        Standard deviation that the effect is standardised by.
    """

    weights: Floats
    score: Floats
    information: Floats
    sds: Floats

    def cauchy(self, scale: float, alternative: Alternative = "two-sided") -> float:
        r"""Return the log Bayes factor under a Cauchy prior of the standardised effect.

        Parameters
        ----------
        scale : float
            Scale of the Cauchy prior, in standard deviations within cells.
        alternative : {"two-sided", "greater", "less"}
            The whole Cauchy, or the half on one side of 0.

        Returns
        -------
        float
            Natural logarithm of the evidence for an effect over that for none.

        Notes
        -----
        :math:`c / \sigma \sim` Cauchy(0, r) is :math:`N(0, g r^2)` with :math:`g \sim` inverse gamma(1/2, 1/2) (Rouder
        et al., 2009, Psychonomic Bulletin & Review 16, 225-237); c integrates in closed form, g by
        the trapezoidal rule.
        """
        _positive(scale)
        variances = (scale * self.sds[:, None]) ** 2 * np.exp(_LOG_G)
        return self._total(self._given(variances, alternative) + _LOG_MASS)

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
        variances = np.full((self.weights.size, 1), sd**2)
        return self._total(self._given(variances, alternative))

    def log_ratio(self, effects: Floats) -> Floats:
        r"""Return the log likelihood of standardised effects, relative to that of none.

        Parameters
        ----------
        effects : ndarray, shape (m,)
            Values of the contrast in standard deviations within cells.

        Returns
        -------
        ndarray, shape (m,)
            Times a prior of the standardised effect and normed, it is the posterior under that prior; its average over
            the prior is the Bayes factor of `cauchy`.
        """
        moved = self.sds[:, None] * np.asarray(effects, dtype=np.float64)
        terms = self.score[:, None] * moved - 0.5 * self.information[:, None] * moved**2
        return np.asarray(special.logsumexp(terms + np.log(self.weights[:, None]), axis=0), dtype=np.float64)

    def _given(self, variances: Floats, alternative: Alternative) -> Floats:
        h, information = self.score[:, None], self.information[:, None]
        shrink = 1 / (1 + information * variances)
        spread = variances * shrink
        found = 0.5 * (np.log(shrink) + h**2 * spread)
        if alternative == "two-sided":
            return np.asarray(found, dtype=np.float64)
        sign = 1.0 if alternative == "greater" else -1.0
        return np.asarray(found + np.log(2.0) + special.log_ndtr(sign * h * np.sqrt(spread)), dtype=np.float64)

    def _total(self, terms: Floats) -> float:
        return float(special.logsumexp(terms + np.log(self.weights[:, None])))


def evidence_of(found: NormalMixture, before: NormalMixture, sds: Floats) -> EffectEvidence:
    r"""Take the model's own prior of a contrast out of its posterior.

    Parameters
    ----------
    found : NormalMixture
        Posterior of the contrast.
    before : NormalMixture
        Its prior in the model, one normal component.
    sds : ndarray, shape (k,)
        Standard deviation within cells in each component of `found`.

    Returns
    -------
    EffectEvidence
        What is left is the likelihood of the contrast with all other parameters integrated over their prior given it.

    Raises
    ------
    DataError
        For a prior that is not a single normal distribution.

    Notes
    -----
    With prior :math:`N(p, v)` and posterior :math:`N(m, s^2)` in a component:
    :math:`\lambda = 1/s^2 - 1/v`, :math:`h = m/s^2 - p/v`; its weight without effect is proportional to its posterior
    weight times :math:`N(0; m, s^2)`.
    """
    if before.weights.size != 1:
        raise DataError("The prior of the contrast must be one normal distribution to be exchanged for another.")
    p, v = float(before.means[0]), float(before.sds[0]) ** 2
    variance = found.sds**2
    with np.errstate(divide="ignore"):
        log_weight = np.log(found.weights) - 0.5 * (np.log(variance) + found.means**2 / variance)
    # A component that weighs nothing without an effect may carry all of the evidence for one: only zeros are left out.
    weights = np.exp(log_weight - special.logsumexp(log_weight))
    kept = weights > 0
    return EffectEvidence(
        weights=weights[kept],
        score=(found.means / variance - p / v)[kept],
        information=np.maximum(1 / variance - 1 / v, 0.0)[kept],
        sds=sds[kept],
    )


def _positive(scale: float) -> None:
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(f"The scale of a prior must be positive and finite; given {scale}.")
