"""From a density on a grid, or from draws, to a posterior that can be read."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, ndimage, optimize

from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

__all__ = ["GridDensity", "exponentiated", "from_density", "from_draws", "hdi_of_draws", "savage_dickey"]

_Floats = NDArray[np.float64]
type IntervalKind = Literal["HDI", "equal-tailed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridDensity:
    """A posterior density on a grid, beside the prior density there.

    Attributes
    ----------
    grid : ndarray, shape (m,)
        Increasing values.
    density : ndarray, shape (m,)
        Posterior density; need not integrate to one.
    prior : ndarray, shape (m,), or None
        Prior density.
    """

    grid: _Floats
    density: _Floats
    prior: _Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cumulative:
    grid: _Floats
    mass: _Floats

    def below(self, x: float) -> float:
        return float(np.interp(x, self.grid, self.mass))

    def quantile(self, p: float) -> float:
        return float(np.interp(p, self.mass, self.grid))

    def hdi(self, level: float) -> tuple[float, float]:
        starts = np.linspace(0.0, 1.0 - level, 1001)
        widths = np.interp(starts + level, self.mass, self.grid) - np.interp(starts, self.mass, self.grid)
        best = int(np.argmin(widths))
        around = float(starts[max(best - 1, 0)]), float(starts[min(best + 1, starts.size - 1)])
        found = optimize.minimize_scalar(
            lambda p: self.quantile(p + level) - self.quantile(p), bounds=around, method="bounded"
        )
        start = float(found.x) if 0 < best < starts.size - 1 else float(starts[best])
        return self.quantile(start), self.quantile(start + level)


def from_density(
    given: GridDensity,
    *,
    quantity: str,
    unit: str = "",
    level: float = 0.95,
    interval: IntervalKind = "HDI",
    null: float = 0.0,
    rope: tuple[float, float] | None = None,
    engine: str = "quadrature",
) -> Posterior:
    """Summarise a density on a grid.

    Parameters
    ----------
    given : GridDensity
        Posterior density, with the prior's where it is known.
    quantity, unit : str
        What it is the posterior of.
    level : float, default 0.95
        Probability inside the interval.
    interval : {"HDI", "equal-tailed"}, default "HDI"
        Kind of the interval.
    null : float, default 0
        The value that means "no effect".
    rope : tuple of (float, float), optional
        Region of practical equivalence.
    engine : str, default "quadrature"
        How the density was computed.

    Returns
    -------
    Posterior
        The shortest interval (one piece) or the equal-tailed one, from the cumulative density.

    Raises
    ------
    DataError
        Where the density is negative, not finite, or zero everywhere.
    """
    grid, density = np.asarray(given.grid, dtype=np.float64), np.asarray(given.density, dtype=np.float64)
    if not np.isfinite(density).all() or (density < -1e-9 * np.abs(density).max()).any() or not density.any():
        raise DataError(f"The density of {quantity!r} must be finite, not negative, and positive somewhere.")
    density = np.maximum(density, 0.0)
    mass = np.maximum.accumulate(integrate.cumulative_simpson(density, x=grid, initial=0.0))
    table = _Cumulative(grid=grid, mass=mass / mass[-1])
    median = table.quantile(0.5)
    tail = (1 - level) / 2
    low, high = table.hdi(level) if interval == "HDI" else (table.quantile(tail), table.quantile(1 - tail))
    below = table.below(null)
    return Posterior(
        quantity=quantity,
        unit=unit,
        grid=grid,
        density=density / mass[-1],
        median=median,
        low=low,
        high=high,
        level=level,
        interval_kind=interval,
        null=null,
        rope=rope,
        prob_rope=table.below(rope[1]) - table.below(rope[0]) if rope is not None else None,
        prob_direction=below if median < null else 1 - below,
        prior_density=given.prior,
        engine=engine,
    )


def from_draws(
    draws: ArrayLike,
    *,
    quantity: str,
    unit: str = "",
    level: float = 0.95,
    interval: IntervalKind = "HDI",
    null: float = 0.0,
    rope: tuple[float, float] | None = None,
    engine: str,
    rhat: float | None = None,
    ess: float | None = None,
    lower_bound: float | None = None,
) -> Posterior:
    """Summarise draws; every number comes from the draws, only the curve is smoothed.

    Parameters
    ----------
    draws : array_like
        Draws of one quantity, all chains together.
    quantity, unit : str
        What they are draws of.
    level : float, default 0.95
        Probability inside the interval.
    interval : {"HDI", "equal-tailed"}, default "HDI"
        Kind of the interval.
    null : float, default 0
        The value that means "no effect".
    rope : tuple of (float, float), optional
        Region of practical equivalence.
    engine : str
        How the draws were made.
    rhat, ess : float, optional
        Convergence of the chains.
    lower_bound : float, optional
        Where the quantity cannot be lower; the curve is reflected there.

    Returns
    -------
    Posterior
        Median, interval and probabilities of the draws.

    Raises
    ------
    DataError
        For fewer than 100 draws, draws that are not finite, or all the same.
    """
    values = np.sort(np.asarray(draws, dtype=np.float64).ravel())
    if values.size < 100 or not np.isfinite(values).all() or values[0] == values[-1]:
        raise DataError(f"Draws of {quantity!r} must be at least 100 finite numbers that differ; given {values.size}.")
    median, tail = float(np.median(values)), (1 - level) / 2
    low, high = hdi_of_draws(values, level) if interval == "HDI" else np.quantile(values, [tail, 1 - tail]).tolist()
    grid, density = _smooth(values, lower_bound)
    inside = float(((values >= rope[0]) & (values <= rope[1])).mean()) if rope is not None else None
    return Posterior(
        quantity=quantity,
        unit=unit,
        grid=grid,
        density=density,
        median=median,
        low=low,
        high=high,
        level=level,
        interval_kind=interval,
        null=null,
        rope=rope,
        prob_rope=inside,
        prob_direction=float((values > null).mean() if median >= null else (values < null).mean()),
        rhat=rhat,
        ess=ess,
        engine=engine,
    )


def hdi_of_draws(draws: ArrayLike, level: float) -> tuple[float, float]:
    """Return the shortest interval that holds the given share of the draws.

    Parameters
    ----------
    draws : array_like
        Draws of one quantity.
    level : float
        Share of the draws inside.

    Returns
    -------
    tuple of float
        Lower and upper limit; one piece, also where the density has two peaks.
    """
    values = np.sort(np.asarray(draws, dtype=np.float64).ravel())
    inside = int(np.floor(level * values.size))
    start = int(np.argmin(values[inside:] - values[: values.size - inside]))
    return float(values[start]), float(values[start + inside])


def exponentiated(posterior: Posterior, *, quantity: str) -> Posterior:
    """Turn the posterior of a logarithm into that of the ratio.

    Parameters
    ----------
    posterior : Posterior
        Of a log ratio, with an equal-tailed interval: that one keeps its meaning under the transformation.
    quantity : str
        What the ratio is.

    Returns
    -------
    Posterior
        On the ratio scale.

    Raises
    ------
    DataError
        For a highest-density interval, whose exponential is no highest-density interval.
    """
    if posterior.interval_kind != "equal-tailed":
        raise DataError("Only an equal-tailed interval may be exponentiated; ask for interval='equal-tailed'.")
    grid = np.exp(posterior.grid)
    rope = posterior.rope
    return replace(
        posterior,
        quantity=quantity,
        grid=grid,
        density=posterior.density / grid,
        prior_density=None if posterior.prior_density is None else posterior.prior_density / grid,
        median=float(np.exp(posterior.median)),
        low=float(np.exp(posterior.low)),
        high=float(np.exp(posterior.high)),
        null=float(np.exp(posterior.null)),
        rope=None if rope is None else (float(np.exp(rope[0])), float(np.exp(rope[1]))),
    )


def savage_dickey(given: GridDensity, *, null: float = 0.0) -> float:
    r"""Return the Bayes factor for an effect against none, from the two densities at the null value.

    Parameters
    ----------
    given : GridDensity
        Normalised posterior and prior densities.
    null : float, default 0
        The value that means "no effect".

    Returns
    -------
    float
        Prior density over posterior density at the null (BF10).

    Raises
    ------
    DataError
        Where no prior density is given or the null lies off the grid.

    Notes
    -----
    Dickey (1971), Annals of Mathematical Statistics 42, 204-223: exact where the prior of the other parameters under
    the null is their conditional prior given the null.
    """
    if given.prior is None or not given.grid[0] <= null <= given.grid[-1]:
        raise DataError(f"A Savage-Dickey ratio needs the prior density and a grid that reaches the null {null:g}.")
    area = float(integrate.simpson(given.density, x=given.grid))
    posterior = float(np.exp(np.interp(null, given.grid, np.log(np.maximum(given.density / area, 1e-300)))))
    return float(np.interp(null, given.grid, given.prior)) / posterior


def _smooth(values: _Floats, lower_bound: float | None) -> tuple[_Floats, _Floats]:
    """Return a Gaussian kernel density (Scott's bandwidth) of sorted draws, from a fine histogram."""
    width = float(values.std(ddof=1)) * values.size**-0.2
    start, stop = float(values[0]) - 4 * width, float(values[-1]) + 4 * width
    if lower_bound is not None:
        start = max(start, lower_bound)
    counts, edges = np.histogram(values, bins=1600, range=(start, stop), density=True)
    mode: Literal["reflect", "constant"] = "constant" if lower_bound is None else "reflect"
    density = ndimage.gaussian_filter1d(counts, width / (edges[1] - edges[0]), mode=mode, truncate=5.0)
    centres = (edges[1:] + edges[:-1]) / 2
    grid = np.linspace(start, stop, 401)
    return grid, np.asarray(np.interp(grid, centres, density), dtype=np.float64)
