"""Draws of cell means from a sampled model, and contrasts of them, draw by draw."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.cell_contrast import CellContrast, Scale
from feedbackstudy.analysis.bayesian.densities import IntervalKind, from_draws
from feedbackstudy.analysis.bayesian.gates import Gates, converged
from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.spline_density import density_at
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

__all__ = ["CellDraws"]

type Floats = NDArray[np.float64]


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
        found = self.draws @ self._row(weights) - value
        posterior = self._summary(found, quantity=quantity, level=level, interval=interval, rope=rope)
        log_factor, note = self._savage_dickey(weights, found, value)
        prior_density = self._prior_curve(weights, posterior.grid, value)
        return CellContrast(
            posterior=replace(posterior, prior_density=prior_density),
            sd=float(found.std(ddof=1)),
            log_bayes_factor=log_factor,
            bayes_factor_note=note,
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

    def _row(self, weights: ArrayLike) -> Floats:
        row = np.asarray(weights, dtype=np.float64)
        if row.shape != self.draws.shape[1:] or not np.isfinite(row).all() or not row.any():
            raise DataError(
                f"Give one finite weight for each of the {self.draws.shape[1]} cells, not all zero; given "
                f"{row.tolist()}."
            )
        return row

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
        if self.chains > 1:
            state = converged(found.reshape(self.chains, -1))
            rhat, ess = state.rhat, min(state.ess_bulk, state.ess_tail)
        return from_draws(
            found,
            quantity=quantity,
            level=level,
            interval=interval,
            rope=rope,
            engine="PyMC + nutpie",
            rhat=rhat,
            ess=ess,
        )

    def _savage_dickey(self, weights: ArrayLike, found: Floats, value: float) -> tuple[float | None, str]:
        if self.prior_cells is None:
            return None, ""
        after = density_at(found, 0.0)
        if isinstance(self.prior_cells, NormalCells):
            before = self.prior_cells.project(weights, value=value)
            log_prior, error = before.log_density(0.0), after.error
            words = f"prior of the contrast of mean {before.mean:.4g} and standard deviation {before.sd:.4g}"
        else:
            drawn = density_at(self.prior_cells @ self._row(weights) - value, 0.0)
            log_prior, error = drawn.log_density, float(np.hypot(after.error, drawn.error))
            words = "prior of the contrast by forward draws"
        note = f"{words}; Savage-Dickey ratio, log-spline density of the draws, Monte-Carlo error {error:.1%}"
        note += "; no draw lies beyond 0, so the tail is extrapolated" if after.beyond else ""
        return log_prior - after.log_density, note

    def _prior_curve(self, weights: ArrayLike, grid: Floats, value: float) -> Floats | None:
        if self.prior_cells is None:
            return None
        if isinstance(self.prior_cells, NormalCells):
            return self.prior_cells.project(weights, value=value).density(grid)
        drawn = from_draws(self.prior_cells @ self._row(weights) - value, quantity="prior", engine="forward draws")
        return np.asarray(np.interp(grid, drawn.grid, drawn.density, left=0.0, right=0.0), dtype=np.float64)
