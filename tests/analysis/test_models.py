"""The model that the design calls for: weights by the probability of assignment, slopes, choices, ratings."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.answering import Setting, answer_question
from feedbackstudy.analysis.compile import question
from feedbackstudy.analysis.frequentist.linear import fit_cells
from feedbackstudy.analysis.randomisation import randomisation
from feedbackstudy.assign import Allocation, assign
from feedbackstudy.assign.schemes import Complete
from feedbackstudy.design.chance import Stream
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
    script = found.r_script()
    assert script.data["w"].tolist() == problem.case_weights.tolist()
    assert "weights = w" in script.script
    with pytest.raises(DataError, match="holds no probability for 314 participants"):
        answer_question(question(study, "h3"), setting(study, scores, case_weights={"somebody": 2.0}))


def test_an_allocation_of_another_design_is_refused(declared, feedback):
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


def as_drawn(study, scores: Scores) -> tuple[Scores, Allocation]:
    """Draw by a scheme in which the first half gets immediate feedback with .7, the second with .4; outcomes stay."""
    names = scores.frame["participant"].tolist()
    plain = assign(study, pd.DataFrame({"participant": names}), seed=3)
    soon = [cell.key.startswith("immediate") for cell in plain.conditions]
    weights = tuple(
        tuple(chance / 4 if first else (1 - chance) / 4 for first in soon)
        for chance in (Fraction(7, 10), Fraction(2, 5))
    )
    scheme = Complete(weights=weights, blocks=tuple(int(i >= len(names) // 2) for i in range(len(names))))
    allocation = replace(plain, scheme=scheme, drawn=scheme.draw(Stream(11, "tests")))
    frame = scores.frame.copy()
    for j, name in enumerate(scores.factors):
        frame[name] = [allocation.conditions[i].key.split(":")[j] for i in allocation.drawn]
    return Scores.from_frame(
        frame, scores=list(scores.about), factors=scores.factors, covariates=["baseline"],
        design_hash=study.design_hash,
    ), allocation  # fmt: skip


def by(criterion: dict[str, object], **more: object) -> dict[str, object]:
    return {"decides": {"h1": {"by": "p"}, "h2": {"by": "p"}, "h3": criterion}, "families": []} | more


def test_a_scheme_whose_probabilities_differ_weights_the_rows_of_analyse(declared, feedback):
    study = declared(plan=by({"by": "p"}))
    scores, allocation = as_drawn(study, feedback(study, "feedback_unbalanced", clusters=False))
    assert np.ptp(allocation.probabilities.to_numpy(), axis=0).max() > 0.07

    found = analyse(scores, study, allocation=allocation)

    classical, bayesian = found["h3"].rows
    problem = found.answer("h3").problem
    by_hand = fit_cells(
        problem.y, problem.cell, 8, vcov="HC3", weights=allocation.ipw()[list(problem.participants)].to_numpy()
    ).contrast(problem.weights[0])
    assert (classical.estimate, classical.se) == pytest.approx((by_hand.estimate, by_hand.se), rel=1e-12)
    assert classical.estimate != pytest.approx(analyse(scores, study, engine="frequentist")["h3"].rows[0].estimate)
    assert classical.decides
    assert not bayesian.decides
    assert "the Bayesian answer is not weighted by the inverse probabilities" in bayesian.note
    assert "not weighted" not in classical.note


def test_an_answer_without_the_weights_that_the_scheme_calls_for_does_not_decide(declared, feedback):
    path = asked("outcome", MAIN, path={"through": [{"score": "challenge"}], "structure": "simple"}, name="way",
                 role="confirmatory", direction="positive")  # fmt: skip
    factor = {"by": "bayes_factor", "threshold": 10.0, "prior_scale": 0.5}
    plan = by(factor)
    plan["decides"] = plan["decides"] | {"way": {"by": "p"}}
    study = declared(hypotheses=[*[h.to_data() for h in declared().hypotheses], path], plan=plan)
    scores, allocation = as_drawn(study, feedback(study, "feedback_unbalanced", clusters=False))

    found = analyse(scores, study, allocation=allocation)

    assert not any(row.decides for name in ("h3", "way") for row in found[name])
    assert all("paths are not weighted" in row.note for row in found["way"])
    assert {i.where.rpartition(".")[2] for i in found.issues if i.code == "analysis.not_decided"} >= {"h3", "way"}


def test_an_answer_is_tested_by_the_scheme_that_drew(declared, feedback):
    study = declared(plan=by({"by": "p"}))
    scores, allocation = as_drawn(study, feedback(study, "feedback_unbalanced", clusters=False))
    answer = analyse(scores, study, allocation=allocation, engine="frequentist").answer("h3")

    found = answer.randomisation(draws=400, seed=2)

    keys = [cell.key for cell in allocation.conditions]
    weights = {key: 0.25 if key.startswith("immediate") else -0.25 for key in keys}
    direct = randomisation(scores.frame, "reaction", allocation, weights, draws=400, seed=2)
    assert (found.p, found.found.estimate) == pytest.approx((direct.p, direct.found.estimate), rel=1e-9)
    with pytest.raises(DataError, match="needs the allocation"):
        analyse(scores, study, engine="frequentist").answer("h3").randomisation()
    with pytest.raises(DataError, match="Contrast 'sooner'"):
        answer.randomisation("sooner")


def test_a_draw_by_a_platform_is_named_in_every_row(declared, feedback):
    study = declared(plan=by({"by": "p"}))
    scores, allocation = as_drawn(study, feedback(study, "feedback_unbalanced", clusters=False))

    found = analyse(scores, study, allocation=replace(allocation, origin="platform"), engine="frequentist")

    assert all("randomised by platform" in row.note for row in found)
    assert str(found).replace("\n", " ").count("randomised by platform") == 1
    assert not any("platform" in row.note for row in analyse(scores, study, allocation=allocation).rows)
