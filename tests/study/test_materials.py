"""The page of a study shows how people are assigned and what they read: messages, stories, texts about taking part."""

import json
from pathlib import Path
from typing import Any

import pytest

from feedbackstudy.cli.main import main
from feedbackstudy.study import Study, template_folder
from feedbackstudy.study.texts import study_messages


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.load(template_folder("second-chance"))


def says(study: Study) -> str:
    """Return the page as text without its layout."""
    return " ".join(str(study).split())


def changed(study: Study, **changes: Any) -> Study:
    return Study.from_data({**study.to_data(), **changes})


def test_the_page_shows_the_assignment(study: Study) -> None:
    assert "complete: group sizes are fixed beforehand" in says(study)

    other = changed(
        study,
        assignment={"method": "minimisation", "by": ["class"], "randomised_by": "us", "imbalance": "variance"},
    )
    assert "minimisation (Pocock and Simon)" in says(other)
    assert "balanced on class" in says(other)


def test_the_page_shows_a_wedge_and_unequal_sizes(study: Study) -> None:
    cell = study.crossing.cells()[0].key

    assert f"{cell}: 2" in says(changed(study, assignment={"ratio": {cell: 2}}))
    assert "the survey platform" in says(changed(study, assignment={"randomised_by": "platform"}))


def test_the_page_shows_the_messages_of_one_exemplar_whole_and_what_else_differs(study: Study) -> None:
    made = study_messages(study)
    assert made is not None
    html = study.page().html()

    assert made.fingerprint in html
    assert all(m.text.split("\n")[0] in html for m in made.messages)
    first = [m for m in made.messages if m.exemplar == made.exemplars[0]]
    for message in first:
        assert message.text.split("\n\n")[1] in html
    assert "The number of words of messages differs with specificity" in says(study)


def test_the_page_names_messages_that_cannot_be_made(study: Study) -> None:
    broken = changed(study, messages={"own": "absent.yaml"})

    assert "The messages cannot be made" in says(broken)


def test_the_page_shows_stories_where_something_varies_within(study: Study) -> None:
    data: dict[str, Any] = dict(study.to_data())
    factors = [{**f, "varies": "within"} for f in data["factors"]]
    told = Study.from_data({**data, "factors": factors, "arms": [], "messages": None, "vignettes": {"per_person": 4}})

    assert "8, from timing, framing, specificity" in says(told)
    assert "each person reads 4" in says(told)
    assert "williams: Timing, Framing, Specificity" in says(told)


def test_the_page_shows_what_people_read_before_and_after(study: Study) -> None:
    text = (template_folder("second-chance") / "texts" / "debriefing.md").read_text(encoding="utf-8")

    assert " ".join(text.split())[:30] in says(study)
    assert "in the file texts/consent.md of the study folder" in says(changed(study))


def test_the_command_shows_the_study_as_text_json_and_page(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, study: Study
) -> None:
    folder = str(template_folder("second-chance"))

    assert main(["study", "show", folder]) == 0
    assert "Messages of advisor_a" in capsys.readouterr().out
    assert main(["study", "show", folder, "--json"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["design_hash"] == study.design_hash
    assert given["study"]["messages"]["family"] == "customer_advisor"
    assert main(["study", "show", folder, "--out", str(tmp_path / "study.html")]) == 0
    assert "<!doctype html>" in (tmp_path / "study.html").read_text(encoding="utf-8")


def test_showing_a_study_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["study", "show", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err
