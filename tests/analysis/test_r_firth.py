"""Firth's logistic regression in base R."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.logistic import logistic
from tests.analysis.conftest import REFERENCE


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "mixed_effects.csv")


@pytest.mark.against_r
def test_firth_s_modified_score_is_solved_in_base_r(data, run_r, tmp_path):
    table = data.assign(never=np.where(data["reply"] == 1, "no", np.where(np.arange(len(data)) % 3 == 0, "yes", "no")))
    fit = logistic(table, "reply", ["timing", "never"], firth=True)

    in_r = run_r(fit.r_script(), tmp_path)

    for row, name in zip(fit.effects, ("(Intercept)", "timingimmediate", "neveryes"), strict=True):
        # Fisher's scoring of both ends within 1e-10 or so of the root of the score
        assert (row.estimate, row.se) == pytest.approx((in_r[f"{name} estimate"][0], in_r[f"{name} se"][0]), rel=1e-6)
