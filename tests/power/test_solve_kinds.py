"""`solve` answers every criterion a study may declare, with the number that a closed form or a root finder gives."""

import math

import pytest
from scipy import optimize, stats

from feedbackstudy.design.plan import Plan
from feedbackstudy.power import bayes_factor_t, precision, solve, t_test, tost
from feedbackstudy.simulate import World
from tests.power.test_diagnosis import MAIN, effect, hypothesis, study_of

SESOI = {"value": 0.4, "unit": "sd"}
BAYES = {"by": "bayes_factor", "threshold": 6.0, "prior_scale": math.sqrt(0.5)}


def one_sided(n: float) -> float:
    """Two groups of n, margin .4, no difference, alpha .05."""
    return float(stats.nct.sf(stats.t.ppf(0.95, 2 * n - 2), 2 * n - 2, 0.4 * math.sqrt(n / 2)))


KINDS = [
    ("positive", None, "power", 0.8, effect(0.5), lambda: t_test(0.5, power=0.8).value),
    ("negligible", {"by": "equivalence"}, "decided", 0.8, World(), lambda: tost(0.4, power=0.8).value),
    (
        "positive",
        {"by": "equivalence", "kind": "non_inferiority"},
        "decided",
        0.8,
        World(),
        lambda: optimize.brentq(lambda n: one_sided(n) - 0.8, 10, 500),
    ),
    ("positive", BAYES, "decided", 0.8, effect(0.5), lambda: bayes_factor_t(0.5, threshold=6, power=0.8).value),
    ("positive", None, "width", 0.4, World(), lambda: precision(0.0, width=0.4).value),
]


@pytest.mark.parametrize(("direction", "by", "goal", "target", "world", "exact"), KINDS)
def test_the_number_is_the_exact_one(direction, by, goal, target, world, exact):
    asked = hypothesis("h1", MAIN, occasion="t1", direction=direction, sesoi=SESOI)
    plan = Plan.model_validate({"decides": {"h1": by}} if by else {})
    found = solve(study_of(160, [asked], plan=plan), world, vary="n", hypothesis="h1", goal=goal, target=target, seed=1)

    assert found.value == pytest.approx(2 * exact(), rel=0.06)  # known to 5 %, at two errors
    assert found.interval[0] <= found.value <= found.interval[1]


def test_a_rounded_number_lies_within_its_range():
    found = solve(study_of(160), effect(0.5), vary="n", hypothesis="h1", seed=3)
    number = int(found.sentence.split()[1])

    assert found.interval[0] <= number <= found.interval[1]
