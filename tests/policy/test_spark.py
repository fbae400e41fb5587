"""The same grouped sums on Spark; opt-in, since Spark needs a JVM: set FEEDBACKSTUDY_SPARK=1."""

import os

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.policy.compression import LinearModel, Term, compress_linear

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
