"""Manipulation checks: factor by check, priming by half samples, awareness, attention; nobody is excluded."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import feedbackstudy as fs
from feedbackstudy.errors import InputError, NotFoundError
from feedbackstudy.frames import Scores
from feedbackstudy.study import Study

STUDY = """
schema_version: 1
title: Checks
factors:
  - {name: timing, mode: described, reference: late, levels: {soon: Soon, late: Late}}
  - {name: framing, mode: described, reference: loss, levels: {gain: Gain, loss: Loss}}
units: [{name: person, n: 400}]
waves:
  - {name: t0, anchor: decision, phase: before}
  - {name: t1, anchor: feedback, phase: after}
measures:
  - {name: attention, kind: nominal, levels: {a: A, b: B}, role: attention_check, passes: b, waves: [t0]}
  - name: noticed_timing
    kind: rating
    range: [1, 7]
    role: manipulation_check
    checks: [timing]
    placement: half_sample
    waves: [t1]
  - {name: mood, kind: rating, range: [1, 7], waves: [t1]}
  - {name: aware, kind: rating, range: [1, 7], role: awareness, waves: [t1]}
hypotheses:
  - name: h1
    text: Soon is better.
    outcome: mood
    contrast: {kind: main_effect, factor: timing, level: soon, against: late}
    direction: positive
    sesoi: {value: 0.3, unit: sd}
    role: confirmatory
plan: {decides: {h1: {by: p}}, rope: {low: -0.7, high: 0.7, unit: sd}}
conduct: {population: students, realism: enacted, published: "Invented (2026)"}
"""


@pytest.fixture
def checked(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    study = Study.load(tmp_path)
    chance, n = np.random.default_rng(3), 400
    soon, gain = np.tile([1, 1, 0, 0], n // 4), np.tile([1, 0], n // 2)
    half = np.arange(n) % 8 < 4
    aware = chance.normal(4, 1, n).clip(1, 7)
    mood = 4 + 0.5 * half + 0.4 * soon * (aware - 4) + chance.normal(0, 0.7, n)
    noticed = np.where(half, 4 + 1.5 * soon - 0.6 * gain + chance.normal(0, 0.8, n), np.nan)
    common = {
        "participant": [f"p{i:03d}" for i in range(n)],
        "arm": "feedback",
        "timing": np.where(soon, "soon", "late"),
        "framing": np.where(gain, "gain", "loss"),
    }
    before = pd.DataFrame(common | {"occasion": "t0", "attention": np.where(np.arange(n) % 40, 2.0, 1.0)})
    after = pd.DataFrame(
        common | {"occasion": "t1", "noticed_timing": noticed.clip(1, 7), "mood": mood.clip(1, 7), "aware": aware}
    )
    frame = pd.concat([before, after], ignore_index=True)
    asked = {"noticed_timing": np.concatenate([np.zeros(n), half]).astype(np.int16)}
    scores = Scores.from_frame(
        frame,
        scores=["attention", "noticed_timing", "mood", "aware"],
        factors=["timing", "framing"],
        asked=asked,
        design_hash=study.design_hash,
    )
    return fs.analysis.manipulation(scores, study), frame, study, scores


def test_the_intended_effect_its_size_and_the_unintended_one_stand_in_one_table(checked):
    found, frame, _, _ = checked
    table = found.frame().set_index("effect")

    assert list(table.index) == ["timing", "framing", "timing x framing"]
    assert table["intended"].tolist() == [True, False, False]
    after = frame[frame["noticed_timing"].notna()]
    means = after.groupby(["timing", "framing"])["noticed_timing"].mean()
    timing = means["soon"].mean() - means["late"].mean()
    assert table.loc["timing", "estimate"] == pytest.approx(timing, rel=1e-9)
    assert table.loc["timing", "std_estimate"] > 1.5
    assert table.loc["framing", "std_estimate"] < -0.4
    assert table.loc["timing", "n"] == 200
    assert table.loc["timing", "posterior_low"] > 1
    assert [effect.name for effect in found.intended()] == ["timing"]
    assert len(found.unintended()) == 2


def test_being_asked_the_check_primes_what_comes_later(checked):
    classical, bayesian = checked[0].priming

    assert classical.estimate == pytest.approx(0.5, abs=0.2)
    assert classical.p < 0.001
    assert classical.n == bayesian.n == 400
    assert "asked noticed timing minus not asked" in classical.contrast


def test_priming_is_a_difference_of_averages_with_d_and_the_plans_region(checked):
    found, frame, _, scores = checked
    classical, bayesian = found.priming
    after = frame[frame["occasion"] == "t1"].assign(half=scores.asked("noticed_timing")[len(frame) // 2 :] > 0)
    means = after.groupby(["timing", "framing", "half"])["mood"].agg(["mean", "var", "size"])
    asked, not_asked = (means["mean"].xs(half, level="half") for half in (True, False))
    sd = np.sqrt(np.average(means["var"], weights=means["size"] - 1))

    assert classical.estimate == pytest.approx((asked - not_asked).mean(), rel=1e-9)
    assert (classical.std_kind, bayesian.std_kind) == ("d", "d")
    assert classical.std_estimate == pytest.approx(classical.estimate / sd, rel=1e-9)

    inside = stats.norm(bayesian.estimate, bayesian.se)
    assert bayesian.prob_rope == pytest.approx(np.diff(inside.cdf([-0.7 * sd, 0.7 * sd]))[0], abs=0.005)


def test_nobody_declared_a_smallest_effect_of_awareness(checked):
    for row in checked[0].awareness:
        assert row.sesoi is None
        assert row.prob_rope is None
        assert row.p_equivalence is None


def test_awareness_moderates_where_it_does(checked):
    classical, bayesian = checked[0].awareness

    assert classical.estimate == pytest.approx(0.4, abs=0.2)
    assert classical.p < 0.01
    assert "changes for one unit of aware" in classical.contrast
    assert bayesian.prob_direction > 0.99


def test_an_attention_check_before_the_treatment_may_exclude(checked):
    (attention,) = checked[0].attention

    assert (attention.asked, attention.failed, attention.before_treatment, attention.may_exclude) == (
        400,
        10,
        True,
        True,
    )


@pytest.mark.against_r
def test_r_answers_every_effect_of_the_checks_anew(checked, run_r, tmp_path):
    found = checked[0]

    in_r = run_r(found.r_script(), tmp_path)

    pairs = {f"{one.check} at {one.occasion} by {one.name}": (one.classical, one.bayesian) for one in found.effects}
    pairs |= {label: answer.rows for label, answer in found.behind.items()}
    assert len(pairs) == 5
    for label, (classical, bayesian) in pairs.items():
        assert classical.estimate == pytest.approx(in_r[f"{label}: estimate"][0], rel=1e-6)
        assert classical.se == pytest.approx(in_r[f"{label}: se"][0], rel=1e-6)
        assert (classical.df, classical.p) == pytest.approx((in_r[f"{label}: df"][0], in_r[f"{label}: p"][0]), rel=1e-4)
        assert bayesian.estimate == pytest.approx(in_r[f"{label}: median"][0], rel=1e-6)
        # evidence of e^62: our region of the standard deviations ends at e^-30 of its height, that of R at e^-60
        assert np.log(bayesian.bayes_factor) == pytest.approx(in_r[f"{label}: log_bayes_factor"][0], rel=3e-4, abs=1e-6)
    (attention,) = found.attention
    assert (attention.asked, attention.failed) == (
        in_r["attention at t0: asked"][0],
        in_r["attention at t0: failed"][0],
    )
    assert attention.p == pytest.approx(in_r["attention at t0: p"][0], rel=1e-9)
    with pytest.raises(NotFoundError, match="noticed_timing at t1 by timing"):
        found.pymc_model("noticed_timing by timing")


def test_the_page_says_that_nobody_is_excluded_and_where_the_check_stands(checked):
    page = str(checked[0])

    assert "Nobody is excluded by a manipulation check" in page
    assert "asked of a random half" in page


def test_a_study_without_factors_has_nothing_to_check(checked):
    _, _, study, scores = checked
    bare = study.model_copy(update={"factors": type(study.factors)()})

    with pytest.raises(InputError, match="declares no factor"):
        fs.analysis.manipulation(scores, bare)


def test_conditions_in_which_nobody_or_everybody_was_asked_are_said_to_be_left_aside(checked):
    _, frame, study, scores = checked
    corner = ((frame["timing"] == "soon") & (frame["framing"] == "gain")).to_numpy()
    asked = np.where(corner, 0, scores.asked("noticed_timing")).astype(np.int16)
    noticed = frame["noticed_timing"].where(~corner)
    again = Scores.from_frame(
        frame.assign(noticed_timing=noticed),
        scores=["attention", "noticed_timing", "mood", "aware"],
        factors=["timing", "framing"],
        asked={"noticed_timing": asked},
        design_hash=study.design_hash,
    )
    found = fs.analysis.manipulation(again, study)
    classical, _ = found.priming

    assert "3 of 4 conditions, those with both; 100 rows of the others left aside" in classical.contrast
    assert classical.n == 300
    (priming,) = (answer for label, answer in found.behind.items() if "priming" in label)
    (entry,) = (entry for entry in priming.problem.ledger if entry.step == "analyse.priming")
    assert (entry.n_before, entry.n_after) == (400, 300)
    assert {name for name, _ in entry.rows} == set(frame.loc[corner, "participant"].astype(str))
