"""Our summaries of draws, computed again in R from the same draws: convergence, leave-one-out, comparison of models."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.calibration import Calibration
from feedbackstudy.analysis.bayesian.comparison import compare, loo
from feedbackstudy.analysis.bayesian.gates import gates, unjudged
from feedbackstudy.analysis.bayesian.longitudinal_waves import _gates as waves_gates
from feedbackstudy.analysis.bayesian.missing_mixture import _worst
from feedbackstudy.analysis.bayesian.saved_draws import load_draws, save_draws
from feedbackstudy.analysis.bayesian.sensitivity import prior_sensitivity
from feedbackstudy.errors import DataError

CONVERGENCE = ("rhat", "ess_bulk", "ess_tail", "divergences", "ebfmi")


def chains(seed, *, phi, draws=501, shift=0.0):
    """Return four autoregressive chains, one of them moved."""
    rng = np.random.default_rng(seed)
    found = np.empty((4, draws))
    found[:, 0] = rng.normal(size=4)
    for t in range(1, draws):
        found[:, t] = phi * found[:, t - 1] + np.sqrt(1 - phi**2) * rng.normal(size=4)
    found[3] += shift
    return found


def invented(seed, draws=501):
    """Return gates of four quantities: mixing slowly, moving against itself, off place and with a fixed element."""
    rng = np.random.default_rng(seed)
    pair = np.stack([chains(seed, phi=0.6, draws=draws), np.ones((4, draws))], axis=2)
    judged = {
        "fixed": np.zeros((4, draws)),
        "pair": pair,
        "antithetic": chains(seed + 1, phi=-0.7, draws=draws),
        "off": chains(seed + 2, phi=0.1, draws=draws, shift=0.2),
        "heavy": rng.standard_t(1.5, size=(4, draws)),
    }
    divergent = (rng.random((4, draws)) < 0.01).astype(float)
    return gates(judged, divergent=divergent, energy=chains(seed + 3, phi=0.8, draws=draws).cumsum(axis=1))


@pytest.mark.against_r
def test_gates_of_invented_chains_in_base_r(run_r, tmp_path):
    ours = invented(4)

    in_r = run_r(ours.r_script(), tmp_path)

    for name in CONVERGENCE:
        assert in_r[name] == [pytest.approx(getattr(ours, name), rel=1e-9)], name
    # rstan 2.21 ranks by (r - 1/2) / S and not by (r - 3/8) / (S + 1/4), which moves R-hat by about .00001 and bulk
    # effective sizes by some hundredths of a percent; those of the tails do without ranks.
    assert in_r["rhat by rstan"] == [pytest.approx(ours.rhat, abs=1e-4)]
    assert in_r["ess_bulk by rstan"] == [pytest.approx(ours.ess_bulk, rel=1e-3)]
    assert in_r["ess_tail by rstan"] == [pytest.approx(ours.ess_tail, rel=1e-9)]


@pytest.mark.against_r
def test_gates_of_completed_tables_are_the_worst_of_each(run_r, tmp_path):
    parts = [invented(5, draws=500), invented(11, draws=503)]  # an odd chain loses its middle draw
    ours = _worst(parts)

    in_r = run_r(ours.r_script(), tmp_path)

    assert ours.divergences == parts[0].divergences + parts[1].divergences
    for name in CONVERGENCE:
        assert in_r[name] == [pytest.approx(getattr(ours, name), rel=1e-9)], name
    assert _worst([parts[0], replace(parts[1], script=None)]).script is None


@pytest.mark.against_r
def test_saved_draws_are_judged_again_by_what_was_saved(binary_fit, run_r, tmp_path):
    save_draws(binary_fit, tmp_path, "a.zarr")
    ours = load_draws(tmp_path, "a.zarr").draws.gates

    in_r = run_r(ours.r_script(), tmp_path)

    assert ours == binary_fit.draws.gates
    assert "raw_" not in ours.r_script().data.columns
    assert not {"divergences", "ebfmi"} & set(in_r)
    for name in CONVERGENCE[:3]:
        assert in_r[name] == [pytest.approx(getattr(ours, name), rel=1e-9)], name


@pytest.mark.against_r
def test_gates_of_the_longitudinal_model_whose_draws_have_no_energy(run_r, tmp_path):
    ours = waves_gates(np.stack([chains(1, phi=0.3), chains(2, phi=0.5)], axis=2), np.exp(chains(3, phi=0.2)))

    in_r = run_r(ours.r_script(), tmp_path)

    assert not {"divergences", "ebfmi"} & set(in_r)
    for name in CONVERGENCE[:3]:
        assert in_r[name] == [pytest.approx(getattr(ours, name), rel=1e-9)], name


@pytest.mark.against_r
def test_leave_one_out_with_the_gates_of_its_draws(binary_fit, run_r, tmp_path):
    ours = loo(binary_fit)

    in_r = run_r(ours.gates.r_script(), tmp_path)

    for name in CONVERGENCE:
        assert in_r[name] == [pytest.approx(getattr(ours.gates, name), rel=1e-9)], name
    for name in ("elpd", "se", "p"):
        assert in_r[name] == [pytest.approx(getattr(ours, name), rel=1e-8)], name
    assert in_r["elpd of each row"] == pytest.approx(ours.each.tolist(), rel=1e-8)
    assert in_r["Pareto k of each row"] == pytest.approx(ours.pareto_k.tolist(), abs=1e-8)
    assert in_r["pareto_k"] == [pytest.approx(ours.gates.pareto_k, abs=1e-8)]


@pytest.mark.against_r
def test_a_comparison_and_its_stacking_weights(binary_fit, run_r, tmp_path):
    def moved(*by):
        values = dict(binary_fit.draws.variables)
        values["cells"] = values["cells"] + np.array(by)
        return loo(replace(binary_fit, draws=replace(binary_fit.draws, variables=values)))

    # each is wrong of another cell, so that none of the weights is 0 or 1
    ours = compare({'one "quoted"': moved(1.5, 0), "two": moved(0, -1), "three": moved(-1, 0.5)})

    in_r = run_r(ours.r_script(), tmp_path)

    for name in ("elpd", "difference", "difference_se"):
        assert in_r[name] == pytest.approx(getattr(ours, name).tolist(), rel=1e-10, abs=1e-12), name
    # two optimisers on a flat top: weights agree to the third decimal, the score that they reach to the sixth
    assert ours.weight.min() > 0.2
    assert in_r["weight"] == pytest.approx(ours.weight.tolist(), abs=5e-4)
    assert in_r["log score of our weights"] == [pytest.approx(in_r["log score of these weights"][0], abs=5e-6)]


def test_without_draws_there_is_no_script_and_a_reason(binary_fit):
    found = loo(binary_fit)

    with pytest.raises(DataError, match="convergence was made from numbers alone"):
        unjudged(divergences=0, energy=np.random.default_rng(2).normal(size=(4, 500))).r_script()
    with pytest.raises(DataError, match="Leave-one-out prediction was made from numbers alone"):
        replace(found, script=None).r_script()
    with pytest.raises(DataError, match="comparison of models was made"):
        replace(compare({"a": found, "b": found}), script=None).r_script()


@pytest.mark.against_r
def test_sensitivity_by_power_scaling(binary_fit, run_r, tmp_path):
    ours = prior_sensitivity(binary_fit, [1.0, -1.0], scale="response")

    in_r = run_r(ours.r_script(), tmp_path)

    assert in_r["to the prior"] == [pytest.approx(ours.to_prior, rel=1e-8)]
    assert in_r["to the likelihood"] == [pytest.approx(ours.to_likelihood, rel=1e-8)]
    with pytest.raises(DataError, match="sensitivity to the prior was made"):
        replace(ours, script=None).r_script()


@pytest.mark.against_r
@pytest.mark.parametrize(("shift", "simulations"), [(0.0, 100), (0.1, 130), (0.4, 100), (0.05, 400)])
def test_ranks_of_a_calibration(shift, simulations, run_r, tmp_path):
    rng = np.random.default_rng(8)
    ranks = np.floor(100 * rng.random((simulations, 3)) ** (1 + shift)).astype(np.int64)
    quantities = ("cells[0]", "cell 1 - cell 2", "log likelihood")
    ours = Calibration(model="m", prior="p", quantities=quantities, ranks=ranks, seed=8, settings="", divergences=0)

    in_r = run_r(ours.r_script(), tmp_path)

    assert in_r["mean"] == pytest.approx(ranks.mean(axis=0).tolist())
    assert in_r["chi square"] == pytest.approx(ours.chi_square.tolist(), rel=1e-12)
    assert in_r["p"] == pytest.approx(ours.p.tolist(), rel=1e-9)
    assert in_r["distance"] == pytest.approx(ours.distance.tolist(), rel=1e-12)
    # SciPy's Kolmogorov distribution is exact up to 140 draws and asymptotic beyond, to five digits
    close = {"rel": 1e-8, "abs": 1e-12} if simulations <= 140 else {"rel": 1e-5}
    assert in_r["p of the distance"] == pytest.approx(ours.distance_p.tolist(), **close)
    assert in_r["smallest p"] == [pytest.approx(ours.smallest_p, **close)]
