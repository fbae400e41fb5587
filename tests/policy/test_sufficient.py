"""Cells add up to the rows they came from."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from feedbackstudy.policy.declared import ApplicationColumns, Metric, PolicyPlan, Rollout, Window
from feedbackstudy.policy.sufficient import Prepared, compress_prepared
from feedbackstudy.provenance import Provenance

COLUMNS = ApplicationColumns(
    application="id", applied_at="a", decided_at="d", status="s", statuses={"R": "rejected"}, site="site"
)


@pytest.fixture
def plan():
    return PolicyPlan(
        title="48 hours",
        columns=COLUMNS,
        window=Window(first="2026-01-01", last="2026-06-30", data_end="2026-12-31"),
        treatment=Rollout(unit="site", start={str(i): "2026-03-01" for i in range(6)}),
        metrics=(
            Metric(name="again", label="Again", kind="proportion", column="x", role="primary", covariate="before"),
            Metric(name="rating", label="Rating", kind="ordinal", column="r", categories=(1.0, 2.0, 3.0)),
            Metric(name="per_hour", label="Per hour", kind="ratio", column="m", per="h"),
        ),
        clusters=("interviewer",),
        adjust=("job",),
        subgroups=("job",),
    )


@pytest.fixture
def rows():
    rng = np.random.default_rng(8)
    n = 3000
    frame = pd.DataFrame({"site": rng.integers(0, 6, n).astype(str), "period": rng.integers(0, 5, n)})
    frame["interviewer"] = frame["site"] + "-" + rng.integers(0, 4, n).astype(str)
    frame["treated"] = (frame["period"] >= 2 + frame["site"].astype(int) % 3).astype(float)
    frame["arm"] = np.where(frame["treated"] == 1, "policy", "before")
    frame["job"] = rng.choice(["a", "b"], n)
    frame["m_again"] = (rng.random(n) < 0.4).astype(float)
    frame["m_again_x"] = rng.normal(size=n)
    frame["m_rating"] = rng.integers(1, 4, n).astype(float)
    frame["m_per_hour"], frame["m_per_hour_per"] = rng.gamma(2, 1, n), rng.gamma(3, 1, n)
    frame.loc[rng.random(n) < 0.3, "m_rating"] = np.nan
    return frame


@pytest.mark.parametrize("engine", ["pandas", "polars", "duckdb"])
def test_cells_add_up_to_the_rows(plan, rows, engine):
    table = {"pandas": rows, "polars": pl.from_pandas(rows), "duckdb": duckdb.connect().from_df(rows)}[engine]
    stats = compress_prepared(Prepared(table=table, provenance=Provenance(made_by="test")), plan)
    keys = ["site", "interviewer", "period", "arm", "treated"]
    again = stats.of("again")
    by_hand = rows.groupby(keys)["m_again"].agg(["size", "sum"]).reset_index()
    assert again["n"].tolist() == by_hand["size"].tolist()
    assert again["sum"].tolist() == by_hand["sum"].tolist()
    assert again["xy"].sum() == pytest.approx((rows["m_again"] * rows["m_again_x"]).sum(), rel=1e-9)
    rating = stats.of("rating")
    assert (rating[["k0", "k1", "k2"]].sum(axis=1) == rating["n"]).all()
    assert rating["k1"].sum() == (rows["m_rating"] == 2).sum()
    assert rating["n"].sum() == rows["m_rating"].notna().sum()
    ratio = stats.of("per_hour")
    assert ratio["cross"].sum() == pytest.approx((rows["m_per_hour"] * rows["m_per_hour_per"]).sum(), rel=1e-9)
    assert stats.subgroups["again", "job"].groupby("job")["n"].sum().tolist() == rows.groupby("job").size().tolist()
    fit = stats.fits["again"]
    assert fit.columns[1].label == "treated"
    assert set(fit.scores) == {"site", "interviewer"}
    assert "Restricted" in str(stats)
