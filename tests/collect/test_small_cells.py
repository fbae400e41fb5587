"""Small cells: what is withheld cannot be derived from what is shown."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from feedbackstudy.collect.small_cells import TOTAL, ranges, suppress, suppressed_means
from feedbackstudy.errors import DataError


def equations(shown: pd.DataFrame) -> list[tuple[dict[tuple[str, str], float], float]]:
    known = [
        ({(r, c): 1.0}, float(shown.loc[r, c])) for r in shown.index for c in shown.columns if pd.notna(shown.loc[r, c])
    ]
    rows = [({(r, c): -1.0 if c == TOTAL else 1.0 for c in shown.columns}, 0.0) for r in shown.index]
    columns = [({(r, c): -1.0 if r == TOTAL else 1.0 for r in shown.index}, 0.0) for c in shown.columns]
    return known + (rows if TOTAL in shown.columns else []) + (columns if TOTAL in shown.index else [])


def integer_range(shown: pd.DataFrame, row: str, column: str) -> tuple[float, float]:
    """Bound a withheld count by an integer programme written for the test: an attack that shares no code with ours."""
    names = [(r, c) for r in shown.index for c in shown.columns]
    left = np.array([[weights.get(name, 0.0) for name in names] for weights, _ in equations(shown)])
    right = [value for _, value in equations(shown)]
    ends = []
    for sign in (1, -1):
        found = milp(
            np.array([sign * float(name == (row, column)) for name in names]),
            constraints=LinearConstraint(left, right, right),
            integrality=np.ones(len(names)),
            bounds=Bounds(0, 1e6),
        )
        ends.append(sign * found.fun)
    return ends[0], ends[1]


def table(values: list[list[int]]) -> pd.DataFrame:
    return pd.DataFrame(
        values, index=[f"r{i}" for i in range(len(values))], columns=[f"c{j}" for j in range(len(values[0]))]
    )


TABLES = st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 40), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


@given(TABLES)
@settings(max_examples=60)
def test_no_withheld_count_is_determined_and_small_ones_keep_k_values(values):
    counts = table(values)
    found = suppress(counts, k=5)

    whole = found.frame.isna().to_numpy()
    if whole.all():
        return  # nothing is shown
    for (row, column), _ in ranges(found).items():
        low, high = integer_range(found.frame, row, column)
        assert high - low >= 1
    for i, j in np.argwhere((counts.to_numpy() > 0) & (counts.to_numpy() < 5)):
        low, high = integer_range(found.frame, f"r{i}", f"c{j}")
        assert high - low >= 5


@given(TABLES)
@settings(max_examples=60)
def test_what_is_shown_is_right_and_never_small(values):
    counts = table(values)
    frame = suppress(counts, k=5).frame

    inner = frame.loc[counts.index, counts.columns]
    assert ((inner == counts) | inner.isna()).all(axis=None)
    shown = frame.to_numpy(dtype=float, na_value=np.nan)
    assert not ((shown > 0) & (shown < 5)).any()


def test_a_lone_small_group_takes_the_next_smallest_with_it():
    found = suppress(pd.DataFrame({"n": [3, 20, 30]}, index=["a", "b", "c"]), k=5)

    assert found.frame["n"].isna().tolist() == [True, True, False, False]
    assert (found.primary, found.complementary) == (1, 1)


def test_a_table_without_small_cells_is_left_alone():
    assert suppress(table([[5, 9], [0, 12]])).withheld == 0


def test_our_bounds_are_those_of_the_integer_programme():
    found = suppress(table([[2, 14, 9], [11, 7, 8], [30, 4, 6]]))

    for (row, column), bounds in ranges(found).items():
        assert bounds == pytest.approx(integer_range(found.frame, row, column), abs=1e-6)


def test_means_of_small_groups_and_of_one_more_are_withheld_and_nobodys_own_value_is_given():
    frame = pd.DataFrame({"site": ["a"] * 3 + ["b"] * 8 + ["c"] * 20, "score": np.arange(31.0)})

    found = suppressed_means(frame, by=["site"], value="score")

    assert found["mean"].isna().tolist() == [True, True, False, False]
    assert list(found.columns) == ["group", "n", "mean", "sd"]
    assert found["mean"].iloc[-1] == pytest.approx(15.0)


@pytest.mark.parametrize("values", [[[1.5]], [[-1]], [[float("nan")]]])
def test_what_is_no_count_is_refused(values):
    with pytest.raises(DataError):
        suppress(table(values))
