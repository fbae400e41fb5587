"""Rows weighted by the inverse probability of assignment, with clusters and slopes, against R."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.answering import Setting, answer_question
from feedbackstudy.analysis.classical_model import classical_fit
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.frequentist.assigned_clusters import independent_unit
from feedbackstudy.analysis.r_script import analysis_script

MAIN = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}
ASKED = {
    "cells": ("reaction", MAIN),
    "value": ("reaction", {"kind": "mean_vs_value", "value": 4.5}),
    "slope": ("reaction", {"kind": "association", "predictor": "challenge"}),
    "slopes": ("reaction", MAIN | {"kind": "moderation", "by": "challenge"}),
    "binary": ("reapply", MAIN),
}


def answered(declared, feedback, name, *, clusters, engines=("frequentist",), missing="listwise", gaps=False):
    outcome, contrast = ASKED[name]
    asked = {"name": "q", "text": "A question.", "outcome": outcome, "contrast": contrast, "direction": "either"}
    plan = {"decides": {}, "families": [], "covariates": ["baseline"], "missing": missing}
    study = declared(hypotheses=[asked | {"role": "exploratory"}], plan=plan)
    scores = feedback(study, "feedback_unbalanced", clusters=clusters)
    if gaps:
        frame = scores.frame.copy()
        frame.loc[frame["selfeff"] > 6, "baseline"] = np.nan
        scores = replace(scores, _frame=frame)
    weights = {who: 1.0 + (i % 4) / 2 for i, who in enumerate(scores.frame["participant"])}
    setting = Setting(study=study, scores=scores, excluded={}, engines=engines, case_weights=weights, seed=1,
                      provenance=scores.provenance)  # fmt: skip
    return answer_question(question(study, "q"), setting)


@pytest.mark.against_r
@pytest.mark.parametrize("clusters", [False, True])
@pytest.mark.parametrize("name", ["cells", "value", "slope", "slopes"])
def test_weighted_scores_have_r_s_robust_errors(declared, feedback, run_r, tmp_path, name, clusters):
    found = answered(declared, feedback, name, clusters=clusters)
    row = found.rows[0]

    in_r = run_r(found.r_script(), tmp_path / "r")

    assert ("CR2" if clusters else "HC3") in row.model
    assert ("errors are clustered by interviewer" in row.note) == clusters
    shown = [in_r[key][0] for key in ("estimate", "se", "df", "CI low", "CI high")]
    assert [row.estimate, row.se, row.df, row.low, row.high] == pytest.approx(shown, rel=1e-7)
    assert row.p == pytest.approx(in_r["p"][0], rel=1e-6)


@pytest.mark.against_r
def test_weighted_completed_tables_are_pooled_in_r(declared, feedback, run_r, tmp_path):
    found = answered(declared, feedback, "cells", clusters=True, missing="multiple_imputation", gaps=True)
    row = found.rows[0]

    in_r = run_r(found.r_script(), tmp_path / "r")

    assert "20 imputations" in row.model
    assert [row.estimate, row.se, row.df] == pytest.approx([in_r[key][0] for key in ("estimate", "se", "df")], rel=1e-6)


@pytest.mark.against_r
def test_a_binary_answer_with_weights_is_that_of_the_bayesian_engine_alone(declared, feedback, run_r, tmp_path):
    found = answered(declared, feedback, "binary", clusters=False, engines=("frequentist", "bayesian"))

    in_r = run_r(replace(found, bayesian=None).r_script(), tmp_path / "r")

    assert [row.engine for row in found.rows] == ["bayesian"]
    assert in_r == {}
    assert "no answer" in str(found.r_script())


@pytest.mark.against_r
@pytest.mark.parametrize("name", ["cells", "slopes"])
def test_clusters_are_the_units_that_contain_the_others(declared, feedback, run_r, tmp_path, name):
    problem = answered(declared, feedback, name, clusters=True).problem
    schools = problem.groups["interviewer"] // 2
    alone = np.where(problem.cell == 0, -1, 0)  # rows of no message
    several = replace(
        problem,
        groups=dict(problem.groups) | {"school": schools, "exemplar": np.where(alone < 0, -1, problem.cell % 3)},
        group_levels=dict(problem.group_levels)
        | {"school": tuple(map(str, range(schools.max() + 1))), "exemplar": ("a", "b", "c")},
    )

    fit = classical_fit(several)
    in_r = run_r(analysis_script(several), tmp_path / "r")

    assert "errors are clustered by school; interviewer and exemplar are no random factor" in " ".join(fit.notes)
    found = fit.contrast(several.weights[0])
    shown = [in_r[key][0] for key in ("estimate", "se", "df")]
    assert [found.estimate, found.se, found.df] == pytest.approx(shown, rel=1e-7)
    assert f"over {schools.max() + 1} clusters" in fit.model


@pytest.mark.against_r
def test_rows_of_no_level_are_clusters_of_their_own(declared, feedback, run_r, tmp_path):
    problem = answered(declared, feedback, "cells", clusters=True).problem
    codes = np.where(problem.cell == 0, -1, problem.groups["interviewer"])
    some = replace(problem, groups={"interviewer": codes})

    found = classical_fit(some).contrast(some.weights[0])
    in_r = run_r(analysis_script(some), tmp_path / "r")

    shown = [in_r[key][0] for key in ("estimate", "se", "df")]
    assert [found.estimate, found.se, found.df] == pytest.approx(shown, rel=1e-7)


def test_the_independent_unit_contains_the_others():
    classes = np.arange(24) // 2
    schools = classes // 3
    assert independent_unit({}) is None
    assert independent_unit({"class": classes, "school": schools}) == "school"
    assert independent_unit({"exemplar": schools % 2, "class": classes}) == "class"
    assert independent_unit({"exemplar": schools % 2}) == "exemplar"
    assert independent_unit({"class": classes, "school": schools}, {"class"}) == "class"
    assert independent_unit({"class": classes, "school": schools}, {"store"}) == "school"


def test_an_unweighted_question_is_not_clustered(declared, feedback):
    plan = {"decides": {}, "families": []}
    asked = {"name": "q", "text": "A question.", "outcome": "reaction", "contrast": MAIN, "direction": "either"}
    study = declared(hypotheses=[asked | {"role": "exploratory"}], plan=plan)
    row = analyse(feedback(study, "feedback_unbalanced", clusters=True), study, engine="frequentist").rows[0]

    assert "linear mixed model" in row.model
    assert "clustered by" not in row.note
