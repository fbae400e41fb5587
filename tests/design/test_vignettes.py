"""Decks: the reference D-efficiencies, blocks, orders, aliases, and what is refused."""

import json
import os
import subprocess
import sys
from itertools import pairwise, permutations, product
from pathlib import Path

import numpy as np
import pytest

from feedbackstudy.design.coding import all_terms, model_matrix
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.fraction import _gains, best_blocks, d_optimal, efficiency
from feedbackstudy.design.squares import latin_square, williams_square
from feedbackstudy.design.vignettes import Vignettes, make_deck
from feedbackstudy.errors import DeclarationError
from feedbackstudy.named import Named


def factor(name, k):
    return Factor(name=name, levels={f"{name}{i}": f"{name} {i}" for i in range(k)}, mode="described", varies="within")


def crossing(*forbidden, sizes=(3, 3, 2, 2)):
    names = ("timing", "framing", "specificity", "credibility")
    return Crossing(Named(factor(n[0], k) for n, k in zip(names, sizes, strict=False)), Named(), tuple(forbidden))


MAIN = model_matrix(crossing(), all_terms(("t", "f", "s", "c"), 1), scheme="orthonormal").matrix


def test_the_quadratic_in_14_runs_is_as_good_as_algdesign_s():
    """AlgDesign, r-help 2011-11 #296625: D .4630447, A 3.22, Ge .893, Dea .887."""
    c = np.array(list(product([-1, 0, 1], repeat=3)), dtype=float)
    x = np.column_stack([np.ones(27), c, c**2, c[:, 0] * c[:, 1], c[:, 0] * c[:, 2], c[:, 1] * c[:, 2]])

    found = efficiency(x, d_optimal(x, 14, seed=3, restarts=600))

    assert found.d == pytest.approx(0.46304474, abs=5e-9)
    assert found.a == pytest.approx(3.22, abs=5e-3)
    assert found.g == pytest.approx(0.893, abs=5e-4)
    assert found.d_bound == pytest.approx(0.887, abs=5e-4)


@pytest.mark.parametrize(("n", "d"), [(9, 0.966908), (12, 0.981729), (18, 0.998227), (24, 0.995511)])
def test_main_effects_of_3x3x2x2_reach_the_reference_efficiency(n, d):
    assert efficiency(MAIN, d_optimal(MAIN, n, seed=1, restarts=60)).d >= d - 1e-6


def test_a_full_factorial_has_efficiency_one():
    found = efficiency(MAIN, np.arange(36))

    assert found.d == pytest.approx(1, abs=1e-12)
    assert found.g == pytest.approx(1, abs=1e-12)


def test_no_single_exchange_improves_a_fraction():
    rows = d_optimal(MAIN, 12, seed=5, restarts=3)
    reached = efficiency(MAIN, rows).d

    for out, new in product(rows, set(range(36)) - set(rows)):
        assert efficiency(MAIN, np.array([new if r == out else r for r in rows])).d <= reached + 1e-9


@pytest.mark.parametrize("n", [6, 37])
def test_a_fraction_smaller_than_the_model_or_larger_than_the_list_is_refused(n):
    with pytest.raises(DeclarationError, match="choose a size from 7 to 36"):
        d_optimal(MAIN, n, seed=1)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6, 9])
def test_williams_orders_balance_place_and_predecessor(k):
    square = williams_square(k)
    neighbours = [(a, b) for row in square for a, b in pairwise(row)]
    each = 1 if k % 2 == 0 else 2

    assert square.shape == (each * k, k)
    assert all(neighbours.count(pair) == each for pair in permutations(range(k), 2))
    assert all(sorted(row) == list(range(k)) for row in square)
    assert all(np.bincount(column).tolist() == [each] * k for column in square.T)


def test_a_latin_square_balances_place():
    assert all(sorted(line) == list(range(5)) for line in (*latin_square(5), *latin_square(5).T))
    with pytest.raises(DeclarationError, match="no order to balance"):
        latin_square(1)


def test_blocks_of_a_2_to_the_3_confound_the_three_way_interaction_only():
    c = np.array(list(product([-1, 1], repeat=3)), dtype=float)
    x = np.column_stack([c, c[:, 0] * c[:, 1], c[:, 0] * c[:, 2], c[:, 1] * c[:, 2]])

    blocks = best_blocks(x, 4, seed=1)

    three_way = c.prod(axis=1)
    assert len({(b, w) for b, w in zip(blocks, three_way, strict=True)}) == 2


def test_a_deck_deals_every_story_once_and_says_how_good_it_is():
    deck = make_deck(crossing(), Vignettes(per_person=6, size=18), seed=7)

    assert sorted(name for b in range(3) for name in deck.hand(b, 0)) == sorted(deck.names)
    assert deck.efficiency.d == pytest.approx(0.998227, abs=2e-3)
    assert deck.left_after_blocks > 0.9
    assert deck.balance()["stories"].tolist() == [6, 6, 6, 6, 6, 6, 9, 9, 9, 9]
    assert (deck.balance()["most in a block"] - deck.balance()["fewest in a block"]).max() <= 1
    assert deck.pairs()["stories"].min() > 0
    assert deck.alias.shape == (7, 4 + 2 + 2 + 2 + 2 + 1)
    assert deck.orders.shape == (6, 6)
    assert not deck.issues
    assert "D-efficiency" in str(deck)
    assert deck.fingerprint == make_deck(crossing(), Vignettes(per_person=6, size=18), seed=7).fingerprint


def test_forbidden_combinations_are_in_no_story():
    deck = make_deck(crossing({"t": "t0", "f": "f1"}, {"c": "c1", "s": "s0"}), Vignettes(per_person=3, size=12), seed=1)

    assert not any(cell.has({"t": "t0", "f": "f1"}) or cell.has({"c": "c1", "s": "s0"}) for cell in deck.cells)
    assert 0 < deck.efficiency.d < 1


def test_a_model_with_interactions_leaves_them_out_of_the_alias_matrix():
    deck = make_deck(crossing(), Vignettes(per_person=6, size=24, interactions=(("t", "f"),)), seed=1)

    assert not any(column.startswith("t e1:f") for column in deck.alias.columns)
    assert make_deck(crossing(), Vignettes(per_person=4, model="two_way"), seed=1).alias.shape[1] == 0


def test_a_story_is_told_in_the_words_of_its_levels():
    deck = make_deck(crossing(sizes=(2, 2)), Vignettes(per_person=2), seed=1)
    words = {"t": {"t0": "at once", "t1": "late"}, "f": {"f0": "kindly", "f1": "bluntly"}}

    texts = deck.texts("It came {t} and was put {f}.", words)

    assert set(texts.values()) == {
        f"It came {t} and was put {f}." for t in words["t"].values() for f in words["f"].values()
    }
    with pytest.raises(DeclarationError, match="does not show 'f'"):
        deck.texts("It came {t}.", words)
    with pytest.raises(DeclarationError, match="Factor in the template 'x'"):
        deck.texts("{t}{f}{x}", words)
    with pytest.raises(DeclarationError, match="Level with words 't1'"):
        deck.texts("{t}{f}", {**words, "t": {"t0": "at once"}})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"per_person": 5, "size": 12}, "cannot be dealt in hands of 5"),
        ({"per_person": 0}, "at least 1"),
        ({"per_person": 4, "interactions": (("t", "t"),)}, "two different factors"),
    ],
)
def test_a_deck_that_cannot_be_dealt_is_refused_when_it_is_declared(given, said):
    with pytest.raises(DeclarationError, match=said):
        Vignettes(**given)


@pytest.mark.parametrize(
    ("vignettes", "said"),
    [
        (Vignettes(per_person=5), "36 stories cannot be dealt"),
        (Vignettes(per_person=6, size=42), "only 36 combinations"),
        (Vignettes(per_person=6, interactions=(("t", "x"),)), "varies within 'x'"),
    ],
)
def test_a_deck_that_does_not_fit_the_study_is_refused(vignettes, said):
    with pytest.raises(DeclarationError, match=said):
        make_deck(crossing(), vignettes, seed=1)


def test_without_a_factor_within_people_there_is_no_deck():
    with pytest.raises(DeclarationError, match="No factor varies within"):
        make_deck(Crossing(Named(), Named(), ()), Vignettes(per_person=1), seed=1)


def test_a_model_that_the_possible_stories_cannot_estimate_is_refused():
    with pytest.raises(DeclarationError, match="cannot estimate the model"):
        make_deck(crossing({"t": "t0"}, sizes=(2, 2, 2)), Vignettes(per_person=4), seed=1)


def test_the_gain_of_a_swap_is_the_ratio_of_determinants():
    rng = np.random.default_rng(4)
    x, blocks, size = rng.normal(size=(12, 3)), np.repeat(np.arange(3), 4), 4

    def information(dealt):
        sums = np.zeros((3, 3))
        np.add.at(sums, dealt, x)
        return x.T @ x - sums.T @ sums / size, sums

    left, sums = information(blocks)
    gains = _gains(left, x, sums, blocks)

    for i in range(12):
        for j in range(i):
            swapped = blocks.copy()
            swapped[i], swapped[j] = swapped[j], swapped[i]
            ratio = np.linalg.det(information(swapped)[0]) / np.linalg.det(left)
            assert gains[i, j] == pytest.approx(-1 if blocks[i] == blocks[j] else ratio - 1, abs=1e-10)


DEAL = """
from feedbackstudy.design.crossing import Crossing
from feedbackstudy.design.factors import Factor
from feedbackstudy.design.vignettes import Vignettes, make_deck
from feedbackstudy.named import Named
factors = [
    Factor(name=f"f{i}", levels={f"l{j}": f"L{j}" for j in range(n)}, mode="described", varies="within")
    for i, n in enumerate((4, 4, 3, 2, 2))
]
print(make_deck(Crossing(Named(factors), Named(), ()), Vignettes(per_person=8, size=48), seed=1).fingerprint)
"""


def test_a_deck_is_the_same_on_processors_that_round_otherwise():
    """OpenBLAS takes the kernels named here, whose last digits differ; without it the variable has no effect."""
    kernels = ("Prescott", "Haswell")

    dealt = {
        subprocess.run(
            [sys.executable, "-c", DEAL], env={**os.environ, "OPENBLAS_CORETYPE": kernel}, check=True, text=True,
            capture_output=True,
        ).stdout
        for kernel in kernels
    }  # fmt: skip

    assert len(dealt) == 1


GOLDEN = Path(__file__).resolve().parents[1] / "reference" / "assign" / "golden-decks-version-1.json"
DECKS = {
    "fraction in blocks": lambda: make_deck(crossing(), Vignettes(per_person=6, size=18), seed=7),
    "two-way interactions": lambda: make_deck(crossing(), Vignettes(per_person=4, model="two_way"), seed=1),
    "forbidden combinations": lambda: make_deck(
        crossing({"t": "t0", "f": "f1"}, {"c": "c1", "s": "s0"}), Vignettes(per_person=3, size=12), seed=1
    ),
    "a latin square": lambda: make_deck(crossing(sizes=(3, 2)), Vignettes(per_person=6), seed=2, order="latin"),
    "random orders": lambda: make_deck(crossing(sizes=(4, 4, 3, 2)), Vignettes(per_person=8, size=48), seed=3,
                                       order="random"),
}  # fmt: skip


@pytest.mark.parametrize("name", DECKS)
def test_a_deck_is_dealt_as_when_version_1_was_made(name):
    """Stories, blocks, orders as version 1 dealt them; other ones are another version, beside this one."""
    golden, deck = json.loads(GOLDEN.read_text(encoding="utf-8"))[name], DECKS[name]()

    assert [cell.key for cell in deck.cells] == golden["stories"]
    assert deck.blocks.tolist() == golden["blocks"]
    assert deck.orders.tolist() == golden["orders"]
    assert deck.fingerprint == golden["fingerprint"]
    assert "algorithm version 1" in str(deck)
