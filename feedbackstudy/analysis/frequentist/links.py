"""Distributions of the latent answer: their functions, densities and the probability between two cuts.

All functions take complex numbers too, so that a tiny imaginary step gives exact derivatives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.errors import DataError, choices

__all__ = ["LINKS", "Array", "Link", "link_of"]

type Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A latent distribution.

    Attributes
    ----------
    name : str
        ``"logit"`` or ``"probit"``.
    cdf, density, slope : callable
        Distribution function, its density and the derivative of that.
    quantile : callable
        Inverse of the distribution function.
    sd : float
        Standard deviation of the latent distribution.
    """

    name: str
    cdf: Callable[[Array], Array]
    density: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    quantile: Callable[[Array], Array]
    sd: float

    def between(self, low: Array, high: Array) -> Array:
        """Return the probability between two cuts, without loss in the upper tail.

        Parameters
        ----------
        low, high : ndarray
            Cuts; infinite ones allowed.

        Returns
        -------
        ndarray
            Probabilities.
        """
        upper = np.real(low) > 0
        left, right = np.where(upper, -high, low), np.where(upper, -low, high)
        made: Array = self.cdf(right) - self.cdf(left)
        return made


def _logistic(x: Array) -> Array:
    if np.isrealobj(x):
        made: Array = special.expit(x)
        return made
    grown = np.exp(-np.abs(np.real(x)) - 1j * np.where(np.real(x) >= 0, 1.0, -1.0) * np.imag(x))
    turned: Array = np.where(np.real(x) >= 0, 1 / (1 + grown), grown / (1 + grown))
    return turned


def _logistic_density(x: Array) -> Array:
    p = _logistic(x)
    made: Array = p * _logistic(-x)
    return made


def _logistic_slope(x: Array) -> Array:
    p, q = _logistic(x), _logistic(-x)
    made: Array = p * q * (q - p)
    return made


def _normal(x: Array) -> Array:
    if np.isrealobj(x):
        made: Array = special.ndtr(x)
        return made
    real, step = np.real(x), np.imag(x)
    density = np.exp(-(real**2) / 2) / np.sqrt(2 * np.pi)
    first_order: Array = special.ndtr(real) + 1j * step * density
    return first_order


def _normal_density(x: Array) -> Array:
    made: Array = np.exp(-(x * x) / 2) / np.sqrt(2 * np.pi)
    return made


def _normal_slope(x: Array) -> Array:
    made: Array = -x * _normal_density(x)
    return made


LINKS: dict[str, Link] = {
    "logit": Link(
        name="logit",
        cdf=_logistic,
        density=_logistic_density,
        slope=_logistic_slope,
        quantile=special.logit,
        sd=float(np.pi / np.sqrt(3)),
    ),
    "probit": Link(
        name="probit",
        cdf=_normal,
        density=_normal_density,
        slope=_normal_slope,
        quantile=special.ndtri,
        sd=1.0,
    ),
}
"""The latent distributions by name."""


def link_of(name: str) -> Link:
    """Return a link by its name.

    Parameters
    ----------
    name : str
        ``"logit"`` or ``"probit"``.

    Returns
    -------
    Link
        The latent distribution.

    Raises
    ------
    DataError
        For an unknown name.
    """
    if name not in LINKS:
        raise DataError(choices("link", name, LINKS))
    return LINKS[name]
