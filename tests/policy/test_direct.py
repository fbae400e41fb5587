"""A readout without a plan is the readout of a plan."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.direct import readout


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"arm": rng.choice(["b", "a", "c"], 900), "y": rng.normal(size=900), "x": rng.normal(size=900)})
    data["said yes"] = (rng.random(900) < 0.3).astype(int)
    data["nps"] = rng.integers(0, 11, 900)
    data["site"] = rng.integers(0, 30, 900)
    return data


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_it_is_welchs_test(frame, engine):
    table = {"pandas": frame, "polars": pl.from_pandas(frame).lazy(), "duckdb": duckdb.connect().from_df(frame)}[engine]
    found = readout(table, outcome="y", arm="arm", control="a", kind="mean")
    row = next(r for r in found if r.contrast == "c minus a" and r.scale == "absolute")
    expected = stats.ttest_ind(frame.y[frame.arm == "c"], frame.y[frame.arm == "a"], equal_var=False)
    assert row.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert {r.contrast for r in found} == {"b minus a", "c minus a"}


def test_shares_scores_and_covariates(frame):
    share = readout(frame, outcome="said yes", arm="arm", control="a").one("outcome", "per_1000")
    means = frame.groupby("arm")["said yes"].mean()
    assert share.estimate == pytest.approx(1000 * (means["b"] - means["a"]))
    score = readout(frame, outcome="nps", arm="arm", control="a", kind="nps").one("outcome")
    nps = (frame.nps >= 9).astype(float) - (frame.nps <= 6).astype(float)
    assert score.baseline == pytest.approx(nps[frame.arm == "a"].mean())
    two = frame[frame.arm != "c"]
    adjusted = readout(two, outcome="y", arm="arm", control="a", kind="mean", covariate="x").one("outcome")
    assert "CUPED" in " ".join(adjusted.warnings)


def test_what_cannot_be_read(frame):
    with pytest.raises(DataError, match="Arm of 'arm' 'z' is unknown"):
        readout(frame, outcome="y", arm="arm", control="z", kind="mean")
    with pytest.raises(DataError, match="one arm only"):
        readout(frame[frame.arm == "a"], outcome="y", arm="arm", control="a", kind="mean")
    with pytest.raises(DataError, match="does not say the arm"):
        readout(frame.assign(arm=frame.arm.where(frame.index > 3)), outcome="y", arm="arm", control="a", kind="mean")
    with pytest.raises(InputError, match="name the columns"):
        readout(frame)
