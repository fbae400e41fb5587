"""Rounding keeps every expectation exactly: shown by walking through every branch of every coin."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbackstudy.assign.rounding import round_table
from feedbackstudy.design.chance import Stream, exact, pick, shuffled

F = Fraction


def rounded(table):
    return lambda chance: tuple(map(tuple, round_table(table, chance)))


def expectation(outcomes, row, column):
    return sum(p * table[row][column] for table, p in outcomes.items())


@pytest.mark.parametrize(
    "table",
    [
        [[F(9, 5), F(7, 5), F(4, 5)]],  # 4 people, .45/.35/.20: the case that sequential sampling gets wrong
        [[F(8, 5), F(12, 5), F(27, 10), F(33, 10)]],
        [[F(3, 2), F(3, 2)], [F(3, 2), F(3, 2)]],
        [[F(1, 3), F(2, 3)], [F(2, 3), F(1, 3)], [F(5, 6), F(1, 6)]],
    ],
)
def test_every_expected_number_is_exactly_the_one_declared(table, enumerate_outcomes):
    outcomes = enumerate_outcomes(rounded(table))

    for row, values in enumerate(table):
        for column, value in enumerate(values):
            assert expectation(outcomes, row, column) == value


def test_two_blocks_of_three_always_give_exactly_three_of_each_arm(enumerate_outcomes):
    outcomes = enumerate_outcomes(rounded([[F(3, 2), F(3, 2)], [F(3, 2), F(3, 2)]]))

    assert {(1, 2), (2, 1)} == {row for table in outcomes for row in table}
    assert all(sum(row[0] for row in table) == 3 for table in outcomes)


def test_no_pair_of_leftovers_is_impossible(enumerate_outcomes):
    outcomes = enumerate_outcomes(rounded([[F(1, 2)] * 4]))

    assert len(outcomes) == 6
    assert set(outcomes.values()) == {F(1, 6)}


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=8).filter(
        lambda rows: all(map(sum, rows))
    ),
    st.integers(1, 7),
    st.integers(0, 2**31),
)
def test_counts_rows_and_columns_are_neighbouring_whole_numbers(parts, size, seed):
    table = [[F(size * part, sum(row)) for part in row] for row in parts]

    whole = round_table(table, Stream(seed))

    assert [sum(row) for row in whole] == [size] * len(table)
    for got, want in zip(zip(*whole, strict=True), zip(*table, strict=True), strict=True):
        assert floor(sum(want)) <= sum(got) <= ceil(sum(want))
        assert all(floor(w) <= g <= ceil(w) for g, w in zip(got, want, strict=True))


def test_a_row_that_is_no_whole_number_is_refused():
    with pytest.raises(ValueError, match=r"a block has 0\.5 people"):
        round_table([[F(1, 4), F(1, 4)]], Stream(1))


def test_the_stream_is_the_one_it_always_was():
    stream = Stream(20260103, "assign")

    assert [stream.below(1000) for _ in range(8)] == GOLDEN_STREAM
    assert Stream(1, "live").below(2**200) != Stream(1, "test").below(2**200)


def test_numbers_below_n_are_equally_likely():
    stream = Stream(5)
    counts = [0] * 6
    for _ in range(60_000):
        counts[stream.below(6)] += 1

    assert max(abs(c - 10_000) for c in counts) < 5 * (60_000 * 5 / 36) ** 0.5


def test_every_order_and_every_pick_has_its_exact_probability(enumerate_outcomes):
    orders = enumerate_outcomes(lambda chance: tuple(shuffled("abcd", chance)))
    picks = enumerate_outcomes(lambda chance: pick([exact(0.45), exact(0.35), exact(0.2)], chance))

    assert len(orders) == 24
    assert set(orders.values()) == {F(1, 24)}
    assert picks == {0: F(9, 20), 1: F(7, 20), 2: F(1, 5)}


GOLDEN_STREAM = [11, 820, 124, 181, 755, 437, 836, 933]
