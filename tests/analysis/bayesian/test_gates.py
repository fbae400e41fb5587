"""Gates let good draws pass and name what is wrong with bad ones."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.densities import hdi_of_draws
from feedbackstudy.analysis.bayesian.gates import Gates, converged, gates, mcse_of_hdi, unjudged
from feedbackstudy.errors import DataError

GOOD = {"rhat": 1.001, "ess_bulk": 900.0, "ess_tail": 800.0, "divergences": 0, "ebfmi": 0.9}


def test_independent_draws_have_converged():
    draws = np.random.default_rng(1).normal(size=(4, 1000))

    found = converged(draws)

    assert found.rhat == pytest.approx(1, abs=0.005)
    assert found.ess_bulk == pytest.approx(4000, rel=0.15)
    assert found.mcse_median == pytest.approx(1.2533 / np.sqrt(4000), rel=0.25)  # sd of a normal median


def test_chains_in_different_places_have_not():
    draws = np.random.default_rng(1).normal(size=(4, 1000)) + np.arange(4)[:, None]

    assert converged(draws).rhat > 1.5


def test_the_gates_report_the_worst_element_of_all_variables():
    rng = np.random.default_rng(3)
    fine, stuck = rng.normal(size=(4, 500, 2)), rng.normal(size=(4, 500)) + np.arange(4)[:, None]

    found = gates(
        {"fine": fine, "stuck": stuck},
        divergent=np.eye(4, 500) * [[1], [1], [0], [0]],
        energy=rng.normal(size=(4, 500)),
    )

    assert found.rhat == pytest.approx(converged(stuck).rhat)
    assert found.divergences == 2
    assert not found.hold


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rhat": 1.02}, "R-hat 1.0200 exceeds 1.01"),
        ({"ess_bulk": 399.0}, "bulk ESS 399 is below 400"),
        ({"ess_tail": 100.0}, "tail ESS 100"),
        ({"divergences": 1}, "1 divergent"),
        ({"ebfmi": 0.2}, "E-BFMI 0.20"),
        ({"rhat": float("nan")}, "R-hat"),
    ],
)
def test_each_gate_closes_alone_and_says_why(change, words):
    closed = Gates(**{**GOOD, **change})

    assert not closed.hold
    assert len(closed.failures) == 1
    assert words in closed.failures[0]
    assert "STOP: Not fit to report" in str(closed)


def test_gates_that_hold_say_so():
    assert Gates(**GOOD).hold
    assert "HOLDS" in str(Gates(**GOOD))


def test_the_error_of_an_interval_covers_the_spread_of_repeated_runs():
    rng = np.random.default_rng(7)
    repeated = np.array([hdi_of_draws(rng.normal(size=8000), 0.95) for _ in range(60)])

    error = mcse_of_hdi(rng.normal(size=(4, 2000)), 0.95)

    assert error == pytest.approx(repeated.std(axis=0), rel=0.6)


@pytest.mark.parametrize("shape", [(1, 100), (4, 3), (100,)])
def test_convergence_of_one_chain_cannot_be_judged(shape):
    with pytest.raises(DataError, match="at least two chains"):
        converged(np.zeros(shape))


def test_batches_too_short_for_an_interval_are_refused():
    with pytest.raises(DataError, match="draw at least 2000"):
        mcse_of_hdi(np.zeros((4, 500)), 0.95)


def test_draws_that_nobody_judged_do_not_hold():
    found = unjudged(divergences=0, energy=np.random.default_rng(2).normal(size=(4, 500)))

    assert not found.hold
    assert found.ebfmi == pytest.approx(2.0, abs=0.3)  # independent energies: mean squared change is twice the variance
    assert any("R-hat" in words for words in found.failures)


def test_a_failed_gate_says_what_to_change():
    assert "target_accept" in Gates(**{**GOOD, "divergences": 3}).failures[0]
    assert "draws=" in Gates(**{**GOOD, "ess_bulk": 100.0}).failures[0]
    assert "Pareto k 0.80 exceeds 0.7" in Gates(**GOOD, pareto_k=0.8).failures[0]
    assert Gates(**GOOD, pareto_k=0.7).hold
