"""Days or weeks: no answer about a trend depends on the unit of the scores but the slope itself."""

import numpy as np
import pytest

import feedbackstudy as fs
from feedbackstudy import power
from feedbackstudy.design.comparisons import MainEffect, Trend
from feedbackstudy.design.contrasts import difference_unit, weights
from feedbackstudy.design.factors import Factor
from feedbackstudy.scales.measure import Measure
from tests.power.test_diagnosis import hypothesis, study_of

SCALE = {"days": 1.0, "weeks": 7.0}


def declared(unit, *, sesoi=0.01, by=None):
    each = SCALE[unit]
    timing = Factor(
        name="timing",
        mode="described",
        levels={"now": "Now", "later": "After two weeks", "late": "After six weeks"},
        order=("now", "later", "late"),
        scores={"now": 0.0, "later": 14.0 / each, "late": 42.0 / each},
        reference="now",
    )
    smallest = {"value": sesoi * each, "unit": "sd"} if sesoi else None
    asked = hypothesis(
        "h", {"kind": "trend", "factor": "timing"}, outcome="trust", direction="negative", occasion="t1", sesoi=smallest
    )
    return study_of(
        240,
        [asked],
        factors=[timing],
        measures=[Measure(name="trust", kind="rating", range=(1.0, 7.0), waves=("t1",))],
        plan={"decides": {"h": by or {"by": "bayes_factor", "threshold": 3}}},
    )


def answers(unit, **options):
    study = declared(unit, **options)
    data = fs.simulate(declared("days"), fs.World.assumed(declared("days")), seed=4)
    return fs.analyse(fs.score(data, study.measures), study).answer("h")


def test_the_unit_of_a_trend_is_that_of_its_scores():
    for unit, each in SCALE.items():
        study = declared(unit)
        row = weights(study.hypotheses["h"].contrast, study.crossing).matrix[0]
        assert difference_unit(study.hypotheses["h"].contrast, row) == pytest.approx(np.abs(row).sum() / 2, rel=1e-12)
        slope = (np.array([0, 14, 42]) - 56 / 3) / ((np.array([0, 14, 42]) - 56 / 3) ** 2).sum()
        assert np.sort(row) == pytest.approx(np.sort(slope * each), rel=1e-9)
    assert difference_unit(MainEffect(factor="timing"), np.array([1.0, 0.0, -1.0])) == 1
    assert isinstance(study.hypotheses["h"].contrast, Trend)


def test_the_bayes_factor_of_a_trend_does_not_depend_on_days_or_weeks():
    days, weeks = answers("days"), answers("weeks")
    one, other = ({row.engine: row for row in each.rows}["bayesian"] for each in (days, weeks))
    assert other.estimate == pytest.approx(7 * one.estimate, rel=1e-4)
    assert other.bayes_factor == pytest.approx(one.bayes_factor, rel=1e-4)
    assert "for a difference of two averages" in one.note
    curve = [each.robustness() for each in (days, weeks)]
    assert curve[0].log_declared == pytest.approx(curve[1].log_declared, abs=1e-4)


def test_power_of_a_trend_decided_by_its_bayes_factor_does_not_depend_on_the_unit():
    found = [
        power.diagnose(declared(unit), fs.World.assumed(declared(unit)), seed=3, n_simulations=400).frame()
        for unit in SCALE
    ]
    assert found[0]["decided"].tolist() == pytest.approx(found[1]["decided"].tolist(), abs=1e-9)
    assert 0.1 < found[0]["decided"].iloc[0] < 0.99


def test_a_trend_without_a_smallest_effect_is_taken_as_a_difference_of_a_fifth_of_a_standard_deviation():
    study = declared("days", sesoi=None, by={"by": "p"})
    world = fs.World.assumed(study)
    cells = np.array([world.means[0].cells[key] for key in ("now", "later", "late")])
    row = weights(study.hypotheses["h"].contrast, study.crossing).matrix[0]
    assert row @ cells / difference_unit(study.hypotheses["h"].contrast, row) == pytest.approx(-0.2, rel=1e-6)
    assert any("above and below its middle" in note for note in world.notes)


def test_a_smallest_effect_from_first_to_last_is_found_where_it_is_declared():
    (issue,) = [each for each in declared("days", sesoi=0.3).check() if each.code == "study.sesoi_beyond_scale"]
    assert "one unit of the factor's scores" in issue.what


def test_solve_says_that_the_plan_decides_by_something_else():
    study = declared("days")
    found = power.solve(study, fs.World.assumed(study), vary="n", hypothesis="h", target=0.8, seed=2, precision=0.2)
    assert any("The plan decides h by Bayes factor of 3" in note for note in found.notes)
    own = power.solve(
        study, fs.World.assumed(study), vary="n", hypothesis="h", goal="decided", target=0.8, seed=2, precision=0.2
    )
    assert not any("The plan decides" in note for note in own.notes)
