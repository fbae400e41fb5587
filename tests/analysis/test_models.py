"""The model that the design calls for: weights by the probability of assignment, slopes, choices, ratings."""

from dataclasses import replace

import numpy as np
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.answering import Setting, answer_question
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import Scores

MAIN = {"kind": "main_effect", "factor": "timing", "level": "immediate", "against": "delayed"}


def asked(outcome: str, contrast: dict[str, object], **more: object) -> dict[str, object]:
    common = {"name": "q", "text": "A question.", "direction": "either", "role": "exploratory"}
    return common | {"outcome": outcome, "contrast": contrast} | more


def setting(study, scores: Scores, **changed: object) -> Setting:
    common = Setting(
        study=study,
        scores=scores,
        excluded={},
        engines=("frequentist",),
        case_weights=None,
        seed=1,
        provenance=scores.provenance,
    )
    return replace(common, **changed)


def test_unequal_probabilities_of_assignment_weight_the_rows(declared, feedback):
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    names = scores.frame["participant"]
    weights = dict(zip(names, np.random.default_rng(2).uniform(1, 4, len(names)), strict=True))

    found = answer_question(question(study, "h3"), setting(study, scores, case_weights=weights))

    problem = found.problem
    by_hand = fit_cells(
        problem.y, problem.cell, 8, vcov="HC3", weights=[weights[name] for name in problem.participants]
    ).contrast(problem.weights[0])
    (row,) = found.rows
    assert (row.estimate, row.se) == pytest.approx((by_hand.estimate, by_hand.se), rel=1e-12)
    assert "weighted" in row.model
    with pytest.raises(DataError, match="holds no probability for 314 participants"):
        answer_question(question(study, "h3"), setting(study, scores, case_weights={"somebody": 2.0}))


def test_an_allocation_of_another_design_is_refused(declared, feedback):
    from feedbackstudy.assign import assign

    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    other = declared(plan={"alpha": 0.01, "interval_level": 0.99})

    with pytest.raises(DataError, match="The allocation belongs to another design"):
        analyse(scores, study, allocation=assign(other, seed=1))
    same = analyse(scores, study, allocation=assign(study, seed=1), engine="frequentist")
    assert [row.p for row in same] == [row.p for row in analyse(scores, study, engine="frequentist")]


def test_an_association_is_the_common_slope_within_cells(declared, feedback):
    study = declared(
        hypotheses=[
            asked("reaction", {"kind": "association", "predictor": "challenge"}, sesoi={"value": 0.2, "unit": "sd"})
        ],
        plan={"decides": {}, "families": []},
    )
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    frame = scores.frame
    within = frame.groupby(list(scores.factors))[["reaction", "challenge"]].transform(
        lambda given: given - given.mean()
    )
    slope = (within["reaction"] @ within["challenge"]) / (within["challenge"] @ within["challenge"])

    classical, bayesian = analyse(scores, study).rows

    assert classical.estimate == pytest.approx(slope, rel=1e-9)
    assert classical.std_kind == bayesian.std_kind == "standardised slope"
    spread = within.std(ddof=0)
    assert classical.std_estimate == pytest.approx(slope * spread["challenge"] / spread["reaction"], rel=1e-9)
    assert abs(bayesian.estimate - slope) < classical.se


def test_an_outcome_without_a_scale_has_no_prior_and_the_frequentist_answer_stands(declared, feedback):
    study = declared()
    measures = [m.to_data() for m in study.measures]
    measures[0].pop("range")
    bare = declared(measures=measures)
    found = analyse(feedback(bare, "feedback_unbalanced", clusters=False), bare)

    assert {row.engine for row in found} == {"frequentist"}
    about = [issue for issue in found.issues if issue.code == "analysis.unanswered_bayesian"]
    assert len(about) == 3
    assert "no prior can be stated on its scale" in about[0].what


def test_a_nominal_outcome_has_no_model_and_says_so(declared, feedback):
    measures = [m.to_data() for m in declared().measures]
    measures[4] = {
        "name": "likert",
        "kind": "nominal",
        "levels": {str(i): str(i) for i in range(1, 6)},
        "waves": ["t1"],
    }
    study = declared(measures=measures, hypotheses=[asked("likert", MAIN)], plan={"decides": {}, "families": []})

    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study)

    assert len(found) == 0
    assert "'q' (exploratory) is not answered" in found.issues[0].what


def test_the_pymc_model_behind_an_exact_answer_can_be_inspected(declared, feedback):
    study = declared()
    found = analyse(feedback(study, "feedback_unbalanced", clusters=True), study, engine="bayesian")

    model = found.answer("h3").pymc_model()

    assert {"cells", "sd_residual", "sd_interviewer", "outcome"} <= set(model.named_vars)
    with pytest.raises(InputError):
        found.answer("h4")


def test_a_covariate_asked_after_the_treatment_is_warned_of(declared, feedback):
    study = declared(plan={"covariates": ["challenge"]})

    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study, engine="frequentist")

    assert [issue.code for issue in found.issues] == ["analysis.covariate_after_treatment"]
    assert {row.df for row in found} == {305}


SAMPLED = {
    "odds": asked("reapply", MAIN),
    "probability": asked("reapply", MAIN, sesoi={"value": 5, "unit": "percentage_points"}),
    "latent": asked("likert", MAIN),
    "rating": asked("likert", MAIN, sesoi={"value": 0.3, "unit": "raw"}),
    "slope": asked("reapply", {"kind": "association", "predictor": "challenge"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_answers_lie_near_the_frequentist_ones_on_the_declared_scale(declared, feedback, name):
    study = declared(hypotheses=[SAMPLED[name]], plan={"decides": {}, "families": []})

    classical, bayesian = analyse(feedback(study, "feedback_unbalanced", clusters=False), study).rows

    assert bayesian.fit_to_report, bayesian.note
    assert classical.contrast == bayesian.contrast
    scale = np.log if classical.null == 1 else float
    # Priors draw towards no effect; one standard error is far more than they move 314 answers.
    assert abs(scale(bayesian.estimate) - scale(classical.estimate)) < classical.se
    assert bayesian.se == pytest.approx(classical.se, rel=0.3)
