"""Reliability, polychorics and factor analysis against psych and lavaan: same data, same script, one thread, warm.

Run: python benchmarks/psychometrics.py [--repeats 9]. Needs Rscript with psych and lavaan for the ratios; without it
our times stand alone (and alpha beside pingouin's). Medians are compared, minima are shown; milliseconds are printed,
not promised. Factor models and invariance are in psychometrics_cfa.py.
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

from feedbackstudy import psychometrics as pm  # noqa: E402

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"
REFITS = 25  # refits timed in R; 2,000 cost 80 times as much

# what is timed -> (R code, times the R code that our task does as much, ratio we want)
TASKS = {
    "alpha with Feldt interval, 5 items": ("psych::alpha(agree)", 1, 20),
    "alpha with Feldt interval, 25 items": ("psych::alpha(b25, check.keys = FALSE)", 1, 20),
    "alpha bootstrap, 2,000 draws": ("psych::alpha(agree, n.iter = 100)", 20, None),
    "omega bootstrap, 2,000 draws": (
        f"for (k in 1:{REFITS}) cfa(one, agree[sample(nrow(agree), replace = TRUE), ], std.lv = TRUE, "
        'se = "none", test = "none", baseline = FALSE, h1 = FALSE)',
        2000 / REFITS,
        300,
    ),
    "polychoric, 25 items, pairwise": ("psych::polychoric(b25)", 1, 40),
    "polychoric, 25 items, listwise": ("lavCor(b25, ordered = names(b25))", 1, 5),
    "polychoric, 25 items, listwise, with covariance": (
        'lavCor(b25, ordered = names(b25), se = "robust.sem", output = "est")',
        1,
        None,
    ),
    "parallel analysis, 25 items x 100": (
        'psych::fa.parallel(b25c, n.iter = 100, fa = "both", plot = FALSE)',
        1,
        20,
    ),
    "factor analysis, 25 items, 5 factors, minres, oblimin, 1 start": (
        'psych::fa(b25c, 5, fm = "minres", rotate = "oblimin")',
        1,
        None,
    ),
    "omega hierarchical, 25 items, 5 factors, 1 start": ("psych::omega(b25c, 5, plot = FALSE)", 1, None),
    "intraclass correlations, 300 x 3": ("psych::ICC(HS[1:300, 7:9], lmer = FALSE)", 1, None),
}

SCRIPT = """
suppressMessages({library(psych); library(lavaan); library(jsonlite)})
options(mc.cores = 1)
folder <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
HS <- read.csv(file.path(folder, "holzinger_swineford_1939.csv"))
b25 <- read.csv(file.path(folder, "bfi.csv"), row.names = 1)[1:25]
b25c <- na.omit(b25); agree <- b25[1:5]; agree$A1 <- 7 - agree$A1; agree <- na.omit(agree)
one <- "F =~ A1 + A2 + A3 + A4 + A5"
time <- function(code) {
  run <- function() invisible(capture.output(suppressMessages(suppressWarnings(eval(code)))))
  run()
  sapply(seq_len(repeats), function(k) {gc(FALSE); t <- proc.time()[["elapsed"]]; run(); proc.time()[["elapsed"]] - t})
}
tasks <- list(TASKS)
writeLines(toJSON(lapply(tasks, time), digits = 6), commandArgs(TRUE)[3])
"""


def by_r(repeats):
    """Return seconds of every task in R, or nothing where R or its packages are absent."""
    if shutil.which("Rscript") is None:
        return {}
    tasks = ",\n".join(f"{json.dumps(name)} = quote({code})" for name, (code, _, _) in TASKS.items())
    with tempfile.TemporaryDirectory() as folder:
        script, out = Path(folder) / "bench.R", Path(folder) / "out.json"
        script.write_text(SCRIPT.replace("TASKS", tasks))
        command = ["Rscript", str(script), str(REFERENCE), str(repeats), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr[-1500:])
            return {}
        return json.loads(out.read_text())


def by_us():
    """Return every task as a function."""
    hs = pd.read_csv(REFERENCE / "holzinger_swineford_1939.csv")
    b25 = pd.read_csv(REFERENCE / "bfi.csv", index_col=0).iloc[:, :25]
    agree = b25.iloc[:, :5].assign(A1=7 - b25["A1"]).dropna()
    b25c = b25.dropna()
    poly = pm.thresholds_and_polychorics
    tasks = (
        lambda: pm.alpha(agree),
        lambda: pm.alpha(b25),
        lambda: pm.alpha(agree, interval="bootstrap"),
        lambda: pm.omega(agree, interval="bootstrap"),
        lambda: poly(b25, missing="pairwise", covariance=False),
        lambda: poly(b25, covariance=False),
        lambda: poly(b25),
        lambda: pm.parallel_analysis(b25c),
        lambda: pm.efa(b25c, 5, extraction="minres", starts=1),
        lambda: pm.omega_hierarchical(b25c, factors=5, starts=1),
        lambda: pm.icc(hs.iloc[:300, 6:9]),
    )
    return dict(zip(TASKS, tasks, strict=True))


def seconds(task, repeats):
    """Return the times of a warm task."""
    task()
    out = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        out.append(time.perf_counter() - start)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    theirs = by_r(repeats)
    print(f"{'task':<64}{'ours ms (min)':>20}{'R ms (min)':>24}{'ratio':>8}{'bar':>6}")
    for name, task in by_us().items():
        _, times, bar = TASKS[name]
        ours = seconds(task, repeats)
        line = f"{name:<64}{statistics.median(ours) * 1e3:>11.2f} ({min(ours) * 1e3:.2f})"
        if name in theirs:
            r = [value * times for value in theirs[name]]
            ratio = statistics.median(r) / statistics.median(ours)
            line = f"{line:<84}{statistics.median(r) * 1e3:>14.1f} ({min(r) * 1e3:.1f})"
            line = f"{line:<108}{ratio:>8.1f}{'' if bar is None else f' >= {bar}'}"
            line += "" if bar is None or ratio >= bar else "  MISSED"
        print(line)
    if not theirs:
        import pingouin

        items = pd.read_csv(REFERENCE / "bfi.csv", index_col=0).iloc[:, :5].dropna()
        rival = statistics.median(seconds(lambda: pingouin.cronbach_alpha(items), repeats))
        print(f"pingouin.cronbach_alpha, 5 items: {rival * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
