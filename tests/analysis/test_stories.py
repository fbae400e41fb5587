"""Factors that vary within people: one row for each story, people as a random factor."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.frames import Scores
from feedbackstudy.study import Study

STUDY = """
schema_version: 1
title: Stories
factors:
  - {name: timing, mode: described, varies: within, reference: late, levels: {soon: Soon, late: Late}}
  - {name: framing, mode: described, varies: within, reference: loss, levels: {gain: Gain, loss: Loss}}
units: [{name: person, n: 30}]
waves:
  - {name: t0, anchor: decision, phase: before}
  - {name: t1, anchor: feedback, phase: after}
measures:
  - {name: mood, kind: rating, range: [1, 7], waves: [t0, t1]}
hypotheses:
  - name: h1
    text: Soon is better.
    outcome: mood
    occasion: t1
    contrast: {kind: main_effect, factor: timing, level: soon, against: late}
    direction: positive
    role: exploratory
  - name: h2
    text: It depends on the framing.
    outcome: mood
    occasion: t1
    contrast: {kind: interaction, levels: {timing: [soon, late], framing: [gain, loss]}}
    direction: either
    role: exploratory
conduct: {population: panel, realism: hypothetical, published: "Invented (2026)"}
"""
CELLS = [("soon", "gain"), ("soon", "loss"), ("late", "gain"), ("late", "loss")]


@pytest.fixture
def told(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    study = Study.load(tmp_path)
    chance = np.random.default_rng(8)
    person = chance.normal(0, 0.7, 30)
    values = 4 + np.array([0.5, 0.2, 0.0, -0.1]) + person[:, None] + chance.normal(0, 0.5, (30, 4))
    rows = []
    for i in range(30):
        common = {"participant": f"p{i:02d}", "arm": "feedback"}
        rows.append(common | {"occasion": "t0", "timing": None, "framing": None, "mood": 4.0})
        for place, j in enumerate(chance.permutation(4), start=1):
            timing, framing = CELLS[j]
            levels = {"timing": timing, "framing": framing}
            rows.append(common | {"occasion": f"t1.{place}", **levels, "mood": values[i, j]})
    frame = pd.DataFrame(rows)
    scores = Scores.from_frame(frame, scores=["mood"], factors=["timing", "framing"], design_hash=study.design_hash)
    return study, scores, values


def test_a_balanced_deck_gives_the_repeated_measures_test_in_closed_form(told):
    study, scores, values = told
    cells = values - values.mean(axis=1, keepdims=True)
    mse = ((cells - cells.mean(axis=0)) ** 2).sum() / (29 * 3)

    found = analyse(scores, study)

    for name, weights in (("h1", [0.5, 0.5, -0.5, -0.5]), ("h2", [1, -1, -1, 1])):
        classical, bayesian = found[name].rows
        assert classical.estimate == pytest.approx(values.mean(axis=0) @ weights, rel=1e-9)
        assert classical.se == pytest.approx(np.sqrt(mse * np.dot(weights, weights) / 30), rel=1e-6)
        assert classical.df == pytest.approx(87, rel=1e-4)
        assert "participant" in classical.model
        assert "n counts 120 stories, told to 30 people" in classical.note
        assert bayesian.n == 120
        assert abs(bayesian.estimate - classical.estimate) < classical.se


def test_a_story_without_an_answer_is_named_by_its_place(told):
    study, scores, _ = told
    frame = scores.frame.copy()
    frame.loc[(frame["participant"] == "p03") & (frame["occasion"] == "t1.2"), "mood"] = np.nan
    broken = Scores.from_frame(frame, scores=["mood"], factors=["timing", "framing"], design_hash=study.design_hash)

    found = analyse(broken, study, engine="frequentist")

    assert (found["h1"].rows[0].n, found["h1"].rows[0].n_missing) == (119, 1)
    assert found.answer("h1").problem.ledger.excluded == (("analyse.listwise", "p03", "t1.2"),)
