"""Counted cells: the likelihood is that of the rows, and known effects are found."""

import numpy as np
import pytest
from scipy import special

from feedbackstudy.analysis.bayesian.cells_did import (
    DidCells,
    cells_model,
    fit_binomial_cells,
    fit_ordinal_cells,
    lift_of_shares,
)
from feedbackstudy.analysis.bayesian.compiled import compile_model
from feedbackstudy.analysis.bayesian.sampling import quick_draws
from feedbackstudy.errors import DataError


def invented(seed, *, sites=12, periods=8, n=400, effect=0.4, spread=0.15, scatter=0.05, never=3):
    rng = np.random.default_rng(seed)
    site, period = (a.ravel() for a in np.meshgrid(np.arange(sites), np.arange(periods), indexing="ij"))
    start = np.where(np.arange(sites) < never, 99, 2 + np.arange(sites) % (periods - 3))
    treated = period >= start[site]
    effects = effect + rng.normal(0, spread, sites)
    eta = -0.4 + rng.normal(0, 0.3, sites)[site] + 0.05 * period + effects[site] * treated
    share = special.expit(eta + rng.normal(0, scatter, eta.size))
    yes = rng.binomial(n, share)
    cells = DidCells(counts=np.stack([n - yes, yes], axis=1), site=site, period=period, treated=treated)
    before = special.expit(eta - effects[site] * treated)
    return cells, float((special.expit(eta) - before)[treated].mean()), effects


@pytest.fixture(scope="module")
def shares():
    cells, truth, effects = invented(1)
    return fit_binomial_cells(cells, seed=2, chains=2, draws=1000, tune=700), truth, effects


def test_a_known_effect_on_shares_is_found(shares):
    fit, truth, effects = shares
    assert abs(fit.effect.mean() - truth) < 3 * fit.effect.std()
    assert fit.effect.std() < 0.05
    assert fit.gates.divergences == 0
    assert fit.gates.rhat < 1.03
    assert np.corrcoef(fit.by_site.mean(axis=0)[3:], effects[3:])[0, 1] > 0.3
    assert fit.by_site.mean(axis=1) == pytest.approx(fit.log_odds, abs=1e-8)  # effects of sites sum to the average
    assert "beta-binomial" in fit.model


def test_the_posterior_is_near_the_likelihood(shares):
    """With these priors the log odds lie near a logit with fixed effects by Newton's method."""
    fit, _, _ = shares
    cells, _, _ = invented(1)
    x = np.column_stack([cells.treated, np.eye(12)[cells.site], np.eye(8)[cells.period][:, 1:]]).astype(float)
    n, beta = cells.counts.sum(axis=1), np.zeros(20)
    for _ in range(30):
        mu = special.expit(x @ beta)
        w = n * mu * (1 - mu)
        beta += np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (cells.counts[:, 1] - n * mu))
    assert abs(fit.log_odds.mean() - beta[0]) < 2 * fit.log_odds.std()


def test_cells_are_checked():
    cells, _, _ = invented(3)
    where = {"site": cells.site, "period": cells.period, "treated": cells.treated}
    three = DidCells(counts=np.ones((96, 3), int), **where)
    with pytest.raises(DataError, match="two categories"):
        fit_binomial_cells(three, seed=1)
    unchosen = DidCells(counts=np.column_stack([cells.counts, np.zeros(96, int)]), **where)
    with pytest.raises(DataError, match="Nobody chose"):
        fit_ordinal_cells(unchosen, [1, 2, 3], seed=1)
    with pytest.raises(DataError, match="each with its code"):
        fit_ordinal_cells(cells, [1, 2], seed=1)
    with pytest.raises(DataError, match="all treated, or none"):
        DidCells(counts=cells.counts, site=cells.site, period=cells.period, treated=np.zeros(96, bool))
    with pytest.raises(DataError, match="at least one application"):
        DidCells(counts=cells.counts * 0, site=cells.site, period=cells.period, treated=cells.treated)
    with pytest.raises(DataError, match="at least three"):
        DidCells(counts=cells.counts, site=cells.site % 2, period=cells.period, treated=cells.treated)


@pytest.mark.slow
def test_a_known_effect_on_ratings_is_found():
    rng = np.random.default_rng(4)
    cells, _, _ = invented(4)
    eta = 0.3 * rng.normal(size=12)[cells.site] + 0.5 * cells.treated
    below = special.expit(np.array([-1.0, 0.2, 1.3])[None, :] - eta[:, None])
    shares = np.diff(np.column_stack([np.zeros(96), below, np.ones(96)]), axis=1)
    counts = np.array([rng.multinomial(300, p) for p in shares])
    none = special.expit(np.array([-1.0, 0.2, 1.3])[None, :] - (eta - 0.5 * cells.treated)[:, None])
    truth = (none.sum(axis=1) - below.sum(axis=1))[cells.treated].mean()
    own = DidCells(counts=counts, site=cells.site, period=cells.period, treated=cells.treated)
    fit = fit_ordinal_cells(own, [1, 2, 3, 4], seed=5, chains=2, draws=1000, tune=700)
    assert abs(fit.effect.mean() - truth) < 3 * fit.effect.std()
    assert abs(fit.log_odds.mean() - 0.5) < 3 * fit.log_odds.std()
    assert fit.gates.rhat < 1.03


@pytest.mark.slow
def test_intervals_of_shares_cover():
    """120 invented roll-outs over a rising trend: 90 % intervals cover within Monte-Carlo error, and nothing leans."""
    studies = [invented(100 + seed, n=200) for seed in range(120)]
    compiled = compile_model(cells_model(studies[0][0], cuts=None))
    errors, inside = [], 0
    for seed, (cells, truth, _) in enumerate(studies):
        found = quick_draws(
            compiled.with_data({"counts": cells.counts[:, 1]}),
            seed=seed, draws=400, tune=400, chains=2, target_accept=0.95,
        )  # fmt: skip
        lift = lift_of_shares(found.variables, cells)
        low, high = np.quantile(lift, [0.05, 0.95])
        inside += low <= truth <= high
        errors.append((lift.mean() - truth) / lift.std())
    assert abs(inside / 120 - 0.9) < 3 * np.sqrt(0.9 * 0.1 / 120)
    assert abs(np.mean(errors)) < 3 / np.sqrt(120)
