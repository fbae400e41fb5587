"""A Dask cluster of two processes runs the row engine and a user's own analysis unchanged: same seed, same answer.

The cluster's client lives in a process of its own, for it draws from the global generator of the module `random`.
"""

import io
import json
import os
import subprocess
import sys
import warnings
from concurrent.futures import Executor

import pandas as pd
import pytest

from feedbackstudy.frames import Scores
from feedbackstudy.power import diagnose, sweep
from feedbackstudy.simulate import World
from feedbackstudy.study import Study, template_folder


def difference(scores: Scores, study: Study) -> dict[str, dict[str, float]]:
    """Compare two levels of the first factor by hand, for the outcome of h1."""
    from scipy import stats

    hypothesis, factor = study.hypotheses["h1"], study.factors.names[0]
    rows = scores.frame[scores.frame["occasion"] == study.occasion_of(hypothesis)]
    groups = [part.dropna().to_numpy(float) for _, part in rows.groupby(factor)[hypothesis.outcome]]
    found = stats.ttest_ind(groups[0], groups[1], equal_var=False)
    span = found.confidence_interval()
    return {"h1": {"estimate": (span.low + span.high) / 2, "low": span.low, "high": span.high, "p": found.pvalue}}


def answers(executor: Executor | None, analysis=difference) -> dict[str, str]:
    """Ask everything that takes an executor; to text that keeps every digit of a number."""
    study = Study.load(template_folder("second-chance"))
    world, vary = World.assumed(study), f"n.{study.units.names[-1]}"
    frames = {
        "rows": diagnose(study, world, seed=5, n_simulations=100, executor=executor).frame(),
        "own": diagnose(study, world, seed=5, n_simulations=20, analysis=analysis, executor=executor).frame(),
        "sweep": sweep(study, world, {vary: [200, 400]}, seed=2, n_simulations=40, executor=executor).frame(),
    }
    return {name: frame.to_csv(index=False) for name, frame in frames.items()}


def on_the_cluster() -> dict[str, object]:
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.upload_file(__file__)
        import test_dask  # the workers have it under this name

        pids = sorted(set(client.run(os.getpid).values()) - {os.getpid()})
        with client.get_executor() as executor:
            return {"pids": pids, **answers(executor, test_dask.difference)}


@pytest.fixture(scope="module")
def clustered():
    pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def alone():
    return answers(None)


def test_the_cluster_is_two_other_processes(clustered):
    assert len(clustered["pids"]) == 2


@pytest.mark.parametrize("engine", ["rows", "own", "sweep"])
def test_the_same_seed_gives_the_same_answer_on_the_cluster(engine, clustered, alone):
    assert clustered[engine] == alone[engine]


def test_the_answers_compared_are_answers(alone):
    own = pd.read_csv(io.StringIO(alone["own"])).set_index("hypothesis").loc["h1"]

    assert own["failed"] == 0
    assert own["width"] > 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write(json.dumps(on_the_cluster()) + "\n")
