"""Score 40 items x 1,000,000 people: ours beside per-scale pandas code as people write it after psych::scoreItems.

Run with ``python benchmarks/scoring.py [people]``. Each way runs in a process of its own, so that peaks of memory do
not mix. The rival does what the common scripts do and no more: reverse, mean of available items, nothing checked, no
answered counts, no reasons, no ledger. Both must give the same scores.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

KEYS = {
    "ngse": ("ngse_{}", 8, 1, 5, ()),
    "cses": ("cses_{}", 12, 1, 5, (2, 4, 6, 8, 10, 12)),
    "ipip_self_efficacy": ("ipip_neo_{}", 10, 1, 5, (7, 8, 9, 10)),
    "gse": ("gse_{}", 10, 1, 4, ()),
}
LIMIT_SECONDS, LIMIT_GB = 3.0, 2.0


def columns(code):
    name, n, *_ = KEYS[code]
    return [name.format(i + 240 if code == "ipip_self_efficacy" else i) for i in range(1, n + 1)]


def answers(people):
    """Draw answers of one trait a scale, two percent of them missing; the key's reversed items run against it."""
    rng = np.random.default_rng(20)
    table = {}
    for code, (_, _, low, high, against) in KEYS.items():
        trait = rng.normal(size=people).astype(np.float32)
        for place, column in enumerate(columns(code), 1):
            sign = -1 if place in against else 1
            noise = rng.normal(size=people).astype(np.float32)
            values = np.clip(np.rint((low + high) / 2 + sign * trait + noise), low, high).astype(np.float64)
            values[rng.random(people) < 0.02] = np.nan
            table[column] = values
    return pd.DataFrame(table)


def ours(data):
    from feedbackstudy import scales
    from feedbackstudy.frames import Responses

    start = time.process_time()
    responses = Responses.of_items(data, already_reversed=[])
    taken_in = time.process_time() - start
    made = measured(lambda: scales.score(responses, list(KEYS)))
    return made | {"take_in": taken_in, "scores": made["result"].frame[list(KEYS)]}


def pandas_per_scale(data):
    made = measured(lambda: reverse_and_average(data))
    return made | {"take_in": 0.0, "scores": made["result"]}


def reverse_and_average(data):
    scores = pd.DataFrame(index=data.index)
    for code, (_, n, low, high, against) in KEYS.items():
        items = data[columns(code)].copy()
        for place in against:
            items[columns(code)[place - 1]] = low + high - items[columns(code)[place - 1]]
        mean = items.mean(axis=1)
        mean[items.notna().sum(axis=1) < n / 2] = np.nan
        scores[code] = mean * n if code == "gse" else mean
    return scores


def measured(work):
    """Run once to warm up, then take the median of three: wall time, processor time, and memory beyond the start."""
    work()
    walls, cpus = [], []
    before = memory_gb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the kernel's way to start a new peak
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {
        "seconds": statistics.median(walls),
        "cpu": statistics.median(cpus),
        "gb": memory_gb("VmHWM") - before,
        "result": result,
    }


def memory_gb(field):
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) / 1024**2


def run_one(way, people):
    data = answers(people)
    made = {"ours": ours, "pandas": pandas_per_scale}[way](data)
    scores = made.pop("scores")
    made.pop("result")
    checks = {code: [float(scores[code].sum()), int(scores[code].notna().sum())] for code in scores}
    print(json.dumps(made | {"way": way, "checks": checks}))


def main(people):
    results = {}
    for way in ("pandas", "ours"):
        command = [sys.executable, __file__, "--one", way, str(people)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        results[way] = json.loads(out.splitlines()[-1])
    mine, theirs = results["ours"], results["pandas"]
    for code, (total, n) in mine["checks"].items():
        other, m = theirs["checks"][code]
        if n != m or abs(total - other) > 1e-9 * abs(total):
            print(f"THE TWO DIFFER on {code}: {total} of {n} against {other} of {m}")
            return 1
    n_items = sum(len(columns(code)) for code in KEYS)
    print(f"{n_items} items x {people:,} people; numpy {np.__version__}, pandas {pd.__version__}; median of 3")
    for name, made in (("feedbackstudy score", mine), ("pandas, per scale", theirs)):
        print(f"{name:<22}{made['seconds']:6.2f} s wall {made['cpu']:6.2f} s cpu {made['gb']:6.2f} GB beyond the input")
    print(f"taking the table in, with reasons and checks, once: {mine['take_in']:.2f} s cpu")
    print(
        f"ours / pandas: {mine['seconds'] / theirs['seconds']:.2f} wall, {mine['cpu'] / theirs['cpu']:.2f} cpu "
        f"({(mine['cpu'] + mine['take_in']) / theirs['cpu']:.2f} with taking the table in), "
        f"{mine['gb'] / max(theirs['gb'], 0.01):.2f} memory"
    )
    print("ours also checks every cell, counts what was asked and answered, and holds the key against the data")
    if people >= 1_000_000 and (mine["seconds"] >= LIMIT_SECONDS or mine["gb"] >= LIMIT_GB):
        print(f"TOO SLOW OR TOO LARGE: the limit is {LIMIT_SECONDS} s and {LIMIT_GB} GB")
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
