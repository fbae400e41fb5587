"""Millions of applications: our grouped least squares against pyfixest and statsmodels, and permuted roll-outs.

Run: python benchmarks/policy.py [--rows 5000000] [--repeats 5] [--large] [--quick]. Needs the extra "policy" and 1 GB
of free disk (3 GB with --large). Data: invented applications of 40 sites, 24 months, 2,000 interviewers nested in sites
and five more factors, written to Parquet in a temporary folder by DuckDB. Task: ``reapply ~ policy + score + seven
factors`` with standard errors clustered by interviewer, from the file to the standard error, all cores. Every run has a
process of its own, whose peak of memory is the kernel's; what is imported is not timed but its memory counts. DuckDB is
given 200 MB by the option ``memory`` of `compress_linear` (left alone it takes what the machine has). Medians
of wall seconds decide; processor seconds stand beside them, as a busy machine changes the first and not the second.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FACTORS = ("site", "month", "job_family", "level", "source", "stage", "remote")
COLUMNS = ("reapply", "policy", "score", *FACTORS, "interviewer")
FASTER_DUCKDB, FASTER_POLARS, SMALLER_DUCKDB, SMALLER_POLARS = 2.5, 4.0, 8.0, 4.0
DUCKDB_MEMORY = "200MB"
PERMUTATION_SECONDS, LARGE_ROWS, LARGE_GB, STATSMODELS_ROWS = 0.3, 50_000_000, 1.0, 1_000_000

INVENTED = """
copy (
  with drawn as (
    select i, (hash(i * 13 + 1) % 2000)::int as interviewer, (hash(i * 13 + 2) % 24)::int as month,
           (hash(i * 13 + 3) % 8)::int as job_family, (hash(i * 13 + 4) % 5)::int as level,
           (hash(i * 13 + 5) % 6)::int as source,
           (hash(i * 13 + 6) % 3)::int as stage, (hash(i * 13 + 7) % 2)::int as remote,
           (hash(i * 13 + 8) % 5)::int as score,
           (hash(i * 13 + 9) % 1000000) / 1e6 as chance
    from range({rows}) as numbers(i)),
  placed as (
    select *, interviewer % 40 as site, 4 + hash(interviewer % 40 + 101) % 17 as start,
           ((hash(interviewer + 1009) % 1000) / 1e3 - 0.5) * 0.1 as own
    from drawn)
  select interviewer, site, month, job_family, level, source, stage, remote, score, (month >= start)::int as policy,
         (chance < 0.3 + own + 0.03 * (month >= start)::int + 0.01 * score + 0.002 * month + 0.005 * job_family
                   - 0.01 * source + 0.02 * remote)::int as reapply
  from placed
) to '{path}' (format parquet, compression zstd, row_group_size 250000)
"""


def invent(path, rows):
    """Write the applications."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '2GB'; set preserve_insertion_order = false")
        connection.execute(INVENTED.format(rows=rows, path=path))


def _model():
    from feedbackstudy.policy.compression import LinearModel, Term

    terms = (Term((), ("policy",)), Term((), ("score",)), *(Term((name,)) for name in FACTORS))
    return LinearModel(outcome="reapply", terms=terms, clusters=("interviewer",))


def _ours(table, **options):
    from feedbackstudy.policy.compression import compress_linear

    fit = compress_linear(table, _model(), **options)
    at = fit.position("policy")
    return float(fit.beta[at]), float(fit.clustered("interviewer")[at, at] ** 0.5)


def with_duckdb(path):
    return _ours(path, memory=DUCKDB_MEMORY)


def with_polars(path):
    import polars as pl

    return _ours(pl.scan_parquet(path))


def with_pyfixest(path):
    import pandas as pd
    import pyfixest

    table = pd.read_parquet(path, columns=list(COLUMNS))
    fit = pyfixest.feols(f"reapply ~ policy + score | {' + '.join(FACTORS)}", table, vcov={"CRV1": "interviewer"},
                         copy_data=False, store_data=False, lean=True)  # fmt: skip
    return float(fit.coef()["policy"]), float(fit.se()["policy"])


def with_statsmodels(path):
    import pandas as pd
    import statsmodels.formula.api as smf

    table = pd.read_parquet(path, columns=list(COLUMNS))
    formula = "reapply ~ policy + score + " + " + ".join(f"C({name})" for name in FACTORS)
    fit = smf.ols(formula, table).fit(cov_type="cluster", cov_kwds={"groups": table["interviewer"]})
    return float(fit.params["policy"]), float(fit.bse["policy"])


WAYS: dict[str, Callable[[str], tuple[float, float]]] = {
    "DuckDB": with_duckdb,
    "polars": with_polars,
    "pyfixest": with_pyfixest,
    "statsmodels": with_statsmodels,
}
LOADED = {"DuckDB": "duckdb", "polars": "polars", "pyfixest": "pyfixest", "statsmodels": "statsmodels.formula.api"}


def one(way, path):
    """Run one way in this process and print what it took; `main` calls it in a process of its own."""
    import importlib
    import warnings

    warnings.simplefilter("ignore")
    importlib.import_module(LOADED[way])
    importlib.import_module("pandas")
    if way in {"DuckDB", "polars"}:
        importlib.import_module("feedbackstudy.policy.compression")
    started, used = time.perf_counter(), time.process_time()
    beta, se = WAYS[way](path)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    gigabytes = int(peak.split()[1]) / 1024**2
    print(json.dumps({"seconds": seconds, "processor": processor, "gigabytes": gigabytes, "beta": beta, "se": se}))


def measured(way, path, repeats):
    """Return the median run of a way; every run in a process of its own."""
    runs = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, __file__, "--one", way, str(path)], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def permutations():
    """Return the seconds of 5,000 schedules of 40 sites and 24 months: median of five."""
    import numpy as np

    from feedbackstudy.policy.declared import Metric, Rollout
    from feedbackstudy.policy.rollouts.panel import Panel
    from feedbackstudy.policy.rollouts.permuting import reshuffle

    rng = np.random.default_rng(1)
    start = rng.integers(4, 21, 40).astype(float)
    n = rng.integers(200, 8000, (40, 24)).astype(float)
    total = rng.binomial(n.astype(int), 0.3 + 0.03 * (np.arange(24) >= start[:, None])).astype(float)
    sites = tuple(f"{i:02d}" for i in range(40))
    panel = Panel(
        metric=Metric(name="reapply", label="Re-application", kind="proportion", column="x", role="primary"),
        rollout=Rollout(unit="site", start=dict.fromkeys(sites, "2026-01-01"), mechanism="randomised"),
        units=sites, periods=np.arange(24), n=n, total=total, squares=total, rows=int(n.sum()), start=start,
        used=n > 0, strata=np.zeros(40, dtype=np.intp),
    )  # fmt: skip
    seconds = []
    for _ in range(5):
        began, used = time.perf_counter(), time.process_time()
        reshuffle(panel, 5000, seed=1)
        seconds.append((time.perf_counter() - began, time.process_time() - used))
    return tuple(map(statistics.median, zip(*seconds, strict=True)))


def line(name, run, reference=None):
    """Print a run, and its ratios to a rival."""
    text = f"{name:<12} {run['seconds']:8.2f} s wall {run['processor']:8.2f} s processor {run['gigabytes']:6.2f} GB"
    if reference is not None:
        faster, smaller = (reference[key] / run[key] for key in ("seconds", "gigabytes"))
        text += f"   {faster:5.1f} x faster, 1/{smaller:.1f} memory"
    print(text)


def compared(path, repeats):
    """Compare our two engines with pyfixest, and say whether the bars are met."""
    runs = {name: measured(name, path, repeats) for name in ("pyfixest", "DuckDB", "polars")}
    rival = runs["pyfixest"]
    line("pyfixest", rival)
    bars = {"DuckDB": (FASTER_DUCKDB, SMALLER_DUCKDB), "polars": (FASTER_POLARS, SMALLER_POLARS)}
    for name, (faster, smaller) in bars.items():
        run = runs[name]
        line(name, run, rival)
        met = rival["seconds"] / run["seconds"] >= faster and rival["gigabytes"] / run["gigabytes"] >= smaller
        print(f"{'':<12} bar: {faster} x faster, 1/{smaller:.0f} memory: {'met' if met else 'NOT MET'}")
        away = max(abs(run[key] / rival[key] - 1) for key in ("beta", "se"))
        print(f"{'':<12} estimate and standard error agree to {away:.1e}{'' if away < 1e-9 else ' NOT MET'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, one repeat")
    parser.add_argument("--large", action="store_true", help="50,000,000 rows with DuckDB too")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(*given.one)
        return
    if given.quick:
        print("Quick: whether it runs and agrees; so few rows say nothing about the bars.")
    rows, repeats = (200_000, 1) if given.quick else (given.rows, given.repeats)
    with tempfile.TemporaryDirectory(prefix="feedbackstudy-benchmark-") as folder:
        path = Path(folder) / "applications.parquet"
        invent(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB of Parquet; medians of {repeats}")
        compared(path, repeats)
        small = Path(folder) / "fewer.parquet"
        fewer = min(rows, STATSMODELS_ROWS)
        invent(small, fewer)
        print(f"{fewer:,} rows")
        line("DuckDB", measured("DuckDB", small, 1))
        line("statsmodels", measured("statsmodels", small, 1))
        if given.large:
            path.unlink()
            invent(path, LARGE_ROWS)
            run = measured("DuckDB", path, 1)
            print(f"{LARGE_ROWS:,} rows")
            line("DuckDB", run)
            print(f"{'':<12} bar: below {LARGE_GB:g} GB: {'met' if run['gigabytes'] < LARGE_GB else 'NOT MET'}")
    wall, processor = permutations()
    met = "met" if wall <= PERMUTATION_SECONDS else "NOT MET"
    print(f"5,000 schedules of 40 sites x 24 months: {wall:.3f} s wall, {processor:.3f} s processor")
    print(f"{'':<12} bar: {PERMUTATION_SECONDS} s: {met}")


if __name__ == "__main__":
    main()
