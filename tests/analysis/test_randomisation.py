"""Randomisation inference follows the scheme that drew: exact where all assignments are listed, with its error else."""

import shutil
import subprocess
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import feedbackstudy as fs
from feedbackstudy.analysis.frequentist.randomisation import randomisation_test
from feedbackstudy.analysis.randomisation import randomisation
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
