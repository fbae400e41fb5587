"""Several writers at once, writers that are killed, and files that only their owner may read (S21, S22, S27)."""

import os
import stat
import subprocess
import sys

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.cli.main import main
from feedbackstudy.collect.export_ledger import ExportLedger
from feedbackstudy.errors import FileFormatError
from feedbackstudy.files import locked, staged_file, write_atomic

ADDING = """
import sys
from feedbackstudy.collect.export_ledger import ExportLedger
ledger = ExportLedger(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(sys.argv[3])):
    ledger.add(f"{sys.argv[2]}_{i}", ["a", "b"], ["x"])
"""
posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX systems")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_four_writers_at_once_lose_no_entry_of_the_ledger_of_exports(tmp_path):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", ADDING, str(tmp_path), str(k), "25"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for k in range(4)
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    told = [child.communicate(timeout=120) for child in children]

    assert [child.returncode for child in children] == [0] * 4, told
    kept = ExportLedger(tmp_path).exports
    assert sorted(entry.name for entry in kept) == sorted(f"{k}_{i}" for k in range(4) for i in range(25))
    assert len({entry.people for entry in kept}) == 1  # one salt: all four began with an empty folder


def test_what_a_killed_writer_left_is_taken_away_by_the_next(tmp_path):
    ledger = ExportLedger(tmp_path)
    ledger.add("one", ["a"], ["x"])
    (ledger.path.parent / ".exports.json.0123.part").write_text("half", encoding="utf-8")

    ledger.add("two", ["a"], ["x"])

    assert sorted(path.name for path in ledger.path.parent.iterdir()) == ["exports.json", "exports.lock"]


def test_a_lock_that_another_holds_is_waited_for_and_then_named(tmp_path):
    second = locked(tmp_path / "a.lock", wait=0.05)
    with locked(tmp_path / "a.lock"), pytest.raises(FileFormatError, match="another process has been at work"), second:
        pass
    with locked(tmp_path / "a.lock", wait=0.05):
        pass


@posix
def test_a_file_being_written_is_for_its_owner_alone_and_then_as_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    with staged_file(tmp_path / "report.html") as staged:
        assert mode(staged) == 0o600
        assert staged.parent == tmp_path
        staged.write_bytes(b"x")
    write_atomic(tmp_path / "people.csv", "x", private=True)

    assert mode(tmp_path / "report.html") == mode(tmp_path / "usual")
    assert mode(tmp_path / "people.csv") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv", "report.html", "usual"]


@posix
def test_every_table_of_people_that_we_write_is_for_its_owner_alone(tmp_path):
    fs.new_study(tmp_path / "study", "second-chance")
    study = fs.Study.load(tmp_path / "study")
    people = fs.simulate(study, fs.World.assumed(study), seed=1)
    key = fs.collect.make_key(tmp_path / "a.key", study_folder=tmp_path / "study")
    written = [fs.collect.write_spreadsheet(pd.DataFrame({"participant": ["p1"]}), tmp_path / "a.csv")]
    for platform in ("qualtrics", "limesurvey", "sav", "plain", "xlsx"):
        made = fs.collect.write_responses(people, study, tmp_path / platform, platform=platform)
        written += made.values() if isinstance(made, dict) else [made]
    shared = fs.collect.shareable(people, study, key=key)
    written.append(fs.collect.export_psychds(shared, study, tmp_path / "psychds").data)

    assert {path.name: oct(mode(path)) for path in written} == {path.name: "0o600" for path in written}


@posix
def test_every_command_that_writes_people_writes_them_for_their_owner_alone(tmp_path):
    study, people = tmp_path / "study", tmp_path / "people.csv"
    fs.new_study(study, "second-chance")
    loaded = fs.Study.load(study)
    fs.simulate(loaded, fs.World.assumed(loaded), seed=1).frame.to_csv(people, index=False)
    for command in ("import", "screen", "score"):
        out = tmp_path / f"{command}.csv"
        assert main([command, str(people), "--study", str(study), "--out", str(out)]) in {0, 1}
        assert (command, oct(mode(out))) == (command, "0o600")
    assert main(["assign", "draw", str(study), "--out", str(tmp_path / "drawn.csv")]) == 0
    assert mode(tmp_path / "drawn.csv") == 0o600
