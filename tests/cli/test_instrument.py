"""`feedbackstudy instrument`: what it writes, and how it ends."""

import json
import shutil

import feedbackstudy as fs
from feedbackstudy.cli.main import main


def test_it_writes_and_says_what_is_missing(tmp_path, capsys):
    folder = tmp_path / "study"
    shutil.copytree(fs.template_folder("second-chance"), folder)
    code = main(["instrument", str(folder), "--platform", "qualtrics", "--to", str(tmp_path / "q"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 1, "words of one arm must be written by hand"
    assert {issue["code"] for issue in told["issues"]} == {"collect.arm_text", "collect.wording_needed"}
    assert len(told["files"]) == len(list((tmp_path / "q").iterdir())) == 4


def test_it_refuses_what_is_no_survey_file(tmp_path, capsys):
    file = tmp_path / "x.qsf"
    file.write_text("{}", encoding="utf-8")
    study = str(fs.template_folder("second-chance"))
    assert main(["instrument", study, "--prove", str(file), "--occasion", "t1"]) == 2
    assert "SurveyElements" in capsys.readouterr().err
    assert main(["instrument", study]) == 2
    assert main(["instrument", study, "--platform", "sav", "--to", str(tmp_path), "--wording", "nothing=x"]) == 2
