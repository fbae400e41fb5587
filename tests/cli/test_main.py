"""The command line: quick help, exit codes that mean one thing, and no word of a user's data in an error."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from feedbackstudy.cli import main as command_line
from feedbackstudy.cli.outcome import Exit, guarded
from feedbackstudy.cli.session import Session
from feedbackstudy.errors import InputError

SECRET = "Jane Doe said the interviewer was rude"
HELP_SECONDS = 1.0  # the issue asks for about one second on a slow machine; here it takes a tenth


def feedbackstudy(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "feedbackstudy", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from feedbackstudy.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'pydantic', 'matplotlib', 'pymc'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.stderr.write(str(time.perf_counter() - start))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert float(done.stderr) < HELP_SECONDS
    for command in ("demo", "reproduce", "new", "course", "datasets", "study", "claims"):
        assert command in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("demo",), ("reproduce",), ("new",), ("course",), ("datasets", "get"), ("study", "check"), ("claims",)],
)
def test_every_command_explains_itself(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        command_line.main([*arguments, "--help"])

    assert end.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_the_version_names_every_package_that_makes_numbers(capsys):
    with pytest.raises(SystemExit) as end:
        command_line.main(["--version"])

    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "feedbackstudy " in out and "scipy " in out  # noqa: PT018


@pytest.mark.parametrize(
    ("given", "meant"), [(["reprduce"], "'reproduce'"), (["datasets", "lst"], "'list'"), (["study", "chek"], "'check'")]
)
def test_a_misspelt_command_gets_the_nearest_one(given, meant, capsys):
    with pytest.raises(SystemExit) as end:
        command_line.main(given)

    assert end.value.code == Exit.BAD_INPUT
    assert f"Did you mean {meant}" in capsys.readouterr().err


def test_bad_input_ends_with_2_and_its_own_words(capsys):
    def refuse(_session):
        raise InputError("column 'x' is missing; add it.")

    assert guarded(refuse, Session()) == Exit.BAD_INPUT
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "feedbackstudy: column 'x' is missing; add it.\n"


def test_bad_input_is_json_where_json_was_asked_for(capsys):
    def refuse(_session):
        raise InputError("no")

    guarded(refuse, Session(as_json=True))

    assert json.loads(capsys.readouterr().out) == {"error": "no", "kind": "InputError", "exit": 2}


def _stumble(_session):
    try:
        float(SECRET)
    except ValueError as fault:
        raise KeyError(SECRET) from fault


def test_a_fault_of_ours_ends_with_3_and_quotes_no_data(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert guarded(_stumble, Session()) == Exit.OUR_FAULT

    captured = capsys.readouterr()
    assert "a fault of ours" in captured.err
    assert "KeyError at" in captured.err
    assert "--debug" in captured.err
    assert "Jane" not in captured.err + captured.out
    assert list(tmp_path.iterdir()) == []


def test_debug_writes_where_it_happened_and_no_data(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    guarded(_stumble, Session(), debug=True)

    text = (tmp_path / "feedbackstudy-fault.txt").read_text()
    assert "KeyError" in text and "ValueError" in text and "_stumble" in text  # noqa: PT018
    assert "Jane" not in text
    assert "feedbackstudy-fault.txt" in capsys.readouterr().err


def test_progress_goes_to_stderr_and_control_characters_go_nowhere(capsys):
    session = Session()
    session.say("half\x1b]0;owned\x07 way")
    session.show("\x1b[31mred [/x] \u202e")

    captured = capsys.readouterr()
    assert captured.err == "half\N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER} way\n"
    assert captured.out == "\N{REPLACEMENT CHARACTER}[31mred [/x] \N{REPLACEMENT CHARACTER}\n"


def test_json_is_strict_and_safe_for_a_terminal(capsys):
    import numpy as np

    Session(as_json=True).give({"a": float("nan"), "b": np.float64(1.5), "c": (np.int64(2), None), "d": "\x1b[31m"})

    out = capsys.readouterr().out
    assert json.loads(out, parse_constant=pytest.fail) == {"a": None, "b": 1.5, "c": [2, None], "d": "\x1b[31m"}
    assert "\x1b" not in out


def test_ctrl_c_ends_with_130(capsys):
    def wait(_session):
        signal.raise_signal(signal.SIGINT)

    assert guarded(wait, Session()) == Exit.INTERRUPTED
    assert "Interrupted" in capsys.readouterr().err


def test_ctrl_c_that_a_sampler_swallows_still_ends_with_130():
    """Samplers answer Ctrl-C by returning the draws made so far; nothing may be written from those."""
    wrote = []

    def swallow(session):
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        session.stop_if_interrupted()
        wrote.append("partial draws")

    assert guarded(swallow, Session()) == Exit.INTERRUPTED
    assert wrote == []


def test_ctrl_c_that_a_library_turns_into_an_error_ends_with_130():
    def convert(_session):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as stop:
            raise RuntimeError("aborted") from stop

    assert guarded(convert, Session()) == Exit.INTERRUPTED


def test_ctrl_c_lost_in_a_callback_from_c_is_raised_again():
    """Compilers call back into Python from C, where an exception is printed and dropped."""
    import ctypes

    def lost(_session):
        callback = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))
        callback()
        for _ in range(100):
            time.sleep(0.05)
        raise AssertionError("the work went on")

    assert guarded(lost, Session()) == Exit.INTERRUPTED


def test_the_handler_of_ctrl_c_is_put_back():
    before = signal.getsignal(signal.SIGINT)

    guarded(lambda _: 0, Session())

    assert signal.getsignal(signal.SIGINT) is before


def test_a_reader_who_leaves_early_is_no_fault():
    code = (
        "import sys\nfrom feedbackstudy.cli.outcome import guarded\nfrom feedbackstudy.cli.session import Session\n"
        "sys.exit(guarded(lambda s: [s.show('x' * 100) for _ in range(9999)] and 0, Session()))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()

    stderr = process.stderr.read()
    process.stderr.close()

    assert (process.wait(timeout=60), stderr) == (0, b"")


def test_a_terminal_without_a_minus_sign_is_no_fault():
    done = feedbackstudy("--version", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0

    code = "from feedbackstudy.cli.session import Session; Session().show('\\u2212 0.5')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "? 0.5\n"


def test_arguments_are_not_abbreviated(capsys):
    with pytest.raises(SystemExit) as end:
        command_line.main(["reproduce", "--al"])

    assert end.value.code == Exit.BAD_INPUT
    assert "--al" in capsys.readouterr().err
