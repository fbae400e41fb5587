"""`impute` and `pool` for a data frame: as the declared treatment, step by step."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis import impute, pool, regression
from feedbackstudy.errors import DataError, NotFoundError

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
COLUMNS = ["challenge", "selfeff", "outcome", "baseline"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "feedback_missing.csv")


@pytest.fixture(scope="module")
def done(table):
    return impute(table, COLUMNS, within=["timing", "framing"], groups=["interviewer"], m=20, seed=4)


def test_gaps_are_filled_and_everything_else_stays(done, table):
    assert len(done) == 20
    for one in done:
        assert not one[COLUMNS].isna().any().any()
        for name in COLUMNS:
            known = table[name].notna()
            assert (one.loc[known, name] == table.loc[known, name]).all()
        assert one["timing"].equals(table["timing"])
    assert table["outcome"].isna().any()
    assert "mean imputed" in done.page().text()


def test_tables_are_analysed_one_by_one_and_pooled(done):
    fits = [regression(one, "outcome", ["framing", "challenge", "selfeff", "baseline"]) for one in done]
    rows = [next(c for c in fit.coefficients if c.name == "selfeff") for fit in fits]

    found = pool([row.estimate for row in rows], [row.se for row in rows], df=rows[0].df)

    # lavaan by full information (founders' oracle fm_serial_FIML): .6010 (.0708); imputations are drawn by matching.
    assert found.pooled.estimate == pytest.approx(0.601, abs=0.035)
    assert found.pooled.se == pytest.approx(0.0708, rel=0.15)
    assert 0.05 < found.pooled.fmi < 0.6
    assert found.low < found.pooled.estimate < found.high
    assert (found.p < 0.05) == (found.low > 0)
    assert "fraction of missing information" in found.page().text()


def test_what_cannot_be_imputed_or_pooled_is_refused(table, done):
    with pytest.raises(DataError, match="No value is missing"):
        impute(table, ["baseline"])
    with pytest.raises(DataError, match="conditions and clusters are not imputed"):
        impute(table.assign(timing=table["timing"].where(table.index > 3)), COLUMNS, within=["timing"])
    with pytest.raises(NotFoundError):
        impute(table, COLUMNS, kinds={"outcome": "magic"})
    with pytest.raises(DataError, match="list of names"):
        impute(table, "outcome")
    with pytest.raises(NotFoundError, match="completed tables"):
        done.frame(20)
    with pytest.raises(DataError):
        pool([1.0, 2.0], [0.1, np.nan])
    with pytest.raises(DataError, match="level"):
        pool([1.0, 2.0], [0.1, 0.1], level=95)


@pytest.mark.against_r
@pytest.mark.parametrize("df", [float("inf"), 306.0])
def test_r_pools_the_same_numbers(run_r, tmp_path, df):
    rng = np.random.default_rng(3)
    found = pool(rng.normal(0.6, 0.05, 20), rng.uniform(0.06, 0.08, 20), df=df, level=0.9)

    in_r = run_r(found.r_script(), tmp_path)

    at = found.pooled
    ours = {"estimate": at.estimate, "se": at.se, "df": at.df, "fmi": at.fmi, "p": found.p}
    for name, value in (ours | {"low": found.low, "high": found.high}).items():
        assert value == pytest.approx(in_r[name][0], rel=1e-9), name


@pytest.mark.against_r
def test_the_completed_tables_are_in_the_script_with_their_pooled_means(done, run_r, tmp_path):
    script = done.r_script()

    in_r = run_r(script, tmp_path)

    n = len(done.data)
    assert len(script.data) == 20 * n
    for j, name in enumerate(COLUMNS, start=1):
        means = [one[name].mean() for one in done]
        errors = [one[name].std() / np.sqrt(n) for one in done]
        ours = pool(means, errors, df=n - 1).pooled
        assert (ours.estimate, ours.se) == pytest.approx((in_r[f"v{j} estimate"][0], in_r[f"v{j} se"][0]), rel=1e-9)
