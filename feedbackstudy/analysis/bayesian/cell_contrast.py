"""The posterior of one contrast of cell means, however it was computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.bayesian.effect_evidence import Alternative
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

__all__ = ["MOST_ERROR", "CellContrast", "EffectFactor", "Scale", "exponential", "refuse_empty", "row_of"]

type Scale = Literal["response", "log odds", "log rate", "latent"]

MOST_ERROR = 0.2
"""Monte-Carlo error of the log Bayes factor above which no number is told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellContrast:
    """The posterior of one contrast of cell means.

    Attributes
    ----------
    posterior : Posterior
        Median, interval, probabilities and curve; the fixed value is subtracted, so "no effect" is 0.
    sd : float
        Posterior standard deviation.
    log_bayes_factor : float or None
        Natural logarithm of the Bayes factor for an effect against none under the model's own prior; None where the
        model has no proper prior of this contrast.
    bayes_factor_note : str
        Its prior, and how it was computed.
    tail : callable
        Takes x and returns the posterior probability of an effect larger than x.
    """

    posterior: Posterior
    sd: float
    log_bayes_factor: float | None
    bayes_factor_note: str
    tail: Callable[[float], float]

    @property
    def bayes_factor(self) -> float | None:
        """Bayes factor for an effect against none; infinite beyond what a float holds."""
        return exponential(self.log_bayes_factor) if self.log_bayes_factor is not None else None

    def beyond(self, x: float) -> float:
        """Return the posterior probability of an effect larger than x.

        Parameters
        ----------
        x : float
            A value of the effect.

        Returns
        -------
        float
            P(effect > x).
        """
        return min(max(float(self.tail(x)), 0.0), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFactor:
    """The Bayes factor of one contrast under a stated prior of its size.

    Attributes
    ----------
    log_bayes_factor : float
        Natural logarithm of the Bayes factor for an effect against none.
    error : float
        Monte-Carlo standard error of that logarithm; 0 where nothing was drawn.
    note : str
        The prior, and how it was computed.
    shortfall : float
        How far a bound that the draws do support lies below the logarithm; infinite where there is none.
    """

    log_bayes_factor: float
    error: float
    note: str
    shortfall: float = float("inf")

    @property
    def resolved(self) -> bool:
        """Whether the Monte-Carlo error is small enough for the number to be told."""
        return self.error <= MOST_ERROR

    @property
    def told(self) -> float | None:
        """The logarithm; None where it is little more than Monte-Carlo error."""
        return self.log_bayes_factor if self.resolved else None

    @property
    def words(self) -> str:
        """The note; where the number is not told, why, and what the draws do support."""
        if self.resolved:
            return self.note
        bound = self.log_bayes_factor - self.shortfall
        least = f"; the draws support BF10 > {exponential(bound):.3g}" if np.isfinite(bound) else ""
        return f"no number, because its Monte-Carlo error is above {MOST_ERROR:.0%}{least} ({self.note})"

    @property
    def bayes_factor(self) -> float:
        """Bayes factor for an effect against none; infinite beyond what a float holds."""
        return exponential(self.log_bayes_factor)

    @classmethod
    def under_cauchy(
        cls,
        log_bayes_factor: float,
        *,
        scale: float,
        alternative: Alternative,
        how: str,
        error: float = 0.0,
        shortfall: float = float("inf"),
    ) -> Self:
        """Name a Bayes factor whose prior is a Cauchy distribution of the standardised effect.

        Parameters
        ----------
        log_bayes_factor : float
            Its logarithm.
        scale : float
            Scale of the Cauchy.
        alternative : {"two-sided", "greater", "less"}
            The whole Cauchy, or the half on one side of 0.
        how : str
            How it was computed.
        error : float, default 0
            Monte-Carlo error of the logarithm.
        shortfall : float, default infinity
            How far a bound that the draws support lies below it.

        Returns
        -------
        EffectFactor
            With its prior in words.
        """
        half = {"two-sided": "Cauchy", "greater": "half-Cauchy above 0", "less": "half-Cauchy below 0"}[alternative]
        note = f"prior of the standardised effect {half}, scale {scale:g}; {how}"
        return cls(log_bayes_factor=log_bayes_factor, error=error, note=note, shortfall=shortfall)


def refuse_empty(weights: ArrayLike, counts: NDArray[np.int64] | None) -> None:
    """Refuse a contrast that needs a cell without rows.

    Parameters
    ----------
    weights : array_like, shape (cells,)
        Weights over the cell means.
    counts : ndarray of int, shape (cells,), or None
        Rows in each cell; None where they are not known.

    Raises
    ------
    DataError
        Where a cell with a weight holds no rows: its posterior would be its prior.
    """
    row = np.asarray(weights, dtype=np.float64)
    if counts is None or row.shape != counts.shape:
        return
    empty = np.flatnonzero((row != 0) & (counts == 0))
    if empty.size:
        raise DataError(f"The contrast needs {empty.size} cell(s) that hold no data (positions {empty.tolist()}).")


def row_of(weights: ArrayLike, cells: int, counts: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Return the weights of a contrast, checked.

    Parameters
    ----------
    weights : array_like, shape (cells,)
        Weights over the cell means.
    cells : int
        Cells.
    counts : ndarray of int, shape (cells,), or None
        Rows in each cell; None where they are not known.

    Returns
    -------
    ndarray, shape (cells,)
        The weights.

    Raises
    ------
    DataError
        For weights of another shape, not finite or all zero, and where a cell with a weight holds no rows.
    """
    row = np.asarray(weights, dtype=np.float64)
    if row.shape != (cells,) or not np.isfinite(row).all() or not row.any():
        raise DataError(f"Give one finite weight for each of the {cells} cells, not all zero; given {row.tolist()}.")
    refuse_empty(row, counts)
    return row


def exponential(log_value: float) -> float:
    """Return the exponential, infinite where a float cannot hold it.

    Parameters
    ----------
    log_value : float
        Natural logarithm.

    Returns
    -------
    float
        Its exponential.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(log_value))
