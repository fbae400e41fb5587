"""The exact Bayesian answer, integrated anew in R from the rows: median, limits, probability, Bayes factor."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.bayesian.cell_draws import CellDraws
from feedbackstudy.analysis.bayesian.gates import Gates
from feedbackstudy.analysis.bayesian.joint_evidence import joint_evidence
from feedbackstudy.analysis.r_script import analysis_script

TIMING = {"factor": "timing", "level": "immediate", "against": "delayed"}
MAIN = {"kind": "main_effect"} | TIMING
CASES = {
    "score": (MAIN, "plain", {}),
    "clustered": (MAIN, "clusters", {}),
    "fixed_value": ({"kind": "mean_vs_value", "value": 4.5}, "plain", {"interval_kind": "equal_tailed"}),
    "slope": ({"kind": "association", "predictor": "challenge"}, "plain", {}),
    "slopes": ({"kind": "moderation", "by": "challenge"} | TIMING, "clusters", {}),
    "wide_prior": (MAIN, "plain", {"decides": {"q": {"by": "bayes_factor", "prior_scale": 1.5}}}),
}


def answered(declared, feedback, contrast, rows, **plan: object):
    question = {"name": "q", "text": "A question.", "outcome": "reaction", "contrast": contrast, "direction": "either"}
    question |= {"role": "exploratory"}
    plan = {"decides": {}, "families": [], "covariates": ["baseline"], **plan}
    study = declared(hypotheses=[question], plan=plan)
    return analyse(feedback(study, "feedback_unbalanced", clusters=rows != "plain"), study)


@pytest.mark.against_r
@pytest.mark.parametrize("name", CASES)
def test_r_integrates_the_same_posterior_and_bayes_factor(declared, feedback, run_r, tmp_path, name):
    contrast, rows, plan = CASES[name]
    found = answered(declared, feedback, contrast, rows, **plan)
    row = next(row for row in found.rows if row.engine == "bayesian")

    in_r = run_r(found.answer("q").r_script(), tmp_path / "r")

    unit = row.se  # differences are judged against the posterior sd: a median may lie near 0
    assert row.estimate == pytest.approx(in_r["median"][0], abs=1e-6 * unit)
    assert row.se == pytest.approx(in_r["posterior sd"][0], rel=1e-6)
    # the shortest interval is flat in its place: limits hold to the root of the search's precision
    assert (row.low, row.high) == pytest.approx((in_r["low"][0], in_r["high"][0]), abs=1e-4 * unit)
    assert row.prob_direction == pytest.approx(in_r["P(direction)"][0], rel=1e-6)
    assert np.log(row.bayes_factor) == pytest.approx(in_r["log_bayes_factor"][0], abs=1e-6)


@pytest.mark.against_r
def test_several_contrasts_at_once_have_their_joint_bayes_factor(declared, feedback, run_r, tmp_path):
    answer = answered(declared, feedback, MAIN, "clusters").answer("q")
    rows = np.vstack([answer.problem.weights, np.eye(8)[0] - np.eye(8)[1], np.eye(8)[0] - np.eye(8)[2]])
    rows = np.vstack([rows, rows[0] + rows[1]])  # depends on the others: counts once

    in_r = run_r(analysis_script(replace(answer.problem, weights=rows), answer.bayesian), tmp_path / "r")

    ours = joint_evidence(answer.bayesian, rows, counts=answer.problem.counts, level=0.95)
    assert np.log(ours.bayes_factor) == pytest.approx(in_r["joint log_bayes_factor"][0], abs=1e-6)
    assert len(in_r["median"]) == 4


def test_a_sampled_answer_says_that_r_does_not_recompute_it(declared, feedback):
    answer = answered(declared, feedback, MAIN, "plain").answer("q")

    script = analysis_script(answer.problem, replace_by_draws(answer.bayesian)).script

    assert "The Bayesian model of this question was sampled" in script
    assert "log_bayes_factor" not in script


def replace_by_draws(exact) -> CellDraws:
    chance = np.random.default_rng(1)
    draws = exact.cells.means[0] + chance.standard_normal((4000, exact.cells.cells))
    gates = Gates(rhat=1.0, ess_bulk=4000.0, ess_tail=4000.0, divergences=0, ebfmi=1.0)
    return CellDraws(
        draws=draws, chains=4, sds=None, prior_cells=exact.prior_cells, n=exact.n, model="m", prior="p", gates=gates
    )
