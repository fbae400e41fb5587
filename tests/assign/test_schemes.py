"""Schemes give every unit exactly the declared probabilities: shown by enumeration of all outcomes."""

from fractions import Fraction
from math import comb, factorial
from time import perf_counter

import numpy as np
import pytest

from feedbackstudy.assign.clusters import SplitPlot, WholeClusters
from feedbackstudy.assign.conditioning import among
from feedbackstudy.assign.minimise import Minimisation
from feedbackstudy.assign.permuting import count_assignments, permute
from feedbackstudy.assign.schemes import Complete, PermutedBlocks, Simple, block_unit
from feedbackstudy.design.chance import Stream
from feedbackstudy.errors import DataError, DeclarationError, InputError

F = Fraction

UNEQUAL = (F(9, 20), F(7, 20), F(1, 5))
EVEN = (F(1, 2), F(1, 2))
THIRDS = (F(1, 3),) * 3


def one_block(weights, n):
    return Complete(weights=(tuple(weights),), blocks=(0,) * n)


def marginals(outcomes, unit, k):
    return [sum((p for draw, p in outcomes.items() if draw[unit] == c), F(0)) for c in range(k)]


SCHEMES = {
    "simple": Simple(weights=UNEQUAL, n=2),
    "complete, multi-arm remainder (randomizr gives .4417, .3667, .1917)": one_block(UNEQUAL, 4),
    "complete, more conditions than units": one_block(UNEQUAL, 2),
    "blocks of unlike size": Complete(weights=(UNEQUAL, UNEQUAL), blocks=(0, 0, 1, 1, 1)),
    "two blocks of three": Complete(weights=(EVEN, EVEN), blocks=(0, 1, 0, 1, 0, 1)),
    "clusters in blocks, other probabilities in each": Complete(
        weights=((F(1, 4), F(3, 4)), (F(2, 3), F(1, 3))), blocks=(0, 0, 1, 1)
    ),
    "permuted blocks of varying size, cut short": PermutedBlocks(weights=EVEN, strata=(0, 1, 0, 0), sizes=(2, 4)),
    "permuted blocks, 2 : 1": PermutedBlocks(weights=(F(2, 3), F(1, 3)), strata=(0,) * 4, sizes=(3,)),
    "minimisation, three arms": Minimisation(
        weights=THIRDS, levels=((0, 0), (0, 1), (1, 0)), importance=(1.0, 2.0), probability=F(4, 5)
    ),
    "minimisation, 2 : 1, always the least imbalance": Minimisation(
        weights=(F(2, 3), F(1, 3)), levels=((0, 0), (0, 1), (1, 0), (0, 0)), importance=(1.0, 1.0), probability=F(1)
    ),
    "minimisation by the variance": Minimisation(
        weights=EVEN, levels=((0,), (0,), (1,), (0,)), importance=(1.0,), probability=F(3, 4), imbalance="variance"
    ),
    "whole clusters, a remainder": WholeClusters(outer=one_block(UNEQUAL, 4), members=(0, 0, 1, 2, 3, 3)),
    "clusters get one factor, their people the other, unlike ratios": SplitPlot(
        outer=one_block(EVEN, 2),
        inner=((F(1, 2), F(1, 2), F(0), F(0)), (F(0), F(0), F(1, 3), F(2, 3))),
        members=(0, 0, 1),
        strata=(0, 0, 0),
    ),
}


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_each_unit_has_exactly_the_declared_probabilities(scheme, enumerate_outcomes):
    stated = scheme.probabilities()

    outcomes = enumerate_outcomes(scheme.draw)

    for unit, row in enumerate(stated):
        found = marginals(outcomes, unit, len(row))
        assert [float(p) for p in found] == pytest.approx(list(row), abs=1e-15)


@pytest.mark.parametrize(
    ("weights", "n", "count"),
    [
        (EVEN, 6, 20),
        (EVEN, 10, 252),
        (EVEN, 3, 6),
        (THIRDS, 4, 3 * factorial(4) // 2),
    ],
)
def test_the_number_of_possible_assignments(weights, n, count, enumerate_outcomes):
    if n > 6:
        outcomes = {tuple(np.bincount(one_block(weights, n).draw(Stream(s)))) for s in range(20)}
        assert outcomes == {(n // 2, n // 2)}
        assert comb(n, n // 2) == count
        return
    outcomes = enumerate_outcomes(one_block(weights, n).draw)

    assert len(outcomes) == count


def test_randomizr_s_own_cases_come_out_as_it_declares_them():
    cases = [((F(3, 10), F(3, 10), F(4, 10)), 100), ((F(1, 5), F(7, 10), F(1, 10)), 101), ((F(1, 2), F(0), F(1, 2)), 2)]
    for weights, n in cases:
        counts = np.array([np.bincount(one_block(weights, n).draw(Stream(s)), minlength=3) for s in range(400)])
        expected = np.array([float(w * n) for w in weights])

        assert np.abs(counts - expected).max() < 1
        assert np.allclose(counts.mean(axis=0), expected, atol=0.1)


def test_two_blocks_of_three_balance_each_other(enumerate_outcomes):
    outcomes = enumerate_outcomes(SCHEMES["two blocks of three"].draw)

    assert {sum(draw) for draw in outcomes} == {3}


def test_minimisation_with_probability_one_never_lets_a_margin_drift():
    for arms in (2, 3, 5):
        scheme = Minimisation(
            weights=(F(1, arms),) * arms,
            levels=tuple((Stream(i).below(3),) for i in range(60)),
            importance=(1.0,),
            probability=F(1),
        )
        draw = scheme.draw(Stream(9))
        for end in range(1, 61):
            for level in range(3):
                held = [c for c, unit in zip(draw[:end], scheme.levels, strict=False) if unit[0] == level]
                counts = np.bincount(held, minlength=arms)
                assert counts.max() - counts.min() <= 1


def test_minimisation_with_probability_one_over_arms_is_a_die(enumerate_outcomes):
    scheme = Minimisation(weights=THIRDS, levels=((0,), (0,), (0,)), importance=(1.0,), probability=F(1, 3))

    outcomes = enumerate_outcomes(scheme.draw)

    assert set(outcomes.values()) == {F(1, 27)}
    assert len(outcomes) == 27


def test_minimisation_balances_margins_better_than_a_die():
    levels = tuple((Stream(i, "a").below(2), Stream(i, "b").below(4)) for i in range(120))
    least = Minimisation(weights=THIRDS, levels=levels, importance=(1.0, 1.0), probability=F(9, 10))
    die = Simple(weights=THIRDS, n=120)

    def spread(draw):
        tables = [
            np.bincount([c for c, u in zip(draw, levels, strict=True) if u[1] == k], minlength=3) for k in range(4)
        ]
        return float(np.mean([t.max() - t.min() for t in tables]))

    assert np.mean([spread(least.draw(Stream(s))) for s in range(20)]) < 2.5
    assert np.mean([spread(die.draw(Stream(s))) for s in range(20)]) > 5


def test_blocks_of_varying_size_keep_the_ratio_at_every_block_s_end():
    scheme = PermutedBlocks(weights=EVEN, strata=(0,) * 200, sizes=(2, 4, 6))
    draw = np.array(scheme.draw(Stream(4)))

    assert abs(int(draw.sum()) - 100) <= 3
    assert int(np.abs(np.cumsum(2 * draw - 1)).max()) <= 3


@pytest.mark.parametrize("sizes", [(1,), (3,), (), (2, 5)])
def test_a_block_that_cannot_hold_the_ratio_is_refused(sizes):
    with pytest.raises(DeclarationError, match=r"takes 2 people or a multiple.*Try \[2, 4\]"):
        PermutedBlocks(weights=EVEN, strata=(0,) * 4, sizes=sizes)


def test_a_block_of_one_is_explained():
    with pytest.raises(DeclarationError, match="A block of 1 is no block"):
        PermutedBlocks(weights=EVEN, strata=(0,) * 4, sizes=(1,))


@pytest.mark.parametrize("p", [F(1, 4), F(11, 10)])
def test_minimisation_refuses_a_probability_that_favours_imbalance(p):
    with pytest.raises(DeclarationError, match="would favour imbalance"):
        Minimisation(weights=EVEN, levels=((0,),), importance=(1.0,), probability=p)


def test_a_ratio_of_many_shares_is_refused_for_minimisation_only():
    odd = (F(1, 1009), F(1008, 1009))

    assert block_unit(odd) == 1009
    assert sum(one_block(odd, 5).draw(Stream(1))) >= 4
    with pytest.raises(DeclarationError, match="ratio of small whole numbers"):
        Minimisation(weights=odd, levels=((0,),), importance=(1.0,))


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_all_assignments_are_listed_with_their_exact_probability(scheme, enumerate_outcomes):
    outcomes = enumerate_outcomes(scheme.draw)

    every = permute(scheme, None, seed=1)
    listed = dict(zip(map(tuple, every.conditions.tolist()), every.weights, strict=True))

    assert every.exact
    assert len(every.weights) == len(listed) == count_assignments(scheme, most=20_000) == len(outcomes)
    assert listed == pytest.approx({draw: float(p) for draw, p in outcomes.items()}, abs=1e-12)


def test_clusters_are_listed_however_many_people_they_hold():
    scheme = WholeClusters(outer=one_block(EVEN, 6), members=tuple(i // 50 for i in range(300)))

    assert permute(scheme, None, seed=1).conditions.shape == (20, 300)
    assert count_assignments(Minimisation(
        weights=EVEN, levels=((0,),) * 40, importance=(1.0,), probability=F(3, 4)
    )) is None  # fmt: skip


ROUNDED = [
    (EVEN, 7),
    (THIRDS, 4),
    ((F(1, 2), F(1, 4), F(1, 4)), 5),
    ((F(1, 2), F(1, 10), F(2, 5)), 4),
    ((F(9, 20), F(9, 20), F(1, 10)), 5),
    ((F(1, 4),) * 4, 3),
]


@pytest.mark.parametrize(("weights", "n"), ROUNDED)
def test_roundings_of_one_block_are_counted_in_closed_form(weights, n, enumerate_outcomes):
    scheme = one_block(weights, n)

    assert count_assignments(scheme, most=1) == len(enumerate_outcomes(scheme.draw))


def test_a_count_is_closed_or_given_up_at_once():
    """Ten conditions in classes of fifteen: shuffling the columns alone has 10! branches, which nobody walks."""
    tenths = (F(1, 10),) * 10
    one, two = (Complete(weights=(tenths,) * k, blocks=tuple(i % k for i in range(15 * k))) for k in (1, 2))
    whole = Complete(weights=(tenths,) * 24, blocks=tuple(i % 24 for i in range(480)))

    started = perf_counter()
    assert count_assignments(one) == comb(10, 5) * factorial(15) // 2**5
    assert count_assignments(two) is None
    assert count_assignments(whole) == (factorial(20) // 2**10) ** 24
    assert perf_counter() - started < 1  # it was 7 s for the first alone; a fiftieth of this on an idle machine
    with pytest.raises(InputError, match="cannot be listed"):
        permute(two, None, seed=1)


def test_six_conditions_and_a_person_more_are_counted_but_not_listed():
    """7!/2 orders for each of six ways to round up: few enough to list, but too many branches lead to them."""
    scheme = one_block((F(1, 6),) * 6, 7)

    assert count_assignments(scheme) == 6 * factorial(7) // 2 < 20_000
    with pytest.raises(InputError, match="draw some of them instead"):
        permute(scheme, None, seed=1)


GIVEN = {
    "simple": Simple(weights=UNEQUAL, n=4),
    "complete, rounded": one_block(UNEQUAL, 5),
    "two blocks": Complete(weights=(THIRDS, THIRDS), blocks=(0, 1, 0, 1, 0, 1)),
    "blocks in turn": PermutedBlocks(weights=THIRDS, strata=(0, 1, 0, 0, 0, 1), sizes=(3,)),
    "clusters": WholeClusters(outer=one_block(THIRDS, 4), members=(0, 0, 1, 2, 2, 3, 1)),
}


@pytest.mark.parametrize("scheme", GIVEN.values(), ids=GIVEN)
def test_given_who_is_in_two_conditions_the_rest_is_the_scheme_s_own_law(scheme, enumerate_outcomes):
    """Each draw lists, with its probability, exactly what the scheme can give once people and numbers are known."""
    inside = (0, 2)

    def known(draw):
        """What is held fixed: who is in the two conditions and, but for simple assignment, how many of each block."""
        who = tuple(i for i, c in enumerate(draw) if c in inside)
        made = among(scheme, draw, inside)[1]
        outer = made.outer if isinstance(made, WholeClusters) else made
        return who, tuple(map(tuple, outer.expected())) if isinstance(outer, Complete) else ()

    outcomes = enumerate_outcomes(scheme.draw)
    law = {}
    for draw, p in outcomes.items():
        rows = law.setdefault(known(draw), {})
        row = tuple(draw[i] for i in known(draw)[0])
        rows[row] = rows.get(row, 0) + p
    for draw in outcomes:
        if not known(draw)[0]:
            continue
        places, given = among(scheme, draw, inside)
        assert tuple(places) == known(draw)[0]
        every = permute(given, None, seed=1)
        listed = dict(zip(map(tuple, every.conditions.tolist()), every.weights, strict=True))
        own = law[known(draw)]
        assert listed == pytest.approx({row: float(p / sum(own.values())) for row, p in own.items()}, abs=1e-12)


@pytest.mark.parametrize(
    "scheme",
    [
        Minimisation(weights=EVEN, levels=((0,),) * 4, importance=(1.0,), probability=F(3, 4)),
        PermutedBlocks(weights=EVEN, strata=(0,) * 4, sizes=(2, 4)),
    ],
)
def test_where_no_reshuffling_is_left_that_is_said(scheme):
    with pytest.raises(DataError, match="leaves no plain reshuffling"):
        among(scheme, (0, 1, 0, 1), (0,))
