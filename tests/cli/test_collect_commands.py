"""From an export to what is shared, by commands: exit codes, files that must be new, nothing personal on the way."""

import json
from pathlib import Path

import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.cli.main import main


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
        ]
    )

    assert code == 1
    assert "collect.differencing" in capsys.readouterr().err


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
