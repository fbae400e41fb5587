"""Batched rows of mediation: the legs of each path in every replicate, multiplied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.power.answers import Answers
from feedbackstudy.power.clustered_rows import clustered_fit
from feedbackstudy.power.rows import Fits, cell_contrast, slope_contrast

__all__ = ["DRAWS", "Legs", "drawn_answers", "multiplied"]

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

DRAWS = 400
"""Draws of the legs in each replicate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Legs:
    """How the legs of a path are estimated.

    Attributes
    ----------
    cell : ndarray of shape (n,)
        Cell of each row.
    weights : ndarray of shape (cells,)
        The contrast that a path starts from.
    covariates : ndarray of shape (replicates, n, q)
        What all legs are adjusted for.
    cluster : ndarray of shape (n,) or None
        Clusters whose rows are not independent.
    """

    cell: Ints
    weights: Floats
    covariates: Floats
    cluster: Ints | None

    def first(self, mediator: Floats) -> Fits:
        """Return the difference between cells in a mediator.

        Parameters
        ----------
        mediator : ndarray of shape (replicates, n)
            The mediator.

        Returns
        -------
        Fits
            Least squares, cluster-robust where there are clusters.
        """
        if self.cluster is None:
            return cell_contrast(mediator, self.covariates, self.cell, self.weights, robust=False)
        row = np.concatenate([self.weights, np.zeros(self.covariates.shape[2])])
        return clustered_fit(mediator, self.design(self.covariates), row, self.cluster)

    def further(self, target: Floats, before: Sequence[Floats]) -> Fits:
        """Return the slope of a later variable on the first of those before it, within cells.

        Parameters
        ----------
        target : ndarray of shape (replicates, n)
            The later variable.
        before : sequence of ndarray
            The one whose slope is asked for, and others held still.

        Returns
        -------
        Fits
            Least squares, cluster-robust where there are clusters.
        """
        x = np.concatenate([np.stack(before, axis=2), self.covariates], axis=2)
        if self.cluster is None:
            return slope_contrast(target, x, self.cell, None)
        row = np.zeros(len(self.weights) + x.shape[2])
        row[len(self.weights)] = 1.0
        return clustered_fit(target, self.design(x), row, self.cluster)

    def design(self, x: Floats) -> Floats:
        """Return indicators of the cells, and centred columns.

        Parameters
        ----------
        x : ndarray of shape (replicates, n, q)
            Columns.

        Returns
        -------
        ndarray of shape (replicates, n, cells + q)
            The design.
        """
        with np.errstate(invalid="ignore"):
            centred = x - np.nanmean(x, axis=1, keepdims=True) if x.shape[2] else x
        inside = np.eye(len(self.weights))[self.cell]
        return np.concatenate([np.broadcast_to(inside, (len(x), *inside.shape)), centred], axis=2)


def multiplied(
    legs: Legs,
    mediators: Sequence[Floats],
    y: Floats,
    *,
    chance: np.random.Generator,
    level: float,
    truth: Floats,
) -> Answers:
    """Multiply the steps of one route; an interval from draws of their product, significant where every step is.

    Parameters
    ----------
    legs : Legs
        How legs are estimated.
    mediators : sequence of ndarray of shape (replicates, n)
        In order.
    y : ndarray of shape (replicates, n)
        The outcome.
    chance : Generator
        A stream.
    level : float
        Of the interval.
    truth : ndarray of shape (replicates,)
        The true effect.

    Returns
    -------
    Answers
        One for each replicate, from rows without any gap.
    """
    there = np.isfinite([y, *mediators]).all(axis=0) & np.isfinite(legs.covariates).all(axis=2)
    y, *kept = (np.where(there, each, np.nan) for each in (y, *mediators))
    route = _route(legs, kept, y)
    noise = chance.standard_normal((len(route), len(y), DRAWS))
    estimate = np.asarray(np.prod([leg.estimate for leg in route], axis=0), dtype=np.float64)
    drawn = np.prod([leg.estimate[:, None] + leg.se[:, None] * e for leg, e in zip(route, noise, strict=True)], axis=0)
    p = np.asarray(np.max([leg.p for leg in route], axis=0), dtype=np.float64)
    last = route[-1]
    return drawn_answers(estimate, np.asarray(drawn), sigma=last.sigma, n=last.n, level=level, truth=truth, p=p)


def drawn_answers(
    estimate: Floats,
    drawn: Floats,
    *,
    sigma: Floats,
    n: Floats,
    level: float,
    truth: Floats,
    p: Floats | None = None,
) -> Answers:
    """Return what draws of a product of legs say in every replicate.

    Parameters
    ----------
    estimate : ndarray of shape (replicates,)
        The product at the estimates; not finite where a fit failed.
    drawn : ndarray of shape (replicates, draws)
        Draws of it.
    sigma, n : ndarray of shape (replicates,)
        Residual standard deviation and rows of the outcome's equation.
    level : float
        Of the interval.
    truth : ndarray of shape (replicates,)
        The true value.
    p : ndarray of shape (replicates,), optional
        A test of its own; by default the share of draws beyond 0, doubled.

    Returns
    -------
    Answers
        Percentile interval and p.
    """
    failed = ~np.isfinite(estimate)
    none = np.where(failed, np.nan, 1.0)
    low, high = np.quantile(np.where(failed[:, None], 0.0, drawn), [(1 - level) / 2, (1 + level) / 2], axis=1)
    if p is None:
        below = (drawn < 0).mean(axis=1)
        p = 2 * np.minimum(below, 1 - below) * none
    return Answers(
        estimate=estimate,
        se=drawn.std(axis=1) * none,
        df=1e9 * none,
        low=low * none,
        high=high * none,
        p=p,
        sigma=sigma,
        n=n,
        truth=truth,
    )


def _route(legs: Legs, mediators: Sequence[Floats], y: Floats) -> list[Fits]:
    """Return the legs from cause to outcome, through all mediators in order."""
    route = [legs.first(mediators[0])]
    for j in range(1, len(mediators) + 1):
        target = mediators[j] if j < len(mediators) else y
        route.append(legs.further(target, [mediators[j - 1], *mediators[: j - 1]]))
    return route
