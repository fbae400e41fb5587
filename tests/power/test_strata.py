"""Batched rows assign within the declared strata, and take from an estimate what strata take."""

import math

import numpy as np
import pytest

from feedbackstudy.design.assignment import Assignment
from feedbackstudy.design.factors import Covariate
from feedbackstudy.design.units import Units
from feedbackstudy.power.diagnosis import diagnose
from feedbackstudy.power.working import Task
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import World
from feedbackstudy.simulate.draw import Drawer
from feedbackstudy.simulate.graded import categorical
from feedbackstudy.simulate.strata import bounds_of, within_strata
from tests.power.test_diagnosis import MAIN, effect, hypothesis, study_of

R = 0.6
HIRED = Covariate(name="hired", kind="binary", levels={"no": "N", "yes": "Y"})
AGE = Covariate(name="age", kind="continuous")


def stratified(method: str = "complete", by: tuple[str, ...] = ("hired",), **more: object):
    return study_of(
        120,
        [hypothesis("h1", MAIN, occasion="t1")],
        covariates=[HIRED, AGE],
        measures=[Measure(name="mood", kind="continuous", waves=("t1",))],
        assignment=Assignment(method=method, by=by),
        **more,
    )


def world_of(**more: object) -> World:
    hired = {"name": "hired", "r": R, "probabilities": {"no": 0.7, "yes": 0.3}}
    return effect(0.4).vary({"covariates": [hired], **more})


@pytest.mark.parametrize(("method", "spread"), [("complete", 1), ("permuted_blocks", 4), ("minimisation", 6)])
def test_cells_are_balanced_within_strata_and_all_else_is_drawn_anew(method, spread):
    model, _ = Task(study=stratified(method), world=world_of(), seed=1).compiled()
    drawer, hired, mood = Drawer(model, 1), model.slot("hired"), model.slot("mood", "t1")
    blocks = [drawer.block(number) for number in range(30)]

    for block in blocks:
        strata = block.scores[:, :, hired]
        assert (strata == strata[:1]).all()
        counts = np.array([[((block.cell == c) & (strata[0] == k)).sum() for c in range(4)] for k in (0, 1)])
        assert np.ptp(counts, axis=1).max() <= spread
    strata = np.concatenate([block.scores[0, :, hired] for block in blocks])
    assert strata.mean() == pytest.approx(0.3, abs=3.5 * math.sqrt(0.21 / strata.size))
    treated = {i for i, cell in enumerate(model.cells) if dict(cell.levels)["timing"] == "now"}
    left = np.stack([b.scores[:, :, mood] - 0.4 * np.isin(b.cell, list(treated)) for b in blocks])
    assert left.std() == pytest.approx(1, abs=0.02)
    pairs = np.mean(left[:, 0::2] * left[:, 1::2])  # replicates of a block have the strata in common, and no more
    assert pairs == pytest.approx(R**2, abs=0.03)


def test_strata_take_their_share_of_the_error():
    """Balanced within strata: variance 4 (1 - R^2)/n, and not 4/n, as where they are left to chance."""
    for by, share in ((("hired",), 1 - R**2), ((), 1.0)):
        row = diagnose(stratified(by=by), world_of(), seed=2, n_simulations=3000)["h1"]
        assert row.rmse == pytest.approx(math.sqrt(4 * share / 120), abs=3.5 * row.rmse_mcse)
        assert row.bias == pytest.approx(0, abs=3.5 * row.bias_mcse)
        assert math.isnan(row.power_exact) == bool(by)  # the exact power knows nothing of strata


def test_a_covariate_that_makes_strata_has_no_share_of_clusters():
    """So that what people bring along is drawn given it, person by person."""
    units = [Units(name="site", n=6), Units(name="person", n=120, nested_in="site")]
    study = stratified(by=("site", "hired"), units=units)
    model, _ = Task(study=study, world=world_of(icc={"site": 0.2}), seed=1).compiled()

    assert np.abs(model.roots["site"][model.slot("hired")]).max() == 0
    block = Drawer(model, 1).block(0)
    strata = block.scores[0, :, model.slot("hired")]
    for site in range(6):
        for k in (0, 1):
            here = (block.clusters["site"] == site) & (strata == k)
            assert np.ptp(np.bincount(block.cell[here], minlength=4)) <= 1


def test_the_strata_are_said():
    made = diagnose(stratified(), world_of(), seed=2, n_simulations=40)

    assert any("strata by hired are assigned as declared" in line for line in made.provenance.conventions)


def test_two_covariates_keep_their_joint_distribution():
    """Latent variables drawn anew within their categories are as normal, and as correlated, as before."""
    rng = np.random.default_rng(3)
    sigma = np.array([[1.0, 0.7], [0.7, 1.0]])
    latent = rng.multivariate_normal([0, 0], sigma, 20_000)
    measurement = categorical(np.array([0.2, 0.5, 0.3]), np.arange(3.0))
    bounds = np.stack([bounds_of(measurement, latent[:, j]) for j in (0, 1)], axis=1)
    found = within_strata(latent, bounds, sigma, 2, rng)[1]

    assert (np.searchsorted(measurement.cuts, found) == np.searchsorted(measurement.cuts, latent)).all()
    np.testing.assert_allclose(np.cov(found.T), sigma, atol=0.03)
    inner = (latent[:, 0] > measurement.cuts[0]) & (latent[:, 0] < measurement.cuts[1])
    assert abs(np.corrcoef(latent[inner, 0], found[inner, 0])[0, 1]) < 0.3  # but for what the other category tells
