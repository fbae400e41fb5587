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
