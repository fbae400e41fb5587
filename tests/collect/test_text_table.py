"""Text tables: the cells are the file's cells, whatever people typed; damage is found and named."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedbackstudy.collect import text_bytes
from feedbackstudy.collect.text_bytes import Content, read_content
from feedbackstudy.collect.text_proof import prove_cells
from feedbackstudy.collect.text_records import delimiter_of, scan
from feedbackstudy.collect.text_table import text_table
from feedbackstudy.errors import FileFormatError

# Everything but control characters, which are taken out with a warning, and lone surrogates, which no file holds.
CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('",;\t\n|\'"NA 01'), max_size=40)


def content(text, encoding="utf-8"):
    return Content(name="x.csv", kind="text", data=text.encode(encoding), sha256="")


def written(rows, delimiter=",", quoting=csv.QUOTE_MINIMAL, end="\n"):
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    return stream.getvalue()


def cells(table):
    return [list(table.row(i)) for i in range(len(table))]


@settings(max_examples=150)
@given(
    st.integers(2, 5).flatmap(lambda k: st.lists(st.lists(CELLS, min_size=k, max_size=k), min_size=1, max_size=6)),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_is_written_is_read(rows, delimiter, quoting, end):
    rows = [[f"column {i}" for i in range(len(rows[0]))], *rows]
    made = text_table(content(written(rows, delimiter, quoting, end)), delimiter=delimiter)
    wanted = [[cell.replace("\r\n", "\n") for cell in row] for row in rows]
    assert cells(made) == wanted
    assert made.n_proved == len(rows) * len(rows[0])


@given(
    st.lists(
        st.sampled_from(["1", "2.50", "007", "TRUE", "1e5", "", "NA", "nan", "inf", "0x1"]), min_size=1, max_size=8
    )
)
def test_cells_that_look_like_numbers_stay_text(column):
    made = text_table(content(written([["1", "2"], *([cell, "x"] for cell in column)])), delimiter=",")
    assert [row[0] for row in cells(made)] == ["1", *column]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_declared_encodings_are_read(encoding):
    text = "name,answer\nZoë,5\n"
    declared = None if encoding in {"utf-8-sig", "utf-16"} else encoding
    assert cells(text_table(content(text, encoding), encoding=declared)) == [["name", "answer"], ["Zoë", "5"]]


def test_a_cell_that_differs_from_the_file_is_found():
    data = b'a,b\n1,"x ""y"" and a long text"\n3,4\n'
    records = scan(data, ",", "x.csv")
    good = [pd.Categorical(["a", "1", "3"]), pd.Categorical(["b", 'x "y" and a long text', "4"])]
    assert prove_cells(data, records, good, "x.csv") == 6
    for place, text in ((1, "2"), (1, ""), (2, "30")):
        bad = list(good[0])
        bad[place] = text
        with pytest.raises(FileFormatError, match="two readings"):
            prove_cells(data, records, [pd.Categorical(bad), good[1]], "x.csv")
    with pytest.raises(FileFormatError, match="line 2, column 2"):
        prove_cells(data, records, [good[0], pd.Categorical(["b", 'x "y" and a lang text', "4"])], "x.csv")


def test_records_know_their_lines():
    data = b'a,b\n\n"1\n2",x\n3,4\n'
    records = scan(data, ",", "x.csv")
    np.testing.assert_array_equal(records.lines, [1, 3, 5])
    np.testing.assert_array_equal(records.widths, [2, 2, 2])


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b;c\n1,2;3\n", None),
        ("a;b;c\n1,5;2;3\n2;3;4\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a\n1\n", ","),
        ("a|b|c\n1|2|3\n", "|"),
    ],
)
def test_the_delimiter_is_read_off_the_file_or_asked_for(text, delimiter):
    if delimiter is None:
        with pytest.raises(FileFormatError, match="Give delimiter="):
            delimiter_of(text.encode(), "x.csv")
    else:
        assert delimiter_of(text.encode(), "x.csv") == delimiter


@pytest.mark.parametrize("text", ['a,b\n1,x"y\n', 'a,b\n"1,2\n', 'a,b\n1,"x"y"\n'])
def test_stray_quotation_marks_are_refused(text):
    with pytest.raises(FileFormatError, match="quotation mark"):
        text_table(content(text), delimiter=",")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    real = text_bytes.read_bounded

    def and_somebody_writes(file, limit):
        data = real(file, limit)
        path.write_text("a,b\n1,3\n", encoding="utf-8")
        return data

    monkeypatch.setattr(text_bytes, "read_bounded", and_somebody_writes)
    with pytest.raises(FileFormatError, match="changed while it was read"):
        read_content(path)


def test_a_folder_or_an_absent_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="is a folder"):
        read_content(tmp_path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_content(tmp_path / "none.csv")
