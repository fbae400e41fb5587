"""What one table hides, no linked table gives back."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from feedbackstudy.policy.adverse_impact import adverse_impact
from feedbackstudy.policy.disclosure import DisclosurePolicy
from feedbackstudy.policy.disclosure.impact import hidden_groups
from feedbackstudy.policy.disclosure.levels import hidden_levels
from feedbackstudy.policy.rollouts.event_study import event_study
from feedbackstudy.policy.rollouts.panel import panel_of
from feedbackstudy.policy.sample_ratio import SampleRatios, srm
from tests.policy.rollouts.invented import plan_of, rows_of, stats_of


def impacts_of(people):
    """Return who is hired of all, and who is told in time of the rejected, from counts by group."""
    everyone = {g: h + y + n for g, (h, y, n) in people.items()}
    hired = adverse_impact(selected={g: h for g, (h, _, _) in people.items()}, total=everyone)
    told = adverse_impact(
        selected={g: y for g, (_, y, _) in people.items()}, total={g: y + n for g, (_, y, n) in people.items()}
    )
    return hired, told


def room(people, frames, group, what):
    """Return the fewest and most people of a hidden kind, by a program over both tables at once.

    Known are all totals, shown counts to a multiple of 5, and that decided people are hired or rejected.
    """
    names, parts = list(people), ("hired", "told", "untold")
    index = {(g, k): i for i, (g, k) in enumerate((g, k) for g in names for k in parts)}
    rows, low, high = [], [], []

    def known(cells, least, most):
        row = np.zeros(len(index))
        row[[index[cell] for cell in cells]] = 1
        rows.append(row)
        low.append(least)
        high.append(most)

    for k, part in enumerate(parts):
        total = sum(counts[k] for counts in people.values())
        known([(g, part) for g in names], total, total)
    for frame, yes, every in zip(frames, (("hired",), ("told",)), (parts, ("told", "untold")), strict=True):
        for row in frame.to_dict("records"):
            for column, kinds in (("selected", yes), ("total", every)):
                if not pd.isna(row[column]):
                    known([(row["group"], kind) for kind in kinds], row[column] - 2.5, row[column] + 2.5)
    ends = []
    for sign in (1, -1):
        goal = np.zeros(len(index))
        goal[index[group, what]] = sign
        found = optimize.milp(goal, constraints=optimize.LinearConstraint(np.array(rows), low, high),
                              integrality=np.ones(len(index)), bounds=optimize.Bounds(0, np.inf))  # fmt: skip
        ends.append(sign * found.fun)
    return ends


PEOPLE = {"a": (200, 400, 300), "b": (90, 200, 150), "c": (60, 90, 85), "x": (4, 34, 22)}


def test_a_group_hidden_in_one_table_is_hidden_in_the_other():
    parts = DisclosurePolicy().adverse_impacts(impacts_of(PEOPLE))
    frames = [part.frame().set_index("group") for part in parts]
    gone = [set(frame.index[frame["total"].isna()]) for frame in frames]
    assert gone[0] == gone[1] >= {"x"}
    assert len(gone[0]) > 1
    for part, frame in zip(parts, frames, strict=True):
        assert frame.loc["x", ["selected", "total", "rate", "ratio"]].isna().all()
        assert "in every table of the same groups" in " ".join(part.notes)
    low, high = room(PEOPLE, [part.frame() for part in parts], "x", "hired")
    assert low <= 4 <= high
    assert high - low >= 10


def test_each_table_on_its_own_would_give_the_group_away():
    gate = DisclosurePolicy()
    hired, told = impacts_of(PEOPLE)
    apart = [gate.adverse_impact(hired).frame(), gate.adverse_impact(told).frame()]
    # The second table alone hides nothing; with the first one's sizes, had it shown them, 4 would be 0 to 9.
    assert apart[1]["total"].notna().all()
    assert apart[0]["total"].isna().any()


@pytest.mark.parametrize("seed", range(8))
def test_no_small_count_follows_from_linked_tables(seed):
    rng = np.random.default_rng(seed)
    people = {g: tuple(int(v) for v in rng.poisson(rng.choice([6, 40, 150], 3)) + 1) for g in "abcdef"}
    parts = DisclosurePolicy().adverse_impacts(impacts_of(people))
    frames = [part.frame() for part in parts]
    for group, counts in people.items():
        for what, count in zip(("hired", "told", "untold"), counts, strict=True):
            if 0 < count < 10:
                low, high = room(people, frames, group, what)
                assert high - low >= 9.999, (people, group, what, low, high)


def test_who_is_in_one_table_alone_is_a_count_too():
    first = pd.DataFrame({"n": [500, 300, 80]}, index=["a", "b", "c"])
    second = pd.DataFrame({"n": [450, 260, 77]}, index=["a", "b", "c"])
    assert hidden_levels([first], min_cell=10) == frozenset()
    assert hidden_levels([first, second], min_cell=10) == {"b", "c"}
    assert hidden_levels([first, second], min_cell=10, complementary=False) == {"c"}


def test_rates_are_those_of_rounded_counts_and_hidden_groups_stand_last():
    result = adverse_impact(
        selected={"a": 452, "x": 3, "b": 91, "c": 33, "d": 12},
        total={"a": 1001, "x": 514, "b": 303, "c": 81, "d": 60},
    )
    shown = DisclosurePolicy().adverse_impact(result)
    frame = shown.frame()
    known = frame[frame["total"].notna()]
    assert known["rate"].tolist() == pytest.approx((known["selected"] / known["total"]).astype(float).round(4).tolist())
    assert (known["selected"] % 5 == 0).all()
    first, rest = known.iloc[0], known.iloc[1:]
    assert rest["ratio"].astype(float).to_numpy() == pytest.approx(
        ((rest["selected"] / rest["total"]) / (first["selected"] / first["total"])).to_numpy(dtype=float)
    )
    # By size x would stand second, between 1001 and 303.
    assert frame["group"].tolist() == ["a", "b", "c", "d", "x"]
    assert shown.is_hidden(len(frame) - 1, "ratio")
    assert not shown.is_hidden(0, "ratio")  # the reference has none
    assert pd.isna(frame.loc[0, "ratio"])


def test_shares_are_those_of_rounded_counts_and_arms_are_hidden_together():
    rows = rows_of(3, sites=12, periods=6)
    stats = stats_of(rows, plan_of(rows))
    gate = DisclosurePolicy()
    (shown,) = gate.arms(stats, ["again"])
    sums = rows.groupby("arm")["m_again"].agg(["sum", "size"])
    for row in shown.frame().to_dict("records"):
        near = (sums.loc[row["arm"]] / 5).round() * 5
        assert row["n"] == near["size"]
        assert row["share"] == round(near["sum"] / near["size"], 4)
        assert row["share"] != sums.loc[row["arm"], "sum"] / sums.loc[row["arm"], "size"]
    sizes = SampleRatios(tests=(srm({"before": int(sums.loc["before", "size"]), "policy": 4}, of="applications"),))
    share, counted = gate.arms(stats, ["again"], sizes)
    assert share.frame()["share"].isna().all()
    assert counted.frame()[["count", "p"]].isna().all(axis=None)
    assert "hidden" in str(share)


def test_an_event_study_hides_times_with_few_people():
    rows = rows_of(1, sites=12, periods=6, per_cell=12)
    stats = stats_of(rows, plan_of(rows))
    found, panel = event_study(stats), panel_of(stats)
    whole = DisclosurePolicy().event_study(found, panel)
    assert whole.frame()["time"].tolist() == found.effects["time"].tolist()
    times = whole.frame()["time"].tolist()
    start = {site: group["period"].min() for site, group in rows[rows["treated"] == 1].groupby("site")}
    for i, time in enumerate(times):
        since = rows["period"] - rows["site"].map(start)
        here = rows.loc[since == time, "m_again"]
        if time != -1 and min(here.sum(), len(here) - here.sum()) < 10:
            assert whole.is_hidden(i, "estimate")
    at = times.index(-1)
    assert whole.frame().loc[at, "estimate"] == 0
    assert not whole.is_hidden(at, "low")
    raw = found.effects.set_index("time")["estimate"]
    shown = whole.frame().set_index("time")["estimate"].dropna()
    assert len(shown) > 2
    assert (np.abs(shown - raw[shown.index]) < 0.05).all()
    assert (shown[shown.index != -1] != raw[shown.index[shown.index != -1]]).all()


PARENTS = {"n1": "north", "n2": "north", "n3": "north", "s1": "south", "s2": "south", "e1": "east", "e2": "east"}


def nested_results(sites):
    """Hired of all, by site and by region, from (hired, not hired) by site."""
    regions = {}
    for site, counts in sites.items():
        old = regions.get(PARENTS[site], (0, 0))
        regions[PARENTS[site]] = (old[0] + counts[0], old[1] + counts[1])

    def result(people):
        return adverse_impact(selected={g: h for g, (h, _) in people.items()},
                              total={g: h + n for g, (h, n) in people.items()})  # fmt: skip

    return {"site": [result(sites)], "region": [result(regions)]}


def nested_room(sites, frames, site, kind):
    """Fewest and most people of a kind at a site, by a program over both tables and all exact grand totals."""
    names = list(sites)
    index = {(s, k): i for i, (s, k) in enumerate((s, k) for s in names for k in (0, 1))}
    rows, low, high = [], [], []

    def known(cells, least, most):
        row = np.zeros(len(index))
        row[[index[cell] for cell in cells]] = 1
        rows.append(row)
        low.append(least)
        high.append(most)

    for k in (0, 1):
        total = sum(counts[k] for counts in sites.values())
        known([(s, k) for s in names], total, total)
    for column, members in (("site", lambda s: s), ("region", PARENTS.get)):
        for row in frames[column].to_dict("records"):
            inside = [s for s in names if members(s) == row["group"]]
            if not pd.isna(row["total"]):
                known([(s, 0) for s in inside], row["selected"] - 2.5, row["selected"] + 2.5)
                known([(s, k) for s in inside for k in (0, 1)], row["total"] - 2.5, row["total"] + 2.5)
    ends = []
    for sign in (1, -1):
        goal = np.zeros(len(index))
        goal[index[site, kind]] = sign
        found = optimize.milp(goal, constraints=optimize.LinearConstraint(np.array(rows), low, high),
                              integrality=np.ones(len(index)), bounds=optimize.Bounds(0, np.inf))  # fmt: skip
        ends.append(sign * found.fun)
    return ends


NESTED = {("site", "region"): PARENTS}
SITES = {"n1": (80, 200), "n2": (60, 120), "n3": (4, 40), "s1": (30, 90), "s2": (50, 130), "e1": (45, 80),
         "e2": (70, 90)}  # fmt: skip


def nested_frames(gate, sites, nested):
    results = nested_results(sites)
    hidden = hidden_groups(results, nested, gate.rule)
    return {c: gate.adverse_impacts(each, also=hidden[c])[0].frame() for c, each in results.items()}


def test_a_small_site_does_not_follow_from_its_region():
    gate = DisclosurePolicy()
    apart, linked = nested_frames(gate, SITES, {}), nested_frames(gate, SITES, NESTED)
    # Alone, the smallest of all sites is hidden beside n3, and north less n1 and n2 is n3: rounding alone protects it.
    low, high = nested_room(SITES, apart, "n3", 0)
    assert high - low < 16
    assert set(apart["site"].loc[apart["site"]["total"].isna(), "group"]) == {"n3", "s1"}
    gone = set(linked["site"].loc[linked["site"]["total"].isna(), "group"])
    assert gone >= {"n3", "n2"}
    low, high = nested_room(SITES, linked, "n3", 0)
    assert low <= 4 <= high
    assert high - low > 40
    assert linked["region"]["total"].notna().all()


@pytest.mark.parametrize("seed", range(12))
def test_no_small_count_follows_from_nested_columns(seed):
    rng = np.random.default_rng(seed)
    sites = {s: tuple(int(v) for v in rng.poisson(rng.choice([4, 30, 120], 2)) + 1) for s in PARENTS}
    frames = nested_frames(DisclosurePolicy(), sites, NESTED)
    for site, counts in sites.items():
        for kind, count in enumerate(counts):
            if 0 < count < 10:
                low, high = nested_room(sites, frames, site, kind)
                assert high - low >= 9.999, (sites, site, kind, low, high)


def test_nested_columns_are_found_in_the_table_and_kept(tmp_path):
    rows = rows_of(3, sites=12, periods=6)
    region = rows["site"].map({s: f"r{i // 4}" for i, s in enumerate(sorted(rows["site"].unique()))})
    rows = rows.assign(
        region=region.astype(str), sex=np.where(np.arange(len(rows)) % 2, "f", "m"), plant=rows["site"].astype(str)
    )
    plan = plan_of(rows).model_copy(update={"equity_groups": ("region", "plant", "sex")})
    stats = stats_of(rows, plan)
    assert set(stats.nested) == {("plant", "region")}
    assert stats.nested["plant", "region"][str(rows["site"].iloc[0])] == region.iloc[0]
    assert type(stats).load(stats.save(tmp_path / "s")).nested == stats.nested
