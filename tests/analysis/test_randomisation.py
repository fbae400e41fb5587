"""Randomisation inference follows the scheme that drew: exact where all assignments are listed, with its error else."""

import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.frequentist.randomisation import randomisation_test
from feedbackstudy.analysis.randomisation import randomisation
from feedbackstudy.assign.conditioning import among
from feedbackstudy.assign.permuting import permute
from feedbackstudy.assign.schemes import Complete
from feedbackstudy.design.chance import Stream
from feedbackstudy.errors import DataError, NotFoundError

TEMPLATE = {
    "title": "Timing",
    "factors": [
        {"name": "timing", "mode": "described", "levels": {"now": "Now", "later": "Later"}, "reference": "later"}
    ],
    "units": [{"name": "person", "n": 10}],
    "waves": [{"name": "t1", "anchor": "decision", "phase": "after"}],
    "measures": [{"name": "usefulness", "kind": "rating", "range": [1, 7], "waves": ["t1"]}],
    "conduct": {"population": "panel", "realism": "hypothetical", "published": "Nobody (2020). Test."},
}


def drawn(n=10, **assignment):
    data = TEMPLATE | {"units": [{"name": "person", "n": n}]}
    study = fs.Study.from_data(data | ({"assignment": assignment} if assignment else {}))
    return fs.assign(study, pd.DataFrame({"participant": [f"p{i}" for i in range(n)]}), seed=3)


@pytest.fixture(scope="module")
def ten():
    allocation = drawn()
    y = np.random.default_rng(7).normal(size=10) + np.asarray(allocation.drawn)
    return allocation, pd.DataFrame({"participant": allocation.participants, "y": y})


def test_all_assignments_of_ten_people_give_the_exact_p(ten):
    allocation, data = ten
    keys = [cell.key for cell in allocation.conditions]
    found = randomisation(data, "y", allocation, {keys[0]: 1, keys[1]: -1}, draws=None)
    y, real = data["y"].to_numpy(), np.asarray(allocation.drawn)

    def t(first):
        a, b = y[first], np.delete(y, first)
        return abs(a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)

    every = np.array([t(list(c)) for c in combinations(range(10), 5)])
    assert found.found.exact
    assert found.found.draws == 252
    assert found.p == pytest.approx((every >= t(np.flatnonzero(real == 0)) * (1 - 1e-9)).mean(), abs=1e-12)
    assert "exact" in str(found)


def test_drawn_assignments_enclose_the_exact_p(ten):
    allocation, data = ten
    keys = [cell.key for cell in allocation.conditions]
    exact = randomisation(data, "y", allocation, {keys[0]: 1, keys[1]: -1}, draws=None).p
    found = randomisation(data, "y", allocation, {keys[0]: 1, keys[1]: -1}, draws=4000)
    assert found.found.p_low <= exact <= found.found.p_high
    assert "99% Monte Carlo interval" in str(found).replace("\n", " ")


def test_missing_outcomes_are_said_and_left_out(ten):
    allocation, data = ten
    keys = [cell.key for cell in allocation.conditions]
    found = randomisation(data.iloc[:9], "y", allocation, {keys[0]: 1, keys[1]: -1}, draws=200)
    assert found.n == 9
    assert "1 assigned participants have no outcome here" in found.notes[-1]


@pytest.mark.parametrize(
    ("change", "contrast", "error", "message"),
    [
        (lambda d: d, {"soon": 1}, NotFoundError, "Condition 'soon' is unknown"),
        (lambda d: d, {"now": 1}, DataError, "sum to zero"),
        (
            lambda d: d.assign(participant=d["participant"] + "x"),
            {"now": 1, "later": -1},
            DataError,
            "not in the alloc",
        ),
        (lambda d: pd.concat([d, d.iloc[:1]]), {"now": 1, "later": -1}, DataError, "stand twice"),
    ],
)
def test_what_does_not_fit_the_allocation_is_refused(ten, change, contrast, error, message):
    allocation, data = ten
    with pytest.raises(error, match=message):
        randomisation(change(data), "y", allocation, contrast, draws=50)


def test_inverse_probabilities_undo_an_assignment_that_favours_high_scores():
    rng = np.random.default_rng(11)
    n, m = 4000, 200
    score = rng.normal(size=n)
    chance = 1 / (1 + np.exp(-score))
    table = np.column_stack([chance, 1 - chance])
    draws = (rng.random((m, n)) > chance).astype(int)
    own = (rng.random(n) > chance).astype(int)
    y = score + rng.normal(size=n)
    common = {"probability": np.full(m, 1 / m), "exact": False}
    plain = randomisation_test(y, own, [1, -1], draws, **common)
    weighted = randomisation_test(y, own, [1, -1], draws, inverse=1 / table, **common)
    assert abs(plain.estimate) > 0.5
    assert abs(weighted.estimate) < 0.25
    # the scheme favours as the real one did, so even the plain contrast is not surprising: its p is fair
    assert min(plain.p, weighted.p) > 0.001


def test_a_covariate_from_before_sharpens_the_test():
    rng = np.random.default_rng(2)
    before = rng.normal(size=300) * 3
    own = np.tile([0, 1], 150)
    y = before + 0.8 * own + rng.normal(size=300)
    draws = np.array([rng.permutation(own) for _ in range(1000)])
    common = {"probability": np.full(1000, 1e-3), "exact": False}
    sharp, blunt = (randomisation_test(y, own, [-1, 1], draws, covariates=x, **common) for x in (before, None))
    assert sharp.p == pytest.approx(1 / 1001)
    assert sharp.statistic > 2 * blunt.statistic


def test_whole_clusters_move_together():
    data = TEMPLATE | {
        "units": [{"name": "site", "n": 6}, {"name": "person", "n": 24, "nested_in": "site"}],
        "factors": [TEMPLATE["factors"][0] | {"assigned_to": "site"}],
    }
    roster = pd.DataFrame({"participant": [f"p{i}" for i in range(24)], "site": [f"s{i // 4}" for i in range(24)]})
    allocation = fs.assign(fs.Study.from_data(data), roster, seed=5)
    drawn = allocation.permutations(50, seed=2).conditions.reshape(50, 6, 4)
    assert (drawn == drawn[:, :, :1]).all()
    site = np.random.default_rng(3).normal(size=6)[np.arange(24) // 4]
    table = pd.DataFrame({"participant": roster["participant"], "y": site + np.arange(24) % 4 / 100})
    found = randomisation(table, "y", allocation, {"now": 1, "later": -1}, draws=3000)
    # 20 ways to choose three of six sites, so no p below 1/20 can occur, however many people a site has
    assert found.p > 0.04


@pytest.mark.against_r
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")
@pytest.mark.parametrize("draws", [None, 300])
def test_the_script_gives_the_same_p_in_r(ten, draws, tmp_path):
    allocation, data = ten
    table = data.assign(age=np.arange(10.0) ** 2)
    found = randomisation(table, "y", allocation, {"now": 1, "later": -1}, covariates=["age"], draws=draws)
    script = found.r_script().save(tmp_path)
    done = subprocess.run(
        [shutil.which("Rscript"), script.name], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    shown = dict(line.split("\t") for line in done.stdout.splitlines())
    assert found.p == pytest.approx(float(shown["p"]), abs=1e-12)
    assert found.found.statistic == pytest.approx(float(shown["statistic"]), rel=1e-9)


@pytest.mark.slow
def test_the_exact_test_never_rejects_more_often_than_its_level():
    """Over every assignment of eight people and fixed outcomes the share with p <= .1 is at most .1: a theorem."""
    y = np.array([0.1, 0.4, 0.5, 1.2, 1.9, 2.0, 3.3, 9.0])
    every = np.array([[int(i not in c) for i in range(8)] for c in combinations(range(8), 4)])
    common = {"probability": np.full(70, 1 / 70), "exact": True}
    p = np.array([randomisation_test(y, own, [1, -1], every, **common).p for own in every])
    for level in (0.03, 0.05, 0.1, 0.2, 0.5):
        assert (p <= level).mean() <= level + 1e-12


ARMED = TEMPLATE | {
    "arms": [{"name": "silence", "told": "nothing"}],
    "covariates": [{"name": "class", "kind": "nominal", "levels": {"a": "A", "b": "B"}}],
    "assignment": {"method": "complete", "by": ["class"]},
}


def in_two_classes():
    """Nine people of each class: three now, three later, three told nothing, who are not asked."""
    roster = pd.DataFrame({"participant": [f"p{i:02d}" for i in range(18)], "class": ["a", "b"] * 9})
    allocation = fs.assign(fs.Study.from_data(ARMED | {"units": [{"name": "person", "n": 18}]}), roster, seed=4)
    cell = np.asarray(allocation.drawn)
    y = np.random.default_rng(5).normal(size=18) + 2.0 * (roster["class"] == "b") + 0.9 * (cell == 0)
    told = np.array([allocation.conditions[i].key != "silence" for i in cell])
    return allocation, roster.assign(y=y)[told], cell[told]


def test_given_who_got_feedback_the_exact_p_is_that_of_all_orders_within_classes():
    allocation, data, cell = in_two_classes()
    found = randomisation(data, "y", allocation, {"now": 1, "later": -1}, draws=None)
    y, classes = data["y"].to_numpy(), data["class"].to_numpy()
    places = [np.flatnonzero(classes == name) for name in ("a", "b")]

    def t(first):
        a, b = y[first], np.delete(y, first)
        return abs(a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)

    every = [t([*p, *q]) for p, q in product(*(combinations(list(place), 3) for place in places))]
    assert len(every) == found.found.draws == found.possible == 400
    real = t(np.flatnonzero(cell == 0))
    assert found.p == pytest.approx((np.array(every) >= real * (1 - 1e-9)).mean(), abs=1e-12)
    shown = str(found).replace("\n", " ")
    assert "conditional on who received feedback" in shown
    assert "6 participants assigned to silence, of whom there is no outcome" in shown
    drawn = randomisation(data, "y", allocation, {"now": 1, "later": -1}, draws=3000)
    assert drawn.found.p_low <= found.p <= drawn.found.p_high
    assert drawn.possible == 400


def test_somebody_told_feedback_without_an_outcome_still_belongs_to_the_shuffled():
    allocation, data, _ = in_two_classes()
    found = randomisation(data.iloc[1:], "y", allocation, {"now": 1, "later": -1}, draws=None)
    assert (found.n, found.possible) == (11, 400)
    assert "1 assigned participants have no outcome here" in found.notes[-1]


def test_a_scheme_that_is_no_reshuffling_given_some_conditions_is_refused():
    roster = pd.DataFrame({"participant": [f"p{i:02d}" for i in range(18)], "class": ["a", "b"] * 9})
    stated = {"assignment": {"method": "minimisation", "by": ["class"]}, "units": [{"name": "person", "n": 18}]}
    allocation = fs.assign(fs.Study.from_data(ARMED | stated), roster, seed=4)
    told = [allocation.conditions[i].key != "silence" for i in allocation.drawn]
    with pytest.raises(DataError, match="leaves no plain reshuffling"):
        randomisation(roster.assign(y=np.arange(18.0))[told], "y", allocation, {"now": 1, "later": -1}, draws=50)


def test_the_conditional_test_never_rejects_more_often_than_its_level():
    """Over all 900 assignments of ten people in two unlike blocks, which are equally likely: a theorem."""
    weights = (Fraction(2, 5), Fraction(2, 5), Fraction(1, 5))
    scheme = Complete(weights=(weights, weights), blocks=(0,) * 5 + (1,) * 5)
    y = np.array([0.1, 0.4, 0.5, 1.2, 1.9, 5.0, 6.3, 6.4, 7.0, 9.5])
    p = []
    for row in permute(scheme, None, seed=1).conditions:
        units, given = among(scheme, tuple(map(int, row)), (0, 1))
        every = permute(given, None, seed=1)
        found = randomisation_test(
            y[units], row[units], [1, -1, 0], every.conditions, probability=every.weights, exact=True
        )
        p.append(found.p)
    assert len(p) == 900
    for level in (0.03, 0.05, 0.1, 0.2, 0.5):
        assert (np.array(p) <= level).mean() <= level + 1e-12
    assert (np.array(p) <= 0.5).mean() > 0.45  # and hardly less often


@pytest.mark.slow
def test_the_conditional_test_holds_its_size_under_rounded_blocks_and_unlike_classes():
    """Twelve classes of seven with fractions in each, and far apart: rejections of a null hypothesis that is true."""
    allocation, _, _ = in_two_classes()
    cells = allocation.conditions
    sixths = (Fraction(1, 6),) * 2 + (Fraction(4, 6),)
    scheme = Complete(weights=(sixths,) * 12, blocks=tuple(i // 7 for i in range(84)))
    names = [f"p{i:02d}" for i in range(84)]
    rng = np.random.default_rng(8)
    low, n = 0, 1500
    for k in range(n):
        drawn = scheme.draw(Stream(k, "tests"))
        own = replace(allocation, scheme=scheme, drawn=drawn, _frame=pd.DataFrame({"participant": names}))
        y = 3 * np.repeat(rng.normal(size=12), 7) + rng.exponential(size=84)
        told = np.array([cells[i].key != "silence" for i in drawn])
        table = pd.DataFrame({"participant": names, "y": y})[told]
        low += randomisation(table, "y", own, {"now": 1, "later": -1}, draws=99, seed=k).p <= 0.05
    assert abs(low / n - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / n)
