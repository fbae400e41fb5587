"""A real model is sampled in silence; Ctrl-C ends it at once and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.gates import converged
from feedbackstudy.analysis.bayesian.sampling import load_pymc, sample

LONG_RUN = textwrap.dedent("""
    import signal
    import sys
    import pymc as pm
    from feedbackstudy.analysis.bayesian.sampling import sample

    def told(what, share):
        if what == "sampling" and 0 < share < 1:
            print("under way", file=sys.stderr, flush=True)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts behind itself ignore it
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1, shape=40)
        pm.Normal("y", x.sum(), 1, observed=1.0)
    sample(model, seed=1, draws=2_000_000, tune=1000, chains=2, progress=told)
    print("finished")
""")


@pytest.mark.slow
def test_a_conjugate_model_is_sampled_to_its_closed_form_in_silence(capfd):
    pm = load_pymc()
    data = np.array([0.3, 1.2, 0.7, -0.1, 0.9])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        pm.Normal("y", mu, 1, observed=data)
    shares: list[tuple[str, float]] = []

    drawn = sample(model, seed=5, draws=2000, progress=lambda what, share: shares.append((what, share)))

    precision = data.size + 1 / 4
    quality = converged(drawn.variables["mu"])
    assert drawn.gates.hold
    assert np.median(drawn.variables["mu"]) == pytest.approx(data.sum() / precision, abs=4 * quality.mcse_median)
    assert drawn.variables["mu"].std() == pytest.approx(1 / np.sqrt(precision), rel=0.05)
    assert shares[0] == ("compiling the model", 0.0)
    assert shares[-1] == ("sampling", 1.0)
    assert [s for _, s in shares] == sorted(s for _, s in shares)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process needs POSIX")
def test_ctrl_c_during_sampling_ends_the_run_at_once_and_leaves_nothing_behind(tmp_path):
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "under way" in line:
                break
        started = time.perf_counter()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert time.perf_counter() - started < 15
    assert process.returncode in {-signal.SIGINT, 130, 1}
    assert "KeyboardInterrupt" in err
    assert "finished" not in out
    assert list(tmp_path.iterdir()) == []
