"""Write environment.yml, the conda user's view of pyproject.toml: ``python -m tools.conda``."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "environment.yml"
USES = ("notebooks", "spss", "docx", "excel", "policy")
CONDA_NAME = {"duckdb": "python-duckdb"}
PIP_ONLY = ("diff-diff",)  # no conda channel is known to hold it

_HEADER = """\
# Made from pyproject.toml by `make snapshots`; a test holds the two equal.
#   conda env create -f environment.yml && conda activate feedbackstudy
#   feedbackstudy demo
name: feedbackstudy
channels:
  - conda-forge
dependencies:
"""
_FOOTER = """\
  - pip
  - pip:
      - -e .
"""


def _line(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    if name is None:
        raise ValueError(f"{requirement!r} in pyproject.toml does not start with a package name.")
    return f"  - {CONDA_NAME.get(name[0], name[0])}{requirement[name.end() :]}\n"


def environment() -> str:
    """Return what environment.yml must hold: Python, the dependencies and every extra but ``dev``."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    extras = [requirement for use in USES for requirement in project["optional-dependencies"][use]]
    wanted = {*project["dependencies"], *extras}
    by_pip = sorted(requirement for requirement in wanted if requirement.startswith(PIP_ONLY))
    lines = [_line(f"python{project['requires-python']}"), *map(_line, sorted(wanted - set(by_pip)))]
    return _HEADER + "".join(lines) + _FOOTER + "".join(f"      - {requirement}\n" for requirement in by_pip)


if __name__ == "__main__":
    ENVIRONMENT.write_text(environment(), encoding="utf-8")
