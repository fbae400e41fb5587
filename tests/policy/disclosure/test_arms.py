"""One tiny arm hides its own comparison and what would give it away, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy import policy
from feedbackstudy.policy.disclosure import DisclosurePolicy
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
