"""Cluster-robust inference from cells equals clubSandwich on the rows behind them."""

import json
from pathlib import Path

import numpy as np
import pytest

from feedbackstudy.errors import DataError
from feedbackstudy.policy.inference.cell_regression import fit_cells

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "policy_clubsandwich.json").read_text())
CELLS = {key: np.array(value) for key, value in REFERENCE["data"].items() if key != "what"}
CLOSE = 1e-9  # the reference is printed with 14 digits


def design(formula):
    columns = [np.ones(len(CELLS["n"])), CELLS["treated"].astype(float)]
    if "period" in formula:
        columns += [(CELLS["period"] == level).astype(float) for level in (1, 2, 3)]
    if "site" in formula:
        columns += [(CELLS["site"] == level).astype(float) for level in range(1, 9)]
    return np.column_stack(columns)


@pytest.mark.parametrize("case", REFERENCE["values"])
def test_equal_to_clubsandwich(case):
    formula, correction = case.split(" ")
    expected = REFERENCE["values"][case]
    x = design(formula)
    fit = fit_cells(x, CELLS["n"], CELLS["sum"], CELLS["site"], correction=correction)
    effect = fit.effect(np.eye(x.shape[1])[1])
    assert effect.estimate == pytest.approx(expected["beta"], rel=CLOSE)
    assert effect.se == pytest.approx(expected["se"], rel=CLOSE)
    if correction in {"CR2", "CR3"}:
        assert effect.df == pytest.approx(expected["df"], rel=CLOSE)
    else:
        assert effect.df == 8


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(DataError, match="there are 1"):
        fit_cells(np.ones((2, 1)), [3, 4], [1.0, 2.0], ["a", "a"])
    with pytest.raises(DataError, match="depend on each other"):
        fit_cells(np.ones((3, 2)), [3, 4, 5], [1.0, 2.0, 3.0], ["a", "b", "c"])
    fit = fit_cells(np.ones((2, 1)), [2, 2], [1.0, 1.0], ["a", "b"])
    with pytest.raises(DataError, match="no sampling variance"):
        fit.effect([1.0])


def test_empty_cells_change_nothing():
    x = design("y~treated+factor(period)")
    plain = fit_cells(x, CELLS["n"], CELLS["sum"], CELLS["site"]).effect([0, 1, 0, 0, 0])
    more = fit_cells(np.vstack([x, x[:1]]), [*CELLS["n"], 0], [*CELLS["sum"], 0.0], [*CELLS["site"], 99]).effect(
        [0, 1, 0, 0, 0]
    )
    assert (more.estimate, more.se, more.df) == (plain.estimate, plain.se, plain.df)


@pytest.mark.parametrize("correction", ["CR0", "CR1", "CR2", "CR3"])
def test_an_effect_without_variance_says_why(correction):
    def effect(arm, total, cluster):
        x = np.column_stack([np.ones(len(arm)), arm])
        return fit_cells(x, np.full(len(arm), 10.0), total, cluster, correction=correction).effect([0, 1])

    with pytest.raises(DataError, match=r"Each arm has one cluster \(2 in all\)"):
        effect([0, 1], [3.0, 5.0], ["a", "b"])
    with pytest.raises(DataError, match="Each arm has one cluster"):
        effect([0, 0, 1, 1], [3.0, 4.0, 5.0, 7.0], ["a", "a", "b", "b"])
    with pytest.raises(DataError, match="no cluster departs"):
        effect([0, 0, 1, 1], [3.1, 3.1, 5.3, 5.3], ["a", "b", "c", "d"])
    assert effect([0, 0, 1], [3.0, 4.0, 5.0], ["a", "b", "c"]).se > 0
