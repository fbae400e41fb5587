"""A report of known vulnerabilities says how much was looked up (S25)."""

import json

from tools.dependency_audit import judge

SKIPPED = {"name": "a", "skip_reason": "Dependency not found on PyPI and could not be audited: a (1.0)"}
CLEAN = {"name": "b", "version": "2.0", "vulns": []}
BAD = {"name": "c", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"]}]}


def judged(tmp_path, *packages):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"dependencies": packages, "fixes": []}), encoding="utf-8")
    return judge(path)


def test_what_could_not_be_looked_up_is_said_to_be_unchecked_and_does_not_fail(tmp_path):
    assert judge(None)[0] == judge(tmp_path / "absent.json")[0] == judged(tmp_path, SKIPPED)[0] == 0
    assert "NOT CHECKED" in judged(tmp_path, SKIPPED)[1]
    (tmp_path / "cut.json").write_text('{"dep', encoding="utf-8")
    assert "NOT CHECKED" in judge(tmp_path / "cut.json")[1]


def test_a_known_vulnerability_fails_and_is_named(tmp_path):
    assert judged(tmp_path, CLEAN) == (0, "1 of 1 locked packages were looked up; 0 have known vulnerabilities.")
    code, words = judged(tmp_path, CLEAN, BAD, SKIPPED)
    assert code == 1
    assert "2 of 3 locked packages were looked up" in words
    assert "NOT CHECKED: a." in words
    assert "c 3.0: PYSEC-1" in words
