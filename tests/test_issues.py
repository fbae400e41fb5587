"""Issues: sorted worst first, counted, plain data on demand, and escaped when shown."""

import dataclasses
import json

import pytest
from IPython.core.formatters import DisplayFormatter

from feedbackstudy.issues import Issue, Issues, Severity


def issue(severity: Severity, code: str = "study.test", **changes: object) -> Issue:
    facts = {"where": "study.yaml:3", "what": "Wave 7.", "why": "It is absent.", "fix": "Add it."}
    return Issue(code=code, severity=severity, **(facts | changes))


NOTE, WARNING, ERROR = issue(Severity.NOTE), issue(Severity.WARNING), issue(Severity.ERROR)


def test_issues_come_worst_first():
    assert list(Issues([NOTE, ERROR, WARNING])) == [ERROR, WARNING, NOTE]


def test_issues_of_one_severity_keep_their_order():
    first, second = issue(Severity.WARNING, "study.a"), issue(Severity.WARNING, "study.b")

    assert list(Issues([second, NOTE, first])) == [second, first, NOTE]


def test_errors_and_warnings_are_picked_out():
    found = Issues([NOTE, ERROR, WARNING])

    assert list(found.errors) == [ERROR]
    assert list(found.warnings) == [WARNING]
    assert isinstance(found[:2], Issues)
    assert found[0] is ERROR


def test_an_issue_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ERROR.what = "nothing"


def test_an_issue_says_what_where_who_why_and_how_to_fix():
    text = str(issue(Severity.ERROR, who=("p1", "p2")))

    assert text == ("ERROR study.test at study.yaml:3 (participants p1, p2): Wave 7. Why: It is absent. Fix: Add it.")


def test_an_issue_is_plain_data_for_json():
    data = json.loads(json.dumps(issue(Severity.WARNING, who=("p1",)).to_dict()))

    assert data["severity"] == "warning"
    assert data["who"] == ["p1"]
    assert set(data) == {"code", "severity", "where", "what", "why", "fix", "who"}


def test_the_page_counts_each_severity_and_lists_every_issue():
    text = str(Issues([NOTE, ERROR, ERROR]))

    assert "2 errors, 0 warnings, 1 note" in text
    assert text.count("Wave 7.") == 3


def test_ipython_shows_the_page_and_not_a_list():
    shown, _ = DisplayFormatter().format(Issues([NOTE]))

    assert shown["text/plain"] == str(Issues([NOTE]))


def test_no_issue_is_said_in_words():
    assert "Nothing found." in str(Issues())
    assert "Nothing found." in Issues()._repr_html_()


@pytest.mark.parametrize("slot", ["where", "what", "why", "fix"])
def test_markup_in_any_slot_is_shown_as_text(slot):
    page = Issues([issue(Severity.ERROR, **{slot: "<img src=x onerror=alert(1)>"})])._repr_html_()

    assert "<img" not in page
    assert "&lt;img" in page


def test_markup_in_a_participants_name_is_shown_as_text():
    assert "<b>" not in Issues([issue(Severity.NOTE, who=("<b>p</b>",))])._repr_html_()


def test_nobody_named_needs_no_column():
    nobody = Issues([Issue("a.b", Severity.NOTE, "here", "What.", "Why.", "Fix.")])

    assert "who" not in str(nobody)
    assert "who" in str(Issues([issue(Severity.WARNING, who=("p1",))]))
