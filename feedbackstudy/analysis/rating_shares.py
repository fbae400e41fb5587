"""Ratings by cell: shares of the categories, what the model expects of them, and expected ratings both ways."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.predictive import PredictiveCheck, posterior_predictive
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.missing.resting import resting
from feedbackstudy.analysis.problem import Problem
from feedbackstudy.analysis.r_ratings import ratings_script
from feedbackstudy.errors import DataError
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Page, Rendered, Table, interval, number

__all__ = ["ExpectedRating", "RatingShares", "rating_shares"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRating:
    """The expected rating of one cell, both ways.

    Attributes
    ----------
    estimate, low, high : float
        By maximum likelihood, with its confidence interval.
    median, hdi_low, hdi_high : float
        Posterior median with its highest-density interval.
    """

    estimate: float
    low: float
    high: float
    median: float
    hdi_low: float
    hdi_high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RatingShares(Rendered):
    """Shares of the categories in each cell, seen and predicted.

    Attributes
    ----------
    outcome : str
        What was rated.
    cells : tuple of str
        Keys of the cells.
    categories : tuple of float
        Codes of the categories, lowest first.
    counts : ndarray, shape (cells, categories)
        Ratings seen.
    predicted, lower, upper : ndarray, shape (cells, categories)
        Mean share in studies drawn from the posterior, and its middle 95 %.
    borders : tuple of ndarray, shape (cells, categories - 1)
        Middle 95 % of the share of ratings up to each category but the highest, in the same studies.
    expected : tuple of ExpectedRating
        One for each cell.
    level : float
        Level of the intervals of expected ratings.
    check : PredictiveCheck
        The whole posterior predictive check.
    problem : Problem
        The rows.
    provenance : Provenance
        What made it.
    """

    outcome: str
    cells: tuple[str, ...]
    categories: tuple[float, ...]
    counts: NDArray[np.int64]
    predicted: Floats
    lower: Floats
    upper: Floats
    borders: tuple[Floats, Floats]
    expected: tuple[ExpectedRating, ...]
    level: float
    check: PredictiveCheck
    problem: Problem
    provenance: Provenance

    @property
    def shares(self) -> Floats:
        """Shares seen, shape (cells, categories)."""
        return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True), dtype=np.float64)

    @property
    def outside(self) -> int:
        """Shares seen that lie outside the middle 95 % of what was predicted."""
        slack = 1e-9
        return int(((self.shares < self.lower - slack) | (self.shares > self.upper + slack)).sum())

    def frame(self) -> pd.DataFrame:
        """Return seen and predicted shares.

        Returns
        -------
        DataFrame
            One row for each cell and category: cell, category, n, share, predicted, lower, upper.
        """
        rows = [
            (cell, value, int(self.counts[i, k]), self.shares[i, k], self.predicted[i, k], self.lower[i, k],
             self.upper[i, k])
            for i, cell in enumerate(self.cells) for k, value in enumerate(self.categories)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["cell", "category", "n", "share", "predicted", "lower", "upper"])

    def r_script(self) -> RScript:
        """Return the ratings for R: shares seen, and expected ratings by package ordinal.

        Returns
        -------
        RScript
            Shows the share of each category in each cell, and estimate, standard error and limits of each expected
            rating. The shares that studies drawn from the posterior would show rest on draws of a sampler; the script
            of the answer is where its model is.
        """
        return ratings_script(self.problem)

    def page(self) -> Page:
        """Return expected ratings and the predictive check.

        Returns
        -------
        Page
            Ready to render.
        """
        rows = tuple(
            (cell, str(int(self.counts[i].sum())), f"{number(one.estimate)} {interval(one.low, one.high)}",
             f"{number(one.median)} {interval(one.hdi_low, one.hdi_high)}")
            for i, (cell, one) in enumerate(zip(self.cells, self.expected, strict=True))
        )  # fmt: skip
        heads = ("cell", "n", f"expected rating [{self.level:.0%} CI]", f"posterior median [{self.level:.0%} HDI]")
        table = Table(heads, rows, "Expected ratings")
        blocks = (table, *self.check.page().blocks, self.provenance.facts())
        return Page(title=f"Ratings: {self.outcome}", blocks=blocks)


def rating_shares(answer: Answer, *, seed: int, studies: int = 1000) -> RatingShares:
    """Return the ratings behind one answer beside studies drawn from its posterior.

    Parameters
    ----------
    answer : Answer
        An ordinal hypothesis answered by both engines: ``estimates.answer("...")``.
    seed : int
        Seed of the drawn studies.
    studies : int, default 1000
        Studies to draw.

    Returns
    -------
    RatingShares
        Shares by cell with their predictive intervals, expected ratings of both models.

    Raises
    ------
    DataError
        Where the outcome is not ordinal, the Bayesian engine did not answer, or its posterior averages those of
        completed tables.
    """
    problem, fit = answer.problem, answer.bayesian
    asked = problem.question
    if asked.family != "ordinal" or asked.kind != "cells":
        raise DataError(f"The outcome of {answer.name!r} is not a single ordered rating of cells.")
    if not isinstance(fit, CellDraws) or fit.source is None:
        raise DataError(f"Hypothesis {answer.name!r} has no sampled posterior to draw studies from.")
    problem = resting(problem, "Ratings beside drawn studies need")
    values = np.array(problem.metric.categories or tuple(np.unique(problem.y)))
    check = posterior_predictive(fit.source, seed=seed, studies=studies)
    drawn = _drawn(problem, fit.source, values.size, seed=seed, studies=studies)
    lower, upper = np.quantile(drawn, [0.025, 0.975], axis=0)
    below, above = np.quantile(drawn.cumsum(axis=2)[:, :, :-1], [0.025, 0.975], axis=0)
    counts = np.zeros((len(problem.cells), values.size), dtype=np.int64)
    given = problem.observed
    np.add.at(counts, (problem.cell[given], np.searchsorted(values, problem.y[given])), 1)
    return RatingShares(
        outcome=asked.hypothesis.outcome.replace("_", " ") + (f" at {asked.occasion}" if asked.occasion else ""),
        cells=problem.cells,
        categories=tuple(map(float, values)),
        counts=counts,
        predicted=np.asarray(drawn.mean(axis=0), dtype=np.float64),
        lower=lower,
        upper=upper,
        borders=(below, above),
        expected=_expected(problem, fit.source),
        level=asked.plan.interval_level,
        check=check,
        problem=problem,
        provenance=answer.provenance.derived("analysis.rating_shares"),
    )


def _drawn(problem: Problem, source: SampledCells, categories: int, *, seed: int, studies: int) -> Floats:
    """Return shares of the categories by cell in drawn studies, shape (studies, cells, categories)."""
    rng = np.random.default_rng(seed)
    values: dict[str, Floats] = source.values  # noqa: PD011 - draws by name, no data frame
    total = values["cells"].shape[0]
    kept = np.sort(rng.choice(total, size=min(studies, total), replace=False))
    drawn = source.model.outcome({name: block[kept] for name, block in values.items()}, rng).astype(np.int64)
    k = len(problem.cells)
    found = np.zeros((kept.size, k, categories))
    for j in range(k):
        inside = drawn[:, problem.cell == j]
        for value in range(categories):
            found[:, j, value] = (inside == value).mean(axis=1)
    return found


def _expected(problem: Problem, source: SampledCells) -> tuple[ExpectedRating, ...]:
    level = problem.question.plan.interval_level
    covariates = problem.covariates if problem.covariates.shape[1] else None
    classical = cumulative_cells(
        problem.y,
        problem.cell,
        len(problem.cells),
        covariates,
        groups=problem.groups,
        link="probit",
        scale="response",
    )
    bayesian = source.cells("response")
    found = []
    for weights in np.eye(len(problem.cells)):
        one = classical.contrast(weights)
        low, high = one.interval(level)
        post = bayesian.contrast(weights, level=level).posterior
        found.append(ExpectedRating(estimate=one.estimate, low=low, high=high, median=post.median, hdi_low=post.low,
                                    hdi_high=post.high))  # fmt: skip
    return tuple(found)
