"""The reader of lavaan syntax: what it reads, what it refuses, and that nothing in it is ever evaluated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackstudy.errors import DeclarationError
from feedbackstudy.psychometrics.cfa import cfa, factor_model, read_syntax
from feedbackstudy.psychometrics.cfa.expression import Dual, evaluate, parse, written
from feedbackstudy.psychometrics.cfa.syntax import write


def test_a_mapping_and_its_syntax_are_the_same_model():
    assert factor_model({"f": ["a", "b"], "g": ["c", "d"]}) == read_syntax("f =~ a + b\ng =~ c + d")


def test_comments_continued_lines_and_semicolons_are_read():
    model = read_syntax("f =~ a + # first\n  b +\n c; f ~~ 1*f ! fixed\n\ng =~ d\n + e")
    assert model.loadings() == {"f": ("a", "b", "c"), "g": ("d", "e")}
    assert model.statements[3].modifiers[0].fixed == 1.0


def test_modifiers_are_read():
    model = read_syntax("f =~ NA*a + l1*b + c(x1, x2)*c + start(0.5)*d + c(1, NA)*e + -2.5e-1*g + lab*1.5*h\na ~ 1")
    mods = {s.rhs: s.modifiers for s in model.statements if s.op == "=~"}
    assert mods["a"][0].freed
    assert mods["b"][0].label == "l1"
    assert [m.label for m in mods["c"]] == ["x1", "x2"]
    assert mods["d"][0].start == 0.5
    assert [m.fixed for m in mods["e"]] == [1.0, None]
    assert mods["g"][0].fixed == -0.25
    assert (mods["h"][0].label, mods["h"][0].fixed) == ("lab", 1.5)
    assert model.statements[-1].op == "~1"


@pytest.mark.parametrize(
    "text",
    [
        "f =~ a + l*b + c(2, NA)*c\nf ~~ 1*f\na ~~ b\na ~ 1\nx := l*2\nl == 0.5",
        "f =~ a + b\ng =~ f + c\na | t1 + t2",
        "f =~ start(0.3)*a + c(m, n)*b + c",
    ],
)
def test_what_is_written_reads_as_the_same_model(text):
    model = read_syntax(text)
    again = read_syntax(write(model))
    assert again.loadings() == model.loadings()
    assert write(again) == write(model)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f =~ a +* b", "neither a number"),
        ("hello", "no operator"),
        ("a ~~ b", "defines no factor"),
        ("f =~ ", "nothing on one side"),
        ("f =~ a + b\nl > 0", "inequality"),
        ("f =~ a + b\nx := l $ 2", "not arithmetic"),
        ("f =~ a + b\nx := (l", "bracket"),
        ("f =~ a + b\nx := system(l)", "Function 'system' is unknown"),
        ("f =~ a + b\nx := __import__(os)", "Function '__import__' is unknown"),
        ("f =~ 'a'*b", "neither a number"),
        ("f =~ a + b c", "is not a variable name"),
    ],
)
def test_what_is_not_the_grammar_is_refused_with_its_line(text, message):
    with pytest.raises(DeclarationError, match=message):
        read_syntax(text)


def test_deep_nesting_and_huge_texts_are_refused():
    with pytest.raises(DeclarationError, match="nested"):
        parse("(" * 500 + "a" + ")" * 500)
    with pytest.raises(DeclarationError, match="characters"):
        read_syntax("f =~ a\n" * 100_000)


@given(st.text(alphabet="=~|*+-:;()<>#!cfNA1. \n", max_size=60))
def test_no_text_makes_the_reader_fail_otherwise_than_by_saying_so(text):
    try:
        read_syntax(text)
    except DeclarationError as error:
        assert str(error)  # noqa: PT017


@given(st.floats(0.2, 3), st.floats(0.2, 3))
def test_gradients_of_expressions_are_derivatives(a, b):
    tree = parse("-(a - 2*b)^2 / (1 + sqrt(a)) + exp(-b)*log(a) - abs(a*b)^1.5 + a^b")

    def at(x, y):
        known = {"a": Dual(x, np.array([1.0, 0.0])), "b": Dual(y, np.array([0.0, 1.0]))}
        return evaluate(tree, known, 2)

    h = 1e-6
    numeric = [(at(a + h, b).value - at(a - h, b).value) / (2 * h), (at(a, b + h).value - at(a, b - h).value) / (2 * h)]
    assert at(a, b).gradient == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def test_powers_bind_as_in_r():
    value = evaluate(parse("-2^2 + 2^3^0.5"), {}, 0).value
    assert value == pytest.approx(-4 + 2 ** (3**0.5))
    assert evaluate(parse(written(parse("-2^2 + 2^3^0.5"))), {}, 0).value == pytest.approx(value)


def test_statements_about_strangers_name_the_nearest_variable(three_factors):
    with pytest.raises(DeclarationError, match="y2"):
        cfa(three_factors, "f =~ y1 + y2 + y3\ny22 ~~ y1")


def test_contradicting_or_curved_constraints_are_refused(three_factors):
    model = "f =~ y1 + a*y2 + b*y3\n"
    with pytest.raises(DeclarationError, match="not linear"):
        cfa(three_factors, model + "a == b*b")
    with pytest.raises(DeclarationError, match="contradict"):
        cfa(three_factors, model + "a == 1\na == 2")
    with pytest.raises(DeclarationError, match="Label 'z'"):
        cfa(three_factors, model + "a == z")


def test_regressing_an_item_is_refused_with_a_way_out(three_factors):
    with pytest.raises(DeclarationError, match="one-item factor"):
        cfa(three_factors, "f =~ y1 + y2 + y3\ny1 ~ f")


def test_modifiers_must_fit_the_number_of_groups(three_factors):
    with pytest.raises(DeclarationError, match="2 modifiers for 1 group"):
        cfa(three_factors, "f =~ y1 + c(a, b)*y2 + y3")
