"""The questionnaires that are written: exact recodes, who sees what, marked words, nothing that a platform misreads."""

import csv
import re

import pytest

import feedbackstudy as fs
from feedbackstudy.adapters.pyreadstat import read_sav
from feedbackstudy.collect.platforms.instrument import instrument
from feedbackstudy.collect.platforms.questionnaire import questionnaire
from feedbackstudy.collect.read_items import item_specs
from feedbackstudy.errors import InputError
from feedbackstudy.study.texts import study_messages


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(fs.template_folder("second-chance"))


def blocks(text):
    """Return tag -> (type, choices, answers) of an Advanced-Format text."""
    found = {}
    for part in re.split(r"^\[\[Block:[^\]]*\]\]\n", text, flags=re.M)[1:]:
        kind = re.search(r"\[\[Question:([^\]]+)\]\]", part).group(1)
        tag = re.search(r"\[\[ID:([^\]]+)\]\]", part).group(1)
        choices = dict(re.findall(r"\[\[Choice:([^\]]+)\]\]\n(.*)", part))
        answers = dict(re.findall(r"\[\[Answer:([^\]]+)\]\]\n(.*)", part))
        assert tag not in found
        found[tag] = (kind, choices, answers, part)
    return found


def test_every_item_of_every_wave_has_its_row_and_its_codes(study, tmp_path):
    made = instrument(study, platform="qualtrics", folder=tmp_path)
    specs = item_specs(study)
    for wave in study.waves:
        text = (tmp_path / f"qualtrics-{wave.name}.txt").read_text(encoding="utf-8")
        assert text.startswith("[[AdvancedFormat]]\n")
        found = blocks(text)
        for spec in [s for s in specs if wave.name in s.waves]:
            if spec.kind == "open" or not spec.position:
                assert spec.name in found
                continue
            kind, rows, answers, _ = found[spec.measure]
            assert kind == "Matrix"
            assert rows[str(spec.position)] == spec.text.replace("&", "&amp;")
            assert [float(code) for code in answers] == list(spec.codes)
            for code, label in spec.labels.items():
                assert answers[code] == label
    assert made.files[-1].name == "qualtrics-checklist.md"
    assert blocks((tmp_path / "qualtrics-t0.txt").read_text(encoding="utf-8"))["attention"][1] == {
        "a": "First answer",
        "b": "Second answer",
        "c": "Third answer",
    }


def test_consent_comes_first_and_debriefing_and_re_consent_last(study):
    forms, _ = questionnaire(study)
    assert forms[0].questions[0].name == "consent"
    assert forms[0].questions[0].required
    assert [q.name for q in forms[-1].questions[-2:]] == ["debriefing", "re_consent"]
    assert "interviews_so_far" in [q.name for q in forms[0].questions]


def test_every_message_is_shown_to_its_cells_only(study):
    forms, _ = questionnaire(study)
    t1 = forms[1].questions
    messages = [q for q in t1 if q.name.startswith("message_")]
    made = study_messages(study)
    assert len(messages) == len(made.messages)
    cells = [cell for cell in study.crossing.cells() if cell.arm == "feedback"]
    for cell in cells:
        for exemplar in made.exemplars:
            seen = [q for q in messages if cell.key in q.shown.cells and q.shown.exemplar == exemplar]
            assert [q.stem for q in seen] == [made.of(cell, exemplar).text]
    shown = {q.name: q.shown for q in t1}
    assert set(shown["appraisal"].cells) == {c.key for c in cells} | {"decision_only"}
    assert set(shown["usefulness"].cells) == {c.key for c in cells}
    assert shown["checks"].half
    assert shown["felt_respect"].cells == ()


def test_the_checklist_says_what_no_format_carries(study, tmp_path):
    made = instrument(study, platform="qualtrics", folder=tmp_path)
    text = made.files[-1].read_text(encoding="utf-8")
    for cell in study.crossing.cells():
        assert f"`{cell.key}`" in text
    for words in (
        "fs_pid",
        "28 days after the decision",
        "force response",
        "prove_qsf",
        study.design_hash,
        "re_consent",
    ):
        assert words in text
    cells = [f"`{c.key}`" for c in study.crossing.cells() if c.arm == "feedback"]
    assert f"`fs_cond` is one of {', '.join(cells)}; of these people, a random half" in text
    assert "feedbackstudy assign contacts" in text
    assert "export_contacts" not in text  # a function, among commands


def test_words_that_are_not_ours_are_marked(tmp_path):
    data = fs.Study.load(fs.template_folder("second-chance")).to_data()
    data["measures"] = [{"name": "gse", "scale": "gse", "waves": ["t0"]}, *data["measures"]]
    data["conduct"] |= {"consent": {"text": "I take part."}, "debriefing": {"text": "Thanks."}, "re_consent": None}
    study = fs.Study.from_data({key: value for key, value in data.items() if value is not None})
    made = instrument(study, platform="qualtrics", folder=tmp_path)
    text = (tmp_path / "qualtrics-t0.txt").read_text(encoding="utf-8")
    assert "collect.wording_needed" in {issue.code for issue in made.issues}
    assert "&#91;WORDING" in text or "[WORDING NEEDED" in text
    assert not made.fit_to_field


def test_limesurvey_reads_every_row_of_its_structure(study, tmp_path):
    instrument(study, platform="limesurvey", folder=tmp_path)
    for wave in study.waves:
        raw = (tmp_path / f"limesurvey-{wave.name}.txt").read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
        assert all(None not in row and None not in row.values() for row in rows), "every row has every cell"
        settings = {row["name"]: row["text"] for row in rows if row["class"] == "S"}
        assert {"sid", "gsid", "language", "format"} <= set(settings)
        questions = [row for row in rows if row["class"] == "Q"]
        codes = [row["name"] for row in questions]
        assert len(set(codes)) == len(codes)
        assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,19}", code) for code in codes)
        for row in rows:
            if row["class"] in {"SQ", "A", "SL"} or (row["class"] == "Q" and row["type/scale"] != "*"):
                assert "{" not in row["text"]
        answers = [row["name"] for row in rows if row["class"] == "A"]
        assert all(code.isalnum() and len(code) <= 5 for code in answers)


def test_the_template_for_spss_has_labels_and_no_case(study, tmp_path):
    made = instrument(study, platform="sav", folder=tmp_path)
    file = read_sav(made.files[0])
    assert len(file.frame) == 0
    assert file.value_labels["usefulness_1"][7.0] == "strongly agree"
    assert file.measures["usefulness_1"] == "ordinal"


def test_nothing_is_written_over(study, tmp_path):
    instrument(study, platform="qualtrics", folder=tmp_path)
    with pytest.raises(InputError, match="exists already"):
        instrument(study, platform="qualtrics", folder=tmp_path)


def test_marks_of_the_platform_in_words_stay_words(tmp_path):
    data = {
        "title": "Marks",
        "factors": [{"name": "timing", "mode": "enacted", "levels": {"soon": "Soon", "late": "Late"}}],
        "waves": [{"name": "t1", "anchor": "feedback", "phase": "after"}],
        "measures": [
            {"name": "pick", "label": "[[Choice:9]] <b>or</b> {TOKEN}\nagain", "kind": "binary", "waves": ["t1"]}
        ],
        "conduct": {"population": "students", "realism": "enacted", "consent": {"text": "[[PageBreak]]\t{x}"}},
    }
    data["measures"][0]["label"] = data["measures"][0]["label"].replace("\n", " ")
    study = fs.Study.from_data(data)
    instrument(study, platform="qualtrics", folder=tmp_path / "q")
    text = (tmp_path / "q" / "qualtrics-t1.txt").read_text(encoding="utf-8")
    assert "[[PageBreak]]" not in text
    assert list(blocks(text)["pick"][1]) == ["0", "1"]
    instrument(study, platform="limesurvey", folder=tmp_path / "l")
    lime = (tmp_path / "l" / "limesurvey-t1.txt").read_text(encoding="utf-8-sig")
    assert "{x}" not in lime
    assert "&#123;TOKEN&#125;" in lime


def test_cells_without_declared_words_get_marked_places():
    study = fs.Study.load(fs.template_folder("vignette-2x2x2"))
    forms, issues = questionnaire(study)
    cells = [cell for cell in study.crossing.cells() if cell.arm == "feedback"]
    places = [q for form in forms for q in form.questions if q.name.startswith("message_")]
    assert [q.shown.cells for q in places] == [(cell.key,) for cell in cells]
    assert all(q.stem.startswith("[TEXT NEEDED") for q in places)
    assert "collect.no_messages" in {issue.code for issue in issues}


def test_real_feedback_is_no_text_of_the_questionnaire():
    forms, issues = questionnaire(fs.Study.load(fs.template_folder("field-3wave")))
    assert not any(q.name.startswith(("message_", "told_")) for form in forms for q in form.questions)
    assert not issues


def test_several_stories_a_person_are_said_to_need_a_loop():
    data = {
        "title": "Stories",
        "factors": [
            {"name": "timing", "mode": "described", "varies": "within", "levels": {"soon": "Soon", "late": "Late"}}
        ],
        "waves": [{"name": "t1", "anchor": "feedback", "phase": "after"}],
        "measures": [{"name": "useful", "scale": "feedback_usefulness", "waves": ["t1"]}],
        "conduct": {"population": "panel", "realism": "hypothetical", "consent": {"text": "Yes."}},
    }
    _, issues = questionnaire(fs.Study.from_data(data))
    assert {i.code: str(i.severity) for i in issues}["collect.stories_once"] == "error"
