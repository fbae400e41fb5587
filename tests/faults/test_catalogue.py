"""All 124 faults of the catalogue are accounted for: by a folder, a test elsewhere, as not applicable, or as open."""

import ast
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LISTED = json.loads((HERE / "elsewhere.json").read_text(encoding="utf-8"))
FOLDERS = {int(path.parent.name[:3]) for path in HERE.glob("*/expected.json")}


def test_every_number_is_accounted_for_once():
    listed = [int(number) for group in LISTED.values() for number in group]
    assert len(listed) == len(set(listed))
    assert FOLDERS.isdisjoint(listed)
    assert FOLDERS | set(listed) == set(range(1, 125))


def test_none_is_open():
    assert LISTED["open"] == {}


@pytest.mark.parametrize("node", LISTED["elsewhere"].values())
def test_a_test_that_is_named_exists(node):
    file, _, name = node.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
