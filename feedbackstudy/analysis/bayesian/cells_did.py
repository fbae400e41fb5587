"""Difference in differences on counted cells: sites and periods vary, effects vary between sites, cells scatter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.sampling import load_pymc, load_tensors, sample
from feedbackstudy.errors import DataError

if TYPE_CHECKING:
    import pymc  # type: ignore[import-untyped, unused-ignore]

__all__ = ["CellsDid", "DidCells", "cells_model", "fit_binomial_cells", "fit_ordinal_cells", "lift_of_shares"]

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

PRIOR = (
    "effect (log odds) N(0, 0.5), its SD between sites N+(0, 0.3); intercept N(0, 1.5); SD of sites N+(0, 0.5); "
    "periods N(0, 1), not pooled; scatter of cells N+(0, 0.1)"
)
_LEAST_SCATTER = 1e-3
_GAP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DidCells:
    """Counted cells.

    Attributes
    ----------
    counts : ndarray of int, shape (cells, categories)
        Applications of each category; for a share: failures, successes.
    site, period : ndarray of int, shape (cells,)
        Numbered from 0.
    treated : ndarray of bool, shape (cells,)
        Whether the cell lies under the policy.
    """

    counts: Integers
    site: Integers
    period: Integers
    treated: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if (self.counts < 0).any() or (self.counts.sum(axis=1) < 1).any():
            raise DataError("Every cell needs at least one application, and counts are never negative.")
        if not self.treated.any() or self.treated.all():
            raise DataError("Cells are all treated, or none is: there is no difference to estimate.")
        if np.unique(self.site).size < 3 or np.unique(self.period).size < 2:
            raise DataError("Sites that vary need at least three of them, and periods two.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellsDid:
    """Draws of an effect.

    Attributes
    ----------
    effect : ndarray, shape (draws,)
        Average over treated cells, by their applications: share or mean rating under the policy minus without it.
    log_odds : ndarray, shape (draws,)
        Average effect on the scale of the model.
    by_site : ndarray, shape (draws, sites)
        Effect of each site on the scale of the model.
    sd_between : ndarray, shape (draws,)
        Standard deviation of effects between sites.
    gates : Gates
        Convergence.
    model, prior : str
        In words.
    """

    effect: Floats
    log_odds: Floats
    by_site: Floats
    sd_between: Floats
    gates: Gates
    model: str
    prior: str = PRIOR


def fit_binomial_cells(cells: DidCells, *, seed: int, draws: int = 1000, tune: int = 1000, chains: int = 4) -> CellsDid:
    r"""Fit shares of cells by a hierarchical beta-binomial model.

    Parameters
    ----------
    cells : DidCells
        Two categories: failures, successes.
    seed : int
        Seed of the chains.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.

    Returns
    -------
    CellsDid
        Effect on shares and on log odds.

    Raises
    ------
    DataError
        For another number of categories.

    Notes
    -----
    :math:`\mathrm{logit}\,\mu_{it} = \alpha + a_i + b_t + (\beta + c_i) D_{it}`, a and c normal with
    spreads of their own, b not pooled, each summing to 0;
    :math:`y_{it} \sim \mathrm{BetaBinomial}(n_{it}, \mu_{it}, \kappa)` with :math:`\kappa = 1/\phi^2 - 1`: cells
    scatter beyond chance without a parameter for each of them.
    """
    if cells.counts.shape[1] != 2:
        raise DataError(f"A share has two categories; given {cells.counts.shape[1]}.")
    found = sample(cells_model(cells, cuts=None), seed=seed, draws=draws, tune=tune, chains=chains, target_accept=0.95)
    v = {name: _flat(values) for name, values in found.variables.items()}
    lift = lift_of_shares(found.variables, cells)
    return _found(v, lift, found.gates, "hierarchical beta-binomial difference in differences")


def lift_of_shares(variables: Mapping[str, Floats], cells: DidCells) -> Floats:
    """Return the average difference of shares that the policy made in the cells under it.

    Parameters
    ----------
    variables : mapping of str to ndarray, shape (chains, draws, ...)
        Draws of the model of shares.
    cells : DidCells
        The cells, weighted by their applications.

    Returns
    -------
    ndarray, shape (chains * draws,)
        Share under the policy minus share without it.
    """
    eta, effect = _predictors({name: _flat(values) for name, values in variables.items()}, cells)
    rows = cells.counts.sum(axis=1)[cells.treated]
    lift = special.expit(eta) - special.expit(eta - effect)
    return np.asarray(lift @ rows / rows.sum(), dtype=np.float64)


def fit_ordinal_cells(
    cells: DidCells, codes: ArrayLike, *, seed: int, draws: int = 1000, tune: int = 1000, chains: int = 4
) -> CellsDid:
    r"""Fit ordered ratings of cells by a hierarchical cumulative logit model.

    Parameters
    ----------
    cells : DidCells
        At least three categories, lowest first.
    codes : array_like, shape (categories,)
        Value of each category; the effect is a difference of means of these.
    seed : int
        Seed of the chains.
    draws, tune, chains : int
        Draws and warm-up draws of each chain, and chains.

    Returns
    -------
    CellsDid
        Effect on the mean rating and on cumulative log odds.

    Raises
    ------
    DataError
        For fewer than three categories, a category that nobody chose, or codes that do not fit.

    Notes
    -----
    As `fit_binomial_cells` with thresholds instead of the intercept:
    :math:`P(y \le k) = \mathrm{logit}^{-1}(\tau_k - \eta_{it})`, counts Dirichlet-multinomial.
    """
    values = np.asarray(codes, dtype=np.float64)
    k = cells.counts.shape[1]
    if k < 3 or values.shape != (k,):
        raise DataError(
            f"An ordered rating has three categories at least, each with its code; given {k} and {values.size}."
        )
    if (cells.counts.sum(axis=0) == 0).any():
        raise DataError(
            "Nobody chose one of the categories, so its thresholds cannot be told apart: join it to the next."
        )
    share = cells.counts.sum(axis=0) / cells.counts.sum()
    start = special.logit(np.clip(np.cumsum(share)[:-1], 0.01, 0.99))
    found = sample(cells_model(cells, cuts=start), seed=seed, draws=draws, tune=tune, chains=chains, target_accept=0.95)
    v = {name: _flat(values_) for name, values_ in found.variables.items()}
    eta, effect = _predictors(v, cells)
    rows = cells.counts.sum(axis=1)[cells.treated]
    lift = _mean_rating(eta, v["cuts"], values) - _mean_rating(eta - effect, v["cuts"], values)
    return _found(v, lift @ rows / rows.sum(), found.gates, "hierarchical cumulative logit difference in differences")


def cells_model(cells: DidCells, *, cuts: Floats | None) -> "pymc.Model":
    """Return the model, to inspect, extend or calibrate.

    Parameters
    ----------
    cells : DidCells
        The counts, under the name ``counts`` in the model; for a share those of the successes.
    cuts : ndarray, shape (categories - 1,), or None
        Where the thresholds of an ordered rating start; None for a share.

    Returns
    -------
    pymc.Model
        As `fit_binomial_cells` or `fit_ordinal_cells` samples it.
    """
    pm, pt = load_pymc(), load_tensors()
    sites, periods = int(cells.site.max()) + 1, int(cells.period.max()) + 1
    n = cells.counts.sum(axis=1)
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 0.5)
        sd_site = pm.HalfNormal("sd_site", 0.5)
        sd_effect, scatter = pm.HalfNormal("sd_effect", 0.3), pm.HalfNormal("scatter", 0.1)
        site = pm.Deterministic("site", sd_site * pm.ZeroSumNormal("raw_site", 1, shape=sites))
        # Periods are not drawn towards each other: later ones hold more treated cells, so that a trend that is pulled
        # towards 0 would be counted as effect.
        period = pm.ZeroSumNormal("period", 1, shape=periods)
        effect = pm.Deterministic("effect", beta + sd_effect * pm.ZeroSumNormal("raw_effect", 1, shape=sites))
        eta = site[cells.site] + period[cells.period] + effect[cells.site] * cells.treated
        concentration = 1 / (scatter + _LEAST_SCATTER) ** 2 - 1
        if cuts is None:
            mu = pm.math.sigmoid(pm.Normal("intercept", 0, 1.5) + eta)
            pm.BetaBinomial(
                "y", alpha=mu * concentration, beta=(1 - mu) * concentration, n=n,
                observed=pm.Data("counts", cells.counts[:, 1]),
            )  # fmt: skip
        else:
            first = pm.Normal("first", 0, 1.5, initval=cuts[0])
            gaps = pm.Gamma("gaps", 2, 2, shape=cuts.size - 1, initval=np.maximum(np.diff(cuts), _GAP / 10))
            thresholds = pm.Deterministic("cuts", first + pt.concatenate([pt.zeros(1), pt.cumsum(gaps)]))
            below = pm.math.sigmoid(thresholds[None, :] - eta[:, None])
            edges = pt.concatenate([pt.zeros((n.size, 1)), below, pt.ones((n.size, 1))], axis=1)
            shares = pt.clip(edges[:, 1:] - edges[:, :-1], 1e-12, 1.0)
            pm.DirichletMultinomial("y", n=n, a=shares * concentration, observed=pm.Data("counts", cells.counts))
    return model


def _flat(values: Floats) -> Floats:
    return np.asarray(values.reshape(-1, *values.shape[2:]), dtype=np.float64)


def _predictors(v: dict[str, Floats], cells: DidCells) -> tuple[Floats, Floats]:
    """Return linear predictor and effect of the treated cells, one row a draw."""
    site, period = cells.site[cells.treated], cells.period[cells.treated]
    effect = v["effect"][:, site]
    eta = v["site"][:, site] + v["period"][:, period] + effect
    return eta + v["intercept"][:, None] if "intercept" in v else eta, effect


def _mean_rating(eta: Floats, cuts: Floats, codes: Floats) -> Floats:
    """Return mean ratings: the lowest code plus each step times the share above its threshold."""
    steps = np.diff(codes)
    above = special.expit(eta[:, :, None] - cuts[:, None, :])
    return np.asarray(codes[0] + above @ steps, dtype=np.float64)


def _found(v: dict[str, Floats], effect: Floats, gates: Gates, model: str) -> CellsDid:
    return CellsDid(
        effect=effect,
        log_odds=v["beta"],
        by_site=v["effect"],
        sd_between=v["sd_effect"],
        gates=gates,
        model=model,
    )
