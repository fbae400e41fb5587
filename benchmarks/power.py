"""Time simulated power, 10,000 replicates in one process, with MCPower in the same script where it is installed.

Run ``python -m benchmarks.power``. MCPower is not a dependency: install it into a folder of its own and add that folder
with ``PYTHONPATH``. Each figure is the median of the runs, in seconds of wall time.
"""

import importlib.util
import itertools
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

from feedbackstudy import power  # noqa: E402
from feedbackstudy.power import batched  # noqa: E402

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


def ours() -> dict[str, tuple[Callable[[], object], float]]:
    """Return each task with the promised time."""
    x, cells = crossing(N // 6), crossing(1)[:, 1:]
    serial = batched.Paths(((0.3,), (0.1, 0.3), (0.1, 0.1, 0.3)))
    sizes = itertools.count(100)  # critical values are remembered, so each call asks a new one
    wedge = {"steps": 4, "n": 10, "icc": 0.05}
    return {
        "least squares 3x2, N = 300": (lambda: batched.linear(x, EFFECTS, reps=REPS, seed=1).power(), 0.05),
        "random intercept 30x10, design fixed": (lambda: intercept().power(), 0.3),
        "random intercept 30x10, covariate redrawn 50 times": (redrawn, 0.3),
        "random intercept, ten sample sizes": (search, 2.0),
        "two nested intercepts 6x5x10": (nested, 5.0),
        "7-point ordinal 3x2, N = 300": (
            lambda: batched.cumulative_logit(cells, EFFECTS[1:], n=N // 6, reference=SEVEN, reps=REPS, seed=1).power(),
            1.0,
        ),
        "serial mediation, n = 300": (lambda: batched.mediation(serial, N, reps=REPS, seed=1), 2.0),
        "stepped wedge, exact": (lambda: power.stepped_wedge(0.3, 12, **wedge), 0.01),
        "stepped wedge, clusters solved": (lambda: power.stepped_wedge(0.3, power=0.8, **wedge), 0.01),
        "mixed anova 2b*4w, exact": (lambda: power.anova("2b*4w", 50, mu=range(8), r=0.5), 0.01),
        "t test, n solved": (lambda: power.t_test(0.5, power=0.8), 0.01),
        "Bayes factor, n = 100 each and more": (lambda: power.bayes_factor_t(0.5, next(sizes)), 0.01),
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


def median(task: Callable[[], object]) -> float:
    """Return the median time of some runs after a warm one."""
    task()
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        task()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> int:
    """Print the table; 1 where a promised time was missed."""
    rivals = theirs()
    version = importlib.util.find_spec("mcpower") and importlib.import_module("importlib.metadata").version("mcpower")
    load = os.getloadavg()[0]
    print(f"{REPS:,} replicates, median of {RUNS} runs, {platform.machine()}, load {load:.1f}, one thread")
    print(f"MCPower {version} beside it" if rivals else "MCPower is not installed here: no ratios")
    missed = 0
    print(f"{'task':<52}{'seconds':>10}{'promised':>10}{'MCPower':>10}{'ratio':>8}")
    for name, (task, promised) in ours().items():
        taken = median(task)
        missed += taken > promised
        rival = median(rivals[name]) if name in rivals else None
        beside = f"{rival:>10.3f}{rival / taken:>7.1f}x" if rival is not None else ""
        print(f"{name:<52}{taken:>10.4f}{promised:>10.2f}{beside}{'  MISSED' if taken > promised else ''}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
