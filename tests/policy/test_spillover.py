"""Spillover is counted where it was put, and estimated where it was invented."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError, InputError
from feedbackstudy.policy.applications import synthetic_applications
from feedbackstudy.policy.contacts import contacts_of, movers_of
from feedbackstudy.policy.spillover import movers, neighbour_exposure
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of


def test_movers_are_those_who_were_moved():
    counts = pd.DataFrame(
        [
            ("ann", "a", 1, 0, 10), ("ann", "a", 2, 1, 10),  # stays: no spillover
            ("bob", "a", 2, 1, 10), ("bob", "b", 2, 0, 7), ("bob", "b", 1, 0, 5),  # reached in 2, not in 1
            ("cy", "b", 1, 0, 4), ("cy", "a", 2, 1, 4),  # met it after having left
        ],
        columns=["interviewer", "unit", "period", "treated", "n"],
    )  # fmt: skip
    found = movers(None, "interviewer", counts=counts)
    assert (found.people, found.several_units, found.contaminated) == (3, 2, 1)
    assert found.rows_contaminated == 7
    assert found.share == pytest.approx(7 / 26)
    assert "may have been reached" in str(found)
    with pytest.raises(DataError, match="lack n"):
        movers(None, "interviewer", counts=counts.drop(columns="n"))
    with pytest.raises(InputError, match="Give the sufficient"):
        movers(None, "interviewer")


def test_movers_come_from_cells_where_people_are_clusters():
    rows = rows_of(1)
    rows["interviewer"] = rows["site"] + "-1"
    stats = stats_of(rows, plan_of(rows, clusters=("interviewer",)))
    assert movers(stats, "interviewer").contaminated == 0
    assert "Nobody is seen" in str(movers(stats, "interviewer"))
    with pytest.raises(InputError, match="GROUP BY"):
        movers(stats, "candidate")


def test_an_invented_spillover_is_found():
    """Truth: .10 directly, .06 where the other site of the pair is under the policy."""
    rows = rows_of(2, sites=24, periods=10, per_cell=500, never=6, effect=0.0)
    sites = sorted(set(rows["site"]))
    pair = dict(zip(sites[::2], sites[1::2], strict=True)) | dict(zip(sites[1::2], sites[::2], strict=True))
    state = rows.groupby(["site", "period"])["treated"].first()
    other = np.array([state.get((pair[s], p), 0.0) for s, p in zip(rows["site"], rows["period"], strict=True)])
    rng = np.random.default_rng(3)
    share = 0.3 + 0.10 * rows["treated"] + 0.06 * other * (1 - rows["treated"])
    rows["m_again"] = (rng.random(len(rows)) < share).astype(float)
    stats = stats_of(rows, plan_of(rows))
    found = neighbour_exposure(stats, {s: {pair[s]: 2.0} for s in sites}).rows
    assert found[0].low < 0.10 < found[0].high
    assert found[1].low < 0.06 < found[1].high
    assert found[1].low > 0
    with pytest.raises(DataError, match="neighbours"):
        neighbour_exposure(stats, {s: {"x": 1.0} for s in sites})


def test_candidates_are_counted_from_the_table_by_any_engine():
    """By hand from the invented rows; pandas, polars and DuckDB alike."""
    import duckdb
    import polars as pl

    invented = synthetic_applications(4_000, seed=8)
    frame, plan = invented.table.source, invented.plan
    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    found = movers_of(frame, plan)
    assert found.who == plan.columns.candidate
    counts = contacts_of(frame, plan)
    assert list(counts.columns) == [found.who, "unit", "period", "treated", "n"]
    seen = 0
    for _, own in counts.groupby(found.who):
        met = own[own["treated"] > 0]
        later = [
            ((met["unit"] != row["unit"]) & (met["period"] <= row["period"])).any()
            for row in own[own["treated"] <= 0].to_dict("records")
        ]
        seen += any(later)
    assert found.contaminated == seen
    assert found.people == counts[found.who].nunique()
    by_hand = movers(None, found.who, counts=counts)
    assert replace(found, provenance=by_hand.provenance) == by_hand
    connection = duckdb.connect()
    connection.register("applications", frame)
    for other in (pl.from_pandas(frame), connection.table("applications")):
        pd.testing.assert_frame_equal(contacts_of(other, plan), counts, check_dtype=False)
        assert movers_of(other, plan) == found
    alone = [movers_of(table, plan, "interviewer") for table in (frame, connection.table("applications"))]
    assert all((own.several_units, own.contaminated, own.rows_contaminated) == (0, 0, 0.0) for own in alone)
    assert alone[0] == alone[1]
    with pytest.raises(InputError, match="names no column of candidates"):
        movers_of(frame, plan.model_copy(update={"columns": plan.columns.model_copy(update={"candidate": None})}))
