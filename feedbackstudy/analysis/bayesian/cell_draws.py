"""Draws of cell means from a sampled model, and contrasts of them, draw by draw."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import CellContrast, EffectFactor, Scale, row_of
from feedbackstudy.analysis.bayesian.densities import IntervalKind, from_draws
from feedbackstudy.analysis.bayesian.draws_evidence import DrawsEvidence
from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.analysis.bayesian.gates import Gates, converged
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.one_table import of_one_table
from feedbackstudy.analysis.bayesian.robustness import Family, Robustness, curve
from feedbackstudy.analysis.bayesian.savage_dickey import log_prior_at, savage_dickey_of_draws
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

    from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells

__all__ = ["CellDraws"]

type Floats = NDArray[np.float64]

_LOGISTIC_SD = float(np.pi / np.sqrt(3))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellDraws:
    """Draws of the cell means from the posterior of a sampled model.

    Attributes
    ----------
    draws : ndarray, shape (s, cells)
        Draws of the cell means, chain after chain.
    chains : int
        Chains; s must be a multiple of it.
    sds : ndarray, shape (s,), or None
        Draws of the standard deviation within cells; None where the scale has none (log odds, log rate).
    gates : Gates
        Convergence over all sampled quantities.
    n : int
        Rows that entered.
    model : str
        The model in words, with its method.
    prior : str
        The prior in words.
    scale : {"response", "log odds", "log rate", "latent"}
        Scale of the means.
    prior_cells : NormalCells, ndarray of shape (t, cells), or None
        Prior over the same cell means, as a mixture or as forward draws; None where there is no proper one.
    notes : tuple of str
        What a reader must know beside the numbers.
    counts : ndarray of int, shape (cells,), or None
        Rows in each cell; a contrast that needs a cell without rows is refused.
    sampled : SampledCells or None
        The sampled model with all its variables, whose cells or slopes these are; None where the draws stand alone.
    source : SampledCells or None
        The same where these are its cells, for predictive checks; None where they are slopes.
    models : tuple of callable
        Build the model of each completed table; empty where nothing was completed.
    tables : int
        Completed tables, as many chains of each; as tables differ on purpose, chains of each are judged by themselves.
    """

    draws: Floats
    chains: int
    sds: Floats | None
    gates: Gates
    n: int
    model: str
    prior: str
    scale: Scale = "response"
    prior_cells: NormalCells | Floats | None = None
    notes: tuple[str, ...] = ()
    counts: NDArray[np.int64] | None = None
    sampled: "SampledCells | None" = None
    source: "SampledCells | None" = None
    models: tuple[Callable[[], "pymc.Model"], ...] = ()
    tables: int = 1

    def __post_init__(self) -> None:
        if self.draws.ndim != 2 or self.chains < 1 or self.draws.shape[0] % self.chains:
            raise DataError(
                f"Draws of cells have shape (s, cells), s a multiple of the {self.chains} chains; given "
                f"{self.draws.shape}."
            )
        if self.sds is not None and self.sds.shape != self.draws.shape[:1]:
            raise DataError(f"Give one standard deviation a draw; given {self.sds.shape} for {self.draws.shape[0]}.")

    @property
    def sd(self) -> float | None:
        """Posterior median of the standard deviation within cells."""
        return float(np.median(self.sds)) if self.sds is not None else None

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
        """Put one contrast to the draws.

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
            The contrast of every draw, then summarised. The Bayes factor is the Savage-Dickey ratio at 0, the
            posterior density by a log-spline; its Monte-Carlo error stands in the note.
        """
        row = self._row(weights)
        found = self.draws @ row - value
        posterior = self._summary(found, quantity=quantity, level=level, interval=interval, rope=rope)
        ratio = None
        if self.prior_cells is not None:
            ratio = savage_dickey_of_draws(self.prior_cells, row, found, value)
            before = np.exp(log_prior_at(self.prior_cells, row, posterior.grid, value))
            posterior = replace(posterior, prior_density=before)
        return CellContrast(
            posterior=posterior,
            sd=float(found.std(ddof=1)),
            log_bayes_factor=None if ratio is None else ratio.told,
            bayes_factor_note="" if ratio is None else ratio.words,
            tail=lambda x: float((found > x).mean()),
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
        """Put one contrast to the draws in units of the standard deviation within cells.

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
            Posterior of contrast / sd, draw by draw.

        Raises
        ------
        DataError
            Where the model has no standard deviation within cells.
        """
        if self.sds is None:
            raise DataError(f"A model on the scale of {self.scale} has no standard deviation to standardise by.")
        found = (self.draws @ self._row(weights) - value) / self.sds
        return CellContrast(
            posterior=self._summary(found, quantity=quantity, level=level, interval=interval, rope=rope),
            sd=float(found.std(ddof=1)),
            log_bayes_factor=None,
            bayes_factor_note="",
            tail=lambda x: float((found > x).mean()),
        )

    def evidence(self, weights: ArrayLike, *, value: float = 0.0) -> DrawsEvidence:
        """Return what the draws say of one contrast, for Bayes factors under other priors than the model's own.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        value : float, default 0
            The fixed value that is subtracted.

        Returns
        -------
        DrawsEvidence
            Standardised by the standard deviation within cells; on log odds by that of the logistic distribution, on
            log rates by 1.

        Raises
        ------
        DataError
            Where the model has no proper prior of its cells.
        """
        if self.prior_cells is None:
            raise DataError("The model has no proper prior of its cells, so no Bayes factor exists.")
        row = self._row(weights)
        found = self.draws @ row - value
        ratio = savage_dickey_of_draws(self.prior_cells, row, found, value)
        unit = _LOGISTIC_SD if self.scale == "log odds" else 1.0
        return DrawsEvidence(
            effects=found,
            log_prior=log_prior_at(self.prior_cells, row, found, value),
            units=self.sds if self.sds is not None else np.full(found.size, unit),
            log_savage_dickey=ratio.log_bayes_factor,
            error=ratio.error,
            shortfall=ratio.shortfall,
        )

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
            With its Monte-Carlo error.
        """
        evidence = self.evidence(weights, value=value)
        error = evidence.cauchy_error(scale, alternative)
        how = f"Savage-Dickey ratio of the draws, weighted to this prior, Monte-Carlo error {error:.1%}"
        return EffectFactor.under_cauchy(evidence.cauchy(scale, alternative), scale=scale, alternative=alternative,
                                         how=how, error=error, shortfall=evidence.shortfall)  # fmt: skip

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
            From one set of draws.
        """
        evidence = self.evidence(weights, value=value)
        return curve(
            evidence,
            declared=declared,
            family=family,
            alternative=alternative,
            scales=scales,
            quantity=quantity,
            note=f"from one set of draws; Monte-Carlo error of the Savage-Dickey ratio {evidence.error:.1%}",
        )

    def pymc_model(self, table: int | None = None) -> "pymc.Model":
        """Return the model that was sampled, to inspect or extend.

        Parameters
        ----------
        table : int, optional
            Which completed table, from 1; needed where the draws are those of several.

        Returns
        -------
        pymc.Model
            A new model on every call.

        Raises
        ------
        DataError
            Where the draws came without their model, or no table was chosen of several.
        """
        if self.sampled is None:
            raise DataError("These draws came without their model.")
        return of_one_table(self.models or (self.sampled.pymc_model,), table)

    def _row(self, weights: ArrayLike) -> Floats:
        return row_of(weights, self.draws.shape[1], self.counts)

    def _summary(
        self,
        found: Floats,
        *,
        quantity: str,
        level: float,
        interval: IntervalKind,
        rope: tuple[float, float] | None,
    ) -> Posterior:
        rhat, ess = None, None
        if self.chains > self.tables:
            each = [converged(part) for part in found.reshape(self.tables, self.chains // self.tables, -1)]
            rhat, ess = max(one.rhat for one in each), sum(min(one.ess_bulk, one.ess_tail) for one in each)
        return from_draws(
            found, quantity=quantity, level=level, interval=interval, rope=rope, engine="PyMC + nutpie", rhat=rhat,
            ess=ess,
        )  # fmt: skip
