"""What a Bayesian model says of the cell means, before any hypothesis is put to it."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import CellContrast, Scale
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.densities import GridDensity, IntervalKind, from_density
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells, NormalMixture
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

__all__ = ["CellContrast", "CellDraws", "CellMixture", "Scale"]

type Floats = NDArray[np.float64]

_POINTS = 2001
_REACH = 10.0
"""Posterior standard deviations that a drawn curve covers on each side."""
_NULL_WITHIN = 30.0
"""Posterior standard deviations up to which the curve is drawn as far as the null."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellMixture:
    """The exact posterior of the cell means: a normal distribution for each point of a grid of variance components.

    Attributes
    ----------
    cells : NormalCells
        Posterior over the cell means, covariates at their mean.
    sds : ndarray, shape (k,)
        Standard deviation of the outcome within cells in each component: residual, with random effects the root of the
        sum of all variance components, as in `CellFit`.
    prior_cells : NormalCells
        Prior over the same cell means.
    n : int
        Rows that entered.
    model : str
        The model in words, with its method.
    prior : str
        The prior in words.
    scale : {"response", "log odds", "log rate", "latent"}
        Scale of the means.
    log_marginal : float
        Log marginal likelihood.
    notes : tuple of str
        What a reader must know beside the numbers.
    variances : mapping of str to ndarray, shape (k,)
        Standard deviation of the residual and of each grouping factor in each component.
    gates : None
        Nothing is drawn, so nothing has to converge.
    """

    cells: NormalCells
    sds: Floats
    prior_cells: NormalCells
    n: int
    model: str
    prior: str
    scale: Scale = "response"
    log_marginal: float = float("nan")
    notes: tuple[str, ...] = ()
    variances: dict[str, Floats] = field(default_factory=dict)
    gates: None = None

    def __post_init__(self) -> None:
        if self.sds.shape != self.cells.weights.shape or self.prior_cells.cells != self.cells.cells:
            raise DataError("A posterior needs one standard deviation a component, and a prior over the same cells.")

    @property
    def sd(self) -> float:
        """Posterior median of the standard deviation within cells."""
        return self.median_of(self.sds)

    def median_of(self, values: Floats) -> float:
        """Return the posterior median of a quantity that is fixed within a component.

        Parameters
        ----------
        values : ndarray, shape (k,)
            Its value in each component, such as an entry of `variances`.

        Returns
        -------
        float
            Median; between grid points by interpolation of the cumulative weight.
        """
        order = np.argsort(values)
        weights = self.cells.weights[order]
        return float(np.interp(0.5, np.cumsum(weights) - weights / 2, values[order]))

    def contrast(
        self,
        weights: ArrayLike,
        *,
        value: float = 0.0,
        quantity: str = "contrast",
        level: float = 0.95,
        interval: IntervalKind = "HDI",
        rope: tuple[float, float] | None = None,
    ) -> CellContrast:
        """Put one contrast to the posterior.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        value : float, default 0
            The fixed value that is subtracted.
        quantity : str, default "contrast"
            What the contrast is, in words.
        level : float, default 0.95
            Probability inside the interval.
        interval : {"HDI", "equal-tailed"}, default "HDI"
            Kind of the interval.
        rope : tuple of (float, float), optional
            Region of practical equivalence, on the scale of the means.

        Returns
        -------
        CellContrast
            Exact up to quadrature. The contrast is taken within every component, so that an average of cells is the
            posterior of the average, never an average of limits. The Bayes factor is the Savage-Dickey ratio of the two
            mixtures at 0 (Dickey, 1971).
        """
        found = self.cells.project(weights, value=value)
        before = self.prior_cells.project(weights, value=value)
        log_factor = before.log_density(0.0) - found.log_density(0.0)
        note = f"prior of the contrast {_in_words(before)}; exact Savage-Dickey ratio"
        posterior = summary(found, before, quantity=quantity, level=level, interval=interval, rope=rope)
        return CellContrast(
            posterior=posterior, sd=found.sd, log_bayes_factor=log_factor, bayes_factor_note=note, tail=found.above
        )

    def standardised(
        self,
        weights: ArrayLike,
        *,
        value: float = 0.0,
        quantity: str = "standardised contrast",
        level: float = 0.95,
        interval: IntervalKind = "HDI",
        rope: tuple[float, float] | None = None,
    ) -> CellContrast:
        """Put one contrast to the posterior in units of the standard deviation within cells.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        value : float, default 0
            The fixed value that is subtracted, on the scale of the means.
        quantity : str, default "standardised contrast"
            What the contrast is, in words.
        level : float, default 0.95
            Probability inside the interval.
        interval : {"HDI", "equal-tailed"}, default "HDI"
            Kind of the interval.
        rope : tuple of (float, float), optional
            Region of practical equivalence in standard deviations.

        Returns
        -------
        CellContrast
            Posterior of contrast / sd, jointly over both; no Bayes factor, which `contrast` gives.
        """
        raw = self.cells.project(weights, value=value)
        found = NormalMixture(weights=raw.weights, means=raw.means / self.sds, sds=raw.sds / self.sds)
        posterior = summary(found, None, quantity=quantity, level=level, interval=interval, rope=rope)
        return CellContrast(
            posterior=posterior, sd=found.sd, log_bayes_factor=None, bayes_factor_note="", tail=found.above
        )


def summary(
    found: NormalMixture,
    before: NormalMixture | None,
    *,
    quantity: str,
    level: float,
    interval: IntervalKind,
    rope: tuple[float, float] | None,
) -> Posterior:
    """Summarise the mixture of one quantity: curve on a grid, probabilities and quantiles from the mixture itself.

    Parameters
    ----------
    found : NormalMixture
        Posterior.
    before : NormalMixture or None
        Prior.
    quantity : str
        What it is.
    level : float
        Probability inside the interval.
    interval : {"HDI", "equal-tailed"}
        Kind of the interval.
    rope : tuple of (float, float) or None
        Region of practical equivalence.

    Returns
    -------
    Posterior
        Ready to be read or drawn.
    """
    found = found.trimmed()
    middle, sd = found.mean, found.sd
    reach = [middle - _REACH * sd, middle + _REACH * sd]
    if abs(middle) < _NULL_WITHIN * sd:
        reach = [min(reach[0], -sd), max(reach[1], sd)]
    grid = np.linspace(reach[0], reach[1], _POINTS)
    given = GridDensity(
        grid=grid, density=found.density(grid), prior=before.density(grid) if before is not None else None
    )
    curve = from_density(given, quantity=quantity, level=level, interval=interval, rope=rope, engine="quadrature")
    median, tail = found.quantile(0.5), (1 - level) / 2
    low, high = (
        (found.quantile(tail), found.quantile(1 - tail))
        if interval == "equal-tailed"
        else found.shortest(level, (curve.low, curve.high))
    )
    return replace(
        curve,
        median=median,
        low=low,
        high=high,
        prob_rope=found.below(rope[1]) - found.below(rope[0]) if rope is not None else None,
        prob_direction=found.below(0.0) if median < 0 else found.above(0.0),
    )


def _in_words(before: NormalMixture) -> str:
    if before.weights.size == 1:
        return f"N({before.mean:.4g}, {before.sd:.4g})"
    return f"of mean {before.mean:.4g} and standard deviation {before.sd:.4g}"
