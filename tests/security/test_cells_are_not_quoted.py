"""No message quotes what people typed, whatever column it stands in (S18); bad codes are still shown."""

import csv
import io
import json

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy import policy
from feedbackstudy.cli.main import main
from feedbackstudy.collect.quoting import quoted, quoted_number, quoted_texts, unknown_cell
from feedbackstudy.collect.reading import inspect
from feedbackstudy.errors import FeedbackstudyError

TYPED = (
    "Zacharias Quendelbaum",
    "Karl Heinz",
    "zoe@x.org",
    "+49 30 1234567",
    "Quendelbaum",
    "a.b.quendelbaum",
    "4915551234567",
)
LABELS = ("Strongly disagree", "Agree a little", "same_day", "On the same day")


@pytest.mark.parametrize("text", TYPED)
def test_what_may_name_a_person_is_measured_and_not_shown(text):
    assert quoted(text, LABELS) == f"a text of {len(text)} characters"
    assert text not in unknown_cell("Level", text, LABELS)
    assert text not in quoted_texts({text: 2, "five": 1}, LABELS)


@pytest.mark.parametrize(
    "text", ["five", "4 - Agree", "A5", "3 ", "77", "1,5", "same day", "Strongly disagre", "N/A", "#REF!", "?", "-9.00"]
)
def test_numbers_short_codes_and_words_of_questionnaires_are_shown(text):
    assert quoted(text, LABELS) == repr(text)


def test_a_number_as_long_as_a_telephone_number_is_not_shown():
    assert (quoted_number(77), quoted_number(-1.5), quoted_number(4915551234567)) == (
        "77",
        "-1.5",
        "a number of 12 digits",
    )


def test_the_commonest_texts_are_shown_and_the_others_counted():
    told = quoted_texts({f"A{i}": i + 1 for i in range(100)})

    assert told == "'A99' (100), 'A98' (99), 'A97' (98), 'A96' (97), 'A95' (96), 'A94' (95) and 94 other texts"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A study of two waves, and its simulated answers as each platform exports them."""
    folder = tmp_path_factory.mktemp("cells")
    fs.new_study(folder / "study", "second-chance")
    study = fs.Study.load(folder / "study")
    people = fs.simulate(study, fs.World.assumed(study), seed=1)
    for platform in ("plain", "qualtrics", "limesurvey"):
        fs.collect.write_responses(people, study, folder / platform, platform=platform)
    return folder


def planted(path, column, heads, to):
    """Write the file again with something personal in one column of three rows; the ids stay."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    place = rows[0].index(column)
    for row, text in zip(rows[heads:], TYPED, strict=False):
        row[place] = text
    with to.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return to


def every_word(path, study, occasion):
    """Return all that a reading says, and what the commands print."""
    told = []
    try:
        made = inspect(path, study, occasion=occasion)
        told += [str(made), made._repr_html_(), json.dumps(made.to_dict()), str(made.issues)]
        if made.responses is not None:
            told += [str(made.responses), str(fs.screen(made.responses, study))]
    except FeedbackstudyError as fault:
        told.append(str(fault))
    try:
        fs.collect.read(path, study, occasion=occasion)
    except FeedbackstudyError as fault:
        told.append(str(fault))
    return "\n".join(told)


def columns_of(place, name):
    with (place / name).open(encoding="utf-8-sig", newline="") as stream:
        names = [column for column in next(csv.reader(stream)) if column not in {"participant", "fs_pid", "fspid"}]
    return list({column.rstrip("0123456789[]SQ"): column for column in names}.values())  # the last item of each scale


@pytest.mark.parametrize(
    ("name", "heads", "occasion"),
    [("plain/responses.csv", 1, None), ("qualtrics/t0.csv", 3, "t0"), ("limesurvey/t0.csv", 1, "t0")],
)
def test_no_column_of_any_export_is_quoted(place, tmp_path, name, heads, occasion):
    study = fs.Study.load(place / "study")
    columns = columns_of(place, name)
    assert len(columns) > 10
    leaks = {}
    for column in columns:
        path = planted(place / name, column, heads, tmp_path / "export.csv")
        told = every_word(path, study, occasion)
        found = [text for text in TYPED if text in told]
        if found:
            leaks[column] = found

    assert leaks == {}


@pytest.mark.parametrize("column", ["arm", "timing", "occasion"])
def test_no_command_quotes_a_cell(place, tmp_path, capsys, column):
    frame = pd.read_csv(place / "plain/responses.csv", dtype=str, keep_default_na=False)
    if column not in frame:
        column = next(name for name in frame if name in fs.Study.load(place / "study").factors.names)
    path = planted(place / "plain/responses.csv", column, 1, tmp_path / "export.csv")
    for command in ("import", "screen", "score"):
        for extra in ([], ["--json"]):
            code = main([command, str(path), "--study", str(place / "study"), *extra])
            told = "".join(capsys.readouterr())
            assert code != 0
            assert [text for text in TYPED if text in told] == []
            assert "Traceback" not in told


def test_a_million_levels_are_one_error_at_once(tmp_path):
    study = fs.Study.load("tests/faults/study.yaml")
    lines = [f"p{i},feedback,lev{i},1,2,3,1,1\n" for i in range(1_000_000)]
    head = "participant,arm,timing,usefulness_1,usefulness_2,usefulness_3,hours,takes\n"
    path = tmp_path / "levels.csv"
    path.write_text(head + "".join(lines), encoding="utf-8")
    start = pd.Timestamp.now()

    with pytest.raises(FeedbackstudyError, match=r"timing holds [\d,]+ different texts, and the study declares 2"):
        inspect(path, study)

    assert (pd.Timestamp.now() - start).total_seconds() < 4  # 1.3 s on an idle machine
    path.write_text(head + "".join(lines[:9000]), encoding="utf-8")
    made = inspect(path, study)
    (issue,) = (issue for issue in made.issues if issue.code == "collect.unknown_level")
    assert issue.what.startswith("9,000 texts are no level of timing")
    assert len(str(made)) < 10_000


def test_the_table_of_a_policy_is_not_quoted_where_it_cannot_be_read(tmp_path, capsys):
    made = policy.synthetic_applications(1000, seed=1)
    made.plan.save(tmp_path / "plan.yaml")
    table = pd.DataFrame(made.table.source).astype(str).replace("nan", "")
    check = ["policy", "check", str(tmp_path / "plan.yaml"), "--table", str(tmp_path / "table.csv")]
    for column in ("applied_at", "interview_score"):
        table.assign(**{column: TYPED[0]}).to_csv(tmp_path / "table.csv", index=False)
        assert main(check) == (2 if column == "applied_at" else 0)
        assert TYPED[0] not in "".join(capsys.readouterr())
    (tmp_path / "table.csv").write_text(f'a,b\n1,"{TYPED[0]}\n2,3,4\n', encoding="utf-8")
    assert main(check) == 2
    assert TYPED[0] not in "".join(capsys.readouterr())
