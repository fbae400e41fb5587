"""What a Bayesian model says of the cell means, before any hypothesis is put to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import CellContrast, EffectFactor, Scale, refuse_empty
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.densities import IntervalKind
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative, EffectEvidence, evidence_of
from feedbackstudy.analysis.bayesian.mixture_summary import summary
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells, NormalMixture
from feedbackstudy.analysis.bayesian.one_table import of_one_table
from feedbackstudy.analysis.bayesian.robustness import Family, Robustness, curve
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["CellContrast", "CellDraws", "CellMixture", "Scale"]

type Floats = NDArray[np.float64]


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
    counts : ndarray of int, shape (cells,), or None
        Rows in each cell; a contrast that needs a cell without rows is refused.
    twin : callable or None
        Builds the same model for PyMC.
    twins : tuple of callable
        The same for each completed table; empty where nothing was completed.
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
    counts: NDArray[np.int64] | None = None
    twin: Callable[[], "pymc.Model"] | None = None
    twins: tuple[Callable[[], "pymc.Model"], ...] = ()
    gates: None = None

    def __post_init__(self) -> None:
        if self.sds.shape != self.cells.weights.shape or self.prior_cells.cells != self.cells.cells:
            raise DataError("A posterior needs one standard deviation a component, and a prior over the same cells.")

    @property
    def sd(self) -> float:
        """Standard deviation within cells: its posterior geometric mean, which is its median but for 0.1 % or so."""
        return float(np.exp(self.cells.weights @ np.log(self.sds)))

    @property
    def spreads(self) -> dict[str, float]:
        """Posterior mean of the residual standard deviation and of that of each grouping factor."""
        return {name: float(self.cells.weights @ values) for name, values in self.variances.items()}

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
        found = self._projected(weights, value)
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
        raw = self._projected(weights, value)
        found = NormalMixture(weights=raw.weights, means=raw.means / self.sds, sds=raw.sds / self.sds)
        posterior = summary(found, None, quantity=quantity, level=level, interval=interval, rope=rope)
        return CellContrast(
            posterior=posterior, sd=found.sd, log_bayes_factor=None, bayes_factor_note="", tail=found.above
        )

    def evidence(self, weights: ArrayLike, *, value: float = 0.0) -> EffectEvidence:
        """Return the likelihood of one contrast, for Bayes factors under other priors than the model's own.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        value : float, default 0
            The fixed value that is subtracted.

        Returns
        -------
        EffectEvidence
            Its methods take a prior and return the log Bayes factor.
        """
        return evidence_of(self._projected(weights, value), self.prior_cells.project(weights, value=value), self.sds)

    def effect_bayes_factor(
        self, weights: ArrayLike, *, scale: float, value: float = 0.0, alternative: Alternative = "two-sided"
    ) -> EffectFactor:
        """Return the Bayes factor of one contrast under a Cauchy prior of the standardised effect.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        scale : float
            Scale of the Cauchy prior, as a plan declares it in `ByBayesFactor`.
        value : float, default 0
            The fixed value that is subtracted.
        alternative : {"two-sided", "greater", "less"}
            The whole Cauchy, or the half on one side of 0.

        Returns
        -------
        EffectFactor
            Exact but for quadrature.

        Notes
        -----
        Only the prior of this contrast is exchanged, for a Cauchy of contrast / sd within cells; all other parameters
        keep the model's prior given the contrast, under both hypotheses.
        """
        found = self.evidence(weights, value=value).cauchy(scale, alternative)
        return EffectFactor.under_cauchy(found, scale=scale, alternative=alternative, how="by quadrature")

    def robustness(
        self,
        weights: ArrayLike,
        *,
        declared: float,
        value: float = 0.0,
        family: Family = "cauchy",
        alternative: Alternative = "two-sided",
        scales: ArrayLike | None = None,
        quantity: str = "contrast",
    ) -> Robustness:
        """Return the Bayes factor of one contrast over a range of prior widths.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        declared : float
            The width that decides: scale of the Cauchy, or standard deviation of the normal prior.
        value : float, default 0
            The fixed value that is subtracted.
        family : {"cauchy", "normal"}
            Cauchy prior of the standardised effect, or normal prior of the effect in its own units.
        alternative : {"two-sided", "greater", "less"}
            The whole prior, or the half on one side of 0.
        scales : array_like, optional
            The widths; a fifth to five times the declared one where left out.
        quantity : str, default "contrast"
            What the contrast is, in words.

        Returns
        -------
        Robustness
            One fit serves all widths.
        """
        return curve(
            self.evidence(weights, value=value),
            declared=declared,
            family=family,
            alternative=alternative,
            scales=scales,
            quantity=quantity,
            note="exact but for quadrature, from one fit",
        )

    def pymc_model(self, table: int | None = None) -> "pymc.Model":
        """Return the same model for PyMC, to inspect, extend or sample.

        Parameters
        ----------
        table : int, optional
            Which completed table, from 1; needed where the posterior averages those of several.

        Returns
        -------
        pymc.Model
            A new model on every call.

        Raises
        ------
        DataError
            Where the posterior was not made from rows, or no table was chosen of several.
        """
        if self.twin is None:
            raise DataError("This posterior was not made from rows; there is no model of rows to return.")
        return of_one_table(self.twins or (self.twin,), table)

    def _projected(self, weights: ArrayLike, value: float) -> NormalMixture:
        refuse_empty(weights, self.counts)
        return self.cells.project(weights, value=value)


def _in_words(before: NormalMixture) -> str:
    if before.weights.size == 1:
        return f"N({before.mean:.4g}, {before.sd:.4g})"
    return f"of mean {before.mean:.4g} and standard deviation {before.sd:.4g}"
