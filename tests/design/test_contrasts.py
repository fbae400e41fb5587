"""Cells and the weights of named comparisons over their means, against closed forms and independent routes."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackstudy.design.arms import Arm
from feedbackstudy.design.comparisons import (
    ArmVsArm,
    Association,
    CellsVsArm,
    CellWeight,
    Comparison,
    FeedbackVsArm,
    Interaction,
    MainEffect,
    MeanVsValue,
    Moderation,
    SimpleEffect,
    Trend,
    WeightedCells,
)
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.crossing import Crossing, cells
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.wording import contrast_in_words
from feedbackstudy.errors import DeclarationError, InputError, NotFoundError
from feedbackstudy.named import Fixed, Named

RTOL = 1e-12  # closed form: only rounding may differ


def factor(name: str, *codes: str, **fields: object) -> Factor:
    return Factor.model_validate({"name": name, "levels": {c: c.upper() for c in codes}, "mode": "described", **fields})


TIMING = factor(
    "timing", "now", "week", "month", order=("now", "week", "month"), scores={"now": 0, "week": 7, "month": 30}
)
FRAMING = factor("framing", "good", "bad", reference="bad")
ARMS = Named((Arm(name="silence", told="nothing"), Arm(name="decision_only", told="decision")))
DESIGN = Crossing(Named((TIMING, FRAMING)), ARMS, ())
MEANS = {
    "now:good": 5.0,
    "now:bad": 4.0,
    "week:good": 4.5,
    "week:bad": 3.0,
    "month:good": 2.0,
    "month:bad": 1.0,
    "silence": 0.5,
    "decision_only": 1.5,
}
CLOSED: list[tuple[Comparison, float]] = [
    (MainEffect(factor="framing", level="good", against="bad"), (1 + 1.5 + 1) / 3),
    (MainEffect(factor="framing", level="good"), (1 + 1.5 + 1) / 3),
    (MainEffect(factor="timing", level="now", against="month"), 4.5 - 1.5),
    (SimpleEffect(factor="framing", level="good", at=Fixed({"timing": "week"})), 1.5),
    (SimpleEffect(factor="timing", level="now", against="week", at=Fixed({"framing": "bad"})), 1.0),
    (Interaction(levels=Fixed({"framing": ("good", "bad"), "timing": ("week", "now")})), 1.5 - 1.0),
    (FeedbackVsArm(arm="silence"), 19.5 / 6 - 0.5),
    (FeedbackVsArm(arm="silence", at=Fixed({"timing": "month"})), 1.5 - 0.5),
    (ArmVsArm(arm="decision_only", against="silence"), 1.0),
    (MeanVsValue(value=3.0), 19.5 / 6 - 3),
    (MeanVsValue(arm="silence"), 0.5),
    (Moderation(factor="framing", level="good", by="age"), (1 + 1.5 + 1) / 3),
    (
        WeightedCells(
            cells=(
                CellWeight(weight=1.0, at=Fixed({"timing": "now", "framing": "good"})),
                CellWeight(weight=-0.5, at=Fixed({"timing": "month"})),
                CellWeight(weight=-0.5, arm="silence"),
            )
        ),
        5.0 - 0.5 * 1.5 - 0.5 * 0.5,
    ),
]


def test_cells_come_in_a_fixed_order_and_arms_last() -> None:
    keys = [cell.key for cell in DESIGN.cells()]

    assert keys == list(MEANS)
    assert cells([TIMING, FRAMING], ARMS) == DESIGN.cells()
    assert cells([])[0].key == "feedback"


@pytest.mark.parametrize(("comparison", "expected"), CLOSED, ids=lambda value: getattr(value, "kind", ""))
def test_a_comparison_gives_its_closed_form(comparison: Comparison, expected: float) -> None:
    assert weights(comparison, DESIGN).of(MEANS) == pytest.approx([expected], rel=RTOL)


@pytest.mark.parametrize("degree", [1, 2])
def test_a_trend_is_the_leading_coefficient_of_the_polynomial_through_the_level_means(degree: int) -> None:
    means = [4.5, 3.75, 1.5]
    expected = np.polyfit([0.0, 7.0, 30.0], means, degree)[0]  # numpy's least squares, an independent route

    assert weights(Trend(factor="timing", degree=degree), DESIGN).of(MEANS) == pytest.approx([expected], rel=1e-9)


def test_an_ordered_factor_without_scores_has_equal_steps() -> None:
    design = Crossing(Named((factor("dose", "low", "mid", "high", order=("low", "mid", "high")),)), Named(), ())

    assert weights(Trend(factor="dose"), design).of({"low": 1, "mid": 5, "high": 4}) == pytest.approx([1.5], rel=RTOL)


def test_all_levels_at_once_span_the_factor_and_each_cell_is_compared_with_the_arm() -> None:
    main = weights(MainEffect(factor="timing"), DESIGN)
    crossed = weights(Interaction(factors=("timing", "framing")), DESIGN)
    dunnett = weights(CellsVsArm(arm="silence"), DESIGN)

    assert np.linalg.matrix_rank(main.matrix) == 2
    assert np.linalg.matrix_rank(crossed.matrix) == 2
    assert dunnett.of(MEANS) == pytest.approx([mean - 0.5 for mean in list(MEANS.values())[:6]], rel=RTOL)


@pytest.mark.parametrize("comparison", [comparison for comparison, _ in CLOSED if comparison.kind != "mean_vs_value"])
def test_the_weights_of_a_contrast_sum_to_zero(comparison: Comparison) -> None:
    assert weights(comparison, DESIGN).matrix.sum(axis=1) == pytest.approx(0, abs=1e-12)


def reordered(design: Crossing, orders: Mapping[str, tuple[str, ...]]) -> Crossing:
    """Write levels and factors in another order; an ordered factor keeps its order, which is a fact."""
    factors = [f.replace(levels={code: f.levels[code] for code in orders[f.name]}) for f in reversed(design.factors)]
    return Crossing(Named(factors), design.arms, design.forbidden)


def renamed(means: Mapping[str, float], design: Crossing) -> dict[str, float]:
    by_levels = {frozenset(c.levels) or frozenset({(c.arm, "")}): means[c.key] for c in DESIGN.cells()}
    return {c.key: by_levels[frozenset(c.levels) or frozenset({(c.arm, "")})] for c in design.cells()}


@given(
    timing=st.permutations(["now", "week", "month"]),
    framing=st.permutations(["good", "bad"]),
    values=st.lists(st.floats(-10, 10), min_size=8, max_size=8),
)
def test_neither_the_order_of_levels_nor_of_factors_changes_a_number(
    timing: list[str], framing: list[str], values: list[float]
) -> None:
    means = dict(zip(MEANS, values, strict=True))
    other = reordered(DESIGN, {"timing": tuple(timing), "framing": tuple(framing)})
    comparisons = [comparison for comparison, _ in CLOSED] + [Trend(factor="timing"), MainEffect(factor="timing")]

    for comparison in comparisons:
        here = weights(comparison, DESIGN).of(means)
        there = weights(comparison, other).of(renamed(means, other))
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-10)


def test_the_estimate_from_unbalanced_rows_is_the_even_mean_of_cell_means(rng: np.random.Generator) -> None:
    rows = [(key, value) for key, mean in MEANS.items() for value in rng.normal(mean, 1, rng.integers(2, 9))]
    keys = np.array([key for key, _ in rows])
    y = np.array([value for _, value in rows])
    now, week, good = np.char.startswith(keys, "now"), np.char.startswith(keys, "week"), np.char.endswith(keys, "good")
    inside = ~np.isin(keys, ["silence", "decision_only"])
    # Saturated least squares with treatment coding: an independent route to the same marginal difference.
    ones = np.ones(inside.sum())
    n, w, g = now[inside], week[inside], good[inside]
    coefficients = np.linalg.lstsq(np.column_stack([ones, n, w, g, n & g, w & g]), y[inside])[0]
    expected = coefficients[3] + (coefficients[4] + coefficients[5]) / 3

    means = {key: y[keys == key].mean() for key in MEANS}
    assert weights(MainEffect(factor="framing", level="good"), DESIGN).of(means) == pytest.approx([expected], rel=1e-9)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


HOLE = Crossing(DESIGN.factors, ARMS, ({"timing": "month", "framing": "bad"},))


def test_a_forbidden_cell_is_no_cell() -> None:
    assert "month:bad" not in [cell.key for cell in HOLE.cells()]
    assert len(HOLE.cells()) == len(DESIGN.cells()) - 1


@pytest.mark.parametrize(
    "comparison",
    [
        MainEffect(factor="framing", level="good"),
        MainEffect(factor="timing"),
        Interaction(factors=("timing", "framing")),
        SimpleEffect(factor="framing", level="good", at=Fixed({"timing": "month"})),
    ],
)
def test_a_comparison_that_needs_a_forbidden_cell_is_not_estimable_and_names_it(comparison: Comparison) -> None:
    with pytest.raises(DeclarationError, match=r"needs the cells .*month:bad"):
        weights(comparison, HOLE)


def test_what_does_not_need_the_forbidden_cell_stays_estimable() -> None:
    simple = SimpleEffect(factor="framing", level="good", at=Fixed({"timing": "week"}))
    pooled = FeedbackVsArm(arm="silence")

    assert weights(simple, HOLE).of(MEANS) == pytest.approx([1.5], rel=RTOL)
    assert weights(pooled, HOLE).of(MEANS) == pytest.approx([18.5 / 5 - 0.5], rel=RTOL)


@pytest.mark.parametrize(
    ("comparison", "error", "message"),
    [
        (MainEffect(factor="timmimg"), NotFoundError, "Did you mean 'timing'"),
        (MainEffect(factor="timing", level="later", against="now"), DeclarationError, "'later' is unknown"),
        (MainEffect(factor="timing", level="now"), DeclarationError, "no reference level"),
        (MainEffect(factor="framing", level="bad"), DeclarationError, "compared with itself"),
        (Trend(factor="framing"), DeclarationError, "neither scores nor an order"),
        (Trend(factor="timing", degree=3), DeclarationError, "needs 4 levels"),
        (FeedbackVsArm(arm="silent"), NotFoundError, "Did you mean 'silence'"),
        (MeanVsValue(at=Fixed({"timing": "month", "framing": "ugly"})), DeclarationError, "'ugly' is unknown"),
        (Association(predictor="age"), DeclarationError, "a slope and has no weights"),
    ],
)
def test_a_comparison_that_makes_no_sense_says_why(
    comparison: Comparison, error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        weights(comparison, DESIGN)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MainEffect(factor="timing", against="now"), "'against' is given without 'level'"),
        (lambda: MainEffect(factor="timing", level="now", against="now"), "compared with itself"),
        (lambda: SimpleEffect(factor="timing", at=Fixed()), "needs 'at'"),
        (lambda: Interaction(factors=("timing",)), "at least two different factors"),
        (lambda: Interaction(levels=Fixed({"a": ("x", "y"), "b": ("x",)})), r"give \[level, against\]"),
        (lambda: Interaction(factors=("a", "b"), at=Fixed({"a": "x"})), "cannot both interact and be held"),
        (lambda: ArmVsArm(arm="silence", against="silence"), "compared with itself"),
        (lambda: WeightedCells(cells=(CellWeight(weight=1.0),)), "sum to 1"),
        (lambda: CellWeight(weight=1.0, arm="silence", at=Fixed({"a": "x"})), "'arm' or 'at', not both"),
    ],
)
def test_a_comparison_that_contradicts_itself_is_refused_at_birth(build: object, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (MainEffect(factor="framing", level="good"), "GOOD minus BAD, averaged evenly over timing"),
        (MainEffect(factor="timing"), "all levels of timing, averaged evenly over framing"),
        (
            SimpleEffect(factor="framing", level="good", at=Fixed({"timing": "week"})),
            "GOOD minus BAD where timing: WEEK",
        ),
        (
            Interaction(levels=Fixed({"framing": ("good", "bad"), "timing": ("now", "week")})),
            "how the difference (GOOD minus BAD) differs by (NOW minus WEEK)",
        ),
        (Interaction(factors=("timing", "framing")), "interaction of timing and framing"),
        (Trend(factor="timing"), "linear trend over timing, averaged evenly over framing"),
        (FeedbackVsArm(arm="silence"), "feedback, pooled evenly over its cells, minus silence"),
        (CellsVsArm(arm="silence"), "each feedback cell minus silence"),
        (ArmVsArm(arm="decision_only", against="silence"), "decision only minus silence"),
        (MeanVsValue(value=3.0), "mean minus 3"),
        (Association(predictor="age"), "slope on age"),
        (
            Moderation(factor="framing", level="good", by="age"),
            "how GOOD minus BAD changes with age, averaged evenly over timing",
        ),
        (
            WeightedCells(cells=(CellWeight(weight=1.0, arm="silence"), CellWeight(weight=-1.0))),
            "+1 x silence, -1 x feedback",
        ),
    ],
)
def test_a_comparison_is_said_in_words(comparison: Comparison, words: str) -> None:
    assert contrast_in_words(comparison, DESIGN) == words
