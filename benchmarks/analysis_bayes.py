"""Exact posteriors and Bayes factors against samplers: same data, same model, same script, one thread, warm.

Run: python benchmarks/analysis_bayes.py [--repeats 9] [--without-nutpie]. The rivals:

- the posterior of cell means with a random factor (400 rows, 8 cells, 20 interviewers, a covariate) against a warm
  refit of its own PyMC twin by nutpie, as a user refits in a session: model built, compiled from warm caches, 4 x
  (1,000 + 1,000) draws. The draws alone, with the compiled code kept by hand, are printed beside it;
- Bayes factors of an analysis of variance against R's BayesFactor, where Rscript has it (its default 10,000 draws).

Ours includes everything from the rows on: cross-products, region, quadrature, one contrast with interval and Bayes
factor. Milliseconds are printed, not promised; ratios are judged against the bar beside them.
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

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from feedbackstudy.analysis.bayes_anova import bayes_factor_anova  # noqa: E402
from feedbackstudy.analysis.bayes_t import bayes_factor_t  # noqa: E402
from feedbackstudy.analysis.bayesian.gaussian import gaussian_cells  # noqa: E402
from feedbackstudy.analysis.bayesian.priors import CellPrior  # noqa: E402

REFERENCE = Path(__file__).resolve().parents[1] / "tests" / "reference"
TIMES_NUTPIE, ANOVA_SECONDS = 100, 0.1
ROW = np.r_[np.ones(4), -np.ones(4)] / 4

SCRIPT = """
suppressMessages({library(BayesFactor); library(jsonlite)})
folder <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
teeth <- transform(ToothGrowth, dose = factor(dose))
cells <- read.csv(file.path(folder, "feedback400.csv"), stringsAsFactors = TRUE)
time <- function(code) {
  eval(code)
  run <- function() {gc(FALSE); t <- proc.time()[["elapsed"]]; eval(code); proc.time()[["elapsed"]] - t}
  sapply(seq_len(repeats), function(k) run())
}
tasks <- list(
  "ToothGrowth, 4 models" = quote(anovaBF(len ~ supp * dose, teeth, progress = FALSE)),
  "feedback400 2 x 2 x 2, unequal cells, 18 models" =
    quote(anovaBF(y ~ timing * framing * specificity, cells, progress = FALSE)),
  "t test of two groups" = quote(ttestBF(formula = y ~ timing, data = cells)))
cat(toJSON(lapply(tasks, time), digits = 6))
"""


def timed(call, repeats):
    """Return the seconds of every run after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return found


def feedback():
    """Return our invented data of 400 people."""
    return pd.read_csv(REFERENCE / "feedback400.csv")


def rows():
    """Return outcome, cell, centred baseline and interviewer of each row."""
    data = feedback()
    return {
        "y": data["y"].to_numpy(),
        "cell": data.groupby(["timing", "framing", "specificity"]).ngroup().to_numpy(),
        "covariates": data[["baseline"]].to_numpy() - data["baseline"].mean(),
        "groups": {"g": pd.factorize(data["interviewer"])[0]},
    }


def problem(given):
    """Return the model of 8 cells with interviewers and a covariate."""
    return gaussian_cells(n_cells=8, prior=CellPrior.of_scale(1, 7), **given)


def by_nutpie(given, repeats):
    """Return seconds of warm refits of the twin, and of its draws alone; nothing where nutpie is not installed."""
    try:
        import nutpie
    except ImportError:
        return [], []
    settings = {"draws": 1000, "tune": 1000, "chains": 4, "progress_bar": False, "save_warmup": False}

    def compiled():
        return nutpie.compile_pymc_model(problem(given).pymc_model())

    kept = compiled()
    refits = timed(lambda: nutpie.sample(compiled(), seed=1, **settings), min(repeats, 3))
    return refits, timed(lambda: nutpie.sample(kept, seed=1, **settings), min(repeats, 5))


def by_bayesfactor(repeats):
    """Return the seconds of every task in R, or nothing where R or BayesFactor is absent."""
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bench.R"
        script.write_text(SCRIPT)
        command = ["Rscript", str(script), str(REFERENCE), str(repeats)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def ours():
    """Return every task of Bayes factors as a call of ours."""
    known = json.loads((REFERENCE / "bayes_factors.json").read_text(encoding="utf-8"))["tooth"]
    teeth = pd.DataFrame({name: known[name] for name in ("len", "supp", "dose")})
    cells = feedback()
    return {
        "ToothGrowth, 4 models": lambda: bayes_factor_anova(teeth, "len", ["supp", "dose"]),
        "feedback400 2 x 2 x 2, unequal cells, 18 models": lambda: bayes_factor_anova(
            cells, "y", ["timing", "framing", "specificity"]
        ),
        "t test of two groups": lambda: bayes_factor_t(cells, "y", "timing"),
    }


def posterior(repeats, *, nutpie):
    """Print the posterior of cell means beside a warm refit, and return whether the bar is met."""
    given = rows()
    mine = statistics.median(timed(lambda: problem(given).posterior().contrast(ROW), repeats))
    print(f"posterior of cell means, 400 rows, 20 interviewers: ours {1000 * mine:.1f} ms")
    refits, draws = by_nutpie(given, repeats) if nutpie else ([], [])
    if not refits:
        print("  nutpie not run")
        return True
    refit, alone = statistics.median(refits), statistics.median(draws)
    met = refit / mine >= TIMES_NUTPIE
    verdict = "met" if met else "MISSED"
    print(f"  nutpie, warm refit {refit:.2f} s: {refit / mine:.0f} times (bar {TIMES_NUTPIE}) {verdict}")
    print(f"  nutpie, draws alone {alone:.2f} s: {alone / mine:.0f} times")
    return met


def factors(repeats):
    """Print Bayes factors beside R's, and return whether the bar is met."""
    rivals, met = by_bayesfactor(repeats), True
    for task, call in ours().items():
        mine = statistics.median(timed(call, repeats))
        beside = f", BayesFactor {1000 * statistics.median(rivals[task]):.0f} ms" if task in rivals else ""
        bar = ""
        if task.startswith("ToothGrowth"):
            met = mine <= ANOVA_SECONDS
            bar = f" (bar {ANOVA_SECONDS} s) {'met' if met else 'MISSED'}"
        print(f"{task}: ours {1000 * mine:.1f} ms{beside}{bar}")
    return met


def main():
    parser = argparse.ArgumentParser(description="Exact posteriors and Bayes factors against samplers.")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--without-nutpie", action="store_true")
    asked = parser.parse_args()
    met = [posterior(asked.repeats, nutpie=not asked.without_nutpie), factors(asked.repeats)]
    raise SystemExit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
