"""Rows that a model of cells cannot take are refused with a reason."""

import numpy as np
import pytest

from feedbackstudy.analysis.bayesian.cell_rows import cell_rows, in_units
from feedbackstudy.errors import DataError, InputError

Y, CELL = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": [1.0, np.nan, 2.0, 3.0]}, "one finite outcome"),
        ({"y": [1.0, 2.0]}, "one finite outcome"),
        ({"cell": [0, 1, 0, 2]}, "positions from 0 to 1"),
        ({"n_cells": 3}, "hold no rows"),
        ({"covariates": [1.0, 2.0, np.inf, 0.0]}, "must be finite"),
        ({"groups": {"site": [0, 0, 0, 0]}}, "has one group"),
        ({"groups": {"site": [0.5, 1.0, 2.0, 3.0]}}, "position"),
        ({"groups": {"a b": [0, 0, 1, 1]}}, "letters, digits"),
        ({"slopes": {"sit": Y}, "groups": {"site": [0, 0, 1, 1]}}, "'site'"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        cell_rows(**{"y": Y, "cell": CELL, "n_cells": 2, **change})


def test_groups_are_renumbered_and_counted():
    rows = cell_rows(Y, CELL, 2, groups={"site": [7, 7, 3, 3]}, slopes={"site": Y})

    assert rows.groups[0].member.tolist() == [1, 1, 0, 0]
    assert (rows.groups[0].count, rows.groups[0].size, rows.groups[0].rows_per_group) == (2, 2, 2.0)


def test_covariates_are_measured_in_their_spread():
    rows = cell_rows(Y, CELL, 2, covariates=10 * Y)

    assert in_units(rows).covariates.std(ddof=1) == pytest.approx(1)
    assert in_units(rows, [5.0]).covariates[:, 0] == pytest.approx(2 * Y)
    with pytest.raises(DataError, match="positive spread"):
        in_units(cell_rows(Y, CELL, 2, covariates=np.ones(4)))
