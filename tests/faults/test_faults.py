"""Every fault of the catalogue that concerns a shipped part, through a public entry point."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy import errors
from feedbackstudy.cli.main import main
from feedbackstudy.collect.reading import inspect
from tests.faults import entries
from tests.faults.entries import Outcome

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/expected.json"))


def _read(folder, study, expected):
    given = expected.get("input", "input.csv")
    path = folder / given if isinstance(given, str) else {wave: folder / name for wave, name in given.items()}
    options = expected.get("options", {})
    if "missing" in options:
        options["missing"] = {float(code): reason for code, reason in options["missing"].items()}
    if isinstance(options.get("allocation"), str):
        options["allocation"] = pd.read_csv(folder / options["allocation"], dtype=str)
    made = inspect(path, study, **options)
    shown = [str(made), made._repr_html_(), json.dumps(made.to_dict()), *map(str, made.issues)]
    if made.responses is not None:
        shown += [str(made.responses), made.responses._repr_html_()]
    return Outcome("\n".join(shown), list(made.issues), None if made.responses is None else made.responses.frame)


def _expected(folder):
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


ENTRIES = {"read": _read, **entries.ENTRIES}


def _run(folder, expected):
    """Return the class of the error that was raised, empty for none, and what was said."""
    study = fs.Study.load(HERE / expected.get("study", "study.yaml"))
    try:
        return "", ENTRIES[expected.get("entry", "read")](folder, study, expected)
    except errors.FeedbackstudyError as fault:
        return type(fault).__name__, Outcome(str(fault))


def _holds_values(frame, values):
    for column, wanted in values.items():
        seen = [None if pd.isna(v) else float(v) if isinstance(v, np.floating | float) else v for v in frame[column]]
        assert seen == wanted


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_fault_is_named_and_nothing_else_happens(folder):
    expected = _expected(folder)
    raised, outcome = _run(folder, expected)
    assert raised == expected.get("error", ""), outcome.said
    assert [words for words in expected.get("words", []) if words not in outcome.said] == [], outcome.said
    assert [text for text in expected.get("planted", []) if text in outcome.said] == []
    found = {issue.code: str(issue.severity) for issue in reversed(outcome.issues)}
    wanted = expected.get("issues", {})
    assert {code: found.get(code) for code in wanted} == wanted, list(map(str, outcome.issues))
    errors_found = {code for code, severity in found.items() if severity == "error"}
    assert errors_found <= set(wanted), list(map(str, outcome.issues))
    assert set(expected.get("not_issues", [])).isdisjoint(found)
    if "rows" in expected:
        assert outcome.frame is not None, outcome.said
        assert len(outcome.frame) == expected["rows"]
    _holds_values(outcome.frame, expected.get("values", {}))


def _given(folder, expected):
    given = expected.get("input", "input.csv")
    return [str(folder / given)] if isinstance(given, str) else [f"{w}={folder / name}" for w, name in given.items()]


@pytest.mark.parametrize(
    "folder", [f for f in CASES if {"entry", "options"}.isdisjoint(_expected(f))], ids=lambda path: path.name
)
def test_the_command_ends_as_it_should(folder, capsys):
    expected = _expected(folder)
    study = str(HERE / expected.get("study", "study.yaml"))
    code = main(["import", *_given(folder, expected), "--study", study, "--json"])
    severities = set(expected.get("issues", {}).values())
    bad = "error" in expected or "error" in severities
    assert code == 2 if bad else code in ({1} if "warning" in severities else {0, 1})
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert ("error" in told) == ("error" in expected)
    assert "Traceback" not in said.err
    assert [text for text in expected.get("planted", []) if text in said.out + said.err] == []


def test_every_folder_has_an_input():
    for folder in CASES:
        assert folder.name[:3].isdigit()
        assert len(list(folder.iterdir())) > 1, folder
