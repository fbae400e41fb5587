"""Write the invented applications of the 48-hour policy as a Psych-DS dataset of their own.

Call: python generate.py FOLDER [ROWS] [SEED]. The folder must not exist. Rows are made by
feedbackstudy.policy.synthetic_applications; 200,000 with seed 2025 by default.
"""

import json
import sys
from pathlib import Path

from feedbackstudy.files import sha256_file
from feedbackstudy.policy.applications import synthetic_applications
from feedbackstudy.provenance import versions

HERE = Path(__file__).parent
FILE = "study-syntheticAts48h_description-applications_data.csv"


def generate(folder: Path, rows: int = 200_000, seed: int = 2025) -> Path:
    """Write the dataset.

    Parameters
    ----------
    folder : Path
        A folder that does not exist yet.
    rows : int, default 200000
        Rows.
    seed : int, default 2025
        Seed.

    Returns
    -------
    Path
        The folder, with ``data/``, ``dataset_description.json``, ``plan.yaml`` and ``truth.json``.
    """
    if folder.exists():
        raise SystemExit(f"{folder} exists; nothing is overwritten.")
    made = synthetic_applications(rows, seed=seed)
    about = json.loads((HERE / "recipe.json").read_text(encoding="utf-8"))
    (folder / "data").mkdir(parents=True)
    table = made.table.source
    names = [variable["name"] for variable in about["variableMeasured"]]
    table[names].to_csv(folder / "data" / FILE, index=False, lineterminator="\n")
    digest = sha256_file(folder / "data" / FILE)
    about["distribution"] = [
        {"@type": "DataDownload", "contentUrl": f"data/{FILE}", "encodingFormat": "text/csv", "sha256": digest}
    ]
    about["description"] += f" {rows:,} rows, seed {seed}."
    (folder / "dataset_description.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    truth = {"simulated": True, "seed": seed, "truth": dict(made.truth), "versions": versions()}
    (folder / "truth.json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    made.plan.save(folder / "plan.yaml")
    return folder


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3, 4}:
        raise SystemExit(__doc__)
    generate(Path(sys.argv[1]), *map(int, sys.argv[2:]))
