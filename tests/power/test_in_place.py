"""Where batched rows put something in the place of analyse, it is said; and analyse itself can be had."""

import math

import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.design.arms import Arm
from feedbackstudy.design.factors import Covariate
from feedbackstudy.design.plan import Plan
from feedbackstudy.errors import InputError
from feedbackstudy.power import by_analyse, diagnose, solve
from feedbackstudy.scales import score
from feedbackstudy.scales.measure import Measure
from feedbackstudy.simulate import World
from feedbackstudy.simulate.truths import CellMeans
from tests.power.test_diagnosis import MAIN, effect, hypothesis, study_of

AGAIN = Measure(name="again", kind="binary", waves=("t1",))
MOOD = Measure(name="mood", kind="continuous", waves=("t0", "t1"))
AGE = Covariate(name="age", kind="continuous")
GROUP = Covariate(name="group", kind="nominal", levels={"a": "A", "b": "B", "c": "C"})


def adjusted() -> fs.Study:
    asked = [hypothesis("h1", MAIN, outcome="again", sesoi=None), hypothesis("h2", MAIN, occasion="t1", sesoi=None)]
    return study_of(120, asked, measures=[AGAIN, MOOD], covariates=[AGE], plan=Plan(covariates=("age",)))


def better(size: float = 0.5) -> World:
    cells = dict.fromkeys(("now:general", "now:specific"), size)
    return World(means=[CellMeans(outcome=name, cells=cells) for name in ("again", "mood")])


def test_the_planned_analysis_itself_gives_its_figures():
    study = adjusted()
    scores = score(fs.simulate(study, better(), seed=1), study.measures)
    rows, made = analyse(scores, study, engine="frequentist"), by_analyse(scores, study)

    ratio, points = (rows[name].rows[0] for name in ("h1", "h2"))
    assert "logistic" in ratio.model
    assert made["h1"]["estimate"] == pytest.approx(math.log(ratio.estimate))
    assert made["h1"]["low"] == pytest.approx(math.log(ratio.low))
    assert made["h1"]["p"] == ratio.p
    assert made["h2"] == {k: getattr(points, k) for k in ("estimate", "se", "df", "low", "high", "p", "n")}


def test_a_diagnosis_by_analyse_agrees_with_batched_rows():
    study = adjusted()
    own = diagnose(study, better(), seed=1, n_simulations=40, analysis=by_analyse)
    rows = diagnose(study, better(), seed=1, n_simulations=1000)

    assert "analyse itself on whole invented studies" in own.engine
    assert "power.by_analyse" in str(rows)
    for name in ("h1", "h2"):
        assert own[name].failed == 0
        share = rows[name].power
        assert own[name].power == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 40) + 0.01)
    assert own["h2"].rmse == pytest.approx(rows["h2"].rmse, abs=4 * own["h2"].rmse_mcse)
    assert math.isnan(own["h1"].coverage)  # a logarithm of odds is not held against a truth in points


CONTRAST = {"kind": "cells_vs_arm", "arm": "silence"}


@pytest.mark.parametrize("by", [{"by": "bayes_factor"}, {"by": "rope"}])
def test_what_a_joint_test_cannot_decide_is_left_open(by):
    study = study_of(
        80,
        [hypothesis("h1", CONTRAST, occasion="t1")],
        arms=[Arm(name="silence", told="nothing")],
        plan=Plan.model_validate({"decides": {"h1": by}}),
    )
    made = diagnose(study, effect(0.5), seed=1, n_simulations=80)

    assert math.isnan(made["h1"].decided)
    assert made["h1"].power > 0
    assert "how often the criterion decides is left open" in str(made)
    assert "F test of all of them" in str(made)
    with pytest.raises(InputError, match="no meaning there"):
        solve(study, effect(0.5), vary="n", hypothesis="h1", goal="decided", seed=1)


def test_a_path_to_an_outcome_that_is_no_score_is_said_to_be_unanswered():
    asked = [hypothesis("h1", MAIN, outcome="again", path={"through": [{"score": "mood"}]}, sesoi=None)]
    made = diagnose(study_of(80, asked, measures=[AGAIN, MOOD]), better(), seed=1, n_simulations=40)

    assert "analyse answers no path to an outcome that is no score" in str(made)


@pytest.mark.parametrize(
    "contrast",
    [
        {"kind": "association", "predictor": "group"},
        {"kind": "moderation", "factor": "timing", "level": "now", "against": "later", "by": "group"},
    ],
)
def test_categories_have_no_slope(contrast):
    study = study_of(80, [hypothesis("h1", contrast, occasion="t1")], covariates=[GROUP])
    with pytest.raises(InputError, match="its categories are no numbers"):
        diagnose(study, World(), seed=1, n_simulations=40)
