"""Provenance: what made a result, in words and frozen."""

import dataclasses
import platform
import subprocess
import sys
from importlib import metadata

import pytest

from feedbackstudy.provenance import Provenance, versions


def test_versions_are_those_installed():
    found = versions()

    assert found["python"] == platform.python_version()
    assert found["numpy"] == metadata.version("numpy")
    assert found["feedbackstudy"] == metadata.version("feedbackstudy")


def test_a_package_that_is_not_installed_is_left_out():
    assert list(versions("numpy", "no-such-package-here")) == ["python", "numpy"]


def test_asking_for_versions_imports_nothing():
    code = "import sys; from feedbackstudy import versions; versions(); sys.exit('pymc' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_provenance_cannot_be_changed():
    made = Provenance(made_by="literature.reproduce")

    with pytest.raises(dataclasses.FrozenInstanceError):
        made.seed = 3


def test_provenance_tells_everything_that_made_the_number():
    made = Provenance(
        made_by="power.diagnose",
        conventions=("Cohen's f of the population", "Wald interval"),
        design_hash="0123456789abcdef0123",
        data_sha256=(("bertrand2004", "f" * 64),),
        seed=0,
        versions={"python": "3.13.0"},
    )

    assert made.facts().pairs == (
        ("made by", "power.diagnose"),
        ("convention", "Cohen's f of the population"),
        ("convention", "Wald interval"),
        ("design hash", "0123456789abcdef"),
        ("data bertrand2004", f"sha256 {'f' * 16}..."),
        ("seed", "0"),
        ("versions", "python 3.13.0"),
    )


def test_what_does_not_apply_is_left_out():
    assert [label for label, _ in Provenance(made_by="x").facts().pairs] == ["made by", "versions"]
