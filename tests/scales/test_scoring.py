"""Scores agree with psych in R, keep their rules, and each person stands alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedbackstudy.errors import DataError, NotFoundError
from feedbackstudy.frames import Fielded, MissingReason, Responses
from feedbackstudy.scales import Scale, score, shift_codes
from feedbackstudy.scales.combine import keyed, pomp
from feedbackstudy.scales.measure import Measure

PRINTED = 5e-10  # the reference file prints ten significant digits: half of the last one
KEYS = {"agree": ("A", [1]), "conscientious": ("C", [4, 5]), "extraversion": ("E", [1, 2]), "neuroticism": ("N", [])}
KEYS |= {"openness": ("O", [2, 5])}


def big_five(make_scale, least, method="mean"):
    return [
        make_scale(
            name, 5, 1, 6, reversed_items=rev, ids=[f"{letter}{i}" for i in range(1, 6)], least=least, method=method
        )
        for name, (letter, rev) in KEYS.items()
    ]


@pytest.fixture(scope="module")
def answered(bfi):
    return Responses.of_items(bfi, [c for c in bfi if c[0] in "ACENO" and len(c) == 2], already_reversed=[])


@pytest.mark.parametrize("name", list(KEYS))
def test_means_of_available_items_agree_with_r(make_scale, answered, oracle, name):
    expected = oracle["scoring"]["mean_available"][name]

    scores = score(answered, big_five(make_scale, 0.01)).frame[name]

    assert scores.notna().sum() == expected["n"]
    assert scores.mean() == pytest.approx(expected["mean"], abs=PRINTED)
    assert scores.std() == pytest.approx(expected["sd"], abs=PRINTED)
    assert scores.head(10).tolist() == pytest.approx(expected["first10"], abs=1e-10)


@pytest.mark.parametrize("name", list(KEYS))
def test_the_80_percent_rule_agrees_with_r(make_scale, answered, oracle, name):
    expected = oracle["scoring"]["rule80"][name]

    scores = score(answered, big_five(make_scale, 0.8)).frame[name]

    assert scores.notna().sum() == expected["n"]
    assert scores.mean() == pytest.approx(expected["mean"], abs=PRINTED)
    assert scores.std() == pytest.approx(expected["sd"], abs=PRINTED)


def test_pomp_agrees_with_r(make_scale, answered, oracle):
    scores = score(answered, big_five(make_scale, 0.01, method="pomp")).frame["agree"]

    assert scores.head(10).tolist() == pytest.approx(oracle["scoring"]["pomp_agree_first10"], abs=1e-10)


def test_scores_equal_a_plain_row_by_row_reckoning(make_scale, answered, bfi):
    scores = score(answered, big_five(make_scale, 0.8)).frame

    for name, (letter, rev) in KEYS.items():
        for row in range(0, len(bfi), 37):
            given_answers = [
                7 - bfi.iloc[row][f"{letter}{i}"] if i in rev else bfi.iloc[row][f"{letter}{i}"] for i in range(1, 6)
            ]
            kept = [a for a in given_answers if not np.isnan(a)]
            expected = sum(kept) / len(kept) if len(kept) >= 4 else np.nan
            assert scores[name].iloc[row] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_an_incomplete_sum_is_prorated_and_flagged_with_its_answered_count(make_scale, take):
    responses = take({"demo_1": [4.0, 4.0], "demo_2": [4.0, np.nan], "demo_3": [2.0, 2.0], "demo_4": [2.0, np.nan]})

    scores = score(responses, make_scale(method="sum"))

    assert scores.frame["demo"].tolist() == [12.0, 12.0]
    assert scores.prorated("demo").tolist() == [False, True]
    assert scores.answered("demo").tolist() == [4, 2]


def test_below_the_minimum_answered_the_score_is_missing(make_scale, take):
    responses = take({"demo_1": [4.0], "demo_2": [np.nan], "demo_3": [np.nan], "demo_4": [np.nan]})

    assert score(responses, make_scale()).frame["demo"].isna().all()


def test_a_person_who_answered_nothing_has_no_score_rather_than_0(make_scale, take):
    frame = {f"demo_{i}": [np.nan, 3.0] for i in range(1, 5)}

    scores = score(take(frame), make_scale(method="sum"))

    assert np.isnan(scores.frame["demo"][0])
    assert scores.frame["demo"][1] == 12.0


def test_without_prorating_every_asked_item_must_be_answered(make_scale, take):
    frame = {f"demo_{i}": [3.0, 3.0] for i in range(1, 5)} | {"demo_4": [np.nan, 3.0]}

    assert score(take(frame), make_scale(least=1.0)).frame["demo"].isna().tolist() == [True, False]


def test_several_subscales_give_named_columns_and_the_total_takes_the_scales_name(make_scale, take, answers):
    scale = make_scale(subscales={"a": [1, 2], "b": [3, 4]}, total={"name": "all", "high_score_means": "more"})

    scores = score(take(answers(50, 4)), scale)

    assert scores.names == ("demo_a", "demo_b", "demo")
    assert scores.about["demo"].n_items == 4


def test_composites_are_weighted_sums_with_their_own_range(make_scale, take):
    composites = [{"name": "balance", "weights": {"a": 1.0, "b": -1.0}, "high_score_means": "more a than b"}]
    scale = make_scale(subscales={"a": [1, 2], "b": [3, 4]}, composites=composites)
    frame = {"demo_1": [5.0], "demo_2": [5.0], "demo_3": [1.0], "demo_4": [1.0]}

    scores = score(take(frame), scale)

    assert scores.frame["demo_balance"].tolist() == [4.0]
    assert (scores.about["demo_balance"].low, scores.about["demo_balance"].high) == (-4.0, 4.0)


def test_a_measure_names_its_scores_and_its_waves(answers):
    frame = pd.concat([answers(40, 8, prefix="gse3")] * 2, ignore_index=True).iloc[:, :3]
    frame.insert(0, "occasion", ["before"] * 40 + ["after"] * 40)
    frame.insert(0, "arm", "feedback")
    frame.insert(0, "participant", [f"p{i}" for i in range(40)] * 2)
    frame.loc[frame["occasion"] == "after", ["gse3_1", "gse3_2", "gse3_3"]] = np.nan
    frame.columns = [c.replace("gse3_", "efficacy_") for c in frame.columns]
    responses = Responses.from_frame(frame, items=["efficacy_1", "efficacy_2", "efficacy_3"])

    scores = score(
        responses, Measure(name="efficacy", scale="gse3", waves=("before",), scores={"confidence": "general"})
    )

    assert scores.names == ("confidence",)
    assert scores.asked("confidence").tolist() == [3] * 40 + [0] * 40
    assert scores.counts().loc[0, ["not_asked", "missing"]].tolist() == [40, 0]


def arms_and_items(n=60):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({f"demo_{i}": rng.integers(1, 6, n).astype(float) for i in range(1, 5)})
    frame.insert(0, "occasion", "after")
    frame.insert(0, "arm", ["feedback"] * (n // 2) + ["silence"] * (n // 2))
    frame.insert(0, "participant", [f"p{i}" for i in range(n)])
    return frame


def test_items_an_arm_was_not_asked_are_never_missing(make_scale):
    frame = arms_and_items()
    frame.loc[frame["arm"] == "silence", ["demo_3", "demo_4"]] = np.nan
    responses = Responses.from_frame(frame, items=["demo_1", "demo_2", "demo_3", "demo_4"], already_reversed=[])
    silent = (frame["arm"] == "silence").to_numpy()

    asked = responses.with_not_asked(["demo_3", "demo_4"], silent, why="silence is not asked about a message")
    scores = score(asked, make_scale(least=1.0))

    assert scores.frame["demo"].notna().all()
    assert scores.asked("demo")[silent].tolist() == [2] * 30
    assert scores.counts()["missing"].tolist() == [0]
    assert [issue.code for issue in scores.issues] == ["scales.partly_asked"]
    assert "30 rows were asked only some of its 4 items" in scores.issues[0].what
    expected = frame.loc[silent, ["demo_1", "demo_2"]].mean(axis=1)
    assert scores.frame["demo"][silent].tolist() == pytest.approx(expected.tolist())


def test_a_wholly_unasked_arm_counts_as_not_asked(make_scale):
    frame = arms_and_items()
    frame.loc[frame["arm"] == "silence", [f"demo_{i}" for i in range(1, 5)]] = np.nan
    frame.columns = [c.replace("demo_", "m_") for c in frame.columns]
    responses = Responses.from_frame(frame, items=[f"m_{i}" for i in range(1, 5)], already_reversed=[])
    scale = make_scale("s")
    from feedbackstudy.scales.libraries import Library

    measure = Measure(name="m", scale="s", waves=("after",), asked_of=("feedback",))

    scores = score(responses, measure, library=Library({"s": scale}))

    assert scores.counts().loc[0, ["not_asked", "missing", "complete"]].tolist() == [30, 0, 30]


def test_an_answer_where_nobody_was_asked_is_refused(make_scale):
    frame = arms_and_items()
    frame.columns = [c.replace("demo_", "m_") for c in frame.columns]
    responses = Responses.from_frame(frame, items=[f"m_{i}" for i in range(1, 5)])
    from feedbackstudy.scales.libraries import Library

    measure = Measure(name="m", scale="s", waves=("after",), asked_of=("feedback",))

    with pytest.raises(DataError, match=r"30 rows answer it .* does not ask"):
        score(responses, measure, library=Library({"s": make_scale("s")}))


def test_an_absent_item_column_is_named_with_its_nearest(take):
    with pytest.raises(DataError, match=r"lack: gse3_3.*Did you mean"):
        score(take({"gse3_1": [1.0], "gse3_2": [2.0], "gse3_03": [3.0]}), "gse3")


def test_an_unknown_scale_names_its_nearest(take):
    with pytest.raises(NotFoundError, match=r"'gsee' is unknown. Did you mean .*gse"):
        score(take({"a": [1.0]}), "gsee")


def test_scores_say_their_rule_range_and_direction(take, answers):
    scores = score(take(answers(40, 3, prefix="gse3")), "gse3")

    info = scores.about["gse3"]
    assert (info.low, info.high, info.method, info.high_means) == (1.0, 5.0, "mean", "more general self-efficacy")
    assert "more general self-efficacy" in str(scores)


def test_data_reversed_upstream_are_stamped_and_not_reversed_again(make_scale, take, answers):
    raw = answers(200, 4, against=(2, 4))
    turned = raw.assign(demo_2=6 - raw["demo_2"], demo_4=6 - raw["demo_4"])
    scale = make_scale(reversed_items=[2, 4])

    as_given = score(take(raw), scale)
    stated = score(take(turned, already_reversed=["demo_2", "demo_4"]), scale)

    assert stated.frame["demo"].tolist() == as_given.frame["demo"].tolist()
    assert any("already reversed before scoring" in line for line in stated.about["demo"].stamps)
    assert any("already reversed before scoring" in line for line in stated.provenance.conventions)


def test_scoring_already_reversed_data_without_saying_so_is_refused(make_scale, take, answers):
    raw = answers(200, 4, against=(2, 4))
    turned = raw.assign(demo_2=6 - raw["demo_2"], demo_4=6 - raw["demo_4"])

    with pytest.raises(DataError, match=r"already_reversed=\['demo_2', 'demo_4'\]"):
        score(take(turned, already_reversed=None), make_scale(reversed_items=[2, 4]))


def test_forms_fielded_at_different_waves_are_scored_by_their_own_key():
    en, de = [1, 3, 5, 9, 10, 12, 14, 16, 17, 19], [1, 3, 4, 6, 10, 11, 13, 15, 17, 18]
    values = {f"panas_{i}": [float(1 + i % 5), float(1 + i % 5)] for i in range(1, 21)}
    frame = pd.DataFrame({"participant": ["a", "a"], "arm": "x", "occasion": ["t1", "t2"]} | values)
    fielded = [
        Fielded(measure="panas", occasion="t1", form="english"),
        Fielded(measure="panas", occasion="t2", form="german"),
    ]
    responses = Responses.from_frame(frame, items=list(values), fielded=fielded)

    scores = score(responses, "panas")

    assert scores.frame["panas_positive"].tolist() == [
        sum(1 + i % 5 for i in en),
        sum(1 + i % 5 for i in de),
    ]
    assert not scores.about["panas_positive"].norms


def test_shifted_codes_can_be_put_right_explicitly(make_scale, take, answers):
    low = answers(60, 4) - 1
    responses = take(low)

    mended = shift_codes(responses, ["demo_1", "demo_2", "demo_3", "demo_4"], by=1)

    assert score(mended, make_scale()).frame["demo"].min() >= 1
    assert mended.ledger.entries[-1].step == "scales.shift_codes"
    assert responses.frame["demo_1"].min() == 0


FEW = settings(max_examples=40)  # each example takes tables in and scores them
likert = st.one_of(st.none(), st.integers(1, 5))
people = st.lists(st.tuples(likert, likert, likert, likert), min_size=1, max_size=12)


def scored_rows(rows, scale, order=(1, 2, 3, 4)):
    frame = pd.DataFrame(
        {f"demo_{i}": pd.array([row[i - 1] for row in rows], dtype="Float64") for i in order},
        index=[f"p{i}" for i in range(len(rows))],
    )
    return score(Responses.of_items(frame, already_reversed=[]), scale).frame["demo"].to_numpy()


@FEW
@given(people)
def test_permuting_item_columns_keeps_every_score(make_scale, rows):
    scale = make_scale(reversed_items=[2])

    assert np.array_equal(scored_rows(rows, scale), scored_rows(rows, scale, order=(3, 1, 4, 2)), equal_nan=True)


@FEW
@given(people, st.tuples(likert, likert, likert, likert))
def test_adding_a_person_changes_no_one_elses_score(make_scale, rows, newcomer):
    scale = make_scale(reversed_items=[2], method="sum")

    before, after = scored_rows(rows, scale), scored_rows([*rows, newcomer], scale)

    assert np.array_equal(before, after[:-1], equal_nan=True)


@FEW
@given(people, st.sampled_from(["mean", "sum", "pomp"]))
def test_scores_lie_inside_the_declared_range(make_scale, rows, method):
    low, high = {"mean": (1, 5), "sum": (4, 20), "pomp": (0, 100)}[method]

    scores = scored_rows(rows, make_scale(reversed_items=[1, 4], method=method))

    assert np.all(np.isnan(scores) | ((scores >= low) & (scores <= high)))


@FEW
@given(people)
def test_all_missing_gives_missing_and_never_0(make_scale, rows):
    scores = scored_rows([*rows, (None, None, None, None)], make_scale(method="sum"))

    assert np.isnan(scores[-1])


@given(st.lists(st.floats(1, 7), min_size=1), st.sampled_from([(1, 7), (0, 10), (-3, 3)]))
def test_reversing_twice_is_identity(values, span):
    answers = np.array(values)

    assert keyed(keyed(answers, *span), *span) == pytest.approx(answers, abs=1e-12)


def test_pomp_runs_from_0_to_100():
    assert pomp(np.array([1.0, 3.0, 5.0]), 1, 5).tolist() == [0.0, 50.0, 100.0]


def test_scoring_leaves_its_input_as_it_was(make_scale, take, answers):
    frame = answers(40, 4)
    responses = take(frame)
    before = responses.frame.copy()

    score(responses, make_scale(reversed_items=[1]))

    pd.testing.assert_frame_equal(responses.frame, before)
    assert (responses.reason("demo_1") == MissingReason.ANSWERED).all()


def test_a_scale_scored_another_way_must_be_allowed_to(make_scale):
    with pytest.raises(DataError.__mro__[1], match=r"Scoring method .* 'sum' is unknown"):
        make_scale().scored_as("sum")
    assert isinstance(make_scale().scored_as("pomp"), Scale)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "int8", "int64", "category", "object", "string"])
def test_the_type_of_a_column_does_not_change_its_scores(make_scale, answers, dtype):
    raw = answers(40, 4)
    scale = make_scale(reversed_items=[3])
    expected = score(Responses.of_items(raw, already_reversed=[]), scale).frame["demo"]

    typed = raw.astype("int64").astype(dtype)

    got = score(Responses.of_items(typed, already_reversed=[]), scale).frame["demo"]
    assert got.tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "category"])
def test_a_missing_answer_is_missing_in_every_type(make_scale, answers, dtype):
    raw = answers(40, 4)
    typed = raw.astype("int64").astype(dtype)
    typed.loc[2, "demo_1"] = None

    scores = score(Responses.of_items(typed, already_reversed=[]), make_scale())

    assert scores.answered("demo")[2] == 3
    assert scores.prorated("demo").sum() == 1
