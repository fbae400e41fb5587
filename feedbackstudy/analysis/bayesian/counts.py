"""Zero-inflated negative binomial for cells of people: exact posteriors of contrasts by quadrature."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln, log_expit, logsumexp

from feedbackstudy.analysis.bayesian.densities import GridDensity
from feedbackstudy.analysis.tables import whole_numbers
from feedbackstudy.errors import DataError
from feedbackstudy.threads import one_thread

__all__ = ["ZeroInflatedPosterior", "ZeroInflatedPrior", "zero_inflated_posterior"]

_Floats = NDArray[np.float64]
type Part = Literal["count", "zero"]
_NEGLIGIBLE = 1e-40


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroInflatedPrior:
    """Prior on the scale of the counts, exchangeable over cells.

    Each cell's log mean is a common level plus its own deviation, and so is its log odds of a structural zero.

    Attributes
    ----------
    typical_count : float
        Centre of the common level, as a count.
    log_mean_sd : float
        Prior standard deviation of the common log mean.
    log_mean_deviation : float
        Prior standard deviation of a cell's deviation; a contrast with weights 1 and -1 has 1.41 times that.
    zero_sd : float
        Prior standard deviation of the common log odds of a structural zero, around 0.
    zero_deviation : float
        Prior standard deviation of a cell's deviation from it.
    log_theta_sd : float
        Prior standard deviation of the log size, around 0.
    """

    typical_count: float = 5.0
    log_mean_sd: float = 1.0
    log_mean_deviation: float = 0.5
    zero_sd: float = 1.5
    zero_deviation: float = 0.75
    log_theta_sd: float = 1.0

    def __post_init__(self) -> None:
        if not all(np.isfinite(v) and v > 0 for v in (getattr(self, name) for name in self.__slots__)):
            raise DataError(f"Every figure of a prior must be positive and finite; given {self}.")

    def __str__(self) -> str:
        return (
            f"cell log means N(level, {self.log_mean_deviation:g}) around a level N(log {self.typical_count:g}, "
            f"{self.log_mean_sd:g}); log odds of a structural zero N(level, {self.zero_deviation:g}) around a level "
            f"N(0, {self.zero_sd:g}); log size N(0, {self.log_theta_sd:g})"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Axes:
    """Uniform grids of the cell parameters and of the levels that cells share."""

    log_mean: _Floats
    log_odds: _Floats
    log_theta: _Floats
    mean_level: _Floats
    odds_level: _Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZeroInflatedPosterior:
    """The joint posterior on a grid, from which any contrast of cells follows.

    Attributes
    ----------
    prior : ZeroInflatedPrior
        The prior.
    n : int
        People.
    axes : _Axes
        The grids.
    likelihood : ndarray, shape (thetas, cells, log means, log odds)
        Likelihood of each cell, scaled to a maximum of 1 over the cell.
    theta_mass : ndarray, shape (thetas,)
        Prior mass of each size.
    """

    prior: ZeroInflatedPrior
    n: int
    axes: _Axes
    likelihood: _Floats
    theta_mass: _Floats

    def contrast(self, weights: ArrayLike, *, part: Part) -> GridDensity:
        r"""Return the posterior of a weighted sum over cells, on the log scale.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            The contrast over cells; sums to zero.
        part : {"count", "zero"}
            Log means of the counts, or log odds of a structural zero.

        Returns
        -------
        GridDensity
            Posterior and prior density; the prior's is normal with mean 0, as the common level cancels.

        Raises
        ------
        DataError
            For weights that do not fit, do not sum to zero, or are all zero.

        Notes
        -----
        Given size and levels the cells are independent, so the characteristic function of the contrast is the product
        of theirs; it is mixed over size and levels, then inverted by the trapezoidal rule.
        """
        w = np.asarray(weights, dtype=np.float64)
        cells = self.likelihood.shape[1]
        if w.shape != (cells,) or abs(w.sum()) > 1e-12 or not w.any():
            raise DataError(f"Give one weight for each of the {cells} cells, with sum zero; given {w.tolist()}.")
        along = self.axes.log_mean if part == "count" else self.axes.log_odds
        spread = self.prior.log_mean_deviation if part == "count" else self.prior.zero_deviation
        reach = float(np.abs(w).sum() / 2 * (along[-1] - along[0]))
        top = np.pi / float((along[1] - along[0]) * np.abs(w).max())
        t = np.arange(1, int(top * reach / np.pi)) * np.pi / reach
        grid = np.linspace(-reach, reach, 4001)
        with one_thread():
            transform = self._transform(w, np.asarray(t, dtype=np.float64), part)
            density = (np.exp(-1j * np.multiply.outer(grid, t)) @ transform).real + 0.5
        sd = spread * float(np.sqrt((w**2).sum()))
        return _trimmed(grid, np.maximum(density / reach, 0.0), np.asarray(stats.norm.pdf(grid, 0, sd)))

    def _transform(self, w: _Floats, t: _Floats, part: Part) -> NDArray[np.complex128]:
        mean_given = _given(self.axes.log_mean, self.axes.mean_level, self.prior.log_mean_deviation)
        odds_given = _given(self.axes.log_odds, self.axes.odds_level, self.prior.zero_deviation)
        levels = np.multiply.outer(
            _mass(self.axes.mean_level, np.log(self.prior.typical_count), self.prior.log_mean_sd),
            _mass(self.axes.odds_level, 0.0, self.prior.zero_sd),
        )
        mixing = (levels if part == "count" else levels.T).ravel()
        outer, inner_given = (mean_given, odds_given) if part == "count" else (odds_given, mean_given)
        along = self.axes.log_mean if part == "count" else self.axes.log_odds
        waves = {float(f): _cosines_and_sines(t, float(f) * along) for f in np.unique(w[w != 0])}
        total, mass = np.zeros(t.size, dtype=np.complex128), 0.0
        for likelihood, weight in zip(self.likelihood, self.theta_mass, strict=True):
            product, plain = np.ones((t.size, mixing.size), dtype=np.complex128), np.ones(mixing.size)
            for factor, table in zip(w, likelihood, strict=True):
                inner = (table if part == "count" else table.T) @ inner_given
                joint = (outer[:, :, None] * inner[:, None, :]).reshape(along.size, -1)
                plain *= joint.sum(axis=0)
                if factor:
                    parts = waves[float(factor)] @ joint
                    product *= parts[: t.size] + 1j * parts[t.size :]
                else:
                    product *= joint.sum(axis=0)
            total += weight * (product @ mixing)
            mass += weight * float(plain @ mixing)
        return np.asarray(total / mass, dtype=np.complex128)


def zero_inflated_posterior(
    values: ArrayLike, counts: ArrayLike, *, prior: ZeroInflatedPrior | None = None, points: int = 81
) -> ZeroInflatedPosterior:
    r"""Compute the posterior of a zero-inflated negative binomial with one mean and one zero share for each cell.

    Parameters
    ----------
    values : array_like of int, shape (values,)
        The counts that people can have.
    counts : array_like of int, shape (cells, values)
        People of each cell at each count.
    prior : ZeroInflatedPrior, optional
        The prior; its default suits counts of a few.
    points : int, default 81
        Grid points for each cell parameter; more change the answer only in later digits.

    Returns
    -------
    ZeroInflatedPosterior
        The joint posterior.

    Raises
    ------
    DataError
        For counts that are not whole, an empty cell, or fewer than two cells.

    Notes
    -----
    Same likelihood as `feedbackstudy.analysis.frequentist.counts`, saturated in the cells, with one common size.
    """
    y, table = whole_numbers("the values", values), whole_numbers("the table", counts)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] != y.size:
        raise DataError(f"Give a table of at least two cells by {y.size} values; given shape {table.shape}.")
    if (table.sum(axis=1) == 0).any():
        raise DataError(f"Cell {int(np.argmin(table.sum(axis=1))) + 1} is empty; nothing is known about it.")
    chosen = prior or ZeroInflatedPrior()
    axes = _axes(np.log(max(float(y.max()), 1.0)), chosen, points)
    log_likelihood = _log_likelihood(y, table, axes)
    axes = _narrowed(axes, log_likelihood, chosen, points)
    log_likelihood = _log_likelihood(y, table, axes)
    top = log_likelihood.max(axis=(0, 2, 3), keepdims=True)
    return ZeroInflatedPosterior(
        prior=chosen,
        n=int(table.sum()),
        axes=axes,
        likelihood=_flushed(np.exp(log_likelihood - top)),
        theta_mass=_mass(axes.log_theta, 0.0, chosen.log_theta_sd),
    )


def _axes(log_largest: float, prior: ZeroInflatedPrior, points: int) -> _Axes:
    """Return grids that hold all that the prior and any data below the largest count allow."""
    centre, spread = float(np.log(prior.typical_count)), prior.log_mean_sd + prior.log_mean_deviation
    low, high = centre - 4 * spread, max(centre + 4 * spread, log_largest + 1)
    zero = 5 * float(np.hypot(prior.zero_sd, prior.zero_deviation))
    return _Axes(
        log_mean=np.linspace(low, high, points),
        log_odds=np.linspace(-zero, zero, points),
        log_theta=np.linspace(-5 * prior.log_theta_sd, 5 * prior.log_theta_sd, 41),
        mean_level=np.linspace(low, high, 15),
        odds_level=np.linspace(-4 * prior.zero_sd, 4 * prior.zero_sd, 21),
    )


def _narrowed(axes: _Axes, log_likelihood: _Floats, prior: ZeroInflatedPrior, points: int) -> _Axes:
    """Return grids around what the data leave of each parameter, under each cell's own prior."""
    centre = np.log(prior.typical_count)
    log_prior = stats.norm.logpdf(axes.log_mean, centre, np.hypot(prior.log_mean_sd, prior.log_mean_deviation))[
        :, None
    ] + stats.norm.logpdf(axes.log_odds, 0, np.hypot(prior.zero_sd, prior.zero_deviation))
    joint = log_likelihood + log_prior
    by_theta = logsumexp(joint, axis=(2, 3)).sum(axis=1) + stats.norm.logpdf(axes.log_theta, 0, prior.log_theta_sd)
    theta = _span(axes.log_theta, by_theta)
    joint = joint[by_theta > by_theta.max() - 30]
    mean = _span(axes.log_mean, logsumexp(joint, axis=(0, 3)).max(axis=0) - logsumexp(joint))
    odds = _span(axes.log_odds, logsumexp(joint, axis=(0, 2)).max(axis=0) - logsumexp(joint))
    margin = 2 * prior.log_mean_deviation
    return _Axes(
        log_mean=np.linspace(*mean, points),
        log_odds=np.linspace(*odds, points),
        log_theta=np.linspace(*theta, 25),
        mean_level=np.linspace(mean[0] - margin, mean[1] + margin, 17),
        odds_level=axes.odds_level,
    )


def _span(grid: _Floats, log_density: _Floats) -> tuple[float, float]:
    """Return the ends of the part of a grid where the density is within e to the 30 of its peak."""
    inside = np.flatnonzero(log_density > log_density.max() - 30)
    return float(grid[max(inside[0] - 1, 0)]), float(grid[min(inside[-1] + 1, grid.size - 1)])


def _log_likelihood(y: _Floats, table: _Floats, axes: _Axes) -> _Floats:
    theta = np.exp(axes.log_theta)[:, None, None]
    mu = np.exp(axes.log_mean)[:, None]
    total = np.log(theta + mu)
    log_p = (
        gammaln(y + theta)
        - gammaln(theta)
        - gammaln(y + 1)
        + theta * (axes.log_theta[:, None, None] - total)
        + y * (axes.log_mean[:, None] - total)
    )
    zero = y == 0
    positive = np.einsum("tmy,cy->tcm", log_p[:, :, ~zero], table[:, ~zero])[..., None]
    none = theta[..., 0] * (axes.log_theta[:, None] - total[..., 0])
    at_zero = np.logaddexp(log_expit(axes.log_odds), log_expit(-axes.log_odds) + none[:, None, :, None])
    zeros = table[:, zero].sum(axis=1)[:, None, None]
    others = table[:, ~zero].sum(axis=1)[:, None, None]
    return np.asarray(positive + zeros * at_zero + others * log_expit(-axes.log_odds), dtype=np.float64)


def _cosines_and_sines(t: _Floats, at: _Floats) -> _Floats:
    """Return cosines over sines, so that a product with them stays real: half the work of a complex one."""
    angles = np.multiply.outer(t, at)
    return np.concatenate([np.cos(angles), np.sin(angles)])


def _mass(grid: _Floats, mean: float, sd: float) -> _Floats:
    return np.asarray(stats.norm.pdf(grid, mean, sd) * (grid[1] - grid[0]), dtype=np.float64)


def _given(values: _Floats, levels: _Floats, sd: float) -> _Floats:
    """Return the prior mass of each value of a cell given each common level, shape (values, levels)."""
    return _flushed(np.asarray(stats.norm.pdf(values[:, None], levels, sd) * (values[1] - values[0]), dtype=np.float64))


def _flushed(values: _Floats) -> _Floats:
    """Return zero for what is too small to count: products of such numbers are subnormal, and slow a hundredfold."""
    return np.where(values < _NEGLIGIBLE, 0.0, values)


def _trimmed(grid: _Floats, density: _Floats, prior: _Floats) -> GridDensity:
    """Return the part of the grid where the posterior has mass, reaching past zero."""
    inside = np.flatnonzero((density > 1e-9 * density.max()) | (np.abs(grid) <= 2 * (grid[1] - grid[0])))
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    return GridDensity(grid=grid[part], density=density[part], prior=prior[part])
