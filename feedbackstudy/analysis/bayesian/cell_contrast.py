"""The posterior of one contrast of cell means, however it was computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from feedbackstudy.analysis.posterior import Posterior

__all__ = ["CellContrast", "Scale", "exponential"]

type Scale = Literal["response", "log odds", "log rate", "latent"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellContrast:
    """The posterior of one contrast of cell means.

    Attributes
    ----------
    posterior : Posterior
        Median, interval, probabilities and curve; the fixed value is subtracted, so "no effect" is 0.
    sd : float
        Posterior standard deviation.
    log_bayes_factor : float or None
        Natural logarithm of the Bayes factor for an effect against none under the model's own prior; None where the
        model has no proper prior of this contrast.
    bayes_factor_note : str
        Its prior, and how it was computed.
    tail : callable
        Takes x and returns the posterior probability of an effect larger than x.
    """

    posterior: Posterior
    sd: float
    log_bayes_factor: float | None
    bayes_factor_note: str
    tail: Callable[[float], float]

    @property
    def bayes_factor(self) -> float | None:
        """Bayes factor for an effect against none; infinite beyond what a float holds."""
        return exponential(self.log_bayes_factor) if self.log_bayes_factor is not None else None

    def beyond(self, x: float) -> float:
        """Return the posterior probability of an effect larger than x.

        Parameters
        ----------
        x : float
            A value of the effect.

        Returns
        -------
        float
            P(effect > x).
        """
        return min(max(float(self.tail(x)), 0.0), 1.0)


def exponential(log_value: float) -> float:
    """Return the exponential, infinite where a float cannot hold it.

    Parameters
    ----------
    log_value : float
        Natural logarithm.

    Returns
    -------
    float
        Its exponential.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(log_value))
