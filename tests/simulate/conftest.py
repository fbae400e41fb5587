"""A small study with one scale at two waves, an arm that is not asked everything, and every kind of single column."""

import pytest

from feedbackstudy.design.arms import Arm
from feedbackstudy.design.conduct import Conduct
from feedbackstudy.design.factors import Covariate, Factor
from feedbackstudy.design.units import Units
from feedbackstudy.design.waves import Wave
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study


def small_study(**changes: object) -> Study:
    timing = Factor(name="timing", mode="described", levels={"now": "Now", "later": "Later"}, reference="later")
    detail = Factor(name="detail", mode="described", levels={"general": "G", "specific": "S"}, reference="general")
    given: dict[str, object] = {
        "title": "A small study",
        "factors": [timing, detail],
        "arms": [Arm(name="silence", told="nothing")],
        "units": [Units(name="site", n=40), Units(name="person", n=4000, nested_in="site")],
        "covariates": [
            Covariate(name="age", kind="continuous"),
            Covariate(name="group", kind="nominal", levels={"a": "A", "b": "B"}),
        ],
        "waves": [
            Wave(name="t0", anchor="interview", phase="before"),
            Wave(name="t1", anchor="feedback", phase="after"),
        ],
        "measures": [
            Measure(name="efficacy", scale="interview_self_efficacy", waves=("t0", "t1")),
            Measure(name="usefulness", scale="feedback_usefulness", waves=("t1",), asked_of=("feedback",)),
            Measure(name="liking", kind="rating", range=(1.0, 7.0), waves=("t1",)),
            Measure(name="mood", kind="continuous", waves=("t1",)),
            Measure(name="applied", kind="binary", levels={"no": "No", "yes": "Yes"}, waves=("t1",)),
            Measure(name="hours", kind="count", waves=("t1",)),
            Measure(name="grade", kind="ordinal", levels={"low": "L", "mid": "M", "high": "H"}, waves=("t1",)),
            Measure(
                name="check",
                kind="nominal",
                levels={"a": "A", "b": "B", "c": "C"},
                role="attention_check",
                passes="b",
                waves=("t0",),
            ),
        ],
        "conduct": Conduct(population="panel", realism="hypothetical"),
    }
    return Study(**{**given, **changes})


@pytest.fixture
def study() -> Study:
    return small_study()


@pytest.fixture
def variant():
    """The same study with some fields changed."""
    return small_study
