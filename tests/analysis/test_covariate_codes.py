"""Binary and ordinal covariates arrive as codes and enter as numbers."""

from dataclasses import replace

import numpy as np
import pytest

import feedbackstudy as fs
from feedbackstudy.design.factors import Covariate
from feedbackstudy.design.plan import Plan
from feedbackstudy.frames import Scores
from feedbackstudy.named import Fixed
from feedbackstudy.scales.measure import Measure
from feedbackstudy.study import Study
from tests.power.test_diagnosis import MAIN, hypothesis, study_of

_MOOD = Measure(name="mood", kind="continuous", waves=("t1",))
_COVARIATES = (
    Covariate(name="first_job", kind="binary", levels=Fixed({"no": "No", "yes": "Yes"})),
    Covariate(name="retained", kind="binary"),
    Covariate(name="schooling", kind="ordinal", levels=Fixed({"1": "School", "3": "Bachelor", "7": "Master"})),
    Covariate(name="rank", kind="ordinal", levels=Fixed({"junior": "Junior", "middle": "Middle", "senior": "Senior"})),
)
_NUMBERS = {
    "first_job": {"no": 0, "yes": 1},
    "retained": {"0": 0, "1": 1},
    "schooling": {"1": 1, "3": 3, "7": 7},
    "rank": {"junior": 1, "middle": 2, "senior": 3},
}


def _study(covariate: str) -> Study:
    asked = hypothesis("h1", MAIN, occasion="t1", sesoi=None)
    return study_of(
        80, [asked], measures=[_MOOD], covariates=_COVARIATES, plan=Plan.model_validate({"covariates": [covariate]})
    )


def _scores(study: Study) -> Scores:
    return fs.score(fs.simulate(study, fs.World(), seed=4), study.measures)


@pytest.mark.parametrize("covariate", sorted(_NUMBERS))
def test_codes_enter_as_the_numbers_they_name(covariate: str) -> None:
    study = _study(covariate)
    scores = _scores(study)
    (row,) = fs.analyse(scores, study, engine="frequentist").rows
    frame = scores.frame.query("occasion == 't1'").dropna(subset=["mood"])
    x = frame[covariate].astype("str").map(_NUMBERS[covariate]).to_numpy(np.float64)
    cells = frame["timing"].astype("str") + frame["detail"].astype("str")
    design = np.column_stack([*[(cells == cell) for cell in sorted(set(cells))], x]).astype(np.float64)
    fitted = np.linalg.lstsq(design, frame["mood"].to_numpy(np.float64), rcond=None)[0]
    timing = frame.groupby(cells)["timing"].first().astype("str").to_numpy()
    first = next(iter(study.factors["timing"].levels))
    by_hand = fitted[:-1] @ np.where(timing == first, 0.5, -0.5)
    assert abs(row.estimate) == pytest.approx(abs(by_hand), rel=1e-10)


def test_a_code_that_is_not_declared_is_named() -> None:
    study = _study("first_job")
    scores = _scores(study)
    frame = scores.frame.assign(first_job=scores.frame["first_job"].astype("str").replace("yes", "perhaps"))
    found = fs.analyse(replace(scores, _frame=frame), study, engine="frequentist")
    assert not found.rows
    (issue,) = [each for each in found.issues if "h1" in each.what]
    assert "'perhaps'" in issue.what
    assert "no, yes" in issue.what + issue.fix
