"""Bad input gets a sentence: what, where, who, why, how to mend it."""

import numpy as np
import pandas as pd
import pytest

from feedbackstudy.declaration import from_document
from feedbackstudy.errors import DataError, DeclarationError, InputError
from feedbackstudy.frames import Fielded, Responses
from feedbackstudy.scales import Scale, change, declare_missing, score
from feedbackstudy.scales.libraries import DEFINITIONS
from feedbackstudy.scales.measure import Measure


@pytest.fixture
def raw(answers):
    return answers(60, 4)


def test_text_in_numeric_cells_is_listed_and_nothing_is_coerced(make_scale, raw, take):
    column = raw["demo_2"].astype(object)
    column[3], column[4], column[5] = "five", "five", "3 "

    with pytest.raises(
        DataError, match=r"item demo_2 \(participants 3, 4, 5\): 3 cells are not numbers: 'five' \(2x\)"
    ):
        score(take(raw.assign(demo_2=column)), make_scale())


def test_a_label_export_is_refused(make_scale, raw, take):
    labels = raw["demo_1"].map(lambda v: f"{v:g} - Agree")

    with pytest.raises(DataError, match=r"'4 - Agree'.*Export codes instead of labels"):
        score(take(raw.assign(demo_1=labels)), make_scale())


def test_numbers_stored_as_text_are_read_and_said(make_scale, raw, take):
    scores = score(take(raw.assign(demo_1=raw["demo_1"].map(lambda v: f"{v:.1f}"))), make_scale())

    assert scores.frame["demo"].tolist() == score(take(raw), make_scale()).frame["demo"].tolist()
    assert [issue.code for issue in scores.issues] == ["scales.text_read"]


def test_booleans_are_no_answers_on_a_five_point_scale(make_scale, raw, take):
    with pytest.raises(DataError, match=r"60 cells hold true/false where answers run from 1 to 5"):
        score(take(raw.assign(demo_1=raw["demo_1"] > 3)), make_scale())


def test_booleans_are_read_where_the_format_is_0_and_1(make_scale, raw, take):
    scores = score(take(raw > 3), make_scale(low=0, high=1))

    assert scores.frame["demo"].tolist() == (raw > 3).mean(axis=1).tolist()
    assert {issue.code for issue in scores.issues} == {"scales.boolean_read"}


@pytest.mark.parametrize("code", [77.0, 99.0, -99.0])
def test_missing_codes_are_recognised_and_can_be_declared(make_scale, raw, take, code):
    raw.loc[[2, 9], "demo_3"] = code
    responses = take(raw)

    with pytest.raises(DataError, match=rf"{code:g} \(2x\) outside 1 to 5 in 2 rows.*declare_missing\(responses"):
        score(responses, make_scale())
    mended = declare_missing(responses, {code: "user_missing"})
    scores = score(mended, make_scale())
    assert scores.answered("demo")[[2, 9]].tolist() == [3, 3]
    assert mended.reason("demo_3")[2] == 4
    assert "2 cells were missing codes" in mended.ledger.entries[-1].what


def test_an_unknown_missing_reason_is_named(raw, take):
    with pytest.raises(DataError, match=r"Missing reason 'skiped' is unknown. Did you mean 'skipped'"):
        declare_missing(take(raw), {99: "skiped"})


def test_data_from_0_to_4_on_a_scale_from_1_to_5_are_refused(make_scale, raw, take):
    with pytest.raises(DataError, match=r"observed 0 to 4, declared 1 to 5: all shifted by -1\?"):
        score(take(raw - 1), make_scale(reversed_items=[2]))


def test_data_from_1_to_7_on_a_five_point_scale_are_refused(make_scale, answers, take):
    with pytest.raises(DataError, match=r"outside 1 to 5.*Check which response format was fielded"):
        score(take(answers(60, 4, high=7)), make_scale())


def test_only_the_middle_answers_used_is_no_fault(make_scale, take):
    frame = {f"demo_{i}": [2.0, 3.0, 4.0, 2.0] for i in range(1, 5)}

    assert not score(take(frame), make_scale()).issues


def test_a_constant_item_is_warned_about(make_scale, raw, take):
    scores = score(take(raw.assign(demo_4=3.0)), make_scale())

    assert [(i.code, i.where) for i in scores.issues] == [("scales.constant_item", "item demo_4")]


def test_an_item_nobody_answered_is_refused(make_scale, raw, take):
    with pytest.raises(DataError, match=r"item demo_4: none of the 60 people asked has an answer"):
        score(take(raw.assign(demo_4=np.nan)), make_scale())


def test_a_scale_nobody_answered_is_refused(make_scale, raw, take):
    with pytest.raises(DataError, match=r"none of the 60 people asked"):
        score(take(raw * np.nan), make_scale())


def test_a_copied_item_column_is_warned_about(make_scale, raw, take):
    scores = score(take(raw.assign(demo_4=raw["demo_1"])), make_scale())

    assert ("scales.copied_item", "items demo_1 and demo_4") in [(i.code, i.where) for i in scores.issues]


def test_two_columns_of_one_name_are_refused(raw, take):
    doubled = pd.concat([raw, raw[["demo_1"]]], axis="columns")

    with pytest.raises(DataError, match=r"Column 'demo_1' stands in the table more than once"):
        take(doubled)


def test_an_infinite_value_is_outside_the_range(make_scale, raw, take):
    raw.loc[1, "demo_1"] = np.inf

    with pytest.raises(DataError, match=r"inf \(1x\) outside 1 to 5"):
        score(take(raw), make_scale())


def test_an_unknown_form_names_those_that_exist(answers):
    frame = answers(5, 6, prefix="m").assign(participant=list("abcde"), arm="x", occasion="t")
    responses = Responses.from_frame(frame, items=[f"m_{i}" for i in range(1, 7)])

    with pytest.raises(
        DeclarationError, match=r"Form of scale 'brs' 'phenx' is unknown. Did you mean 'phenx_precoded'"
    ):
        score(responses, Measure(name="m", scale="brs", form="phenx", waves=("t",)))


def two_waves(fielded):
    rng = np.random.default_rng(6)
    values = {f"panas_{i}": rng.integers(1, 6, 8).astype(float) for i in range(1, 21)}
    frame = pd.DataFrame({"participant": list("abcd") * 2, "arm": "x", "occasion": ["t1"] * 4 + ["t2"] * 4} | values)
    return Responses.from_frame(frame, items=list(values), fielded=fielded, already_reversed=[])


def test_two_forms_over_waves_cannot_be_compared():
    mixed = two_waves(
        [
            Fielded(measure="panas", occasion="t1", form="english"),
            Fielded(measure="panas", occasion="t2", form="german"),
        ]
    )
    scores = score(mixed, "panas")

    with pytest.raises(DataError, match=r"form 'english' at 't1' and in form 'german' at 't2'.*not a repeated measure"):
        change(scores, "panas_positive", before="t1", after="t2")


def test_two_wordings_over_waves_cannot_be_compared():
    mixed = two_waves(
        [
            Fielded(measure="panas", occasion="t1", form="english", wording="aa"),
            Fielded(measure="panas", occasion="t2", form="english", wording="bb"),
        ]
    )

    with pytest.raises(DataError, match="The wording of 'panas_positive' differs"):
        change(score(mixed, "panas"), "panas_positive", before="t1", after="t2")


def test_a_wave_whose_form_nobody_recorded_is_named():
    mixed = two_waves(
        [
            Fielded(measure="panas", occasion="t1", form="english"),
            Fielded(measure="panas", occasion="t9", form="german"),
        ]
    )

    with pytest.raises(DataError, match="say which one at t2"):
        score(mixed, "panas")


def test_a_declared_form_and_another_fielded_one_contradict():
    mixed = two_waves([Fielded(measure="panas", occasion="*", form="german")])

    with pytest.raises(DataError, match=r"declared with form 'english', but at '\*' form 'german' was fielded"):
        score(mixed, Measure(name="panas", scale="panas", form="english", waves=("t1", "t2")))


FAULTS = [
    ("items: [1, 2, 3]", "items: [1, 2, 4]", r"subscale 'general' names item 4, but .*items run from 1 to 3"),
    ("reversed: []", "reversed: [7]", r"reversed names item 7, but .*items run from 1 to 3"),
    ("reversed: []", "reversed: [2, 2]", r"reversed names an item twice"),
    ("max: 5", "max: 1", r"min must be below max"),
    ("method: mean", "method: median", r"given 'median'"),
    ("tier: A", "teir: A", r"Key 'teir' is unknown. Did you mean 'tier'"),
    ("schema_version: 1", "schema_version: 9", r"reads up to 1"),
    ("minimum_answered: 0.5", "minimum_answered: 0", r"must lie above 0"),
    ("prorate: true", "prorate: false", r"without prorating"),
    ("code: gse3", "code: GSE 3", r"cannot stand"),
    ("tag: general", "tag: 'This is a whole sentence about it.'", r"one to four words"),
    ("status: verified", "status: certain", r"given 'certain'"),
]


@pytest.mark.parametrize(("good", "bad", "says"), FAULTS)
def test_a_faulty_definition_file_names_its_line(tmp_path, good, bad, says):
    path = tmp_path / "gse3.yaml"
    text = (DEFINITIONS / "gse3.yaml").read_text()
    assert good in text
    path.write_text(text.replace(good, bad, 1))

    with pytest.raises(InputError, match=rf"(?s)gse3.yaml:\d+: .*{says}"):
        from_document(Scale, path)


def test_overlapping_subscales_are_refused(make_scale):
    with pytest.raises(DeclarationError, match=r"item 2 belongs to the subscales 'a' and 'b'; an item counts once"):
        make_scale(subscales={"a": [1, 2], "b": [2, 3]})


def test_a_composite_of_an_unknown_score_is_refused(make_scale):
    composites = [{"name": "balance", "weights": {"demo": 1.0, "demos": 1.0}, "high_score_means": "more"}]

    with pytest.raises(DeclarationError, match=r"Score 'demos' is unknown. Did you mean 'demo'"):
        make_scale(composites=composites)


def test_a_measure_scored_twice_is_refused(make_scale, raw, take):
    with pytest.raises(InputError, match="'demo' is to be scored 2 times"):
        score(take(raw), [make_scale(), make_scale()])


def test_something_that_is_no_measure_is_named(raw, take):
    with pytest.raises(InputError, match="3 cannot be scored; give measures"):
        score(take(raw), [3])


def test_single_columns_are_held_against_their_range_and_levels():
    frame = pd.DataFrame(
        {
            "participant": list("abc"),
            "arm": "x",
            "occasion": "t",
            "hours": [1.0, 2.5, 0.0],
            "again": ["no", "yes", "si"],
        }
    )
    responses = Responses.from_frame(frame, items=["hours", "again"])
    hours = Measure(name="hours", kind="count", waves=("t",))
    again = Measure(name="again", kind="binary", levels={"no": "No", "yes": "Yes"}, waves=("t",))

    with pytest.raises(DataError, match=r"1 answer lies between two codes: 2.5"):
        score(responses, hours)
    with pytest.raises(DataError, match=r"1 value is no declared level: 'si'.*Use the codes no, yes"):
        score(responses, again)


def test_a_yes_or_no_column_becomes_0_and_1_and_says_so():
    frame = pd.DataFrame({"participant": list("abc"), "arm": "x", "occasion": "t", "again": ["no", "yes", None]})
    again = Measure(name="again", kind="binary", levels={"no": "No", "yes": "Yes"}, waves=("t",))

    scores = score(Responses.from_frame(frame, items=["again"]), again)

    assert scores.frame["again"].tolist()[:2] == [0.0, 1.0]
    assert np.isnan(scores.frame["again"][2])
    assert scores.about["again"].method == "binary: no = 0, yes = 1"
