"""The recipe of invented applications makes a dataset that the catalogue's reader accepts and the plan analyses."""

import json
import subprocess
import sys

import pytest

from feedbackstudy import shipped
from feedbackstudy.datasets.record import read_folder
from feedbackstudy.policy.applications import compress
from feedbackstudy.policy.declared import PolicyPlan


def test_the_recipe_makes_a_dataset(tmp_path):
    script = shipped.folder("datasets") / "synthetic_ats_48h" / "generate.py"
    made = tmp_path / "synthetic_ats_48h"
    subprocess.run([sys.executable, str(script), str(made), "2000", "3"], check=True)
    found = read_folder(made)
    assert len(found.frame) == 2000
    assert {variable.name for variable in found.variables} == set(found.frame.columns)
    plan = PolicyPlan.load(made / "plan.yaml")
    stats = compress(found.path, plan)
    assert stats.of("hired")["n"].sum() > 1500
    truth = json.loads((made / "truth.json").read_text())
    assert truth["simulated"]
    assert truth["truth"]["reapply_assigned_rejected"] == pytest.approx(0.042)
    assert truth["truth"]["reapply_assigned"] == pytest.approx(0.042 * 0.8, abs=0.002)  # four of five are rejected
    again = subprocess.run([sys.executable, str(script), str(made)], check=False, capture_output=True)
    assert again.returncode != 0
