"""Pictures of policies show the numbers that they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from feedbackstudy.issues import Issues
from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.assembling import PolicyResults
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure import DisclosurePolicy
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.rollouts.event_study import event_study
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.rollouts.permuting import reshuffle
from feedbackstudy.policy.rollouts.two_way import two_way
from feedbackstudy.render import number
from feedbackstudy.report.figures import drawing
from feedbackstudy.report.policy_report import PolicyReport
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


def shares_of(**rows):
    """Return effects on shares: metric -> estimate, low, high, people on the smaller side."""
    shared = {"contrast": "policy minus before", "scale": "absolute", "method": "two-way", "n": 5000, "n_clusters": 30,
              "smallest_arm": 2400, "decides": True}  # fmt: skip
    return Effects(
        rows=tuple(
            EffectEstimate(metric=name, label=name.capitalize(), role="guardrail", estimate=estimate, low=low,
                           high=high, fewest=fewest, verdict="undecided", **shared)
            for name, (estimate, low, high, fewest) in rows.items()
        )
    )  # fmt: skip


def test_disclosed_effects_show_margins_and_leave_out_what_is_hidden():
    raw = shares_of(again=(0.034, 0.012, 0.056, 300), complaints=(0.0111, 0.002, 0.02, 3))
    found = DisclosurePolicy().effects(raw, margins={"again": -0.02})
    ax, plan = drawn(found)
    (panel,) = ax.child_axes
    assert [0.01, 0.055] in [list(line.get_xdata()) for line in panel.lines]
    assert [-0.02, -0.02] in [list(line.get_xdata()) for line in panel.lines]
    assert panel.get_title(loc="left") == "Again"
    assert "Hidden, because too few people stand behind them: Complaints" in plan.caption
    assert "0.011" not in plan.alt
    assert f"margin {number(-0.02, 2)}" in plan.alt


def test_hidden_effects_alone_leave_an_empty_picture_that_says_so():
    found = DisclosurePolicy().effects(shares_of(complaints=(0.0111, 0.002, 0.02, 3)))
    ax, plan = drawn(found)
    assert not ax.child_axes
    assert plan.alt.startswith("No effect with an interval may be shown.")


def test_disclosed_impact_shows_ratios_and_four_fifths():
    result = adverse_impact(
        selected={"a": 400, "b": 80, "c": 90, "x": 4, "y": 11}, total={"a": 1000, "b": 300, "c": 250, "x": 60, "y": 40}
    )
    found = DisclosurePolicy().adverse_impact(result)
    ax, plan = drawn(found)
    table = found.frame()
    known = table[table["ratio"].notna()]
    assert [t.get_text() for t in ax.get_yticklabels()] == list(known["group"])
    assert {"x", "y"}.isdisjoint(known["group"])
    points = next(line for line in ax.lines if line.get_marker() == "o")
    assert list(points.get_xdata()) == pytest.approx(list(known["ratio"]))
    assert 0.8 in [line.get_xdata()[0] for line in ax.lines]
    assert "Hidden, because small counts stand behind them: x, y." in plan.caption


def test_a_disclosed_event_study_shows_rounded_effects_and_names_hidden_times(stats):
    gate = DisclosurePolicy()
    panel = panel_of(stats)
    found = gate.event_study(event_study(stats), panel)
    ax, plan = drawn(found)
    points = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() == "o"])
    shown = found.frame().query("low == low")
    assert sorted(points) == pytest.approx(sorted(shown["estimate"]))
    strict = DisclosurePolicy(DisclosureRule(min_cell=100_000)).event_study(event_study(stats), panel)
    ax, plan = drawn(strict)
    assert not any(line.get_ydata().size for line in ax.lines if line.get_marker() == "o")
    assert "Hidden, because too few people stand behind them: time" in plan.caption


def test_pictures_of_raw_results_say_that_they_are_not_disclosed(stats):
    assert "passed no disclosure rule" in drawing(two_way(stats)).caption
    assert "passed no disclosure rule" in drawing(event_study(stats)).caption


def test_a_report_holds_pictures_of_disclosed_rows_only(stats, tmp_path):
    gate = DisclosurePolicy()
    effects = gate.effects(shares_of(again=(0.034, 0.012, 0.056, 300), complaints=(0.0111, 0.002, 0.02, 3)))
    impact = gate.adverse_impact(adverse_impact(selected={"a": 400, "b": 80}, total={"a": 1000, "b": 300}))
    results = PolicyResults(plan=stats.plan, parts=(effects, impact))
    report = PolicyReport(results=results, issues=Issues())
    page = report.html(tmp_path / "page.html").read_text()
    assert page.count('<svg class="fs-figure" role="img" aria-label=') == 2
    assert "0.0111" not in page
    assert "four fifths" in page
    lines = report.csv(tmp_path / "numbers.csv").read_text().splitlines()
    assert "Effects of the policy,2,baseline," in lines  # the row had none
    assert "Effects of the policy,2,estimate,hidden" in lines
    assert "Effects of the policy,1,p_adjusted," in lines
    assert "Adverse impact: selected,1,ratio," in lines  # the reference
    whole = PolicyReport(results=PolicyResults(plan=stats.plan, parts=(impact,)), issues=Issues())
    text = whole.csv(tmp_path / "impact.csv").read_text()
    assert "hidden" not in text
    assert impact.said == "Nothing had to be hidden."
