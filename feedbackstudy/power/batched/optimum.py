"""What a random-intercept fit needs at its best ratio of variances, and what a problem must answer to be solved."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Optimum", "Problem"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """At one ratio of variances for each replicate.

    Attributes
    ----------
    estimate, spread, bend : ndarray of shape (reps, k)
        Of each contrast: its value, its variance in units of the residual one, and the derivative of that variance by
        the ratio.
    rss, rss_slope : ndarray of shape (reps,)
        Weighted residual sum of squares, and its derivative by the ratio.
    curvature : ndarray of shape (reps,)
        Second derivative of the deviance by the ratio, the residual variance held still.
    """

    estimate: Floats
    spread: Floats
    bend: Floats
    rss: Floats
    rss_slope: Floats
    curvature: Floats


class Problem(Protocol):
    """The profile deviance of many replicates."""

    @property
    def largest(self) -> float:
        """Size of the largest cluster."""

    @property
    def df(self) -> float:
        """Rows minus coefficients."""

    def part(self, rows: NDArray[np.intp]) -> Self:
        """Return the problem of some replicates.

        Parameters
        ----------
        rows : ndarray of int
            Their positions.

        Returns
        -------
        Problem
            The same, for these.
        """

    def coarse(self, grid: Floats) -> Floats:
        """Return the deviance on a grid of ratios.

        Parameters
        ----------
        grid : ndarray
            Ratios of variances.

        Returns
        -------
        ndarray of shape (grid, reps)
            The deviance but for a constant.
        """

    def slopes(self, ratio: Floats) -> tuple[Floats, Floats]:
        """Return the derivatives of the deviance.

        Parameters
        ----------
        ratio : ndarray of shape (reps,)
            Ratio of variances.

        Returns
        -------
        tuple of ndarray
            First and second derivative.
        """

    def at(self, ratio: Floats, contrasts: Floats) -> Optimum:
        """Return what the fit needs at the best ratio.

        Parameters
        ----------
        ratio : ndarray of shape (reps,)
            Ratio of variances.
        contrasts : ndarray of shape (k, p)
            Weights over the coefficients.

        Returns
        -------
        Optimum
            Of each replicate.
        """
