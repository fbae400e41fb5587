"""Factor models and invariance against lavaan: same data, same script, one thread, warm, median of several runs.

Run: python benchmarks/psychometrics_cfa.py [--repeats 9]. Needs Rscript with lavaan for the ratios against the bars;
without it semopy is the rival, where it is installed, for the plain ML fits that it can do. Every time of ours includes
what lavaan computes only on request: fit indices, standardised solution with standard errors, checks. Milliseconds are
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

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pandas as pd  # noqa: E402

from feedbackstudy.psychometrics.cfa import cfa, compare  # noqa: E402
from feedbackstudy.psychometrics.invariance import invariance  # noqa: E402

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"
THREE = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
B15 = "A =~ A1 + A2 + A3 + A4 + A5\nC =~ C1 + C2 + C3 + C4 + C5\nE =~ E1 + E2 + E3 + E4 + E5"
EQUAL = ([], ["loadings"], ["loadings", "intercepts"], ["loadings", "intercepts", "residuals"])

# what is timed -> (code of lavaan, times lavaan that we want to be)
TASKS = {
    "HS 3 factors, ML": ("cfa(three, HS)", 3),
    "HS ML + fit, standardised, modification indices": (
        "{f <- cfa(three, HS); fitMeasures(f); standardizedSolution(f); modindices(f)}",
        3,
    ),
    "HS MLR": ('cfa(three, HS, estimator = "MLR")', 3),
    "HS invariance, 4 levels + tests + fit": (
        '{fits <- lapply(equal, function(e) cfa(three, HS, group = "school", group.equal = e)); '
        "do.call(lavTestLRT, fits); lapply(fits, fitMeasures)}",
        4,
    ),
    "bfi 15 items, ML, listwise": ("cfa(b15, bfi)", 1),
    "bfi 15 items x 2,800 rows, FIML": ('cfa(b15, bfi, missing = "ml")', 2),
    "bfi 15 items x 2,800 rows, FIML, MLR": ('cfa(b15, bfi, missing = "ml", estimator = "MLR")', 2),
    "bfi 15 items, WLSMV": ("cfa(b15, bfi, ordered = names(bfi)[1:15])", 10),
}

SCRIPT = """
suppressMessages({library(lavaan); library(jsonlite)})
folder <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
HS <- read.csv(file.path(folder, "holzinger_swineford_1939.csv"))
bfi <- read.csv(file.path(folder, "bfi.csv"), row.names = 1)
three <- THREE; b15 <- B15
equal <- list("", "loadings", c("loadings", "intercepts"), c("loadings", "intercepts", "residuals"))
time <- function(code) {
  run <- function() suppressWarnings(eval(code))
  run()
  sapply(seq_len(repeats), function(k) {gc(FALSE); t <- proc.time()[["elapsed"]]; run(); proc.time()[["elapsed"]] - t})
}
tasks <- list(TASKS)
cat(toJSON(lapply(tasks, time), digits = 6))
"""


def by_lavaan(repeats):
    """Return seconds of every task in R, or nothing where R or lavaan is absent."""
    if shutil.which("Rscript") is None:
        return {}
    tasks = ",\n".join(f"{json.dumps(name)} = quote({code})" for name, (code, _) in TASKS.items())
    body = SCRIPT.replace("THREE", json.dumps(THREE)).replace("B15", json.dumps(B15)).replace("TASKS", tasks)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bench.R"
        script.write_text(body)
        command = ["Rscript", str(script), str(REFERENCE), str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def by_semopy(hs, bfi, repeats):
    """Return seconds of the plain ML fits in semopy, or nothing where it is not installed."""
    try:
        import semopy
    except ImportError:
        return {}

    def fit(model, data):
        made = semopy.Model(model)
        made.fit(data)
        return made.inspect(std_est=True), semopy.calc_stats(made)

    tasks = {"HS 3 factors, ML": (THREE, hs), "bfi 15 items, ML, listwise": (B15, bfi.iloc[:, :15].dropna())}
    return {name: timed(lambda m=model, d=data: fit(m, d), repeats) for name, (model, data) in tasks.items()}


def ours(hs, bfi):
    """Return every task as a call of ours."""

    def everything():
        fit = cfa(hs, THREE, estimator="ML")
        return fit.estimates, fit.standardised, fit.modification_indices()

    def levels():
        fits = [cfa(hs, THREE, estimator="ML", group="school", equal=equal) for equal in EQUAL]
        return compare(*fits).frame()

    return {
        "HS 3 factors, ML": lambda: cfa(hs, THREE, estimator="ML").estimates,
        "HS ML + fit, standardised, modification indices": everything,
        "HS MLR": lambda: cfa(hs, THREE).estimates,
        "HS invariance, 4 levels + tests + fit": levels,
        "bfi 15 items, ML, listwise": lambda: cfa(bfi, B15, estimator="ML").estimates,
        "bfi 15 items x 2,800 rows, FIML": lambda: cfa(bfi, B15, estimator="ML", missing="fiml").estimates,
        "bfi 15 items x 2,800 rows, FIML, MLR": lambda: cfa(bfi, B15, missing="fiml").estimates,
        "bfi 15 items, WLSMV": lambda: cfa(bfi, B15, estimator="WLSMV").estimates,
    }


def timed(call, repeats):
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="timed runs after one warm-up")
    repeats = parser.parse_args().repeats
    hs = pd.read_csv(REFERENCE / "holzinger_swineford_1939.csv")
    bfi = pd.read_csv(REFERENCE / "bfi.csv", index_col=0)
    rival, who = by_lavaan(repeats), "lavaan"
    if not rival:
        rival, who = by_semopy(hs, bfi, repeats), "semopy"
    print(f"{'':50} {'ours ms':>16} {who + ' ms':>18} {'ratio':>7} {'bar':>5}   (median / minimum)")
    for name, call in ours(hs, bfi).items():
        mine = timed(call, repeats)
        line = f"{name:50} {statistics.median(mine) * 1e3:8.1f} / {min(mine) * 1e3:5.1f}"
        if name in rival:
            theirs = rival[name]
            ratio, bar = statistics.median(theirs) / statistics.median(mine), TASKS[name][1]
            line += f" {statistics.median(theirs) * 1e3:10.0f} / {min(theirs) * 1e3:5.0f} {ratio:6.1f}x {bar:4}x"
            line += "" if ratio >= bar or who != "lavaan" else "  MISSED"
        print(line)
    if not rival:
        print("Neither Rscript with lavaan nor semopy is here: no ratios.")
    searched = timed(lambda: invariance(hs, THREE, group="school", search=True), repeats)
    middle, least = statistics.median(searched) * 1e3, min(searched) * 1e3
    print(f"{'HS invariance() with partial search, MLR':50} {middle:8.1f} / {least:5.1f}")


if __name__ == "__main__":
    main()
