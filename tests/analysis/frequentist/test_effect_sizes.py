"""Limits of noncentral distributions against R, on both sides of zero and far from it."""

import json
from pathlib import Path

import numpy as np
import pytest

from feedbackstudy.analysis.frequentist.effect_sizes import noncentral_t_limits

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
ROWS = json.loads((REFERENCE / "noncentral_t.json").read_text(encoding="utf-8"))["rows"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"t={row['t']}, df={row['df']}")
def test_limits_of_the_noncentrality_are_those_of_r(row):
    found = noncentral_t_limits(row["t"], row["df"], 0.95)

    assert found == pytest.approx((row["low"], row["high"]), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("t", [-120.0, -37.0, -12.0])
@pytest.mark.parametrize("df", [28, 1000])
def test_a_negative_t_mirrors_a_positive_one_however_far(t, df):
    low, high = noncentral_t_limits(t, df, 0.95)

    assert np.isfinite([low, high]).all()
    assert low < t < high
    assert noncentral_t_limits(-t, df, 0.95) == (-high, -low)
