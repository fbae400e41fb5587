"""A Qualtrics survey file is proved against the study; every way in which it can depart is named."""

import copy
import json

import pytest

import feedbackstudy as fs
from feedbackstudy.collect.platforms.prove_qsf import prove_qsf
from feedbackstudy.collect.platforms.qualtrics_survey import plain_html
from feedbackstudy.collect.platforms.questionnaire import questionnaire
from feedbackstudy.errors import DataError, FileFormatError


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(fs.template_folder("second-chance"))


def logic(shown):
    """Return display logic as Qualtrics writes it: one expression a value, joined by Or."""
    values = [("fs_cond", key) for key in shown.cells] + ([("fs_exemplar", shown.exemplar)] if shown.exemplar else [])
    return {
        "0": {
            str(i): {"LogicType": "EmbeddedField", "LeftOperand": name, "Operator": "EqualTo", "RightOperand": value}
            for i, (name, value) in enumerate(values)
        },
        "Type": "BooleanExpression",
    }


def payload(i, question):
    made = {
        "QuestionID": f"QID{i}",
        "DataExportTag": question.name,
        "QuestionText": plain_html(question.stem),
        "QuestionType": {"text": "DB", "choice": "MC", "matrix": "Matrix", "number": "TE", "open": "TE"}[question.kind],
        "Validation": {"Settings": {"ForceResponse": "ON" if question.required else "OFF"}},
    }
    answers = {str(k): {"Display": plain_html(label)} for k, (_, label) in enumerate(question.answers, 1)}
    recodes = {str(k): code for k, (code, _) in enumerate(question.answers, 1)}
    if question.kind == "matrix":
        made |= {
            "Choices": {str(position): {"Display": plain_html(words)} for position, _, words in question.rows},
            "ChoiceOrder": [str(position) for position, _, _ in question.rows],
            "Answers": answers,
            "AnswerOrder": list(answers),
            "RecodeValues": recodes,
            "ChoiceDataExportTags": False,
        }
    elif question.answers:
        made |= {"Choices": answers, "ChoiceOrder": list(answers), "RecodeValues": recodes}
    if question.shown.cells:
        made["DisplayLogic"] = logic(question.shown)
    return made


def data(name):
    return {"Type": "EmbeddedData", "EmbeddedData": [{"Field": name, "Type": "Recipient", "Value": ""}]}


@pytest.fixture(scope="module")
def survey(study):
    """Return the file of wave t1 as Qualtrics exports it, once everything on the checklist was done."""
    form = questionnaire(study)[0][1]
    payloads = [payload(i, question) for i, question in enumerate(form.questions, 1)]
    blocks = [
        {
            "Type": "Standard",
            "ID": f"BL_{i}",
            "BlockElements": [{"Type": "Question", "QuestionID": made["QuestionID"]}],
        }
        for i, made in enumerate(payloads, 1)
    ]
    blocks.append({"Type": "Trash", "ID": "BL_0", "BlockElements": [{"Type": "Question", "QuestionID": "QID999"}]})
    draw = {
        "Type": "BlockRandomizer",
        "SubSet": "1",
        "EvenPresentation": True,
        "Flow": [
            {"Type": "EmbeddedData", "EmbeddedData": [{"Field": "fs_cond", "Type": "Custom", "Value": cell.key}]}
            for cell in study.crossing.cells()
        ],
    }
    wave = {"Type": "EmbeddedData", "EmbeddedData": [{"Field": "fs_wave", "Type": "Custom", "Value": "t1"}]}
    flow = [data("fs_pid"), data("fs_exemplar"), wave, draw]
    flow += [{"Type": "Standard", "ID": block["ID"]} for block in blocks if block["Type"] != "Trash"]
    trash = {"QuestionID": "QID999", "DataExportTag": "usefulness", "QuestionType": "DB", "QuestionText": "old"}
    return {
        "SurveyEntry": {"SurveyName": "t1"},
        "SurveyElements": [
            {"Element": "BL", "Payload": blocks},
            {"Element": "FL", "Payload": {"Type": "Root", "Flow": flow}},
            *({"Element": "SQ", "PrimaryAttribute": p["QuestionID"], "Payload": p} for p in [*payloads, trash]),
        ],
    }


def proved(survey, study, tmp_path, change=None):
    made = copy.deepcopy(survey)
    if change is not None:
        change(
            made,
            {
                e["Payload"]["DataExportTag"]: e["Payload"]
                for e in made["SurveyElements"]
                if e["Element"] == "SQ" and e["Payload"]["QuestionID"] != "QID999"
            },
        )
    path = tmp_path / "survey.qsf"
    path.write_text(json.dumps(made), encoding="utf-8")
    return {issue.code: issue for issue in reversed(prove_qsf(path, study))}


def test_the_declared_survey_is_proved(survey, study, tmp_path):
    found = proved(survey, study, tmp_path)
    assert set(found) == {"qsf.proved"}, list(map(str, found.values()))


def draw_of(made):
    flow = next(e for e in made["SurveyElements"] if e["Element"] == "FL")["Payload"]["Flow"]
    return next(part for part in flow if part["Type"] == "BlockRandomizer")


def swap_codes(_, tags):
    codes = tags["usefulness"]["RecodeValues"]
    tags["usefulness"]["RecodeValues"] = dict(zip(codes, reversed(codes.values()), strict=True))


def number_from_zero(_, tags):
    codes = tags["usefulness"]["RecodeValues"]
    tags["usefulness"]["RecodeValues"] = {key: str(int(code) - 1) for key, code in codes.items()}


def same_code(_, tags):
    tags["usefulness"]["RecodeValues"]["1"] = "2"


def drop_item(_, tags):
    del tags["usefulness"]["Choices"]["3"]


def say_not(_, tags):
    tags["usefulness"]["Choices"]["2"]["Display"] = "The message does not give me something to work with."


def same_tag(_, tags):
    tags["acceptance"]["DataExportTag"] = "usefulness"


def no_logic(_, tags):
    del tags["message_01"]["DisplayLogic"]


def other_cell(_, tags):
    tags["message_01"]["DisplayLogic"]["0"]["0"]["RightOperand"] = "silence"


def other_words(_, tags):
    tags["message_02"]["QuestionText"] += " Good luck!"


def no_message(_, tags):
    tags["message_03"]["QuestionText"] = "x"
    tags["message_03"]["DataExportTag"] = "y"


def no_id(made, _):
    flow = next(e for e in made["SurveyElements"] if e["Element"] == "FL")["Payload"]["Flow"]
    flow[:] = flow[1:]


def without_a_cell(made, _):
    draw_of(made)["Flow"].pop()


def unequal(made, _):
    draw_of(made)["Flow"].append(draw_of(made)["Flow"][0])


def two_of_them(made, _):
    draw_of(made)["SubSet"] = 2


def uneven(made, _):
    draw_of(made)["EvenPresentation"] = False


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        (swap_codes, "qsf.recode_turned", "error"),
        (number_from_zero, "qsf.codes_differ", "error"),
        (same_code, "qsf.code_twice", "error"),
        (drop_item, "qsf.item_absent", "error"),
        (say_not, "collect.wording_turned", "error"),
        (same_tag, "qsf.tag_twice", "error"),
        (no_logic, "qsf.shown_to_all", "error"),
        (other_cell, "qsf.shown_otherwise", "error"),
        (other_words, "qsf.text_differs", "error"),
        (no_message, "qsf.text_absent", "error"),
        (no_id, "qsf.not_carried", "error"),
        (without_a_cell, "qsf.randomiser_cells", "error"),
        (unequal, "qsf.randomiser_shares", "error"),
        (two_of_them, "qsf.randomiser_subset", "error"),
        (uneven, "qsf.randomiser_uneven", "warning"),
    ],
)
def test_every_departure_is_named(change, code, severity, survey, study, tmp_path):
    found = proved(survey, study, tmp_path, change)
    assert code in found, list(found)
    assert found[code].severity == severity
    assert ("qsf.proved" in found) == (severity != "error")


def test_a_branch_around_a_block_counts_as_display_logic(survey, study, tmp_path):
    def branched(made, tags):
        shown = tags["message_01"].pop("DisplayLogic")
        flow = next(e for e in made["SurveyElements"] if e["Element"] == "FL")["Payload"]["Flow"]
        block = next(part for part in flow if part.get("ID") == "BL_1")
        place = flow.index(block)
        flow[place] = {"Type": "Branch", "BranchLogic": shown, "Flow": [block]}

    first = next(e["Payload"]["DataExportTag"] for e in survey["SurveyElements"] if e["Element"] == "SQ")
    assert first == "message_01"
    assert set(proved(survey, study, tmp_path, branched)) == {"qsf.proved"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"SurveyElements": 3}', "[" * 100_000, '{"SurveyElements": [1, null]}']
)
def test_other_files_are_refused(text, study, tmp_path):
    path = tmp_path / "x.qsf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((FileFormatError, DataError)):
        prove_qsf(path, study)
