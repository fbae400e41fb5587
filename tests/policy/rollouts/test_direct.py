"""A table and no plan: the same numbers, from any engine, with a word that nothing was declared."""

import duckdb
import polars as pl
import pytest

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.interrupted import interrupted
from feedbackstudy.policy.rollouts.direct import did, did_stats
from feedbackstudy.policy.rollouts.readout import read_rollout
from tests.policy.rollouts.invented import METRICS, plan_of, rows_of, stats_of

ROWS = rows_of(1)
NAMES = {"outcome": "m_again", "unit": "site", "period": "period", "treated": "treated"}


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_it_is_what_a_plan_gives(engine):
    table = {"pandas": ROWS, "polars": pl.from_pandas(ROWS), "duckdb": duckdb.connect().from_df(ROWS)}[engine]
    ours = did(table, **NAMES, kind="proportion").rows
    plan = read_rollout(stats_of(ROWS, plan_of(ROWS, metrics=METRICS[:1]))).rows
    assert [row.estimate for row in ours] == pytest.approx([row.estimate for row in plan], rel=1e-9)
    assert [row.se for row in ours] == pytest.approx([row.se for row in plan], rel=1e-9)
    assert "no plan was declared" in ours[0].warnings[-1]


def test_a_drawn_order_is_permuted():
    row = did(ROWS, **NAMES, mechanism="randomised", draws=200).rows[0]
    assert "200 schedules" in row.covariance


def test_one_site_alone_is_an_interrupted_series():
    alone = rows_of(4, sites=1, periods=14, never=0)
    alone["treated"] = (alone["period"] >= alone["period"].min() + 7).astype(float)
    found = interrupted(did_stats(alone, **NAMES, kind="proportion"), alone["site"].iloc[0])
    assert found.rows[0].n == len(alone)
    with pytest.raises(InputError, match="cannot be had"):
        did(alone, **NAMES, kind="proportion")


def test_values_are_looked_at_before_they_are_averaged():
    with pytest.raises(DataError, match="'m_again' holds values that are not 0 or 1"):
        did(ROWS.assign(m_again=ROWS["m_again"].where(ROWS.index != 3, 7.0)), **NAMES, kind="proportion")
    lost = did(ROWS.assign(m_again=ROWS["m_again"].where(ROWS.index > 5)), **NAMES, kind="proportion").rows
    assert all("6 rows left out: no value of 'm_again'" in row.warnings for row in lost)


def test_what_is_no_rollout_is_refused():
    with pytest.raises(DataError, match="no column 'x'"):
        did(ROWS, **(NAMES | {"unit": "x"}))
    with pytest.raises(DataError, match="whole numbers"):
        did(ROWS, **(NAMES | {"period": "job"}))
    with pytest.raises(DataError, match="is 0 or 1"):
        did(ROWS.assign(treated=ROWS["treated"] * 2), **NAMES)
    last = ROWS["period"].max()
    back = ROWS.assign(treated=ROWS["treated"].where(ROWS["period"] < last, 0.0))
    with pytest.raises(DataError, match="goes back"):
        did_stats(back, **NAMES)
    mixed = ROWS.assign(treated=(ROWS.index % 2).astype(float))
    with pytest.raises(DataError, match="two start dates"):
        did_stats(mixed, **NAMES)
    empty = ROWS.assign(site=ROWS["site"].where(ROWS.index > 0))
    with pytest.raises(DataError, match="never null"):
        did_stats(empty, **NAMES)
