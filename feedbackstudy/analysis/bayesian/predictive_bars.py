"""Shares of the values of an outcome in drawn studies, from the prior or beside what was seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from feedbackstudy.analysis.bayesian.cell_model import CellModel
from feedbackstudy.analysis.bayesian.predictor_draws import Values
from feedbackstudy.analysis.bayesian.r_predictive import prior_shares_script
from feedbackstudy.analysis.bayesian.r_prior import anew
from feedbackstudy.psychometrics.rscript import RScript

__all__ = ["BINS", "MOST_VALUES", "Bars", "bar_edges", "bars_of", "prior_bars", "prior_script"]

type Floats = NDArray[np.float64]

BINS, MOST_VALUES = 20, 30
"""Bins of a continuous outcome, and most values of a whole one above its smallest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Shares of the values of an outcome.

    Attributes
    ----------
    low, high : ndarray, shape (bars,)
        Limits of each bar; equal for a single value. The outer bars of a continuous outcome are open.
    seen : ndarray, shape (bars,), or None
        Share of rows that were seen there; None before data.
    mean, lower, upper : ndarray, shape (bars,)
        Mean and 95 % interval of the share in drawn studies.
    """

    low: Floats
    high: Floats
    seen: Floats | None
    mean: Floats
    lower: Floats
    upper: Floats


def prior_bars(model: CellModel, *, seed: int, studies: int = 1000) -> tuple[Bars, Values]:
    """Draw whole studies from the prior, before any outcome is looked at.

    Parameters
    ----------
    model : CellModel
        The model; its outcome is not used.
    seed : int
        Seed of the draws.
    studies : int, default 1000
        Studies to draw.

    Returns
    -------
    Bars
        Shares of values over all rows.
    mapping of str to ndarray
        The forward draws of the parameters, such as `thresholds`.
    """
    drawn, values = _prior_studies(model, seed, studies)
    edges = bar_edges(drawn[0], drawn, whole=model.family.whole)
    return bars_of(drawn, edges, None, whole=model.family.whole), values


def prior_script(model: CellModel, *, seed: int, studies: int) -> RScript:
    """Return the studies behind `prior_bars` for R, drawn anew from the seed.

    Parameters
    ----------
    model : CellModel
        The model; its outcome is not used.
    seed, studies : int
        As they were given to `prior_bars`.

    Returns
    -------
    RScript
        Shows ``share mean``, ``share lower`` and ``share upper``; then, as ``share anew mean`` and so on, those of as
        many studies that R draws from the prior, save for random slopes.
    """
    drawn, _ = _prior_studies(model, seed, studies)
    code = anew(model, seed=seed, studies=studies)
    return prior_shares_script(model.rows, drawn, whole=model.family.whole, bins=BINS, most=MOST_VALUES, anew=code)


def _prior_studies(model: CellModel, seed: int, studies: int) -> tuple[Floats, Values]:
    rng = np.random.default_rng(seed)
    values = model.forward(rng, studies)
    return model.outcome(values, rng), values


def bar_edges(y: Floats, drawn: Floats, *, whole: bool) -> Floats:
    """Return the single values of a whole outcome (the last one open above), or the inner limits of bins.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcomes that the bars must hold.
    drawn : ndarray, shape (studies, n)
        Outcomes in drawn studies, whose middle 99 % they must hold.
    whole : bool
        Whether outcomes are whole numbers.

    Returns
    -------
    ndarray
        Values or limits.
    """
    low, high = (
        min(float(y.min()), float(np.quantile(drawn, 0.005))),
        max(float(y.max()), float(np.quantile(drawn, 0.995))),
    )
    if whole:
        low, high = np.floor(low), np.ceil(high)
        return np.arange(low, min(high, low + MOST_VALUES) + 1)
    return np.linspace(low, high, BINS + 1)[1:-1]


def bars_of(drawn: Floats, edges: Floats, y: Floats | None, *, whole: bool) -> Bars:
    """Return the shares of values in drawn studies, beside those that were seen.

    Parameters
    ----------
    drawn : ndarray, shape (studies, n)
        Outcomes in drawn studies.
    edges : ndarray
        As `bar_edges` returns them.
    y : ndarray, shape (n,), or None
        Outcomes that were seen.
    whole : bool
        Whether outcomes are whole numbers.

    Returns
    -------
    Bars
        Mean and 95 % interval over the studies.
    """
    shares = np.array([_shares(study, edges, whole=whole) for study in drawn])
    lower, upper = np.quantile(shares, [0.025, 0.975], axis=0)
    return Bars(
        low=edges if whole else np.concatenate([[-np.inf], edges]),
        high=edges if whole else np.concatenate([edges, [np.inf]]),
        seen=None if y is None else _shares(y, edges, whole=whole),
        mean=np.asarray(shares.mean(axis=0), dtype=np.float64),
        lower=np.asarray(lower, dtype=np.float64),
        upper=np.asarray(upper, dtype=np.float64),
    )


def _shares(values: Floats, edges: Floats, *, whole: bool) -> Floats:
    if whole:
        place = np.clip(values - edges[0], 0, edges.size - 1).astype(np.int64)
        return np.bincount(place, minlength=edges.size) / values.size
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1) / values.size
