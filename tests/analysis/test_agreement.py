"""Two answers to one contrast: when they agree, differ in size, or contradict each other, and the reason given."""

import pytest

from feedbackstudy.analysis.agreement import agreement
from feedbackstudy.analysis.estimate import Estimate


def row(engine: str, estimate: float, **columns: object) -> Estimate:
    common = {"hypothesis": "h", "outcome": "y", "term": "t", "contrast": "c", "model": "m", "null": 0.0, "se": 0.1}
    return Estimate(engine=engine, estimate=estimate, **(common | columns))


def spanned(low: float, high: float) -> dict[str, object]:
    return {"low": low, "high": high, "level": 0.95, "interval": "HDI"}


CASES = [
    ("both find it", {"p": 0.001}, 0.33, {"bayes_factor": 20.0, **spanned(0.1, 0.5)}, "agree", "on the same side"),
    ("neither", {"p": 0.6}, 0.33, {"bayes_factor": 0.4, **spanned(-0.2, 0.8)}, "agree", "neither"),
    ("Lindley", {"p": 0.02}, 0.21, {"bayes_factor": 0.2, **spanned(0.01, 0.4)}, "conflict", "Lindley"),
    ("reverse", {"p": 0.2}, 0.2, {"bayes_factor": 4.0, **spanned(-0.1, 0.4)}, "conflict", "width of the prior"),
    ("tiny", {"p": 0.001}, 0.33, {"prob_rope": 0.97, **spanned(0.2, 0.4)}, "conflict", "too small to matter"),
    ("signs", {"p": 0.01}, -0.3, {"prob_direction": 0.99, **spanned(-0.5, -0.1)}, "conflict", "opposite signs"),
    ("one only", {"p": 0.03}, 0.3, {**spanned(-0.01, 0.5)}, "magnitude", "only p excludes"),
    ("other only", {"p": 0.07}, 0.3, {**spanned(0.01, 0.5)}, "magnitude", "only the credible interval"),
    ("size", {"p": 0.001}, 0.2, {**spanned(0.05, 0.4)}, "magnitude", "1.5 standard errors apart"),
    (
        "equivalent and real",
        {"p": 0.03, "p_equivalence": 0.01},
        0.33,
        {"bayes_factor": 5.0, **spanned(0.1, 0.5)},
        "conflict",
        "smaller than the smallest of interest",
    ),
    (
        "equivalent for one",
        {"p": 0.4, "p_equivalence": 0.03},
        0.33,
        {"prob_rope": 0.6, **spanned(-0.1, 0.9)},
        "magnitude",
        "only the equivalence test",
    ),
    (
        "equivalent for the other",
        {"p": 0.4, "p_equivalence": 0.2},
        0.33,
        {"prob_rope": 0.97, **spanned(-0.1, 0.9)},
        "magnitude",
        "only the posterior",
    ),
]


@pytest.mark.parametrize(("what", "classical", "median", "bayesian", "verdict", "reason"), CASES)
def test_the_verdict_comes_with_its_reason(what, classical, median, bayesian, verdict, reason):
    found = agreement(row("frequentist", 0.35, **classical), row("bayesian", median, **bayesian), alpha=0.05)

    assert found.verdict == verdict, what
    assert reason in found.reason
    assert str(found) == f"{verdict}: {found.reason}"


def test_the_pull_of_the_prior_is_said_in_percent():
    found = agreement(
        row("frequentist", 0.35, p=0.001), row("bayesian", 0.2, **spanned(0.05, 0.4)), alpha=0.05, prior_sd=0.1
    )

    assert "its sd of 0.1 draws the estimate 50% towards no effect" in found.reason


def test_ratios_are_compared_with_one():
    classical = row("frequentist", 1.6, p=0.001, null=1.0)
    found = agreement(classical, row("bayesian", 1.55, null=1.0, **spanned(1.1, 2.1)), alpha=0.05)

    assert found.verdict == "agree"
    apart = agreement(classical, row("bayesian", 3.0, null=1.0, **spanned(1.1, 5.1)), alpha=0.05)
    assert apart.verdict == "magnitude"
    assert "6.3 standard errors apart" in apart.reason  # log(3 / 1.6) over .1


def test_the_prior_odds_of_the_legs_of_a_path_make_no_conflict():
    """Two legs of a Bayes factor of 3 give the product 3.86 by definition of its odds; 8 each would be a conflict."""
    together = 3 * 0.75**2 / (1 - 0.75**2)
    classical = row("frequentist", 0.1, p=0.09)
    bayesian = row("bayesian", 0.1, bayes_factor=together, **spanned(-0.01, 0.3))

    assert together > 3
    assert agreement(classical, bayesian, alpha=0.05).verdict == "conflict"
    assert agreement(classical, bayesian, alpha=0.05, weakest_leg=2.9).verdict == "agree"
    assert agreement(classical, bayesian, alpha=0.05, weakest_leg=8.0).verdict == "conflict"
