"""Ordered ratings without a model of the ratings: who of two groups scores higher, from counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from feedbackstudy.analysis.tables import whole_numbers
from feedbackstudy.errors import DataError

__all__ = ["SuperiorityDraws", "signed_superiority", "superiority"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SuperiorityDraws:
    """Independent draws of a probability of scoring higher, ties counted half.

    Attributes
    ----------
    draws : ndarray, shape (draws,)
        Independent draws, no Markov chain.
    mean, sd : float
        Posterior mean and standard deviation.
    n : int
        People.
    """

    draws: NDArray[np.float64]
    mean: float
    sd: float
    n: int


def superiority(
    first: ArrayLike, second: ArrayLike, *, seed: int, prior_people: float = 1.0, draws: int = 40_000
) -> SuperiorityDraws:
    r"""Draw the probability that a person of the first group scores higher than one of the second.

    Parameters
    ----------
    first, second : array_like of int, shape (values,)
        People of the two groups at each value, the values in increasing order.
    seed : int
        Seed of the draws.
    prior_people : float, default 1
        Weight of the prior in people, spread evenly over the values, in each group.
    draws : int, default 40000
        Independent draws.

    Returns
    -------
    SuperiorityDraws
        Draws with exact mean and standard deviation.

    Raises
    ------
    DataError
        For counts that are not whole, an empty group, fewer than two values, or a prior weight that is not positive.

    Notes
    -----
    Shares :math:`p, q` of the values are Dirichlet; :math:`\theta = p^\top C q` with :math:`C_{jk}` 1 where j > k, one
    half where j = k. Mean :math:`\bar p^\top C \bar q`; the variance follows from the Dirichlet covariances. With
    little prior weight this is the Bayesian bootstrap (Rubin, 1981, Annals of Statistics 9, 130-134).
    """
    a, b = whole_numbers("group 1", first), whole_numbers("group 2", second)
    if a.ndim != 1 or a.shape != b.shape or a.size < 2:
        raise DataError(f"Give the counts of at least two values for each group; given {a.shape} and {b.shape}.")
    if a.sum() == 0 or b.sum() == 0 or not prior_people > 0:
        raise DataError(
            f"Both groups need people and the prior a positive weight; given {a.sum():.0f}, {b.sum():.0f} people and "
            f"weight {prior_people}."
        )
    higher = np.tril(np.ones((a.size, a.size)), -1) + np.eye(a.size) / 2
    shapes = [values + prior_people / a.size for values in (a, b)]
    generator = np.random.default_rng(seed)
    p, q = (generator.dirichlet(shape, size=draws) for shape in shapes)
    (mean_p, cov_p), (mean_q, cov_q) = (_moments(shape) for shape in shapes)
    variance = (
        mean_p @ higher @ cov_q @ higher.T @ mean_p
        + mean_q @ higher.T @ cov_p @ higher @ mean_q
        + np.trace(cov_p @ higher @ cov_q @ higher.T)
    )
    return SuperiorityDraws(
        draws=np.asarray(((p @ higher) * q).sum(axis=1), dtype=np.float64),
        mean=float(mean_p @ higher @ mean_q),
        sd=float(np.sqrt(variance)),
        n=int(a.sum() + b.sum()),
    )


def signed_superiority(
    differences: ArrayLike, counts: ArrayLike, *, seed: int, prior_people: float = 1.0, draws: int = 40_000
) -> SuperiorityDraws:
    r"""Draw the probability that two differences of different people add up to more than zero, ties counted half.

    Parameters
    ----------
    differences : array_like of float, shape (values,)
        Distinct differences within a person.
    counts : array_like of int, shape (values,)
        People with each difference.
    seed : int
        Seed of the draws.
    prior_people : float, default 1
        Weight of the prior in people, spread evenly over the values.
    draws : int, default 40000
        Independent draws.

    Returns
    -------
    SuperiorityDraws
        One half means that the differences lie evenly around zero: the null of Wilcoxon's signed-rank test. `mean` and
        `sd` are those of the draws.

    Raises
    ------
    DataError
        For counts that are not whole, no people, or values that are not distinct and finite.
    """
    values, people = np.asarray(differences, dtype=np.float64), whole_numbers("the table", counts)
    if values.shape != people.shape or np.unique(values).size != values.size or not np.isfinite(values).all():
        raise DataError("Give one count for each of several distinct, finite differences.")
    if people.sum() == 0 or not prior_people > 0:
        raise DataError(f"People and prior weight must be positive; given {people.sum():.0f} and {prior_people}.")
    total = values[:, None] + values
    higher = np.where(total > 0, 1.0, np.where(total == 0, 0.5, 0.0))
    p = np.random.default_rng(seed).dirichlet(people + prior_people / values.size, size=draws)
    drawn = np.asarray(((p @ higher) * p).sum(axis=1), dtype=np.float64)
    return SuperiorityDraws(draws=drawn, mean=float(drawn.mean()), sd=float(drawn.std()), n=int(people.sum()))


def _moments(shape: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    total = shape.sum()
    mean = shape / total
    return mean, (np.diag(mean) - np.outer(mean, mean)) / (total + 1)
