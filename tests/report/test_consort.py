"""The flow of participants: one fate each, every number counted from that list, the picture says the same."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feedbackstudy as fs
from feedbackstudy.collect.accounting import FATES
from feedbackstudy.errors import DataError
from feedbackstudy.report.consort import boxes
from feedbackstudy.report.figures import picture
from tests.collect.test_screening import answers, plain, with_rules  # noqa: F401  (a fixture)

KEYS = ["soon", "late", "silence"]


def given_to(n: int = 90) -> dict[str, str]:
    return {f"p{i:02d}": KEYS[i // 30] for i in range(n)}


@pytest.fixture(scope="module")
def checked(plain):  # noqa: F811
    return with_rules(plain, {"variable": "check", "exclude_if": "fails"})


PEOPLE = st.sets(st.integers(0, 89), max_size=25)


@given(failing=PEOPLE, away=PEOPLE, absent=PEOPLE, missing=PEOPLE, strangers=PEOPLE, withdrew=PEOPLE)
def test_no_count_can_contradict_another(checked, failing, away, absent, missing, strangers, withdrew):
    whole = answers(checked, check=dict.fromkeys(failing, "a"), withdrawn=dict.fromkeys(withdrew, "yes"))
    frame = whole.frame
    who = frame["participant"].str.slice(1).astype(int)
    came = whole.select(
        (~(who.isin(absent) | (who.isin(away) & (frame["occasion"] == "t1")))).to_numpy(), step="x.y", what="z"
    )
    allocation = {name: key for name, key in given_to().items() if int(name[1:]) not in strangers}
    left = fs.screen(came, checked)
    analysed = [p for p in left.frame["participant"].unique() if int(p[1:]) not in missing]

    flow = fs.collect.account(
        left, checked, came=came, allocation=allocation, received=allocation, occasion="t1", analysed=analysed
    )

    people, table = flow.people(), flow.frame()
    assert people["participant"].is_unique
    assert set(people["fate"]) <= set(FATES)
    assert flow.count(*FATES[1:]) == len(allocation)
    inside = table.set_index("condition").drop(index="(not known)", errors="ignore")
    assert (inside["allocated"] == inside[["no_data", "excluded", "left_out", "analysed"]].sum(axis=1)).all()
    assert table["allocated"].sum() == len(allocation)
    trunk, arms = boxes(flow)
    assert trunk[0].n == trunk[1].n + trunk[2].n
    assert trunk[2].n == sum(arm[0].n for arm in arms.values())
    for arm in arms.values():
        assert all(box.n == sum(n for _, n in box.reasons) for box in arm if box.reasons)
    assert flow.erased == len({f"p{i:02d}" for i in withdrew - absent} & set(came.frame["participant"]))


def test_fates_are_told_apart(checked):
    came = answers(checked, check={0: "a"})
    frame = came.frame
    came = came.select(
        (
            ~frame["participant"].isin(["p01"]) & ~((frame["participant"] == "p02") & (frame["occasion"] == "t1"))
        ).to_numpy(),
        step="read.rows",
        what="Invented.",
    )
    left = fs.screen(came, checked)
    allocation = {k: v for k, v in given_to().items() if k != "p05"}
    analysed = [p for p in left.frame["participant"].unique() if p not in {"p02", "p05"}]

    flow = fs.collect.account(left, checked, allocation=allocation, occasion="t1", analysed=analysed)

    fates = flow.people().set_index("participant")
    assert fates.loc[["p00", "p01", "p02", "p05", "p06"], "fate"].tolist() == [
        "excluded", "excluded", "left_out", "not_randomised", "analysed"
    ]  # fmt: skip
    assert fates.loc[["p00", "p01"], "reason"].tolist() == ["rule0", "rows"]
    assert flow.lost("soon") == 1


def test_crossover_is_counted_where_people_were_assigned(checked):
    left = fs.screen(answers(checked), checked)
    received = given_to() | {"p00": "late"}

    flow = fs.collect.account(left, checked, allocation=given_to(), received=received)

    assert flow.crossed == 1
    assert (flow.received("soon"), flow.received("late")) == (29, 30)
    assert flow.count("analysed", condition="soon") == 30


def test_somebody_cannot_be_analysed_who_is_not_in_the_table(checked):
    with pytest.raises(DataError, match="not in the table"):
        fs.collect.account(fs.screen(answers(checked), checked), checked, analysed=["p99"])


def test_picture_table_and_words_carry_the_same_numbers(checked):
    came = answers(checked, check={3: "a", 40: "a", 41: "a"})
    flow = fs.collect.account(fs.screen(came, checked), checked, allocation=given_to(), occasion="t1")

    svg = picture(flow, prefix="p").svg
    text = str(fs.report.table(flow))

    for n in (29, 28, 30):
        assert f"Analysed (n = {n})" in svg
        assert str(n) in text
    assert "analysed 28" in fs.report.alt_text(flow)
    assert "<script" not in svg


def test_the_flow_of_an_answer_counts_rules_that_analysis_applied_and_values_that_were_missing(checked):
    came = answers(checked, check={3: "a"}, mood={90 + 7: None})
    scores = fs.score(came, checked.measures)
    answer = fs.analyse(scores, checked, engine="frequentist").answers["h1"]

    flow = fs.report.consort(scores, checked, answer, came=came, allocation=given_to())

    people = flow.people().set_index("participant")
    assert people.loc["p03", ["fate", "reason"]].tolist() == ["excluded", "rule0"]
    assert people.loc["p07", ["fate", "reason"]].tolist() == ["left_out", "a value is missing"]
    assert people.loc["p60", ["fate", "reason"]].tolist() == ["left_out", "condition not in the question"]
    assert flow.count("analysed") == answer.problem.n == 58
    assert isinstance(flow.frame(), pd.DataFrame)
