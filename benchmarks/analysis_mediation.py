"""Bootstrapped mediation against lavaan and pingouin: same data, same model, same script, one thread, warm.

Run: python benchmarks/analysis_mediation.py [--repeats 9] [--without-r]. The tasks, on 400 invented people:

- a serial path of two mediators with a covariate, 5,000 draws, against lavaan's bootstrap of the same model, seconds a
  draw (lavaan draws 200 times, its fitting of the model left out);
- parallel mediators with a covariate, 5,000 draws, against pingouin's mediation_analysis (which has no serial paths).

Ours includes everything from the rows on: equations, cross-products, draws, effects, percentile intervals and p. The
whole direct function, with delta method, exact posterior and standardised effects, is printed beside it. Seconds are
the processor's, which on a quiet machine are those of the clock: everything runs in one thread. Milliseconds are
printed, not promised; ratios are judged against the bar beside them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from feedbackstudy.analysis.frequentist.bootstrap import bootstrap_paths  # noqa: E402
from feedbackstudy.analysis.frequentist.path_intervals import percentile  # noqa: E402
from feedbackstudy.analysis.mediation import mediation  # noqa: E402
from feedbackstudy.analysis.mediation_frame import path_columns  # noqa: E402
from feedbackstudy.analysis.mediation_moderation import Roles  # noqa: E402
from feedbackstudy.analysis.mediation_system import values  # noqa: E402

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"
DRAWS, LAVAAN_DRAWS = 5000, 200
SECONDS, TIMES_LAVAAN, TIMES_PINGOUIN = 0.2, 100, 10
SERIAL = Roles(x="Fg", y="outcome", mediators=("challenge", "selfeff"), structure="serial", covariates=("baseline",))
PARALLEL = Roles(
    x="Fg", y="outcome", mediators=("challenge", "selfeff"), structure="parallel", covariates=("baseline",)
)

SCRIPT = """
suppressMessages({library(lavaan); library(jsonlite)})
argument <- commandArgs(TRUE)
people <- read.csv(file.path(argument[1], "feedback400.csv"))
people$Fg <- as.numeric(people$framing == "gain")
model <- "challenge ~ a1*Fg + baseline; selfeff ~ a2*Fg + d*challenge + baseline
outcome ~ cp*Fg + b1*challenge + b2*selfeff + baseline; i12 := a1*d*b2"
fit <- sem(model, people, fixed.x = TRUE)
draws <- as.integer(argument[2])
run <- function() {t <- proc.time()[["user.self"]]; bootstrapLavaan(fit, R = draws); proc.time()[["user.self"]] - t}
warm <- run()
cat(toJSON(sapply(1:3, function(k) run()) / draws, digits = 10))
"""


def timed(call, repeats):
    """Return the processor's seconds of every run after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return found


def people():
    """Return our invented data of 400 people."""
    data = pd.read_csv(REFERENCE / "feedback400.csv")
    return data.assign(Fg=(data["framing"] == "gain").astype(float))


def bootstrapped(data, roles):
    """Return intervals of every effect from 5,000 draws, from the table on."""
    built = path_columns(data, roles).design
    drawn = bootstrap_paths(built.system, draws=DRAWS, seed=1, jackknife=False)
    return percentile(values(built.effects, drawn.theta))


def whole(data, roles):
    """Return the whole analysis, both ways."""
    return mediation(
        data, roles.x, roles.mediators, roles.y, structure=roles.structure, covariates=roles.covariates, seed=1
    )


def by_lavaan():
    """Return lavaan's seconds a draw, or nothing where R or lavaan is absent."""
    if shutil.which("Rscript") is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bench.R"
        script.write_text(SCRIPT)
        command = ["Rscript", str(script), str(REFERENCE), str(LAVAAN_DRAWS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else []


def by_pingouin(data):
    """Return pingouin's seconds for parallel mediators, or nothing where it is not installed."""
    try:
        import pingouin
    except ImportError:
        return []
    mediators = list(PARALLEL.mediators)
    return timed(
        lambda: pingouin.mediation_analysis(
            data, x="Fg", m=mediators, y="outcome", covar="baseline", n_boot=DRAWS, seed=1
        ),
        3,
    )


def beside(rival, theirs, ours, bar):
    """Print a ratio and return whether the bar is met; an absent rival meets it."""
    if not theirs:
        print(f"  {rival} not run")
        return True
    ratio = float(np.median(theirs)) / ours
    print(f"  {rival}: {ratio:.0f} times (bar {bar}) {'met' if ratio >= bar else 'MISSED'}")
    return ratio >= bar


def main():
    parser = argparse.ArgumentParser(description="Bootstrapped mediation against lavaan and pingouin.")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--without-r", action="store_true")
    asked = parser.parse_args()
    data = people()
    mine = statistics.median(timed(lambda: bootstrapped(data, SERIAL), asked.repeats))
    met = [mine <= SECONDS]
    print(f"serial, {DRAWS:,} draws: ours {1000 * mine:.0f} ms (bar {SECONDS} s) {'met' if met[0] else 'MISSED'}")
    both = statistics.median(timed(lambda: whole(data, SERIAL), asked.repeats))
    print(f"  the whole function, both ways, 20,000 posterior draws: {1000 * both:.0f} ms")
    met.append(beside("lavaan, a draw", [] if asked.without_r else by_lavaan(), mine / DRAWS, TIMES_LAVAAN))
    mine = statistics.median(timed(lambda: bootstrapped(data, PARALLEL), asked.repeats))
    print(f"parallel, {DRAWS:,} draws: ours {1000 * mine:.0f} ms")
    met.append(beside("pingouin", by_pingouin(data), mine, TIMES_PINGOUIN))
    raise SystemExit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
