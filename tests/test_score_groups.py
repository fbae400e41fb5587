"""One score by group: people asked, missing and not asked are told apart, and the picture says the same."""

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.errors import DataError
from feedbackstudy.frames import MissingReason, Responses, Scores, score_groups

ARMS = ("decision_only", "feedback", "silence")
N = 12


def scored() -> Scores:
    """Thirty-six people answer the appraisal items; the silent arm is not asked, one person skips everything."""
    items = fs.scales.item_columns("message_appraisal")
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(1, 8, (3 * N, len(items))), columns=list(items)).astype("Int64")
    frame.insert(0, "participant", [f"p{i:02d}" for i in range(3 * N)])
    frame.insert(1, "arm", np.repeat(ARMS, N))
    frame.insert(2, "occasion", "t1")
    frame.insert(3, "specificity", pd.array([None] * N + ["general", "next_step"] * (N // 2) + [None] * N, "string"))
    silent = frame["arm"] == "silence"
    frame.loc[silent | (frame["participant"] == "p00"), list(items)] = pd.NA
    codes = np.where(silent, int(MissingReason.NOT_ASKED), 0)
    codes[0] = int(MissingReason.SKIPPED)
    reasons = {item: codes.astype(np.int8) for item in items}
    responses = Responses.from_frame(frame, items=items, factors=["specificity"], reasons=reasons, already_reversed=[])
    return fs.score(responses, fs.scales.get("message_appraisal"))


def test_not_asked_is_never_missing():
    table = score_groups(scored(), "message_appraisal_challenge").frame().set_index("group")

    assert list(table.index) == list(ARMS)
    assert table.loc["silence", ["rows", "not_asked", "missing", "scored"]].tolist() == [N, N, 0, 0]
    assert table.loc["decision_only", ["rows", "not_asked", "missing", "scored"]].tolist() == [N, 0, 1, N - 1]


def test_means_are_those_of_the_scores_themselves():
    scores = scored()
    frame = scores.frame

    groups = score_groups(scores, "message_appraisal_threat", by=("arm", "specificity")).frame().set_index("group")

    own = frame[(frame["arm"] == "feedback") & (frame["specificity"] == "general")]["message_appraisal_threat"]
    assert groups.loc["feedback, general", "mean"] == pytest.approx(float(own.mean()), abs=1e-12)
    assert groups.loc["feedback, general", "sd"] == pytest.approx(float(own.std()), abs=1e-12)
    assert "silence" in groups.index, "a factor that does not apply leaves no mark in the label"


def test_the_page_and_the_picture_say_who_was_not_asked():
    groups = score_groups(scored(), "message_appraisal_challenge")

    assert "Not asked, so nothing is missing there: silence." in str(groups)
    assert "silence: not asked" in fs.report.alt_text(groups)
    words = [text.get_text() for text in fs.report.figure(groups).texts]
    assert "not asked" in words


def test_drawing_people_leaves_the_global_generator_alone():
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002

    fs.report.figure(score_groups(scored(), "message_appraisal_challenge"))

    after = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score": "message_appraisal_chalenge"}, "message_appraisal_challenge"),
        ({"by": ("specifity",)}, "specificity"),
        ({"occasion": "t9"}, "'t9'"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(options, message):
    arguments = {"score": "message_appraisal_challenge", **options}
    with pytest.raises(DataError, match=message):
        score_groups(scored(), arguments.pop("score"), **arguments)
