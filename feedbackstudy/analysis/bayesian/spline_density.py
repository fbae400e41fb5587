"""The density of draws at a point, by a log-spline with normal tails, with its Monte-Carlo error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.errors import DataError

__all__ = ["BATCHES", "GRID", "KNOTS", "STEPS", "DensityAt", "density_at", "log_spline"]

type Floats = NDArray[np.float64]

BATCHES = 10
"""Consecutive batches of the draws whose spread is the Monte-Carlo error."""
KNOTS = (0.001, 0.02, 0.15, 0.85, 0.98, 0.999)
"""Knots, as quantiles of the draws."""
GRID = np.linspace(-12.0, 12.0, 1201)
"""Where the density is integrated, in standard deviations; wider where a point lies further out."""
STEPS = 60
"""Newton steps at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityAt:
    """An estimated density at one point.

    Attributes
    ----------
    log_density : float
        Natural logarithm of the density.
    error : float
        Monte-Carlo standard error of `log_density`, from its spread over consecutive batches of the draws.
    beyond : bool
        True where the point lies beyond every draw: the value is then an extrapolation of the tail.
    """

    log_density: float
    error: float
    beyond: bool


def density_at(draws: ArrayLike, x: float, *, batches: int = BATCHES) -> DensityAt:
    """Estimate the density of draws at one point.

    Parameters
    ----------
    draws : array_like, shape (s,)
        Draws in the order of the chains.
    x : float
        The point.
    batches : int, default 10
        Consecutive batches for the error.

    Returns
    -------
    DensityAt
        Log density, its error, and whether it is an extrapolation.

    Raises
    ------
    DataError
        For fewer than 100 draws a batch, draws that are not finite, or all the same.
    """
    values = np.asarray(draws, dtype=np.float64).ravel()
    if values.size < 100 * batches or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise DataError(
            f"A density needs {100 * batches} finite draws at least that differ; given {values.size}. Draw more."
        )
    at = np.array([x])
    whole = float(log_spline(values, at)[0])
    parts = [float(log_spline(part, at)[0]) for part in np.array_split(values, batches)]
    error = float(np.std(parts, ddof=1) / np.sqrt(batches))
    return DensityAt(log_density=whole, error=error, beyond=not values.min() < x < values.max())


def log_spline(draws: Floats, x: Floats) -> Floats:
    r"""Return the log density at some points by maximum likelihood over log-splines.

    Parameters
    ----------
    draws : ndarray, shape (s,)
        Draws.
    x : ndarray, shape (m,)
        The points.

    Returns
    -------
    ndarray, shape (m,)
        Log density.

    Notes
    -----
    :math:`\log f(z) = \theta_1 z + \theta_2 z^2 + \sum_j \theta_j B_j(z) - \log \int`, with natural cubic splines
    :math:`B_j` on knots at the 0.1, 2, 15, 85, 98 and 99.9 % quantiles of the standardised draws: Stone's log-spline
    (1990, Annals of Statistics 18, 717-741), but with quadratic in place of linear tails, exact for a normal posterior.
    Where the fitted tail would rise (:math:`\theta_2 \geq 0`), the normal density with the draws' moments stands in.
    """
    mean, sd = float(draws.mean()), float(draws.std(ddof=1))
    z = (draws - mean) / sd
    knots = np.quantile(z, KNOTS)
    at = (x - mean) / sd
    reach = max(12.0, float(np.abs(at).max()) + 4)
    grid = GRID * reach / 12.0
    theta = _fit(_basis(z, knots).mean(axis=0), _basis(grid, knots), grid[1] - grid[0])
    if theta is None:
        return np.asarray(-0.5 * at**2 - 0.5 * np.log(2 * np.pi) - np.log(sd))
    exponent = _basis(grid, knots) @ theta
    peak = float(exponent.max())
    log_area = peak + float(np.log(np.exp(exponent - peak).sum() * (grid[1] - grid[0])))
    return np.asarray(_basis(at, knots) @ theta - log_area - np.log(sd))


def _basis(z: Floats, knots: Floats) -> Floats:
    """Return z, z squared and the natural cubic splines of the knots (Hastie et al., 2009, equation 5.4)."""
    cubes = np.maximum(z[:, None] - knots, 0.0) ** 3
    slopes = (cubes[:, :-1] - cubes[:, -1:]) / (knots[-1] - knots[:-1])
    return np.column_stack([z, z**2, slopes[:, :-1] - slopes[:, -1:]])


def _fit(observed: Floats, basis: Floats, step: float) -> Floats | None:
    """Return the coefficients by Newton's method with halving; None where the tails would not fall."""
    theta = np.zeros(observed.size)
    theta[1] = -0.5

    def objective(values: Floats) -> tuple[float, Floats]:
        exponent = basis @ values
        peak = exponent.max()
        weight = np.exp(exponent - peak)
        return float(observed @ values - peak - np.log(weight.sum() * step)), weight / weight.sum()

    height, share = objective(theta)
    for _ in range(STEPS):
        expected = share @ basis
        information = (basis * share[:, None]).T @ basis - np.outer(expected, expected)
        move = np.linalg.lstsq(information, observed - expected, rcond=None)[0]
        gain = float(move @ (observed - expected))
        length = 1.0
        while (found := objective(theta + length * move))[0] < height and length > 1e-8:
            length /= 2
        theta, (height, share) = theta + length * move, found
        if gain < 1e-12:
            break
    return theta if theta[1] < 0 else None
