"""What reading makes of people, waves, conditions and consent."""

import re

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.collect.reading import inspect, read
from feedbackstudy.errors import DataError, InputError
from feedbackstudy.frames import MissingReason

STUDY = {
    "title": "Small",
    "factors": [{"name": "timing", "mode": "enacted", "levels": {"soon": "Soon", "late": "Late"}}],
    "arms": [{"name": "silence", "told": "nothing"}],
    "units": [{"name": "site"}, {"name": "person", "nested_in": "site"}],
    "covariates": [{"name": "age", "kind": "continuous", "known_from": "t0"}],
    "waves": [
        {"name": "t0", "anchor": "interview", "phase": "before"},
        {"name": "t1", "anchor": "feedback", "phase": "after"},
    ],
    "measures": [
        {"name": "useful", "scale": "feedback_usefulness", "waves": ["t1"], "asked_of": ["feedback"]},
        {"name": "mood", "kind": "rating", "range": [0, 10], "waves": ["t0", "t1"]},
        {"name": "open", "scale": "hypothesis_awareness", "waves": ["t1"]},
    ],
    "conduct": {"population": "students", "realism": "enacted"},
}
T0 = """participant,fs_cond,site,age,mood,consent,duration_seconds
007,soon,s1,31.5,4,"Yes, I agree",120
p2,silence,s1,40,5,1,-3
p3,late,s2,22,6,0,90
"""
T1 = """fs_pid,useful_1,useful_2,useful_3,mood,open_1,open_2,open_3,duration_seconds
007,5,6,2,3,1,2,Was it about Jane Planted?,100
p2,,,,5,1,,,100
p9,5,6,2,3,1,2,,100
"""


@pytest.fixture(scope="module")
def study():
    return fs.Study.from_data(STUDY)


@pytest.fixture
def files(tmp_path):
    for name, text in (("t0", T0), ("t1", T1)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return {name: tmp_path / f"{name}.csv" for name in ("t0", "t1")}


def test_what_is_known_at_one_wave_holds_at_all(study, files):
    found = inspect(files, study)
    frame = found.responses.frame
    assert list(zip(frame["participant"], frame["occasion"], strict=True)) == [
        ("007", "t0"),
        ("007", "t1"),
        ("p2", "t0"),
        ("p2", "t1"),
        ("p3", "t0"),
    ]
    assert list(frame["arm"]) == ["feedback", "feedback", "silence", "silence", "feedback"]
    assert list(frame["timing"].fillna("-")) == ["soon", "soon", "-", "-", "late"]
    assert list(frame["age"]) == [31.5, 31.5, 40, 40, 22]
    assert list(frame["site"]) == ["s1", "s1", "s1", "s1", "s2"]


def test_the_reason_of_an_empty_cell_follows_the_design(study, files):
    responses = inspect(files, study).responses
    asked = dict(
        zip(
            map(tuple, responses.frame[["participant", "occasion"]].to_numpy()),
            responses.reason("useful_1"),
            strict=True,
        )
    )
    assert asked[("007", "t0")] == MissingReason.NOT_ASKED
    assert asked[("p2", "t1")] == MissingReason.NOT_ASKED
    assert asked[("007", "t1")] == MissingReason.ANSWERED
    p2 = (responses.column("participant") == "p2") & (responses.column("occasion") == "t1")
    assert responses.reason("open_2")[p2.to_numpy()] == [MissingReason.SKIPPED]


def test_people_without_condition_are_left_out_by_name(study, files):
    found = inspect(files, study)
    excluded = found.responses.ledger.excluded
    assert excluded == (("collect.not_randomised", "p9", "t1"),)
    codes = {issue.code: issue for issue in found.issues}
    assert codes["collect.wave_unmatched"].who == ("p9",)
    assert codes["collect.odd_duration"].who == ("p2",)
    assert next(iter(found.responses.ledger)).n_before == 6
    assert len(found.responses) == 5


def test_everybody_of_one_wave_only_is_listed_wave_by_wave(study, tmp_path):
    head0, head1 = T0.splitlines()[0], T1.splitlines()[0]
    line0, line1 = T0.splitlines()[1], T1.splitlines()[1]
    first = [line0.replace("007", f"p{i:02d}") for i in range(40)]
    later = [line1.replace("007", f"P{i:02d}" if i < 5 else f"p{i:02d}") for i in [*range(5), *range(20, 70)]]
    for name, lines in (("t0", [head0, *first]), ("t1", [head1, *later])):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    found = inspect({name: tmp_path / f"{name}.csv" for name in ("t0", "t1")}, study)

    (match,) = found.waves
    assert (match.wave, match.first, match.matched) == ("t1", "t0", 20)
    assert match.unmatched == (*(f"P{i:02d}" for i in range(5)), *(f"p{i:02d}" for i in range(40, 70)))
    assert match.stayed_away == tuple(f"p{i:02d}" for i in range(20))
    issues = {issue.code: issue for issue in found.issues}
    assert issues["collect.wave_unmatched"].what == (
        "35 people answered t1 but not t0. 5 of them match when case is ignored."
    )
    assert len(issues["collect.wave_unmatched"].who) == 10
    assert issues["collect.waves_matched"].what.startswith("Of 40 people at t0 there came back: 20 at t1.")
    assert found.to_dict()["waves"][0]["stayed_away"] == match.stayed_away
    hidden = inspect(
        {name: tmp_path / f"{name}.csv" for name in ("t0", "t1")}, study, pseudonym=lambda text: "x" + text[::-1]
    )
    assert set(hidden.waves[0].stayed_away) == {"x" + who[::-1] for who in match.stayed_away}


def test_consent_is_taken_over_in_codes_and_erased_by_its_verb(study, files):
    responses = inspect(files, study).responses
    assert list(responses.frame["consent"].fillna("-")) == ["1", "-", "1", "-", "0"]
    assert fs.collect.without_consent(responses)["consent"] == {"p3"}


def test_open_answers_come_only_when_asked_for_and_never_into_messages(study, files):
    found = inspect(files, study)
    assert "open_3" not in found.responses.items
    with_text = inspect(files, study, open_answers=True)
    assert "Jane Planted" in list(with_text.responses.frame["open_3"].fillna(""))[1]
    shown = (
        str(found) + found._repr_html_() + str(with_text) + str(with_text.audit.to_dict()) + str(with_text.responses)
    )
    assert "Jane Planted" not in shown


def test_waves_side_by_side_in_one_file(study, tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(
        "participant,fs_cond,site,age,t0_mood,t1_mood,t1_useful_1,t1_useful_2,t1_useful_3,open_1_t1,open_2_t1\n"
        "a,soon,s1,30,1,2,5,6,2,1,1\nb,late,s1,31,3,,,,,,\n",
        encoding="utf-8",
    )
    found = inspect({"t0": path, "t1": path}, study)
    assert not found.issues.errors, list(map(str, found.issues.errors))
    frame = found.responses.frame
    assert list(zip(frame["participant"], frame["occasion"], frame["mood"], strict=True)) == [
        ("a", "t0", 1.0),
        ("a", "t1", 2.0),
        ("b", "t0", 3.0),
    ]
    assert ("collect.absent_wave", "b", "t1") in found.responses.ledger.excluded


def test_an_allocation_of_ours_gives_the_condition(tmp_path):
    study = fs.Study.load(fs.template_folder("vignette-2x2x2"))
    allocation = fs.assign(study, seed=1)
    assigned = allocation.frame.head(3)
    columns = ["participant", *(f"gse_{i}" for i in ())]
    path = tmp_path / "t0.csv"
    path.write_text(
        "\n".join([",".join([*columns, "interviews_so_far"]), *(f"{who},1" for who in assigned["participant"])]),
        encoding="utf-8",
    )
    asked = [m.name for m in study.measures if "t0" in m.waves]
    found = inspect(path, study, occasion="t0", allocation=allocation, not_fielded=asked)
    assert list(found.responses.frame["timing"]) == list(assigned["timing"])


def test_pseudonyms_stand_everywhere_instead_of_ids(study, files):
    found = inspect(files, study, pseudonym=lambda text: f"code-{len(text)}{text[-1]}")
    text = str(found) + str(found.responses) + str(found.responses.ledger.frame())
    assert "p9" not in text
    assert "code-29" in text


def test_errors_are_raised_together_and_name_what_to_do(study, files):
    files["t1"].write_text(T1.replace("5,6,2,3,1,2,Was", "55,6,2,3,1,x,Was"), encoding="utf-8")
    with pytest.raises(DataError, match="2 errors") as caught:
        read(files, study)
    assert "outside 1 to 7" in str(caught.value)
    assert "labels={" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"platfrom": "qualtrics"}, "platform"),
        ({"platform": "redcap"}, "qualtrics"),
        ({"duplicates": "best"}, "most_complete"),
        ({"missing": {-99: "unknown"}}, "user_missing"),
        ({"decimal": ",", "thousands": ","}, "same mark"),
        ({"columns": {"nowhere": "mood"}}, "nowhere"),
        ({"columns": {"mood": "moood"}}, "mood"),
        ({"occasion": "t7"}, "t1"),
        ({"not_fielded": ["uesful"]}, "useful"),
        ({"encoding": "utf-7"}, "cp1252"),
    ],
)
def test_what_is_said_about_a_file_is_checked(options, words, study, files):
    with pytest.raises(InputError, match=words):
        read(files["t0"], study, **{"occasion": "t0", **options})


def test_several_waves_in_a_file_need_a_name(study, files):
    with pytest.raises(DataError, match="occasion='t0'"):
        read(files["t0"], study)


def test_the_audit_lists_every_text_with_its_value(study, files):
    audit = inspect(files, study).audit
    useful = audit[audit["column"] == "useful_1"]
    assert dict(zip(useful["text"], useful["cells"], strict=True)) == {"5": 2, "": 1}
    assert useful.loc[useful["text"] == "5", "value"].item() == 5.0
    assert isinstance(audit, pd.DataFrame)


def twice(study_data, tmp_path, **options):
    lines = T0.splitlines()
    path = tmp_path / "t0.csv"
    path.write_text("\n".join([*lines, lines[1].replace(",4,", ",9,")]) + "\n", encoding="utf-8")
    return inspect(path, fs.Study.from_data(study_data), occasion="t0", **options)


@pytest.mark.parametrize(("rule", "mood"), [("first", 4), ("last", 9), ("most_complete", 4)])
def test_which_of_two_answers_counts_is_declared_in_the_plan(tmp_path, rule, mood):
    found = twice({**STUDY, "plan": {"duplicates": rule}}, tmp_path)

    answers = found.responses.frame.set_index("participant")["mood"]
    assert answers["007"] == mood
    issue = next(issue for issue in found.issues if issue.code == "collect.duplicates")
    assert issue.what == (
        "1 time a participant answered the same occasion more than once (2 responses). By the rule "
        f"'{rule}' of the plan, 1 was left out."
    )
    assert "no plan" not in issue.fix


def test_a_rule_given_when_reading_is_told_from_the_rule_of_the_plan(tmp_path):
    undeclared = twice(STUDY, tmp_path)
    given = twice(STUDY, tmp_path, duplicates="last")
    other = twice({**STUDY, "plan": {"duplicates": "first"}}, tmp_path, duplicates="last")

    (error,) = undeclared.issues.errors[:1]
    assert error.code == "collect.duplicate_person"
    assert "Declare the rule in the plan" in error.fix
    assert "no plan declared it" in next(i for i in given.issues if i.code == "collect.duplicates").fix
    assert [i.severity for i in other.issues if i.code == "collect.duplicates_not_as_planned"] == ["warning"]
    assert other.responses.frame.set_index("participant")["mood"]["007"] == 9


def test_the_rule_for_duplicates_is_part_of_the_plan_and_keeps_old_hashes():
    plain, ruled = fs.Study.from_data(STUDY), fs.Study.from_data({**STUDY, "plan": {"duplicates": "first"}})

    assert plain.design_hash != ruled.design_hash
    assert "duplicates" not in str(plain.to_data())
    assert "the first counts" in str(ruled)
    assert "answered an occasion more than once: the first counts" in str(fs.report.preregistration(ruled))
    with pytest.raises(InputError, match="duplicates"):
        fs.Study.from_data({**STUDY, "plan": {"duplicates": "some"}})


def test_one_is_said_in_the_singular(study, tmp_path):
    path = tmp_path / "t0.csv"
    path.write_text(T0.replace("p3,late,s2,22,6", "p3,later,s2,22,66"), encoding="utf-8")

    said = " ".join(issue.what for issue in inspect(path, study, occasion="t0").issues)

    assert "1 cell of mood outside 0 to 10" in said
    assert "It stands in 1 row" in said
    assert re.search(r"\b1 (people|rows|cells|responses|questionnaires|columns|ids|times)\b", said) is None
