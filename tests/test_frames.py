"""Responses and Scores keep the column grammar, a reason beside every missing answer, and account for every row."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.frames import Ledger, LedgerEntry, MissingReason, Responses, Scores


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "q1": [1.0, np.nan, 3.0, np.nan],
            "q2": [2.0, 2.0, np.nan, 4.0],
            "site": ["n", "n", "s", "s"],
            "timing": ["now", None, "late", None],
            "occasion": ["t1", "t1", "t1", "t1"],
            "arm": ["feedback", "silence", "feedback", "silence"],
            "participant": ["007", "p2", "p3", "p4"],
            "age": [20, 30, 40, 50],
        }
    )


@pytest.fixture
def responses(frame):
    return Responses.from_frame(
        frame, items=["q1", "q2"], factors=["timing"], clusters=["site"], covariates=["age"], already_reversed=[]
    )


def test_columns_stand_in_grammar_order(responses):
    assert responses.columns == ("participant", "arm", "occasion", "timing", "site", "age", "q1", "q2")


def test_participant_names_stay_text(responses):
    assert responses.frame["participant"].tolist()[0] == "007"


def test_a_missing_answer_without_a_reason_counts_as_skipped(responses):
    assert responses.reasons["q1"].tolist() == [0, 2, 0, 2]


def test_reasons_given_beside_missing_answers_are_kept(frame):
    codes = {"q1": [0, MissingReason.NOT_ASKED, 0, MissingReason.REFUSED]}
    responses = Responses.from_frame(
        frame, items=["q1", "q2"], factors=["timing"], clusters=["site"], covariates=["age"], reasons=codes
    )

    assert responses.reason("q1").tolist() == [0, 1, 0, 3]
    assert responses.reason("q2").tolist() == [0, 0, 2, 0]


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ({"q1": [1, 0, 0, 0]}, "holds an answer and a missing reason in 1 rows"),
        ({"q1": [0, 9, 0, 0]}, "Reason code"),
        ({"q1": [0, 1]}, "2 reasons for 4 rows"),
        ({"q9": [0, 0, 0, 0]}, "Reasons for item 'q9' is unknown"),
    ],
)
def test_impossible_reasons_are_refused(frame, codes, says):
    with pytest.raises(DataError, match=says):
        Responses.from_frame(
            frame, items=["q1", "q2"], factors=["timing"], clusters=["site"], covariates=["age"], reasons=codes
        )


def test_a_column_of_no_kind_is_refused(frame):
    with pytest.raises(DataError, match="Column 'age' has no declared kind"):
        Responses.from_frame(frame, items=["q1", "q2"], factors=["timing"], clusters=["site"])


def test_an_absent_column_names_its_nearest(frame):
    with pytest.raises(DataError, match=r"'q11' is unknown. Did you mean 'q1'"):
        Responses.from_frame(frame, items=["q11", "q2"], factors=["timing"], clusters=["site"], covariates=["age"])


def test_a_column_of_two_kinds_is_refused(frame):
    with pytest.raises(DataError, match="declared as covariates and as items"):
        Responses.from_frame(
            frame, items=["q1", "age"], factors=["timing"], clusters=["site"], covariates=["age", "q2"]
        )


def test_an_empty_arm_is_refused(frame):
    frame.loc[2, "arm"] = None
    with pytest.raises(DataError, match="Column 'arm' is empty in row 3"):
        Responses.from_frame(frame, items=["q1", "q2"], factors=["timing"], clusters=["site"], covariates=["age"])


def test_a_participant_twice_at_an_occasion_is_refused(frame):
    frame.loc[3, "participant"] = "p2"
    with pytest.raises(DataError, match="Participant 'p2' stands at occasion 't1' more than once"):
        Responses.from_frame(frame, items=["q1", "q2"], factors=["timing"], clusters=["site"], covariates=["age"])


def test_what_one_gets_can_be_changed_without_changing_the_table(responses, frame):
    mine = responses.frame
    mine["q1"] = 9.0
    frame["q2"] = 9.0

    assert responses.frame["q1"].tolist()[0] == 1.0
    assert responses.frame["q2"].tolist()[0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        responses.reason("q1")[0] = 1


def test_every_row_left_out_is_named(responses):
    kept = responses.select(np.array([True, False, True, True]), step="screen.duration", what="Too fast.")

    assert len(kept) == 3
    assert kept.ledger.excluded == (("screen.duration", "p2", "t1"),)
    assert kept.reason("q1").tolist() == [0, 0, 2]
    assert len(responses) == 4


def test_the_counts_of_a_ledger_chain():
    first = LedgerEntry(step="a", what="One.", n_before=5, n_after=4, rows=(("p1", "t1"),))
    with pytest.raises(DataError, match="starts with 5 rows, but step 'a' left 4"):
        Ledger((first,)).add(LedgerEntry(step="b", what="Two.", n_before=5, n_after=5))


def test_a_step_that_does_not_name_its_rows_is_refused():
    with pytest.raises(DataError, match="5 rows before and 3 after, but 1 rows are named"):
        LedgerEntry(step="a", what="One.", n_before=5, n_after=3, rows=(("p1", "t1"),))


def test_a_table_must_have_the_rows_its_ledger_ends_with(frame):
    ledger = Ledger((LedgerEntry(step="a", what="One.", n_before=9, n_after=9),))
    with pytest.raises(DataError, match="4 rows, but its ledger ends with 9"):
        Responses.from_frame(
            frame, items=["q1", "q2"], factors=["timing"], clusters=["site"], covariates=["age"], ledger=ledger
        )


def test_cells_not_asked_are_marked_and_left_out_of_the_long_table(responses):
    silent = (responses.frame["arm"] == "silence").to_numpy()

    marked = responses.with_not_asked(["q1"], silent, why="silence is not asked")

    assert marked.reason("q1").tolist() == [0, 1, 0, 1]
    long = marked.long()
    assert len(long) == 6
    assert long.loc[long["item"] == "q1", "response"].tolist() == [1.0, 3.0]
    assert set(long["reason"]) == {"answered", "skipped"}


def test_an_answer_cannot_be_marked_as_not_asked(responses):
    with pytest.raises(DataError, match=r"Item 'q2' was not asked .* but 2 rows hold an answer"):
        responses.with_not_asked(["q2"], (responses.frame["arm"] == "silence").to_numpy(), why="silence is not asked")


def test_a_statement_about_reversal_must_name_items(responses):
    assert responses.stated(already_reversed=["q1"]).already_reversed == frozenset({"q1"})
    with pytest.raises(DataError, match="Already reversed item 'q3' is unknown"):
        responses.stated(already_reversed=["q3"])


def test_a_bare_table_becomes_responses(frame):
    responses = Responses.of_items(frame[["q1", "q2"]])

    assert responses.frame["arm"].unique().tolist() == ["all"]
    assert responses.already_reversed is None
    with pytest.raises(DataError, match="Item column 'q3' is unknown"):
        Responses.of_items(frame, ["q1", "q3"])


def test_an_unknown_column_names_its_nearest(responses):
    with pytest.raises(NotFoundError, match=r"Column 'agee' is unknown. Did you mean 'age'"):
        responses.column("agee")


def test_both_tables_render_themselves(responses):
    scores = Scores.from_frame(
        responses.frame.drop(columns=["q1", "q2"]).assign(use=[1.0, 2.0, np.nan, 4.0]),
        scores=["use"], factors=["timing"], clusters=["site"], covariates=["age"],
    )  # fmt: skip

    assert "cells skipped" in str(responses)
    assert "<script" not in responses._repr_html_()
    assert "Counts" in str(scores)


def test_scores_without_a_scale_are_counted_as_single_values():
    frame = pd.DataFrame({"participant": ["a", "b"], "arm": "x", "occasion": "t", "use": [1.0, np.nan]})

    scores = Scores.from_frame(frame, scores=["use"])

    assert scores.counts().loc[0, ["not_asked", "missing", "complete"]].tolist() == [0, 1, 1]
    assert scores.about["use"].name == "use"
    assert scores.answered("use").tolist() == [1, 0]


def test_a_score_must_be_a_number():
    frame = pd.DataFrame({"participant": ["a"], "arm": "x", "occasion": "t", "use": ["much"]})
    with pytest.raises(DataError, match="Score column 'use' holds"):
        Scores.from_frame(frame, scores=["use"])


def test_scores_left_out_are_named_too():
    frame = pd.DataFrame({"participant": ["a", "b"], "arm": "x", "occasion": "t", "use": [1.0, 2.0]})

    kept = Scores.from_frame(frame, scores=["use"]).select(np.array([False, True]), step="plan.exclusion", what="Why.")

    assert kept.ledger.excluded == (("plan.exclusion", "a", "t"),)
    assert kept.answered("use").tolist() == [1]


def test_an_unknown_score_names_its_nearest():
    frame = pd.DataFrame({"participant": ["a"], "arm": "x", "occasion": "t", "use": [1.0]})
    with pytest.raises(NotFoundError, match=r"Score 'used' is unknown. Did you mean 'use'"):
        Scores.from_frame(frame, scores=["use"]).asked("used")
