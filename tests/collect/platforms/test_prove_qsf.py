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


def expressions(field, values, operator="EqualTo"):
    """Return one set of logic as Qualtrics writes it, with its own spelling of the word between expressions."""
    made = {"Type": "If"}
    for i, value in enumerate(values):
        made[str(i)] = {"LogicType": "EmbeddedField", "LeftOperand": field, "Operator": operator, "Type": "Expression"}
        made[str(i)] |= {"RightOperand": value} | ({"Conjuction": "Or"} if i else {})
    return made


def logic(shown):
    """Return display logic as Qualtrics writes it: a set of cells, and a set for the exemplar."""
    made = {"0": expressions("fs_cond", shown.cells), "Type": "BooleanExpression", "inPage": False}
    if shown.exemplar:
        made["1"] = expressions("fs_exemplar", [shown.exemplar]) | {"Type": "AndIf"}
    return made


def written(text):
    """Return a text without the marks that stand for words which the study does not declare."""
    return plain_html(text).replace("TEXT NEEDED", "Text").replace("WORDING NEEDED", "Words")


def payload(i, question):
    made = {
        "QuestionID": f"QID{i}",
        "DataExportTag": question.name,
        "QuestionText": written(question.stem),
        "QuestionType": {"text": "DB", "choice": "MC", "matrix": "Matrix", "number": "TE", "open": "TE"}[question.kind],
        "Validation": {"Settings": {"ForceResponse": "ON" if question.required else "OFF"}},
    }
    answers = {str(k): {"Display": plain_html(label)} for k, (_, label) in enumerate(question.answers, 1)}
    recodes = {str(k): code for k, (code, _) in enumerate(question.answers, 1)}
    if question.kind == "matrix":
        made |= {
            "Choices": {str(position): {"Display": written(words)} for position, _, words in question.rows},
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


def half_of(element):
    """Return an element that a random half gets: one of two, the other being empty."""
    return {
        "Type": "BlockRandomizer",
        "SubSet": 1,
        "EvenPresentation": True,
        "Flow": [element, {"Type": "Group", "Flow": []}],
    }


@pytest.fixture(scope="module")
def survey(study):
    return built(study, 1)


def built(study, number):
    """Return the file of a wave as Qualtrics exports it, once everything on the checklist was done."""
    form = questionnaire(study)[0][number]
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
    wave = {"Type": "EmbeddedData", "EmbeddedData": [{"Field": "fs_wave", "Type": "Custom", "Value": form.wave.name}]}
    flow = [data("fs_pid"), data("fs_exemplar"), wave, draw]
    shown = {made["QuestionID"]: question.shown for made, question in zip(payloads, form.questions, strict=True)}
    for block in blocks[:-1]:
        element = {"Type": "Standard", "ID": block["ID"]}
        half = shown[block["BlockElements"][0]["QuestionID"]].half
        flow.append(half_of(element) if half else element)
    trash = {"QuestionID": "QID999", "DataExportTag": "usefulness", "QuestionType": "DB", "QuestionText": "old"}
    return {
        "SurveyEntry": {"SurveyName": form.wave.name},
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
    assert "are not compared" in found["qsf.proved"].what  # the words that the study leaves to the researcher


def flow_of(made):
    return next(e for e in made["SurveyElements"] if e["Element"] == "FL")["Payload"]["Flow"]


def draw_of(made):
    return next(part for part in flow_of(made) if part["Type"] == "BlockRandomizer")


def sets(field, value):
    return {"Type": "EmbeddedData", "EmbeddedData": [{"Field": field, "Type": "Custom", "Value": value}]}


def draw(field, *values):
    parts = [sets(field, value) for value in values]
    return {"Type": "BlockRandomizer", "SubSet": "1", "EvenPresentation": True, "Flow": parts}


def set_of(tags, name="message_01", number="0"):
    """Return the expressions of one set of a question's display logic."""
    return [part for part in tags[name]["DisplayLogic"][number].values() if isinstance(part, dict)]


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
    del flow_of(made)[0]


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
        flow = flow_of(made)
        block = next(part for part in flow if part.get("ID") == "BL_1")
        place = flow.index(block)
        flow[place] = {"Type": "Branch", "BranchLogic": shown, "Flow": [block]}

    first = next(e["Payload"]["DataExportTag"] for e in survey["SurveyElements"] if e["Element"] == "SQ")
    assert first == "message_01"
    assert set(proved(survey, study, tmp_path, branched)) == {"qsf.proved"}


def wrong_cells(_, tags):
    named = {part["RightOperand"] for part in set_of(tags)}
    wrong = [cell.key for cell in fs.Study.load(fs.template_folder("second-chance")).crossing.cells()]
    tags["message_01"]["DisplayLogic"]["0"] = expressions("fs_cond", [key for key in wrong if key not in named])


def not_equal(_, tags):
    for part in set_of(tags):
        part["Operator"] = "NotEqualTo"


def joined_by_and(_, tags):
    set_of(tags)[1]["Conjuction"] = "And"


def sets_joined_by_or(_, tags):
    tags["message_01"]["DisplayLogic"]["1"]["Type"] = "OrIf"


def other_exemplar(_, tags):
    set_of(tags, number="1")[0]["RightOperand"] = "advisor_b"


def no_exemplar(_, tags):
    del tags["message_01"]["DisplayLogic"]["1"]


def overwritten(made, _):
    flow = flow_of(made)
    flow.insert(flow.index(draw_of(made)) + 1, sets("fs_cond", "silence"))


def overwritten_at_the_end(made, _):
    flow_of(made).append(sets("fs_cond", "silence"))


def drawn_too_late(made, _):
    flow, drawn = flow_of(made), draw_of(made)
    flow.remove(drawn)
    flow.append(drawn)


def constant(made, _):
    flow = flow_of(made)
    flow[flow.index(draw_of(made))] = sets("fs_cond", "silence")


def unknown_levels(made, _):
    flow = flow_of(made)
    place = flow.index(draw_of(made))
    names = fs.Study.load(fs.template_folder("second-chance")).factors.names
    flow[place : place + 1] = [sets("arm", "feedback"), *(draw(name, "wrong", "other") for name in names)]


def contradicting_factor(made, _):
    flow_of(made).insert(0, draw("timing", "same_day", "two_weeks"))


def unknown_cell(made, _):
    draw_of(made)["Flow"][0] = sets("fs_cond", "typo")


def unknown_exemplars(made, _):
    flow_of(made).insert(1, draw("fs_exemplar", "nonsense", "advisor_a"))


def one_exemplar(made, _):
    flow_of(made).insert(1, sets("fs_exemplar", "advisor_a"))


def messages_drawn(made, _):
    flow = flow_of(made)
    blocks = [part for part in flow if part.get("ID", "").startswith("BL_")][:3]
    flow[:] = [part for part in flow if part not in blocks]
    flow.append({"Type": "BlockRandomizer", "SubSet": "1", "EvenPresentation": True, "Flow": blocks})


def checks_for_everybody(made, _):
    flow = flow_of(made)
    half = next(part for part in flow if part["Type"] == "BlockRandomizer" and part is not draw_of(made))
    flow[flow.index(half)] = half["Flow"][0]


def ended_before(made, _):
    logic = {"0": expressions("fs_cond", ["silence"]), "Type": "BooleanExpression"}
    flow = flow_of(made)
    place = flow.index(draw_of(made)) + 1
    flow.insert(place, {"Type": "Branch", "BranchLogic": logic, "Flow": [{"Type": "EndSurvey"}]})


def block_of(made, tags, name):
    """Return the element of the flow that shows the block of a question."""
    blocks = next(e for e in made["SurveyElements"] if e["Element"] == "BL")["Payload"]
    qid = tags[name]["QuestionID"]
    found = next(b["ID"] for b in blocks if any(part.get("QuestionID") == qid for part in b["BlockElements"]))
    return next(part for part in flow_of(made) if part.get("ID") == found)


def asked_before_the_message(made, tags):
    flow, block = flow_of(made), block_of(made, tags, "usefulness")
    flow.remove(block)
    flow.insert(flow.index(draw_of(made)) + 1, block)


def shuffled_with_the_message(made, tags):
    flow = flow_of(made)
    parts = [block_of(made, tags, name) for name in ("message_01", "usefulness")]
    place = flow.index(parts[0])
    flow[:] = [part for part in flow if part not in parts]
    flow.insert(place, {"Type": "BlockRandomizer", "SubSet": 2, "EvenPresentation": True, "Flow": parts})


def one_more(made, **told):
    """Add a question that the study does not declare, in the block of the first message."""
    blocks = next(e for e in made["SurveyElements"] if e["Element"] == "BL")["Payload"]
    blocks[0]["BlockElements"].append({"Type": "Question", "QuestionID": "QID600"})
    payload = {"QuestionID": "QID600", "DataExportTag": "extra", "QuestionType": "DB", "QuestionText": "Hello."} | told
    made["SurveyElements"].append({"Element": "SQ", "Payload": payload})


def one_more_for_one_cell(made, _):
    shown = {"0": expressions("fs_cond", ["silence"]), "Type": "BooleanExpression"}
    one_more(made, DisplayLogic=shown)


def the_message_again(made, tags):
    one_more(made, QuestionText=tags["message_01"]["QuestionText"])


def several_answers(_, tags):
    tags["usefulness"]["SubSelector"] = "MultipleAnswer"


def other_item(_, tags):
    tags["usefulness"]["Choices"]["2"]["Display"] = "I slept well last night, and breakfast was good."


def items_swapped(_, tags):
    rows = tags["usefulness"]["Choices"]
    rows["1"], rows["2"] = rows["2"], rows["1"]


def other_digits(_, tags):
    tags["usefulness"]["RecodeValues"]["3"] = "\u0663"


def item_not_on_the_screen(_, tags):
    tags["usefulness"]["ChoiceOrder"].remove("2")


def answer_not_on_the_screen(_, tags):
    tags["usefulness"]["AnswerOrder"].remove("2")


def other_instruction(_, tags):
    tags["usefulness"]["QuestionText"] = "Think of your last holiday."


def number_on_another_code(_, tags):
    numbered = next(t for t in tags.values() if any(a.get("Display") == "9" for a in t.get("Answers", {}).values()))
    next(a for a in numbered["Answers"].values() if a["Display"] == "9")["Display"] = "3"


def same_id(made, _):
    flow_of(made)[0] = sets("fs_pid", "p1")


def other_wave(made, _):
    flow_of(made).append(sets("fs_wave", "t2"))


def marked(_, tags):
    tags["told_decision_only"]["QuestionText"] = "[TEXT NEEDED for the arm decision_only]"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (wrong_cells, "qsf.shown_otherwise"),
        (not_equal, "qsf.shown_otherwise"),
        (joined_by_and, "qsf.shown_otherwise"),
        (sets_joined_by_or, "qsf.shown_otherwise"),
        (other_exemplar, "qsf.shown_otherwise"),
        (no_exemplar, "qsf.shown_otherwise"),
        (overwritten, "qsf.randomiser_cells"),
        (overwritten_at_the_end, "qsf.randomiser_cells"),
        (drawn_too_late, "qsf.shown_otherwise"),
        (constant, "qsf.randomiser_cells"),
        (unknown_levels, "qsf.randomiser_cells"),
        (contradicting_factor, "qsf.randomiser_cells"),
        (unknown_cell, "qsf.randomiser_cells"),
        (unknown_exemplars, "qsf.exemplars"),
        (one_exemplar, "qsf.exemplars"),
        (messages_drawn, "qsf.shown_otherwise"),
        (checks_for_everybody, "qsf.shown_otherwise"),
        (ended_before, "qsf.shown_otherwise"),
        (asked_before_the_message, "qsf.order"),
        (shuffled_with_the_message, "qsf.order"),
        (one_more_for_one_cell, "qsf.undeclared_differs"),
        (the_message_again, "qsf.text_twice"),
        (several_answers, "qsf.several_answers"),
        (other_item, "collect.wording_differs"),
        (items_swapped, "collect.wording_differs"),
        (other_digits, "qsf.codes_differ"),
        (item_not_on_the_screen, "qsf.item_absent"),
        (answer_not_on_the_screen, "qsf.codes_differ"),
        (other_instruction, "collect.wording_differs"),
        (number_on_another_code, "qsf.recode_turned"),
        (same_id, "qsf.id_constant"),
        (other_wave, "qsf.other_wave"),
        (marked, "qsf.words_needed"),
    ],
)
def test_no_survey_is_proved_that_shows_or_records_something_else(change, code, survey, study, tmp_path):
    # When: the file of a correct survey is changed in one place
    found = proved(survey, study, tmp_path, lambda made, tags: change(made, tags))

    # Then: the error says what, where, why and how to mend it, and nothing is proved
    assert code in found, list(found)
    assert found[code].severity == "error"
    assert "qsf.proved" not in found
    assert all((issue.what, issue.where, issue.why, issue.fix) for issue in found.values())


def unknown_operator(_, tags):
    set_of(tags)[0]["Operator"] = "MatchesRegex"


def no_word_between(_, tags):
    del set_of(tags)[1]["Conjuction"]


def of_an_answer(_, tags):
    leaf = {"LogicType": "Question", "LeftOperand": "q://QID7/SelectableChoice/1", "Operator": "Selected"}
    tags["message_01"]["DisplayLogic"]["0"] = {"0": leaf, "Type": "If"}


def of_an_unknown_field(_, tags):
    tags["message_01"]["DisplayLogic"]["0"] = expressions("mood", ["good"])


def piped(_, tags):
    set_of(tags)[0]["RightOperand"] = "${e://Field/other}"


def of_unknown_form(_, tags):
    tags["message_01"]["DisplayLogic"] = {"Type": "BooleanExpression", "something": "else"}


def web_service(made, _):
    flow_of(made).insert(0, {"Type": "WebService", "URL": "https://example.org"})


def piped_condition(made, _):
    flow = flow_of(made)
    flow[flow.index(draw_of(made))] = sets("fs_cond", "${rand://int/1:10}")


def strange_subset(made, _):
    draw_of(made)["SubSet"] = "some"


def script(_, tags):
    tags["message_01"]["QuestionJS"] = "Qualtrics.SurveyEngine.addOnload(function(){ jQuery('#x').hide(); });"


def script_elsewhere(_, tags):
    tags["usefulness"]["QuestionJS"] = "Qualtrics.SurveyEngine.setEmbeddedData('fs_cond', 'silence');"


def hidden_row(_, tags):
    tags["usefulness"]["Choices"]["2"]["DisplayLogic"] = {"0": expressions("fs_cond", ["silence"])}


def random_questions(made, _):
    blocks = next(e for e in made["SurveyElements"] if e["Element"] == "BL")["Payload"]
    blocks[0]["Options"] = {"RandomizeQuestions": "Advanced"}


def loop(made, _):
    blocks = next(e for e in made["SurveyElements"] if e["Element"] == "BL")["Payload"]
    blocks[0]["Options"] = {"Looping": "Static"}


def skip(made, _):
    blocks = next(e for e in made["SurveyElements"] if e["Element"] == "BL")["Payload"]
    told = {"ChoiceLocator": "q://QID3/SelectableChoice/1", "Condition": "Selected", "SkipToDestination": "ENDOFBLOCK"}
    blocks[2]["BlockElements"][0]["SkipLogic"] = [told]


def ended_by_an_answer(made, _):
    leaf = {"LogicType": "Question", "LeftOperand": "q://QID30/SelectableChoice/1", "Operator": "Selected"}
    logic = {"0": {"0": leaf, "Type": "If"}, "Type": "BooleanExpression"}
    flow_of(made).append({"Type": "Branch", "BranchLogic": logic, "Flow": [{"Type": "EndSurvey"}]})


def no_such_block(made, _):
    flow_of(made).append({"Type": "Standard", "ID": "BL_elsewhere"})


def script_before(made, _):
    blocks = next(e for e in made["SurveyElements"] if e["Element"] == "BL")["Payload"]
    blocks[0]["BlockElements"].insert(0, {"Type": "Question", "QuestionID": "QID500"})
    told = {"QuestionID": "QID500", "DataExportTag": "hello", "QuestionType": "DB", "QuestionText": "Welcome."}
    script = {"QuestionJS": "Qualtrics.SurveyEngine.setEmbeddedData('fs_cond', 'silence');"}
    made["SurveyElements"].append({"Element": "SQ", "Payload": told | script})


def script_everywhere(made, _):
    made["SurveyElements"].append({"Element": "SO", "Payload": {"Header": "<script src='x.js'></script>"}})


@pytest.mark.parametrize(
    "change",
    [
        unknown_operator, no_word_between, of_an_answer, of_an_unknown_field, piped, of_unknown_form, web_service,
        piped_condition, strange_subset, script, script_elsewhere, hidden_row, random_questions, loop, skip,
        ended_by_an_answer, no_such_block, script_before, script_everywhere,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_proven(change, survey, study, tmp_path):
    found = proved(survey, study, tmp_path, lambda made, tags: change(made, tags))

    assert "qsf.not_proven" in found, list(found)
    assert found["qsf.not_proven"].severity == "error"
    assert found["qsf.not_proven"].what.startswith("not proven: ")
    assert "qsf.proved" not in found


def test_a_file_without_a_survey_flow_proves_nothing(survey, study, tmp_path):
    path = tmp_path / "survey.qsf"
    elements = [e for e in survey["SurveyElements"] if e["Element"] != "FL"]
    path.write_text(json.dumps({**survey, "SurveyElements": elements}), encoding="utf-8")

    assert "qsf.not_proven" in {issue.code for issue in prove_qsf(path, study, occasion="t1")}


def test_labels_that_the_study_does_not_know_are_not_proven(survey, study, tmp_path):
    def reworded(_, tags):
        tags["usefulness"]["Answers"]["2"]["Display"] = "Stimme eher nicht zu"

    found = proved(survey, study, tmp_path, reworded)

    assert set(found) == {"qsf.label_differs"}
    assert found["qsf.label_differs"].what.startswith("not proven: ")


def test_a_question_besides_that_everybody_sees_is_named(survey, study, tmp_path):
    found = proved(survey, study, tmp_path, lambda made, _: one_more(made))

    assert set(found) == {"qsf.proved", "qsf.undeclared"}
    assert "extra" in found["qsf.undeclared"].what


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("template", ["second-chance", "field-3wave"])
def test_every_wave_of_a_study_can_be_proved(template, number, tmp_path):
    declared = fs.Study.load(fs.template_folder(template))

    found = proved(built(declared, number), declared, tmp_path, lambda made, _: from_the_link(made, _))

    assert {"qsf.proved", "qsf.no_randomiser"} == set(found), list(map(str, found.values()))


def test_stories_that_vary_within_people_are_not_proven(tmp_path):
    told = fs.Study.load(fs.template_folder("vignette-2x2x2")).to_data()
    factors = [{**factor, "varies": "within"} for factor in told["factors"]]
    declared = fs.Study.model_validate({**told, "factors": factors})

    found = proved(built(declared, 1), declared, tmp_path)

    assert "which story" in found["qsf.not_proven"].what
    assert "qsf.proved" not in found


def from_the_link(made, _):
    flow = flow_of(made)
    flow[flow.index(draw_of(made))] = data("fs_cond")


def by_factors(made, _):
    """Draw arm and levels one by one, with branches around the levels, as a survey without keys does."""
    study = fs.Study.load(fs.template_folder("second-chance"))
    flow = flow_of(made)
    place = flow.index(draw_of(made))
    drawn = [sets(f"d_{cell.key}", "1") for cell in study.crossing.cells()]
    for element, cell in zip(drawn, study.crossing.cells(), strict=True):
        told = {"arm": cell.arm, **dict(cell.levels), "fs_cond": cell.key}
        element["EmbeddedData"] = [{"Field": name, "Type": "Custom", "Value": value} for name, value in told.items()]
    flow[place] = {"Type": "BlockRandomizer", "SubSet": 1, "EvenPresentation": True, "Flow": drawn}


def drawn_where_the_link_brings_nothing(made, _):
    flow = flow_of(made)
    empty = {"0": {"0": {"LogicType": "EmbeddedField", "LeftOperand": "fs_cond", "Operator": "Empty"}, "Type": "If"}}
    drawn = draw_of(made)
    flow[flow.index(drawn)] = {"Type": "Branch", "BranchLogic": empty, "Flow": [drawn]}
    flow.insert(0, data("fs_cond"))


def exemplars_drawn(made, _):
    flow_of(made).insert(1, draw("fs_exemplar", "advisor_a", "advisor_b", "advisor_c"))


def grouped_and_shuffled(made, _):
    flow = flow_of(made)
    messages = [part for part in flow if part.get("ID", "").startswith("BL_")][:4]
    flow[:] = [part for part in flow if part not in messages]
    shuffled = {"Type": "BlockRandomizer", "SubSet": "", "EvenPresentation": False, "Flow": messages}
    flow.insert(flow.index(draw_of(made)) + 1, {"Type": "Group", "Flow": [shuffled]})


def empty_script(_, tags):
    tags["message_01"]["QuestionJS"] = (
        "Qualtrics.SurveyEngine.addOnload(function()\n{\n\t/*Place your JavaScript here*/\n\n});\n"
    )


@pytest.mark.parametrize(
    "change",
    [from_the_link, by_factors, drawn_where_the_link_brings_nothing, exemplars_drawn, grouped_and_shuffled,
     empty_script],
)  # fmt: skip
def test_other_ways_of_building_the_same_survey_are_proved(change, survey, study, tmp_path):
    found = proved(survey, study, tmp_path, change)

    assert {"qsf.proved"} <= set(found) <= {"qsf.proved", "qsf.no_randomiser"}, list(map(str, found.values()))


def test_the_consent_of_the_first_wave_may_end_the_survey(study, tmp_path):
    form = questionnaire(study)[0][0]
    payloads = [payload(i, question) for i, question in enumerate(form.questions, 1)]
    consent = next(p for p in payloads if p["DataExportTag"] == "consent")
    refused = next(key for key, code in consent["RecodeValues"].items() if code == "0")
    blocks = [
        {"Type": "Standard", "ID": f"BL_{i}", "BlockElements": [{"Type": "Question", "QuestionID": p["QuestionID"]}]}
        for i, p in enumerate(payloads, 1)
    ]
    locator = f"q://{consent['QuestionID']}/SelectableChoice/{refused}"
    leaf = {"LogicType": "Question", "LeftOperand": locator, "ChoiceLocator": locator, "Operator": "Selected"}
    logic = {"0": {"0": leaf, "Type": "If"}, "Type": "BooleanExpression"}
    first, *rest = ({"Type": "Block", "ID": block["ID"]} for block in blocks)
    end = {"Type": "Branch", "BranchLogic": logic, "Flow": [{"Type": "EndSurvey"}]}
    flow = [data("fs_pid"), data("fs_cond"), data("fs_exemplar"), sets("fs_wave", "t0"), first, end, *rest]
    made = {
        "SurveyEntry": {"SurveyName": "t0"},
        "SurveyElements": [
            {"Element": "BL", "Payload": {str(i): block for i, block in enumerate(blocks)}},
            {"Element": "FL", "Payload": {"Type": "Root", "Flow": flow}},
            *({"Element": "SQ", "Payload": p} for p in payloads),
        ],
    }
    assert form.questions[0].name == "consent"

    assert "qsf.proved" in proved(made, study, tmp_path)
    leaf["Operator"] = "NotSelected"  # now it ends for those who agree
    assert "qsf.shown_otherwise" in proved(made, study, tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"SurveyElements": 3}', "[" * 100_000, '{"SurveyElements": [1, null]}']
)
def test_other_files_are_refused(text, study, tmp_path):
    path = tmp_path / "x.qsf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((FileFormatError, DataError)):
        prove_qsf(path, study)
