"""Codings agree with R's; what cannot be estimated is said, with the cells that are missing."""

from math import sqrt

import numpy as np
import pytest

from feedbackstudy.design.aliasing import alias_matrix, aliasing, estimability
from feedbackstudy.design.arms import Arm
from feedbackstudy.design.coding import all_terms, code_levels, model_matrix
from feedbackstudy.design.comparisons import FeedbackVsArm, Interaction, MainEffect
from feedbackstudy.design.contrasts import weights
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.factors import Factor
from feedbackstudy.errors import DeclarationError, InputError, NotFoundError
from feedbackstudy.named import Named


def factor(name="dose", codes="abcd", *, order=True, **more):
    levels = {code: f"Level {code}" for code in codes}
    return Factor(name=name, levels=levels, mode="described", order=tuple(codes) if order else (), **more)


# R 4.x: contr.treatment(4), contr.sum(4), contr.helmert(4), contr.poly(4), MASS::contr.sdif(4)
R = {
    "treatment": [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "sum": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]],
    "helmert": [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]],
    "polynomial": [
        [-0.6708204, 0.5, -0.2236068],
        [-0.2236068, -0.5, 0.6708204],
        [0.2236068, -0.5, -0.6708204],
        [0.6708204, 0.5, 0.2236068],
    ],
    "successive": [[-0.75, -0.5, -0.25], [0.25, -0.5, -0.25], [0.25, 0.5, -0.25], [0.25, 0.5, 0.75]],
}


@pytest.mark.parametrize("scheme", R)
def test_a_coding_is_the_one_of_r(scheme):
    assert np.allclose(code_levels(factor(), scheme).matrix, R[scheme], atol=1e-7)


def test_polynomials_stand_at_the_declared_scores():
    """R: contr.poly(3, scores = c(0, 2, 14))."""
    uneven = factor(codes="abc", scores={"a": 0.0, "b": 2.0, "c": 14.0})

    linear = code_levels(uneven, "polynomial").matrix[:, 0]

    centred = np.array([0, 2, 14]) - 16 / 3
    assert np.allclose(linear, centred / sqrt(float(centred @ centred)))


def test_each_coefficient_means_what_its_scheme_promises():
    treatment = code_levels(factor(reference="b"), "treatment")
    successive = code_levels(factor(), "successive")
    helmert = code_levels(factor(codes="abc"), "helmert")

    assert np.allclose(treatment.meaning, [[1, -1, 0, 0], [0, -1, 1, 0], [0, -1, 0, 1]])
    assert treatment.labels == ("a - b", "c - b", "d - b")
    assert np.allclose(successive.meaning, [[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1]])
    assert np.allclose(helmert.meaning, [[-1 / 2, 1 / 2, 0], [-1 / 6, -1 / 6, 1 / 3]])
    assert "What a coefficient estimates" in str(helmert)


@pytest.mark.parametrize("scheme", ["helmert", "polynomial", "successive"])
def test_a_coding_that_needs_an_order_is_refused_without_one(scheme):
    with pytest.raises(DeclarationError, match="neither an order nor scores"):
        code_levels(factor(order=False), scheme)


def test_codes_do_not_depend_on_how_levels_were_written():
    there, back = (code_levels(factor(codes=codes, order=False), "sum") for codes in ("abc", "cba"))

    assert there.levels == back.levels
    assert np.array_equal(there.matrix, back.matrix)


def test_an_unknown_coding_is_answered_with_the_nearest():
    with pytest.raises(DeclarationError, match="Did you mean 'helmert'"):
        code_levels(factor(), "helmerd")  # type: ignore[arg-type]


def crossing(*forbidden, arms=()):
    two = [factor("x", "ab"), factor("y", "cd"), factor("z", "ef")]
    return Crossing(Named(two), Named(arms), tuple(forbidden))


def test_every_coding_spans_the_same_cell_means_and_none_changes_a_contrast():
    cells = crossing(arms=(Arm(name="silence", told="nothing"),))
    terms = all_terms(cells.factors.names, 3)
    means = np.random.default_rng(3).normal(size=9)
    wanted = weights(MainEffect(factor="x", level="a", against="b"), cells).matrix @ means

    for scheme in ("treatment", "sum", "helmert", "polynomial", "successive", "orthonormal"):
        x = model_matrix(cells, terms, scheme=scheme).matrix
        fitted = x @ np.linalg.lstsq(x, means, rcond=None)[0]
        assert np.allclose(weights(MainEffect(factor="x", level="a", against="b"), cells).matrix @ fitted, wanted)


def test_terms_come_main_effects_first():
    assert all_terms(("a", "b", "c"), 2) == (("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"))


def test_a_full_crossing_aliases_nothing():
    found = aliasing(crossing())

    assert (found.rank, found.aliases, found.offending) == (8, (), ())
    assert "HOLDS" in str(found)


def test_an_empty_cell_aliases_an_interaction_and_is_named():
    found = aliasing(crossing(), empty=["a:c:e"])

    assert found.rank == 7
    assert found.offending == ("a:c:e",)
    assert "x:y:z" in found.terms
    assert aliasing(crossing(), all_terms(("x", "y", "z"), 2), empty=["a:c:e"]).aliases == ()


def test_half_a_design_aliases_a_main_effect_with_an_interaction():
    half = ["a:c:f", "a:d:e", "b:c:e", "b:d:f"]

    found = aliasing(crossing(), [("x",), ("y",), ("z",), ("x", "y")], empty=half)

    assert found.rank == 4
    assert found.aliases == ("x a - mean:y c - mean = +1 z e - mean",)
    assert set(found.terms) == {"z", "x:y"}
    assert set(found.offending) == set(half)


def test_a_lost_comparison_names_its_cells_and_a_saved_one_its_assumption():
    asked = {"h1": MainEffect(factor="x", level="a", against="b")}

    lost = estimability(asked, crossing({"x": "a", "y": "c", "z": "e"}))
    saved = estimability(asked, crossing({"x": "a", "y": "c", "z": "e"}), terms=all_terms(("x", "y", "z"), 1))
    gone = estimability(asked, crossing({"x": "a"}), terms=all_terms(("x", "y", "z"), 1))

    assert [(i.code, i.severity) for i in lost] == [("design.not_estimable", "error")]
    assert "a:c:e" in lost[0].what
    assert [(i.code, i.severity) for i in saved] == [("design.rests_on_model", "note")]
    assert gone.errors
    assert "a:c:e" in gone[0].what
    assert "a:d:f" in gone[0].what


def test_an_interaction_over_an_empty_cell_is_lost_and_an_arm_needs_its_people():
    silent = crossing(arms=(Arm(name="silence", told="nothing"),))
    asked = {
        "h1": Interaction(levels={"x": ("a", "b"), "y": ("c", "d")}),
        "h2": FeedbackVsArm(arm="silence"),
        "h3": MainEffect(factor="z", level="e", against="f"),
    }

    found = estimability(asked, silent, empty=["silence"])

    assert [i.where.split(":")[0] for i in found] == ["h2"]
    assert estimability(asked, silent) == []


def test_an_unknown_empty_cell_or_term_is_refused():
    with pytest.raises(DeclarationError, match=r"Cell 'a:c:x' is unknown\..*'a:c:e'"):
        aliasing(crossing(), empty=["a:c:x"])
    with pytest.raises(NotFoundError):
        model_matrix(crossing(), [("x", "w")])
    with pytest.raises(InputError, match="names a factor twice"):
        model_matrix(crossing(), [("x", "x")])


def test_the_alias_matrix_of_a_half_fraction_is_textbook():
    """2^(3-1) with C = AB: main effects are aliased one to one with the interaction of the other two."""
    a, b = np.array([-1, 1, -1, 1.0]), np.array([-1, -1, 1, 1.0])
    c = a * b
    x = np.column_stack([np.ones(4), a, b, c])

    leak = alias_matrix(x, np.column_stack([a * b, a * c, b * c]))

    assert np.allclose(leak, [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])
