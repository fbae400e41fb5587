"""Coded messages: anchored, checked, and joined to those who received them."""

import pandas as pd
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.frames import Scores
from feedbackstudy.scales import coding_sheet, join_codes


@pytest.fixture
def ratings():
    rows = [("m1", "r1", 3, 2, 2, 1), ("m1", "r2", 2, 2, 2, 3), ("m2", "r1", 0, 4, 0, 0), ("m2", "r2", 0, 3, 1, 0)]
    return pd.DataFrame(rows, columns=["message", "rater", "specificity", "framing", "actionability", "empathy"])


@pytest.fixture
def scores():
    frame = pd.DataFrame(
        {"participant": ["a", "b", "c"], "arm": ["feedback", "feedback", "silence"], "occasion": "after"}
    ).assign(exemplar=["m1", "m2", None], use=[3.0, 4.0, 2.0])
    return Scores.from_frame(frame, scores=["use"], covariates=["exemplar"])


def test_the_sheet_has_an_anchor_for_every_code():
    sheet = coding_sheet()

    assert sheet.dimensions.names == ("specificity", "framing", "actionability", "empathy")
    assert all(len(d.anchors) == len(d.codes) >= 4 for d in sheet.dimensions)
    assert "unvalidated" in str(sheet)


def test_codes_are_averaged_over_raters_with_their_agreement(ratings):
    coded = coding_sheet().code(ratings)

    assert coded.frame.loc["m1"].tolist() == [2.5, 2.0, 2.0, 2.0]
    agreement = {a.dimension: (a.pairs, a.exact, a.within_one) for a in coded.agreement}
    assert agreement["specificity"] == (2, 0.5, 1.0)
    assert agreement["empathy"] == (2, 0.5, 0.5)


def test_codes_join_as_covariates_of_those_who_received_the_message(ratings, scores):
    joined = join_codes(scores, coding_sheet().code(ratings), by="exemplar")

    assert joined.covariates == (
        "exemplar",
        "message_specificity",
        "message_framing",
        "message_actionability",
        "message_empathy",
    )
    assert joined.frame["message_specificity"].tolist()[:2] == [2.5, 0.0]
    assert joined.frame["message_specificity"].isna().tolist() == [False, False, True]
    assert joined.frame["use"].tolist() == [3.0, 4.0, 2.0]


def test_codes_can_join_as_fidelity(ratings, scores):
    joined = join_codes(scores, coding_sheet().code(ratings), by="exemplar", as_="fidelity")

    assert "fidelity_framing" in joined.covariates


def test_a_code_without_an_anchor_is_refused(ratings):
    with pytest.raises(DataError, match=r"'specificity' holds codes without an anchor: 9"):
        coding_sheet().code(ratings.assign(specificity=[9, 2, 0, 0]))


def test_a_message_rated_twice_by_one_rater_is_refused(ratings):
    with pytest.raises(DataError, match="Rater 'r1' rated message 'm1' twice"):
        coding_sheet().code(ratings.assign(rater="r1"))


def test_an_absent_dimension_is_named(ratings):
    with pytest.raises(DataError, match="Column of ratings 'empathy' is unknown"):
        coding_sheet().code(ratings.drop(columns="empathy"))


def test_a_message_nobody_coded_is_named(ratings, scores):
    with pytest.raises(DataError, match="1 message has no codes, such as 'm2'"):
        join_codes(scores, coding_sheet().code(ratings.head(2)), by="exemplar")


def test_an_unknown_message_column_is_named(ratings, scores):
    with pytest.raises(DataError, match=r"Message column 'exemplars' is unknown. Did you mean 'exemplar'"):
        join_codes(scores, coding_sheet().code(ratings), by="exemplars")
