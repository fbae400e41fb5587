"""Covariates that make strata, for replicates that share one allocation: the same categories, all else drawn anew."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from feedbackstudy.simulate.graded import Graded
from feedbackstudy.simulate.traits import Measurement

__all__ = ["bounds_at", "bounds_of", "moved_into_strata", "within_strata"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

_SWEEPS = 12
_FROM_AFAR = 60  # from a start that is no draw


def bounds_of(measurement: Measurement, latent: Floats) -> Floats:
    """Return between which values of the latent variable somebody's category stays the same.

    Parameters
    ----------
    measurement : Measurement
        How the latent variable becomes a category.
    latent : ndarray of shape (n,)
        Latent variable of each person.

    Returns
    -------
    ndarray of shape (n, 2)
        The value itself twice where there are no categories.
    """
    if not isinstance(measurement, Graded) or len(measurement.loadings) > 1 or measurement.loadings[0] < 1:
        return np.stack([latent, latent], axis=1)
    return bounds_at(measurement, np.searchsorted(measurement.cuts, latent))


def bounds_at(measurement: Measurement, place: Ints) -> Floats:
    """Return between which values of the latent variable a category lies.

    Parameters
    ----------
    measurement : Measurement
        How the latent variable becomes a category.
    place : ndarray of int, shape (n,)
        The category of each person, by its place.

    Returns
    -------
    ndarray of shape (n, 2)
        Lower and upper edge.
    """
    if not isinstance(measurement, Graded):
        raise TypeError("only categories have edges")
    edges = np.concatenate([[-np.inf], measurement.cuts, [np.inf]])
    return np.stack([edges[place], edges[place + 1]], axis=1)


def moved_into_strata(
    latent: Floats, slots: list[int], start: Floats | None, bounds: Floats, whole: Floats, chance: np.random.Generator
) -> Floats:
    """Move a fresh draw into categories: what makes them is drawn within their bounds, all else follows by regression.

    Parameters
    ----------
    latent : ndarray of shape (replicates, n, slots)
        A fresh draw.
    slots : list of int
        Those that make the categories.
    start : ndarray of shape (n, k) or None
        A draw of these within the bounds; None where there is none, and a longer run begins in their middle.
    bounds : ndarray of shape (n, k, 2)
        Edges of the categories.
    whole : ndarray of shape (slots, slots)
        Covariance of all latent variables.
    chance : Generator
        A stream.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    among = whole[np.ix_(slots, slots)]
    sweeps, sd = _SWEEPS, np.sqrt(np.diag(among))[:, None]
    if start is None:
        start = special.ndtri(special.ndtr(bounds / sd).mean(axis=2)) * sd[:, 0]
        sweeps = _FROM_AFAR
    kept = within_strata(start, bounds, among, len(latent), chance, sweeps=sweeps)
    return np.asarray(latent + (kept - latent[..., slots]) @ np.linalg.pinv(among) @ whole[slots])


def within_strata(
    latent: Floats,
    bounds: Floats,
    covariance: Floats,
    replicates: int,
    chance: np.random.Generator,
    *,
    sweeps: int = _SWEEPS,
) -> Floats:
    r"""Draw latent variables of replicates in which everybody keeps their categories.

    Parameters
    ----------
    latent : ndarray of shape (n, k)
        One draw of all people, which made the categories.
    bounds : ndarray of shape (n, k, 2)
        Between which values each stays in its category.
    covariance : ndarray of shape (k, k)
        Of the latent variables.
    replicates : int
        How many draws.
    chance : Generator
        A stream.
    sweeps : int
        Rounds of the sampler.

    Returns
    -------
    ndarray of shape (replicates, n, k)
        Draws of the normal distribution within the bounds.

    Notes
    -----
    Gibbs sampling of the truncated normal distribution from a start that is already one of its draws, so that every
    sweep has the right distribution; :math:`x_j | x_{-j} \sim N(x_j - (Px)_j/P_{jj}, 1/P_{jj})` with the precision P.
    """
    found = np.repeat(latent[None], replicates, axis=0)
    precision = np.linalg.pinv(covariance)
    for _ in range(sweeps if latent.shape[1] > 1 else 1):
        for j in range(latent.shape[1]):
            spread = 1 / np.sqrt(precision[j, j])
            mean = found[..., j] - found @ precision[:, j] * spread**2
            low, high = (special.ndtr((bounds[:, j, end] - mean) / spread) for end in (0, 1))
            place = np.clip(low + chance.random(low.shape) * (high - low), 1e-15, 1 - 1e-15)
            drawn = np.clip(mean + spread * special.ndtri(place), bounds[:, j, 0], bounds[:, j, 1])
            found[..., j] = drawn
    return found
