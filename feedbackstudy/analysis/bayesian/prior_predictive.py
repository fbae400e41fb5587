"""What a prior says before any answer is seen: forward draws of whole studies."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from feedbackstudy.analysis.bayesian.priors import CellPrior
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Notice, Page, Rendered, interval, number

__all__ = ["PriorPredictive", "prior_predictive"]

_OUTSIDE_AT_MOST = 0.2

_R = """\
set.seed(SEED); of <- as.list(responses[1, ])
means <- of$middle + of$middle_sd * rnorm(of$studies) + of$effect_sd * matrix(rnorm(of$studies * of$cells), of$studies)
within <- sqrt(rowSums(sweep(matrix(rnorm(of$studies * (1 + of$groups)), of$studies), 2,
                             c(of$residual_sd, rep(of$group_sd, of$groups)), "*")^2))
drawn <- as.vector(means) + within * array(rnorm(length(means) * of$answers), c(dim(means), of$answers))
three <- function(name, values) show(paste(name, c("2.5 %", "50 %", "97.5 %")), quantile(values, c(0.025, 0.5, 0.975)))
if (!is.na(of$lowest)) {
  show("answers outside", mean(drawn < of$lowest | drawn > of$highest))
  show("means outside", mean(means < of$lowest | means > of$highest))
}
three("sd between cells", apply(means, 1, sd)); three("largest difference", apply(means, 1, function(m) diff(range(m))))
three("sd within cells", within); three("difference in sd", abs(means[, 1] - means[, 2]) / within)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorPredictive(Rendered):
    """What studies drawn from a prior look like.

    Attributes
    ----------
    prior : str
        The prior in words.
    n_cells, studies : int
        Cells of each study, and studies drawn.
    answers_outside : float or None
        Share of single answers outside the scale; None for a score without limits.
    means_outside : float or None
        Share of cell means outside the scale.
    between_cells : tuple of float
        2.5 %, 50 % and 97.5 % quantiles of the standard deviation of the cell means of a study.
    largest_difference : tuple of float
        The same of the largest difference between two cells.
    within_cells : tuple of float
        The same of the standard deviation within cells.
    standardised_difference : tuple of float
        The same of the absolute difference of two cells over the standard deviation within cells.
    script : RScript or callable or None
        The way out to R.
    """

    prior: str
    n_cells: int
    studies: int
    answers_outside: float | None
    means_outside: float | None
    between_cells: tuple[float, float, float]
    largest_difference: tuple[float, float, float]
    within_cells: tuple[float, float, float]
    standardised_difference: tuple[float, float, float]
    script: Way = None

    def r_script(self) -> RScript:
        """Return the same draws of studies for R.

        Returns
        -------
        RScript
            Draws as many studies from the prior with R's own generator; it shows shares and quantiles.

        Raises
        ------
        DataError
            Where the numbers were laid together without a prior.
        """
        return carried(self.script, "The prior predictive check")

    @property
    def plausible(self) -> bool:
        """Whether at most 20 % of single answers fall off the scale; True where the score has no limits."""
        return self.answers_outside is None or self.answers_outside <= _OUTSIDE_AT_MOST

    def page(self) -> Page:
        """Return the prior's predictions as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        pairs = [("prior", self.prior)]
        for label, share in (("single answers", self.answers_outside), ("cell means", self.means_outside)):
            if share is not None:
                pairs.append((f"{label} outside the scale", f"{share:.1%}"))
        for label, found in (
            ("sd between cell means", self.between_cells),
            ("largest difference of two cells", self.largest_difference),
            ("sd within cells", self.within_cells),
            ("difference of two cells in sd", self.standardised_difference),
        ):
            pairs.append((label, f"median {number(found[1])}, 95 % {interval(found[0], found[2])}"))
        blocks: list[Block] = [Facts(tuple(pairs))]
        if not self.plausible:
            blocks.append(
                Notice(
                    f"The prior puts {self.answers_outside:.0%} of single answers outside the scale; narrow it.",
                    tone="warning",
                )
            )
        title = f"{self.studies:,} studies drawn from the prior ({self.n_cells} cells)"
        return Page(title=title, blocks=tuple(blocks))


def prior_predictive(
    prior: CellPrior, *, n_cells: int, groups: int = 0, studies: int = 4000, answers: int = 20, seed: int
) -> PriorPredictive:
    """Draw whole studies forward from the prior and describe them.

    Parameters
    ----------
    prior : CellPrior
        The prior.
    n_cells : int
        Cells of the design.
    groups : int, default 0
        Grouping factors in the model.
    studies : int, default 4000
        Studies to draw.
    answers : int, default 20
        Answers drawn in each cell of each study, each from a group of its own.
    seed : int
        Seed of the draws.

    Returns
    -------
    PriorPredictive
        Shares outside the scale, and the spread that the prior expects within and between cells.

    Raises
    ------
    DataError
        For fewer than two cells or 100 studies.
    """
    if n_cells < 2 or studies < 100:
        raise DataError(f"Draw at least 100 studies of two cells; given {studies} studies of {n_cells} cells.")
    rng = np.random.default_rng(seed)
    before = prior.cells(n_cells)
    root = np.linalg.cholesky(before.covariances[0])
    means = before.means[0] + rng.standard_normal((studies, n_cells)) @ root.T
    variance = np.abs(rng.normal(0, prior.residual_sd, studies)) ** 2
    for _ in range(groups):
        variance += np.abs(rng.normal(0, prior.group_sd, studies)) ** 2
    within = np.sqrt(variance)
    drawn = means[:, :, None] + within[:, None, None] * rng.standard_normal((studies, n_cells, answers))
    return PriorPredictive(
        prior=str(prior),
        n_cells=n_cells,
        studies=studies,
        answers_outside=_outside(drawn, prior),
        means_outside=_outside(means, prior),
        between_cells=_three(means.std(axis=1, ddof=1)),
        largest_difference=_three(np.ptp(means, axis=1)),
        within_cells=_three(within),
        standardised_difference=_three(np.abs(means[:, 0] - means[:, 1]) / within),
        script=partial(_script, prior, n_cells=n_cells, groups=groups, studies=studies, answers=answers, seed=seed),
    )


def _script(prior: CellPrior, *, n_cells: int, groups: int, studies: int, answers: int, seed: int) -> RScript:
    given = {
        "middle": prior.middle,
        "middle_sd": prior.middle_sd,
        "effect_sd": prior.effect_sd,
        "residual_sd": prior.residual_sd,
        "group_sd": prior.group_sd,
        "cells": n_cells,
        "groups": groups,
        "studies": studies,
        "answers": answers,
        "lowest": np.nan if prior.low is None else prior.low,
        "highest": np.nan if prior.high is None else prior.high,
    }
    body = _R.replace("SEED", str(seed))
    return RScript(made_by="Answer.prior_check", body=body, data=pd.DataFrame([given]), name="prior_check")


def _outside(values: np.ndarray, prior: CellPrior) -> float | None:
    if prior.low is None or prior.high is None:
        return None
    return float(((values < prior.low) | (values > prior.high)).mean())


def _three(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.025, 0.5, 0.975]).tolist()
    return low, middle, high
