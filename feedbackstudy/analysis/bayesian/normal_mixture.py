"""Mixtures of normal distributions: of one quantity, and over cell means."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from feedbackstudy.errors import DataError

__all__ = ["NormalCells", "NormalMixture"]

type Floats = NDArray[np.float64]

_LOG_ROOT_TWO_PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalMixture:
    """A mixture of normal distributions of one quantity.

    Attributes
    ----------
    weights : ndarray, shape (k,)
        Weights of the components; they sum to one.
    means, sds : ndarray, shape (k,)
        Mean and standard deviation of each component.
    """

    weights: Floats
    means: Floats
    sds: Floats

    @property
    def mean(self) -> float:
        """Its mean."""
        return float(self.weights @ self.means)

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        centred = self.means - self.mean
        return float(np.sqrt(self.weights @ (self.sds**2 + centred**2)))

    def log_density(self, x: float) -> float:
        """Return the logarithm of the density at one point, however far out.

        Parameters
        ----------
        x : float
            The point.

        Returns
        -------
        float
            Log density.
        """
        z = (x - self.means) / self.sds
        # Weights go in as logarithms: scipy's own overflow where one is as small as the smallest float.
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        return float(special.logsumexp(log_weights - 0.5 * z**2 - np.log(self.sds) - _LOG_ROOT_TWO_PI))

    def density(self, x: ArrayLike) -> Floats:
        """Return the density at many points.

        Parameters
        ----------
        x : array_like, shape (m,)
            The points.

        Returns
        -------
        ndarray, shape (m,)
            Density.
        """
        z = (np.asarray(x, dtype=np.float64)[:, None] - self.means) / self.sds
        return np.asarray(np.exp(-0.5 * z**2) @ (self.weights / self.sds) / np.exp(_LOG_ROOT_TWO_PI))

    def below(self, x: float) -> float:
        """Return the probability of a smaller value.

        Parameters
        ----------
        x : float
            The value.

        Returns
        -------
        float
            Cumulative probability.
        """
        return float(self.weights @ special.ndtr((x - self.means) / self.sds))

    def above(self, x: float) -> float:
        """Return the probability of a larger value, exact in the upper tail.

        Parameters
        ----------
        x : float
            The value.

        Returns
        -------
        float
            Upper tail.
        """
        return float(self.weights @ special.ndtr((self.means - x) / self.sds))

    def quantile(self, p: float) -> float:
        """Return a quantile.

        Parameters
        ----------
        p : float
            Probability below it.

        Returns
        -------
        float
            The quantile, to the precision of root finding (1e-13 of the spread).
        """
        z = special.ndtri(p)
        each = self.means + z * self.sds
        low, high = float(each.min()), float(each.max())
        if high - low <= 1e-15 * max(abs(low), abs(high), 1e-300):
            return low
        tolerance = 1e-13 * max(self.sd, high - low)
        slack = 1e-9 * (high - low)
        return float(optimize.brentq(lambda x: self.below(x) - p, low - slack, high + slack, xtol=tolerance))

    def shortest(self, level: float, near: tuple[float, float]) -> tuple[float, float]:
        """Return the highest-density interval next to a first guess.

        Parameters
        ----------
        level : float
            Probability inside.
        near : tuple of float
            First guess of its limits.

        Returns
        -------
        tuple of float
            Limits of equal density that hold `level` between them, by Newton's method; the guess itself where that does
            not settle, as in a mixture with two peaks.
        """
        low, high = near
        for _ in range(50):
            (log_low, slope_low), (log_high, slope_high) = self._log_slope(low), self._log_slope(high)
            jacobian = np.array([[slope_low, -slope_high], [-np.exp(log_low), np.exp(log_high)]])
            gap = np.array([log_low - log_high, self.below(high) - self.below(low) - level])
            if not np.isfinite(jacobian).all() or abs(np.linalg.det(jacobian)) < 1e-300:
                return near
            move = np.linalg.solve(jacobian, gap)
            low, high = float(low - move[0]), float(high - move[1])
            if np.abs(move).max() < 1e-12 * self.sd:
                return (low, high) if abs(high - low) < (near[1] - near[0]) + 0.01 * self.sd else near
        return near

    def _log_slope(self, x: float) -> tuple[float, float]:
        """Return log density and its derivative."""
        z = (x - self.means) / self.sds
        parts = self.weights / self.sds * np.exp(-0.5 * z**2)
        area = float(parts.sum())
        if area <= 0:
            return float("nan"), float("nan")
        return float(np.log(area) - _LOG_ROOT_TWO_PI), float(-(parts * z / self.sds).sum() / area)

    def trimmed(self, share: float = 1e-12) -> "NormalMixture":
        """Leave out the lightest components.

        Parameters
        ----------
        share : float, default 1e-12
            Weight that may be left out in all.

        Returns
        -------
        NormalMixture
            The rest, weights scaled to one.
        """
        order = np.argsort(self.weights)
        kept = np.sort(order[np.searchsorted(np.cumsum(self.weights[order]), share) :])
        weights = self.weights[kept] / self.weights[kept].sum()
        return NormalMixture(weights=weights, means=self.means[kept], sds=self.sds[kept])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalCells:
    """A mixture of multivariate normal distributions over cell means.

    Attributes
    ----------
    weights : ndarray, shape (k,)
        Weights of the components.
    means : ndarray, shape (k, cells)
        Cell means of each component.
    covariances : ndarray, shape (k, cells, cells)
        Their covariance in each component.
    """

    weights: Floats
    means: Floats
    covariances: Floats

    def __post_init__(self) -> None:
        count, cells = self.means.shape
        if self.weights.shape != (count,) or self.covariances.shape != (count, cells, cells):
            raise DataError(
                f"A mixture over cells needs weights (k,), means (k, cells) and covariances (k, cells, cells); given "
                f"{self.weights.shape}, {self.means.shape} and {self.covariances.shape}."
            )
        if not np.isclose(self.weights.sum(), 1.0, atol=1e-9) or (self.weights < 0).any():
            raise DataError(f"The weights of a mixture must not be negative and sum to 1; they sum to "
                            f"{self.weights.sum():g}.")  # fmt: skip

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.means.shape[1])

    def project(self, weights: ArrayLike, *, value: float = 0.0) -> NormalMixture:
        """Return the distribution of one contrast, component by component.

        Parameters
        ----------
        weights : array_like, shape (cells,)
            Weights over the cell means.
        value : float, default 0
            The fixed value that is subtracted.

        Returns
        -------
        NormalMixture
            Of the contrast; components in the same order.

        Raises
        ------
        DataError
            For weights of another shape, not finite, or all zero.
        """
        row = np.asarray(weights, dtype=np.float64)
        if row.shape != (self.cells,):
            raise DataError(f"Give one weight for each of the {self.cells} cells; given shape {row.shape}.")
        if not np.isfinite(row).all() or not row.any():
            raise DataError(f"The weights of a contrast must be finite and not all zero; given {row.tolist()}.")
        variance = np.einsum("i,kij,j->k", row, self.covariances, row)
        if not (variance > 0).all():
            raise DataError("The contrast has no spread in this distribution; nothing can be said of it.")
        return NormalMixture(weights=self.weights, means=self.means @ row - value, sds=np.sqrt(variance))
