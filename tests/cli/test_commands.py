"""The commands on the real analyses: results on stdout, files whole or absent, bad input in words."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from feedbackstudy import shipped
from feedbackstudy.cli.main import main

QUICK = "bertrand2004"
SAMPLED = "manyclasses1"


@pytest.fixture
def own(tmp_path):
    """A user's own analysis: a copy of a quick one under another key."""
    folder = tmp_path / "mine"
    shutil.copytree(shipped.folder("analyses") / QUICK, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_reproduce_prints_the_card_and_keeps_progress_apart(capsys):
    assert main(["reproduce", QUICK]) == 0

    captured = capsys.readouterr()
    assert "1 reproduced" in captured.out
    assert "[1/1]" not in captured.out
    assert "decision flags: none" in captured.err


def test_reproduce_gives_json_and_a_card_file(capsys, tmp_path):
    assert main(["reproduce", QUICK, "--json", "--out", str(tmp_path / "out")]) == 0

    card = json.loads(capsys.readouterr().out)
    assert card["key"] == QUICK
    assert card["counts"] == {"reproduced": 1}
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{QUICK}.html"]


def test_without_a_key_the_analyses_are_listed_in_order_of_speed(capsys):
    assert main(["reproduce", "--json"]) == 0

    listed = json.loads(capsys.readouterr().out)
    assert [row["s"] for row in listed] == sorted(row["s"] for row in listed)
    assert {QUICK, SAMPLED} <= {row["key"] for row in listed}


def test_an_unknown_key_gets_the_nearest_ones(capsys):
    assert main(["reproduce", "bertrand2005"]) == 2

    captured = capsys.readouterr()
    assert "'bertrand2005' is unknown. Did you mean 'bertrand2004'" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("command", [["reproduce", QUICK], ["demo"]])
def test_an_output_folder_that_cannot_be_written_is_refused_before_any_computing(command, capsys, tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("mine")

    assert main([*command, "--out", str(blocked / "out")]) == 2

    err = capsys.readouterr().err
    assert "cannot be written" in err and "Choose a folder you may write to" in err  # noqa: PT018
    assert "[1/" not in err
    assert blocked.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_a_folder_of_ones_own_runs_after_saying_so(own, capsys):
    assert main(["reproduce", str(own)]) == 0

    assert f"The Python in {own / 'analysis.py'} will now run with your rights." in capsys.readouterr().err


def test_a_shipped_key_runs_without_that_line(capsys):
    main(["reproduce", QUICK])

    assert "with your rights" not in capsys.readouterr().err


def test_a_published_value_that_is_no_number_is_refused_with_its_line(own, capsys):
    path = own / "published.yaml"
    text = path.read_text()
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "published:" in row)
    path.write_text(
        "\n".join(r if i != line else "    published: 'about half'" for i, r in enumerate(text.splitlines(), 1))
    )

    assert main(["reproduce", str(own)]) == 2

    err = capsys.readouterr().err
    assert "published.yaml" in err
    assert str(line) in err
    assert "'about half' is not a number" in err


def test_a_fault_in_the_users_own_python_is_placed_there_without_their_data(own, capsys):
    path = own / "analysis.py"
    path.write_text(path.read_text() + "\n\ndef analyse(data, study):\n    return float('Jane Doe, candidate 7')\n")

    assert main(["reproduce", str(own)]) == 2

    captured = capsys.readouterr()
    assert f"{path}:{len(path.read_text().splitlines())}: your Python raised ValueError" in captured.err
    assert "Jane" not in captured.err + captured.out


def test_a_scaffold_for_ones_own_paper_runs_as_it_stands(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "--new", "doe2024"]) == 0
    assert (tmp_path / "doe2024" / "published.yaml").is_file()

    assert main(["reproduce", "./doe2024"]) in {0, 1}
    capsys.readouterr()

    assert main(["reproduce", "--new", "doe2024"]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("template", ["vignette-2x2x2", "field-3wave", "second-chance"])
def test_a_new_study_passes_its_check(template, tmp_path, capsys):
    assert main(["new", str(tmp_path / "study"), "--template", template]) == 0

    code = main(["study", "check", str(tmp_path / "study"), "--json"])

    out = capsys.readouterr().out
    checked = json.loads(out[out.index("{") :])
    assert code in {0, 1}
    assert not [issue for issue in checked["issues"] if issue["severity"] == "error"]
    assert checked["cannot_say"]


def test_an_unknown_template_gets_the_nearest(tmp_path, capsys):
    assert main(["new", str(tmp_path / "study"), "--template", "vignette-2x2"]) == 2

    assert "Did you mean 'vignette-2x2x2'" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_a_study_with_a_misspelt_key_is_refused_with_file_and_line(tmp_path, capsys):
    main(["new", str(tmp_path / "study"), "--template", "vignette-2x2x2"])
    path = tmp_path / "study" / "study.yaml"
    path.write_text(path.read_text().replace("\nhypotheses:", "\nhypothesis:"))
    capsys.readouterr()

    assert main(["study", "check", str(path)]) == 2

    err = capsys.readouterr().err
    assert "study.yaml" in err and "hypotheses" in err  # noqa: PT018


def test_datasets_are_listed_shown_and_an_unknown_one_gets_the_nearest(capsys):
    assert main(["datasets", "list", "--json"]) == 0
    assert "meta_benchmarks" in {row["key"] for row in json.loads(capsys.readouterr().out)}

    assert main(["datasets", "show", "meta_benchmarks"]) == 0
    assert "kluger_denisi1996" in capsys.readouterr().out

    assert main(["datasets", "show", "meta_benchmark"]) == 2
    assert "Did you mean 'meta_benchmarks'" in capsys.readouterr().err


def test_rows_that_may_not_be_passed_on_need_a_network_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(tmp_path))

    done = subprocess.run(
        [sys.executable, "-m", "feedbackstudy", "datasets", "get", "nagy2023_negative_feedback"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_published_analysis_needs_no_network(tmp_path):
    """The child process refuses every socket but loopback (tests/network)."""
    code = (
        "import socket, sys\n"
        "def refuse(event, _): \n    if event.startswith('socket.'): raise OSError(f'no network: {event}')\n"
        "sys.addaudithook(refuse)\n"
        "from feedbackstudy.cli.main import main\n"
        f"sys.exit(main(['reproduce', '{QUICK}', '--out', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{QUICK}.html").is_file()


def test_claims_are_listed_one_is_shown_and_an_unknown_one_gets_the_nearest(capsys):
    assert main(["claims"]) == 0
    assert "only an analogue (no evidence)" in capsys.readouterr().out

    assert main(["claims", "C01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "C01"

    assert main(["claims", "C99"]) == 2
    assert "'C99' is unknown" in capsys.readouterr().err


def interrupted(arguments, after):
    """Start a command, press Ctrl-C `after` seconds into the analysis, return its exit code and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "feedbackstudy", *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "] manyclasses1 ..." in line:
            break
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, "".join(lines) + err


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize(
    "after", [0.3, pytest.param(3.0, marks=pytest.mark.slow), pytest.param(7.0, marks=pytest.mark.slow)]
)
def test_ctrl_c_while_it_samples_ends_with_130_and_leaves_nothing_half_written(after, tmp_path):
    code, out, err = interrupted(["reproduce", SAMPLED, "--out", str(tmp_path)], after)

    assert code == 130, err
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo_writes_a_card_as_each_analysis_ends_and_one_report(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "feedbackstudy", "demo", "--out", str(tmp_path / "demo"), "--json"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert all(card["fit_to_report"] for card in report["cards"])
    assert "major" not in {name for card in report["cards"] for name in card["counts"]}
    text = Path(report["report"]).read_text(encoding="utf-8")
    for card in report["cards"]:
        assert f'id="{card["key"]}"' in text
        assert list((tmp_path / "demo" / "cards").glob(f"*-{card['key']}.html"))
    assert done.stderr.index("card: ") < done.stderr.index("[2/")
    for part in (
        "What is claimed, what is known",
        "Limits",
        "No open data of real post-interview feedback",
        "Versions",
    ):
        assert part in text
    assert "http:" not in text and "https:" not in text and "<script" not in text  # noqa: PT018
