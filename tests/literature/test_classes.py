"""The report card's classes: each rule, their order, the decision flag apart."""

import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.literature.classes import ReportClass as Is
from feedbackstudy.literature.classes import grade_all
from feedbackstudy.literature.findings import Value
from feedbackstudy.literature.published import Published


def published(*values, **more):
    entries = [
        {"id": "one", "quantity": "q", "seen_in": "p. 1", "anchor": "A"}
        | ({"published": v} if isinstance(v, str) else v)
        for v in values
    ]
    head = {"key": "k", "title": "t", "citation": "c", "independence": "other software", "method": "m"}
    return Published.from_data(head | {"values": entries} | more)


def grade(printed, value, **more):
    values = {} if value is None else {"one": value}
    return grade_all(published(printed, **more), values)[0]


CASES = [
    # not computable comes before everything else
    ("0.60", None, Is.NOT_COMPUTABLE),
    ("0.60", Value(value=None, note="covariates not named"), Is.NOT_COMPUTABLE),
    ("0.60", Value(value=float("nan")), Is.NOT_COMPUTABLE),
    # a source that contradicts itself, even where the value comes out
    ({"published": "5.19", "grim": {"n": 28}}, Value(value=5.19), Is.SOURCE_ERROR),
    (
        {"published": "2.20", "test": {"kind": "t", "statistic": "2.20", "df": ["28"], "p": ".03"}},
        Value(value=2.2),
        Is.SOURCE_ERROR,
    ),
    # reproduced
    ("0.60", Value(value=0.5991), Is.REPRODUCED),
    ("0.60", Value(value=0.595), Is.REPRODUCED),
    ("777", Value(value=777.0), Is.REPRODUCED),
    # rounding of inputs
    ("1.65", Value(value=1.6553, input_interval=(1.61, 1.70)), Is.WITHIN_ROUNDING),
    ("1.65", Value(value=1.6553, input_interval=(1.651, 1.70)), Is.NEGLIGIBLE),
    # Monte-Carlo error needs both R-hat and ESS and a difference below 3 MCSE
    ("0.0042", Value(value=0.0048, mcse=0.0003, rhat=1.001, ess=2000.0), Is.WITHIN_MONTE_CARLO),
    ("0.0042", Value(value=0.0048, mcse=0.0003, rhat=1.011, ess=2000.0), Is.MAJOR),
    ("0.0042", Value(value=0.0048, mcse=0.0003, rhat=1.001, ess=400.0), Is.MAJOR),
    ("0.0042", Value(value=0.0048, mcse=0.0001, rhat=1.001, ess=2000.0), Is.MAJOR),
    (
        {"published": "0.0042", "mcse": "0.0002"},
        Value(value=0.0048, mcse=0.0001, rhat=1.001, ess=2000.0),
        Is.WITHIN_MONTE_CARLO,
    ),
    # another documented formula
    ("1.13", Value(value=1.20, other_definitions={"Yates": 1.1314}), Is.OTHER_DEFINITION),
    # percentage error: < 2, 2 to < 10, >= 10
    ("1.000", Value(value=1.019), Is.NEGLIGIBLE),
    ("1.000", Value(value=1.0205), Is.MINOR),
    ("1.000", Value(value=0.905), Is.MINOR),
    ("1.000", Value(value=1.1), Is.MAJOR),
    ("-1.000", Value(value=-1.11), Is.MAJOR),
    # near zero the error counts in standard errors
    ("0.002", Value(value=0.0029, se=0.1), Is.NEGLIGIBLE),
    ("0.002", Value(value=0.0059, se=0.1), Is.MINOR),
    ("0.002", Value(value=0.0229, se=0.1), Is.MAJOR),
    ({"published": "0.002", "se": "1.0"}, Value(value=0.0059, se=0.001), Is.NEGLIGIBLE),
    ("0.00", Value(value=0.02), Is.MAJOR),
    # no number in the source
    ({"direction": "positive"}, Value(value=0.23), Is.DIRECTION_ONLY),
    ({"direction": "positive"}, None, Is.NOT_COMPUTABLE),
    # memory is never scored
    ({"published": "0.60", "anchor": "M"}, Value(value=0.6), Is.NOT_SCORED),
]


@pytest.mark.parametrize(("printed", "value", "expected"), CASES)
def test_the_first_class_that_applies_is_taken(printed, value, expected):
    found = grade(printed, value)
    assert found.report_class is expected
    assert found.reason


def test_a_sum_that_does_not_add_up_is_a_source_error():
    parts = [
        {"id": "a", "quantity": "a", "published": "316", "seen_in": "p", "anchor": "A"},
        {"id": "b", "quantity": "b", "published": "22", "seen_in": "p", "anchor": "A"},
    ]
    total = {"published": "339", "sum_of": ["a", "b"]}
    grades = grade_all(
        published(total, *parts), {"one": Value(value=338.0), "a": Value(value=316.0), "b": Value(value=22.0)}
    )
    assert grades[0].report_class is Is.SOURCE_ERROR
    assert "add up to 338, not 339" in grades[0].reason
    assert (
        grade_all(published(total | {"published": "338"}, *parts), {"one": Value(value=338.0)})[0].report_class
        is Is.REPRODUCED
    )


def test_rounded_parts_may_miss_their_total_by_rounding():
    parts = [{"id": i, "quantity": i, "published": "33.3", "seen_in": "p", "anchor": "A"} for i in "abc"]
    total = {"published": "100.0", "sum_of": ["a", "b", "c"]}
    assert grade_all(published(total, *parts), {"one": Value(value=100.0)})[0].report_class is Is.REPRODUCED


def test_both_definitions_are_shown():
    found = grade("1.13", Value(value=1.20, other_definitions={"Yates": 1.1314}))
    assert "Yates gives 1.1314" in found.reason
    assert "1.2" in found.reason


def test_an_unknown_mcse_of_theirs_is_said():
    found = grade("0.0042", Value(value=0.0048, mcse=0.0003, rhat=1.001, ess=2000.0))
    assert "theirs unknown" in found.reason


@pytest.mark.parametrize(
    ("printed", "value", "flags"),
    [
        ("0.60", Value(value=0.5991), ()),
        ("0.60", Value(value=-0.1), ("sign",)),
        ({"published": "1.20", "no_effect": "1"}, Value(value=0.9), ("sign",)),
        ({"published": "0.00"}, Value(value=-0.0004), ()),
        ({"published": "0.40", "p": ".051"}, Value(value=0.40, p=0.049), ("p vs alpha",)),
        ({"published": "0.40", "p": ".051"}, Value(value=0.40, p=0.0512), ()),
        ({"published": "0.40", "p": "<.001"}, Value(value=0.40, p=0.2), ("p vs alpha",)),
        ({"published": "0.40", "p": ">.05"}, Value(value=0.40, p=0.01), ("p vs alpha",)),
        ({"published": "0.40", "p": "<.10"}, Value(value=0.40, p=0.07), ()),
        (
            {"published": "0.40", "low": "0.01", "high": "0.80"},
            Value(value=0.40, low=-0.01, high=0.8),
            ("interval vs null",),
        ),
        ({"published": "0.40", "low": "0.01", "high": "0.80"}, Value(value=0.40, low=0.02, high=0.8), ()),
        ({"published": "0.40", "bayes_factor": "2.9"}, Value(value=0.40, bayes_factor=3.2), ("Bayes-factor band",)),
        ({"published": "0.40", "bayes_factor": "2.5"}, Value(value=0.40, bayes_factor=2.8), ()),
        ({"direction": "positive"}, Value(value=-0.2), ("sign",)),
        ({"direction": "negative"}, Value(value=-0.2), ()),
    ],
)
def test_a_decision_that_changes_is_flagged(printed, value, flags):
    assert grade(printed, value).flags == flags


def test_a_minor_error_can_carry_a_flag_and_a_major_one_none():
    assert grade({"published": "0.0500", "p": ".049"}, Value(value=0.0513, p=0.051)).flags == ("p vs alpha",)
    assert grade({"published": "0.50", "p": ".001"}, Value(value=0.80, p=0.001)).flags == ()


def test_a_broken_ranking_flags_both_values():
    other = {"id": "two", "quantity": "r", "published": "0.18", "seen_in": "p", "anchor": "A"}
    card = published("0.24", other, rankings=[["one", "two"]])
    kept = grade_all(card, {"one": Value(value=0.24), "two": Value(value=0.18)})
    broken = grade_all(card, {"one": Value(value=0.17), "two": Value(value=0.18)})
    assert [g.flags for g in kept] == [(), ()]
    assert [g.flags for g in broken] == [("ranking",), ("ranking",)]


def test_a_flag_is_explained_only_by_its_own_words():
    assert not grade("0.60", Value(value=-0.1, note="a note")).explained
    assert grade("0.60", Value(value=-0.1, flag_explained="another sample")).explained


def test_a_value_without_a_number_must_say_why():
    with pytest.raises(DataError, match="which input or method is missing"):
        Value(value=None)
    with pytest.raises(DataError, match="upside down"):
        Value(value=1.0, input_interval=(2.0, 1.0))
