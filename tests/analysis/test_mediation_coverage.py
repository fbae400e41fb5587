"""Mediation over many simulated studies: coverage, type-I error, and interval and p that never contradict."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.bayesian.path_posterior import path_posterior
from feedbackstudy.analysis.frequentist.bootstrap import bootstrap_paths
from feedbackstudy.analysis.frequentist.path_fit import fit_paths
from feedbackstudy.analysis.frequentist.path_intervals import bca, monte_carlo, percentile
from feedbackstudy.analysis.mediation_cells import CellPath, LevelModerator, from_cells
from feedbackstudy.analysis.mediation_system import values

STUDIES = 500


def study(rng, structure, *, n=150, a=0.4, d=0.4, b=0.4, direct=0.2, teams=0, moderated=0.0):
    """Simulate one study of four cells; the contrast is the first factor's main effect."""
    cell = rng.permutation(np.arange(n) % 4)
    early, high = (cell < 2) * 1.0, cell % 2
    team = np.arange(n) % max(teams, 1)
    shift = 0.5 * rng.normal(size=(3, max(teams, 1)))[:, team] if teams else np.zeros((3, n))
    m = a * early + moderated * early * (high - 0.5) + shift[0] + rng.normal(size=n)
    common = 0.0 if structure == "serial" else 0.5 * (m - a * early)
    k = (d * m if structure == "serial" else -0.3 * early) + common + shift[1] + rng.normal(size=n)
    y = direct * early + b * m + b * k + shift[2] + rng.normal(size=n)
    simple = structure == "simple"
    return CellPath(
        y=y - (b * k if simple else 0),
        outcome="y",
        mediators=np.column_stack([m, k])[:, : 1 if simple else 2],
        mediator_names=["m"] if simple else ["m", "k"],
        cell=cell,
        weights=np.array([0.5, 0.5, -0.5, -0.5]),
        contrast="x",
        structure=structure,
        cluster=team if teams else None,
        moderator=LevelModerator(name="h", levels=("lo", "hi"), cell_level=np.array([0, 1, 0, 1]), on=("first",))
        if moderated
        else None,
    )


def answers(given, seed, wanted, *, kind="percentile", n_boot=999, draws=2000):
    """Return interval, p and highest-density interval of one effect in one study."""
    built = from_cells(given)
    effects = [e for e in built.effects if e.name == wanted]
    assert len(effects) == 1, [e.name for e in built.effects]
    together = (0, 1) if built.structure == "parallel" else ()
    boot = bootstrap_paths(built.system, draws=n_boot, seed=seed, cluster=given.cluster, jackknife=kind == "bca")
    drawn = values(effects, boot.theta)
    if kind == "bca":
        found = bca(drawn, values(effects, fit_paths(built.system).theta), values(effects, boot.jackknife))
    elif kind == "monte carlo":
        fit = fit_paths(built.system, together=together)
        found, _ = monte_carlo(effects, fit.theta, fit.covariance, draws=n_boot, seed=seed)
    else:
        found = percentile(drawn)
    posterior = path_posterior(built.system, draws=draws, seed=seed, cluster=given.cluster, together=together)
    return (found.low[0], found.high[0], found.p[0], *hdi_of_draws(posterior.draws(effects)[:, 0], 0.95))


def many(structure, wanted, *, studies=STUDIES, seed=1, kind="percentile", **truth):
    rng = np.random.default_rng(seed)
    return np.array([answers(study(rng, structure, **truth), i, wanted, kind=kind) for i in range(studies)])


def within(low, high, truth):
    return float(((low <= truth) & (truth <= high)).mean())


DESIGNS = [
    ("simple", "x > m > y", 0.4 * 0.4, {}),
    ("serial", "x > m > k > y", 0.4 * 0.4 * 0.4, {"n": 200}),
    ("parallel", "total indirect", 0.4 * 0.4 - 0.3 * 0.4, {}),
    ("parallel", "difference: (x > m > y) minus (x > k > y)", 0.4 * 0.4 + 0.3 * 0.4, {}),
    ("simple", "index: x > m > y, h hi minus h lo", 0.5 * 0.4, {"moderated": 0.5}),
    ("serial", "x > m > k > y", 0.4 * 0.4 * 0.4, {"n": 400, "teams": 50}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("structure", "wanted", "truth", "more"), DESIGNS, ids=range(len(DESIGNS)))
def test_intervals_cover_the_truth_in_95_of_100_studies(structure, wanted, truth, more):
    found = many(structure, wanted, **more)
    assert 0.93 <= within(found[:, 0], found[:, 1], truth) <= 0.97
    assert 0.93 <= within(found[:, 3], found[:, 4], truth) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["percentile", "monte carlo"])
def test_no_leg_no_effect_is_found_in_5_of_100_studies(kind):
    found = many("simple", "x > m > y", kind=kind, a=0.0, b=0.8, seed=2)
    assert (found[:, 2] <= 0.05).mean() <= 0.07
    neither = many("simple", "x > m > y", kind=kind, a=0.0, b=0.0, seed=3)
    assert (neither[:, 2] <= 0.05).mean() <= 0.02
    for sims in (found, neither):
        outside = (sims[:, 3] > 0) | (sims[:, 4] < 0)
        assert outside.mean() <= 0.07


def contradictions(found):
    outside = (found[:, 0] > 0) | (found[:, 1] < 0)
    return int((outside != (found[:, 2] <= 0.05 + 1e-12)).sum())


@pytest.mark.parametrize("kind", ["percentile", "bca", "monte carlo"])
def test_interval_and_p_never_contradict_in_100_studies(kind):
    found = many("simple", "x > m > y", studies=100, kind=kind, n=60, a=0.3, b=0.3, seed=4)
    assert contradictions(found) == 0
    assert 5 < (found[:, 2] <= 0.05).sum() < 95


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["percentile", "bca", "monte carlo"])
def test_interval_and_p_never_contradict_in_1000_studies(kind):
    found = many("simple", "x > m > y", studies=1000, kind=kind, n=60, a=0.3, b=0.3, seed=5)
    assert contradictions(found) == 0
