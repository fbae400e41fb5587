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
    with pytest.raises(DataError, match="Control in 'arm' 'z' is unknown"):
        readout(frame, outcome="y", arm="arm", control="z", kind="mean")
    with pytest.raises(DataError, match="one arm only"):
        readout(frame[frame.arm == "a"], outcome="y", arm="arm", control="a", kind="mean")
    with pytest.raises(DataError, match="does not say the arm"):
        readout(frame.assign(arm=frame.arm.where(frame.index > 3)), outcome="y", arm="arm", control="a", kind="mean")
    with pytest.raises(InputError, match="name the columns"):
        readout(frame)


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_values_that_the_kind_does_not_have_are_refused(frame, engine):
    def of(data):
        return {"pandas": lambda: data, "polars": lambda: pl.from_pandas(data), "duckdb":
                lambda: duckdb.connect().from_df(data)}[engine]()  # fmt: skip

    with pytest.raises(DataError, match=r"'said yes' holds values that are not 0 or 1, .* in 1 of"):
        readout(of(frame.assign(**{"said yes": frame["said yes"].where(frame.index != 5, 7)})), outcome="said yes",
                arm="arm", control="a")  # fmt: skip
    with pytest.raises(DataError, match=r"'nps' holds values that are not whole numbers from 0 to 10, .* in 2 of"):
        readout(of(frame.assign(nps=frame.nps.where(frame.index > 1, 99))), outcome="nps", arm="arm", control="a",
                kind="nps")  # fmt: skip
    lost = frame.assign(site=frame.site.map(str).where(frame.index > 5))
    with pytest.raises(DataError, match="'site' does not name the unit of 6 rows"):
        readout(of(lost), outcome="y", arm="arm", control="a", kind="mean", unit="site")
    gone = readout(of(frame.assign(y=frame.y.where(frame.index > 5))), outcome="y", arm="arm", control="a", kind="mean")
    assert gone.rows[0].n == 894
    assert all("6 rows left out: no value of 'y'" in row.warnings for row in gone)


def test_a_control_may_be_a_number(frame):
    two = frame[frame.arm != "c"]
    numbered = two.assign(arm=(two.arm == "b").astype(int))
    one, other = (readout(t, outcome="y", arm="arm", control=c, kind="mean") for t, c in ((two, "a"), (numbered, 0)))
    assert one.one("outcome").p == other.one("outcome").p
    with pytest.raises(DataError, match="Control in 'arm' '2' is unknown"):
        readout(numbered, outcome="y", arm="arm", control=2, kind="mean")
