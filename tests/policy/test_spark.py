"""The same grouped sums on Spark; opt-in, since Spark needs a JVM: set FEEDBACKSTUDY_SPARK=1."""

import datetime as dt
import os

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.policy.applications import ApplicationTable, compress
from feedbackstudy.policy.compression import LinearModel, Term, compress_linear
from feedbackstudy.policy.data_print import print_of, same_data
from feedbackstudy.policy.declared import Metric, Rollout
from feedbackstudy.policy.direct import readout
from tests.policy.applications.test_table import COLUMNS, plan_of, rows  # noqa: F401  (a fixture)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("FEEDBACKSTUDY_SPARK"), reason="Spark is asked for by FEEDBACKSTUDY_SPARK=1"),
]


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "2g",
    }
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.mark.filterwarnings("default")
def test_spark_gives_what_pandas_gives(spark):
    rng = np.random.default_rng(4)
    n = 3000
    frame = pd.DataFrame(
        {
            "site": rng.integers(0, 8, n),
            "job": rng.choice(["a", "b'c"], n),
            "policy": rng.integers(0, 2, n).astype(float),
        }
    )
    frame["interviewer"] = frame["site"] * 5 + rng.integers(0, 5, n)
    frame["again"] = (rng.random(n) < 0.4 + 0.05 * frame["policy"]).astype(float)
    model = LinearModel(
        outcome="again", terms=(Term((), ("policy",)), Term(("site",)), Term(("job",))), clusters=("interviewer",)
    )
    here = compress_linear(frame, model)
    there = compress_linear(spark.createDataFrame(frame), model)
    assert "pyspark" in there.engine
    np.testing.assert_allclose(there.beta, here.beta, rtol=1e-9)
    np.testing.assert_allclose(there.clustered("interviewer"), here.clustered("interviewer"), rtol=1e-7, atol=1e-15)


METRICS = (
    Metric(name="again", label="Again", kind="proportion", column="@reapplied", within_days=60, role="primary"),
    Metric(name="in_time", label="In 48 h", kind="proportion", column="@delivered", within_days=2, role="fidelity"),
    Metric(name="minutes", label="Minutes", kind="mean", column="minutes"),
)


def _on_spark(spark, place, table):
    """Return rows as a Spark frame by way of Parquet; times without a zone stay times of the wall clock."""
    table.to_parquet(place / "rows.parquet", coerce_timestamps="us", allow_truncated_timestamps=True)
    return spark.read.parquet(str(place / "rows.parquet"))


@pytest.mark.filterwarnings("default")
def test_applications_on_spark_give_what_pandas_gives(spark, rows, tmp_path):  # noqa: F811
    plan = plan_of(metrics=METRICS, clusters=(), equity_groups=("sex",))
    there, here = _on_spark(spark, tmp_path, rows), compress(rows, plan)
    assert not ApplicationTable(there).check(plan).errors
    found = compress(there, plan)
    assert found.rows == here.rows
    for name in here.cells:
        pd.testing.assert_frame_equal(found.of(name), here.of(name), rtol=1e-12, check_dtype=False)
        assert found.fits[name].beta == pytest.approx(here.fits[name].beta, rel=1e-8, nan_ok=True)
    assert same_data(print_of(here), found)


@pytest.mark.filterwarnings("default")
def test_bad_tables_on_spark_are_named(spark, rows, tmp_path):  # noqa: F811
    misspelt = Metric(name="m", label="M", kind="mean", column="minuts", role="primary")
    plan = plan_of(metrics=(misspelt,), clusters=(), equity_groups=())
    with pytest.raises(DataError, match="Did you mean 'minutes'"):
        compress(_on_spark(spark, tmp_path, rows.head(20)), plan)
    alone = plan_of(metrics=METRICS[:1], clusters=(), equity_groups=())
    times = ("applied", "decided", 'sent "at"')
    zoned = _on_spark(spark, tmp_path, rows.head(20).assign(**{t: rows[t].dt.tz_localize("UTC") for t in times}))
    with pytest.raises(DataError, match="which zone's calendar counts"):
        ApplicationTable(zoned).check(alone)
    strange = _on_spark(spark, tmp_path, rows.head(40).assign(status="parked"))
    codes = {issue.code for issue in ApplicationTable(strange).check(alone)}
    assert {"policy.unknown_status", "policy.nothing_counts"} <= codes


@pytest.mark.filterwarnings("default")
def test_zones_on_spark_are_those_of_the_plan_not_of_the_session(spark, rows, tmp_path):  # noqa: F811
    one = Rollout(unit="site", start={"a": "2026-04-01"})
    columns = COLUMNS.model_copy(update={"zone": "Europe/Berlin"})
    plan = plan_of(metrics=(METRICS[2].model_copy(update={"role": "primary"}),), clusters=(),
                   equity_groups=(), columns=columns, treatment=one)  # fmt: skip
    two = rows.head(2).assign(site="a", status="rejected", ok="yes")
    two["applied"] = pd.Timestamp("2026-03-01")
    two["decided"] = [pd.Timestamp("2026-03-31 22:30"), pd.Timestamp("2026-03-31 21:30")]  # UTC; Berlin is two ahead
    two['sent "at"'] = two["decided"] + dt.timedelta(hours=1)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    times = ("applied", "decided", 'sent "at"')
    frame = _on_spark(spark, tmp_path, two.assign(**{t: two[t].dt.tz_localize("UTC") for t in times}))
    for session in ("UTC", "America/New_York"):
        spark.conf.set("spark.sql.session.timeZone", session)
        seen = ApplicationTable(frame).prepare(plan).table.select("treated").collect()
        assert sorted(row.treated for row in seen) == [0.0, 1.0]
    spark.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.mark.filterwarnings("default")
def test_a_readout_without_a_plan_on_spark(spark, rows):  # noqa: F811
    data = rows[["site", "minutes"]].assign(arm=rows.site.isin(["a", "b"]).map({True: "new", False: "old"}))
    there = readout(spark.createDataFrame(data), outcome="minutes", arm="arm", control="old", kind="mean")
    here = readout(data, outcome="minutes", arm="arm", control="old", kind="mean")
    assert there.one("outcome").p == pytest.approx(here.one("outcome").p, rel=1e-9)
