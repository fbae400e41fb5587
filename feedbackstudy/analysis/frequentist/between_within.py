"""Tests of contrasts in mixed models of answers that are no scores: by the number of clusters compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.frequentist.mixed_structure import Floats, RandomFactor
from feedbackstudy.errors import DataError

__all__ = ["BETWEEN_WITHIN", "BetweenWithin"]

BETWEEN_WITHIN = "across levels t on the levels left over, the variance as by restricted likelihood"
"""The rule in words, for the model's description."""

_NEGLIGIBLE, _ZERO = 1e-9, 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rule:
    """A factor, the row space of the columns centred within its levels, and what is left over between them."""

    name: str
    levels: int
    space: Floats
    left: int
    varies: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BetweenWithin:
    r"""The reference distribution of contrasts in a mixed model fitted by maximum likelihood.

    Attributes
    ----------
    columns : int
        Fixed columns of the model.
    used : ndarray of int
        Positions of the weights that have a column.
    rules : tuple
        One for each grouping factor.

    Notes
    -----
    The variance between clusters is estimated from few of them, and the normal distribution does not know it: with
    eight clusters, 20 people in each and an intraclass correlation of .1 a Wald z rejects a true hypothesis in .11 to
    .14 of cases. A contrast is seen within levels of a factor when it lies in the row space of the columns centred
    within levels; else it is taken across them. Then the reference is t on J - r degrees of freedom, with J levels and
    r the rank of the columns that differ between levels only: the between-within rule, which Li and Redden (2015, BMC
    Medical Research Methodology 15, 38) found to keep the level down to ten clusters. Maximum likelihood divides by J
    where restricted likelihood divides by J - r, so the variance is multiplied by :math:`J/(J - r)`; with answers that
    are scores and clusters of one size this is the test by restricted likelihood. Where the variance between levels is
    estimated as zero it is left, and the test rejects too rarely.
    """

    columns: int
    used: NDArray[np.int64]
    rules: tuple[_Rule, ...]

    @classmethod
    def of(
        cls,
        X: Floats,
        size: int,
        factors: Sequence[RandomFactor],
        sd: Floats,
        counts: NDArray[np.int64] | None = None,
    ) -> "BetweenWithin":
        """Read the rules off the columns of a model.

        Parameters
        ----------
        X : ndarray, shape (n, p)
            Fixed columns with the intercept (cell indicators count as such); the first `size` carry the weights.
        size : int
            Columns that a contrast weighs.
        factors : sequence of RandomFactor
            The grouping factors.
        sd : ndarray, shape (factors,)
            Their estimated standard deviations.
        counts : ndarray of int, shape (cells,), optional
            Rows of each cell, where weights are given over all cells and only those with rows have a column.

        Returns
        -------
        BetweenWithin
            Without factors every contrast has the normal distribution.
        """
        gram = X.T @ X
        total = int(np.linalg.matrix_rank(gram, tol=_NEGLIGIBLE * float(np.abs(gram).max()), hermitian=True))
        rules = tuple(_rule(X, gram, each, total, float(at)) for each, at in zip(factors, sd, strict=True))
        return cls(columns=X.shape[1], used=np.arange(size) if counts is None else np.flatnonzero(counts), rules=rules)

    def df(self, weights: Floats) -> float:
        """Return the degrees of freedom of a contrast.

        Parameters
        ----------
        weights : ndarray, shape (cells,)
            Its weights.

        Returns
        -------
        float
            Infinite where it is seen within levels of every factor; else the least number of levels left over.

        Raises
        ------
        DataError
            Where no level is left over.
        """
        across = self._across(weights)
        for rule in across:
            if rule.left <= 0:
                raise DataError(
                    f"{rule.levels} levels of {rule.name} are compared with as many fixed effects that differ between "
                    f"them: a difference between conditions cannot be told from one between levels of {rule.name}. "
                    "Assign more of them."
                )
        return min((float(rule.left) for rule in across), default=float("inf"))

    def inflation(self, weights: Floats) -> float:
        """Return the factor on the sampling variance of a contrast.

        Parameters
        ----------
        weights : ndarray, shape (cells,)
            Its weights.

        Returns
        -------
        float
            The largest J / (J - r) of the factors that it is taken across and whose variance is not zero; else 1.
        """
        across = [rule for rule in self._across(weights) if rule.varies and rule.left > 0]
        return max((rule.levels / rule.left for rule in across), default=1.0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a zero variance between levels does to tests across them, for the reader of such a model."""
        return tuple(
            f"Contrasts across the {rule.levels} levels of {rule.name} keep t on {rule.left} degrees of freedom "
            "although the variance between these levels is estimated as zero: so few levels cannot show that there is "
            "none, and such a test rejects too rarely rather than too often."
            for rule in self.rules
            if not rule.varies and rule.left > 0
        )

    def _across(self, weights: Floats) -> list[_Rule]:
        row = np.zeros(self.columns)
        row[: self.used.size] = np.asarray(weights, dtype=np.float64)[self.used]
        limit = np.sqrt(_NEGLIGIBLE) * np.linalg.norm(row)
        return [each for each in self.rules if np.linalg.norm(row - each.space @ (each.space.T @ row)) > limit]


def _rule(X: Floats, gram: Floats, factor: RandomFactor, total: int, sd: float) -> _Rule:
    of_level = np.abs(factor.design).sum(axis=1) > 0
    sums = np.zeros((factor.levels, X.shape[1]))
    np.add.at(sums, factor.codes[of_level], X[of_level])
    sizes = np.maximum(np.bincount(factor.codes[of_level], minlength=factor.levels), 1)
    values, vectors = np.linalg.eigh(gram - sums.T @ (sums / sizes[:, None]))
    kept = values > _NEGLIGIBLE * float(np.abs(gram).max())
    left = factor.levels - (total - int(kept.sum()))
    return _Rule(name=factor.name, levels=factor.levels, space=vectors[:, kept], left=left, varies=sd > _ZERO)
