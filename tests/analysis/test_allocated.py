"""An allocation is held against the data before it weights or tests them: who was assigned, and to what."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.allocated import held_against
from feedbackstudy.analysis.analysing import analyse
from feedbackstudy.analysis.randomisation import randomisation
from feedbackstudy.assign import assign
from feedbackstudy.errors import DataError
from feedbackstudy.frames import Scores


@pytest.fixture
def drawn(declared, feedback):
    """A study, its allocation and scores that stand as assigned; outcomes are those of the table."""
    study = declared()
    scores = feedback(study, "feedback_unbalanced", clusters=False)
    names = scores.frame["participant"].tolist()
    allocation = assign(study, pd.DataFrame({"participant": names}), seed=3)
    frame = scores.frame.copy()
    for name in scores.factors:
        frame[name] = [dict(allocation.conditions[i].levels)[name] for i in allocation.drawn]
    return (
        study,
        allocation,
        lambda table=frame: Scores.from_frame(
            table,
            scores=list(scores.about),
            factors=scores.factors,
            covariates=["baseline"],
            design_hash=study.design_hash,
        ),
    )


def codes(found):
    return [issue.code for issue in found.issues if "alloc" in issue.code or "decided" in issue.code]


def test_data_as_drawn_decide_and_people_who_dropped_out_are_no_fault(drawn):
    study, allocation, scores = drawn
    some = scores().frame.iloc[7:]
    for table in (scores().frame, some):
        found = analyse(scores(table), study, allocation=allocation, engine="frequentist")
        assert codes(found) == []
        assert all(row.decides for row in found)
        assert 0 < found.answer("h3").randomisation(draws=50).p <= 1


def test_people_in_another_condition_than_drawn_keep_decisions_away_and_are_named(drawn):
    study, allocation, scores = drawn
    table = scores().frame.copy()
    table.loc[[4, 9], "timing"] = table.loc[[4, 9], "timing"].map({"immediate": "delayed", "delayed": "immediate"})

    found = analyse(scores(table), study, allocation=allocation, engine="frequentist")

    assert codes(found) == ["analysis.other_than_allocated", *["analysis.not_decided"] * 3]
    issue = found.issues[0]
    assert issue.severity == "error"
    assert issue.who == tuple(table.loc[[4, 9], "participant"])
    assert "2 participants stand" in issue.what
    assert "(timing 2)" in issue.what
    assert not any(row.decides or row.decision for row in found)
    plain = analyse(scores(table), study, engine="frequentist")
    assert [row.p for row in found] == [row.p for row in plain]
    with pytest.raises(DataError, match=r"in another condition than the allocation gave them \(timing 2\)"):
        found.answer("h3").randomisation(draws=50)


def test_people_of_another_allocation_are_refused_as_such(drawn):
    study, allocation, scores = drawn
    others = assign(study, pd.DataFrame({"participant": [f"z{i}" for i in range(len(allocation))]}), seed=3)

    found = analyse(scores(), study, allocation=others, engine="frequentist")

    assert codes(found)[0] == "analysis.not_in_allocation"
    assert f"{len(allocation)} participants of the data are not in the allocation" in found.issues[0].what
    assert not any(row.decides for row in found)
    with pytest.raises(DataError, match="not in the allocation"):
        found.answer("h3").randomisation(draws=50)
    places = analyse(scores(), study, allocation=assign(study, seed=3), engine="frequentist")
    assert "places that nobody has taken yet" in places.issues[0].what


def test_a_table_given_to_randomisation_is_held_against_the_allocation_too(drawn):
    _, allocation, scores = drawn
    keys = [cell.key for cell in allocation.conditions]
    contrast = {key: 0.25 if key.startswith("immediate") else -0.25 for key in keys}
    table = scores().frame.copy()
    assert 0 < randomisation(table, "reaction", allocation, contrast, draws=50).p <= 1
    table.loc[3, "framing"] = {"gain": "loss", "loss": "gain"}[table.loc[3, "framing"]]
    with pytest.raises(DataError, match=r"\(framing 1\).*" + table.loc[3, "participant"]):
        randomisation(table, "reaction", allocation, contrast, draws=50)
    table.loc[3, "reaction"] = np.nan  # whoever does not enter contradicts nothing
    assert 0 < randomisation(table, "reaction", allocation, contrast, draws=50).p <= 1


SITES = {
    "title": "Timing",
    "factors": [
        {"name": "timing", "mode": "described", "levels": {"now": "Now", "later": "Later"}, "reference": "later"},
        {"name": "gender", "mode": "measured", "levels": {"f": "F", "m": "M"}},
    ],
    "arms": [{"name": "silence", "told": "nothing"}],
    "units": [{"name": "site", "n": 6}, {"name": "person", "n": 24, "nested_in": "site"}],
    "waves": [{"name": "t1", "anchor": "decision", "phase": "after"}],
    "measures": [{"name": "usefulness", "kind": "rating", "range": [1, 7], "waves": ["t1"]}],
    "conduct": {"population": "panel", "realism": "hypothetical", "published": "Nobody (2020). Test."},
}
ROSTER = pd.DataFrame({"participant": [f"p{i:02d}" for i in range(24)], "site": [f"s{i // 4}" for i in range(24)]})


def found_in(table, allocation):
    return [(issue.code.partition(".")[2], issue.what.partition("(")[2].rstrip(").")) for issue in
            held_against(table, allocation)]  # fmt: skip


def test_arms_clusters_and_exemplars_are_compared_as_far_as_they_were_drawn():
    by_site = [SITES["factors"][0] | {"assigned_to": "site"}, SITES["factors"][1]]
    allocation = assign(fs.Study.from_data(SITES | {"factors": by_site}), ROSTER, seed=5)
    cells = [allocation.conditions[i] for i in allocation.drawn]
    table = ROSTER.assign(
        arm=[cell.arm for cell in cells],
        timing=[dict(cell.levels).get("timing") for cell in cells],
        gender=["f", "m"] * 12,  # measured: whatever it is, it was not drawn
        site="elsewhere",  # nor was where people are
    )
    assert found_in(table, allocation) == []
    told = table.index[table["arm"] != "silence"][0]
    quiet = table.index[table["arm"] == "silence"][0]
    moved = table.copy()
    moved.loc[told, ["arm", "timing"]] = ["silence", None]
    moved.loc[quiet, ["arm", "timing"]] = ["feedback", "now"]
    assert found_in(moved, allocation) == [("other_than_allocated", "arm 2, timing 1")]
    assert found_in(moved.drop(columns="arm"), allocation) == [("other_than_allocated", "timing 1")]
    read = replace(allocation, _frame=allocation.frame.assign(exemplar=["a", "b"] * 12))
    assert found_in(table.assign(exemplar=["a", "b"] * 12), read) == []
    assert found_in(table.assign(exemplar=["a", "a"] * 12), read) == [("other_than_allocated", "exemplar 12")]
    assert found_in(table.assign(exemplar=None), read) == []


def test_levels_that_are_numbers_are_compared_as_written():
    numbered = [SITES["factors"][0] | {"levels": {"1": "Now", "2": "Later"}, "reference": "2"}]
    allocation = assign(fs.Study.from_data(SITES | {"factors": numbered, "arms": []}), ROSTER, seed=5)
    levels = pd.Series([float(allocation.conditions[i].key) for i in allocation.drawn])
    assert found_in(ROSTER.assign(timing=levels), allocation) == []
    assert found_in(ROSTER.assign(timing=3 - levels), allocation) == [("other_than_allocated", "timing 24")]


def test_stories_are_compared_by_their_position():
    within = [factor | {"varies": "within"} for factor in SITES["factors"][:1]]
    allocation = assign(fs.Study.from_data(SITES | {"factors": within, "arms": []}), ROSTER, seed=5)
    orders = allocation.orders
    table = orders.assign(occasion=[f"t1.{k}" for k in orders["position"]])[["participant", "occasion", "timing"]]
    before = ROSTER[["participant"]].assign(occasion="t0", timing=None)
    assert found_in(pd.concat([before, table]), allocation) == []
    turned = table.assign(timing=table["timing"].map({"now": "later", "later": "now"}))
    assert found_in(turned, allocation) == [("other_than_allocated", "timing 24")]


def test_a_stepped_wedge_is_compared_by_cluster_and_period():
    stepping = {
        "factors": [SITES["factors"][0] | {"assigned_to": "site"}],
        "arms": [],
        "assignment": {"method": "stepped_wedge", "wedge": {"factor": "timing", "sequences": 3}},
    }
    allocation = assign(fs.Study.from_data(SITES | stepping), ROSTER, seed=5)
    periods = allocation.periods.set_index(["site", "period"])["timing"]
    table = ROSTER.assign(arm="feedback", period=[1.0 + i % 4 for i in range(24)])
    table["timing"] = [periods[site, int(k)] for site, k in zip(table["site"], table["period"], strict=True)]
    assert found_in(table, allocation) == []
    assert found_in(table.assign(timing="now"), allocation) == [
        ("other_than_allocated", f"timing {(table['timing'] == 'later').sum()}")
    ]


def test_clusters_with_long_numbers_are_told_apart():
    """Six significant digits would make one cluster of all sites."""
    stepping = {
        "factors": [SITES["factors"][0] | {"assigned_to": "site"}],
        "arms": [],
        "assignment": {"method": "stepped_wedge", "wedge": {"factor": "timing", "sequences": 3}},
    }
    numbered = ROSTER.assign(site=[1_000_001 + i // 4 for i in range(24)])
    allocation = assign(fs.Study.from_data(SITES | stepping), numbered, seed=5)
    periods = allocation.periods.astype({"site": "int64"}).set_index(["site", "period"])["timing"]
    table = numbered.assign(period=[1 + i % 4 for i in range(24)])
    table["timing"] = [periods[site, k] for site, k in zip(table["site"], table["period"], strict=True)]
    assert found_in(table, allocation) == []
    one = table.assign(timing=table["timing"].where(table.index > 0, "now"))
    assert found_in(one, allocation) == [("other_than_allocated", "timing 1")]
