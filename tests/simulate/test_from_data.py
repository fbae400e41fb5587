"""A world estimated from data is the world that made them, and says what it could not see."""

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.errors import DataError
from feedbackstudy.simulate import World, simulate
from feedbackstudy.simulate.truths import Attrition, CellMeans, Correlation, CovariateTruth, Outcome


@pytest.fixture
def truth():
    return World(
        outcomes=[
            Outcome(name="efficacy", mean=5.5, sd=1.4, reliability=0.85, stability=0.6),
            Outcome(name="mood", mean=50.0, sd=10.0, icc={"site": 0.12}),
            Outcome(name="applied", probabilities={"no": 0.7, "yes": 0.3}),
        ],
        means=[CellMeans(outcome="mood", cells={"now:general": 0.5, "now:specific": 0.5})],
        correlations=[Correlation(between=("usefulness", "liking"), r=0.5)],
        covariates=[CovariateTruth(name="age", mean=30.0, sd=8.0, r=0.2)],
        attrition=Attrition(share=0.1, by_cell={"silence": 0.3}),
        skipped=0.02,
    )


def test_what_made_the_data_is_found_again(study, truth):
    found = World.from_data(simulate(study, truth, seed=3), study)

    mood, efficacy = found.outcomes["mood"], found.outcomes["efficacy"]
    assert efficacy.mean == pytest.approx(5.5, abs=0.1)
    assert efficacy.sd == pytest.approx(1.4, abs=0.07)
    assert efficacy.reliability == pytest.approx(0.85, abs=0.02)
    assert efficacy.stability == pytest.approx(0.6, abs=0.05)
    assert mood.icc["site"] == pytest.approx(0.12, abs=0.12)  # 40 sites
    cells = next(m for m in found.means if m.outcome == "mood").cells
    assert cells["now:general"] - cells["later:general"] == pytest.approx(0.5, abs=0.2)
    pair = next(c for c in found.correlations if set(c.between) == {"usefulness", "liking"})
    assert pair.r == pytest.approx(0.5, abs=0.06)
    assert found.covariates["age"].mean == pytest.approx(30, abs=0.6)
    assert found.attrition.by_cell["silence"] == pytest.approx(0.3, abs=0.06)
    assert found.skipped == pytest.approx(0.02, abs=0.005)
    assert found.outcomes["applied"].probabilities["yes"] == pytest.approx(0.3, abs=0.05)
    assert found.n == {"person": 4000, "site": 40}


def test_it_makes_data_again_and_says_what_it_did_not_see(study, truth):
    scores = fs.score(simulate(study, truth, seed=4), study.measures)
    found = World.from_data(scores, study)

    said = " ".join(found.notes)
    assert "efficacy: its reliability needs the items; .80 is assumed" in said
    assert "Not estimated and left at their defaults: drift" in said
    assert "reliability needs the items" in str(found)
    again = simulate(study, found, seed=1)
    assert len(again) > 4000


def test_data_of_another_study_are_refused(study, truth, variant):
    responses = simulate(study, truth, seed=5)
    other = variant(factors=[{"name": "tone", "mode": "described", "levels": {"a": "A", "b": "B"}, "reference": "a"}])
    with pytest.raises(DataError, match="tone"):
        World.from_data(responses, other)
    few = fs.frames.Scores.from_frame(
        pd.DataFrame(
            {
                "participant": ["a"],
                "arm": ["silence"],
                "occasion": ["t1"],
                "mood": [1.0],
                "timing": [None],
                "detail": [None],
            }
        ),
        scores=["mood"],
        factors=["timing", "detail"],
    )
    with pytest.raises(DataError, match="nothing can be estimated"):
        World.from_data(few, study)
