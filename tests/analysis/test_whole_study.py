"""The design of the running study, invented, scored and analysed as declared: every hypothesis, both engines."""

import pytest

import feedbackstudy as fs


@pytest.mark.slow
def test_every_hypothesis_of_the_running_study_has_both_answers_and_one_decision():
    study = fs.Study.load(fs.template_folder("second-chance"))
    scores = fs.score(fs.simulate(study, fs.World.assumed(study), seed=4), study.measures)

    found = fs.analyse(scores, study)

    engines = {name: {row.engine for row in found if row.hypothesis == name} for name in study.hypotheses.names}
    assert engines == {name: {"frequentist", "bayesian"} for name in study.hypotheses.names}
    assert [issue.code for issue in found.issues if issue.code.startswith("analysis.unanswered")] == []
    decided = [row.hypothesis for row in found if row.decision]
    assert sorted(decided) == sorted(hypothesis.name for hypothesis in study.hypotheses if hypothesis.confirmatory)
    assert all(row.agreement for row in found)
    assert all(row.fit_to_report for row in found)
