"""Pictures of power show the numbers computed, their Monte-Carlo error and the target, and say them in words."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import feedbackstudy as fs
from feedbackstudy import power, report
from feedbackstudy.report.drawings.power_curve import Curve, crossing, shown
from feedbackstudy.study.template import template_folder


@pytest.fixture
def ax():
    return Figure().add_subplot()


@pytest.fixture(scope="module")
def study():
    return fs.Study.load(template_folder("second-chance") / "study.yaml")


@pytest.fixture(scope="module")
def diagnosis(study):
    return power.diagnose(study, fs.World.assumed(study), seed=1, n_simulations=40)


@pytest.fixture(scope="module")
def swept(study):
    unit = study.units.names[-1]
    vary = {f"n.{unit}": [200, 400], "effect_scale": [0.5, 1.0]}
    return power.sweep(study, fs.World.assumed(study), vary, seed=1, n_simulations=20)


def solution(**changes):
    curve = [
        {"value": v, "reached": r, "mcse": 0.02, "n_simulations": 400.0}
        for v, r in ((10, 0.01), (50, 0.5), (100, 0.79), (110, 0.82), (2000, 1.0), (4000, 1.0))
    ]
    fields = {
        "vary": "n.person", "value": 104.0, "goal": "power", "hypothesis": "h1", "target": 0.8, "reached": 0.801,
        "mcse": 0.01, "interval": (98.0, 110.0), "curve": tuple(curve), "engine": "batched",
        "provenance": power.t_test(d=0.5, n=64).provenance,
    }  # fmt: skip
    return power.Solution(**(fields | changes))


def test_the_curve_has_the_points_computed_and_meets_the_target_where_the_test_does(ax):
    made = power.grid(power.t_test, {"n": [40, 60, 80]}, d=0.5)

    report.figure(made, ax=ax)

    line = next(line for line in ax.lines if len(line.get_xdata()) == 3)
    assert list(line.get_xdata()) == [40, 60, 80]
    assert list(line.get_ydata()) == list(made.frame()["power"])
    where = crossing(Curve("t", np.array(line.get_xdata()), np.array(line.get_ydata()), np.zeros(3)), 0.8)
    assert where == pytest.approx(63.7656104, abs=1.0)  # pwr in R, facts 5.1; straight between points 20 apart
    assert ax.texts[0].get_text() == shown(where)


def test_the_band_is_the_95_percent_monte_carlo_range(ax):
    made = power.grid(power.mediation, {"n": [80, 160]}, paths=power.Paths(((0.3,), (0, 0.3))), reps=300, seed=1)

    report.figure(made, ax=ax)

    row = made.frame().iloc[0]
    corners = ax.collections[0].get_paths()[0].vertices
    ys = corners[corners[:, 0] == 80][:, 1]
    assert ys.min() == pytest.approx(row["power"] - 1.959964 * row["power_mcse"])
    assert ys.max() == pytest.approx(row["power"] + 1.959964 * row["power_mcse"])


def test_several_lines_are_named_at_their_ends_and_no_names_meet(ax):
    made = power.grid(power.anova, {"n": [20, 100]}, design="2b*2b", mu=[1, 0, 0.4, 0], sd=2)

    report.figure(made, ax=ax)

    at = sorted(text.get_position()[1] for text in ax.texts)
    assert {text.get_text() for text in ax.texts} == {"a", "b", "a:b"}
    assert min(np.diff(at)) > 0.06
    assert "b goes from" in report.alt_text(made)


def test_the_surface_has_the_target_as_its_thickest_line(ax):
    made = power.grid(power.t_test, {"n": [20, 60, 100, 140], "d": [0.2, 0.4, 0.6]}, target=0.9)

    report.figure(made, ax=ax)

    widest = max(c.get_linewidth()[0] for c in ax.collections if len(np.atleast_1d(c.get_linewidth())))
    assert widest == 2.0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("n", "d")
    assert "d = 0.6: from n = 60 on" in report.alt_text(made)
    assert "d = 0.2: nowhere" in report.alt_text(made)
    assert power.t_test(d=0.6, n=60).power >= 0.9 > power.t_test(d=0.6, n=20).power


def test_a_sweep_of_a_study_is_drawn_as_surface_and_as_curve(swept, ax):
    report.figure(swept["h2"].showing("decided"), ax=ax)
    curve = swept["h2"].at({"effect_scale": 1.0})

    assert "over n." in report.alt_text(curve)
    assert "h2" in report.alt_text(curve)


def test_the_answer_of_a_search_stands_in_its_monte_carlo_range(ax):
    report.figure(solution(), ax=ax)

    assert ax.patches[0].get_x() == 98.0
    assert ax.patches[0].get_width() == pytest.approx(12.0)
    assert ax.texts[-1].get_text() == "104"
    assert max(max(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) > 2) == 2000.0
    assert "Monte-Carlo range of the answer 98 to 110" in report.alt_text(solution())


def test_a_search_that_found_nothing_is_still_drawn(ax):
    report.figure(solution(value=float("inf"), interval=(0.0, float("inf"))), ax=ax)

    assert ax.lines


def test_a_diagnosis_shows_power_and_decision_of_every_hypothesis(diagnosis, ax):
    report.figure(diagnosis, ax=ax)

    circles = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    diamonds = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "D"]
    assert circles == [row.power for row in diagnosis.rows if np.isfinite(row.power)]
    assert diamonds == [row.decided for row in diagnosis.rows if np.isfinite(row.decided)]
    assert [t.get_text() for t in ax.get_yticklabels()] == [row.hypothesis for row in diagnosis.rows]
    assert all(f"{row.hypothesis}: power" in report.alt_text(diagnosis) for row in diagnosis.rows)


def test_pictures_of_power_stand_in_a_document(diagnosis, tmp_path):
    page = report.document(
        diagnosis, power.grid(power.t_test, {"n": [20, 50]}, d=0.5), solution(), to=tmp_path / "power.html"
    ).read_text(encoding="utf-8")

    assert page.count("<svg") == 3


def test_whole_numbers_are_shown_whole():
    assert [shown(v) for v in (64.0, 63.83, 0.25, 1234.56)] == ["64", "63.8", "0.25", "1,235"]
