"""The declared treatment of missing values decides: multiple imputation and full information inside `analyse`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.frequentist.fiml_cells import fiml_cells
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Scores

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


def of(estimates, name: str, engine: str = "frequentist"):
    return next(row for row in estimates[name] if row.engine == engine)


@pytest.fixture(scope="module")
def from_r() -> dict:
    """Values of lavaan and nlme (missing.R makes them)."""
    return json.loads((REFERENCE / "missing.json").read_text(encoding="utf-8"))


def holes(scores: Scores, *, share: float = 0.3, column: str = "reaction", seed: int = 1) -> Scores:
    """Take values out where the baseline was high."""
    frame = scores.frame.copy()
    rng = np.random.default_rng(seed)
    z = (frame["baseline"] - frame["baseline"].mean()) / frame["baseline"].std()
    gone = rng.random(len(frame)) < share * 2 / (1 + np.exp(-2 * z))
    frame.loc[gone, column] = np.nan
    return replace(scores, _frame=frame)


@pytest.fixture
def answered(declared, feedback):
    def run(missing: str, **how):
        study = declared(plan={"missing": missing, "covariates": ["baseline"]})
        return analyse(holes(feedback(study, "feedback_unbalanced", clusters=how.pop("clusters", False)), **how), study)

    return run


def test_multiple_imputation_decides_and_says_what_it_did(answered):
    found = answered("multiple_imputation")

    row = of(found, "h3")
    assert row.decides
    assert row.decision
    assert (row.n, row.n_missing) == (314, 0)
    assert "20 imputations pooled by Rubin's rules" in row.model
    assert all(words in row.note for words in ("m = 20", "the outcome", "fraction of missing information"))
    assert not [issue for issue in found.issues if issue.code == "analysis.not_decided"]
    assert 0 < row.df < 310


def test_imputed_and_complete_answers_agree_where_the_covariate_explains_who_is_missing(answered):
    whole, imputed = answered("listwise", share=0.0), answered("multiple_imputation")

    for name in ("h1", "h2", "h3"):
        a, b = of(whole, name), of(imputed, name)
        assert abs(a.estimate - b.estimate) < 2 * b.se
        assert b.se > a.se


def test_the_posterior_needs_no_imputation_where_only_outcomes_are_missing(answered):
    imputed, complete = answered("multiple_imputation"), answered("listwise")

    a, b = of(imputed, "h3", "bayesian"), of(complete, "h3", "bayesian")
    # The same rows and model; covariates are centred in the same rows too.
    assert (a.estimate, a.low, a.high) == pytest.approx((b.estimate, b.low, b.high), rel=1e-9)
    assert "needs no imputation" in a.note


def test_a_missing_covariate_is_imputed_for_both_engines_and_clusters_stay(answered):
    found = answered("multiple_imputation", column="baseline", clusters=True)

    classical, bayesian = of(found, "h3"), of(found, "h3", "bayesian")
    assert classical.n == bayesian.n == 314
    assert "random intercepts of interviewer" in classical.note
    assert "equal shares of the posteriors of 20 completed tables" in bayesian.model
    assert classical.estimate == pytest.approx(bayesian.estimate, abs=0.05)
    assert classical.se == pytest.approx(bayesian.se, rel=0.15)


def test_imputation_does_not_depend_on_the_order_of_rows(declared, feedback):
    study = declared(plan={"missing": "multiple_imputation", "covariates": ["baseline"], "engines": ["frequentist"]})
    scores = holes(feedback(study, "feedback_unbalanced", clusters=True))
    turned = replace(scores, _frame=scores.frame.iloc[::-1].reset_index(drop=True))

    first, second = analyse(scores, study), analyse(turned, study)

    assert of(first, "h2").estimate == of(second, "h2").estimate


def test_an_arm_in_which_nobody_answers_is_not_imputed_and_nothing_is_decided(declared, feedback):
    study = declared(plan={"missing": "multiple_imputation", "engines": ["frequentist"]})
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    frame = scores.frame.copy()
    frame.loc[(frame["timing"] == "immediate") & (frame["specificity"] == "high"), "reaction"] = np.nan

    found = analyse(replace(scores, _frame=frame), study)

    assert {issue.code for issue in found.issues} >= {"analysis.unanswered"}
    # h2 is about late messages only: its people are complete, but the declared imputation of its model was not.
    assert {row.hypothesis for row in found.rows} == {"h2"}
    assert not any(row.decision for row in found.rows)


def test_full_information_decides_for_scores(answered):
    found = answered("fiml", column="baseline")

    row, twin = of(found, "h3"), of(found, "h3", "bayesian")
    assert row.decision
    assert "full-information maximum likelihood" in row.model
    assert "all 314 rows enter" in row.note
    assert row.estimate == pytest.approx(twin.estimate, abs=0.05)


def test_full_information_with_clusters_takes_missing_outcomes_and_refuses_missing_covariates(answered):
    fine, refused = answered("fiml", clusters=True), answered("fiml", clusters=True, column="baseline")

    assert of(fine, "h3").decision
    assert "rows without the outcome carry none" in of(fine, "h3").note
    assert not of(refused, "h3").decision
    assert "declare multiple_imputation" in of(refused, "h3").note


def test_cell_means_by_full_information_equal_lavaan(from_r):
    data, known = pd.read_csv(REFERENCE / "feedback_missing.csv"), from_r["fiml"]
    key = data["timing"] + ":" + data["framing"] + ":" + data["specificity"]
    cell = pd.Categorical(key, categories=known["cells"]).codes
    weights = np.array(known["weights"])

    adjusted = fiml_cells(data["outcome"], cell, 8, covariates=data[["challenge"]]).contrast(weights)
    helped = fiml_cells(data["outcome"], cell, 8, auxiliary=data[["selfeff"]]).contrast(weights)

    # lavaan stops its search at a relative change of 1e-14 of the likelihood.
    for found, name in ((adjusted, "adjusted"), (helped, "helped")):
        expected = known[name]
        assert (found.estimate, found.se) == pytest.approx((expected["estimate"], expected["se"]), rel=2e-5)


def test_full_information_without_gaps_is_maximum_likelihood():
    rng = np.random.default_rng(3)
    cell = np.repeat([0, 1], 50)
    y = cell + rng.normal(size=100)

    found = fiml_cells(y, cell, 2).contrast([-1, 1])

    pooled_ml = np.mean([y[cell == k].var() for k in (0, 1)])
    assert found.estimate == pytest.approx(y[cell == 1].mean() - y[cell == 0].mean(), rel=1e-9)
    assert found.se == pytest.approx(np.sqrt(pooled_ml * 2 / 50), rel=1e-6)


def test_full_information_refuses_an_empty_cell_and_an_empty_covariate():
    y, cell = np.array([1.0, 2, np.nan, np.nan]), np.array([0, 0, 1, 1])
    with pytest.raises(DataError, match="Nobody in 1 of the 2 cells"):
        fiml_cells(y, cell, 2)
    with pytest.raises(DataError, match="missing in all 4 rows"):
        fiml_cells(np.arange(4.0), cell, 2, covariates=np.full((4, 1), np.nan))


PATH = {
    "name": "p1",
    "text": "Specific feedback is read as a challenge, which keeps self-efficacy up.",
    "outcome": "outcome",
    "contrast": {"kind": "main_effect", "factor": "framing", "level": "gain", "against": "loss"},
    "path": {
        "through": [{"score": "challenge", "occasion": "t1"}, {"score": "selfeff", "occasion": "t1"}],
        "structure": "serial",
    },
    "direction": "positive",
    "role": "confirmatory",
}


def test_a_path_with_gaps_is_imputed_and_pooled_near_lavaans_full_information(declared, feedback):
    study = declared(
        hypotheses=[PATH],
        plan={
            "missing": "multiple_imputation",
            "covariates": ["baseline"],
            "families": [],
            "decides": {"p1": {"by": "p"}},
        },
    )

    found = analyse(feedback(study, "feedback_missing", clusters=False), study)

    row, twin = of(found, "p1"), of(found, "p1", "bayesian")
    assert row.n == 400
    assert row.decision
    assert (row.p < 0.05) == (row.low > 0)
    # lavaan, FIML, framing as the only cause (founders' oracle fm_serial_FIML): .1349 (.0337); ours has a mean for each
    # of the eight cells and draws its imputations.
    assert row.estimate == pytest.approx(0.1349, abs=0.02)
    assert row.se == pytest.approx(0.0337, rel=0.15)
    # The prior of the scale draws the legs a little towards no effect.
    assert twin.estimate == pytest.approx(row.estimate, abs=0.03)
    path = found.answer("p1").path
    assert path.posterior.theta.shape[0] == 20_000
    assert path.draws.theta.shape[0] == 10_000
    with pytest.raises(DataError, match=f"{len(path.posterior.parts)} completed tables"):
        found.answer("p1").pymc_model()
    assert "theta" in found.answer("p1").pymc_model(2).named_vars


def test_a_cell_of_one_answer_is_not_fit_to_report_however_many_are_imputed_there(declared, feedback):
    study = declared(plan={"missing": "multiple_imputation", "covariates": []})
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    frame = scores.frame.copy()
    inside = np.flatnonzero(
        (frame["timing"] == "delayed") & (frame["framing"] == "gain") & (frame["specificity"] == "high")
    )
    frame.loc[frame.index[inside[1:]], "reaction"] = np.nan

    answer = analyse(replace(scores, _frame=frame), study).answer("h3")

    assert answer.problem.counts.min() > 1
    assert answer.problem.lone_cells == ("delayed:gain:high",)


def test_imputed_values_are_no_raw_points(answered):
    answer = answered("multiple_imputation").answer("h3")

    assert 0 < (~answer.problem.observed).sum() < 314
    assert len(answer.problem.tables) == 20


@pytest.mark.against_r
@pytest.mark.parametrize("clusters", [False, True])
def test_completed_tables_are_analysed_and_pooled_in_r(answered, run_r, tmp_path, clusters):
    found = answered("multiple_imputation", clusters=clusters)

    in_r = run_r(found.answer("h3").r_script(), tmp_path / "r")

    row = of(found, "h3")
    tolerance = 1e-4 if clusters else 1e-6  # REML's search ends near its optimum in 20 tables
    assert (row.estimate, row.se) == pytest.approx((in_r["estimate"][0], in_r["se"][0]), rel=tolerance)
    assert (row.df, row.p) == pytest.approx((in_r["df"][0], in_r["p"][0]), rel=10 * tolerance)
    assert in_r["fmi"][0] > 0.02


@pytest.mark.against_r
@pytest.mark.parametrize(("column", "clusters"), [("reaction", False), ("baseline", False), ("baseline", True)])
def test_the_posterior_over_completed_tables_is_integrated_in_r(answered, run_r, tmp_path, column, clusters):
    found = answered("multiple_imputation", column=column, clusters=clusters)
    row = of(found, "h3", "bayesian")

    in_r = run_r(found.answer("h3").r_script(), tmp_path / "r")

    unit = row.se
    assert row.estimate == pytest.approx(in_r["median"][0], abs=1e-5 * unit)
    assert row.se == pytest.approx(in_r["posterior sd"][0], rel=1e-5)
    assert (row.low, row.high) == pytest.approx((in_r["low"][0], in_r["high"][0]), abs=1e-3 * unit)
    assert np.log(row.bayes_factor) == pytest.approx(in_r["log_bayes_factor"][0], abs=1e-4)


@pytest.mark.parametrize("missing", ["multiple_imputation", "fiml"])
@pytest.mark.parametrize(("column", "said"), [("outcome", "Outcome 'outcome'"), ("challenge", "Mediator 'challenge'")])
def test_a_path_with_gaps_says_what_two_values_make_of_it(declared, feedback, missing, column, said):
    path = {"through": [{"score": "challenge"}], "structure": "simple"}
    study = declared(hypotheses=[PATH | {"path": path}], plan={"missing": missing, "families": [], "decides": {}})
    scores = feedback(study, "feedback_missing", clusters=False)
    frame = scores.frame.copy()
    known = frame[column].notna()
    frame.loc[known, column] = np.where(frame.loc[known, column] > frame[column].median(), 2.0, 1.0)

    found = analyse(replace(scores, _frame=frame), study)

    assert len(found.rows) == 2
    assert all(f"{said} takes two values (1 and 2)" in row.note for row in found.rows)
    if missing == "multiple_imputation":
        tables = found.answer("p1").problem.tables
        assert {len(np.unique(table.y if column == "outcome" else table.steps)) for table in tables} == {2}
