"""Reference values and data of mixed, ordinal, binary and count models (see mixed_effects.R for the calls)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="session")
def from_lme4() -> dict:
    """Values from lme4, lmerTest, pbkrtest, ordinal, MASS, emmeans and sandwich."""
    return json.loads((REFERENCE / "mixed_effects.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def answers() -> pd.DataFrame:
    """60 invented people in 12 teams, each with answers to 6 of 10 stories."""
    frame = pd.read_csv(REFERENCE / "mixed_effects.csv")
    frame["odd"] = np.arange(1, len(frame) + 1) % 9
    return frame


@pytest.fixture(scope="session")
def columns(answers) -> dict[str, np.ndarray]:
    """Treatment-coded columns in R's order, by name."""
    t = (answers["timing"] == "immediate").to_numpy(float)
    loss = (answers["framing"] == "loss").to_numpy(float)
    neutral = (answers["framing"] == "neutral").to_numpy(float)
    day, one = answers["day"].to_numpy(float), np.ones(len(answers))
    return {
        "timing*day": np.column_stack([one, t, day, t * day]),
        "timing*framing": np.column_stack([one, t, loss, neutral, t * loss, t * neutral]),
        "timing*framing+day": np.column_stack([one, t, loss, neutral, day, t * loss, t * neutral]),
    }


@pytest.fixture(scope="session")
def six_cells(answers) -> np.ndarray:
    """Cells of timing by framing, timing fastest, levels sorted."""
    timing = answers["timing"].map({"delayed": 0, "immediate": 1})
    return (timing + 2 * answers["framing"].map({"gain": 0, "loss": 1, "neutral": 2})).to_numpy(int)
