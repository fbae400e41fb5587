"""Degrees of freedom of contrasts in mixed models of answers that are no scores: those of the clusters compared."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.errors import DataError

__all__ = ["BETWEEN_WITHIN", "between_within"]

BETWEEN_WITHIN = "degrees of freedom between and within levels"
"""The rule in words, for the model's description."""

_NEGLIGIBLE = 1e-9


def between_within(
    X: Floats, size: int, factors: Sequence[RandomFactor], counts: NDArray[np.int64] | None = None
) -> Callable[[Floats], float]:
    r"""Return the rule of degrees of freedom of a mixed model without a scale of its own.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Fixed columns with the intercept (cell indicators count as such); the first `size` carry the weights.
    size : int
        Columns that a contrast weighs.
    factors : sequence of RandomFactor
        The grouping factors.
    counts : ndarray of int, shape (cells,), optional
        Rows of each cell, where weights are given over all cells and only those with rows have a column.

    Returns
    -------
    callable
        Takes weights and returns degrees of freedom: infinite (the normal distribution) where the contrast is seen
        within levels of every factor, else the least J - r of the factors across whose levels it is taken, with J
        levels and r the rank of the fixed columns that differ between them only. It raises `DataError` where no level
        is left over.

    Notes
    -----
    The variance of clusters is estimated from few of them, and the normal distribution does not know it: with eight
    clusters, 20 people in each and an intraclass correlation of .1 a Wald z rejects a true hypothesis in .11 of cases.
    The between-within rule keeps the level down to ten clusters (Li and Redden 2015, BMC Medical Research Methodology
    15, 38); where the variance between clusters is estimated as zero it rejects too rarely. A contrast w is seen within
    levels when it lies in the row space of the columns centred within levels.
    """
    gram = X.T @ X
    total = int(np.linalg.matrix_rank(gram, tol=_NEGLIGIBLE * float(np.abs(gram).max()), hermitian=True))
    rules = [(each, *_within(X, gram, each, total)) for each in factors]
    used = np.arange(size) if counts is None else np.flatnonzero(counts)

    def df(weights: Floats) -> float:
        row = np.zeros(X.shape[1])
        row[: used.size] = np.asarray(weights, dtype=np.float64)[used]
        found = float("inf")
        for factor, space, left in rules:
            beyond = row - space @ (space.T @ row)
            if np.linalg.norm(beyond) <= np.sqrt(_NEGLIGIBLE) * np.linalg.norm(row):
                continue
            if left <= 0:
                raise DataError(
                    f"{factor.levels} levels of {factor.name} are compared with as many fixed effects that differ "
                    "between them: a difference between conditions cannot be told from one between levels of "
                    f"{factor.name}. Assign more of them."
                )
            found = min(found, float(left))
        return found

    return df


def _within(X: Floats, gram: Floats, factor: RandomFactor, total: int) -> tuple[Floats, int]:
    """Return the row space of the columns centred within levels, and the levels left over between them."""
    of_level = np.abs(factor.design).sum(axis=1) > 0
    sums = np.zeros((factor.levels, X.shape[1]))
    np.add.at(sums, factor.codes[of_level], X[of_level])
    sizes = np.maximum(np.bincount(factor.codes[of_level], minlength=factor.levels), 1)
    values, vectors = np.linalg.eigh(gram - sums.T @ (sums / sizes[:, None]))
    kept = values > _NEGLIGIBLE * float(np.abs(gram).max())
    return vectors[:, kept], factor.levels - (total - int(kept.sum()))
