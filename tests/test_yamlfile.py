"""YAML: plain data with a line for every value; whatever two readers could read differently is an error."""

import math
import time
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from feedbackstudy.errors import FileFormatError
from feedbackstudy.yamlfile import MAX_BYTES, MAX_DEPTH, dump, parse, read


def test_plain_data_of_every_kind_is_read():
    words = 'd: true\ne: false\nf: null\ng: ~\nh:\ni: word\nj: "yes"\n'
    text = f"a: 1\nb: -2.5\nc: 1.5e3\n{words}k: [1, two, 3.0]\nl: {{m: n1}}\n"

    assert parse(text).data == {
        "a": 1,
        "b": -2.5,
        "c": 1500.0,
        "d": True,
        "e": False,
        "f": None,
        "g": None,
        "h": None,
        "i": "word",
        "j": "yes",
        "k": [1, "two", 3.0],
        "l": {"m": "n1"},
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_document_holds_nothing(text):
    assert parse(text).data is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1", int),
        ("-1", int),
        ("+1", int),
        ("0", int),
        ("1.0", float),
        (".5", float),
        ("1e3", float),
        ("-1.5E-3", float),
        ("1.2.3", str),
        ("2004-01-05", str),
        ("1-2", str),
        ("e", str),
        ("p < .05", str),
        ("3rd", str),
        ("nan", str),
        ("inf", str),
    ],
)
def test_a_number_is_a_number_and_nothing_else_is(value, kind):
    assert type(parse(f"x: {value}").data["x"]) is kind


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 5000, "0." + "3" * 500])
def test_a_number_beyond_what_a_number_holds_is_refused_with_its_line(number):
    with pytest.raises(FileFormatError, match=r"f:2: the number .* is beyond"):
        parse(f"a: 1\nb: {number}\n", "f")


AMBIGUOUS = [
    *("no", "No", "NO", "yes", "Yes", "on", "On", "off", "OFF", "y", "n", "Y", "N"),
    *("True", "TRUE", "False", "FALSE", "Null", "NULL"),
    *("12:30", "1:2:3", "190:20:30.15", "-1:30"),
    *("010", "007", "-010", "00"),
    *("0x1F", "0o17", "0b101"),
    *("1_000", "1_0.5"),
    *(".inf", "-.inf", ".nan", ".NaN", "+.Inf"),
    *("=",),
]


@pytest.mark.parametrize("word", AMBIGUOUS)
def test_a_word_that_readers_disagree_about_is_refused_with_its_line_and_the_way_out(word):
    with pytest.raises(FileFormatError, match=r"study\.yaml:2: .*ambiguous") as refusal:
        parse(f"a: 1\nb: {word}\n", "study.yaml")

    assert repr(word) in str(refusal.value)


@pytest.mark.parametrize("word", AMBIGUOUS)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_same_word_in_quotes_is_text(word, quote):
    assert parse(f"b: {quote}{word}{quote}").data == {"b": word}


# Other readers of YAML 1.1 change y and n, readers of 1.2 change 0o17; PyYAML has no reading for a lone "=".
@pytest.mark.parametrize("word", sorted(set(AMBIGUOUS) - {"y", "n", "Y", "N", "0o17", "="}))
def test_a_refused_word_is_one_that_a_reader_of_yaml_1_1_changes(word):
    assert not isinstance(yaml.safe_load(word), str)


def test_the_everyday_column_names_n_and_y_may_be_keys():
    assert parse("n: 3\ny: 4\n").data == {"n": 3, "y": 4}


@pytest.mark.parametrize("key", ["no", "on", "12:30", "010", "true", "null", "~", "1.5", ".inf", "<<"])
def test_another_ambiguous_word_may_not_be_a_key(key):
    with pytest.raises(FileFormatError, match=r":1: "):
        parse(f"{key}: 1\n", "f")


def test_a_whole_number_as_key_becomes_its_text():
    assert parse("1: a\n2: b\n").data == {"1": "a", "2": "b"}


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", 'a: 1\nb: 2\n"a": 3\n', "1: x\nb: 2\n'1': y\n"])
def test_a_key_given_twice_is_refused_with_both_lines(text):
    with pytest.raises(FileFormatError, match=r"f:3: key '[a1]' is given twice \(first on line 1\)"):
        parse(text, "f")


def test_a_key_given_twice_deep_inside_is_refused():
    with pytest.raises(FileFormatError, match="f:4: key 'code' is given twice"):
        parse("factors:\n  - name: x\n    code: 1\n    code: 2\n", "f")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: &x [1]\nb: *x\n", 1, "anchors and aliases"),
        ("a: 1\nb: *x\n", 2, "anchors and aliases"),
        ("a:\n  &k b: 1\n", 2, "anchors and aliases"),
        ("x: 1\n<<: {a: 1}\n", 2, "in quotes"),
        ("a: !!python/object/apply:os.system ['echo']\n", 1, "tag"),
        ("a: !!python/name:os.system\n", 1, "tag"),
        ("a: !!binary aGk=\n", 1, "tag"),
        ("a: !!set {x}\n", 1, "tag"),
        ("a: !!str 1\n", 1, "tag"),
        ("a: !mine 1\n", 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a:\n\tb: 1\n", 2, "spaces, never with tabs"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: 'open\n", 2, "not valid YAML"),
        ("a: 1\n b: 2\n", 2, "not valid YAML"),
        ("? [a, b]\n: 1\n", 1, "plain word"),
        ("? {a: b}\n: 1\n", 1, "plain word"),
        ("a: @x\n", 1, "not valid YAML"),
        ("a: `x`\n", 1, "not valid YAML"),
        ("%YAML 9.9\n---\na: 1\n", 1, "not valid YAML"),
    ],
)
def test_what_is_more_than_plain_data_is_refused_with_its_line(text, line, said):
    with pytest.raises(FileFormatError, match=rf"^f:{line}: ") as refusal:
        parse(text, "f")

    assert said in str(refusal.value)


@pytest.mark.parametrize("text", ["a: \x07\n", "\x00", "a: \ud800\n", "a: \ufffe\n"], ids=repr)
def test_characters_that_yaml_does_not_allow_are_refused(text):
    with pytest.raises(FileFormatError, match=r"^f.*not valid YAML"):
        parse(text, "f")


BILLION_LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "billion laughs": BILLION_LAUGHS,
    "an alias of itself": "a: &a [*a]\n",
    "deep flow lists": "[" * 100_000,
    "deep flow lists, closed": "[" * 5_000 + "]" * 5_000,
    "deep flow mappings": "{a: " * 20_000,
    "deep block lists": "- " * 2_000 + "x",
    "deep block mappings": "".join(f"{' ' * i}a:\n" for i in range(900)),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_quickly(bomb):
    started = time.process_time()
    with pytest.raises(FileFormatError, match=r"^f:\d+: "):
        parse(bomb, "f")

    assert time.process_time() - started < 3


def test_the_deepest_nesting_accepted_is_as_stated():
    assert parse("[" * MAX_DEPTH + "]" * MAX_DEPTH).data is not None
    with pytest.raises(FileFormatError, match=f"more than {MAX_DEPTH} levels"):
        parse("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(tmp_path):
    (tmp_path / "x.yaml").write_text("a: " + "x" * MAX_BYTES, encoding="utf-8")

    with pytest.raises(FileFormatError, match="larger than the 1,000,000 bytes"):
        read(tmp_path / "x.yaml")


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path):
    (tmp_path / "x.yaml").write_bytes("a: 1\nb: Käse\n".encode("latin-1"))

    with pytest.raises(FileFormatError, match=r"x\.yaml:2: not UTF-8 text; save the file with the encoding UTF-8"):
        read(tmp_path / "x.yaml")


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: 1\n", b"a: 1\r\n", b"a: 1"])
def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path, content):
    (tmp_path / "x.yaml").write_bytes(content)

    assert read(tmp_path / "x.yaml").data == {"a": 1}


def test_every_value_knows_its_line():
    document = parse("# head\na: 1\nb:\n  - c: 2\n  -\n    d: 3\n", "f")

    assert document.line(("a",)) == 2
    assert document.line(("b",)) == 3
    assert document.line(("b", 0, "c")) == 4
    assert document.line(("b", 1, "d")) == 6


def test_a_place_that_is_absent_has_the_line_of_what_encloses_it():
    document = parse("a: 1\nb:\n  c: 2\n", "f")

    assert document.line(("b", "missing")) == 2
    assert document.line(("missing",)) == 1
    assert parse("", "f").line(("a",)) == 1


# Printable text as a study file may hold it: YAML itself bars controls and lone surrogates.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufeff"), max_size=30
) | (
    st.sampled_from(
        [*AMBIGUOUS, "", " ", "a: b", "- a", "#", "a #b", "'", '"', "|", ">", "null", "1", "1.5", "<<", "a\nb"]
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
KEYS = TEXTS.filter(lambda text: "\n" not in text)
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


def same(left: object, right: object) -> bool:
    """Equal in value and in type, all the way down: 1 is not 1.0 and not True."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


@given(DATA)
def test_what_is_written_is_read_back_the_same(data):
    assert same(parse(dump(data)).data, data)


@given(DATA)
def test_another_reader_reads_the_same_text_the_same_way(data):
    assert same(yaml.safe_load(dump(data)), data)


@given(st.dictionaries(KEYS, SCALARS, min_size=2, max_size=6))
def test_writing_keeps_the_order_of_keys(data):
    assert list(parse(dump(data)).data) == list(data)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_with_the_file_named(text):
    try:
        outcome = parse(text, "f.yaml").source
    except FileFormatError as refusal:
        outcome = str(refusal)

    assert outcome.startswith("f.yaml")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_not_written(value):
    with pytest.raises(FileFormatError, match=f"{value} cannot be written"):
        dump({"x": value})


def test_a_shared_object_is_written_out_twice():
    shared = [1]

    assert parse(dump({"a": shared, "b": shared})).data == {"a": [1], "b": [1]}


class Surprise:
    pass


@pytest.mark.parametrize("thing", [Surprise(), {1, 2}, b"x", date(2004, 1, 5)], ids=["object", "set", "bytes", "date"])
def test_what_is_not_plain_data_is_not_written(thing):
    with pytest.raises(FileFormatError, match="plain data"):
        dump({"x": thing})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: Timing: does it matter", "in quotes"),
        ("a:\n  - name: x\n    label: y\n   mode: z", "begin in the same column"),
        ("a: 'open\nb: 1", "never closed"),
        ("a: %x", "in quotes"),
    ],
)
def test_a_slip_of_the_pen_is_said_in_plain_words(text, said):
    with pytest.raises(FileFormatError, match=said) as fault:
        parse(text)
    assert "block end" not in str(fault.value)
    assert "mapping values" not in str(fault.value)
