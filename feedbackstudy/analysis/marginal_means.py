"""Means of the cells of a question, both ways, beside the raw points: what an interaction plot shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from feedbackstudy.analysis.answer import Answer
from feedbackstudy.analysis.bayesian.densities import IntervalKind
from feedbackstudy.analysis.r_script import means_script
from feedbackstudy.errors import DataError, NotFoundError, choices
from feedbackstudy.provenance import Provenance
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Page, Rendered, Table, Text, interval, number
from feedbackstudy.study import Study

__all__ = ["MarginalMeans", "MeanRow", "marginal_means"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanRow:
    """The mean of one combination of levels, both ways.

    Attributes
    ----------
    levels : tuple of str
        Labels of its levels, in the order of the factors; the label of an arm alone.
    estimate, low, high : float or None
        Frequentist mean with its confidence interval; None without that engine.
    median, hdi_low, hdi_high : float or None
        Posterior median with its interval; None without that engine.
    points : ndarray, shape (n,)
        Raw outcomes; empty where means are not on the outcome's scale.
    n : int
        Rows.
    weights : ndarray, shape (cells,)
        What each cell's mean counts.
    """

    levels: tuple[str, ...]
    estimate: float | None
    low: float | None
    high: float | None
    median: float | None
    hdi_low: float | None
    hdi_high: float | None
    points: Floats
    n: int
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginalMeans(Rendered):
    """Means of combinations of levels, both ways.

    Attributes
    ----------
    outcome : str
        What was measured.
    scale : str
        Scale of the means.
    factors : tuple of str
        Labels of the factors that are crossed.
    averaged : tuple of str
        Labels of the factors that are averaged over, evenly.
    adjusted : tuple of str
        Covariates, held at their mean.
    rows : tuple of MeanRow
        One for each combination, then the arms outside the crossing.
    level : float
        Level of the intervals.
    interval_kind : str
        Kind of the Bayesian interval.
    answer : Answer
        The answer whose models these means are of.
    provenance : Provenance
        What made it.
    """

    outcome: str
    scale: str
    factors: tuple[str, ...]
    averaged: tuple[str, ...]
    adjusted: tuple[str, ...]
    rows: tuple[MeanRow, ...]
    level: float
    interval_kind: str
    answer: Answer
    provenance: Provenance

    def frame(self) -> pd.DataFrame:
        """Return the means.

        Returns
        -------
        DataFrame
            One row each: cell, n, estimate, low, high, median, hdi_low, hdi_high.
        """
        names = ("n", "estimate", "low", "high", "median", "hdi_low", "hdi_high")
        rows = [{"cell": ", ".join(row.levels)} | {name: getattr(row, name) for name in names} for row in self.rows]
        return pd.DataFrame(rows, columns=["cell", *names])

    def r_script(self) -> RScript:
        """Return the same means for R.

        Returns
        -------
        RScript
            Data and code: estimate, standard error, degrees of freedom and limits of each mean by emmeans, lmerTest,
            ordinal, stats, MASS or pscl, as the answer's model calls for; then the exact posterior. A mean that the
            others are counted from has no numbers of its own.

        Raises
        ------
        DataError
            As `Answer.r_script`.
        """
        rows = [row for row in self.rows if row.weights.any()]
        labels = tuple(", ".join(row.levels) for row in rows)
        weights, posterior = np.array([row.weights for row in rows]), self.answer.bayesian
        return means_script(self.answer.problem, weights, labels, posterior=posterior)

    def page(self) -> Page:
        """Return the means as a table.

        Returns
        -------
        Page
            Ready to render.
        """
        said = [f"Averaged evenly over {', '.join(self.averaged)}."] if self.averaged else []
        said += [f"Covariates at their mean: {', '.join(self.adjusted)}."] if self.adjusted else []
        rows = tuple(
            (
                ", ".join(row.levels),
                str(row.n),
                _both(row.estimate, row.low, row.high),
                _both(row.median, row.hdi_low, row.hdi_high),
            )
            for row in self.rows
        )
        heads = (", ".join(self.factors) or "cell", "n", f"mean [{self.level:.0%} CI]",
                 f"posterior median [{self.level:.0%} {self.interval_kind}]")  # fmt: skip
        blocks = (Table(heads, rows, f"Means of {self.outcome} ({self.scale})"), Text(" ".join(said)))
        return Page(title=f"Means of {self.outcome}", blocks=(*blocks[: 1 + bool(said)], self.provenance.facts()))


def marginal_means(answer: Answer, study: Study, *, by: Sequence[str] | None = None) -> MarginalMeans:
    """Return the means behind one answer, by the factors that its hypothesis is about.

    Parameters
    ----------
    answer : Answer
        One hypothesis answered: ``estimates.answer("h3")``.
    study : Study
        The study, for the factors and their labels.
    by : sequence of str, optional
        Factors to cross, the first one on the axis; by default those over which the hypothesis does not average.

    Returns
    -------
    MarginalMeans
        Means of the same two models that answered, other factors averaged over evenly, covariates at their mean. The
        latent scale of an ordinal outcome has no origin of its own, and the two models would choose different ones:
        there both count from the even mean of all cells.

    Raises
    ------
    DataError
        For a hypothesis about slopes or a path, a factor named twice, or a combination that holds nobody.
    NotFoundError
        For an unknown factor.
    """
    problem, asked = answer.problem, answer.problem.question
    if asked.kind != "cells" or (answer.classical is None and answer.bayesian is None):
        raise DataError(
            f"Hypothesis {answer.name!r} is about a {asked.kind.rstrip('s')}, not about means of cells; look at its "
            "estimates or its path instead."
        )
    levels = {cell.key: dict(cell.levels) for cell in study.crossing.cells()}
    chosen = _chosen(answer, study, levels, by)
    fit = answer.classical if answer.classical is not None else answer.bayesian
    inside = [key for key in problem.cells if levels[key]]
    combinations = list(product(*(study.factors[name].codes() for name in chosen)))
    groups = [
        (tuple(study.factors[f].levels[c] for f, c in zip(chosen, codes, strict=True)) or ("all feedback",),
         [key for key in inside if all(levels[key][f] == c for f, c in zip(chosen, codes, strict=True))])
        for codes in combinations
    ]  # fmt: skip
    groups = [(names, keys) for names, keys in groups if keys]
    groups += [((study.arms[key].label or key,), [key]) for key in problem.cells if not levels[key]]
    return MarginalMeans(
        outcome=asked.hypothesis.outcome.replace("_", " ") + (f" at {asked.occasion}" if asked.occasion else ""),
        scale=_scale(answer, "response" if fit is None else fit.scale),
        factors=tuple(study.factors[name].label or name for name in chosen),
        averaged=tuple(f.label or f.name for f in study.factors if f.name not in chosen and inside),
        adjusted=problem.covariate_names,
        rows=tuple(_row(answer, names, keys) for names, keys in groups),
        level=asked.plan.interval_level,
        interval_kind="equal-tailed interval" if asked.plan.interval_kind == "equal_tailed" else "HDI",
        answer=answer,
        provenance=answer.provenance.derived("analysis.marginal_means"),
    )


def _chosen(
    answer: Answer, study: Study, levels: dict[str, dict[str, str]], by: Sequence[str] | None
) -> tuple[str, ...]:
    if by is not None:
        for name in by:
            if name not in study.factors.names:
                raise NotFoundError(choices("Factor", name, study.factors.names))
        if len(set(by)) < len(by):
            raise DataError(f"A factor is named twice: {', '.join(by)}.")
        return tuple(by)
    problem = answer.problem
    weight = {key: tuple(problem.weights[:, i]) for i, key in enumerate(problem.cells) if levels[key]}

    def matters(name: str) -> bool:
        rest: dict[tuple[str, ...], set[tuple[float, ...]]] = {}
        for key, row in weight.items():
            others = tuple(code for factor, code in levels[key].items() if factor != name)
            rest.setdefault(others, set()).add(tuple(np.round(row, 12)))
        return any(len(rows) > 1 for rows in rest.values())

    return tuple(name for name in study.factors.names if matters(name))


def _row(answer: Answer, names: tuple[str, ...], keys: list[str]) -> MeanRow:
    problem, plan = answer.problem, answer.problem.question.plan
    at = [problem.cells.index(key) for key in keys]
    weights = np.zeros(len(problem.cells))
    weights[at] = 1 / len(at)
    if _latent(answer):
        weights -= 1 / len(problem.cells)
    if not weights.round(12).any():
        return _origin(names, int(np.isin(problem.cell, at).sum()), np.zeros_like(weights))
    estimate = low = high = median = hdi_low = hdi_high = None
    raw = True
    if answer.classical is not None:
        found = answer.classical.contrast(weights)
        estimate, (low, high) = found.estimate, found.interval(plan.interval_level)
        raw = answer.classical.scale == "response"
    if answer.bayesian is not None:
        kind: IntervalKind = "equal-tailed" if plan.interval_kind == "equal_tailed" else "HDI"
        post = answer.bayesian.contrast(weights, level=plan.interval_level, interval=kind).posterior
        median, hdi_low, hdi_high = post.median, post.low, post.high
        raw = raw and answer.bayesian.scale == "response"
    inside = np.isin(problem.cell, at)
    return MeanRow(
        levels=names,
        estimate=estimate,
        low=low,
        high=high,
        median=median,
        hdi_low=hdi_low,
        hdi_high=hdi_high,
        points=problem.y[inside & problem.observed] if raw else np.empty(0),
        n=int(inside.sum()),
        weights=weights,
    )


def _latent(answer: Answer) -> bool:
    return answer.problem.question.family == "ordinal" and any(
        fit is not None and fit.scale == "latent" for fit in (answer.classical, answer.bayesian)
    )


def _origin(names: tuple[str, ...], n: int, weights: Floats) -> MeanRow:
    """Return the mean that the others are counted from."""
    zeros = dict.fromkeys(("estimate", "low", "high", "median", "hdi_low", "hdi_high"), 0.0)
    return MeanRow(levels=names, points=np.empty(0), n=n, weights=weights, **zeros)


def _scale(answer: Answer, scale: str) -> str:
    if _latent(answer):
        return "latent scale, counted from the even mean of all cells"
    if scale != "response":
        return f"{scale} scale"
    metric = answer.problem.metric
    unit = metric.unit or "points"
    return f"{unit} of {metric.low:g} to {metric.high:g}" if metric.bounded else unit


def _both(middle: float | None, low: float | None, high: float | None) -> str:
    return "\N{EN DASH}" if middle is None or low is None or high is None else f"{number(middle)} {interval(low, high)}"
