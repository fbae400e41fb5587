"""Reference numbers and shipped tables for the tests of the analysis room."""

import json
from pathlib import Path

import pandas as pd
import pytest

from feedbackstudy import datasets

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


@pytest.fixture(scope="session")
def from_r() -> dict:
    """Values from R (see published_analyses.R for the calls, the file itself for the versions)."""
    return json.loads((REFERENCE / "published_analyses.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def effort() -> pd.DataFrame:
    """Cells by number of practice tasks, the four cells of nagy2023 in the order fixed, growth; control first."""
    frame = datasets.load("nagy2023_effort_frequencies").frame
    return frame.pivot_table(
        index=["mindset", "intervention"], columns="extra_tasks", values="n", aggfunc="sum", fill_value=0
    ).astype("int64")


@pytest.fixture(scope="session")
def fairness() -> dict[str, pd.DataFrame]:
    """Groups by ratings for each outcome of juijn2023, all 226 people."""
    frame = datasets.load("juijn2023_fairness_counts").frame
    return {
        outcome: part.pivot_table(index="group", columns="fairness", values="n", aggfunc="sum", fill_value=0).astype(
            "int64"
        )
        for outcome, part in frame.groupby("outcome")
    }


@pytest.fixture(scope="session")
def classes() -> pd.DataFrame:
    """n, mean and sd of the 38 classes of manyclasses1."""
    return datasets.load("manyclasses1_class_figures").frame
