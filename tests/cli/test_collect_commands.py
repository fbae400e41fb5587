"""From an export to what is shared, by commands: exit codes, files that must be new, nothing personal on the way."""

import json
from pathlib import Path

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.cli.main import main
from feedbackstudy.collect.read_items import item_specs
from feedbackstudy.scales.jobs import jobs_of


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    fs.new_study(folder / "study", "second-chance")
    assert main(["simulate", str(folder / "study"), "--out", str(folder / "export.csv")]) == 0
    return folder


@pytest.fixture
def export(home) -> list[str]:
    return [str(home / "export.csv"), "--study", str(home / "study")]


def test_screen_names_who_is_out_and_writes_the_rest(export, tmp_path, capsys):
    capsys.readouterr()
    assert main(["screen", *export, "--out", str(tmp_path / "left.csv"), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    left = pd.read_csv(tmp_path / "left.csv", dtype=str)
    assert "nobody answered" in (tmp_path / "left.csv.provenance.json").read_text(encoding="utf-8")
    assert told["participants"] == {"before": 600, "after": left["participant"].nunique()}
    out = {row["participant"] for row in told["steps"] if row["step"].startswith("screen.")} - {""}
    assert out.isdisjoint(left["participant"])
    assert len(out) == 600 - left["participant"].nunique() > 0


def test_score_screens_first_unless_told_otherwise(export, tmp_path, capsys):
    assert main(["score", *export, "--out", str(tmp_path / "a.csv")]) in {0, 1}
    assert main(["score", *export, "--out", str(tmp_path / "b.csv"), "--unscreened"]) in {0, 1}

    some, all_of_them = (pd.read_csv(tmp_path / name, dtype=str) for name in ("a.csv", "b.csv"))
    assert len(some) < len(all_of_them)
    assert "challenge" in some.columns
    assert main(["score", *export, "--out", str(tmp_path / "a.csv")]) == 2
    assert "a.csv" in capsys.readouterr().err


def test_share_needs_a_key_and_writes_a_folder_without_the_ids(export, home, tmp_path, capsys):
    key = str(tmp_path / "k.key")
    assert main(["share", *export, "--out", str(tmp_path / "out"), "--key", key]) == 2
    assert "make_key" in capsys.readouterr().err
    assert main(["share", *export, "--out", str(tmp_path / "out"), "--key", key, "--new-key"]) == 0
    assert main(["export", "psychds", *export, "--out", str(tmp_path / "again"), "--key", key, "--json"]) == 0

    said = capsys.readouterr()
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert "student_001" not in "".join(files)
    assert Path(key).read_text(encoding="utf-8").strip() not in "".join([*files, said.out, said.err])
    assert (home / "study" / ".feedbackstudy" / "exports.json").exists()


def test_a_few_people_less_in_the_next_export_are_a_finding(export, home, tmp_path, capsys):
    key = str(tmp_path / "k.key")
    table = pd.read_csv(home / "export.csv", dtype=str, keep_default_na=False)
    slow = table.loc[(table["occasion"] == "t0") & (table["duration_seconds"].astype(float) > 100), "participant"]
    gone = slow[slow.isin(table.loc[table["attention"] == "b", "participant"])].iloc[:2]
    table[~table["participant"].isin(gone)].to_csv(tmp_path / "later.csv", index=False)
    main(["share", *export, "--out", str(tmp_path / "one"), "--key", key, "--new-key"])
    capsys.readouterr()

    code = main(
        [
            "share",
            str(tmp_path / "later.csv"),
            "--study",
            str(home / "study"),
            "--out",
            str(tmp_path / "two"),
            "--key",
            key,
            "--json",
        ]
    )

    assert code == 1
    found = {issue["code"] for issue in json.loads(capsys.readouterr().out)["issues"]}
    assert {"collect.differencing", "screen.consent_unknown", "collect.waves_matched"} <= found


def test_preregister_prints_the_form_and_later_what_was_changed(tmp_path, capsys):
    study = tmp_path / "study"
    fs.new_study(study, "second-chance")
    answers = tmp_path / "answers.yaml"
    answers.write_text("stopping_rule: When 600 students took part.\n", encoding="utf-8")

    assert main(["preregister", str(study), "--answers", str(answers), "--out", str(tmp_path / "p.md")]) == 1
    assert "When 600 students took part." in (tmp_path / "p.md").read_text(encoding="utf-8")
    record = str(tmp_path / "p.registered.json")
    assert main(["preregister", str(study), "--against", record]) == 0
    text = (study / "study.yaml").read_text(encoding="utf-8")
    (study / "study.yaml").write_text(text.replace("alpha: 0.05", "alpha: 0.1"), encoding="utf-8")
    capsys.readouterr()
    assert main(["preregister", str(study), "--against", record, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "amended"
    assert [change["where"] for change in told["changes"]] == ["plan.alpha"]


def test_the_codebook_lists_the_items_without_their_words(home, capsys):
    assert main(["export", "codebook", str(home / "study"), "--json"]) == 0

    rows = json.loads(capsys.readouterr().out)
    assert {"column", "scale", "min", "max", "reversed"} <= set(rows[0])


def test_export_sav_writes_an_spss_file(export, tmp_path, capsys):
    pytest.importorskip("pyreadstat")

    assert main(["export", "sav", *export, "--out", str(tmp_path / "spss"), "--json"]) == 0

    files = json.loads(capsys.readouterr().out)["files"]
    assert all(Path(name).suffix == ".sav" and Path(name).stat().st_size > 1000 for name in files)


@pytest.mark.parametrize("command", ["screen", "score"])
def test_an_export_that_cannot_be_used_ends_with_2_in_words(command, home, tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")

    assert main([command, str(tmp_path / "empty.csv"), "--study", str(home / "study")]) == 2
    assert "empty" in capsys.readouterr().err


PUBLISHED = """
schema_version: 1
title: Efficacy
arms: [{name: silence, told: nothing}]
units: [{name: person, n: 90}]
waves: [{name: t0, anchor: decision, phase: before}]
measures: [{name: efficacy, scale: gse, waves: [t0]}]
conduct: {population: students, realism: enacted}
"""
READING = """
missing: {77: skipped, -99: user_missing}
duplicates: first
same_case: true
"""


@pytest.fixture(scope="module")
def messy(tmp_path_factory) -> tuple[Path, list[str], list[str], tuple[str, ...]]:
    """The running study's own messy export, with a `reading.yaml`; one person without consent has an odd duration."""
    folder = tmp_path_factory.mktemp("messy")
    fs.new_study(folder / "study", "second-chance")
    study = fs.Study.load(folder / "study")
    made = fs.simulate(study, fs.World.assumed(study).vary({"n.student": 90}), seed=5)
    planted = fs.collect.messy_export(study, made, folder)
    text = READING + "labels:\n" + "".join(f'  {name}: {{"NA": -99}}\n' for name in study.measures.names)
    (folder / "study" / "reading.yaml").write_text(text, encoding="utf-8")
    for path in folder.glob("*.provenance.json"):
        path.unlink()  # as real answers come
    said_no = [who for fault in planted if fault.step == "screen.consent" for who in fault.participants]
    first = pd.read_csv(folder / "t0.csv", dtype=str, keep_default_na=False)
    first.loc[first["fs_pid"].isin(said_no), "Duration (in seconds)"] = "999999"
    first.to_csv(folder / "t0.csv", index=False)
    again = [who for fault in planted if fault.step == "screen.re_consent" for who in fault.participants]
    files = [f"{wave}={folder / wave}.csv" for wave in study.waves.names]
    return folder, [*files, "--study", str(folder / "study")], [*said_no, *again], study.waves.names


def test_the_messy_export_is_refused_with_cures_until_the_reading_file_holds_them(messy, tmp_path, capsys):
    _, arguments, _, _ = messy
    empty = tmp_path / "nothing.yaml"
    empty.write_text("", encoding="utf-8")

    for command in ("check", "screen", "score"):
        assert main([command, *arguments, "--reading", str(empty), "--json"]) == 2
        said = capsys.readouterr()
        fixes = " ".join(issue["fix"] for issue in json.loads(said.out)["issues"])
        assert "In reading.yaml: `labels: {" in fixes
        assert "errors: the answers cannot be used as they are. Nothing was written." in said.err
    assert main(["check", *arguments, "--json"]) == 1
    assert "reading.yaml: missing, duplicates, same_case, labels" in capsys.readouterr().err


def test_every_command_tells_the_same_findings_of_reading(messy, tmp_path, capsys):
    folder, arguments, _, _ = messy
    told = {}
    for command in ("check", "import", "screen", "score"):
        assert main([command, *arguments, "--json"]) == 1
        told[command] = json.loads(capsys.readouterr().out)["issues"]
    key = ["--key", str(tmp_path / "k.key"), "--new-key"]
    assert main(["share", *arguments, "--out", str(tmp_path / "share"), *key, "--json"]) == 1
    told["share"] = json.loads(capsys.readouterr().out)["issues"]
    assert main(["export", "sav", *arguments, "--out", str(tmp_path / "sav"), "--json"]) == 1
    told["sav"] = json.loads(capsys.readouterr().out)["issues"]

    assert {"collect.erased", "collect.waves_matched", "collect.missing_codes"} <= {i["code"] for i in told["check"]}
    for command, issues in told.items():
        assert [issue for issue in told["check"] if issue not in issues] == [], command
    assert not [path for path in folder.iterdir() if path.suffix not in {".csv", ""}]


def test_whoever_did_not_consent_is_in_nothing_that_is_said_or_written(messy, tmp_path, capsys):
    _, arguments, gone, _ = messy
    assert len(gone) == 3
    assert main(["import", *arguments, "--out", str(tmp_path / "i.csv")]) == 1
    said = [capsys.readouterr()]
    assert "3 people without consent were erased; only the number is kept." in said[0].err
    assert main(["import", *arguments, "--json"]) == 1
    assert main(["screen", *arguments, "--out", str(tmp_path / "s.csv"), "--json"]) == 1
    assert main(["score", *arguments, "--unscreened", "--out", str(tmp_path / "c.csv"), "--json"]) == 1
    assert main(["export", "sav", *arguments, "--out", str(tmp_path / "sav")]) == 1
    said.append(capsys.readouterr())

    tables = [(tmp_path / name).read_text(encoding="utf-8") for name in ("i.csv", "s.csv", "c.csv")]
    sav = pd.DataFrame(fs.collect.read(tmp_path / "sav" / "responses.sav", fs.Study.load(arguments[-1])).frame)
    for who in gone:
        assert all(who not in text for text in tables)
        assert all(who not in text for each in said for text in (each.out, each.err))
        assert who not in set(sav["participant"])


def test_consent_that_is_neither_yes_nor_no_stops_everything_with_a_finding(messy, tmp_path, capsys):
    folder, arguments, _, waves = messy
    table = pd.read_csv(folder / "t0.csv", dtype=str, keep_default_na=False)
    table.loc[5, "consent"] = "perhaps"
    table.to_csv(tmp_path / "t0.csv", index=False)
    files = [f"t0={tmp_path / 't0.csv'}", *arguments[1:]]

    assert main(["import", *files, "--out", str(tmp_path / "out.csv"), "--json"]) == 2

    found = {issue["code"]: issue for issue in json.loads(capsys.readouterr().out)["issues"]}
    assert "labels: {'consent': {'text': 1}}" in found["collect.consent_unclear"]["fix"]
    assert not (tmp_path / "out.csv").exists()
    assert len(waves) == 3


def test_flags_go_before_the_reading_file_and_say_so(messy, capsys):
    _, arguments, _, _ = messy
    assert main(["check", *arguments, "--duplicates", "last", "--missing=88=refused", "--json"]) == 1
    said = capsys.readouterr()
    assert "command line is followed for duplicates" in said.err
    assert any("'last'" in issue["what"] for issue in json.loads(said.out)["issues"])


def test_declared_free_text_is_shared_only_when_asked_for(home, export, tmp_path, capsys):
    study = fs.Study.load(home / "study")
    table = pd.read_csv(home / "export.csv", dtype=str, keep_default_na=False)
    name = next(spec.name for spec in item_specs(study) if spec.kind == "open")
    table[name] = "call 030 / 123 45 67, DE89 3704 0044 0532 0130 00"
    table.to_csv(tmp_path / "export.csv", index=False)
    key = ["--key", str(tmp_path / "k.key"), "--new-key"]
    share = ["share", str(tmp_path / "export.csv"), *export[1:], "--json"]

    assert main([*share, "--out", str(tmp_path / "asked"), *key, "--free-text", name]) == 1
    told = json.loads(capsys.readouterr().out)
    assert name not in told["not_shared"]
    assert "collect.identifying_text" in {issue["code"] for issue in told["issues"]}
    assert main([*share, "--out", str(tmp_path / "silent"), *key[:2]]) == 1
    capsys.readouterr()

    asked, silent = (
        "".join(path.read_text(encoding="utf-8") for path in (tmp_path / folder / "data").iterdir())
        for folder in ("asked", "silent")
    )
    assert "call [number], [IBAN]" in asked
    assert "call" not in silent


def test_what_a_spreadsheet_opens_is_escaped_and_comes_back(export, home, tmp_path, capsys):
    table = pd.read_csv(home / "export.csv", dtype=str, keep_default_na=False)
    table["participant"] = table["participant"].replace("student_001", '=HYPERLINK("http://x")')
    table.to_csv(tmp_path / "export.csv", index=False)
    given = [str(tmp_path / "export.csv"), *export[1:]]

    assert main(["import", *given, "--out", str(tmp_path / "people.csv")]) == 1
    assert main(["import", *given, "--out", str(tmp_path / "raw.csv"), "--raw"]) == 1
    capsys.readouterr()

    people, raw = ((tmp_path / name).read_text(encoding="utf-8") for name in ("people.csv", "raw.csv"))
    assert ',"=HYP' not in people
    assert "\n\"'=HYPERLINK" in people
    assert '\n"=HYPERLINK' in raw
    study = fs.Study.load(home / "study")
    first, again = (fs.collect.read(tmp_path / name, study) for name in ("people.csv", "raw.csv"))
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert first.column("participant").iloc[0] == '=HYPERLINK("http://x")'
    assert "collect.apostrophes_taken_off" in {issue.code for issue in first.issues}


def test_export_osd_writes_a_scale_of_our_own_without_a_wording_pack(home, tmp_path, capsys):
    study = fs.Study.load(home / "study")
    scales = [job.scale for job in jobs_of(study.measures)[0]]
    own = next(scale.code for scale in scales if scale.study_built and scale.form().likert_options is not None)
    out = tmp_path / "own.osd"

    assert main(["export", "osd", str(home / "study"), "--scale", own, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(out)}
    assert fs.scales.read_osd(str(out)).code == own


def test_export_osd_of_a_published_scale_needs_the_words(tmp_path, capsys):
    (tmp_path / "study.yaml").write_text(PUBLISHED, encoding="utf-8")

    assert main(["export", "osd", str(tmp_path), "--scale", "gse", "--out", str(tmp_path / "p.osd")]) == 2
    assert "--wording FILE" in capsys.readouterr().err
    assert not (tmp_path / "p.osd").exists()


@pytest.mark.parametrize(
    ("command", "words"), [(["share"], "Psych-DS"), (["import"], "Qualtrics"), (["export", "osd"], "Open Scale")]
)
def test_help_keeps_the_capitals_of_names(command, words, capsys):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert words in " ".join(capsys.readouterr().out.split())
