"""Mixed and ordinal models against lmerTest, ordinal and statsmodels: same data, same script, one thread, warm.

Run: python benchmarks/analysis_mixed.py [--turns 8] [--repeats 5]. Needs Rscript with lmerTest and ordinal for those
ratios; without it our times and statsmodels' stand alone. Each task starts from the table's columns and ends with
tests: cross-products, search, Satterthwaite's degrees of freedom and the F of every term. Processor time of one thread
is compared (of every rival), so that a busy machine does not decide; R and we take turns, a few runs each, because a
machine's clock changes by half within minutes. Medians, with minima in brackets. Milliseconds are printed, not
promised; ratios are judged against the bar beside them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from feedbackstudy.analysis.frequentist.cumulative_cells import cumulative_cells  # noqa: E402
from feedbackstudy.analysis.frequentist.mixed_cells import mixed_cells  # noqa: E402

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"
MOST_MILLISECONDS, TIMES_LMERTEST, TIMES_STATSMODELS, MULTIVERSE_SECONDS = 3.0, 50, 20, 5.0

SCRIPT = """
suppressMessages({library(lmerTest); library(ordinal); library(jsonlite)})
folder <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
fu <- read.csv(file.path(folder, "feedback_unbalanced.csv"), stringsAsFactors = TRUE)
st <- read.csv(file.path(folder, "mixed_effects.csv"), stringsAsFactors = TRUE)
fu$likert <- factor(fu$likert, ordered = TRUE); st$rating <- factor(st$rating, ordered = TRUE)
run <- function(code) {
  f <- function() {gc(FALSE); t <- sum(proc.time()[1:2]); eval(code); sum(proc.time()[1:2]) - t}
  f(); sapply(seq_len(repeats), function(k) f())
}
tasks <- list(
  "REML, 20 interviewers, 7 F tests" = quote(anova(lmer(y ~ timing * framing * specificity + (1 | interviewer), fu))),
  "REML, people x stories crossed, 3 F tests" =
    quote(anova(lmer(y ~ timing * framing + (1 | participant) + (1 | story), st))),
  "REML, random slope, 2 F tests" = quote(anova(lmer(y ~ timing * framing + (1 + day | participant), st))),
  "Kenward-Roger, 20 interviewers, 7 F tests" =
    quote(anova(lmer(y ~ timing * framing * specificity + (1 | interviewer), fu), ddf = "Kenward-Roger")),
  "cumulative logit, 8 cells" = quote(summary(clm(likert ~ timing * framing * specificity, data = fu))),
  "cumulative logit, random people (Laplace)" =
    quote(summary(clmm(rating ~ timing * framing + (1 | participant), data = st))))
cat(toJSON(lapply(tasks, run), digits = 8))
"""


def timed(call, repeats, calls=1):
    """Return the seconds of every run after one that is not counted; short tasks are run several times a run."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            call()
        seconds.append((time.process_time() - start) / calls)
    return seconds


@cache
def effects(sizes):
    """Return the contrasts of every main effect and interaction."""
    rows = []
    for chosen in np.ndindex(*([2] * len(sizes))):
        if any(chosen):
            row = np.ones((1, 1))
            for size, inside in zip(sizes, chosen, strict=True):
                row = np.kron(row, np.eye(size)[:-1] - np.eye(size)[1:] if inside else np.full((1, size), 1 / size))
            rows.append(row)
    return rows


def ours():
    """Return our tasks."""
    fu, st = (pd.read_csv(REFERENCE / f"{name}.csv") for name in ("feedback_unbalanced", "mixed_effects"))
    three = np.ravel_multi_index(tuple(pd.factorize(fu[f])[0] for f in ("timing", "framing", "specificity")), (2, 2, 2))
    six = np.ravel_multi_index(tuple(pd.factorize(st[f])[0] for f in ("timing", "framing")), (2, 3))
    y, score = fu["y"].to_numpy(), st["y"].to_numpy()
    interviewer = {"interviewer": pd.factorize(fu["interviewer"])[0]}
    people, story = pd.factorize(st["participant"])[0], pd.factorize(st["story"])[0]
    day = {"participant": {"day": st["day"].to_numpy(float)}}

    def tests(fit, sizes):
        return fit.joints(effects(sizes))

    return {
        "REML, 20 interviewers, 7 F tests": lambda: tests(mixed_cells(y, three, 8, None, interviewer), (2, 2, 2)),
        "REML, people x stories crossed, 3 F tests": lambda: tests(
            mixed_cells(score, six, 6, None, {"participant": people, "story": story}), (2, 3)
        ),
        "REML, random slope, 2 F tests": lambda: tests(
            mixed_cells(score, six, 6, None, groups={"participant": people}, slopes=day), (2, 3)
        ),
        "Kenward-Roger, 20 interviewers, 7 F tests": lambda: tests(
            mixed_cells(y, three, 8, None, interviewer, df="kenward-roger"), (2, 2, 2)
        ),
        "cumulative logit, 8 cells": lambda: cumulative_cells(fu["likert"], three, 8, None),
        "cumulative logit, random people (Laplace)": lambda: cumulative_cells(
            st["rating"], six, 6, None, groups={"participant": people}
        ),
    }


def in_r(repeats):
    """Return R's seconds by task, or None where R or a package is absent."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "benchmark.R"
        script.write_text(SCRIPT, encoding="utf-8")
        run = subprocess.run(
            ["Rscript", str(script), str(REFERENCE), str(repeats)], capture_output=True, text=True, check=False
        )
    return json.loads(run.stdout) if run.returncode == 0 else None


def in_statsmodels(repeats):
    """Return the seconds of MixedLM (Wald z only, no degrees of freedom)."""
    import statsmodels.formula.api as smf

    fu = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")

    def call():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            smf.mixedlm("y ~ timing * framing * specificity", fu, groups=fu["interviewer"]).fit(reml=True)

    return timed(call, repeats)


def multiverse():
    """Return the seconds of 1,000 specifications: a fit with a test each, on 1,000 sets of rows and covariates."""
    fu = pd.read_csv(REFERENCE / "feedback_unbalanced.csv")
    rng = np.random.default_rng(1)
    cell = np.ravel_multi_index(tuple(pd.factorize(fu[f])[0] for f in ("timing", "framing", "specificity")), (2, 2, 2))
    y, codes = fu["y"].to_numpy(), pd.factorize(fu["interviewer"])[0]
    covariates = (fu[["baseline", "challenge", "threat"]] - fu[["baseline", "challenge", "threat"]].mean()).to_numpy()
    row = np.r_[np.ones(4), -np.ones(4)] / 4
    specifications = [(rng.random(y.size) < 0.95, np.flatnonzero(rng.random(3) < 0.5)) for _ in range(1000)]

    def call():
        for keep, chosen in specifications:
            x = covariates[keep][:, chosen]
            mixed_cells(y[keep], cell[keep], 8, x, {"interviewer": codes[keep]}).contrast(row)

    start = time.process_time()
    call()
    return time.process_time() - start


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    repeats, tasks = given.repeats, ours()
    times = {task: [] for task in tasks}
    known = {task: [] for task in tasks}
    for _ in range(given.turns):
        r = in_r(repeats)
        known = None if r is None or known is None else {task: known[task] + r[task] for task in tasks}
        for task, call in tasks.items():
            times[task] += timed(call, repeats, 1 if "Laplace" in task else 20)
    print(f"{'task':46} {'ms (min)':>16} {'R ms (min)':>18} {'ratio':>7}")
    first = None
    for task, seconds in times.items():
        mine = statistics.median(seconds)
        first = mine if first is None else first
        line = f"{task:46} {1e3 * mine:8.2f} ({1e3 * min(seconds):5.2f})"
        if known is not None:
            theirs = statistics.median(known[task])
            line += f" {1e3 * theirs:9.1f} ({1e3 * min(known[task]):6.1f}) {theirs / mine:6.0f}x"
        print(line)
    theirs = statistics.median(in_statsmodels(repeats))
    print(f"statsmodels MixedLM, 20 interviewers, Wald z: {1e3 * theirs:.1f} ms, {theirs / first:.0f}x")
    print(f"bars: REML with Satterthwaite <= {MOST_MILLISECONDS} ms: {1e3 * first <= MOST_MILLISECONDS}", end="; ")
    if known is not None:
        ratio = statistics.median(known["REML, 20 interviewers, 7 F tests"]) / first
        print(f">= {TIMES_LMERTEST}x lmerTest: {ratio >= TIMES_LMERTEST}", end="; ")
    print(f">= {TIMES_STATSMODELS}x statsmodels: {theirs / first >= TIMES_STATSMODELS}")
    seconds = multiverse()
    print(f"1,000 specifications: {seconds:.2f} s; bar <= {MULTIVERSE_SECONDS} s: {seconds <= MULTIVERSE_SECONDS}")


if __name__ == "__main__":
    main()
