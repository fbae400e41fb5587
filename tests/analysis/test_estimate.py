"""Estimates hold every column of the grammar, refuse impossible rows, and say when they are unfit to report."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from feedbackstudy.analysis.estimate import COLUMNS, Estimate, Estimates
from feedbackstudy.analysis.frequencies import Frequencies
from feedbackstudy.analysis.posterior import Posterior
from feedbackstudy.errors import DataError

MINIMAL = {
    "hypothesis": "h1",
    "outcome": "usefulness",
    "term": "timing",
    "contrast": "same day - later",
    "engine": "frequentist",
    "model": "t test",
    "estimate": 0.4,
}


def estimate(**columns: object) -> Estimate:
    return Estimate(**{**MINIMAL, **columns})


def test_the_columns_are_those_of_the_grammar_in_order():
    text = (Path(__file__).resolve().parents[2] / "ARCHITECTURE.md").read_text(encoding="utf-8")
    grammar = re.search(r"^- Estimates: [^`]*`([^`]*)`", text, re.MULTILINE)

    assert grammar is not None
    assert re.split(r",\s+", grammar.group(1)) == list(COLUMNS)


@pytest.mark.parametrize("rows", [(), (estimate(),), (estimate(n=3, p=0.2), estimate())])
def test_a_frame_has_all_columns_and_types_whatever_the_rows_hold(rows):
    frame = Estimates(rows=rows).frame()

    assert tuple(frame.columns) == COLUMNS
    assert frame["estimate"].dtype == np.float64
    assert str(frame["n"].dtype) == "Int64"
    assert frame["fit_to_report"].dtype == bool
    assert len(frame) == len(rows)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"p": 1.2}, "p is 1.2"),
        ({"prob_rope": -0.1}, "prob_rope is -0.1"),
        ({"low": 0.1}, "together"),
        ({"low": 0.5, "high": 0.1, "level": 0.95, "interval": "CI"}, "upside down"),
        ({"low": 0.1, "high": 0.5, "interval": "CI"}, "level between 0 and 1"),
        ({"low": 0.1, "high": 0.5, "level": 95, "interval": "CI"}, "given 95"),
        ({"interval": "HDI"}, "together"),
    ],
)
def test_an_impossible_row_is_refused(columns, message):
    with pytest.raises(DataError, match=message):
        estimate(**columns)


def test_a_row_that_is_unfit_to_report_says_so_first():
    table = Estimates(rows=(estimate(fit_to_report=False, note="R-hat 1.2 exceeds 1.01"),))

    assert "STOP: Not fit to report: same day - later (frequentist). R-hat 1.2 exceeds 1.01" in str(table)
    assert "Not fit to report" in table._repr_html_()


def test_what_comes_from_data_is_escaped():
    assert "<script>" not in Estimates(rows=(estimate(note="<script>alert(1)</script>"),))._repr_html_()


def test_a_hypothesis_is_picked_by_name_and_an_unknown_one_lists_those_there_are():
    table = Estimates(rows=(estimate(), estimate(hypothesis="h2")))

    assert [row.hypothesis for row in table["h2"]] == ["h2"]
    with pytest.raises(DataError, match="'h3' here; the table holds: h1, h2"):
        table["h3"]


def test_a_huge_bayes_factor_is_said_to_be_above_a_thousand():
    assert "BF10 > 1000" in str(Estimates(rows=(estimate(bayes_factor=3.27e17),)))


def posterior(**changes: object) -> Posterior:
    fields: dict[str, object] = {
        "quantity": "difference",
        "unit": "",
        "grid": np.linspace(-1, 1, 5),
        "density": np.ones(5),
        "median": 0.0,
        "low": -0.9,
        "high": 0.9,
        "level": 0.95,
        "interval_kind": "HDI",
    }
    return Posterior(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"density": np.ones(4)}, "density must hold finite values"),
        ({"density": np.array([1, 1, math.nan, 1, 1])}, "density must hold finite values"),
        ({"grid": np.array([0.0, 1, 1, 2, 3])}, "must increase"),
        ({"low": 1.0, "high": 0.0}, "upside down"),
    ],
)
def test_an_impossible_posterior_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        posterior(**changes)


def test_a_posterior_keeps_its_own_copy_that_nobody_can_change():
    density = np.ones(5)
    made = posterior(density=density)
    density[:] = 7

    assert made.density.tolist() == [1, 1, 1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        made.density[0] = 2


@pytest.mark.parametrize(
    ("counts", "fitted", "message"),
    [
        ([[1, -2]], None, "at least 0"),
        ([[1.5, 2.0]], None, "whole numbers"),
        ([[1, 2, 3]], None, "1 groups by 2 categories"),
        ([[1, 2]], [[1.0, math.nan]], "fitted counts must be finite"),
    ],
)
def test_impossible_frequencies_are_refused(counts, fitted, message):
    with pytest.raises(DataError, match=message):
        Frequencies(
            title="t",
            category_label="c",
            categories=("a", "b"),
            groups=("g",),
            counts=np.array(counts),
            fitted=None if fitted is None else np.array(fitted),
        )


def test_frequencies_show_observed_and_expected_counts():
    shown = str(
        Frequencies(
            title="Tasks",
            category_label="tasks",
            categories=(0, 1),
            groups=("control",),
            counts=np.array([[3, 4]]),
            fitted=np.array([[3.5, 3.5]]),
        )
    )

    assert "control, expected" in shown
    assert "7" in shown
