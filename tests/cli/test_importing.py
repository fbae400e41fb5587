"""`feedbackstudy import`: what it says, and how it ends."""

import json
from pathlib import Path

import pytest

from feedbackstudy.cli.main import main

FAULTS = Path(__file__).parents[1] / "faults"
STUDY = str(FAULTS / "study.yaml")


def test_a_clean_export_ends_with_0_and_names_what_was_dropped(capsys):
    code = main(["import", str(FAULTS / "019_three_headers" / "input.csv"), "--study", STUDY, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["rows"] == 3
    assert "collect.identifiers_dropped" in {issue["code"] for issue in told["issues"]}
    assert told["files"][0]["cells_proved"] == 24 * 6


def test_an_error_ends_with_2_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / "clean.csv"
    arguments = ["import", str(FAULTS / "028_missing_code" / "input.csv"), "--study", STUDY, "--out", str(out)]
    assert main(arguments) == 2
    assert not out.exists()
    assert main([*arguments, "--missing=-99=skipped", "--missing=77=refused"]) == 0
    assert out.exists()
    capsys.readouterr()


def test_waves_are_given_by_name(capsys):
    folder = FAULTS / "041_case"
    files = [f"t0={folder / 't0.csv'}", f"t1={folder / 't1.csv'}"]
    assert main(["import", *files, "--study", str(FAULTS / "waves.yaml")]) == 1
    assert "collect.wave_unmatched" not in capsys.readouterr().err


@pytest.mark.parametrize("text", ["x=skipped", "-99=sometimes"])
def test_a_missing_code_is_checked(text, capsys):
    path = str(FAULTS / "028_missing_code" / "input.csv")
    assert main(["import", path, "--study", STUDY, f"--missing={text}"]) == 2
    assert "skipped" in capsys.readouterr().err


def test_ids_become_pseudonyms_with_a_key(tmp_path, capsys):
    from feedbackstudy.collect import make_key

    key = make_key(tmp_path / "key", study_folder=FAULTS).path
    path = FAULTS / "106_email_as_id" / "input.csv"
    out = tmp_path / "clean.csv"
    arguments = ["import", str(path), "--study", STUDY, "--pseudonyms", str(key), "--out", str(out)]
    assert main(arguments) == 0
    assert "jo.planted" not in out.read_text(encoding="utf-8") + capsys.readouterr().out


def test_what_is_written_of_invented_data_says_so(tmp_path, capsys):
    given = tmp_path / "input.csv"
    given.write_bytes((FAULTS / "026_literal_na" / "input.csv").read_bytes())
    note = json.dumps({"data": "Simulated data: nobody answered."})
    (tmp_path / "input.csv.provenance.json").write_text(note, encoding="utf-8")
    out = tmp_path / "clean.csv"
    assert main(["import", str(given), "--study", STUDY, "--out", str(out)]) == 0
    assert "nobody answered" in (tmp_path / "clean.csv.provenance.json").read_text(encoding="utf-8")
    assert "nobody answered" in capsys.readouterr().out
