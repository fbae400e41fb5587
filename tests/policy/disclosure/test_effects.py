"""Effects are judged by every arm, and no count behind them follows from what is shown."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import policy
from feedbackstudy.policy.declared import DisclosureRule
from feedbackstudy.policy.disclosure import DisclosurePolicy
from feedbackstudy.policy.disclosure.rounding import levelled, step_of, to_step
from feedbackstudy.policy.effect import EffectEstimate, Effects
from feedbackstudy.policy.rollouts.readout import read_rollout
from tests.policy.disclosure.attacking import candidates_of, table_of
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of

NUMBERS = ["estimate", "se", "low", "high", "p", "baseline", "n", "df"]


def compared(*counts):
    return policy.readout(table_of(*counts), outcome="y", arm="arm", control="c", kind="proportion")


def shown_of(*counts):
    return DisclosurePolicy().effects(compared(*counts))


@pytest.mark.parametrize("counts", [(600, 3, 600, 40), (3, 1, 400, 200), (600, 590, 600, 598), (600, 90, 9, 4)])
def test_an_arm_with_few_people_on_a_side_hides_the_answer_on_every_scale(counts):
    shown = shown_of(*counts)
    frame = shown.frame()
    assert frame[NUMBERS].isna().all(axis=None)
    assert all(shown.is_hidden(i, name) for i in range(len(frame)) for name in ("estimate", "baseline", "n"))
    assert frame["scale"].tolist() == ["absolute", "relative", "per_1000"]
    assert any("hidden: " in note for note in shown.notes)
    assert {"smallest_arm", "fewest"}.isdisjoint(frame.columns)


def test_a_mean_of_noughts_and_ones_is_judged_as_a_share():
    found = policy.readout(table_of(600, 3, 600, 40), outcome="y", arm="arm", control="c", kind="mean")
    assert DisclosurePolicy().effects(found).frame()["baseline"].isna().all()


def test_an_answer_that_does_not_say_how_large_its_arms_are_is_hidden():
    row = EffectEstimate(metric="m", label="M", role="primary", contrast="a", scale="absolute", method="x",
                         estimate=0.2, baseline=0.3, n=5000)  # fmt: skip
    shown = DisclosurePolicy().effects(Effects(rows=(row,)))
    assert shown.frame()[["estimate", "baseline"]].isna().all(axis=None)
    assert "not known" in " ".join(shown.notes)


CASES = [(28, 12, 30, 14), (60, 12, 300, 100), (600, 90, 640, 140), (727, 695, 133, 92), (103, 11, 780, 421)]
CASES += [
    (int(n0), int(x0), int(n1), int(x1))
    for n0, n1, u, v in np.random.default_rng(4).random((12, 4)) * [900, 900, 1, 1] + [25, 25, 0, 0]
    for x0, x1 in [(10 + u * (int(n0) - 20), 10 + v * (int(n1) - 20))]
]


@pytest.mark.parametrize("counts", CASES)
def test_no_solver_finds_counts_of_independent_arms(counts):
    frame = shown_of(*counts).frame().set_index("scale")
    fits = candidates_of(frame.loc["absolute"], [round(n / 5) * 5 for n in (counts[0], counts[2])], 5)
    assert (fits == counts).all(axis=1).any()  # the attack is right: it keeps the truth
    for column in (1, 3):
        assert np.ptp(fits[:, column]) >= 4, (counts, column, np.unique(fits[:, column]))
    absolute, relative, per_1000 = frame.loc["absolute"], frame.loc["relative"], frame.loc["per_1000"]
    # The other rows say nothing that this one does not.
    assert np.allclose([per_1000[k] for k in NUMBERS[:4]], [1000 * absolute[k] for k in NUMBERS[:4]], equal_nan=True)
    assert relative[["se", "low", "high", "p"]].isna().all()
    if absolute["baseline"] > 0:
        assert relative["estimate"] == pytest.approx(absolute["estimate"] / absolute["baseline"], abs=6e-4)


def test_full_precision_would_give_the_counts_away():
    counts = (600, 90, 640, 140)
    frame = compared(*counts).frame().set_index("scale")
    fits = candidates_of(frame.loc["absolute"], [600, 640], 5)
    exact = frame.loc["absolute"]
    left = fits[(np.abs(fits[:, 1] / fits[:, 0] - exact["baseline"]) < 1e-12)
                & (np.abs(fits[:, 3] / fits[:, 2] - fits[:, 1] / fits[:, 0] - exact["estimate"]) < 1e-12)]  # fmt: skip
    assert left.tolist() == [list(counts)]


def test_a_rollout_is_rounded_by_its_smaller_side():
    rows = rows_of(2, sites=12, periods=6)
    stats = stats_of(rows, plan_of(rows, mechanism="randomised"))
    raw = read_rollout(stats)
    smallest = min((rows["treated"] == side).sum() for side in (0, 1))
    again = raw["again"].rows
    assert {row.smallest_arm for row in again} == {smallest}
    step = step_of(5 / smallest)
    shown = DisclosurePolicy().effects(raw).frame()
    baseline = shown.loc[shown["metric"] == "again", "baseline"]
    assert baseline.tolist() == [pytest.approx(to_step(row.baseline, step)) for row in again]
    assert baseline.iloc[0] != again[0].baseline
    share = raw["per_hour"].rows[0]
    assert share.smallest_arm == smallest  # people, not hours


def test_sizes_that_differ_by_few_people_are_shown_as_one():
    def row(metric, n):
        return EffectEstimate(metric=metric, label=metric, role="secondary", contrast="a", scale="absolute", method="x",
                              estimate=0.2, n=n, n_clusters=40, smallest_arm=200)  # fmt: skip

    shown = DisclosurePolicy().effects(Effects(rows=(row("a", 1000), row("b", 993), row("c", 960)))).frame()
    assert shown["n"].tolist() == [1000, 1000, 960]
    assert levelled([100, 95, 90, 85], 10) == {100: 100, 95: 100, 90: 90, 85: 90}


def test_a_hidden_answer_takes_the_sizes_of_its_metric_with_it():
    def row(contrast, n, smallest):
        return EffectEstimate(metric="m", label="M", role="secondary", contrast=contrast, scale="absolute", method="x",
                              estimate=0.2, n=n, n_clusters=40, smallest_arm=smallest)  # fmt: skip

    shown = DisclosurePolicy().effects(Effects(rows=(row("all", 1007, 400), row("x", 7, 3), row("y", 1000, 397))))
    assert shown.frame()["n"].isna().all()
    assert shown.frame()["estimate"].isna().tolist() == [False, True, False]


def test_a_rule_that_rounds_nothing_shows_exact_numbers_of_large_arms():
    raw = compared(600, 90, 640, 140)
    shown = DisclosurePolicy(DisclosureRule(round_to=1)).effects(raw).frame()
    assert shown["estimate"].tolist() == [row.estimate for row in raw]


@pytest.mark.parametrize(
    ("share", "step"), [(0.0083, 0.01), (0.0002, 0.0002), (0.00021, 0.0005), (0.6, 1), (3, 5), (0, 0)]
)
def test_steps_are_round_and_large_enough(share, step):
    assert step_of(share) == step
    assert to_step(0.123456, 0.002) == 0.124
    assert pd.isna(to_step(float("nan"), 0.1))


def test_clusters_of_one_person_are_independent_people():
    rows = table_of(600, 90, 640, 140).assign(unit=lambda t: [f"u{i}" for i in range(len(t))])
    found = policy.readout(rows, outcome="y", arm="arm", control="c", kind="proportion", unit="unit")
    shown = DisclosurePolicy().effects(found).frame().set_index("scale")
    assert found.rows[0].n_clusters == len(rows)
    assert shown[["se", "df"]].isna().all(axis=None)
    assert shown.loc["relative", ["low", "high", "p"]].isna().all()
