"""`analyse`: both engines on the same rows, whatever the order of anything; only the declared criterion decides."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy import report
from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.estimate import Estimate
from feedbackstudy.errors import DataError, InputError, NotFoundError
from feedbackstudy.frames import Scores
from feedbackstudy.render import number

# R 4.2.2, emmeans on lm(y ~ timing * framing * specificity) of feedback_unbalanced.csv (n = 314); h1 is three times
# emmeans' contrast, which divides the rest by 3.
PLANNED = {
    "h1": (3 * 0.8910809011, 3 * 0.1913746748, 4.806920653e-06),
    "h2": (0.4185788527, 0.1719384843, 0.01548522137),
    "h3": (0.4506835237, 0.137023128, 0.001122305534),
}
HOLM = {"h1": 1.442076196e-05, "h2": 0.01548522137, "h3": 0.002244611068}
MVT = {"h1": 1.820795386e-05, "h2": 0.04193916765, "h3": 0.003267929654}
ADJUSTED_FOR_BASELINE = {"h2": (0.4308282423, 0.1720146266), "h3": (0.4438533534, 0.1369771302)}


def of(estimates, name: str, engine: str = "frequentist") -> Estimate:
    return next(row for row in estimates[name] if row.engine == engine)


@pytest.fixture
def answered(declared, feedback):
    study = declared()
    return analyse(feedback(study, "feedback_unbalanced", clusters=False), study)


def test_contrasts_and_holm_adjusted_p_equal_emmeans(answered):
    for name, (estimate, se, p) in PLANNED.items():
        row = of(answered, name)
        assert (row.estimate, row.se) == pytest.approx((estimate, se), rel=1e-6)
        assert (row.df, row.statistic_name, row.n) == (306, "t", 314)
        assert row.p == pytest.approx(p, rel=1e-4)
        assert row.p_adjusted == pytest.approx(HOLM[name], rel=1e-4)
        assert row.family == "main (holm)"


def test_the_multivariate_t_of_a_family_in_one_model_equals_emmeans(declared, feedback):
    family = [{"name": "main", "hypotheses": ["h1", "h2", "h3"], "method": "mvt"}]
    study = declared(plan={"families": family})

    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study, engine="frequentist")

    # emmeans integrates by Monte Carlo (mvtnorm): .042 and .0033 are good to about 1 %; its 1.8e-05 even exceeds three
    # times the plain p, which no such adjustment can.
    for name, p in MVT.items():
        assert of(found, name).p_adjusted == pytest.approx(p, rel=0.03, abs=5e-6)


def test_covariates_of_the_plan_are_adjusted_for(declared, feedback):
    study = declared(plan={"covariates": ["baseline"]})

    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study, engine="frequentist")

    for name, expected in ADJUSTED_FOR_BASELINE.items():
        assert (of(found, name).estimate, of(found, name).se) == pytest.approx(expected, rel=1e-6)
        assert of(found, name).df == 305


def test_clusters_become_a_random_factor_with_satterthwaites_df_as_in_lmertest(declared, feedback, shared):
    study = declared()
    planned = json.loads((shared / "oracles" / "analysis.json").read_text(encoding="utf-8"))["lmer"]["fu_planned_satt"]
    oracle = {row["contrast"][:2].lower(): row for row in planned}

    found = analyse(feedback(study, "feedback_unbalanced", clusters=True), study, engine="frequentist")

    for name in ("h2", "h3"):
        row = of(found, name)
        assert (row.estimate, row.se) == pytest.approx((oracle[name]["estimate"], oracle[name]["SE"]), rel=1e-5)
        assert row.df == pytest.approx(oracle[name]["df"], rel=1e-4)
        assert "interviewer" in row.model


def test_the_bayesian_answer_is_near_the_frequentist_one_and_shrinks_toward_no_effect(answered):
    for name in PLANNED:
        classical, bayesian = of(answered, name), of(answered, name, "bayesian")
        assert 0 < bayesian.estimate < classical.estimate
        assert abs(bayesian.estimate - classical.estimate) < classical.se
        assert bayesian.interval == "HDI"
        assert bayesian.contrast == classical.contrast
        assert bayesian.n == classical.n
        assert classical.agreement == bayesian.agreement != ""


def shuffled(study, scores: Scores, seed: int) -> Scores:
    frame = scores.frame.sample(frac=1, random_state=np.random.RandomState(seed)).reset_index(drop=True)
    return Scores.from_frame(
        frame,
        scores=scores.names,
        factors=list(reversed(scores.factors)),
        clusters=scores.clusters,
        covariates=scores.covariates,
        design_hash=study.design_hash,
    )


def test_order_of_rows_levels_and_factors_changes_no_digit(declared, feedback):
    study = declared(plan={"covariates": ["baseline"]})
    numbers = ["estimate", "se", "df", "p", "p_adjusted", "std_low", "bayes_factor", "prob_direction", "low", "high"]
    plain = analyse(feedback(study, "feedback_unbalanced", clusters=True), study).frame()

    turned = declared(
        plan={"covariates": ["baseline"]},
        factors=[
            {"name": "specificity", "mode": "described", "reference": "low", "levels": {"low": "Low", "high": "High"}},
            {
                "name": "timing",
                "mode": "described",
                "reference": "delayed",
                "levels": {"delayed": "B", "immediate": "A"},
            },
            {"name": "framing", "mode": "described", "reference": "loss", "levels": {"loss": "Loss", "gain": "Gain"}},
        ],
    )
    scores = shuffled(turned, feedback(turned, "feedback_unbalanced", clusters=True), seed=3)
    other = analyse(scores, turned).frame()

    # Cells are named after their levels, so another order of factors means another order of sums: the last digits.
    pd.testing.assert_frame_equal(plain[numbers], other[numbers], rtol=1e-9)


def test_row_order_alone_changes_not_even_the_last_digit(declared, feedback):
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=True)

    one, other = analyse(scores, study).frame(), analyse(shuffled(study, scores, seed=5), study).frame()

    pd.testing.assert_frame_equal(one, other, rtol=0, atol=0)


def test_the_result_knows_its_study_and_its_data_whatever_the_order_of_rows(declared, feedback):
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    other = scores.select(scores.frame["participant"] != "p000", step="test.one", what="One person less.")

    one, same = (analyse(s, study, engine="frequentist").provenance for s in (scores, shuffled(study, scores, seed=1)))
    less = analyse(other, study, engine="frequentist").provenance

    assert one.design_hash == study.design_hash
    assert dict(one.data_sha256)["scores"] == dict(same.data_sha256)["scores"] != dict(less.data_sha256)["scores"]


def test_the_input_is_not_changed(declared, feedback):
    study = declared(plan={"covariates": ["baseline"]})
    scores = feedback(study, "feedback_unbalanced", clusters=True)
    before, ledger = scores.frame.copy(deep=True), scores.ledger

    analyse(scores, study)

    pd.testing.assert_frame_equal(scores.frame, before)
    assert scores.ledger is ledger


CRITERIA = [
    ({"by": "p"}, "frequentist", "p < 0.05 (adjusted)", "supported"),
    ({"by": "equivalence"}, "frequentist", "equivalence p < 0.05 (adjusted)", "not shown to be equivalent"),
    (
        {"by": "equivalence", "kind": "non_inferiority"},
        "frequentist",
        "non-inferiority p < 0.05 (adjusted)",
        "not inferior",
    ),
    ({"by": "rope"}, "bayesian", "mass in or out of the ROPE > 0.95", "undecided"),
    ({"by": "bayes_factor"}, "bayesian", "BF10 > 10", "supported"),
]


@pytest.mark.parametrize(("criterion", "engine", "words", "decision"), CRITERIA)
def test_only_the_row_with_the_declared_criterion_decides(declared, feedback, criterion, engine, words, decision):
    study = declared(plan={"decides": {"h3": criterion}})

    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study)

    row, other = of(found, "h3", engine), of(found, "h3", "bayesian" if engine == "frequentist" else "frequentist")
    assert (row.decides, row.decision) == (words, decision)
    assert (other.decides, other.decision) == ("", "")


@pytest.mark.parametrize(
    ("criterion", "other"), list(itertools.permutations(["p", "equivalence", "rope", "bayes_factor"], 2))
)
def test_no_verb_writes_a_confirmatory_sentence_on_another_criterion(declared, feedback, criterion, other):
    study = declared(plan={"decides": {"h3": {"by": criterion}}})
    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study)["h3"]
    marks = {
        "p": "criterion (p <",
        "equivalence": "criterion (equivalence",
        "rope": "criterion (mass",
        "bayes_factor": "criterion (BF10",
    }

    said = report.sentence(found) + str(report.table(found)) + str(found)

    assert marks[criterion] in report.sentence(found)
    assert marks[other] not in said
    assert report.sentence(found).count("By the declared criterion") == 1
    assert report.sentence(found).count("does not decide") == 1


def test_a_sentence_names_people_situation_and_statistic(answered):
    said = report.sentence(of(answered, "h3"))

    assert said.startswith(
        "Among members of an online panel who imagined the situation, the estimate for reaction at t1: At once"
    )
    assert "t(306) = 3.29, p = .001, adjusted p = .002" in said
    assert said.endswith("By the declared criterion (p < 0.05 (adjusted)): supported.")


def test_a_study_changed_after_the_data_is_amended_and_says_so(declared, feedback):
    scores = feedback(declared(), "feedback_unbalanced", clusters=False)
    changed = declared(plan={"alpha": 0.01, "interval_level": 0.99})

    found = analyse(scores, changed)

    assert {row.status for row in found} == {"amended"}
    assert [issue.code for issue in found.issues] == ["analysis.amended"]
    assert "this decision is amended" in report.sentence(of(found, "h3"))


def test_a_failed_fit_gets_a_sentence_only_when_asked_for(answered):
    row = replace(of(answered, "h3"), fit_to_report=False, note="R-hat 1.2", decides="", decision="")

    assert report.sentence(row).startswith("No sentence is written")
    assert "0.451" not in report.sentence(row)
    said = report.sentence(row, allow_failed=True)
    assert "0.451" in said
    assert "Not fit to report: R-hat 1.2" in said


def test_one_engine_alone_answers_alone(declared, feedback):
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)

    found = analyse(scores, study, engine="bayesian")

    assert {row.engine for row in found} == {"bayesian"}
    assert {row.agreement for row in found} == {""}
    both = [row for row in analyse(scores, study) if row.engine == "bayesian"]
    assert [row.estimate for row in found] == [row.estimate for row in both]


def test_an_unknown_engine_or_table_is_refused(declared, feedback):
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)

    with pytest.raises(InputError, match=r"Engine .bayes. is unknown"):
        analyse(scores, study, engine="bayes")
    with pytest.raises(DataError, match="analyse takes Scores"):
        analyse(scores.frame, study)


def test_a_hypothesis_that_cannot_be_answered_is_named_and_the_others_stand(declared, feedback):
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    frame = scores.frame.assign(reaction=scores.frame["reaction"].where(scores.frame["timing"] == "immediate"))
    broken = Scores.from_frame(
        frame, scores=scores.names, factors=scores.factors, covariates=scores.covariates, design_hash=study.design_hash
    )

    found = analyse(broken, study)

    assert len(found) == 0
    assert [issue.code for issue in found.issues.errors].count("analysis.unanswered") == 3
    assert "delayed:gain:high" in found.issues[0].what or "delayed:gain:high" in str(found.issues)
    assert "is not answered" in report.sentence(found)
    with pytest.raises(NotFoundError, match="Answered hypothesis 'h1' is unknown"):
        found.answer("h1")


def test_robustness_curve_and_posterior_stand_behind_the_row(answered):
    answer = answered.answer("h3")
    row = of(answered, "h3", "bayesian")

    curve = answer.robustness()

    assert curve.declared == 0.5
    assert curve.bayes_factor == pytest.approx(row.bayes_factor, rel=1e-9)
    assert answer.posterior.median == row.estimate
    assert "314" in str(answer)


def test_ones_own_estimate_stands_in_the_same_columns_and_never_decides(answered):
    own = fs.analysis.custom(
        answered, "h3", engine="frequentist", estimate=0.44, se=0.14, p=0.002, model="median regression, quantreg"
    )

    row = own["h3"].rows[-1]
    assert (row.model, row.decides, row.note) == (
        "the user's own estimate: median regression, quantreg",
        "",
        "the user's own estimate",
    )
    assert len(own) == len(answered) + 1
    assert len(answered["h3"]) == 2
    with pytest.raises(InputError, match="'decides' is filled by the toolkit"):
        fs.analysis.custom(answered, "h3", engine="frequentist", estimate=0.4, model="m", decides="p")
    with pytest.raises(InputError, match="Column 'pvalue' is unknown"):
        fs.analysis.custom(answered, "h3", engine="frequentist", estimate=0.4, model="m", pvalue=0.1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"engine": "wizard"}, "Engine 'wizard' is unknown"),
        ({"estimate": float("nan")}, "finite"),
        ({"se": -1.0}, "se is -1.0"),
        ({"p": float("inf")}, "finite"),
        ({"estimate": "0.4"}, "must be a number"),
        ({"estimate": True}, "must be a number"),
        ({"se": "small"}, "se must be a number"),
        ({"se": np.float32(-1.0)}, "se is -1.0"),
        ({"n": np.int64(0)}, "must be above 0"),
        ({"n": 3.5}, "must be whole"),
    ],
)
def test_an_estimate_of_ones_own_is_refused_where_it_cannot_be_one(answered, changed, words):
    with pytest.raises(InputError, match=words):
        fs.analysis.custom(answered, "h3", **{"engine": "frequentist", "estimate": 0.4, "model": "m", **changed})


def test_numbers_of_numpy_are_numbers_of_ones_own_estimate(answered):
    given = {"estimate": np.float32(0.5), "se": np.int64(2), "n": np.int32(40), "df": np.inf}
    row = fs.analysis.custom(answered, "h3", engine="frequentist", model="m", **given)["h3"].rows[-1]
    assert [(type(x), x) for x in (row.estimate, row.se, row.n)] == [(float, 0.5), (float, 2.0), (int, 40)]


def test_a_sentence_says_whose_an_estimate_of_ones_own_is(answered):
    own = fs.analysis.custom(answered, "h3", engine="frequentist", estimate=0.44, se=0.14, model="quantreg")["h3"]

    assert "the estimate that the user brought, not made by this toolkit, for" in fs.report.sentence(own.rows[-1])
    assert fs.report.sentence(own).count("that the user brought") == 1


def test_d_of_weights_that_do_not_sum_to_one_says_so_and_gives_the_scaled_one(declared, feedback):
    study = declared(plan={"covariates": ["baseline"]})
    found = analyse(feedback(study, "feedback_unbalanced", clusters=False), study)

    for row in found["h1"]:  # 3, -1, -1, -1
        said = "d is of a contrast whose positive weights sum to 3"
        assert said in row.note
        assert f"it is {number(row.std_estimate / 3, 2)} [" in row.note
    assert not [row for name in ("h2", "h3") for row in found[name] if "positive weights" in row.note]
