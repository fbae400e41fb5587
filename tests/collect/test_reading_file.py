"""`reading.yaml`: the options of `read` as plain data, strictly; and cures that are said in its words."""

from dataclasses import fields

import pytest

import feedbackstudy as fs
from feedbackstudy.collect.read_options import ReadOptions
from feedbackstudy.collect.reading_file import _KINDS, cure, reading_file
from feedbackstudy.errors import FileFormatError, InputError
from feedbackstudy.issues import Issues


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(fs.template_folder("second-chance"))


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "reading.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


EVERYTHING = """
platform: qualtrics
occasion: t0
participant: code
allocation: lists/contacts.csv
columns: {QID12: challenge_1}
labels:
  awareness: {"NA": -99}
  attention: {"the second": b}
missing: {77: skipped, -99: user_missing}
decimal: ","
thousands: "."
encoding: cp1252
delimiter: ";"
sheet: Sheet 1
allow_ragged: true
max_megabytes: 20
duplicates: first
same_case: true
not_fielded: [awareness]
open_answers: true
zone: Europe/Berlin
wordings: {awareness: {awareness_1: What it was about}}
"""


def test_the_file_holds_every_option_that_is_plain_data(study, written):
    path = written(EVERYTHING)
    options = reading_file(path, study)

    assert set(options) == {each.name for each in fields(ReadOptions)} - {"pseudonym"}
    made = ReadOptions(**options)
    assert made.missing == {77.0: "skipped", -99.0: "user_missing"}
    assert made.labels_of("awareness") == {"NA": "-99"}
    assert made.allocation == (path.parent / "lists" / "contacts.csv").resolve()
    assert (made.max_megabytes, made.not_fielded) == (20.0, ("awareness",))


def test_no_option_is_of_a_kind_that_the_file_does_not_know():
    assert [each.name for each in fields(ReadOptions) if each.type not in _KINDS] == ["allocation", "pseudonym"]


def test_an_empty_file_says_nothing(study, written):
    assert reading_file(written("# nothing yet\n"), study) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lables: {}", "'lables' is unknown. Did you mean 'labels'"),
        ("pseudonym: abc", "--pseudonyms KEY"),
        ("- labels", "write options of collect.read"),
        ("decimal: 1", "decimal is text"),
        ("decimal: ';'", "Value of decimal ';'"),
        ("same_case: 'true'", "same_case is true or false"),
        ("max_megabytes: much", "max_megabytes is a number"),
        ("not_fielded: awareness", "not_fielded is a list of names"),
        ("not_fielded: [awarenes]", "Did you mean 'awareness'"),
        ("missing: {x: skipped}", "missing is a table of codes"),
        ("missing: {77: sometimes}", "'sometimes'"),
        ("labels: {awarenes: {a: 1}}", "Did you mean 'awareness'"),
        ("labels: {awareness: [a]}", "labels is a table of codes for each name"),
        ("labels: {awareness: {a: true}}", "labels is a table of codes for each name"),
        ("wordings: {awareness: text}", "wordings is a table of texts"),
        ("wordings: {awareness: {awareness_x: text}}", "Did you mean 'awareness_"),
        ("occasion: t9", "'t9'"),
        ("columns: {a: [b]}", "columns is a table of names"),
        ("allocation: ../contacts.csv", "leaves the folder"),
        ("allocation: /etc/passwd", "not a plain relative path"),
        ("a: 1\na: 2", "given twice"),
        ("labels: !!python/object/apply:os.system ['x']", "the tag"),
        ("missing: &a {77: skipped}\nlabels: *a", "anchors and aliases"),
    ],
)
def test_what_is_not_an_option_is_refused_with_its_line(text, said, study, written):
    with pytest.raises(FileFormatError, match=r"reading\.yaml:[12]: ") as fault:
        reading_file(written(text), study)
    assert said in str(fault.value)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("Declare it: missing={77: 'skipped'}.", "In reading.yaml: `missing: {77: 'skipped'}`."),
        ("Say labels={'mood': {'x': code}}.", "In reading.yaml: `labels: {'mood': {'x': code}}`."),
        ("same_case=True merges ids", "In reading.yaml: `same_case: true`."),
        ("Give allocation=.", "In reading.yaml: `allocation: FILE`."),
        ("Give pseudonym= or another id.", "On the command line: --pseudonyms KEY."),
        ("Say decimal=',' or encoding=\"cp1252\".", "In reading.yaml: `decimal: ','`, `encoding: \"cp1252\"`."),
    ],
)
def test_a_cure_is_said_in_the_words_of_the_file_too(text, more):
    assert cure(text).endswith(more)
    assert cure(cure(text)) == cure(text)


def test_a_sentence_without_an_option_stays():
    assert cure("Nothing to do.") == "Nothing to do."


def test_findings_of_reading_carry_both_cures(study, tmp_path):
    made = fs.simulate(study, fs.World.assumed(study).vary({"n.student": 48}), seed=5)
    planted = fs.collect.messy_export(study, made, tmp_path / "messy")

    found = fs.collect.inspect({wave: tmp_path / "messy" / f"{wave}.csv" for wave in study.waves.names}, study)

    assert planted
    fixes = {issue.code: issue.fix for issue in found.issues}
    assert "`labels: {" in fixes["collect.unknown_answer"]
    assert "`missing: {77: 'skipped'}`" in fixes["collect.out_of_range"]
    assert "`duplicates: 'first'`" in fixes["collect.duplicate_person"]
    assert isinstance(found.issues, Issues)
    with pytest.raises(InputError, match=r"In reading\.yaml: `labels"):
        fs.collect.read({wave: tmp_path / "messy" / f"{wave}.csv" for wave in study.waves.names}, study)
