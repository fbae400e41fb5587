"""Frames of results written for the eye."""

import math

import pandas as pd
import pytest

from feedbackstudy import report
from feedbackstudy.errors import DataError


def _cells(frame: pd.DataFrame, **given: int) -> list[list[str]]:
    lines = report.styled(frame, **given).hide(axis="index").to_string(delimiter="|").splitlines()
    return [line.split("|") for line in lines[1:]]


def test_each_column_is_written_as_its_name_says() -> None:
    frame = pd.DataFrame(
        {
            "estimate": [0.5, 0.00004, math.nan],
            "p": [0.0341, 0.00002, math.nan],
            "p_adjusted": [0.9999, 1.0, 0.05],
            "prob_direction": [0.99996, 0.5, math.nan],
            "bayes_factor": [1327.9, 4.02, math.nan],
            "n": [480.0, 1346.0, math.nan],
            "count": [1, 2, 3],
            "decision": ["supported", None, "<b>"],
        }
    )
    assert _cells(frame) == [
        ["0.500", ".034", "1.000", "> .999", "> 1000", "480", "1", "supported"],
        ["4.00e-05", "< .001", "1.000", ".500", "4.02", "1,346", "2", "\N{EN DASH}"],
        ["\N{EN DASH}", "\N{EN DASH}", ".050", "\N{EN DASH}", "\N{EN DASH}", "\N{EN DASH}", "3", "&lt;b&gt;"],
    ]


def test_the_frame_keeps_its_digits_and_decimals_may_be_chosen() -> None:
    frame = pd.DataFrame({("arm", "estimate"): [0.123456], ("arm", "p"): [0.00002]})
    assert _cells(frame, decimals=1)[-1] == ["0.1", "< .001"]
    assert frame.iloc[0, 0] == 0.123456


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match=r"named twice.*estimate"):
        report.styled(pd.DataFrame([[1.0, 2.0]], columns=["estimate", "estimate"]))


def test_names_are_text_and_never_markup() -> None:
    frame = pd.DataFrame({"<i>x</i>": [1.5]}, index=["<script>"])
    page = report.styled(frame).to_html()
    assert "<script>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;" in page
