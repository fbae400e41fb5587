"""Full information about incomplete rows leads out to lavaan."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.frequentist.fiml_cells import fiml_cells
from feedbackstudy.analysis.material import gather
from feedbackstudy.analysis.missing.direct import full_information
from feedbackstudy.analysis.missing.treating import Asking
from feedbackstudy.analysis.problem import Metric
from feedbackstudy.analysis.r_script import analysis_script

pytestmark = pytest.mark.against_r

MAIN = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}
VALUE = {"kind": "mean_vs_value", "value": 4.5}
DECLARED = {"name": "q", "text": "A question.", "outcome": "reaction", "direction": "either", "role": "exploratory"}


def incomplete(scores, *columns):
    """Take values out where another column is high."""
    frame, rng = scores.frame.copy(), np.random.default_rng(7)
    z = (frame["selfeff"] - frame["selfeff"].mean()) / frame["selfeff"].std()
    for column in columns:
        frame.loc[rng.random(len(frame)) < 0.4 / (1 + np.exp(-2 * z)), column] = np.nan
    return replace(scores, _frame=frame)


@pytest.mark.parametrize(
    ("contrast", "columns", "covariates"),
    [
        (MAIN, ("reaction",), ["baseline"]),
        (MAIN, ("reaction", "baseline"), ["baseline"]),
        (MAIN, ("reaction",), []),
        (VALUE, ("reaction", "baseline"), ["baseline"]),
    ],
)
def test_lavaan_has_our_contrast_of_cells_and_r_our_posterior(
    declared, feedback, run_r, tmp_path, contrast, columns, covariates
):
    plan = {"decides": {}, "families": [], "missing": "fiml", "covariates": covariates}
    study = declared(hypotheses=[DECLARED | {"contrast": contrast}], plan=plan)
    found = analyse(incomplete(feedback(study, "feedback_unbalanced", clusters=False), *columns), study)
    row, twin = found.rows

    in_r = run_r(found.answer("q").r_script(), tmp_path / "r")

    assert "full-information maximum likelihood" in row.model
    assert row.estimate == pytest.approx(in_r["estimate"][0], abs=1e-4 * row.se)
    assert row.se == pytest.approx(in_r["se"][0], rel=1e-4)
    assert row.df is None
    assert in_r["df"] == [float("inf")]
    assert row.p == pytest.approx(in_r["p"][0], rel=1e-3)
    assert (row.low, row.high) == pytest.approx((in_r["CI low"][0], in_r["CI high"][0]), abs=1e-3 * row.se)
    assert twin.estimate == pytest.approx(in_r["median"][0], abs=1e-4 * twin.se)
    assert twin.se == pytest.approx(in_r["posterior sd"][0], rel=1e-4)


@pytest.mark.parametrize("covariates", [[], ["baseline"]])
def test_auxiliary_columns_help_in_lavaan_as_they_do_here(declared, feedback, run_r, tmp_path, covariates):
    plan = {"decides": {}, "families": [], "missing": "fiml", "covariates": covariates}
    study = declared(hypotheses=[DECLARED | {"contrast": MAIN}], plan=plan)
    scores = incomplete(feedback(study, "feedback_unbalanced", clusters=False), "reaction", "baseline", "challenge")
    asked = question(study, "q")
    material = gather(asked, scores, study)
    of = scores.frame.set_index("participant").loc[list(material.participants)]
    helping = {name: of[name].to_numpy(dtype=float) for name in ("challenge", "selfeff")}
    asking = Asking(metric=Metric(low=0.0, high=10.0), engines=("frequentist",), seed=1, auxiliary=helping)

    done = full_information(asked, material, asking)
    in_r = run_r(analysis_script(done.problem), tmp_path / "r")

    ours = done.classical.contrast(done.problem.weights[0])
    assert "2 auxiliary column(s)" in done.classical.model
    assert ours.estimate == pytest.approx(in_r["estimate"][0], abs=1e-4 * ours.se)
    assert ours.se == pytest.approx(in_r["se"][0], rel=1e-4)


def test_one_cell_and_nothing_else_is_the_mean_of_those_who_answered(declared, feedback, run_r, tmp_path):
    plan = {"decides": {}, "families": [], "missing": "fiml"}
    study = declared(hypotheses=[DECLARED | {"contrast": VALUE}], plan=plan)
    scores = incomplete(feedback(study, "feedback_unbalanced", clusters=False), "reaction")
    asked = question(study, "q")
    done = full_information(
        asked,
        gather(asked, scores, study),
        Asking(metric=Metric(low=0.0, high=10.0), engines=("frequentist",), seed=1),
    )
    known = replace(done.problem.incomplete, cells=("all",), cell=np.zeros_like(done.problem.incomplete.cell))
    problem = replace(done.problem, cells=("all",), weights=np.ones((1, 1)), incomplete=known)

    in_r = run_r(analysis_script(problem), tmp_path / "r")

    ours = fiml_cells(known.y, known.cell, 1).contrast([1.0])
    answered = known.y[~np.isnan(known.y)]
    assert ours.estimate == pytest.approx(answered.mean(), rel=1e-9)
    assert ours.se == pytest.approx(answered.std() / np.sqrt(answered.size), rel=1e-6)
    assert (ours.estimate - 4.5, ours.se) == pytest.approx((in_r["estimate"][0], in_r["se"][0]), rel=1e-5)
