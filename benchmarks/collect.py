"""Import of 200,000 rows and 60 columns with all checks, beside plain `pandas.read_csv`, which checks nothing.

Run: ``python benchmarks/collect.py [rows]``.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import feedbackstudy as fs
from feedbackstudy.collect.reading import inspect

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
MEASURES = 18  # of three items each; with the identity, a count and paradata the table has 60 columns


def study() -> fs.Study:
    """Return a study with 54 items."""
    measures = [{"name": f"u{k}", "scale": "feedback_usefulness", "waves": ["t1"]} for k in range(1, MEASURES + 1)]
    return fs.Study.from_data(
        {
            "title": "Benchmark",
            "factors": [{"name": "timing", "mode": "enacted", "levels": {"soon": "Soon", "late": "Late"}}],
            "units": [{"name": "person", "n": ROWS}],
            "waves": [{"name": "t1", "anchor": "feedback", "phase": "after"}],
            "measures": [*measures, {"name": "hours", "kind": "count", "waves": ["t1"]}],
            "conduct": {"population": "candidates", "realism": "field"},
        }
    )


def table() -> pd.DataFrame:
    """Return invented answers, with skipped cells."""
    chance = np.random.default_rng(1)
    columns: dict[str, object] = {
        "participant": [f"p{i:06d}" for i in range(ROWS)],
        "timing": chance.choice(["soon", "late"], ROWS),
        "duration_seconds": chance.integers(60, 900, ROWS),
        "language": "en",
        "note": np.where(chance.random(ROWS) < 0.1, 'said "yes", then left', ""),
        "hours": chance.integers(0, 12, ROWS),
    }
    for k in range(1, MEASURES + 1):
        for i in range(1, 4):
            answers = chance.integers(1, 8, ROWS).astype(str).astype(object)
            columns[f"u{k}_{i}"] = np.where(chance.random(ROWS) < 0.02, "", answers)
    return pd.DataFrame(columns)


def main() -> None:
    """Time both."""
    declared = study()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.csv"
        made = table()
        made.to_csv(path, index=False)
        print(f"{ROWS:,} rows x {made.shape[1]} columns, {path.stat().st_size / 1e6:.0f} MB")
        begin = time.process_time()
        pd.read_csv(path)
        plain = time.process_time() - begin
        begin = time.process_time()
        found = inspect(path, declared)
        ours = time.process_time() - begin
    print(f"pandas.read_csv, no check: {plain:.2f} s of CPU time")
    print(f"collect.read, all checks : {ours:.2f} s of CPU time; {found.files[0].cells_proved:,} cells proved equal")
    print(f"issues: {[issue.code for issue in found.issues]}")


if __name__ == "__main__":
    main()
