"""How well a model predicts rows that it has not seen: leave-one-out by Pareto-smoothed importance sampling."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.adapters import quiet
from feedbackstudy.analysis.bayesian.gates import PARETO_K_AT_MOST, Gates
from feedbackstudy.analysis.bayesian.r_draws import with_more
from feedbackstudy.analysis.bayesian.r_loo import comparison_script, loo_script
from feedbackstudy.analysis.bayesian.sampled_cells import SampledCells
from feedbackstudy.analysis.carried import Way, carried
from feedbackstudy.errors import DataError
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.render import Block, Facts, Page, Rendered, Table, number

__all__ = ["Comparison", "Loo", "compare", "loo"]

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loo(Rendered):
    """Expected log density of rows left out one at a time.

    Attributes
    ----------
    elpd, se : float
        Sum over rows and its standard error.
    p : float
        Effective number of parameters.
    each : ndarray, shape (n,)
        Expected log density of each row.
    pareto_k : ndarray, shape (n,)
        Pareto shape of each row's importance weights.
    gates : Gates
        Those of the draws, with the largest Pareto shape.
    model : str
        The model in words.
    outcome : str
        Fingerprint of the outcome, so that only models of the same rows are compared.
    grouped : bool
        Whether rows share random effects; a row is then left out while others of its groups stay.
    found : object
        What ArviZ returned.
    script : RScript or callable or None
        The way out to R.
    """

    elpd: float
    se: float
    p: float
    each: Floats
    pareto_k: Floats
    gates: Gates
    model: str
    outcome: str
    grouped: bool
    found: Any
    script: Way = None

    def r_script(self) -> RScript:
        """Return the log density of every row in every draw for R.

        Returns
        -------
        RScript
            Leaves each row out with the package loo and shows ``elpd``, ``se``, ``p``, ``pareto_k`` and, for each row,
            its elpd and Pareto k.

        Raises
        ------
        DataError
            Where the numbers were laid together without draws.
        """
        return carried(self.script, "Leave-one-out prediction")

    @property
    def swaying(self) -> tuple[int, ...]:
        """Positions of rows whose Pareto shape exceeds 0.7: the estimate cannot be trusted for them."""
        return tuple(int(i) for i in np.flatnonzero(~(self.pareto_k <= PARETO_K_AT_MOST)))

    def page(self) -> Page:
        """Return the estimate and its gates as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        pairs = [
            ("model", self.model),
            ("expected log density", f"{number(self.elpd, 1)} (SE {number(self.se, 1)})"),
            ("effective parameters", number(self.p, 1)),
            ("rows", str(self.each.size)),
            ("rows with Pareto k above 0.7", str(len(self.swaying))),
        ]
        pairs += [("left out", "one row; other rows of its groups stay")] if self.grouped else []
        blocks: tuple[Block, ...] = (Facts(tuple(pairs)), *self.gates.page().blocks)
        return Page(title="Leave-one-out prediction", blocks=blocks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison(Rendered):
    """Models of the same rows, the one that predicts best first.

    Attributes
    ----------
    names : tuple of str
        Names of the models.
    elpd : ndarray, shape (models,)
        Expected log densities.
    difference, difference_se : ndarray, shape (models,)
        Difference from the first, and its standard error from paired rows.
    weight : ndarray, shape (models,)
        Stacking weights.
    failures : tuple of str
        Why the comparison is not fit to report; empty where it is.
    script : RScript or callable or None
        The way out to R.
    """

    names: tuple[str, ...]
    elpd: Floats
    difference: Floats
    difference_se: Floats
    weight: Floats
    failures: tuple[str, ...]
    script: Way = None

    def r_script(self) -> RScript:
        """Return the expected log density of every row under every model for R.

        Returns
        -------
        RScript
            Shows ``elpd``, ``difference``, ``difference_se`` and loo's stacking ``weight``, in our order, and the log
            score that our weights and loo's reach. How each model's densities come about: `Loo.r_script`.

        Raises
        ------
        DataError
            Where the numbers were laid together without models.
        """
        return carried(self.script, "The comparison of models")

    def page(self) -> Page:
        """Return the comparison as a page.

        Returns
        -------
        Page
            Ready to render as HTML or text.
        """
        rows = tuple(
            (name, number(float(e), 1), number(float(d), 1), number(float(s), 1), number(float(w), 2))
            for name, e, d, s, w in zip(
                self.names, self.elpd, self.difference, self.difference_se, self.weight, strict=True
            )
        )
        head = ("model", "expected log density", "difference", "SE of difference", "stacking weight")
        blocks: list[Block] = [Table(head, rows)]
        blocks += [Facts((("not fit to report", "; ".join(self.failures)),))] if self.failures else []
        return Page(title="Comparison of models by leave-one-out prediction", blocks=tuple(blocks))


def loo(fit: SampledCells) -> Loo:
    """Estimate how well a fitted model predicts rows left out one at a time.

    Parameters
    ----------
    fit : SampledCells
        The fitted model.

    Returns
    -------
    Loo
        From ArviZ (PSIS-LOO: Vehtari, Gelman and Gabry, 2017, Statistics and Computing 27, 1413-1432), with gates that
        close where a Pareto shape exceeds 0.7.
    """
    import arviz as az  # type: ignore[import-untyped, unused-ignore]

    chains = fit.chains
    each = fit.model.log_likelihood(fit.values)
    groups = {
        "posterior": {"cells": fit.draws.variables["cells"]},
        "log_likelihood": {"outcome": each.reshape(chains, -1, each.shape[1])},
    }
    with quiet("arviz"):
        found = az.loo(az.from_dict(groups), pointwise=True)
    elpd_i = np.asarray(found.elpd_i.values, dtype=np.float64)
    script = partial(loo_script, fit)
    own = partial(with_more, fit.draws.gates.script, script)
    pareto_k = np.asarray(found.pareto_k.values, dtype=np.float64)
    return Loo(
        elpd=float(found.elpd),
        se=float(np.sqrt(elpd_i.size * elpd_i.var(ddof=1))),
        p=float(found.p),
        each=elpd_i,
        pareto_k=pareto_k,
        gates=replace(fit.draws.gates, pareto_k=float(pareto_k.max()), script=own),
        model=fit.model.words,
        outcome=hashlib.sha256(np.ascontiguousarray(fit.model.rows.y).tobytes()).hexdigest(),
        grouped=bool(fit.model.rows.groups),
        found=found,
        script=script,
    )


def compare(models: Mapping[str, Loo]) -> Comparison:
    """Compare models of the same rows.

    Parameters
    ----------
    models : mapping of str to Loo
        Leave-one-out estimates by name.

    Returns
    -------
    Comparison
        Ordered by expected log density; differences from paired rows, stacking weights (Yao et al., 2018, Bayesian
        Analysis 13, 917-1007).

    Raises
    ------
    DataError
        For fewer than two models, or models of different rows.
    """
    import arviz as az

    if len(models) < 2:
        raise DataError(f"Give at least two models to compare; given {list(models)}.")
    if len({one.outcome for one in models.values()}) > 1:
        raise DataError(
            "The models were fitted to different outcomes or rows; their log densities cannot be compared. Fit all of "
            "them to the same rows."
        )
    with quiet("arviz"):
        table = az.compare({name: one.found for name, one in models.items()}, round_to="none")
    names = sorted(models, key=lambda name: -models[name].elpd)
    gaps = [models[name].each - models[names[0]].each for name in names]
    failures = [f"{name}: {words}" for name in names for words in models[name].gates.failures]
    weight = np.array([float(table.loc[name, "weight"]) for name in names])
    return Comparison(
        names=tuple(names),
        elpd=np.array([models[name].elpd for name in names]),
        difference=np.array([gap.sum() for gap in gaps]),
        difference_se=np.array([np.sqrt(gap.size * gap.var(ddof=1)) for gap in gaps]),
        weight=weight,
        failures=tuple(failures),
        script=partial(comparison_script, names, [models[name].each for name in names], weight),
    )
