"""Does the answer of an exact model rest on its prior: the same rows solved again under wider and narrower ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from feedbackstudy.analysis.bayesian.cell_contrast import exponential
from feedbackstudy.analysis.bayesian.gaussian import GaussianCells
from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Notice, Page, Rendered, bayes_factor, interval, number, table_of

__all__ = ["PriorWidths", "WidthAnswer", "prior_widths", "widened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthAnswer:
    """One contrast under one width of the priors.

    Attributes
    ----------
    fold : float
        What every scale of the prior was multiplied by; 1 is the prior that was declared.
    median, low, high : float
        Posterior median and highest-density interval.
    prob_direction : float
        Posterior probability of the side of the median under the declared prior.
    log_bayes_factor : float
        Natural logarithm of the Bayes factor under this prior.
    log_marginal : float
        Log marginal likelihood of the model with this prior.
    """

    fold: float
    median: float
    low: float
    high: float
    prob_direction: float
    log_bayes_factor: float
    log_marginal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorWidths(Rendered):
    """One contrast under several widths of the priors.

    Attributes
    ----------
    quantity : str
        What the contrast is.
    rows : tuple of WidthAnswer
        Narrowest first.
    level : float
        Probability inside the intervals.
    prior : str
        The declared prior in words.
    script : RScript or callable or None
        The way out to R; None where the widths were asked apart from an analysis of rows.
    """

    quantity: str
    rows: tuple[WidthAnswer, ...]
    level: float
    prior: str
    script: Way = None

    def r_script(self) -> RScript:
        """Return the answers under every width for R, integrated anew.

        Returns
        -------
        RScript
            Shows ``fold`` and then the numbers of that row.

        Raises
        ------
        DataError
            Where the widths were asked apart from an analysis of rows.
        """
        return carried(self.script, f"The widths of {self.quantity!r}")

    @property
    def declared(self) -> WidthAnswer:
        """The answer under the declared prior."""
        return next(row for row in self.rows if row.fold == 1)

    @property
    def shift(self) -> float:
        """Largest move of the median, as a share of the width of the declared interval."""
        width = self.declared.high - self.declared.low
        return max(abs(row.median - self.declared.median) for row in self.rows) / width

    @property
    def same_side(self) -> bool:
        """Whether every interval says the same of 0: above, below, or holding it."""
        sides = {(row.low > 0) - (row.high < 0) for row in self.rows}
        return len(sides) == 1

    def frame(self) -> pd.DataFrame:
        """Return the answers as a table.

        Returns
        -------
        DataFrame
            One row a width.
        """
        names = ("fold", "median", "low", "high", "prob_direction", "log_bayes_factor", "log_marginal")
        return pd.DataFrame([{name: getattr(row, name) for name in names} for row in self.rows])

    def page(self) -> Page:
        """Return the answers as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        rows = [
            {
                "fold": number(row.fold, 2),
                "median": number(row.median),
                "interval": interval(row.low, row.high),
                "direction": number(row.prob_direction, unit_interval=True),
                "factor": bayes_factor(exponential(row.log_bayes_factor)),
            }
            for row in self.rows
        ]
        titles = {
            "fold": "prior scales times",
            "median": "median",
            "interval": f"{self.level:.0%} HDI",
            "direction": "P(direction)",
            "factor": "Bayes factor",
        }
        blocks: list[Block] = [table_of(rows, titles)]
        if self.same_side:
            blocks.append(Notice("Every interval says the same of 0; the width does not decide.", tone="good"))
        else:
            blocks.append(Notice("Whether the interval holds 0 depends on the width of the prior.", tone="warning"))
        return Page(title=f"Width of the prior: {self.quantity}", subtitle=self.prior, blocks=tuple(blocks))


def prior_widths(
    problem: GaussianCells,
    weights: ArrayLike,
    *,
    value: float = 0.0,
    folds: Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0),
    level: float = 0.95,
    quantity: str = "contrast",
) -> PriorWidths:
    """Solve a model again with all scales of its prior multiplied.

    Parameters
    ----------
    problem : GaussianCells
        The model and its rows.
    weights : array_like, shape (cells,)
        Weights over the cell means.
    value : float, default 0
        The fixed value that is subtracted.
    folds : sequence of float
        What the scales are multiplied by; 1, the declared prior, is always among them.
    level : float, default 0.95
        Probability inside the intervals.
    quantity : str, default "contrast"
        What the contrast is, in words.

    Returns
    -------
    PriorWidths
        One exact answer a width.

    Raises
    ------
    DataError
        For a fold that is not positive.
    """
    wanted = sorted({1.0, *(float(fold) for fold in folds)})
    if not (np.isfinite(wanted).all() and min(wanted) > 0):
        raise DataError(f"Scales of a prior are multiplied by positive numbers; given {list(folds)}.")
    declared = problem.posterior().contrast(weights, value=value).posterior.median
    rows = []
    for fold in wanted:
        posterior = replace(problem, prior=widened(problem.prior, fold)).posterior()
        found = posterior.contrast(weights, value=value, level=level)
        above = found.beyond(0.0)
        rows.append(
            WidthAnswer(
                fold=fold,
                median=found.posterior.median,
                low=found.posterior.low,
                high=found.posterior.high,
                prob_direction=above if declared >= 0 else 1 - above,
                log_bayes_factor=float("nan") if found.log_bayes_factor is None else found.log_bayes_factor,
                log_marginal=posterior.log_marginal,
            )
        )
    return PriorWidths(quantity=quantity, rows=tuple(rows), level=level, prior=str(problem.prior))


def widened(prior: CellPrior, fold: float) -> CellPrior:
    """Multiply all scales of a prior.

    Parameters
    ----------
    prior : CellPrior
        The prior.
    fold : float
        What they are multiplied by.

    Returns
    -------
    CellPrior
        Around the same middle.
    """
    scales = ("middle_sd", "effect_sd", "residual_sd", "group_sd", "slope_sd")
    return replace(prior, **{name: getattr(prior, name) * fold for name in scales})
