"""One tiny arm hides its own comparison and what would give it away, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from feedbackstudy import policy
from feedbackstudy.policy.declared import ApplicationColumns, Experiment, Metric, PolicyArm, PolicyPlan, Window
from feedbackstudy.policy.disclosure import DisclosurePolicy
from feedbackstudy.policy.effect import Effects
from feedbackstudy.policy.readout import readout as planned_readout
from feedbackstudy.policy.sufficient import Prepared, compress_prepared
from feedbackstudy.provenance import Provenance
from tests.policy.disclosure.attacking import candidates_of

NUMBERS = ["estimate", "se", "low", "high", "p", "baseline", "n", "df"]


def read(people):
    """Compare all arms with the control ``c``; people: arm -> (applications, of them counted)."""
    rows = pd.DataFrame(
        [(arm, int(i < yes)) for arm, (n, yes) in people.items() for i in range(n)], columns=["arm", "y"]
    )
    return policy.readout(rows, outcome="y", arm="arm", control="c", kind="proportion")


def treated_of(row):
    return row.contrast.partition(" minus ")[0]


def shown_arms(effects, frame):
    """The treated arms whose comparison with the control is shown."""
    rows = frame[frame["scale"] == "absolute"]
    treated = [treated_of(row) for row in effects if row.scale == "absolute"]
    return {arm for arm, known in zip(treated, rows["estimate"].notna(), strict=True) if known}


CASES = [
    {"c": (600, 90), "t": (640, 140), "u": (620, 120), "v": (590, 101), "x": (7, 3)},  # few people
    {"c": (600, 90), "t": (640, 140), "u": (620, 120), "v": (590, 101), "x": (610, 4)},  # few are counted
    {"c": (400, 90), "t": (640, 140), "u": (620, 120), "v": (590, 101), "x": (610, 606)},  # few are not counted
    {"c": (60, 15), "t": (640, 140), "u": (620, 120), "v": (590, 101), "x": (9, 0)},  # the control is the smallest
]


@pytest.mark.parametrize("people", CASES)
def test_a_tiny_arm_takes_one_more_with_it_and_leaves_the_others(people):
    effects = read(people)
    frame = DisclosurePolicy().effects(effects).frame()
    left = shown_arms(effects, frame)
    assert "x" not in left
    assert len(left) == 2  # of t, u and v one is hidden beside x; the control is not
    gone = frame["estimate"].isna() & (frame["scale"] == "absolute")
    assert frame.loc[gone, NUMBERS].isna().all(axis=None)
    assert frame["n"].isna().all()  # sizes of the metric would say how many the tiny arm has


@pytest.mark.parametrize("people", CASES)
def test_no_solver_finds_the_tiny_arm_from_totals_and_the_comparisons_shown(people):
    effects = read(people)
    frame = DisclosurePolicy().effects(effects).frame()
    left = sorted(shown_arms(effects, frame))
    rows = frame[frame["scale"] == "absolute"].reset_index(drop=True)
    treated = [treated_of(row) for row in effects if row.scale == "absolute"]
    base = min(people[arm][0] for arm in (*left, "c"))
    fits = {}
    for arm in left:
        row = rows.iloc[treated.index(arm)]
        sizes = [round(people[name][0] / 5) * 5 for name in ("c", arm)]
        found = candidates_of(row, sizes, 5, smallest=base)
        truth = (*people["c"], *people[arm])
        assert (found == truth).all(axis=1).any()  # the attack is right: it keeps the truth
        fits[arm] = found
    both = set.intersection(*({tuple(pair) for pair in found[:, :2]} for found in fits.values()))
    assert np.ptp([x for _, x in both]) >= 4  # the control is not narrowed by being compared twice
    for arm, found in fits.items():
        same = np.array([tuple(pair) in both for pair in found[:, :2]])
        assert np.ptp(found[same][:, 3]) >= 4, arm
    # All totals known, exactly: what is left for the hidden arms together is any split of a sum that is not small.
    hidden = [arm for arm in people if arm not in {*left, "c"}]
    counts = np.array([(n, yes, n - yes) for n, yes in (people[arm] for arm in hidden)])
    assert (counts.sum(axis=0) >= 10).all()
    assert len(hidden) == 2


def test_two_arms_are_hidden_together_and_a_tiny_control_hides_everything():
    assert read({"c": (600, 90), "t": (8, 3)}).rows
    for people in ({"c": (600, 90), "t": (8, 3)}, {"c": (8, 3), "t": (600, 90), "u": (610, 95)}):
        frame = DisclosurePolicy().effects(read(people)).frame()
        assert frame[NUMBERS].isna().all(axis=None)


def test_without_complementary_hiding_totals_give_the_tiny_arm_away():
    people = CASES[0]
    effects = read(people)
    rule = DisclosurePolicy().rule.model_copy(update={"complementary": False})
    left = shown_arms(effects, DisclosurePolicy(rule).effects(effects).frame())
    assert left == {"t", "u", "v"}  # then x is total less what is shown


def test_exact_counts_do_not_leave_with_rounded_effects():
    coarse = DisclosurePolicy().coarse(read(CASES[0]))
    assert all(row.arms == () and row.compared == () for row in coarse)
    frame = DisclosurePolicy().effects(read(CASES[0])).frame()
    assert {"arms", "compared", "smallest_arm", "fewest"}.isdisjoint(frame.columns)


ARMS = {  # arm: hired and told, hired and not told, rejected and told, rejected and not told
    "c": (60, 60, 300, 300),
    "x": (1, 0, 3, 3),
    "u": (0, 0, 300, 306),
    "v": (40, 30, 240, 300),
    "w": (40, 44, 262, 270),
}
OF_ALL, OF_REJECTED = "told", "in_time"


def two_metrics(people):
    """Compare arms on who is told: of all decided, and of the rejected."""
    kinds = [("hired", 1.0), ("hired", 0.0), ("rejected", 1.0), ("rejected", 0.0)]
    rows = pd.DataFrame([(arm, *kind) for arm, each in people.items() for n, kind in zip(each, kinds, strict=True)
                         for _ in range(n)], columns=["arm", "state", "m_told"])  # fmt: skip
    rows["m_in_time"] = rows["m_told"].where(rows["state"] == "rejected")
    rows["treated"], rows["period"] = (rows["arm"] != "c").astype(float), 2026 * 12
    metrics = (
        Metric(name=OF_ALL, label="Told", kind="proportion", column="x", role="primary"),
        Metric(name=OF_REJECTED, label="In time", kind="proportion", column="y", of="rejected"),
    )
    experiment = Experiment(column="arm", control="c", arms=[PolicyArm(name=a, label=a, code=a) for a in people])
    columns = ApplicationColumns(application="id", applied_at="a", decided_at="d", status="s",
                                 statuses={"R": "rejected", "H": "hired"})  # fmt: skip
    plan = PolicyPlan(title="Arms", columns=columns, metrics=metrics, treatment=experiment,
                      window=Window(first="2026-01-01", last="2026-01-31", data_end="2026-06-30"))  # fmt: skip
    return compress_prepared(Prepared(table=rows, provenance=Provenance(made_by="test", simulated=True)), plan)


def seen_by(metric, effects, frame):
    """Arms of which a metric shows a comparison; the control with them."""
    rows = zip(effects, frame["estimate"].notna(), strict=True)
    shown = {treated_of(row) for row, known in rows if row.scale == "absolute" and row.metric == metric and known}
    return shown | {"c"} if shown else shown


def room_of(people, shown, arm):
    """Fewest and most people of an arm that fit all totals and the counts, to 5, of the arms that metrics show."""
    index = {(a, k): 4 * i + k for i, a in enumerate(people) for k in range(4)}
    rows, low, high = [], [], []

    def known(cells, near):
        rows.append(np.isin(np.arange(len(index)), [index[cell] for cell in cells]).astype(float))
        low.append(sum(people[a][k] for a, k in cells) - near)
        high.append(sum(people[a][k] for a, k in cells) + near)

    for k in range(4):
        known([(a, k) for a in people], 0)
    for metric, counted in ((OF_ALL, ((0, 2), (1, 3))), (OF_REJECTED, ((2,), (3,)))):
        for a in shown[metric]:
            for side in counted:
                known([(a, k) for k in side], 2.5)
    goal = np.isin(np.arange(len(index)), [index[arm, k] for k in range(4)]).astype(float)
    limits = optimize.LinearConstraint(np.array(rows), low, high)
    ends = [optimize.milp(sign * goal, constraints=limits, integrality=np.ones(len(index))).fun for sign in (1, -1)]
    return ends[0], -ends[1]


def test_no_solver_finds_a_tiny_arm_from_two_metrics_of_the_same_people():
    stats = two_metrics(ARMS)
    effects = planned_readout(stats)
    frame = DisclosurePolicy().effects(effects).frame()
    shown = {metric: seen_by(metric, effects, frame) for metric in (OF_ALL, OF_REJECTED)}
    assert "x" not in shown[OF_ALL] | shown[OF_REJECTED]
    assert shown[OF_ALL] == shown[OF_REJECTED]
    low, high = room_of(ARMS, shown, "x")
    assert low <= 7 <= high
    assert high - low > 300
    # Each metric for itself hides the smallest other arm that it knows, and the two know different ones: what one hides
    # the other shows, and rounding alone protects the tiny arm.
    alone = {}
    for metric in (OF_ALL, OF_REJECTED):
        own = Effects(rows=tuple(row for row in effects if row.metric == metric))
        alone[metric] = seen_by(metric, own, DisclosurePolicy().effects(own).frame())
    assert alone[OF_ALL] != alone[OF_REJECTED]
    low, high = room_of(ARMS, alone, "x")
    assert high - low < 30


def test_a_metric_without_a_small_count_shows_every_arm():
    people = {**ARMS, "x": (1, 1, 300, 300)}  # of all decided nothing is small
    effects = planned_readout(two_metrics(people))
    frame = DisclosurePolicy().effects(effects).frame()
    assert seen_by(OF_ALL, effects, frame) == set(people)


def test_the_tables_of_one_plan_hide_the_same_arms():
    stats = two_metrics(ARMS)
    gate = DisclosurePolicy().for_arms_of(stats)
    assert "x" in gate.linked
    effects = planned_readout(stats)
    for metric in (OF_ALL, OF_REJECTED):
        own = Effects(rows=tuple(row for row in effects if row.metric == metric))
        assert seen_by(metric, own, gate.effects(own).frame()) == set(ARMS) - gate.linked
        (share,) = gate.arms(stats, [metric])
        table = share.frame()
        assert set(table.loc[table["share"].notna(), "arm"]) <= set(ARMS) - gate.linked
    assert gate.coarse(effects).rows
