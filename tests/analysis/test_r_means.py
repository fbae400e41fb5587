"""Means behind an answer, computed again in R by the model that answered."""

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells
from feedbackstudy.analysis.marginal_means import marginal_means
from feedbackstudy.analysis.r_ratings import ratings_script

MAIN = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}
POINTS = {"sesoi": {"value": 10, "unit": "percentage_points"}}
RAW = {"sesoi": {"value": 0.3, "unit": "raw"}}
# outcome, rows, more of the hypothesis, law of the count, tolerance of estimates relative to the standard error.
# Models with random intercepts other than lmer's are maximised by searches of R that stop early.
CASES = {
    "lm": ("reaction", "plain", {}, "", 1e-7),
    "lmer": ("reaction", "clusters", {}, "", 1e-5),
    "whole clusters": ("reaction", "assigned", {}, "", 1e-5),
    "clm": ("likert", "plain", {}, "", 1e-5),
    "clm, ratings": ("likert", "plain", RAW, "", 1e-5),
    "clmm": ("likert", "clusters", {}, "", 1e-3),
    "clmm, ratings": ("likert", "clusters", RAW, "", 1e-3),
    "logistic": ("reapply", "plain", {}, "", 1e-6),
    "logistic, probabilities": ("reapply", "plain", POINTS, "", 1e-6),
    "glmer": ("reapply", "clusters", {}, "", 1e-2),
    "glmer, probabilities": ("reapply", "clusters", POINTS, "", 1e-2),
    "Poisson": ("hints", "plain", {}, "poisson", 1e-6),
    "Poisson, counts": ("hints", "plain", RAW, "poisson", 1e-6),
    "Poisson, clusters": ("hints", "clusters", RAW, "poisson", 1e-2),
    "negative binomial": ("hints", "plain", {}, "negative binomial", 1e-5),
    "negative binomial, counts": ("hints", "plain", RAW, "negative binomial", 1e-5),
    "zero-inflated": ("hints", "plain", {}, "zero-inflated", 1e-4),
    "zero-inflated, counts": ("hints", "plain", RAW, "zero-inflated", 1e-4),
}


def asked(declared, feedback, outcome, rows, more, law, engine="frequentist"):
    question = {"name": "q", "text": "A question.", "direction": "either", "role": "exploratory"}
    question |= {"outcome": outcome, "contrast": MAIN} | more
    plan = {"decides": {}, "families": [], "covariates": ["baseline"]}
    measures = {}
    if law:
        hints = {"name": "hints", "kind": "count", "waves": ["t1"], "distribution": law}
        measures = {"measures": [hints]}
    study = declared(hypotheses=[question], plan=plan, **measures)
    scores = feedback(study, "feedback_unbalanced", clusters=rows != "plain", assigned=rows == "assigned")
    return study, analyse(scores, study, engine=engine).answer("q")


@pytest.mark.against_r
@pytest.mark.parametrize("name", CASES)
def test_r_computes_the_means_their_limits_and_the_answer(declared, feedback, run_r, tmp_path, name):
    *case, tolerance = CASES[name]
    study, answer = asked(declared, feedback, *case)
    (row,) = answer.rows
    means = marginal_means(answer, study, by=["timing", "framing"])

    in_r = run_r(means.r_script(), tmp_path / "means")
    again = run_r(answer.r_script(), tmp_path / "answer")

    assert len(means.rows) == 4
    for mean in means.rows:
        there = {what: in_r[f"{', '.join(mean.levels)}: {what}"][0] for what in ("estimate", "se", "CI low", "CI high")}
        unit = there["se"]
        assert mean.estimate == pytest.approx(there["estimate"], abs=tolerance * unit)
        assert (mean.low, mean.high) == pytest.approx((there["CI low"], there["CI high"]), abs=10 * tolerance * unit)
    ours = [np.log(each) if row.null == 1 else each for each in (row.estimate, row.low, row.high)]
    theirs = [again[what][0] for what in ("estimate", "CI low", "CI high")]
    assert ours == pytest.approx(theirs, abs=10 * tolerance * again["se"][0])
    assert row.se == pytest.approx(again["se"][0], rel=10 * tolerance)


@pytest.mark.against_r
@pytest.mark.parametrize(("rows", "tolerance"), [("plain", 1e-5), ("clusters", 1e-3)])
def test_r_computes_the_ratings_by_cell(declared, feedback, run_r, tmp_path, rows, tolerance):
    _, answer = asked(declared, feedback, "likert", rows, {}, "")
    problem = answer.problem
    fit = cumulative_cells(problem.y, problem.cell, 8, problem.covariates, groups=problem.groups, link="probit",
                           scale="response")  # fmt: skip

    in_r = run_r(ratings_script(problem), tmp_path / "r")

    for i, cell in enumerate(problem.cells):
        found, unit = fit.contrast(np.eye(8)[i]), in_r[f"{cell}: se"][0]
        ours = (found.estimate, *found.interval(0.95))
        theirs = [in_r[f"{cell}: {name}"][0] for name in ("estimate", "CI low", "CI high")]
        assert ours == pytest.approx(theirs, abs=10 * tolerance * unit)
        shares = [np.mean(problem.y[problem.cell == i] == k) for k in (1, 2, 3, 4, 5)]
        assert in_r[f"{cell}: share"] == pytest.approx(shares)


@pytest.mark.against_r
def test_r_integrates_the_posterior_of_the_means(declared, feedback, run_r, tmp_path):
    study, answer = asked(declared, feedback, "reaction", "clusters", {}, "", engine=None)
    means = marginal_means(answer, study)

    in_r = run_r(means.r_script(), tmp_path / "r")

    for mean in means.rows:
        (name,) = mean.levels
        unit = in_r[f"{name}: posterior sd"][0]
        assert mean.median == pytest.approx(in_r[f"{name}: median"][0], abs=1e-6 * unit)
        limits = (in_r[f"{name}: low"][0], in_r[f"{name}: high"][0])
        assert (mean.hdi_low, mean.hdi_high) == pytest.approx(limits, abs=1e-4 * unit)
    assert not any("bayes_factor" in name for name in in_r)
