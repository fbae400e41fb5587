"""Rendering: numbers as the field prints them, every slot escaped, nothing that runs or reaches out."""

import math
from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

from feedbackstudy.render import (
    Facts,
    Notice,
    Page,
    Rendered,
    Table,
    Text,
    clean,
    escape,
    interval,
    number,
    p_value,
    table_of,
)

MINUS, DASH, INFINITY = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{INFINITY}"
ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</style><script>x</script>",
    "</td></table><iframe src='https://example.org'>",
    "<!--",
    "&lt;script&gt;",
    "\x00<b>\x1b[31m",
    "\u202egnp.exe",
    "\ud800",
]


class Reader(HTMLParser):
    """Collects what a browser would see: tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def pages_with(text: str) -> dict[str, Page]:
    """Return one page for each slot that can hold text."""
    return {
        "title": Page(title=text),
        "subtitle": Page(title="t", subtitle=text),
        "paragraph": Page(title="t", blocks=(Text(text),)),
        "notice": Page(title="t", blocks=(Notice(text),)),
        "error notice": Page(title="t", blocks=(Notice(text, "error"),)),
        "fact label": Page(title="t", blocks=(Facts(((text, "v"),)),)),
        "fact value": Page(title="t", blocks=(Facts((("l", text),)),)),
        "column head": Page(title="t", blocks=(Table((text,), (("c",),)),)),
        "cell": Page(title="t", blocks=(Table(("h",), ((text,),)),)),
        "caption": Page(title="t", blocks=(Table(("h",), (("c",),), text),)),
        "record key": Page(title="t", blocks=(table_of([{text: 1}]),)),
        "record value": Page(title="t", blocks=(table_of([{"k": text}], caption=text),)),
    }


SLOTS = list(pages_with("x"))


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_markup_in_any_slot_stays_text(slot, attack):
    harmless = Reader(pages_with("harmless")[slot].html())
    attacked = Reader(pages_with(attack)[slot].html())

    assert attacked.tags == harmless.tags
    assert attacked.attributes == harmless.attributes
    assert attacked.open == []
    assert clean(attack) in attacked.text


@pytest.mark.parametrize("slot", SLOTS)
@given(text=st.text(min_size=1, max_size=60))
def test_no_text_at_all_changes_the_structure_of_a_page(slot, text):
    assert Reader(pages_with(text)[slot].html()).tags == Reader(pages_with("x")[slot].html()).tags


def test_a_page_runs_nothing_and_reaches_nowhere():
    page = Page(
        title="t", subtitle="s", blocks=(Text("a"), Notice("b"), Facts((("c", "d"),)), Table(("e",), (("f",),)))
    )
    seen = Reader(page.html())

    assert {"script", "link", "img", "iframe", "object", "form"}.isdisjoint(seen.tags)
    assert not any(name.startswith("on") or name in {"src", "href", "style"} for name, _ in seen.attributes)
    assert "http" not in page.html()
    assert "@import" not in page.html()
    assert "url(" not in page.html()


def test_the_style_sheet_can_be_left_out():
    assert "<style>" in Page(title="t").html()
    assert "<style>" not in Page(title="t").html(style=False)


@given(st.text())
def test_cleaned_text_has_no_control_character_and_stays_clean(text):
    once = clean(text)

    assert clean(once) == once
    assert len(once) == len(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in once)
    once.encode("utf-8")


def test_cleaning_keeps_line_breaks_tabs_and_other_scripts():
    assert clean("a\tb\nc Käse 面接 עברית") == "a\tb\nc Käse 面接 עברית"


@given(st.text())
def test_escaped_text_holds_no_markup(text):
    assert not set(escape(text)) & set("<>\"'")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.23456, "1.235"),
        (-1.23456, f"{MINUS}1.235"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (1234567.891, "1,234,567.891"),
        (12, "12"),
        (-12, f"{MINUS}12"),
        (1234, "1,234"),
        (np.int64(5), "5"),
        (np.float64(0.5), "0.500"),
        (0.00004, "4.00e-05"),
        (-0.00004, f"{MINUS}4.00e-05"),
        (0.0005, "0.001"),
        (None, DASH),
        (math.nan, DASH),
        (pd.NA, DASH),
        (pd.NaT, DASH),
        (math.inf, INFINITY),
        (-math.inf, f"{MINUS}{INFINITY}"),
        (True, "True"),
        (np.True_, "True"),
        ("text", "text"),
        ("<b>", "<b>"),
    ],
)
def test_a_number_is_printed_for_reading(value, expected):
    assert number(value) == expected


def test_a_number_has_the_decimals_asked_for():
    assert number(2.5, 0) == "2"  # round half to even, as Python and IEEE 754 do
    assert number(2.345, 2) in {"2.35", "2.34"}
    assert number(0.5, 1) == "0.5"


@pytest.mark.parametrize(("value", "expected"), [(0.05, ".050"), (-0.5, f"{MINUS}.500"), (1.0, "1.000"), (0.0, ".000")])
def test_a_value_between_minus_one_and_one_drops_its_leading_zero(value, expected):
    assert number(value, unit_interval=True) == expected


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), st.integers(1, 6))
def test_a_printed_number_reads_back_within_half_a_digit(value, decimals):
    back = float(number(value, decimals).replace(",", "").replace(MINUS, "-"))

    assert back == pytest.approx(value, abs=0.51 * 10**-decimals, rel=1e-12)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.034, "p = .034"),
        (0.0009999, "p < .001"),
        (0.001, "p = .001"),
        (0.0, "p < .001"),
        (1.0, "p = 1.000"),
        (None, f"p {DASH}"),
        (math.nan, f"p {DASH}"),
    ],
)
def test_a_p_value_follows_apa(p, expected):
    assert p_value(p) == expected


@given(st.floats(0, 1))
def test_a_p_value_is_never_printed_as_zero(p):
    assert "= .000" not in p_value(p)


def test_an_interval_shows_both_limits_or_a_dash():
    assert interval(-0.05, 0.05, 2) == f"[{MINUS}0.05, 0.05]"
    assert interval(None, 1.0) == f"[{DASH}, 1.000]"


def test_a_table_of_records_keeps_the_columns_asked_for_in_their_order():
    table = table_of([{"b": 2, "a": 1.5, "c": None}, {"a": -1.0}], {"a": "A", "b": "B"}, decimals=1)

    assert table.head == ("A", "B")
    assert table.rows == (("1.5", "2"), (f"{MINUS}1.0", DASH))


def test_a_table_of_no_records_is_empty():
    assert table_of([]) == Table((), ())
    assert table_of([]).plain() == ""


def test_records_may_come_from_a_generator():
    assert table_of({"a": i} for i in range(2)).rows == (("0",), ("1",))


def test_a_long_cell_is_wrapped_within_its_column_and_loses_nothing():
    words = " ".join(f"word{i}" for i in range(30))
    text = Table(("head", "other"), ((words, "x"),)).plain()

    assert max(map(len, text.splitlines())) <= 36 + 2 + 5
    assert all(f"word{i}" in text for i in range(30))


def test_every_tone_is_also_said_as_a_word():
    words = {tone: Notice("x", tone).plain().split(":")[0] for tone in ("warning", "error", "good")}

    assert words == {"warning": "NOTE", "error": "STOP", "good": "HOLDS"}
    assert "<strong>Stop.</strong>" in Notice("x", "error").html()


def test_a_long_fact_label_does_not_swallow_its_value():
    assert "value" in Facts((("a label that is far longer than thirty characters", "value"),)).plain()


class Shown(Rendered):
    def page(self) -> Page:
        return Page(title="A result", blocks=(Text("body"),))


def test_a_result_shows_itself_as_html_and_as_text():
    assert Shown()._repr_html_() == Shown().page().html()
    assert str(Shown()) == "A result\n========\n\nbody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Rendered):
    """A result as ours are: a frozen record whose repr names a folder on the author's machine."""

    folder: str = "/a/folder"

    def page(self) -> Page:
        return Page(title="A result")


@pytest.mark.parametrize("result", [Shown(), Recorded()])
def test_a_notebook_shows_the_page_and_never_the_repr(result):
    shown, _ = DisplayFormatter().format(result)

    assert shown == {"text/html": result.page().html(), "text/plain": str(result)}


def test_a_result_without_a_page_cannot_be_made():
    with pytest.raises(TypeError, match="page"):
        Rendered()


def test_figures_at_the_edge_of_rounding_are_printed_alike():
    """A p value just below .05 and .05 itself look alike; no mark of significance stands beside either."""
    assert p_value(0.0499999) == p_value(0.05) == "p = .050"
    assert number(-0.0) == number(0.0) == "0.000"
    assert number(-0.0, 1) == "0.0"


def test_a_number_beside_its_interval_may_be_nought():
    assert number(0.00312, 2) == "3.12e-03"
    assert number(0.00312, 2, fixed=True) == "0.00"
    assert number(-0.00312, 2, fixed=True) == "0.00"
