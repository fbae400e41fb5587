"""Reference numbers and shipped tables for the tests of the analysis room."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from feedbackstudy import datasets
from feedbackstudy.frames import Scores
from feedbackstudy.psychometrics.rscript import RScript
from feedbackstudy.study import Study

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


@pytest.fixture(scope="session")
def from_r() -> dict:
    """Values from R (see published_analyses.R for the calls, the file itself for the versions)."""
    return json.loads((REFERENCE / "published_analyses.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def effort() -> pd.DataFrame:
    """Cells by number of practice tasks, the four cells of nagy2023 in the order fixed, growth; control first."""
    frame = datasets.load("nagy2023_effort_frequencies").frame
    return frame.pivot_table(
        index=["mindset", "intervention"], columns="extra_tasks", values="n", aggfunc="sum", fill_value=0
    ).astype("int64")


@pytest.fixture(scope="session")
def fairness() -> dict[str, pd.DataFrame]:
    """Groups by ratings for each outcome of juijn2023, all 226 people."""
    frame = datasets.load("juijn2023_fairness_counts").frame
    return {
        outcome: part.pivot_table(index="group", columns="fairness", values="n", aggfunc="sum", fill_value=0).astype(
            "int64"
        )
        for outcome, part in frame.groupby("outcome")
    }


@pytest.fixture(scope="session")
def classes() -> pd.DataFrame:
    """n, mean and sd of the 38 classes of manyclasses1."""
    return datasets.load("manyclasses1_class_figures").frame


FEEDBACK_STUDY = """
schema_version: 1
title: Feedback after an interview
factors:
  - {name: timing, mode: described, reference: delayed, levels: {immediate: At once, delayed: Later}}
  - {name: framing, mode: described, reference: loss, levels: {gain: Gain, loss: Loss}}
  - {name: specificity, mode: described, reference: low, levels: {high: High, low: Low}}
units: [{name: interviewer, n: 20}, {name: candidate, n: 400, nested_in: interviewer}]
covariates: [{name: baseline, kind: continuous}]
waves: [{name: t1, anchor: feedback, phase: after}]
measures:
  - {name: reaction, kind: continuous, range: [0, 10], waves: [t1]}
  - {name: challenge, kind: continuous, range: [0, 10], waves: [t1]}
  - {name: selfeff, kind: continuous, range: [0, 10], waves: [t1]}
  - {name: outcome, kind: continuous, range: [0, 10], waves: [t1]}
  - {name: likert, kind: ordinal, levels: {"1": a, "2": b, "3": c, "4": d, "5": e}, waves: [t1]}
  - {name: reapply, kind: binary, waves: [t1]}
hypotheses:
  - name: h1
    text: Immediate and specific feedback beats the rest.
    outcome: reaction
    contrast:
      kind: weights
      cells:
        - {weight: 3, at: {timing: immediate, specificity: high}}
        - {weight: -1, at: {timing: delayed, specificity: high}}
        - {weight: -1, at: {timing: immediate, specificity: low}}
        - {weight: -1, at: {timing: delayed, specificity: low}}
    direction: positive
    sesoi: {value: 0.3, unit: raw}
    role: confirmatory
  - name: h2
    text: Specificity helps when feedback is late.
    outcome: reaction
    contrast: {kind: simple_effect, factor: specificity, level: high, against: low, at: {timing: delayed}}
    direction: positive
    sesoi: {value: 0.3, unit: sd}
    role: confirmatory
  - name: h3
    text: Sooner is better.
    outcome: reaction
    contrast: {kind: main_effect, factor: timing, level: immediate, against: delayed}
    direction: positive
    sesoi: {value: 0.3, unit: sd}
    role: confirmatory
plan:
  engines: [frequentist, bayesian]
  families: [{name: main, hypotheses: [h1, h2, h3], method: holm}]
  decides: {h1: {by: p}, h2: {by: p}, h3: {by: p}}
conduct: {population: panel, realism: hypothetical, published: "Invented (2026)"}
"""


@pytest.fixture
def declared(tmp_path):
    """Make a study from `FEEDBACK_STUDY` with some fields changed, such as ``plan={...}``."""

    def make(**changes: object) -> Study:
        data = yaml.safe_load(FEEDBACK_STUDY)
        data["plan"] |= changes.pop("plan", {})
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(data | changes, sort_keys=False), encoding="utf-8")
        return Study.load(tmp_path)

    return make


def as_scores(study: Study, name: str, *, clusters: bool, assigned: bool = False) -> Scores:
    frame = pd.read_csv(REFERENCE / f"{name}.csv").rename(columns={"y": "reaction"})
    if assigned:  # each interviewer gives one timing, and there are half as many
        half = (frame["interviewer"].astype("category").cat.codes // 2).astype(str)
        frame["interviewer"] = frame["timing"].astype(str) + "-" + half
    told = (frame["likert"] > 1) & (np.arange(len(frame)) % 5 > 0)
    counts = np.floor(frame["outcome"] ** 2 / 6 * told * (1 + frame["reapply"]))
    frame = frame.assign(arm="feedback", occasion="t1", hints=counts if counts.isna().any() else counts.astype("int64"))
    scores = [column for measure in study.measures for column in measure.columns]
    kept = ["participant", "arm", "occasion", *study.factors.names, "baseline", *scores]
    return Scores.from_frame(
        frame[[*kept, *(["interviewer"] if clusters else [])]],
        scores=scores,
        factors=study.factors.names,
        clusters=["interviewer"] if clusters else [],
        covariates=["baseline"],
        design_hash=study.design_hash,
    )


@pytest.fixture
def feedback():
    """Return scores of an invented table: without clusters, with interviewers, or with whole interviewers assigned."""
    return as_scores


def run_script(script: RScript, folder: Path) -> dict[str, list[float]]:
    path = script.save(folder)
    done = subprocess.run(["Rscript", path.name], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float]] = {}
    for line in done.stdout.splitlines():
        name, tab, value = line.rpartition("\t")
        if tab:
            found.setdefault(name, []).append(float(value))
    return found


@pytest.fixture
def run_r():
    """Save a script in a folder, run it there, and return the numbers it shows, by name."""
    return run_script
