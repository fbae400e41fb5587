"""`analyse` calls confirmatory only what is not shown, and need not be feared, to have been changed after the data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feedbackstudy import report
from feedbackstudy.analysis import analyse

DAY = timedelta(days=1)


def given_on(scores, day):
    moment = day.isoformat(timespec="seconds")
    return replace(scores, provenance=replace(scores.provenance, answered_since=(moment, moment)))


@pytest.fixture
def registered(declared, tmp_path):
    return report.preregistration(declared()).write(tmp_path / "p.md")[1]


@pytest.mark.parametrize(
    ("days", "alpha", "status", "code", "said"),
    [
        (1, 0.05, "confirmatory", None, "supported."),
        (-1, 0.05, "registered after data", "analysis.registered_after_data", "so this decision confirms nothing."),
        (-1, 0.01, "amended", "analysis.amended", "is amended and not the one declared."),
        (
            1,
            0.01,
            "amended, when unknown",
            "analysis.amended_unknown",
            "is amended and not shown to be the one declared.",
        ),
    ],
)
def test_the_status_follows_the_registration_and_the_first_answer(
    days, alpha, status, code, said, declared, feedback, registered
):
    # Given: scores made with the present study, answered before or after it was registered
    study = declared(plan={"alpha": alpha, "interval_level": 1 - alpha})
    scores = given_on(feedback(study, "feedback_unbalanced", clusters=False), datetime.now(UTC) + days * DAY)

    # When
    found = analyse(scores, study, engine="frequentist", registered=registered)

    # Then
    row = next(row for row in found if row.hypothesis == "h3" and row.decides)
    assert row.status == status
    assert [issue.code for issue in found.issues if "amended" in issue.code or "regist" in issue.code] == (
        [code] if code else []
    )
    assert report.sentence(row).endswith(said)
    assert ("The plan is" in str(found)) == bool(code)


def test_scores_of_an_export_without_a_registration_are_told_so(declared, feedback):
    study = declared()
    scores = given_on(feedback(study, "feedback_unbalanced", clusters=False), datetime.now(UTC))

    assert "analysis.not_registered" in {issue.code for issue in analyse(scores, study, engine="frequentist").issues}
