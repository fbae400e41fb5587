"""Pictures of policies show the numbers that they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from feedbackstudy.policy.rollouts.event_study import event_study
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.permuting import reshuffle
from feedbackstudy.policy.rollouts.two_way import two_way
from feedbackstudy.report.figures import drawing
from feedbackstudy.report.style import house_style
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of


@pytest.fixture(scope="module")
def stats():
    rows = rows_of(1, sites=12, periods=6)
    return stats_of(rows, plan_of(rows, mechanism="randomised"))


def drawn(result):
    plan = drawing(result)
    figure = Figure(figsize=(plan.width, plan.height), layout="constrained")
    ax = figure.add_subplot()
    with house_style():
        plan.draw(ax)
        figure.canvas.draw()
    return ax, plan


def test_a_rollout_shows_who_is_treated_when(stats):
    panel = panel_of(stats)
    ax, plan = drawn(panel)
    state = ax.collections[0].get_array().reshape(panel.used.shape)
    assert (np.asarray(state) == 1 + panel.treated).all()
    assert [t.get_text() for t in ax.get_yticklabels()] == list(panel.units)
    assert "10 change over to the policy, 2 never do" in plan.alt


def test_an_event_study_shows_each_effect(stats):
    found = event_study(stats)
    ax, plan = drawn(found)
    points = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() == "o"])
    known = found.effects[np.isfinite(found.effects["low"])]
    assert sorted(points) == pytest.approx(sorted(known["estimate"]))
    assert "joint interval" in plan.caption
    assert "Test of pre-trends" in plan.alt


def test_schedules_show_the_observed_estimate(stats):
    found = reshuffle(panel_of(stats), 400, seed=1)
    ax, plan = drawn(found)
    assert sum(patch.get_height() for patch in ax.patches) == 400
    assert ax.lines[0].get_xdata()[0] == found.test.estimate
    assert "400 schedules" in plan.caption


def test_effects_show_intervals_and_fill_what_decides(stats):
    found = two_way(stats)
    ax, plan = drawn(found)
    panel = ax.child_axes[0]
    row = found.rows[0]
    assert [row.low, row.high] in [list(line.get_xdata()) for line in panel.lines]
    assert "two-way fixed effects" in plan.alt
    empty, plan = drawn(type(found)(rows=()))
    assert plan.alt == "No answer has an interval."
    assert empty.texts
