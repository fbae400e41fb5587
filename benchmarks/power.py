"""Time simulated power, 10,000 replicates in one process, with MCPower in the same script where it is installed.

Run ``python -m benchmarks.power``. MCPower is not a dependency: install it into a folder of its own and add that folder
with ``PYTHONPATH``. Each figure is a median of runs. Bars are judged by the processor's seconds, which on a quiet
machine are those of the clock: everything here runs in one thread. Beside it, what one simulated study costs in R.
"""

import importlib.util
import itertools
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

from feedbackstudy import power  # noqa: E402
from feedbackstudy.power import batched  # noqa: E402
from feedbackstudy.simulate import World  # noqa: E402
from feedbackstudy.study import Study  # noqa: E402

REPS = 10_000
RUNS = 7
N = 300
EFFECTS = np.array([0.0, 0.2, 0.4, 0.3, 0.2, 0.3])
SEVEN = (0.05, 0.1, 0.15, 0.25, 0.2, 0.15, 0.1)


def crossing(n_each: int) -> np.ndarray:
    """Return a treatment-coded 3 x 2 crossing."""
    a, b = np.repeat([0, 1, 2], 2 * n_each), np.tile([0, 1], 3 * n_each)
    columns = [np.ones(len(a)), a == 1, a == 2, b == 1, (a == 1) & (b == 1), (a == 2) & (b == 1)]
    return np.column_stack(columns).astype(np.float64)


def clustered(people: int, clusters: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a person-level treatment and a covariate, and the clusters."""
    x = np.random.default_rng(seed).standard_normal(people)
    return np.column_stack([np.ones(people), np.arange(people) % 2, x]), np.arange(people) * clusters // people


def intercept(people: int = N, clusters: int = 30, *, seed: int = 1, reps: int = REPS) -> batched.Replicates:
    """Simulate a random-intercept model on one design."""
    x, cluster = clustered(people, clusters, seed=seed)
    return batched.random_intercept(x, cluster, [0, 0.4, 0.2], between=0.15, within=0.85, reps=reps, seed=seed)


def redrawn() -> np.ndarray:
    """Simulate it with the covariate redrawn 50 times."""
    x = np.stack([clustered(N, 30, seed=seed)[0] for seed in range(50)])
    return batched.random_intercept(
        x, clustered(N, 30, seed=1)[1], [0, 0.4, 0.2], between=0.15, within=0.85, reps=REPS, seed=1
    ).power()


def search() -> list[float]:
    """Return the power at ten sample sizes of 30 clusters."""
    return [float(intercept(people).power()[1]) for people in range(120, 421, 30)][:10]


@dataclass(frozen=True)
class Task:
    """What is timed, the seconds promised, and how many times faster than MCPower it is to be."""

    run: Callable[[], object]
    seconds: float
    faster: float | None = None


def declared(levels: int, people: int, *, scale: str | None) -> tuple[Study, World]:
    """Return a study of between factors with two levels each, and its world without attrition."""
    names = ("one", "two", "three")[:levels]
    contrasts = [{"kind": "main_effect", "factor": "one", "level": "b", "against": "a"}]
    if levels > 1:
        contrasts.append({"kind": "interaction", "levels": {"one": ["b", "a"], "two": ["b", "a"]}})
    measure = {"name": "y", "waves": ["t1"]}
    measure |= {"scale": scale, "referent": "own ability"} if scale else {"kind": "continuous", "range": [-9, 9]}
    data = {
        "title": "Timing",
        "factors": [{"name": n, "mode": "described", "levels": {"a": "A", "b": "B"}, "reference": "a"} for n in names],
        "units": [{"name": "person", "n": people}],
        "waves": [{"name": "t1", "anchor": "decision", "phase": "after"}],
        "measures": [measure],
        "hypotheses": [
            {
                "name": f"h{i}",
                "text": "A difference.",
                "outcome": "y",
                "contrast": contrast,
                "direction": "positive",
                "sesoi": {"value": 0.3, "unit": "sd", "because": "For timing."},
                "role": "confirmatory",
            }
            for i, contrast in enumerate(contrasts, start=1)
        ],
        "plan": {"decides": {f"h{i}": {"by": "p"} for i in range(1, len(contrasts) + 1)}},
        "conduct": {"population": "panel", "realism": "hypothetical", "published": "Nobody (2020). Timing."},
    }
    if levels > 1:
        data["plan"]["families"] = [{"name": "all", "hypotheses": ["h1", "h2"], "method": "holm"}]
    study = Study.from_data(data)
    return study, World.assumed(study).vary({"attrition.share": 0.0})


def ours() -> dict[str, Task]:
    """Return each task with what is promised."""
    likert, trial = declared(3, 400, scale="ngse"), declared(1, 200, scale=None)
    x, cells = crossing(N // 6), crossing(1)[:, 1:]
    serial = batched.Paths(((0.3,), (0.1, 0.3), (0.1, 0.1, 0.3)))
    sizes = itertools.count(100)  # critical values are remembered, so each call asks a new one
    wedge = {"steps": 4, "n": 10, "icc": 0.05}
    return {
        "least squares 3x2, N = 300": Task(lambda: batched.linear(x, EFFECTS, reps=REPS, seed=1).power(), 0.05, 10),
        "random intercept 30x10, design fixed": Task(lambda: intercept().power(), 0.3, 4),
        "random intercept 30x10, covariate redrawn 50 times": Task(redrawn, 0.3, 4),
        "random intercept, ten sample sizes": Task(search, 2.0),
        "two nested intercepts 6x5x10": Task(nested, 5.0),
        "7-point ordinal 3x2, N = 300": Task(
            lambda: batched.cumulative_logit(cells, EFFECTS[1:], n=N // 6, reference=SEVEN, reps=REPS, seed=1).power(),
            1.0,
        ),
        "2x2x2 Likert scale from 8 items, n = 400": Task(
            lambda: power.diagnose(*likert, seed=1, n_simulations=REPS), 2.0
        ),
        "two arms of 100 through diagnose": Task(lambda: power.diagnose(*trial, seed=1, n_simulations=REPS), 2.0),
        "serial mediation, n = 300": Task(lambda: batched.mediation(serial, N, reps=REPS, seed=1), 2.0),
        "stepped wedge, exact": Task(lambda: power.stepped_wedge(0.3, 12, **wedge), 0.01),
        "stepped wedge, clusters solved": Task(lambda: power.stepped_wedge(0.3, power=0.8, **wedge), 0.01),
        "mixed anova 2b*2w n = 80, exact": Task(lambda: power.anova("2b*2w", 80, mu=[0, 0.3, 0, 0], r=0.5), 0.01),
        "mixed anova 2b*4w, exact": Task(lambda: power.anova("2b*4w", 50, mu=range(8), r=0.5), 0.01),
        "t test, n solved": Task(lambda: power.t_test(0.5, power=0.8), 0.01),
        "Bayes factor, n = 100 each and more": Task(lambda: power.bayes_factor_t(0.5, next(sizes)), 0.01),
    }


def nested() -> np.ndarray:
    """Simulate people in interviewers in sites."""
    x, inner = clustered(N, 30, seed=1)
    found = batched.nested_intercepts(
        x, inner, inner // 5, [0, 0.4, 0.2], between_outer=0.05, between_inner=0.1, within=0.85, reps=REPS, seed=1
    )
    return found.power()


def theirs() -> dict[str, Callable[[], object]]:
    """Return the same tasks for MCPower; empty where it is not installed."""
    if importlib.util.find_spec("mcpower") is None:
        return {}
    from mcpower import MCPower

    quiet = {"progress_callback": False, "verbose": False, "n_sims": REPS, "seed": 1}
    ols = MCPower("y = a + b + a:b")
    ols.set_variable_type("a=(factor,3), b=binary")
    ols.set_effects("a[2]=0.2, a[3]=0.4, b=0.3, a[2]:b=0.2, a[3]:b=0.3")
    mixed = MCPower("y = t + x + (1|g)", family="lme")
    mixed.set_variable_type("t=binary")
    mixed.set_effects("t=0.4, x=0.2")
    mixed.set_cluster("g", ICC=0.15, n_clusters=30)
    bounds = {"from_size": 120, "to_size": 390, "by": 30}
    return {
        "least squares 3x2, N = 300": lambda: ols.find_power(N, **quiet),
        "random intercept 30x10, design fixed": lambda: mixed.find_power(N, **quiet),
        "random intercept 30x10, covariate redrawn 50 times": lambda: mixed.find_power(N, **quiet),
        "random intercept, ten sample sizes": lambda: mixed.find_sample_size(**bounds, **quiet),
    }


def median(task: Callable[[], object]) -> tuple[float, float]:
    """Return the median seconds of the clock and of the processor, after a warm run."""
    task()
    clock, processor = [], []
    for _ in range(RUNS):
        start, begun = time.perf_counter(), time.process_time()
        task()
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - begun)
    return statistics.median(clock), statistics.median(processor)


QUOTED = {
    "Superpower's inner call (afex, 2b*2w n = 80), as quoted": 36.7,
    "simr's inner call (lme4 simulate + refit, 300 rows), as quoted": 24.2,
    "statsmodels MixedLM, one fit of 300 rows, as quoted": 502.0,
}
"""Milliseconds for one simulated study, from the founders' facts (design-and-power, section 3); no DeclareDesign."""

BESIDE = {"afex": "mixed anova 2b*2w n = 80, exact", "Superpower": "mixed anova 2b*2w n = 80, exact"}
BESIDE |= {"declare": "two arms of 100 through diagnose"}
BESIDE |= dict.fromkeys(("simr's", "statsmodels"), "random intercept 30x10, covariate redrawn 50 times")


def in_r() -> dict[str, float]:
    """Return what one simulated study costs in R here, in milliseconds; empty without R."""
    if shutil.which("Rscript") is None:
        return {}
    script = Path(__file__).with_name("power_rivals.R")
    done = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=False)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {f"{line[0]}, measured here": float(line[1]) for line in lines if len(line) > 1}


def rivals_in_r(taken: dict[str, float]) -> None:
    """Print one simulated study's cost elsewhere beside ours; an exact answer counts as all its replicates at once."""
    print(f"\n{'one simulated study':<64}{'ms':>9}{'ours':>10}{'ratio':>10}")
    for name, cost in {**QUOTED, **in_r()}.items():
        beside = next(task for start, task in BESIDE.items() if name.startswith(start))
        mine = 1000 * taken[beside] / REPS
        print(f"{name:<64}{cost:>9.2f}{mine:>10.5f}{cost / mine:>9,.0f}x")
    if shutil.which("Rscript") is None:
        print("R is not installed here, so its loops were not measured")


def main() -> int:
    """Print the tables; 1 where something promised was missed."""
    rivals = theirs()
    version = importlib.util.find_spec("mcpower") and importlib.import_module("importlib.metadata").version("mcpower")
    load = os.getloadavg()[0]
    print(f"{REPS:,} replicates, median of {RUNS} runs, {platform.machine()}, load {load:.1f}, one thread")
    print(f"MCPower {version} beside it" if rivals else "MCPower is not installed here: no ratios to it")
    missed, costs = 0, {}
    head = ("seconds", "clock", "bar", "of bar", "MCPower", "ratio", "bar")
    print(f"{'task':<52}" + "".join(f"{word:>9}" for word in head))
    for name, task in ours().items():
        clock, taken = median(task.run)
        costs[name] = taken
        rival = median(rivals[name])[1] if name in rivals else None
        late = taken > task.seconds
        slow = rival is not None and task.faster is not None and rival / taken < task.faster
        missed += late or slow
        line = f"{name:<52}{taken:>9.4f}{clock:>9.4f}{task.seconds:>9.2f}{taken / task.seconds:>9.2f}"
        line += f"{rival:>9.3f}{rival / taken:>8.1f}x" if rival is not None else ""
        line += f"{task.faster:>8g}x" if rival is not None and task.faster is not None else ""
        print(line + ("  MISSED" if late or slow else ""))
    rivals_in_r(costs)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
