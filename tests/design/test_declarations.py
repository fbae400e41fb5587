"""Factors, arms, waves, units, conduct, plan and hypotheses: true from birth, or refused with a sentence."""

import pickle

import pytest

from feedbackstudy.declaration import Declaration
from feedbackstudy.design.arms import Arm
from feedbackstudy.design.conduct import Conduct, Passage
from feedbackstudy.design.factors import Covariate, Factor
from feedbackstudy.design.hypotheses import Hypothesis, Path, SmallestEffect
from feedbackstudy.design.plan import ByBayesFactor, ByRope, Exclusion, Family, Plan, Rope
from feedbackstudy.design.units import Units
from feedbackstudy.design.waves import Wave
from feedbackstudy.errors import DeclarationError
from feedbackstudy.named import Fixed, Named
from feedbackstudy.scales.measure import Measure

TIMING = {"name": "timing", "mode": "enacted", "levels": {"now": "Now", "week": "In a week"}}
FRAMING = {"kind": "main_effect", "factor": "framing", "level": "good", "against": "bad"}
H1 = {
    "name": "h1",
    "text": "It differs.",
    "outcome": "usefulness",
    "contrast": FRAMING,
    "direction": "either",
    "role": "exploratory",
}
RATING = {"name": "usefulness", "kind": "rating", "range": [1, 7], "waves": ["t1"]}


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        (Factor, {**TIMING, "levels": {"now": "Now"}}, "give at least two"),
        (Factor, {**TIMING, "levels": {"now": "Now", "week": " now"}}, "label 'now' to more than one level"),
        (Factor, {**TIMING, "levels": {"Now!": "Now", "week": "Week"}}, "'Now!' cannot stand in a data file"),
        (Factor, {**TIMING, "reference": "soon"}, "reference: Level 'soon' is unknown"),
        (Factor, {**TIMING, "order": ["now"]}, "order must hold each of the levels"),
        (Factor, {**TIMING, "scores": {"now": 0}}, r"scores lack the levels \['week'\]"),
        (Factor, {**TIMING, "order": ["week", "now"], "scores": {"now": 0, "week": 7}}, "do not rise along the order"),
        (Factor, {**TIMING, "scores": {"now": 1, "week": 1}}, "two levels share a score"),
        (Factor, {**TIMING, "delay_from": "decision"}, "give each level its days"),
        (Factor, {**TIMING, "delay_from": "decision", "scores": {"now": -1, "week": 7}}, "cannot come before"),
        (Factor, {**TIMING, "scores": {"now": float("nan"), "week": 7}}, "not a finite number"),
        (Factor, {**TIMING, "mode": "imagined"}, "'described', 'enacted' or 'measured'"),
        (Factor, {**TIMING, "name": "1st"}, "cannot stand as a column"),
        (Covariate, {"name": "sex", "kind": "nominal"}, "give its levels"),
        (Covariate, {"name": "age", "kind": "continuous", "levels": {"a": "A", "b": "B"}}, "has no levels"),
        (Arm, {"name": "feedback", "told": "decision"}, "cannot be called 'feedback'"),
        (Arm, {"name": "silence", "told": "nothing", "weight": 0}, "would leave the arm empty"),
        (Units, {"name": "candidate", "n": 0}, "plan at least one unit"),
        (Wave, {"name": "t1", "anchor": "feedback", "offset_days": -1, "phase": "after"}, "before the feedback but"),
        (Wave, {"name": "t1", "anchor": "feedback", "offset_days": 1, "phase": "before"}, "after the feedback but"),
        (Wave, {"name": "t1", "anchor": "decision", "phase": "after", "window_days": [2, 1]}, "ends before it begins"),
        (
            Wave,
            {"name": "t1", "anchor": "decision", "phase": "after", "pseudo_date": "random_participant"},
            "for the anchor feedback only",
        ),
        (Measure, {"name": "gse", "waves": ["t1"]}, "name its scale"),
        (Measure, {**RATING, "range": None}, "give its range"),
        (Measure, {**RATING, "range": [7, 1]}, "must rise"),
        (Measure, {**RATING, "scale": "gse"}, "single column"),
        (Measure, {"name": "gse", "scale": "gse", "range": [1, 4], "waves": ["t1"]}, "declared by the scale itself"),
        (Measure, {**RATING, "waves": []}, "name at least one"),
        (Measure, {**RATING, "waves": ["t1", "t1"]}, "each once"),
        (Measure, {**RATING, "asked_of": ["silence", "silence"]}, "names an arm twice"),
        (Measure, {**RATING, "checks": ["timing"]}, "only a manipulation_check"),
        (Measure, {**RATING, "passes": "b"}, "every attention check has it"),
        (Measure, {**RATING, "role": "attention_check"}, "every attention check has it"),
        (Measure, {"name": "x", "kind": "ordinal", "waves": ["t1"]}, "give its levels"),
        (
            Measure,
            {"name": "x", "kind": "binary", "levels": {"a": "A", "b": "B", "c": "C"}, "waves": ["t1"]},
            "3 levels",
        ),
        (Passage, {}, "either 'text' or 'file'"),
        (Passage, {"text": "a", "file": "b"}, "not both"),
        (Passage, {"text": " "}, "the text is empty"),
        (Passage, {"text": "a", "sha256": "b"}, "belongs to 'file' only"),
        (Conduct, {"population": "panel", "realism": "field", "retention_months": 0}, "months that data are kept"),
        (SmallestEffect, {"value": 1, "unit": "odds_ratio"}, "is no effect"),
        (SmallestEffect, {"value": 1.2, "unit": "r"}, "impossible"),
        (Path, {"through": []}, "0 mediators"),
        (Path, {"through": [{"score": "a"}, {"score": "b"}]}, "2 mediators and structure: simple"),
        (Path, {"through": [{"score": "a"}, {"score": "a"}], "structure": "serial"}, "a mediator twice"),
        (Path, {"through": [{"score": "a"}], "effect": "difference"}, "only a parallel path"),
        (Hypothesis, {**H1, "path": {"through": [{"score": "usefulness"}]}}, "both outcome and mediator"),
        (Hypothesis, {**H1, "baseline": "t0", "change_since": "t0"}, "keep one"),
        (Hypothesis, {**H1, "occasion": "t1", "baseline": "t1"}, "compared with itself"),
        (Hypothesis, {**H1, "bearing": "analogue"}, "name the claim"),
        (Hypothesis, {**H1, "contrast": "timing - framing"}, "given 'timing - framing'"),
        (Rope, {"low": 0.1, "high": 0.3}, "must have 0 inside"),
        (ByRope, {"mass": 0.3}, "between .5 and 1"),
        (ByBayesFactor, {"threshold": 0.3}, "must exceed 1"),
        (Family, {"name": "f", "hypotheses": []}, "name each member once"),
        (Plan, {"alpha": 5}, "probability between 0 and 1"),
        (Plan, {"engines": []}, "name at least one"),
        (
            Plan,
            {"families": [{"name": "a", "hypotheses": ["h1"]}, {"name": "b", "hypotheses": ["h1"]}]},
            "belongs to two families",
        ),
        (Exclusion, {"name": "x", "variable": "age", "exclude_if": "below", "because": "no"}, "needs value"),
        (
            Exclusion,
            {"name": "x", "variable": "age", "exclude_if": "missing", "value": 1, "because": "no"},
            "takes no value",
        ),
        (
            Exclusion,
            {"name": "x", "variable": "age", "exclude_if": "below", "value": "18", "because": "no"},
            "compare numbers",
        ),
        (Exclusion, {"name": "x", "variable": "age < 18", "exclude_if": "missing", "because": "no"}, "as a column"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    cls: type[Declaration], data: dict[str, object], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        cls.from_data(data)  # type: ignore[arg-type]


def test_a_ready_factor_is_cut_to_some_levels_and_stays_whole() -> None:
    three = Factor.from_data(
        {
            **TIMING,
            "levels": {"now": "Now", "week": "In a week", "month": "In a month"},
            "order": ["now", "week", "month"],
            "scores": {"now": 0, "week": 7, "month": 30},
            "definitions": {"now": "At once.", "month": "Late."},
            "reference": "month",
        }
    )

    two = three.only("week", "now")

    assert two.codes() == ("now", "week")
    assert dict(two.scores) == {"now": 0, "week": 7}
    assert dict(two.definitions) == {"now": "At once."}
    assert two.reference is None
    assert three.codes() == ("now", "week", "month")
    with pytest.raises(DeclarationError, match="'year' is unknown"):
        three.only("now", "year")


def test_a_kind_is_written_even_though_it_is_the_default() -> None:
    hypothesis = Hypothesis.from_data(H1)  # type: ignore[arg-type]
    plan = Plan.from_data({"decides": {"h1": {"by": "rope", "rope": {"low": -0.1, "high": 0.1}}}})

    assert hypothesis.to_data()["contrast"] == FRAMING
    assert Hypothesis.from_data(hypothesis.to_data()) == hypothesis
    assert Plan.from_data(plan.to_data()) == plan


def test_named_things_are_reached_by_position_and_by_name() -> None:
    waves = Named(
        (Wave(name="t0", anchor="decision", phase="before"), Wave(name="t1", anchor="decision", phase="after"))
    )

    assert waves["t1"] is waves[1]
    assert waves.names == ("t0", "t1")
    assert waves[:1] == (waves[0],)
    assert waves.get("t2") is None
    with pytest.raises(ValueError, match="'t0' is given to 2 entries"):
        Named((waves[0], waves[0]))


def test_a_fixed_mapping_never_changes_and_travels_to_workers() -> None:
    fixed = Fixed({"b": 1, "a": 2})

    for change in (lambda: fixed.update(a=3), lambda: fixed.pop("a"), fixed.clear, lambda: fixed.setdefault("c", 1)):
        with pytest.raises(TypeError, match="never changes"):
            change()
    assert hash(fixed) == hash(Fixed({"a": 2, "b": 1}))
    assert pickle.loads(pickle.dumps(fixed)) == fixed  # noqa: S301


def test_a_measure_names_its_score_columns_and_whom_it_asks() -> None:
    whole = Measure.from_data(RATING)  # type: ignore[arg-type]
    parts = Measure(
        name="appraisal",
        scale="message_appraisal",
        scores=Fixed({"challenge": "challenge", "threat": "threat"}),
        waves=("t1",),
        asked_of=("feedback",),
    )

    assert whole.columns == ("usefulness",)
    assert whole.asks("silence")
    assert parts.columns == ("challenge", "threat")
    assert parts.asks("feedback")
    assert not parts.asks("silence")
