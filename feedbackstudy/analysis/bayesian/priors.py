"""The prior of cell means, effects and spreads, from the scale that was declared and never from the data."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from feedbackstudy.analysis.bayesian.normal_mixture import NormalCells
from feedbackstudy.analysis.bayesian.predictor import PredictorPrior
from feedbackstudy.errors import DataError

__all__ = ["CellPrior"]

_MIDDLE, _EFFECT, _RESIDUAL, _GROUP, _SLOPE = 1 / 6, 1 / 10, 1 / 5, 1 / 10, 1 / 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPrior:
    r"""Prior of a normal model of cell means, in units of the outcome; make it with `of_scale` or `declared`.

    Attributes
    ----------
    middle : float
        Centre of the prior of the level that all cells share.
    middle_sd : float
        Its standard deviation.
    effect_sd : float
        Standard deviation of a cell's deviation from that level, and so of every contrast of cell means whose squared
        weights sum to one.
    residual_sd : float
        Scale of the half-normal prior of the residual standard deviation.
    group_sd : float
        Scale of the half-normal prior of the standard deviation of each grouping factor.
    slope_sd : float
        Standard deviation of the change in the outcome for a covariate that changes by its own standard deviation.
    low, high : float or None
        Limits of the scale; None where only a typical spread was declared.

    Notes
    -----
    Cell means are :math:`\mu_j = L + d_j` with independent :math:`d_j \sim N(0, s)`: every cell has the same prior, no
    coding or order of levels can matter, and a cell that is left out changes nothing for the others (exchangeable
    effects: Gelman et al., 2013, Bayesian Data Analysis, section 15.6). A difference of two cells has prior standard
    deviation :math:`\sqrt 2 s`, a difference of two averages of m cells each :math:`\sqrt{2/m}\, s`.
    """

    middle: float
    middle_sd: float
    effect_sd: float
    residual_sd: float
    group_sd: float
    slope_sd: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        scales = (self.middle_sd, self.effect_sd, self.residual_sd, self.group_sd, self.slope_sd)
        if not (np.isfinite([self.middle, *scales]).all() and min(scales) > 0):
            raise DataError(f"The scales of a prior must be positive and finite; given {self}.")

    @classmethod
    def of_scale(cls, low: float | None, high: float | None, *, effect: float = _EFFECT) -> Self:
        """Make the prior from the limits of a response scale.

        Parameters
        ----------
        low, high : float or None
            Smallest and largest possible score.
        effect : float, default 0.1
            `effect_sd` as a share of the range.

        Returns
        -------
        CellPrior
            With range R: level N(middle of the scale, R/6), cells around it N(0, R/10), residual standard deviation
            half-normal(R/5), grouping factors half-normal(R/10), slopes N(0, R/10).

        Raises
        ------
        DataError
            For a scale without limits, or with limits that are upside down.

        Notes
        -----
        A score between two limits has a standard deviation of R/2 at most (Popoviciu, 1935); half-normal(R/5) lies
        below it with probability .988.
        """
        if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
            raise DataError(
                f"The score has no limits (low {low}, high {high}), so no prior can be derived from its scale. Declare "
                "the limits with the measure, or give CellPrior.declared(middle=..., typical_sd=...) from what is "
                "known of the measure, not from these data."
            )
        if not low < high or effect <= 0:
            raise DataError(f"Limits must rise and effect be positive; given low {low}, high {high}, effect {effect}.")
        return cls._from_range((low + high) / 2, high - low, effect, low, high)

    @classmethod
    def declared(cls, *, middle: float, typical_sd: float, effect: float = _EFFECT) -> Self:
        """Make the prior of a score without limits from what is known of the measure.

        Parameters
        ----------
        middle : float
            A typical mean of the measure.
        typical_sd : float
            A typical standard deviation of the measure among people like these, from earlier work or its norms.
        effect : float, default 0.1
            `effect_sd` as a share of five typical standard deviations.

        Returns
        -------
        CellPrior
            As for a scale whose range is five typical standard deviations.

        Raises
        ------
        DataError
            For a standard deviation that is not positive.
        """
        if not (np.isfinite(middle) and np.isfinite(typical_sd) and typical_sd > 0 and effect > 0):
            raise DataError(f"A typical mean must be finite and a typical sd positive; given {middle}, {typical_sd}.")
        return cls._from_range(middle, 5 * typical_sd, effect, None, None)

    @classmethod
    def _from_range(cls, middle: float, span: float, effect: float, low: float | None, high: float | None) -> Self:
        return cls(
            middle=float(middle),
            middle_sd=_MIDDLE * span,
            effect_sd=effect * span,
            residual_sd=_RESIDUAL * span,
            group_sd=_GROUP * span,
            slope_sd=_SLOPE * span,
            low=None if low is None else float(low),
            high=None if high is None else float(high),
        )

    def cells(self, n_cells: int) -> NormalCells:
        """Return the prior of the cell means.

        Parameters
        ----------
        n_cells : int
            Number of cells.

        Returns
        -------
        NormalCells
            One normal component, exchangeable over cells.
        """
        covariance = self.middle_sd**2 * np.ones((n_cells, n_cells)) + self.effect_sd**2 * np.eye(n_cells)
        return NormalCells(weights=np.ones(1), means=np.full((1, n_cells), self.middle), covariances=covariance[None])

    def predictor(self) -> PredictorPrior:
        """Return the same prior for the predictor of a sampled model.

        Returns
        -------
        PredictorPrior
            Level, cells, coefficients and groups; a sampled normal model with it is the twin of the exact one.
        """
        return PredictorPrior(
            level=self.middle,
            level_sd=self.middle_sd,
            cell_sd=self.effect_sd,
            covariate_sd=self.slope_sd,
            group_sd=self.group_sd,
            slope_sd=self.group_sd,
        )

    def __str__(self) -> str:
        where = f"scale {self.low:g} to {self.high:g}: " if self.low is not None and self.high is not None else ""
        return (
            f"{where}level of all cells N({self.middle:.4g}, {self.middle_sd:.4g}), cells around it "
            f"N(0, {self.effect_sd:.4g}), residual sd half-normal({self.residual_sd:.4g}), sd of each grouping factor "
            f"half-normal({self.group_sd:.4g}), slopes N(0, {self.slope_sd:.4g}) for one sd of the covariate"
        )
